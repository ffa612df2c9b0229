"""Books: writes what moved while nobody did, and compares them with what providers and chains know."""
