"""Facts: everything that was seen of a payment, merged so that order and repetition do not matter."""
