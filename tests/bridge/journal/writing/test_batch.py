"""What a request asks of the batch that it is in costs as much, however much else is in it."""

import sys
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from types import FrameType
from typing import Any

from bridge.journal import Journal
from bridge.journal.requests.payments import register_payment
from bridge.journal.requests.recording import record_observation
from bridge.journal.writing import batch as batch_module
from bridge.journal.writing.batch import Batch
from coordinator.events import Audience, Event
from coordinator.payments.events.payments import REQUEST_CANCELLED
from coordinator.payments.observed.observations import Transfer, TransferSeen
from coordinator.payments.payments import Payment
from tests.bridge.journal.conftest import NOW

COUNT = 30
SEEN = TransferSeen(transfer=Transfer(transfer_id="0x1", asset="ETH", amount=Decimal(1)))


def payment(number: int) -> Payment:
    return Payment(
        payment_id=f"pay_{number}",
        provider="shkeeper",
        external_id=f"order-{number}",
        request_id=f"r{number}",
        buyer_id=f"b{number}",
        seller_id=f"s{number}",
        amount=Decimal(100),
        currency="USD",
        created_at=NOW,
    )


def lines_of(work: Callable[[], object]) -> int:
    """How many lines of the batch's module some work runs."""
    lines = 0

    def trace(frame: FrameType, what: str, _argument: Any) -> Any:
        nonlocal lines
        if frame.f_code.co_filename != batch_module.__file__:
            return None
        lines += what == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return lines


async def test_a_registration_costs_as_much_however_many_there_are_in_its_batch(journal: Journal) -> None:
    registered: list[Payment] = []

    def register_all(batch: Batch) -> list[int]:
        for number in range(COUNT):
            record_observation(
                batch, provider="shkeeper", key=f"key-{number}", external_id=f"order-{number}", observation=SEEN
            )
        return [lines_of(partial(register, batch, number)) for number in range(COUNT)]

    def register(batch: Batch, number: int) -> None:
        registered.append(register_payment(batch, payment(number), None).payment)

    costs = await journal._writer.submit(register_all)
    assert max(costs) == min(costs)
    assert [len(one.facts.seen) for one in registered] == [1] * COUNT


async def test_a_payment_is_cancelled_with_its_request_also_within_one_batch(journal: Journal) -> None:
    def cancel_and_register(batch: Batch) -> list[str]:
        cancelled = Event(REQUEST_CANCELLED, Audience(everyone=False, rooms=("user-b1",)), "{}", "r1")
        batch.add_events([cancelled], payment_id=None)
        return [register_payment(batch, payment(number), None).payment.status for number in (1, 2)]

    assert await journal._writer.submit(cancel_and_register) == ["cancelled", "pending"]
