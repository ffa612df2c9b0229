"""Destinations of payouts through SHKeeper: whether one can be an address of its coin.

SHKeeper itself looks at little, and asks the coin's daemon with the destination in the path of a URL; sellers type
their addresses themselves. So here is where one is read, before anything is written. Nothing here asks anybody.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from providers.destination_faults import DestinationFault
from providers.shkeeper.coins import LIGHTNING
from providers.shkeeper.destinations.bitcoins import BITCOIN, DOGECOIN, FIRO, FIRO_SPARK, LITECOIN
from providers.shkeeper.destinations.evm import EVM
from providers.shkeeper.destinations.family import DestinationWrongError, Family, NotOfFamilyError
from providers.shkeeper.destinations.invoices import LIGHTNING_INVOICE, check_terms
from providers.shkeeper.destinations.monero import MONERO
from providers.shkeeper.destinations.solana import SOLANA
from providers.shkeeper.destinations.ton import TON
from providers.shkeeper.destinations.tron import TRON
from providers.shkeeper.destinations.unknown import UNKNOWN
from providers.shkeeper.destinations.xrp import XRP

__all__ = [
    "DestinationWrongError",
    "Family",
    "family_of",
    "read_destination",
    "spellings_of",
    "usual_spelling",
    "why_nobody_pays_to",
]

_COINS: Mapping[str, Family] = {
    "BTC": BITCOIN,
    LIGHTNING: LIGHTNING_INVOICE,
    "LTC": LITECOIN,
    "DOGE": DOGECOIN,
    "FIRO": FIRO,
    "FIRO-SPARK": FIRO_SPARK,
    "XMR": MONERO,
    "XRP": XRP,
    "SOL": SOLANA,
    "TON": TON,
    **dict.fromkeys(("TRX", "USDT", "USDC"), TRON),
    **dict.fromkeys(("ETH", "BNB", "MATIC", "AVAX", "ARBETH", "OPETH"), EVM),
}
# What a token's name begins with, so that one which is newer than this is read as well.
_CHAINS: Mapping[str, Family] = {
    "SOLANA": SOLANA,
    "TON": TON,
    **dict.fromkeys(("ETH", "BNB", "POLYGON", "AVALANCHE", "ARB", "OP"), EVM),
}
# In this order a destination of another coin is told: Solana's have no checksum, so they come last.
_RECOGNISED = (EVM, LIGHTNING_INVOICE, BITCOIN, LITECOIN, DOGECOIN, FIRO, FIRO_SPARK, TRON, XRP, TON, MONERO, SOLANA)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?://)?")
_BLANK = {" ": "a blank", "\t": "a tabulator", "\n": "a line's end", "\r": "a line's end"}


def family_of(coin: str) -> Family:
    """How a coin's addresses are written."""
    prefix, dash, _ = coin.partition("-")
    return _COINS.get(coin) or (_CHAINS.get(prefix) if dash else None) or UNKNOWN


def read_destination(
    coin: str,
    destination: str,
    *,
    amount: Decimal | None = None,
    now: datetime | None = None,
    test_network: bool = False,
) -> str:
    """The destination as it is to be used: with the capitals of EIP-55 for EVM chains, in small letters for bech32,
    for XRP in the one form that it has with a tag or without, otherwise as it came. Raises DestinationWrongError,
    which says what is wrong and what was expected.

    `amount` and `now` are for Lightning, whose destinations are invoices of an amount, which lapse. With
    `test_network` the addresses of the coin's test networks are taken, and those alone, where they differ.
    """
    family = family_of(coin)
    try:
        destination = family.put_together(destination, test_network)
        _check_characters(family, destination)
        read = family.read(destination, test_network)
        if family is LIGHTNING_INVOICE:
            check_terms(read, amount, now)
        if objection := family.objection(read):
            raise DestinationWrongError(objection)
    except NotOfFamilyError as error:
        other_network = _other_network(family, destination, test_network=test_network)
        fault = error.fault if other_network is None else DestinationFault.OTHER_NETWORK
        raise DestinationWrongError(
            f"expected {family.described} ({family.form}); {other_network or error}", fault
        ) from None
    except DestinationWrongError as error:
        raise DestinationWrongError(f"expected {family.described} ({family.form}); {error}", error.fault) from None
    return read


def spellings_of(coin: str, destination: str) -> tuple[str, ...]:
    """The ways to write a destination that `read_destination` has read: each is the same account. Older bridges took
    what is no address, which has one."""
    try:
        return family_of(coin).spellings(destination)
    except ValueError:
        return (destination,)


@lru_cache(4096)
def usual_spelling(coin: str, address: str) -> str:
    """An address that a gateway tells of, in the one form in which it is compared with others: without what stands
    around it in a URI, and of the ways to write one account the usual one. What is no address stays as it is."""
    family = family_of(coin)
    if family is UNKNOWN:
        return address.strip()
    bare = _SCHEME.sub("", address.strip(), count=1)
    return family.usual(bare if family is XRP else bare.partition("?")[0])


def why_nobody_pays_to(coin: str, address: str, *, test_network: bool = False) -> str | None:
    """Why no buyer can be told to pay to an address in its usual spelling, with what was expected; None if one can.
    It is read as a destination of payouts is. Of a coin that is newer than this it is as the gateway says, as long as
    it has characters alone that addresses have."""
    if family_of(coin) is UNKNOWN:
        fits = bool(address) and UNKNOWN.characters.issuperset(address)
        return None if fits else f"expected {UNKNOWN.described} ({UNKNOWN.form})"
    try:
        read_destination(coin, address, test_network=test_network)
    except DestinationWrongError as error:
        return str(error)
    return None


def _check_characters(family: Family, destination: str) -> None:
    if not destination:
        raise NotOfFamilyError("this is empty")
    for place, character in enumerate(destination[: family.longest + 1], 1):
        if character not in family.characters:
            shown = _BLANK.get(character) or ascii(character)
            raise NotOfFamilyError(f"its character {place} is {shown}, which none has")
    if len(destination) > family.longest:
        raise NotOfFamilyError(f"this has {len(destination)} characters")


def _other_network(family: Family, destination: str, *, test_network: bool) -> str | None:
    """What a destination is that is none of a family, if that can be told."""
    if family is UNKNOWN:
        return None
    for other in _RECOGNISED:
        if other.understands(destination, test_network=False):
            return f"this is {'one of the main network' if other is family else other.described}"
    # Firo's begin on a test network as Tron's do everywhere, so these come after the others.
    if family.understands(destination, test_network=not test_network):
        return "this is one of a test network"
    for other in _RECOGNISED:
        if other.understands(destination, test_network=True):
            return f"this is {other.described} of a test network"
    return None
