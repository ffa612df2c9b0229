"""Parts: what of a payment is some of its sellers', and how that stands."""
