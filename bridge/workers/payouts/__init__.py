"""Payouts: orders them, asks what became of each, and finds out what nobody knows of one."""
