"""Claims: what can belong to only one payment, which are an address that a provider gave out, and money that came to
one. Pure.

A gateway that was restored from a backup may give an address out again, and one transaction may be reported for two
orders. Several outputs of one transaction to different addresses are different money.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from coordinator.addresses import address_key
from coordinator.payments.observed.observations import InvoiceSnapshot, Observation

__all__ = ["MoneyClaim", "address_claim", "money_claims"]


class MoneyClaim(NamedTuple):
    """What names the money of one transfer."""

    output: str
    """That it is this output of a transaction."""
    address: str
    """That it came to this address, which nobody claims by money coming there."""


def address_claim(provider: str, address: str) -> str:
    """What names an address that a provider gave out."""
    return _of_address(provider, address_key(address))


def _of_address(provider: str, key: str) -> str:
    return f"{provider} address {key}"


def money_claims(provider: str, observation: Observation, known: Collection[str] = ()) -> Mapping[str, MoneyClaim]:
    """By their keys, what names the money of each transfer that an observation tells of, as far as it says where that
    went to; without those whose keys are known."""
    if not isinstance(observation, InvoiceSnapshot):
        return {}
    claims = {}
    for transfer in observation.transfers:
        # A message names the address of the coin that is to be paid with, and of no other.
        of_coin = observation.address if transfer.asset == observation.coin else None
        place = observation.places.get(transfer.transfer_id) or of_coin
        if place and (key := transfer.key) not in known:
            at = address_key(place)
            claims[key] = MoneyClaim(f"{provider} output {transfer.asset} {key} {at}", _of_address(provider, at))
    return claims
