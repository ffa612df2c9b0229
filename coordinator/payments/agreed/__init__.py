"""Agreed: what a payment is for, where it is to be paid, and what a gateway asks for on top."""
