"""Payouts through SHKeeper: whether an order can be right, ordering it, and what answers prove."""
