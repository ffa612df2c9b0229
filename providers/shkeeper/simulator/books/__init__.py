"""Books of the local SHKeeper: its invoices, its payouts, and which notices of them are to be posted."""
