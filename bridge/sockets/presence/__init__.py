"""Presence: who is online, and who types."""
