"""The books of many payments: how long totals, statements and what wallets should hold take, on SQLite or a database
that is named. `make bench-books` runs it.

The entries are written into the table as the journal writes them; that is not measured. The CPU is that of this
process, which is all there is of SQLite.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from bridge.journal import BookFilter, Journal
from bridge.journal.database.engines import parse_database_url, writing_engine
from bridge.journal.tables import schema
from coordinator.books.days import days_in, month_in
from coordinator.books.entries import EntryKind

ZONE = ZoneInfo("Europe/Berlin")
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
SELLERS, COINS = 2_000, ("ETH-USDT", "USDT", "BTC", "ETH", "SOLANA-USDT")
ROWS_AT_ONCE = 50_000


def entries(payments: int) -> Iterator[dict[str, Any]]:
    """Five of each payment, spread over a year: what was sold, what came, and what its seller was paid."""
    for number in range(payments):
        at = FIRST + YEAR * (number / payments)
        seller, coin, payment_id = f"seller-{number % SELLERS}", COINS[number % len(COINS)], f"pay_{number}"
        amount = f"{10 + number % 490}.{number % 100:02}"
        of_coin = {"unit": coin, "wallet": "shkeeper", "seller_id": None, "payout_id": None}
        of_money = {"unit": "USD", "wallet": None, "seller_id": None, "payout_id": None}
        kinds = {
            EntryKind.SALE: of_money | {"seller_id": seller},
            EntryKind.RECEIVED: of_money,
            EntryKind.COIN_IN: of_coin,
            EntryKind.PAYOUT: of_money | {"seller_id": seller, "payout_id": f"out_{number}"},
            EntryKind.COIN_OUT: of_coin,
        }
        for kind, account in kinds.items():
            yield {"entered_at": at, "kind": kind.value, "amount": amount, "payment_id": payment_id, **account}


def fill(database_url: str, payments: int) -> None:
    engine = writing_engine(parse_database_url(database_url))
    rows: list[dict[str, Any]] = []
    with engine.begin() as connection:
        for row in entries(payments):
            rows.append(row)
            if len(rows) == ROWS_AT_ONCE:
                connection.execute(insert(schema.book_entries), rows)
                rows.clear()
        if rows:
            connection.execute(insert(schema.book_entries), rows)
    engine.dispose()


async def measured(name: str, answer: Awaitable[Any]) -> None:
    began, used = time.perf_counter(), time.process_time()
    found = await answer
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - used
    print(f"{name:<32} {seconds:8.3f} s {cpu_seconds:8.3f} CPU s {len(found):>6} rows", flush=True)


async def measure(database_url: str, payments: int) -> None:
    await (await Journal.open(database_url)).close()
    fill(database_url, payments)
    journal = await Journal.open(database_url)
    last, books = (FIRST + YEAR).astimezone(ZONE).date(), journal.books
    december = month_in(ZONE, "2026-12")
    try:
        for days in (14, 31, 366):
            await measured(
                f"totals of {days} days", books.day_totals(days_in(ZONE, last - timedelta(days=days - 1), last))
            )
        await measured("a seller's opening balance", books.seller_totals("seller-7", None, december.begins_at))
        await measured("a seller's month", books.seller_totals("seller-7", december.begins_at, december.ends_at))
        wanted = BookFilter(december.begins_at, december.ends_at)
        await measured("a thousand entries of a month", books.entries(wanted, None, 1_000))
        for name in ("what wallets should hold", "the same, once it is kept"):
            await measured(name, journal.wallets.should(FIRST + YEAR))
    finally:
        await journal.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, default=1_000_000)
    parser.add_argument("--database-url", help="An empty database; a new SQLite file if none is named.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = options.database_url or f"sqlite:///{Path(folder) / 'journal.db'}"
        asyncio.run(measure(url, options.payments))


if __name__ == "__main__":
    main()
