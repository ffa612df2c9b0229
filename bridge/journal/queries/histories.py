"""What is looked up to compare a journal with the books of others: what may have been paid out without its
knowing."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, true, union

from bridge.journal.tables import schema
from bridge.journal.tables.rows import payment_from_row, payout_from_row
from bridge.journal.tables.unreadable_rows import RowKind, is_not_noted, readable
from coordinator.payments.payments import Payment
from coordinator.payouts.comparisons import ForgottenPayout
from coordinator.payouts.payouts import Payout
from coordinator.payouts.provider_names import is_known_here

__all__ = [
    "ForgottenRow",
    "coins_used",
    "forgotten_payouts",
    "newest_invoices",
    "newest_payouts",
    "payable_payments",
    "payouts_of",
    "providers_used",
    "registered_names",
]


@dataclass(frozen=True, slots=True)
class ForgottenRow:
    """A payout that was found to be forgotten, and when."""

    payout: ForgottenPayout
    found_at: datetime


def payable_payments(
    connection: Connection, provider: str, status: str, *, before: str | None, since: datetime | None, limit: int
) -> list[Payment]:
    """Payments of a provider that stand so, the one with the last id first; with `since`, those of which something
    was heard since then."""
    payments = schema.payments
    rows = connection.execute(
        select(payments)
        .where(
            payments.c.provider == provider,
            payments.c.status == status,
            true() if since is None else payments.c.updated_at >= since,
            true() if before is None else payments.c.payment_id < before,
            is_not_noted(RowKind.PAYMENT, payments.c.payment_id),
        )
        .order_by(payments.c.payment_id.desc())
        .limit(limit)
    )
    return readable(connection, payment_from_row, rows.mappings())


def payouts_of(connection: Connection, payment_ids: Sequence[str]) -> list[Payout]:
    """The payouts of some payments."""
    payouts = schema.payouts
    rows = connection.execute(select(payouts).where(payouts.c.payment_id.in_(payment_ids)))
    return readable(connection, payout_from_row, rows.mappings())


def newest_payouts(connection: Connection, provider: str, limit: int) -> list[Payout]:
    """The payouts through a provider that were ordered last."""
    payouts = schema.payouts
    rows = connection.execute(
        select(payouts).where(payouts.c.provider == provider).order_by(payouts.c.created_at.desc()).limit(limit)
    )
    return readable(connection, payout_from_row, rows.mappings())


def newest_invoices(connection: Connection, provider: str, limit: int) -> list[str]:
    """The names of the payments that a provider has opened an invoice for, the one that was asked for last first."""
    payments, invoices = schema.payments, schema.invoices
    opened = (
        select(payments.c.external_id)
        .join(invoices, invoices.c.payment_id == payments.c.payment_id)
        .where(payments.c.provider == provider, invoices.c.opened.is_not(None))
        .order_by(invoices.c.wanted_at.desc())
        .limit(limit)
    )
    return list(dict.fromkeys(connection.scalars(opened)))


def providers_used(connection: Connection) -> frozenset[str]:
    """All that were ever paid through, or asked to pay out."""
    tables = schema.payments, schema.payouts
    return frozenset(connection.scalars(union(*(select(table.c.provider).distinct() for table in tables))))


def coins_used(connection: Connection, provider: str) -> frozenset[str]:
    """What a provider was asked to be paid in, or to pay out."""
    payments, invoices, payouts = schema.payments, schema.invoices, schema.payouts
    asked = (
        select(invoices.c.coin)
        .join(payments, payments.c.payment_id == invoices.c.payment_id)
        .where(payments.c.provider == provider)
    )
    return frozenset(connection.scalars(asked.union(select(payouts.c.coin).where(payouts.c.provider == provider))))


def registered_names(connection: Connection, provider: str, names: Sequence[str]) -> frozenset[str]:
    """Those of some of a provider's names for payments that are known here, or of payments that are on their way."""
    payments, drafts, observations = schema.payments, schema.drafts, schema.observations
    registered = select(payments.c.external_id).where(
        payments.c.provider == provider, payments.c.external_id.in_(names)
    )
    drafted = select(drafts.c.payment_id).where(drafts.c.payment_id.in_(names))
    observed = select(observations.c.external_id).where(
        observations.c.provider == provider,
        observations.c.external_id.in_(names),
        observations.c.payment_id.is_(None),
    )
    return frozenset(connection.scalars(registered.union(drafted, observed)))


def forgotten_payouts(connection: Connection) -> list[ForgottenRow]:
    """The payouts that were found to be forgotten and that no payout of the journal has taken over by now, the oldest
    finding first."""
    rows = connection.execute(select(schema.forgotten_payouts).order_by(schema.forgotten_payouts.c.found_at)).all()
    payouts = payouts_of(connection, sorted({row.payment_id for row in rows})) if rows else []
    found = [ForgottenRow(ForgottenPayout.model_validate_json(row.said), row.found_at) for row in rows]
    by_payment: defaultdict[str, list[Payout]] = defaultdict(list)
    for payout in payouts:
        by_payment[payout.payment_id].append(payout)
    return [one for one in found if not is_known_here(one.payout, by_payment[one.payout.payment_id])]
