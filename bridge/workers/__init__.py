"""What the bridge does by itself: it opens the invoices that are wanted, and asks providers how they stand."""
