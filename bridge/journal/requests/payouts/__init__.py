"""Requests about payouts: registration, attempts to have them sent, what is observed, and what holds them back."""
