"""Attention: what needs a person, why, and what that person can do."""
