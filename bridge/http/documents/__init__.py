"""Documents: payments, payouts and refunds as REST answers with them."""
