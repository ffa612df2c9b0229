"""EVM chains: payments and payouts watched to finality, and payouts checked that others have sent."""
