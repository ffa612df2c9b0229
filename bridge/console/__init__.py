"""What people look at: the payment page, the payout console and the system view, as the bridge serves them."""
