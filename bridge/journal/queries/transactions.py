"""Transactions by which buyers have paid. Whoever names one for a payout or a refund has copied the wrong one."""

from sqlalchemy import Connection, literal, or_, select

from bridge.journal.tables import schema
from coordinator.payments.observed.transfers import transfer_key

__all__ = ["payments_named"]

# One transaction pays a few at most; more say nothing new.
PAYMENTS_LIMIT = 20


def payments_named(connection: Connection, tx_hash: str) -> list[str]:
    """The payments that can be found by a transaction, however its hash is written. It looks through all of them, so
    it is for what a person asks for."""
    payments, key = schema.payments, transfer_key(tx_hash)
    lines = literal("\n").concat(payments.c.search_text).concat("\n")
    is_named = or_(*(lines.contains(f"\n{name}\n", autoescape=True) for name in (key, f"0x{key}")))
    found = select(payments.c.payment_id).where(is_named).order_by(payments.c.created_at, payments.c.payment_id)
    return list(connection.scalars(found.limit(PAYMENTS_LIMIT)))
