"""Stories of the engine, one per file: commands and answers; each says what it shows, and why."""
