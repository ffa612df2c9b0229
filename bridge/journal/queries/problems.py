"""Problems of payments as they are looked up: which payments need a person, how many by kind, which buyers have no
address. What was settled or dismissed is left out until there is news."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, literal, select

from bridge.journal.tables import schema
from bridge.journal.tables.rows import invoice_from_row, payment_from_row
from bridge.journal.tables.unreadable_rows import RowKind, StoredRow, is_not_noted, readable
from bridge.journal.writing.staged.actions import OFF_THE_LIST
from coordinator.attention.items import Kind
from coordinator.attention.payments import problem_key
from coordinator.batched import batched
from coordinator.payments.agreed.invoices import Invoice
from coordinator.payments.payments import OPEN_STATUSES, Payment
from coordinator.payments.problems.problems import ProblemKind

__all__ = [
    "TroubledPayment",
    "UnopenedCounts",
    "UnopenedInvoice",
    "count_without_address",
    "has_problem",
    "problem_counts",
    "troubled_payments",
    "unopened_since",
    "without_address",
    "without_address_since",
]

PAYMENTS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class TroubledPayment:
    """A payment with which something is wrong that nobody has settled."""

    payment: Payment
    problems_at: datetime
    """When there was news of it last."""
    kinds: frozenset[ProblemKind]
    """What of it is not settled."""


def has_problem(kind: str) -> ColumnElement[bool]:
    """Whether this is wrong with a payment. Said so that the index of the payments with problems is enough."""
    problems = schema.payments.c.problems
    padded = literal(" ") + problems + literal(" ")
    return and_(schema.payments.c.problems_at.is_not(None), padded.contains(f" {kind} ", autoescape=True))


def _is_unsettled(kind: ProblemKind) -> ColumnElement[bool]:
    payments, actions = schema.payments, schema.actions
    settled = exists().where(
        actions.c.concerns == payments.c.payment_id,
        actions.c.subject == literal(problem_key(kind, "")) + payments.c.payment_id,
        actions.c.action.in_(OFF_THE_LIST),
        actions.c.at >= payments.c.problems_at,
    )
    return and_(has_problem(kind), ~settled)


def _present(connection: Connection) -> list[ProblemKind]:
    """The kinds of which there are any, settled or not."""
    payments = schema.payments
    together = connection.scalars(select(payments.c.problems).where(payments.c.problems_at.is_not(None)).distinct())
    names = {name for kinds in together for name in (kinds or "").split()}
    # A later bridge may have found what this one does not know.
    return [kind for kind in ProblemKind if kind in names]


def troubled_payments(connection: Connection, limit: int) -> list[TroubledPayment]:
    """The payments that need a person, of each kind up to a limit, those first of which there was no news for
    longest."""
    payments = schema.payments
    found: dict[str, TroubledPayment] = {}
    for kind in _present(connection):
        rows = connection.execute(
            select(payments)
            .where(_is_unsettled(kind), is_not_noted(RowKind.PAYMENT, payments.c.payment_id))
            .order_by(payments.c.problems_at)
            .limit(limit)
        )
        for one in readable(connection, _troubled, rows.mappings()):
            known = found.get(one.payment.payment_id, one)
            found[one.payment.payment_id] = replace(known, kinds=known.kinds | {kind})
    return list(found.values())


def _troubled(row: StoredRow) -> TroubledPayment:
    return TroubledPayment(payment_from_row(row), row["problems_at"], frozenset())


def problem_counts(connection: Connection) -> Mapping[Kind, int]:
    """How many payments need a person, by kind; one may do so for several."""
    counted = select(func.count()).select_from(schema.payments)
    return {kind: connection.scalar(counted.where(_is_unsettled(kind))) or 0 for kind in _present(connection)}


@dataclass(frozen=True, slots=True)
class UnopenedInvoice:
    """An invoice that a provider has not opened, and why not, if that was about the invoice itself."""

    invoice: Invoice
    refused: str | None


class UnopenedCounts(NamedTuple):
    """How many invoices are the ones to pay and are not opened."""

    overdue: int
    """Those that ought to be by now."""
    recent: int


def without_address_since(wanted_before: datetime) -> Select[tuple[str]]:
    """The payments that wait for money and whose invoice, though it is wanted since before that, is not opened."""
    payments, invoices = schema.payments, schema.invoices
    of_payment = payments.c.payment_id == invoices.c.payment_id
    unopened = select(invoices.c.payment_id).join(payments, of_payment)
    return unopened.where(invoices.c.wanted_at < wanted_before, *_is_unopened())


def unopened_since(connection: Connection, payment_ids: Sequence[str]) -> dict[str, datetime]:
    """Of some payments those that wait for money and whose invoice is not opened, and since when that is wanted."""
    payments, invoices = schema.payments, schema.invoices
    found: dict[str, datetime] = {}
    for some in batched(payment_ids, PAYMENTS_AT_ONCE):
        rows = connection.execute(
            select(invoices.c.payment_id, invoices.c.wanted_at)
            .join(payments, payments.c.payment_id == invoices.c.payment_id)
            .where(invoices.c.payment_id.in_(some), *_is_unopened())
        )
        found |= {row.payment_id: row.wanted_at for row in rows}
    return found


def count_without_address(connection: Connection, wanted_before: datetime) -> UnopenedCounts:
    """How many there are, all told; those that are wanted since before that are overdue."""
    payments, invoices = schema.payments, schema.invoices
    overdue = func.coalesce(func.sum(case((invoices.c.wanted_at < wanted_before, 1), else_=0)), 0)
    counted = select(overdue, func.count()).select_from(
        invoices.join(payments, payments.c.payment_id == invoices.c.payment_id)
    )
    found, together = connection.execute(counted.where(*_is_unopened())).one()
    return UnopenedCounts(int(found), together - int(found))


def without_address(connection: Connection, wanted_before: datetime, limit: int) -> list[UnopenedInvoice]:
    """Invoices that are the ones to pay and that no provider has opened, though they are wanted since before that;
    the oldest."""
    payments, invoices = schema.payments, schema.invoices
    rows = connection.execute(
        select(invoices)
        .join(payments, payments.c.payment_id == invoices.c.payment_id)
        .where(invoices.c.wanted_at < wanted_before, *_is_unopened())
        .order_by(invoices.c.wanted_at)
        .limit(limit)
    )
    return readable(connection, lambda row: UnopenedInvoice(invoice_from_row(row), row["refused"]), rows.mappings())


def _is_unopened() -> Iterator[ColumnElement[bool]]:
    """Whether an invoice is the one to pay of a payment that waits for money, and no provider has opened it."""
    payments, invoices, newer = schema.payments, schema.invoices, schema.invoices.alias("newer")
    yield invoices.c.opened.is_(None)
    yield is_not_noted(RowKind.INVOICE, invoices.c.payment_id)
    yield payments.c.status.in_(OPEN_STATUSES)
    yield ~exists().where(newer.c.payment_id == invoices.c.payment_id, newer.c.wanted_at > invoices.c.wanted_at)
