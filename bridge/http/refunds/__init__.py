"""Refunds over REST: what is looked at before one is opened, and where it goes."""
