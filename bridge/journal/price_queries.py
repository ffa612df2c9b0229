"""What a coin was worth in prices that buyers were asked for before, and paid, as its provider said it then."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select

from bridge.journal import schema
from bridge.journal.rows import payment_from_row
from coordinator.coin_prices import DAY, DAYS_LOOKED_AT, EarlierPrice, paid_at
from coordinator.invoices import InvoiceOpened
from coordinator.payments import PaymentStatus

__all__ = ["earlier_prices"]

# Of so many prices of a day the one in the middle says what a coin was worth.
PRICES_LIMIT = 20
# In a coin that few pay with, a day's prices are looked for among no more of its payments than this.
PAYMENTS_LIMIT = 2_000


def earlier_prices(
    connection: Connection, provider: str, coin: str, currency: str, now: datetime
) -> Sequence[EarlierPrice]:
    """What one coin was worth in a provider's invoices of payments that were registered on the days before, some of
    each day; of a new price when that was asked for. Those of completed payments come first."""
    return [
        price
        for number in range(1, DAYS_LOOKED_AT + 1)
        for price in _of_day(connection, provider, coin, currency, now - (number + 1) * DAY, now - number * DAY)
    ]


def _of_day(
    connection: Connection, provider: str, coin: str, currency: str, begin: datetime, end: datetime
) -> Iterator[EarlierPrice]:
    payments, invoices = schema.payments, schema.invoices
    of_day = (
        select(payments.c.payment_id)
        .where(payments.c.created_at > begin, payments.c.created_at <= end)
        .order_by(payments.c.created_at.desc(), payments.c.payment_id.desc())
        .limit(PAYMENTS_LIMIT)
        .subquery()
    )
    rows = connection.execute(
        select(payments, invoices.c.opened, invoices.c.wanted_at)
        .join(of_day, of_day.c.payment_id == payments.c.payment_id)
        .join(invoices, invoices.c.payment_id == payments.c.payment_id)
        .where(
            invoices.c.coin == coin,
            invoices.c.opened.is_not(None),
            payments.c.provider == provider,
            payments.c.currency == currency,
        )
        .order_by((payments.c.status == PaymentStatus.COMPLETED).desc(), payments.c.created_at.desc())
        .limit(PRICES_LIMIT)
    )
    return (_price(row, coin) for row in rows.mappings())


def _price(row: RowMapping, coin: str) -> EarlierPrice:
    asked = InvoiceOpened.model_validate_json(row["opened"]).exchange_rate
    payment = payment_from_row(row)
    paid = paid_at(payment, coin) if payment.status is PaymentStatus.COMPLETED else None
    return EarlierPrice(row["wanted_at"], asked, paid)
