"""Deciding: whether what was observed fits, what it adds to the facts, and which events tell of it."""
