"""The console's routes, for finance ops: what needs a person, what happened, and what can be done about it."""
