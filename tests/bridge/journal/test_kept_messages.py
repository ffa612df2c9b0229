"""Messages that were kept until their payment was registered, while a clock was wrong: the bridge's, or that of the
gateway, whose dates of transfers are the only other word on when that was."""

from datetime import datetime, timedelta

import pytest

from bridge.journal import Journal, waiting_name
from coordinator.payments.observed.observations import InvoiceSnapshot, Observation, TransferSeen
from coordinator.payments.payments import Payment
from coordinator.payments.problems.problems import ProblemKind, problems_of
from tests.bridge.journal.conftest import NOW
from tests.bridge.journal.sales import observe, payment, snapshot
from tests.clock import Clock

RIGHT, BEHIND, AHEAD = NOW, NOW - timedelta(days=900), NOW + timedelta(days=400)
LONG_AGO = NOW - timedelta(days=30)
DEADLINE = timedelta(hours=1)


def told(date: datetime | None) -> InvoiceSnapshot:
    known = snapshot("0x1")
    return known.model_copy(
        update={"transfers": tuple(one.model_copy(update={"occurred_at": date}) for one in known.transfers)}
    )


async def registered(journal: Journal, clock: Clock) -> tuple[Payment, list[ProblemKind]]:
    found = await journal.register_payment(payment(1, created_at=clock.now, expires_at=clock.now + DEADLINE))
    return found.payment, [problem.kind for problem in problems_of(found.payment)]


async def registered_after(
    journal: Journal, clock: Clock, kept_at: datetime, registered_at: datetime, date: datetime | None
) -> tuple[Payment, list[ProblemKind]]:
    """A payment of which something was told before, by what the clock said each time, with the gateway's own date."""
    clock.now = kept_at
    await observe(journal, 1, "early", told(date))
    clock.now = registered_at + timedelta(minutes=1)
    return await registered(journal, clock)


@pytest.mark.parametrize(
    ("kept_at", "registered_at", "date"),
    [
        (RIGHT, RIGHT, RIGHT),
        (RIGHT, RIGHT, None),
        (RIGHT, RIGHT, AHEAD),  # the gateway's clock alone is wrong
        (AHEAD, RIGHT, RIGHT),
        (AHEAD, RIGHT, AHEAD),
        (AHEAD, AHEAD, RIGHT + timedelta(days=400)),
        (BEHIND, BEHIND, RIGHT),
    ],
)
async def test_what_came_shortly_before_counts_and_is_not_late(
    journal: Journal, clock: Clock, kept_at: datetime, registered_at: datetime, date: datetime | None
) -> None:
    found, wrong = await registered_after(journal, clock, kept_at, registered_at, date)
    assert (found.status, found.late, wrong) == ("completed", False, [])


@pytest.mark.parametrize(
    ("kept_at", "registered_at", "date"),
    [
        (AHEAD, RIGHT, LONG_AGO),
        (AHEAD, RIGHT, None),
        (BEHIND, RIGHT, None),
        (BEHIND, RIGHT, RIGHT),
        (RIGHT, AHEAD, RIGHT),
        (LONG_AGO, RIGHT, AHEAD),
        (RIGHT, RIGHT, BEHIND),
    ],
)
async def test_what_may_be_older_completes_nothing_and_is_on_the_list_until_the_gateway_is_asked(
    journal: Journal, clock: Clock, kept_at: datetime, registered_at: datetime, date: datetime | None
) -> None:
    found, wrong = await registered_after(journal, clock, kept_at, registered_at, date)
    assert (found.status, wrong) == ("pending", [ProblemKind.FOREIGN])
    looked_up = told(date).model_copy(update={"agreed": found.amount})
    assert await observe(journal, 1, "looked-up", looked_up) == "applied"
    record = await journal.payment_record("pay_1")
    assert record is not None
    assert (str(record.payment.status), problems_of(record.payment)) == ("completed", ())


async def test_what_was_only_seen_while_the_clock_was_ahead_is_no_reason_to_wait(
    journal: Journal, clock: Clock
) -> None:
    clock.now = AHEAD
    seen: Observation = TransferSeen(transfer=snapshot("0x1").transfers[0])
    await observe(journal, 1, "seen", seen)
    clock.now = RIGHT
    found, wrong = await registered(journal, clock)
    assert (found.status, wrong) == ("pending", [ProblemKind.FOREIGN])


async def test_what_a_person_dismissed_stays_so_though_its_time_was_still_to_come(
    journal: Journal, clock: Clock
) -> None:
    clock.now = AHEAD
    await observe(journal, 1, "early", told(RIGHT))
    clock.now = RIGHT
    [waiting] = (await journal.console.for_a_person(NOW, wanted_before=NOW)).unmatched_webhooks
    await journal.console.dismiss(f"webhook-unmatched:{waiting_name(waiting.observation_id)}", by="Ada")
    found, wrong = await registered(journal, clock)
    assert (found.status, wrong) == ("pending", [ProblemKind.FOREIGN])
