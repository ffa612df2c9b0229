"""The books: what every change of a payment or payout is entered as, and what the entries come to."""
