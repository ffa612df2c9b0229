"""Payouts: how much may leave, who has to allow it, what was observed of each, and what that proves."""
