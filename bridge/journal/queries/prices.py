"""What a coin was worth in prices that buyers were asked for before, and paid, as its provider said it then."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from bridge.journal.tables import schema
from bridge.journal.tables.rows import payment_from_row
from bridge.journal.tables.unreadable_rows import RowKind, StoredRow, readable, reading
from coordinator.payments.agreed.invoices import InvoiceOpened
from coordinator.payments.payments import PaymentStatus
from coordinator.payments.problems.coin_prices import DAY, DAYS_COMPARED, EarlierPrice, paid_at

__all__ = ["earlier_prices"]

# Of so many prices of a day the one in the middle says what a coin was worth.
PRICES_LIMIT = 20
# In a coin that few pay with, a day's prices are looked for among no more of its payments than this: it is somebody's
# request that waits for them.
PAYMENTS_LIMIT = 300


def earlier_prices(
    connection: Connection, provider: str, coin: str, currency: str, now: datetime
) -> Sequence[EarlierPrice]:
    """What one coin was worth in a provider's invoices of payments that were registered on the days before, some of
    each day; of a new price when that was asked for. Those of completed payments come first."""
    return [
        price
        for number in range(1, DAYS_COMPARED + 1)
        for price in _of_day(connection, provider, coin, currency, now - (number + 1) * DAY, now - number * DAY)
    ]


def _of_day(
    connection: Connection, provider: str, coin: str, currency: str, begin: datetime, end: datetime
) -> Sequence[EarlierPrice]:
    payments, invoices = schema.payments, schema.invoices
    # By when they were registered alone: by their provider, all that there ever were would be looked through.
    of_day = connection.scalars(
        select(payments.c.payment_id)
        .where(payments.c.created_at > begin, payments.c.created_at <= end)
        .order_by(payments.c.created_at.desc(), payments.c.payment_id.desc())
        .limit(PAYMENTS_LIMIT)
    ).all()
    asked = select(invoices).where(
        invoices.c.payment_id.in_(of_day), invoices.c.coin == coin, invoices.c.opened.is_not(None)
    )
    priced = {row["payment_id"]: row for row in connection.execute(asked).mappings()}
    rows = connection.execute(select(payments).where(payments.c.payment_id.in_(priced))).mappings()
    fitting = [row for row in rows if (row["provider"], row["currency"]) == (provider, currency)]
    fitting.sort(key=lambda row: (row["status"] == PaymentStatus.COMPLETED, row["created_at"]), reverse=True)
    return readable(connection, lambda row: _price(row, priced[row["payment_id"]], coin), fitting[:PRICES_LIMIT])


def _price(row: StoredRow, invoice: StoredRow, coin: str) -> EarlierPrice:
    asked = _opened(invoice).exchange_rate
    # What has not come needs no payment to be made of its row.
    paid = paid_at(payment_from_row(row), coin) if row["status"] == PaymentStatus.COMPLETED else None
    return EarlierPrice(invoice["wanted_at"], asked, paid)


@reading(RowKind.INVOICE, "payment_id", concerns="payment_id")
def _opened(row: StoredRow) -> InvoiceOpened:
    return InvoiceOpened.model_validate_json(row["opened"])
