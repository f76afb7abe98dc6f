"""What must fail a type checker is read by one, and never imported."""

collect_ignore = ["fails"]
