"""Observed: what providers and chains tell of a payment, in words that none of them owns."""
