"""What a list has in place of a payment or payout of which what is stored cannot be read."""

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from pydantic import Field

from bridge.http.front.pages import place_text
from bridge.journal import ListedPayment, ListedPayout, PageEnd, PaymentRecord, PayoutRecord, UnreadableRow
from coordinator.attention.unreadable import WHAT_TO_DO, said_of
from coordinator.models import FrozenModel

__all__ = ["UNREADABLE_DESCRIPTION", "Page", "UnreadableItem", "page_of", "place_of", "split_unreadable"]

T = TypeVar("T")
R = TypeVar("R", ListedPayment, ListedPayout, PaymentRecord, PayoutRecord)

UNREADABLE_DESCRIPTION = "Those that belong here and cannot be read, each with what to do about it; as a rule none."


class UnreadableItem(FrozenModel):
    """A payment or payout of which what is stored cannot be read."""

    id: str = Field(description="The payment's, or the payout's.")
    detail: str
    advice: str


def split_unreadable(found: Sequence[T | UnreadableRow]) -> tuple[list[T], list[UnreadableItem]]:
    """What could be read, and what could not."""
    read = [one for one in found if not isinstance(one, UnreadableRow)]
    unreadable = [
        UnreadableItem(id=one.concerns, detail=f"{said_of(one.kind, one.identifier)}.", advice=WHAT_TO_DO)
        for one in found
        if isinstance(one, UnreadableRow)
    ]
    return read, unreadable


def place_of(last: ListedPayment | ListedPayout | PaymentRecord | PayoutRecord | UnreadableRow) -> PageEnd:
    """Where a page ends with this."""
    match last:
        case UnreadableRow():
            if last.created_at is None:
                raise LookupError(f"no list goes by when {last.kind} {last.identifier} began")
            return PageEnd(last.created_at, last.concerns)
        case ListedPayment() | PaymentRecord():
            return PageEnd(last.payment.created_at, last.payment.payment_id)
        case _:
            return PageEnd(last.payout.created_at, last.payout.payout_id)


class Page(NamedTuple, Generic[R]):
    """A page of a list."""

    read: list[R]
    unreadable: list[UnreadableItem]
    next: str | None
    """Where the next page begins, as an address says it; None at the end."""


def page_of(found: Sequence[R | UnreadableRow], limit: int) -> Page[R]:
    """What is shown of what was found: one more than `limit`, where there is another page."""
    read, unreadable = split_unreadable(found[:limit])
    if len(found) <= limit:
        return Page(read, unreadable, None)
    place = place_of(found[limit - 1])
    return Page(read, unreadable, place_text(place.created_at, place.identifier))
