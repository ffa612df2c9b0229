"""What can be wrong with a destination, in one word each."""

from enum import StrEnum

__all__ = ["DestinationFault"]


class DestinationFault(StrEnum):
    """What is wrong with one: pages say it to people in their own language by it."""

    NOT_AN_ADDRESS = "not_an_address"
    MISTYPED = "mistyped"
    OTHER_NETWORK = "other_network"
    """It is an address, of another coin or network."""
    OWN_ADDRESS = "own_address"
    """It is one of the marketplace itself."""
    NOT_PAYABLE = "not_payable"
    """It is an address of the coin, and nothing should be sent there."""
