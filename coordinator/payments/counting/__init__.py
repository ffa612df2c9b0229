"""Counting: what the facts come to, in the payment's money and in time."""
