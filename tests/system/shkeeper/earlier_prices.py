"""Prices that buyers were asked for on the days before a test, without which no coin leaves at a price of its own."""

import itertools
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from coordinator.payments.coin_prices import DAYS_ASKED
from tests.system.shkeeper.conftest import Marketplace

__all__ = ["asked_on_earlier_days"]

NUMBERS = itertools.count(1)


def asked_on_earlier_days(marketplace: Marketplace, coins: Iterable[str]) -> None:
    """Has a buyer asked to pay with each coin, at its price of the moment, and that be some days ago."""
    for days in range(1, DAYS_ASKED + 1):
        payment_id = marketplace.create(requestId=f"earlier-{next(NUMBERS)}")["paymentId"]
        for coin in coins:
            url = f"/api/payments/{payment_id}/invoices"
            marketplace.client.post(url, json={"coin": coin}).raise_for_status()
        at = datetime.now(UTC) - timedelta(days=days + 0.5)
        journal = sqlite3.connect(marketplace.bridge.database)
        with journal:
            for table, column in (("payments", "created_at"), ("invoices", "wanted_at")):
                statement = f"UPDATE {table} SET {column} = ? WHERE payment_id = ?"
                journal.execute(statement, (f"{at:%Y-%m-%d %H:%M:%S.%f}", payment_id))
        journal.close()
    # What it found before that, it looks for again only an hour later.
    marketplace.bridge.kill()
    marketplace.bridge.start()
