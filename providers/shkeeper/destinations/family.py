"""Family of destinations: coins whose addresses are written alike, and what makes one of them right."""

import string
from collections.abc import Callable
from dataclasses import dataclass

from coordinator.errors import BridgeError
from providers.destination_faults import DestinationFault

__all__ = [
    "ALPHANUMERIC",
    "DestinationWrongError",
    "Family",
    "MistypedError",
    "NotOfFamilyError",
]

ALPHANUMERIC = frozenset(string.ascii_letters + string.digits)


class DestinationWrongError(BridgeError, ValueError):
    """Money cannot be sent there; the message says why, and what was expected. It does not quote the destination:
    people paste keys where addresses belong."""

    def __init__(self, message: str, fault: DestinationFault = DestinationFault.NOT_PAYABLE) -> None:
        super().__init__(message)
        self.fault = fault


class NotOfFamilyError(DestinationWrongError):
    """It is not written as the family's addresses are: it may be another family's."""

    def __init__(self, message: str, fault: DestinationFault = DestinationFault.NOT_AN_ADDRESS) -> None:
        super().__init__(message, fault)


class MistypedError(NotOfFamilyError):
    """It looks like one of the family's, but for a character or two."""

    def __init__(self, message: str = "its checksum does not hold; is a character mistyped?") -> None:
        super().__init__(message, DestinationFault.MISTYPED)


@dataclass(frozen=True, slots=True)
class Family:
    """How the addresses of some coins are written. What it says of one ends up in messages."""

    described: str
    """With its article: `a Tron address`."""
    form: str
    """What it looks like, in a few words."""
    characters: frozenset[str]
    """All that an address can have. The coin's daemon is asked with it in the path of a URL, so none of them may mean
    anything there."""
    longest: int
    read: Callable[[str, bool], str]
    """The address as it is to be used, in the form of the main network or, if the second is true, of a test network.
    Raises DestinationWrongError. What it is given has right characters alone, and is not too long."""
    put_together: Callable[[str, bool], str] = lambda written, test_network: written
    """One address of what people write in parts, as that of a network; what is not stays as it is. Raises
    DestinationWrongError."""
    objection: Callable[[str], str | None] = lambda address: None
    """Why nothing should be sent to an address, right as it is."""
    spellings: Callable[[str], tuple[str, ...]] = lambda address: (address,)
    """The ways in which an address may be written, right as it is: all of them are the same account."""

    usual: Callable[[str], str] = lambda address: address
    """An address in the one form that gateways write mostly, of whatever they may write; what is none stays as it
    is."""

    def admits(self, destination: str) -> bool:
        """Whether it has the characters and the length of an address of this family."""
        return 0 < len(destination) <= self.longest and self.characters.issuperset(destination)

    def understands(self, destination: str, *, test_network: bool) -> bool:
        """Whether it is an address of this family."""
        if not self.admits(destination):
            return False
        try:
            self.read(destination, test_network)
        except DestinationWrongError:
            return False
        return True
