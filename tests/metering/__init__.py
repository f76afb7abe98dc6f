"""Workers, lanes, quota policies and budgets (SPEC 7, 8)."""
