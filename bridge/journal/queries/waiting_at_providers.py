"""What waits at providers: payments that are to be asked about, and payouts and refunds that are to be sent."""

from collections.abc import Collection, Iterator
from datetime import datetime

from sqlalchemy import Connection, and_, func, or_, select, text

from bridge.journal.tables import schema
from coordinator.attention.unconfigured import AtProvider, WaitingKind
from coordinator.attention.unreachable import Unasked
from coordinator.payments.payments import PaymentStatus

__all__ = ["something_waiting_at", "unasked_at", "waiting_at_others"]


def waiting_at_others(
    connection: Connection, *, asked: Collection[str], sending: Collection[str], expired_since: datetime
) -> list[AtProvider]:
    """What waits at other providers than those that are asked about payments, and than those that send payouts. Of
    payments those whose invoice the bridge opened, or is to open, also if they expired no longer ago than that."""
    found = [_payments(connection, name, expired_since) for name in _providers(connection) if name not in asked]
    payouts, refunds = schema.payouts, schema.refunds
    # In the words of the indexes, or they would not be used.
    unsent = (
        (WaitingKind.PAYOUT, payouts, payouts.c.created_at, schema.UNDER_WAY),
        (WaitingKind.REFUND, refunds, refunds.c.opened_at, schema.AWAITING_ADDRESS),
    )
    for what, table, at, waits in unsent:
        rows = connection.execute(
            select(table.c.provider, func.count(), func.min(at), func.max(at))
            .where(text(f"{table.name}.{waits}"), table.c.provider.not_in(sending))
            .group_by(table.c.provider)
        )
        found += [AtProvider(provider, what, *more) for provider, *more in rows]
    return sorted(one for one in found if one.number)


def _providers(connection: Connection) -> Iterator[str]:
    """Those that there are payments of, each found by one look into the index."""
    provider = schema.payments.c.provider
    name = connection.scalar(select(func.min(provider)))
    while name is not None:
        yield name
        name = connection.scalar(select(func.min(provider)).where(provider > name))


def _payments(connection: Connection, provider: str, expired_since: datetime) -> AtProvider:
    payments, invoices = schema.payments, schema.invoices
    expired = and_(
        text(f"payments.{schema.ENDED}"),
        payments.c.status == PaymentStatus.EXPIRED,
        payments.c.updated_at >= expired_since,
    )
    row = connection.execute(
        select(func.count(), func.min(payments.c.created_at), func.max(payments.c.created_at)).where(
            payments.c.provider == provider,
            or_(text(f"payments.{schema.OPEN}"), expired),
            select(invoices.c.payment_id).where(invoices.c.payment_id == payments.c.payment_id).exists(),
        )
    ).one()
    return AtProvider(provider, WaitingKind.PAYMENT, *row)


def something_waiting_at(connection: Connection, provider: str) -> tuple[str | None, str | None]:
    """The provider's name of a payment that waits for money, and the coin of a payout that is under way; None where
    there is none."""
    payments, payouts = schema.payments, schema.payouts
    external_id = connection.scalar(
        select(payments.c.external_id)
        .where(payments.c.provider == provider, text(f"payments.{schema.OPEN}"))
        .order_by(payments.c.payment_id.desc())
        .limit(1)
    )
    coin = connection.scalar(
        select(payouts.c.coin).where(payouts.c.provider == provider, text(f"payouts.{schema.UNDER_WAY}")).limit(1)
    )
    return external_id, coin


def unasked_at(connection: Connection, provider: str, since: datetime) -> Unasked:
    """What waits for a provider that cannot be asked since then."""
    payments, payouts = schema.payments, schema.payouts
    of_provider = select(func.count()).where(payments.c.provider == provider)
    expired = (payments.c.status == PaymentStatus.EXPIRED, payments.c.updated_at >= since)
    return Unasked(
        payments=connection.scalar(of_provider.where(text(f"payments.{schema.OPEN}"))) or 0,
        expired=connection.scalar(of_provider.where(text(f"payments.{schema.ENDED}"), *expired)) or 0,
        payouts=connection.scalar(
            select(func.count()).where(payouts.c.provider == provider, text(f"payouts.{schema.UNDER_WAY}"))
        )
        or 0,
    )
