"""Texts that addresses and invoices are written in, down to their checksums."""
