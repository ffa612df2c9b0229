"""What finance ops look up: payments and payouts by page and filter, what needs a person, totals, and actions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    func,
    literal_column,
    or_,
    select,
    text,
    union_all,
)

from bridge.journal.queries.problems import has_problem, unopened_since, without_address_since
from bridge.journal.queries.unpaid import unpaid
from bridge.journal.tables import schema
from bridge.journal.tables.payout_tables import ENDED_IN_DOUBT
from bridge.journal.tables.rows import JournaledEvent, events_from_rows, payment_from_row, payout_from_row
from bridge.journal.tables.unreadable_rows import (
    RowKind,
    StoredRow,
    UnreadableRow,
    is_not_noted,
    read_or_note,
    readable,
    required,
)
from bridge.journal.writing.staged.actions import DISMISS, Action
from coordinator.payments.payments import Payment, PaymentStatus
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import STATUSES_TO_RESOLVE, UNSETTLED_STATUSES, PayoutStatus

__all__ = [
    "SHOWN_LIMIT",
    "TOTAL_LIMIT",
    "ConsoleFilter",
    "ListedPayment",
    "ListedPayout",
    "PageEnd",
    "StoredWebhook",
    "UnmatchedWebhook",
    "actions",
    "actions_concerning",
    "dismissals",
    "listed_payment",
    "listed_payments",
    "listed_payout",
    "listed_payouts",
    "payment_events",
    "payouts_for_a_person",
    "stored_webhook",
    "total",
    "unmatched_webhooks",
    "unreadable_webhooks",
    "waiting_observation",
]

# Nobody reads how many more there are than this, and to count them costs more than to show a page.
TOTAL_LIMIT = 10_000

# Each of these would be counted by a person as one problem; beyond so many it is one problem.
SHOWN_LIMIT = 200


@dataclass(frozen=True, slots=True)
class ConsoleFilter:
    """Which payments or payouts are wanted: all that fulfil what is given."""

    statuses: Sequence[str] = ()
    provider: str | None = None
    currency: str | None = None
    """Of a payment; the coin of a payout."""
    seller_id: str | None = None
    search: str | None = None
    """Part of an id, of an address or of a transaction's hash."""
    created_from: datetime | None = None
    created_before: datetime | None = None
    completed_from: datetime | None = None
    completed_before: datetime | None = None
    problems: Sequence[str] = ()
    """What is wrong with a payment: one of these kinds."""
    has_problems: bool = False
    """Also those with which anything is wrong."""
    unopened_since: datetime | None = None
    """Also those whose buyer has had no address since before that."""


@dataclass(frozen=True, slots=True)
class PageEnd:
    """Where a page ended."""

    created_at: datetime
    identifier: str


@dataclass(frozen=True, slots=True)
class ListedPayment:
    """A payment with its current status."""

    payment: Payment
    updated_at: datetime
    completed_at: datetime | None
    """When it was first known to be."""
    unopened_since: datetime | None = None
    """Since when its invoice is wanted, where that is not opened and it waits for money."""


@dataclass(frozen=True, slots=True)
class ListedPayout:
    """A payout with its current status."""

    payout: Payout
    updated_at: datetime
    completed_at: datetime | None
    """When it was first known to be."""


@dataclass(frozen=True, slots=True)
class StoredWebhook:
    """A signed webhook that made no sense, or was of a payout that nobody asked for here."""

    webhook_id: int
    provider: str
    body: bytes
    reason: str
    received_at: datetime
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class UnmatchedWebhook:
    """What was reported of a payment that is not registered, the first of it if that was more."""

    observation_id: int
    provider: str
    external_id: str
    count: int
    received_at: datetime
    last_received_at: datetime


def listed_payments(
    connection: Connection, wanted: ConsoleFilter, after: PageEnd | None, limit: int
) -> list[ListedPayment | UnreadableRow]:
    """The payments that a filter wants, newest first, from a place on."""
    rows = _page(connection, schema.payments, "payment_id", wanted, after, limit)
    unopened = unopened_since(connection, [row["payment_id"] for row in rows])
    return [read_or_note(connection, partial(_listed_payment, unopened), row) for row in rows]


def listed_payouts(
    connection: Connection, wanted: ConsoleFilter, after: PageEnd | None, limit: int
) -> list[ListedPayout | UnreadableRow]:
    """The payouts that a filter wants, newest first, from a place on."""
    rows = _page(connection, schema.payouts, "payout_id", wanted, after, limit)
    return [read_or_note(connection, _listed_payout, row) for row in rows]


def listed_payment(connection: Connection, payment_id: str) -> ListedPayment | None:
    payments = schema.payments
    row = connection.execute(select(payments).where(payments.c.payment_id == payment_id)).mappings().first()
    if row is None:
        return None
    return required(connection, partial(_listed_payment, unopened_since(connection, [payment_id])), row)


def listed_payout(connection: Connection, payout_id: str) -> ListedPayout | None:
    payouts = schema.payouts
    row = connection.execute(select(payouts).where(payouts.c.payout_id == payout_id)).mappings().first()
    return None if row is None else required(connection, _listed_payout, row)


def _listed_payment(unopened: Mapping[str, datetime], row: StoredRow) -> ListedPayment:
    payment = payment_from_row(row)
    return ListedPayment(payment, row["updated_at"], row["completed_at"], unopened.get(payment.payment_id))


def _listed_payout(row: StoredRow) -> ListedPayout:
    return ListedPayout(payout_from_row(row), row["updated_at"], row["completed_at"])


def total(connection: Connection, kind: Literal["payments", "payouts"], wanted: ConsoleFilter) -> int:
    """How many a filter wants; TOTAL_LIMIT if they are that many or more."""
    table = schema.payments if kind == "payments" else schema.payouts
    found = select(table.c.created_at).where(*_conditions(table, wanted)).limit(TOTAL_LIMIT).subquery()
    return connection.scalar(select(func.count()).select_from(found)) or 0


def _page(
    connection: Connection, table: Table, key: str, wanted: ConsoleFilter, after: PageEnd | None, limit: int
) -> Sequence[Any]:
    identifier, place = table.c[key], _place(table, key, after)
    newest_first = (table.c.created_at.desc(), identifier.desc())
    if len(wanted.statuses) <= 1:
        conditions = [*_conditions(table, wanted), *place]
    else:
        # Of each status by itself, as the index has them; together all of them would be sorted.
        of_each = [
            select(identifier)
            .where(*_conditions(table, replace(wanted, statuses=(status,))), *place)
            .order_by(*newest_first)
            .limit(limit)
            .subquery()
            for status in dict.fromkeys(wanted.statuses)
        ]
        conditions = [identifier.in_(union_all(*(select(some.c[key]) for some in of_each)))]
    return connection.execute(select(table).where(*conditions).order_by(*newest_first).limit(limit)).mappings().all()


def _place(table: Table, key: str, after: PageEnd | None) -> list[ColumnElement[bool]]:
    if after is None:
        return []
    # Said twice over, so that either database goes straight to the place in the index.
    is_before = or_(table.c.created_at < after.created_at, table.c[key] < after.identifier)
    return [table.c.created_at <= after.created_at, is_before]


# Most payments and payouts end so.
_USUAL_STATUSES = frozenset({PaymentStatus.COMPLETED, PaymentStatus.EXPIRED, PayoutStatus.COMPLETED})


def _conditions(table: Table, wanted: ConsoleFilter) -> list[ColumnElement[bool]]:
    currency = table.c.currency if table is schema.payments else table.c.coin
    conditions: list[ColumnElement[bool]] = []
    has_rare_status = bool(wanted.statuses) and _USUAL_STATUSES.isdisjoint(wanted.statuses)
    # The first of these that is given is looked up, by its index, and the others are compared. SQLite, which does not
    # know how many rows have what, would take any of them, and sort what it finds.
    by_use: list[tuple[ColumnElement[str], Sequence[str]]] = [
        (table.c.seller_id, [] if wanted.seller_id is None else [wanted.seller_id]),
        (table.c.status, wanted.statuses if has_rare_status else []),
        (currency, [] if wanted.currency is None else [wanted.currency]),
        (table.c.status, [] if has_rare_status else wanted.statuses),
        (table.c.provider, [] if wanted.provider is None else [wanted.provider]),
    ]
    given = [(column, values) for column, values in by_use if values]
    conditions += [
        (column if place == 0 else column.concat("")).in_(values) for place, (column, values) in enumerate(given)
    ]
    if given and wanted.seller_id is None:
        conditions.append(_is_listed(table))
    conditions += _wrong_as(wanted)
    if wanted.search is not None:
        conditions.append(table.c.search_text.contains(wanted.search.lower(), autoescape=True))
    for moment, since, before in (
        (table.c.created_at, wanted.created_from, wanted.created_before),
        (table.c.completed_at, wanted.completed_from, wanted.completed_before),
    ):
        if since is not None:
            conditions.append(moment >= since)
        if before is not None:
            conditions.append(moment < before)
    return conditions


def _is_listed(table: Table) -> ColumnElement[bool]:
    """All are, but only these lists ask for it: so SQLite uses the indexes that are made for them nowhere else."""
    key: ColumnElement[str] = table.c.payment_id if table is schema.payments else table.c.payout_id
    return key != literal_column("''")


def _wrong_as(wanted: ConsoleFilter) -> Iterator[ColumnElement[bool]]:
    """What has to be wrong with a payment: few are, and they are found by what is wrong, and not among all."""
    payment_id, problems_at = schema.payments.c.payment_id, schema.payments.c.problems_at
    wrong = [and_(has_problem(kind), problems_at.is_not(None)) for kind in wanted.problems]
    if wanted.has_problems:
        wrong.append(problems_at.is_not(None))
    if not wrong and wanted.unopened_since is None:
        return
    those = [select(payment_id).where(or_(*wrong))] if wrong else []
    if wanted.unopened_since is not None:
        those.append(without_address_since(wanted.unopened_since))
    yield payment_id.in_(union_all(*those) if len(those) > 1 else those[0])


_GOING_ON = tuple(
    status for status in UNSETTLED_STATUSES if status not in (*STATUSES_TO_RESOLVE, PayoutStatus.AWAITING_APPROVAL)
)


def payouts_for_a_person(connection: Connection, now: datetime, limit: int) -> list[ListedPayout]:
    """Payouts that will not go on by themselves: those of which nobody knows enough, those that take too long, those
    that await approval, those that ended in a doubtful way, and those that failed or came back and that nothing that
    was paid since makes up for in full; the oldest of each first."""
    payouts = schema.payouts
    is_known = is_not_noted(RowKind.PAYOUT, payouts.c.payout_id)
    found: list[ListedPayout] = []
    for condition in (
        payouts.c.status.in_(STATUSES_TO_RESOLVE),
        and_(
            payouts.c.status.in_(_GOING_ON),
            payouts.c.overdue_at < now,
        ),
        payouts.c.status == PayoutStatus.AWAITING_APPROVAL,
        text(ENDED_IN_DOUBT),
        payouts.c.payout_id.in_(unpaid(connection)),
    ):
        rows = connection.execute(
            select(payouts).where(condition, is_known).order_by(payouts.c.created_at).limit(limit)
        )
        found += readable(connection, _listed_payout, rows.mappings())
    return found


def unreadable_webhooks(connection: Connection, limit: int) -> list[StoredWebhook]:
    """The newest of the webhooks that are stored for a person to review."""
    webhooks = schema.unreadable_webhooks
    rows = connection.execute(
        select(webhooks).where(webhooks.c.read_at.is_(None)).order_by(webhooks.c.webhook_id.desc()).limit(limit)
    )
    return [_webhook(row) for row in rows.mappings()]


def stored_webhook(connection: Connection, webhook_id: int) -> StoredWebhook | None:
    webhooks = schema.unreadable_webhooks
    row = connection.execute(select(webhooks).where(webhooks.c.webhook_id == webhook_id)).mappings().first()
    return None if row is None else _webhook(row)


def waiting_observation(connection: Connection, observation_id: int) -> tuple[str, str | None] | None:
    """The provider's name for what an observation is about, and the payment that it was applied to, if it was."""
    observations = schema.observations
    row = connection.execute(
        select(observations.c.external_id, observations.c.payment_id).where(
            observations.c.observation_id == observation_id
        )
    ).first()
    return None if row is None else (row.external_id, row.payment_id)


def _webhook(row: Any) -> StoredWebhook:
    return StoredWebhook(**{name: row[name] for name in StoredWebhook.__slots__})


def unmatched_webhooks(connection: Connection, limit: int) -> list[UnmatchedWebhook]:
    """What waits for payments that are not registered, one for each of them; the newest."""
    observations = schema.observations
    rows = connection.execute(
        select(
            observations.c.provider,
            observations.c.external_id,
            func.min(observations.c.observation_id).label("observation_id"),
            func.min(observations.c.received_at, type_=schema.UtcDateTime).label("received_at"),
            func.max(observations.c.received_at, type_=schema.UtcDateTime).label("last_received_at"),
            func.count().label("count"),
        )
        .where(observations.c.payment_id.is_(None))
        .group_by(observations.c.provider, observations.c.external_id)
        .order_by(func.min(observations.c.observation_id).desc())
        .limit(limit)
    )
    return [UnmatchedWebhook(**row) for row in rows.mappings()]


def payment_events(connection: Connection, payment_id: str) -> list[JournaledEvent]:
    """The events about a payment and its payouts, in order, as far as they are stored."""
    events = schema.events
    of_payment = select(*schema.EVENT_COLUMNS).where(events.c.payment_id == payment_id).order_by(events.c.offset)
    return events_from_rows(connection.execute(of_payment))


def actions(connection: Connection, limit: int) -> list[Action]:
    """What people did, newest first."""
    found = schema.actions
    rows = connection.execute(select(found).order_by(found.c.action_id.desc()).limit(limit))
    return [Action(**row) for row in rows.mappings()]


def dismissals(connection: Connection) -> dict[str, datetime]:
    """When people last took something off their list, by what it is called there. What is wrong with payments is not
    among it: whoever looks that up leaves out what was settled."""
    found = schema.actions
    rows = connection.execute(
        select(found.c.subject, func.max(found.c.at, type_=schema.UtcDateTime).label("last_at"))
        .where(found.c.action == DISMISS, found.c.concerns.is_(None))
        .group_by(found.c.subject)
    )
    return {row.subject: row.last_at for row in rows}


def actions_concerning(connection: Connection, identifier: str) -> list[Action]:
    """What people did about one payment or payout, oldest first."""
    found = schema.actions
    rows = connection.execute(select(found).where(found.c.concerns == identifier).order_by(found.c.action_id))
    return [Action(**row) for row in rows.mappings()]
