"""Dates of gateways: a zone that is not UTC is learnt out of the journal, is put right in what is read from then on,
and is said until it is gone."""

import json
from datetime import UTC, datetime, timedelta

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


async def tell(
    journal: Journal, clock: Clock, numbers: range, zone: timedelta, *, delay: timedelta = timedelta(0)
) -> None:
    """Payments that are paid ten minutes after their invoices were opened, and are told of then, or later."""
    for number in numbers:
        await journal.register_payment(payment(number, created_at=clock()))
        clock.move(seconds=600)
        came_at = clock()
        clock.move(seconds=delay.total_seconds())
        await told_paid(journal, number, transfer_id=f"0x{number}", occurred_at=came_at + zone)


async def test_a_zone_is_learnt_said_and_forgotten_once_it_is_right(journal: Journal, clock: Clock) -> None:
    reader, dates = dates_of(journal)
    await tell(journal, clock, range(1, 3), timedelta(hours=-5))
    await dates.refresh()
    [item] = dates.items
    assert (item.key, ahead_hours(reader)) == ("provider-dates-off:shkeeper:UTC-05:00:UTC", 0)
    assert "in UTC-05:00 or UTC, or its notices come late" in item.detail
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
    # The first that would be told before it came shows that it was put right.
    await tell(journal, clock, range(5, 6), timedelta(0))
    await dates.refresh()
    await dates.check()
    assert (ahead_hours(reader), dates.items) == (0, [])


async def test_coins_that_wait_for_confirmations_teach_a_zone_too(journal: Journal, clock: Clock) -> None:
    reader = ShkeeperWebhooks(api_keys=["k"], confirmations={"ETH": 300})
    dates = GatewayDates(journal, {"shkeeper": reader})
    # Two hours of waiting for confirmations are no zone.
    await tell(journal, clock, range(1, 5), timedelta(0), delay=timedelta(hours=2))
    await dates.refresh()
    assert (ahead_hours(reader), dates.items) == (0, [])
    # A date ahead of its arrival is one, at once.
    await tell(journal, clock, range(5, 6), timedelta(hours=2), delay=timedelta(hours=1))
    await dates.refresh()
    assert (ahead_hours(reader), len(dates.items)) == (2, 1)


async def test_steady_delays_are_said_to_be_a_doubt(journal: Journal, clock: Clock) -> None:
    reader, dates = dates_of(journal)
    await tell(journal, clock, range(1, 5), timedelta(0), delay=timedelta(hours=1))
    await dates.refresh()
    [item] = dates.items
    assert (item.key, ahead_hours(reader)) == ("provider-dates-off:shkeeper:UTC-01:00:UTC", 0)
    with pytest.raises(DegradedError, match="Nobody knows in which zone shkeeper writes its dates"):
        await dates.check()
    await tell(journal, clock, range(5, 6), timedelta(0))
    await dates.refresh()
    await dates.check()


@pytest.mark.parametrize("date", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)])
async def test_a_date_that_cannot_be_right_is_said_until_newer_ones_are(
    journal: Journal, clock: Clock, date: datetime
) -> None:
    reader, dates = dates_of(journal)
    await tell(journal, clock, range(1, 4), timedelta(0))
    await journal.register_payment(payment(4, created_at=clock()))
    await told_paid(journal, 4, transfer_id="0x4", occurred_at=date)
    await dates.refresh()
    [item] = dates.items
    assert (item.key, ahead_hours(reader)) == ("provider-dates-off:shkeeper:impossible", 0)
    assert f"{date.year:04}-{date.month:02}" in item.detail
    with pytest.raises(DegradedError, match="cannot be right"):
        await dates.check()
    await tell(journal, clock, range(5, 17), timedelta(0))
    await dates.refresh()
    assert dates.items == []
