"""The usual payment: one transfer came, of which nobody doubts anything, and is worth just what was agreed. All that
follows from its facts is known at a look; of any other payment each thing is derived by itself, as of this one too,
which is for a property-based test to show.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from coordinator.money import ZERO
from coordinator.payments.counting.fee_shares import takes_nothing
from coordinator.payments.facts.facts import Facts
from coordinator.payments.observed.observations import Standing

__all__ = ["usual_figures"]

_NONE_OF: Mapping[str, Any] = {}


def usual_figures(facts: Facts, amount: Decimal) -> Mapping[str, Any]:
    """What is derived of a payment through a provider, by the names of its properties, as far as it is the usual one;
    nothing if it is not. `amount` is what was agreed."""
    booked = facts.booked
    if len(booked) != 1 or facts.asked is not None or facts.unreadable is not None:
        return _NONE_OF
    if facts.rates or facts.borrowed or facts.taken or facts.sightings or facts.seen:
        return _NONE_OF
    one = booked[0]
    if not one.is_proven or one.assets:
        return _NONE_OF
    if one.doubts is not None or one.spread is not None or one.taken_back_at is not None:
        return _NONE_OF
    transfer = one.transfer
    value = transfer.value
    if value is None or value != amount or value != facts.books.balance or transfer.fee or not transfer.amount:
        return _NONE_OF
    if facts.given and transfer.asset not in facts.coins:
        return _NONE_OF
    if not takes_nothing(facts.fees_said, facts.fees_priced):
        return _NONE_OF
    counted = (transfer,)
    return {
        "counted": counted,
        "confirmed": counted,
        "in_flight": (),
        "paid": value,
        "received": value,
        "_for_goods": value,
        "is_free_of_fees": True,
        "excess": ZERO,
        "has_enough": True,
        "standing": Standing.PAID,
        "is_held": False,
    }
