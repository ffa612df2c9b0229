"""Destinations of coins that the bridge does not know: an operator can have newer ones. All that can be told of them
is that they mean nothing in a URL, and are as long as addresses are."""

from providers.shkeeper.destinations.family import ALPHANUMERIC, Family, NotOfFamilyError

__all__ = ["UNKNOWN"]

SHORTEST, LONGEST = 20, 120


def _read(address: str, test_network: bool) -> str:
    if len(address) < SHORTEST:
        raise NotOfFamilyError(f"this has {len(address)} characters")
    return address


UNKNOWN = Family(
    described="an address",
    form=f"{SHORTEST} to {LONGEST} letters and digits, and - _ : between them",
    characters=ALPHANUMERIC | set("-_:"),
    longest=LONGEST,
    read=_read,
)
