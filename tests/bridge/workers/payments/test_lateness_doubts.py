"""Lateness doubts: one that an outage left is settled out of the journal once what is told after it shows the zone,
and one that a change of zone left stays with a person."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from bridge.journal import Journal
from bridge.workers.payments.lateness_doubts import LatenessDoubts
from coordinator.payments.counting.lateness import Lateness
from coordinator.payments.observed.zones_ruled_out import ZonesRuledOut
from coordinator.payments.problems.problems import ProblemKind, problems_of
from providers.shkeeper.webhooks.webhooks import ShkeeperWebhooks
from tests.bridge.workers.conftest import payment, told_paid
from tests.clock import Clock

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
Zone = Callable[[datetime], timedelta]


class Gateway:
    """Tells of payments by the test's clock, in some zone."""

    def __init__(self, journal: Journal, clock: Clock, *, is_opened_here: bool, zone: Zone) -> None:
        self.journal = journal
        self.clock = clock
        self.zone = zone
        self.is_opened_here = is_opened_here
        self.doubts = LatenessDoubts(journal, {"shkeeper": ShkeeperWebhooks(api_keys=["k"])})

    async def sells(self, *numbers: int) -> None:
        """Each is paid five minutes after it was registered, and told of in the next minute."""
        for number in numbers:
            await self.registered(number)
            self.clock.move(minutes=5)
            came_at = self.clock()
            self.clock.move(minutes=1)
            await self.tells(number, came_at)

    async def registered(self, number: int, *, expires_in: timedelta = timedelta(days=1)) -> None:
        registered = payment(number, created_at=self.clock())
        external_id = registered.payment_id if self.is_opened_here else f"order-{number}"
        await self.journal.register_payment(
            registered.model_copy(update={"external_id": external_id, "expires_at": self.clock() + expires_in})
        )

    async def tells(self, number: int, came_at: datetime) -> None:
        name = f"pay_{number}" if self.is_opened_here else f"order-{number}"
        await told_paid(
            self.journal,
            number,
            external_id=name,
            transfer_id=f"0x{number}",
            occurred_at=came_at + self.zone(came_at),
        )

    async def lateness(self, number: int = 4) -> Lateness:
        record = await self.journal.payment_record(f"pay_{number}")
        assert record is not None
        stands = record.payment
        is_doubted = stands.lateness is Lateness.DOUBTED
        kinds = [problem.kind for problem in problems_of(stands)]
        assert kinds == ([ProblemKind.LATENESS_DOUBTED] if is_doubted else [])
        return stands.lateness


@pytest.mark.parametrize("is_opened_here", [True, False])
async def test_a_doubt_that_an_outage_left_settles_by_itself(
    journal: Journal, clock: Clock, is_opened_here: bool
) -> None:
    gateway = Gateway(journal, clock, is_opened_here=is_opened_here, zone=lambda _: timedelta(0))
    await gateway.sells(1, 2, 3)
    clock.move(hours=1)
    await gateway.registered(4, expires_in=HOUR)
    clock.move(minutes=50)
    came_at = clock()
    clock.move(minutes=61)
    await gateway.tells(4, came_at)
    assert await gateway.lateness() is Lateness.DOUBTED
    await gateway.doubts.round()
    assert await gateway.lateness() is Lateness.DOUBTED
    if not is_opened_here:
        clock.move(days=1)  # what was invoiced elsewhere may have come a day before
    clock.move(minutes=10)
    await gateway.sells(5, 6)
    await gateway.doubts.round()
    assert await gateway.lateness() is Lateness.DOUBTED
    await gateway.sells(7)
    await gateway.doubts.round()
    assert await gateway.lateness() is Lateness.IN_TIME
    # Noted once, however often it is looked at, also by a bridge that begins anew.
    await LatenessDoubts(journal, {"shkeeper": ShkeeperWebhooks(api_keys=["k"])}).round()
    record = await journal.payment_record("pay_4")
    assert record is not None
    [noted] = [one.observation for one in record.history if isinstance(one.observation, ZonesRuledOut)]
    assert (noted.date, -3600 in noted.ahead_seconds, 0 in noted.ahead_seconds) == (came_at, True, False)


async def test_a_doubt_that_a_change_of_zone_left_stays_with_a_person(journal: Journal, clock: Clock) -> None:
    changed_at = clock() + 2 * HOUR
    gateway = Gateway(
        journal, clock, is_opened_here=True, zone=lambda at: -HOUR if at >= changed_at else timedelta(0)
    )
    await gateway.sells(1, 2, 3)
    await gateway.registered(4, expires_in=changed_at - clock())
    clock.now = changed_at + 30 * MINUTE
    came_at = clock()
    clock.move(minutes=1)
    await gateway.tells(4, came_at)
    clock.move(minutes=10)
    await gateway.sells(5, 6, 7, 8)
    await gateway.doubts.round()
    assert await gateway.lateness() is Lateness.DOUBTED
