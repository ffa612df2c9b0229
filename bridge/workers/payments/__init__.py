"""Payments: opens the invoices that are needed, asks providers how payments stand, and applies deadlines."""
