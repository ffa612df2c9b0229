"""Chains: follows each, and stores what is seen there together with what it changes."""
