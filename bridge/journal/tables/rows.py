"""Between rows and models: how a payment, an observation and an event look in the tables."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from pydantic import TypeAdapter
from sqlalchemy import RowMapping

from bridge.catalogue.activities import UserActivity
from bridge.journal.tables.unreadable_rows import RowKind, StoredRow, reading
from coordinator.books.entries import Account, Entry, EntryKind
from coordinator.events import Audience, Event, event_of
from coordinator.histories import Place
from coordinator.money import format_amount
from coordinator.payments.agreed.agreements import Checkout, DirectPayment, Terms
from coordinator.payments.agreed.invoices import Invoice, InvoiceOpened, InvoiceWanted
from coordinator.payments.facts.booked import AnnouncedTransfer, Booked
from coordinator.payments.facts.facts import Facts
from coordinator.payments.observed.observations import Observation, Sighting
from coordinator.payments.payments import Payment, PaymentStatus
from coordinator.payments.problems.problems import problems_of
from coordinator.payouts.facts import PayoutFacts
from coordinator.payouts.fees_taken import network_fee_is_due
from coordinator.payouts.observations import PayoutObservation
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import PayoutStatus
from coordinator.refunds.refunds import Refund

__all__ = [
    "ENTRY",
    "EVERYONE",
    "MOVED_PAYMENT",
    "JournaledEvent",
    "NodeActivity",
    "activity_from_row",
    "activity_row",
    "entry_from_row",
    "entry_row",
    "events_from_rows",
    "invoice_from_row",
    "journaled_event_of",
    "moved_payment_row",
    "observation_from_text",
    "payment_from_row",
    "payment_problems",
    "payment_row",
    "payout_from_row",
    "payout_observation_from_text",
    "payout_row",
    "refund_from_row",
    "refund_row",
]

EVERYONE = ""
"""The room under which events for everyone are found again. No room has an empty name."""


class NodeActivity(NamedTuple):
    """What a user does at one of the bridges that share the journal."""

    node: str
    change: int
    """The number of the commit that it came with."""
    activity: UserActivity
    said_at: datetime | None = None
    """When it was written down; None where an older bridge did."""


_PAYOUT_OBSERVATION: TypeAdapter[PayoutObservation] = TypeAdapter(PayoutObservation)
_OBSERVATION: TypeAdapter[Observation] = TypeAdapter(Observation)


class JournaledEvent(NamedTuple):
    """An event and its place in the journal."""

    offset: int
    event: Event
    committed_at: datetime
    traceparent: str | None = None
    """The trace that it belongs to, if there is one."""

    @property
    def place(self) -> Place:
        return Place(self.offset, self.committed_at)


journaled_event_of: Callable[[tuple[int, Event, datetime, str | None]], JournaledEvent] = partial(
    tuple.__new__, JournaledEvent
)
"""As `event_of`."""


def observation_from_text(text: str) -> Observation:
    return _OBSERVATION.validate_json(text)


@reading(RowKind.INVOICE, "payment_id", concerns="payment_id")
def invoice_from_row(row: StoredRow) -> Invoice:
    return Invoice(
        payment_id=row["payment_id"],
        wanted=InvoiceWanted.model_validate_json(row["wanted"]),
        wanted_at=row["wanted_at"],
        opened=None if row["opened"] is None else InvoiceOpened.model_validate_json(row["opened"]),
    )


def payment_row(payment: Payment, now: datetime) -> dict[str, Any]:
    return {
        "payment_id": payment.payment_id,
        "provider": payment.provider,
        "external_id": payment.external_id,
        "request_id": payment.request_id,
        "buyer_id": payment.buyer_id,
        "seller_id": payment.seller_id,
        "offer_id": payment.offer_id,
        "amount": format_amount(payment.amount),
        "currency": payment.currency,
        "created_at": payment.created_at,
        "expires_at": payment.expires_at,
        "checkout": None if payment.checkout is None else payment.checkout.model_dump_json(),
        "direct": None if payment.direct is None else payment.direct.model_dump_json(),
        "chain": payment.direct and payment.direct.chain,
        "recipient": payment.direct and payment.direct.recipient,
        "return_url": payment.return_url,
        "due_at": payment.due_at,
        "terms": payment.terms.model_dump_json(),
        "entered_at": now,
        **payment_problems(payment, now),
        "facts": payment.facts.as_json(),
        "status": payment.status,
        "escrow_state": payment.escrow_state,
        "updated_at": now,
        "completed_at": now if payment.status is PaymentStatus.COMPLETED else None,
        "search_text": _search_text(_payment_names(payment)),
    }


def payment_problems(payment: Payment, now: datetime) -> dict[str, Any]:
    """What is wrong with a payment, of which there was news now."""
    kinds = " ".join(problem.kind for problem in problems_of(payment))
    return {"problems": kinds or None, "problems_at": now if kinds else None}


MOVED_PAYMENT = (
    *("by_payment_id", "new_facts", "new_status", "new_escrow_state"),
    *("new_updated_at", "new_completed_at", "new_search_text"),
)


def moved_payment_row(payment: Payment, moment: Any) -> tuple[Any, ...]:
    """What of a payment's row changes in its life, besides its deadline and problems, for an update, in the order of
    `MOVED_PAYMENT`; `moment` is now, as the driver has it."""
    return (
        payment.payment_id,
        payment.facts.as_json(),
        # A text of another class the driver looks up how to adapt, which costs more than to bind it.
        str(payment.status),
        str(payment.escrow_state),
        moment,
        moment if payment.status is PaymentStatus.COMPLETED else None,
        _search_text(_payment_names(payment)),
    )


def _payment_names(payment: Payment) -> list[str]:
    """What a payment can be found by."""
    names = [payment.payment_id, payment.external_id, payment.request_id, payment.buyer_id, payment.seller_id]
    if payment.checkout is not None:
        names.append(payment.checkout.checkout_id)
        for share in payment.shares:
            names += (share.request_id, share.seller_id)
    facts = payment.facts
    transfers: tuple[Booked | AnnouncedTransfer | Sighting, ...] = (*facts.booked, *facts.seen, *facts.sightings)
    names += [one.transfer.tx_hash for one in transfers]
    names += sorted(facts.hints)
    return names


def _payout_names(payout: Payout) -> Iterator[str]:
    """What a payout can be found by."""
    yield from (payout.payout_id, payout.payment_id, payout.payee_id, payout.destination)
    yield from (
        *([payout.refund_id] if payout.refund_id else []),
        *payout.facts.external_ids.values(),
        *([payout.facts.task_id] if payout.facts.task_id else []),
        *payout.facts.tx_hashes,
        *payout.facts.returns,
    )


def _search_text(names: Iterable[str]) -> str:
    return "\n".join(dict.fromkeys(map(str.lower, names)))


@reading(RowKind.PAYMENT, "payment_id", concerns="payment_id", begins="created_at")
def payment_from_row(row: StoredRow) -> Payment:
    agreed = (
        "payment_id provider external_id request_id buyer_id seller_id offer_id amount currency created_at expires_at"
        " return_url"
    )
    return Payment(
        **{name: row[name] for name in agreed.split()},
        checkout=None if row["checkout"] is None else Checkout.model_validate_json(row["checkout"]),
        direct=None if row["direct"] is None else DirectPayment.model_validate_json(row["direct"]),
        terms=Terms.model_validate_json(row["terms"]),
        facts=Facts.model_validate_json(row["facts"]),
    )


def payout_row(payout: Payout, now: datetime) -> dict[str, Any]:
    return {
        "payout_id": payout.payout_id,
        "provider": payout.provider,
        "payment_id": payout.payment_id,
        "seller_id": payout.seller_id,
        "destination": payout.destination,
        "coin": payout.coin,
        "amount": format_amount(payout.amount),
        "fee": None if payout.fee is None else format_amount(payout.fee),
        "worth": None if payout.worth is None else format_amount(payout.worth),
        "created_at": payout.created_at,
        "facts": payout.facts.model_dump_json(),
        "status": payout.status,
        "updated_at": now,
        "batch_id": payout.batch_id,
        "chain": payout.chain,
        "sender": payout.sender,
        "completed_at": now if payout.status is PayoutStatus.COMPLETED else None,
        "search_text": _search_text(_payout_names(payout)),
        "ended_in_doubt": payout.ended_in_doubt,
        "refund_id": payout.refund_id,
        "buyer_id": payout.buyer_id,
        "worth_currency": payout.worth_currency,
        "asked_by": payout.asked_by,
        "asked_through": payout.asked_through,
        "cleared_at": payout.cleared_at,
        "overdue_at": payout.overdue_at,
        "entered_at": now,
        "network_fee_due": network_fee_is_due(payout) or None,
    }


@reading(RowKind.PAYOUT, "payout_id", concerns="payout_id", begins="created_at")
def payout_from_row(row: StoredRow) -> Payout:
    agreed = (
        "payout_id provider payment_id seller_id refund_id buyer_id destination coin amount fee worth created_at"
        " batch_id chain sender worth_currency asked_by asked_through"
    )
    return Payout(**{name: row[name] for name in agreed.split()}, facts=PayoutFacts.model_validate_json(row["facts"]))


def refund_row(refund: Refund, now: datetime) -> dict[str, Any]:
    amounts = {"amount": format_amount(refund.amount), "coin_amount": None}
    if refund.coin_amount is not None:
        amounts["coin_amount"] = format_amount(refund.coin_amount)
    return {**dict(refund), **amounts, "status": refund.status, "updated_at": now}


@reading(RowKind.REFUND, "refund_id", concerns="refund_id")
def refund_from_row(row: StoredRow) -> Refund:
    return Refund(**{name: row[name] for name in Refund.model_fields})


def payout_observation_from_text(text: str) -> PayoutObservation:
    return _PAYOUT_OBSERVATION.validate_json(text)


ENTRY = ("entered_at", "kind", "unit", "amount", "payment_id", "seller_id", "wallet", "payout_id")


def entry_row(payment_id: str, entry: Entry, moment: Any) -> tuple[Any, ...]:
    """An entry in the order of `ENTRY`; `moment` is when it is entered, as the driver has it."""
    (kind, unit, seller_id, wallet, payout_id), amount = entry
    return moment, str(kind), unit, format(amount, "f"), payment_id, seller_id, wallet, payout_id


def entry_from_row(row: RowMapping) -> Entry:
    account = Account(EntryKind(row["kind"]), row["unit"], row["seller_id"], row["wallet"], row["payout_id"])
    return Entry(account, Decimal(row["amount"]))


def activity_row(node: str, activity: UserActivity) -> dict[str, Any]:
    return activity._asdict() | {"node": node, "chat_id": activity.chat_id or ""}


def activity_from_row(row: RowMapping) -> NodeActivity:
    activity = UserActivity(
        row["user_id"], row["chat_id"] or None, is_on=row["is_on"], at=row["at"], user_name=row["user_name"]
    )
    return NodeActivity(row["node"], row["change"], activity, row["said_at"])


def events_from_rows(rows: Iterable[Sequence[Any]]) -> list[JournaledEvent]:
    """Events out of rows of `schema.EVENT_COLUMNS`."""
    found: list[JournaledEvent] = []
    audiences: dict[tuple[bool, str], Audience] = {}  # the events of a payment go to the same few
    for offset, name, everyone, rooms, payload, subject, at, traceparent in rows:
        audience = audiences.get((everyone, rooms))
        if audience is None:
            audience = audiences[everyone, rooms] = Audience(everyone=everyone, rooms=tuple(json.loads(rooms)))
        found.append(journaled_event_of((offset, event_of((name, audience, payload, subject)), at, traceparent)))
    return found
