"""Replacements of payouts: whether money that did not leave, or came back, has been made up for since. Pure.

Making up for a part is not making up for all, and what was made before it came back was for something else.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from coordinator.money import ZERO, excess_over

__all__ = ["OutgoingMoney", "not_replaced"]


class OutgoingMoney(NamedTuple):
    """Money that leaves, or was to."""

    identifier: str
    amount: Decimal | None
    """None if that was not written down: then it makes up for all there is, and is made up for by any."""
    made_at: datetime
    came_back_at: datetime | None = None
    """When it was known that it came back, or had never left; None as long as it is not."""


def not_replaced(outgoings: Iterable[OutgoingMoney]) -> frozenset[str]:
    """Those of the outgoings of one kind of money whose money is back and was not made up for in full since: what was
    made after it came back makes up for it, the oldest first."""
    owed: dict[str, Decimal | None] = {}
    for _, is_made, identifier, amount in sorted(_moments(outgoings), key=lambda moment: moment[:3]):
        if is_made:
            # It does not make up for itself, however short the time between.
            own = {name: one for name, one in owed.items() if name == identifier}
            others = {name: one for name, one in owed.items() if name != identifier}
            owed = {**dict(_still_owed(others, amount)), **own}
        else:
            owed[identifier] = amount
    return frozenset(owed)


def _moments(outgoings: Iterable[OutgoingMoney]) -> Iterator[tuple[datetime, bool, str, Decimal | None]]:
    for outgoing in outgoings:
        yield outgoing.made_at, True, outgoing.identifier, outgoing.amount
        if outgoing.came_back_at is not None:
            yield max(outgoing.came_back_at, outgoing.made_at), False, outgoing.identifier, outgoing.amount


def _still_owed(owed: Mapping[str, Decimal | None], paid: Decimal | None) -> Iterator[tuple[str, Decimal | None]]:
    if paid is None:
        return
    for identifier, amount in owed.items():
        if not paid:
            yield identifier, amount
        elif amount is None:
            paid = ZERO
        else:
            left, paid = excess_over(amount, paid), excess_over(paid, amount)
            if left:
                yield identifier, left
