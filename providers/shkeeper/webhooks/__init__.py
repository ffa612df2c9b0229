"""Webhooks of SHKeeper: who sent one, and what it says."""
