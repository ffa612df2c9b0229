"""Prices that buyers were asked for on the days before a test, without which no coin leaves at a price of its own."""

import itertools
from collections.abc import Iterable

from coordinator.payments.problems.coin_prices import DAYS_ASKED
from tests.system.shkeeper.conftest import Marketplace
from tests.system.shkeeper.journals import ReadJournal

__all__ = ["asked_on_earlier_days"]

NUMBERS = itertools.count(1)


def asked_on_earlier_days(marketplace: Marketplace, coins: Iterable[str], journal: ReadJournal) -> None:
    """Has a buyer asked to pay with each coin, at its price of the moment, and that be some days ago."""
    for days in range(1, DAYS_ASKED + 1):
        payment_id = marketplace.create(requestId=f"earlier-{next(NUMBERS)}")["paymentId"]
        for coin in coins:
            url = f"/api/payments/{payment_id}/invoices"
            marketplace.client.post(url, json={"coin": coin}).raise_for_status()
        for table, column in (("payments", "created_at"), ("invoices", "wanted_at")):
            at = journal.days_before(column, days + 0.5)
            journal.write(f"UPDATE {table} SET {column} = {at} WHERE payment_id = '{payment_id}'")
    # What it found before that, it looks for again only an hour later.
    marketplace.bridge.kill()
    marketplace.bridge.start()
