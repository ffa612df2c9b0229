"""Writing: the one thread that commits, a batch of requests at a time."""
