"""What comes out of a simulation."""
