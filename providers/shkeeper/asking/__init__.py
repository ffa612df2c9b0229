"""Asking SHKeeper: its API, with which keys, what its errors mean, and when it is left alone."""
