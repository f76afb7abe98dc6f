"""The facade: clock, lock, commit, observers, and the public calls by chapter."""
