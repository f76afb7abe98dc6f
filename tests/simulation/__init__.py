"""Tests of the simulator: the log reader, the run, its audit, the command line."""
