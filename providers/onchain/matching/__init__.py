"""Matching: what a transfer pays, and what following a chain makes of it. Pure."""
