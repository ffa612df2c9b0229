"""Unknown prices: why a provider cannot say at this moment what a coin is worth, so that nothing is sent for it."""

from coordinator.errors import BridgeError

__all__ = ["PriceUnknownError"]


class PriceUnknownError(BridgeError):
    """The message says why, for a person to read, as a part of a sentence."""
