"""What the bridge does by itself: it opens the invoices that are needed, and asks providers for statuses."""
