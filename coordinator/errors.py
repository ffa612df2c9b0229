"""The root of every error the bridge raises on purpose."""

__all__ = ["BridgeError"]


class BridgeError(Exception):
    """Something the bridge can explain: the message says what was wrong and what to do about it."""
