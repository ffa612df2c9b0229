"""Payouts over REST: what is looked at before one is ordered, where it may go, and what became of it."""
