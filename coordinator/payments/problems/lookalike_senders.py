"""Lookalike senders: who sent something to a payment from an address that may be mistaken for one which sent to it
before. Whoever sends money back by a list of transfers may copy the wrong one. Pure.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from coordinator.addresses import resembled
from coordinator.payments.observed.observations import Sighting
from coordinator.payments.payments import Payment

__all__ = ["lookalike_senders", "lookalikes_said"]

_UNKNOWN = datetime.max.replace(tzinfo=UTC)


def lookalike_senders(sightings: Sequence[Sighting]) -> Mapping[str, str]:
    """Of the transfers whose senders may be mistaken for one that sent before: for which, by the transfers' ids."""
    found: dict[str, str] = {}
    before: set[str] = set()
    for one in sorted(sightings, key=_order):
        if one.sender is None:
            continue
        other = resembled(one.sender, before)
        if other is not None:
            found[one.transfer.transfer_id] = other
        before.add(one.sender)
    return found


def lookalikes_said(payment: Payment) -> str | None:
    """The same, for whoever decides about the payment to read; None if there are none."""
    found = lookalike_senders(payment.facts.sightings)
    said = {
        f"{one.sender} is not {found[one.transfer.transfer_id]}, which sent before, and may have been made to look"
        f" like it ({one.transfer.tx_hash}): send nothing to either by a list of transfers"
        for one in payment.facts.sightings
        if one.transfer.transfer_id in found
    }
    return "; ".join(sorted(said)) or None


def _order(sighting: Sighting) -> tuple[datetime, int, str]:
    """The order of the chain, as far as it is known."""
    return sighting.transfer.occurred_at or _UNKNOWN, sighting.block_number or 0, sighting.transfer.transfer_id
