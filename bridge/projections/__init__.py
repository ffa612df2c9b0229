"""Projections: what a stretch of past events amounts to, for clients that were away. Pure functions over events."""
