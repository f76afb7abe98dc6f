"""What is simulated, as data (``model``), and how it is read from a file (``reading``)."""
