"""Blocks, and the transfers in them, as nodes tell of them. Pure."""
