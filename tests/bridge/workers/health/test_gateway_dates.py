"""Dates of gateways: a zone that is not UTC is learnt out of the journal, is put right in what is read from then on,
and is said until it is gone."""

import json
from datetime import timedelta

import pytest

from bridge.journal import Journal
from bridge.workers.health.checks import DegradedError
from bridge.workers.health.gateway_dates import GatewayDates
from coordinator.payments.observed.observations import InvoiceSnapshot
from providers.contract import Reading
from providers.shkeeper.provider import WEBHOOK
from providers.shkeeper.webhooks.webhooks import ShkeeperWebhooks
from tests.bridge.workers.conftest import payment, told_paid
from tests.clock import Clock


def ahead_hours(reader: ShkeeperWebhooks) -> float:
    """How far ahead of UTC the dates of the next notice are read."""
    reading = reader.read_again(json.dumps({**WEBHOOK.example, "status": "PAID"}).encode())
    assert isinstance(reading, Reading)
    assert isinstance(reading.observation, InvoiceSnapshot)
    return reading.observation.dates_ahead_seconds / 3600


def dates_of(journal: Journal) -> tuple[ShkeeperWebhooks, GatewayDates]:
    reader = ShkeeperWebhooks(api_keys=["k"])
    return reader, GatewayDates(journal, {"shkeeper": reader})


async def tell(journal: Journal, clock: Clock, numbers: range, zone: timedelta) -> None:
    for number in numbers:
        clock.move(seconds=600)
        await journal.register_payment(payment(number))
        await told_paid(journal, number, transfer_id=f"0x{number}", occurred_at=clock() + zone)


async def test_a_zone_is_learnt_said_and_forgotten_once_it_is_right(journal: Journal, clock: Clock) -> None:
    reader, dates = dates_of(journal)
    await tell(journal, clock, range(1, 3), timedelta(hours=-5))
    await dates.refresh()
    await dates.check()
    assert dates.items == []
    await tell(journal, clock, range(3, 5), timedelta(hours=-5))
    await dates.refresh()
    [item] = dates.items
    assert (item.key, item.payment_id) == ("provider-dates-off:shkeeper:UTC-05:00", None)
    assert "5 h behind UTC (UTC-05:00)" in item.detail
    with pytest.raises(DegradedError, match="Set the time zone of shkeeper and of its database to UTC"):
        await dates.check()
    assert ahead_hours(reader) == -5
    # A bridge that begins anew knows it before the first webhook.
    later, anew = dates_of(journal)
    await anew.refresh()
    assert (ahead_hours(later), [one.key for one in anew.items]) == (-5, [item.key])
    await tell(journal, clock, range(5, 8), timedelta(0))
    await dates.refresh()
    await dates.check()
    assert (ahead_hours(reader), dates.items) == (0, [])


async def test_coins_that_wait_for_confirmations_say_nothing_of_a_zone(journal: Journal, clock: Clock) -> None:
    reader = ShkeeperWebhooks(api_keys=["k"], confirmations={"ETH": 300})
    dates = GatewayDates(journal, {"shkeeper": reader})
    await tell(journal, clock, range(1, 6), timedelta(hours=-1))
    await dates.refresh()
    assert (ahead_hours(reader), dates.items) == (0, [])
