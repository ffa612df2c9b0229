"""What can be looked up in the journal. Every function reads and none writes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    ScalarSelect,
    Select,
    Table,
    and_,
    bindparam,
    func,
    not_,
    or_,
    select,
    true,
)

from bridge.journal.history.offsets import HeldOffsets
from bridge.journal.tables import schema
from bridge.journal.tables.rows import (
    JournaledEvent,
    events_from_rows,
    invoice_from_row,
    observation_from_text,
    payment_from_row,
    payout_from_row,
    refund_from_row,
)
from bridge.journal.tables.unreadable_rows import (
    RowKind,
    StoredRow,
    UnreadableRow,
    all_read,
    is_not_noted,
    read_or_note,
    readable,
    reading,
)
from bridge.journal.writing.commit_times import committed_at, last_offset
from bridge.journal.writing.prefetch import payments_of_requests
from coordinator.histories import Place
from coordinator.payments.agreed.invoices import Invoice
from coordinator.payments.observed.observations import Observation
from coordinator.payments.payments import OPEN_STATUSES, Payment
from coordinator.payouts.payouts import Payout
from coordinator.refunds.refunds import Refund

__all__ = [
    "DuePayment",
    "HistoryEntry",
    "PaymentRecord",
    "asked_addresses",
    "checkout_record",
    "coins_to_pay",
    "due_at_once",
    "due_payments",
    "events_about",
    "held_at",
    "history_entry",
    "last_of_the_old",
    "last_place",
    "latest_time",
    "next_due_at",
    "oldest_offset",
    "payment_record",
    "payment_records",
    "request_records",
    "tail",
]


_EVENTS = schema.events.c
_TAIL = (
    select(*schema.EVENT_COLUMNS)
    .where(_EVENTS.offset > bindparam("after"))
    .order_by(_EVENTS.offset)
    .limit(bindparam("limit"))
)
_IS_READABLE = is_not_noted(RowKind.PAYMENT, schema.payments.c.payment_id)
# Says what its index says of itself: else all payments are looked through.
_NEXT_DUE_AT = (
    select(schema.payments.c.due_at)
    .where(schema.payments.c.due_at.is_not(None), _IS_READABLE)
    .order_by(schema.payments.c.due_at)
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One observation of a payment, and where the payment stood after it."""

    at: datetime
    key: str
    """Of the message that reported it."""
    observation: Observation
    effect: str
    status: str
    escrow_state: str
    received: Decimal


@dataclass(frozen=True, slots=True)
class PaymentRecord:
    """A payment with its past."""

    payment: Payment
    updated_at: datetime
    history: tuple[HistoryEntry, ...]
    invoices: tuple[Invoice, ...] = ()
    """Those that the bridge itself opened or wants to; the first is the one to pay."""
    refusals: Mapping[str, str] = field(default_factory=dict)
    """Why the provider did not open those that are not open, by their coins."""
    payouts: tuple[Payout, ...] = ()
    refunds: tuple[Refund, ...] = ()
    """Oldest first."""


def payment_record(connection: Connection, payment_id: str) -> PaymentRecord | None:
    """A payment with its past. Raises UnreadableRowError."""
    records = payment_records(connection, [payment_id])
    return next(iter(all_read(records)), None)


def payment_records(connection: Connection, payment_ids: Sequence[str]) -> list[PaymentRecord | UnreadableRow]:
    """Those of some payments that there are, in no order."""
    return _records(connection, select(schema.payments).where(schema.payments.c.payment_id.in_(payment_ids)))


def request_records(connection: Connection, request_id: str) -> list[PaymentRecord | UnreadableRow]:
    """The payments for one purchase request, oldest first."""
    payments, found = schema.payments, payments_of_requests([request_id]).subquery()
    return _records(
        connection,
        select(payments)
        .join(found, found.c.payment_id == payments.c.payment_id)
        .order_by(payments.c.created_at, payments.c.payment_id),
    )


def checkout_record(connection: Connection, checkout_id: str) -> PaymentRecord | None:
    """The payment of a template checkout. Raises UnreadableRowError."""
    checkouts = schema.checkouts
    payment_id = connection.scalar(select(checkouts.c.payment_id).where(checkouts.c.checkout_id == checkout_id))
    return None if payment_id is None else payment_record(connection, payment_id)


def _records(connection: Connection, statement: Select[Any]) -> list[PaymentRecord | UnreadableRow]:
    rows = connection.execute(statement).mappings().all()
    histories: dict[str, list[RowMapping]] = {row["payment_id"]: [] for row in rows}
    observations = schema.observations
    for seen in connection.execute(
        select(observations).where(observations.c.payment_id.in_(histories)).order_by(observations.c.observation_id)
    ).mappings():
        histories[seen["payment_id"]].append(seen)
    invoices = _invoices(connection, histories)
    payouts, refunds = _out(connection, schema.payouts, histories), _out(connection, schema.refunds, histories)

    def record(row: StoredRow) -> PaymentRecord:
        payment_id = row["payment_id"]
        first_rows = [rows[0] for rows in invoices[payment_id]]
        return PaymentRecord(
            payment_from_row(row),
            row["updated_at"],
            tuple(readable(connection, history_entry, histories[payment_id])),
            tuple(map(_invoice, invoices[payment_id])),
            {first["coin"]: first["refused"] for first in first_rows if first["refused"] is not None},
            tuple(map(payout_from_row, payouts[payment_id])),
            tuple(map(refund_from_row, refunds[payment_id])),
        )

    found = [(row, read_or_note(connection, record, row)) for row in rows]
    return [_in_place_of(row, one) if isinstance(one, UnreadableRow) else one for row, one in found]


def _in_place_of(row: RowMapping, unreadable: UnreadableRow) -> UnreadableRow:
    """What a list has instead of a record of which a part cannot be read."""
    return unreadable._replace(concerns=row["payment_id"], created_at=row["created_at"])


@reading(RowKind.OBSERVATION, "observation_id", concerns="payment_id")
def history_entry(row: StoredRow) -> HistoryEntry:
    return HistoryEntry(
        at=row["received_at"],
        key=row["key"],
        observation=observation_from_text(row["observation"]),
        effect=row["effect"],
        status=row["status"],
        escrow_state=row["escrow_state"],
        received=Decimal(row["received"]),
    )


def _invoice(rows: Sequence[RowMapping]) -> Invoice:
    """An invoice out of its rows, one for each address that it ever had."""
    addresses = tuple(row["address"] for row in rows if row["address"] is not None)
    return invoice_from_row(rows[0]).model_copy(update={"addresses": addresses})


def _out(connection: Connection, table: Table, payment_ids: Iterable[str]) -> dict[str, list[RowMapping]]:
    """What goes out of payments, of each the oldest first."""
    found: dict[str, list[RowMapping]] = {payment_id: [] for payment_id in payment_ids}
    began = table.c.opened_at if table is schema.refunds else table.c.created_at
    statement = select(table).where(table.c.payment_id.in_(found)).order_by(began)
    for row in connection.execute(statement).mappings():
        found[row["payment_id"]].append(row)
    return found


def _invoices(connection: Connection, payment_ids: Iterable[str]) -> dict[str, list[list[RowMapping]]]:
    """The rows of the invoices of payments, of each the one to pay first, with every address they ever had."""
    invoices, addresses = schema.invoices, schema.invoice_addresses
    is_its = (addresses.c.payment_id == invoices.c.payment_id) & (addresses.c.coin == invoices.c.coin)
    rows = connection.execute(
        select(invoices, addresses.c.address)
        .join(addresses, is_its, isouter=True)
        .where(invoices.c.payment_id.in_(payment_ids))
        .order_by(invoices.c.wanted_at.desc(), invoices.c.coin, addresses.c.given_at, addresses.c.address)
    ).mappings()
    found: dict[str, list[list[RowMapping]]] = {payment_id: [] for payment_id in payment_ids}
    for (payment_id, _), of_invoice in groupby(rows, key=lambda row: (row["payment_id"], row["coin"])):
        found[payment_id].append(list(of_invoice))
    return found


class DuePayment(NamedTuple):
    """A payment whose deadline is to be applied."""

    payment: Payment
    coin: str
    """The one that its buyer is to pay with; empty where the bridge opened no invoice."""


def due_payments(
    connection: Connection,
    before: datetime,
    *,
    only: Sequence[str],
    but: Collection[str],
    but_coins: Collection[str],
    limit: int,
) -> list[DuePayment]:
    """Payments of some providers whose deadline lies before that and was not applied, and that may still move, the
    longest overdue first: not some of them, by their ids, and none in some coins."""
    payments = schema.payments
    coin = func.coalesce(_coin_to_pay(payments.c.payment_id), "")
    rows = connection.execute(
        select(payments.c.payment_id, coin)
        .where(payments.c.due_at < before, payments.c.provider.in_(only), payments.c.status.in_(OPEN_STATUSES))
        .where(_IS_READABLE, coin.not_in(but_coins) if but_coins else true())
        .order_by(payments.c.due_at)
        .limit(limit + len(but))
    )
    coins = dict([(payment_id, coin) for payment_id, coin in rows if payment_id not in but][:limit])
    found = connection.execute(
        select(payments).where(payments.c.payment_id.in_(list(coins))).order_by(payments.c.due_at)
    ).mappings()
    due = readable(connection, payment_from_row, found)
    return [DuePayment(payment, coins[payment.payment_id]) for payment in due]


def coins_to_pay(connection: Connection, payment_ids: Collection[str]) -> dict[str, str]:
    """The coins that the buyers of some payments are to pay with, as far as the bridge opened their invoices."""
    payments = schema.payments
    rows = connection.execute(
        select(payments.c.payment_id, _coin_to_pay(payments.c.payment_id)).where(
            payments.c.payment_id.in_(payment_ids)
        )
    )
    return {payment_id: coin for payment_id, coin in rows if coin is not None}


def _coin_to_pay(payment_id: ColumnElement[str]) -> ScalarSelect[str]:
    invoices = schema.invoices
    return (
        select(invoices.c.coin)
        .where(invoices.c.payment_id == payment_id)
        .order_by(invoices.c.wanted_at.desc(), invoices.c.coin)
        .limit(1)
        .scalar_subquery()
    )


def due_at_once(
    connection: Connection, before: datetime, *, but: Sequence[str], grace: timedelta, limit: int
) -> list[str]:
    """The ids of all others whose deadline lies before that and was not applied, the longest overdue first: not those
    of some providers that may still move, nor those with an invoice of the bridge's before the end of a grace, since
    their provider would have to be asked first."""
    payments, invoices = schema.payments, schema.invoices
    is_open = payments.c.status.in_(OPEN_STATUSES)
    is_invoiced = select(invoices.c.payment_id).where(invoices.c.payment_id == payments.c.payment_id).exists()
    waits = or_(payments.c.provider.in_(but), and_(payments.c.due_at >= before - grace, is_invoiced))
    return list(
        connection.scalars(
            select(payments.c.payment_id)
            .where(payments.c.due_at < before, not_(and_(is_open, waits)), _IS_READABLE)
            .order_by(payments.c.due_at)
            .limit(limit)
        )
    )


def next_due_at(connection: Connection) -> datetime | None:
    """When the next deadline lies that was not applied, or lay; None if there is none."""
    at: datetime | None = connection.scalar(_NEXT_DUE_AT)
    return at


def asked_addresses(connection: Connection, payment_id: str) -> frozenset[str]:
    """Where the buyer of a payment was ever asked to pay."""
    addresses = schema.invoice_addresses
    return frozenset(connection.scalars(select(addresses.c.address).where(addresses.c.payment_id == payment_id)))


def last_place(connection: Connection) -> Place:
    """That of the newest event; the beginning while there is none."""
    events = schema.events
    last = connection.execute(
        select(events.c.offset, events.c.committed_at).order_by(events.c.offset.desc()).limit(1)
    ).first()
    return Place(0, None) if last is None else Place(last.offset, last.committed_at)


def latest_time(connection: Connection) -> datetime | None:
    """The latest time that anything bears, as the last event and all payments show it: after a clock that was wrong,
    not that of what came last. None while there is nothing."""
    registered = connection.scalar(select(func.max(schema.payments.c.created_at)))
    return max(filter(None, (last_place(connection).at, registered)), default=None)


def held_at(connection: Connection, offset: int) -> HeldOffsets:
    """What the journal holds, for one place in it."""
    return HeldOffsets(oldest_offset(connection), last_offset(connection), committed_at(connection, offset))


def oldest_offset(connection: Connection) -> int:
    """The oldest event's offset, or 1 while there is none."""
    return connection.scalar(select(func.min(schema.events.c.offset))) or 1


def last_of_the_old(connection: Connection, *, before: datetime, newest: int, limit: int) -> int | None:
    """The offset up to which events may be forgotten, `limit` of them at most; None if there are none."""
    events = schema.events
    oldest, last = oldest_offset(connection), last_offset(connection)
    first_young = connection.scalar(
        select(func.min(events.c.offset)).where(
            events.c.offset < oldest + limit, events.c.offset >= oldest, events.c.committed_at >= before
        )
    )
    old_by_age = oldest + limit - 1 if first_young is None else first_young - 1
    old_by_number = last - newest if newest else 0
    end = min(max(old_by_age, old_by_number), oldest + limit - 1, last - 1)
    return end if end >= oldest else None


def events_about(connection: Connection, subjects: Sequence[str], names: Sequence[str]) -> list[JournaledEvent]:
    """The events of some kinds that tell about some purchase requests or messages, in order."""
    events = schema.events
    rows = connection.execute(
        select(*schema.EVENT_COLUMNS)
        .where(events.c.subject.in_(subjects), events.c.name.in_(names))
        .order_by(events.c.offset)
    )
    return events_from_rows(rows)


def tail(connection: Connection, after: int, limit: int) -> list[JournaledEvent]:
    """Up to `limit` events that come after offset `after`, in order."""
    return events_from_rows(connection.execute(_TAIL, {"after": after, "limit": limit}))
