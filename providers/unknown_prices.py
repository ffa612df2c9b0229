"""Unknown prices: why a provider cannot say at this moment what a coin is worth, so that nothing is sent for it."""

from enum import StrEnum

from coordinator.errors import BridgeError

__all__ = ["PriceFault", "PriceUnknownError"]


class PriceFault(StrEnum):
    """What is wrong with a price that was told."""

    OF_ANOTHER = "of-another"
    """It is that of another coin, currency or amount than was asked about."""
    CONTRADICTORY = "contradictory"
    """It and its own rate cannot both be right."""
    UNREADABLE = "unreadable"


class PriceUnknownError(BridgeError):
    """The message says why, for a person to read, as a part of a sentence."""

    def __init__(self, message: str, fault: PriceFault | None = None) -> None:
        """`fault` is what is wrong with the price; None where none was told, as by a provider that is away."""
        super().__init__(message)
        self.fault = fault
