"""Nodes: asking the endpoints of a chain, and believing them no further than they show."""
