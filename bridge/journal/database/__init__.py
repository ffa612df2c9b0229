"""The database beneath the journal: opening and locking it, and bringing its schema to the newest version."""
