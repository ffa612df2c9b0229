"""Requests: what the writer can be asked for. Each decides inside a batch, first, and stages what follows, last."""
