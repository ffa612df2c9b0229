"""What a coin was worth in prices that buyers were asked for lately, as its provider said it then."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from bridge.journal import schema
from coordinator.coin_prices import LATELY_LIMIT
from coordinator.invoices import InvoiceOpened

__all__ = ["asked_lately"]

# In a coin that few pay with, a price is looked for among no more payments than this.
PAYMENTS_LIMIT = 2_000


def asked_lately(
    connection: Connection, provider: str, coin: str, currency: str, since: datetime
) -> Sequence[Decimal]:
    """What one coin was worth in the newest prices of a provider's invoices, of payments that were registered since
    then."""
    payments, invoices = schema.payments, schema.invoices
    newest = (
        select(payments.c.payment_id, payments.c.created_at, payments.c.provider, payments.c.currency)
        .where(payments.c.created_at >= since)
        .order_by(payments.c.created_at.desc(), payments.c.payment_id.desc())
        .limit(PAYMENTS_LIMIT)
        .subquery()
    )
    rows = connection.scalars(
        select(invoices.c.opened)
        .join(newest, newest.c.payment_id == invoices.c.payment_id)
        .where(
            invoices.c.coin == coin,
            invoices.c.opened.is_not(None),
            newest.c.provider == provider,
            newest.c.currency == currency,
        )
        .order_by(newest.c.created_at.desc())
        .limit(LATELY_LIMIT)
    )
    rates = (InvoiceOpened.model_validate_json(opened).exchange_rate for opened in rows)
    return [rate for rate in rates if rate is not None]
