"""Invoices of SHKeeper: opening them, asking how they stand, and what a buyer's wallet opens."""
