"""Endpoints of services: sends them the journal's events."""
