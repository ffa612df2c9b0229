"""Confirming: what has to be asked, again or of another endpoint, before money counts."""
