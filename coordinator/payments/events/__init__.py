"""Events: what buyers, sellers and staff are told of a payment and of what it pays for."""
