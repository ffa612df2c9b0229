"""Staged rows: what the requests of one batch read and want written, a module for each kind."""
