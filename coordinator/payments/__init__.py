"""Payments: what was observed of one, what that proves, the status that follows and the events that tell of it."""
