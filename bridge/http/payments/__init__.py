"""Payments and template checkouts over REST."""
