"""Wallets: what they hold is compared with the books, once a day and on request."""
