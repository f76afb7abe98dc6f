"""What other groups measure as a whole, taken apart: where the time goes, and what takes the bytes."""
