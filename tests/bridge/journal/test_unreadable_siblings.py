"""Payments for one purchase request of which one cannot be read for a while: nothing untrue is told of the request
meanwhile, and once it can be read again, each knows what happened to the other."""

import json
from datetime import timedelta

import pytest

from bridge.journal import Journal
from coordinator.events import Audience, Event
from coordinator.payments.events.payments import REQUEST_CANCELLED
from coordinator.payments.problems.problems import ProblemKind
from tests.bridge.journal.conftest import NOW
from tests.bridge.journal.sales import kinds, observe, payment, snapshot, stands
from tests.bridge.journal.spoiled_rows import SPOILED, reopened, spoiled, spoiled_payment
from tests.clock import Clock

HOUR = timedelta(hours=1)


async def told_of_request(journal: Journal) -> list[tuple[str, str]]:
    stretch = await journal.room_events(["request-r1"], everyone=False, hidden=(), after=0, limit=100)
    return [
        (one.event.payload["paymentId"], one.event.payload["status"])
        for one in stretch.events
        if one.event.name == "purchase-request-update"
    ]


@pytest.mark.parametrize("value", SPOILED)
async def test_a_request_that_is_paid_is_not_told_to_be_unpaid(
    journal: Journal, database_url: str, clock: Clock, value: str
) -> None:
    await journal.register_payment(payment(1, request_id="r1", expires_at=NOW + HOUR))
    await journal.register_payment(payment(2, request_id="r1"))
    await observe(journal, 2, "paid", snapshot("0x2"))
    journal = await reopened(journal, database_url, clock)
    clock.move(hours=2)
    with spoiled_payment(database_url, "pay_2", value):
        assert await journal.deadlines.apply(["pay_1"]) == 1
    assert (await stands(journal, 1)).status == "expired"
    assert await told_of_request(journal) == [("pay_2", "completed")]
    await journal.close()


async def test_where_nobody_knows_whether_it_is_paid_nothing_worse_is_told(
    journal: Journal, database_url: str, clock: Clock
) -> None:
    await journal.register_payment(payment(1, request_id="r1", expires_at=NOW + HOUR))
    await journal.register_payment(payment(2, request_id="r1"))
    journal = await reopened(journal, database_url, clock)
    clock.move(hours=2)
    of_its_status = spoiled(database_url, "payments", "payment_id", "pay_2", "status", "paid-tomorrow")
    with spoiled_payment(database_url, "pay_2"), of_its_status:
        await journal.deadlines.apply(["pay_1"])
        assert await told_of_request(journal) == []
        # What is certain is told all the same.
        await journal.register_payment(payment(3, request_id="r1"))
        await observe(journal, 3, "paid", snapshot("0x3"))
        assert await told_of_request(journal) == [("pay_3", "completed")]
    await journal.close()


async def test_what_completes_beside_it_is_known_to_be_paid_twice(
    journal: Journal, database_url: str, clock: Clock
) -> None:
    for number in (1, 2):
        await journal.register_payment(payment(number, request_id="r1"))
    await observe(journal, 1, "one", snapshot("0x1"))
    journal = await reopened(journal, database_url, clock)
    with spoiled_payment(database_url, "pay_1"):
        await observe(journal, 2, "two", snapshot("0x2"))
        assert await kinds(journal, 2) == [ProblemKind.TWICE_PAID]
        await journal.unreadable.update()
    await journal.unreadable.update()
    assert await kinds(journal, 1) == await kinds(journal, 2) == [ProblemKind.TWICE_PAID]
    await journal.close()


async def test_what_is_registered_beside_it_is_known_to_it_when_it_can_be_read_again(
    journal: Journal, database_url: str, clock: Clock
) -> None:
    await journal.register_payment(payment(1, request_id="r1", expires_at=NOW + HOUR))
    journal = await reopened(journal, database_url, clock)
    with spoiled_payment(database_url, "pay_1"):
        await journal.register_payment(payment(2, request_id="r1"))
        await observe(journal, 2, "two", snapshot("0x2"))
        await journal.unreadable.update()
    await journal.unreadable.update()
    clock.move(hours=2)
    await journal.deadlines.apply(["pay_1"])
    assert (await stands(journal, 1)).status == "expired"
    assert await told_of_request(journal) == [("pay_2", "completed")]
    await observe(journal, 1, "late", snapshot("0x1"))
    assert ProblemKind.TWICE_PAID in await kinds(journal, 1)
    assert ProblemKind.TWICE_PAID in await kinds(journal, 2)
    await journal.close()


async def test_a_sale_that_is_off_ends_it_as_soon_as_it_can_be_read(
    journal: Journal, database_url: str, clock: Clock
) -> None:
    await journal.register_payment(payment(1, request_id="r1"))
    journal = await reopened(journal, database_url, clock)
    with spoiled_payment(database_url, "pay_1"):
        payload = json.dumps({"requestId": "r1", "reason": "sold out"})
        cancelled = Event(REQUEST_CANCELLED, Audience(everyone=False, rooms=("user-b1",)), payload, "r1")
        await journal.publish_events([cancelled])
        await journal.unreadable.update()
    await journal.unreadable.update()
    assert (await stands(journal, 1)).status == "cancelled"
    await observe(journal, 1, "paid", snapshot("0x1"))
    assert await kinds(journal, 1) == [ProblemKind.PAID_AFTER_CANCELLATION]
    await journal.close()
