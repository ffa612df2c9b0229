"""Endpoints: where services of the marketplace are sent the journal's events, as Standard Webhooks."""
