"""The life of an execution, tested through the public API: table, stories, walks, folds, snapshots."""
