"""What the writer remembers of payments is what was committed, however many there are and whatever fails."""

import asyncio
import random
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.journal import Journal, JournalUnavailableError, Outcome
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.recent_payments import RecentPayments
from coordinator.payments.observed.observations import InvoiceSnapshot, Standing, Transfer, TransferSeen
from coordinator.payments.payments import Payment, PaymentStatus
from tests.bridge.journal.conftest import NOW

SEEN = TransferSeen(transfer=Transfer(transfer_id="0x1", asset="ETH", amount=Decimal(1)))
PAID = InvoiceSnapshot(
    standing=Standing.PAID, currency="USD", received=Decimal(100), transfers=(SEEN.transfer,), caused_by="0x1"
)


def payment(number: int, buyer_id: str = "b1") -> Payment:
    return Payment(
        payment_id=f"pay_{number}",
        provider="shkeeper",
        external_id=f"order-{number}",
        request_id="r1",
        buyer_id=buyer_id,
        seller_id="s1",
        amount=Decimal(100),
        currency="USD",
        created_at=NOW,
    )


@given(st.lists(st.tuples(st.integers(0, 7), st.sampled_from(["b1", "b2"])), max_size=40), st.integers(1, 5))
def test_those_that_were_kept_last_are_there_as_they_were_kept(kept: list[tuple[int, str]], limit: int) -> None:
    recent = RecentPayments(limit)
    for number, buyer_id in kept:
        recent.put([payment(number, buyer_id)], new=(), keys=())
    last: dict[int, str] = {}
    for number, buyer_id in reversed(kept):
        if len(last) < limit:
            last.setdefault(number, buyer_id)
    for number in range(8):
        expected = payment(number, last[number]) if number in last else None
        assert recent.get(f"pay_{number}") == recent.named("shkeeper", f"order-{number}") == expected
        assert recent.named("other", f"order-{number}") is None


def test_of_some_that_are_dropped_nothing_is_left_and_the_others_stay() -> None:
    recent = RecentPayments()
    recent.put([payment(1), payment(2)], new=["pay_1", "pay_2"], keys=[("pay_1", "k1"), ("pay_2", "k2")])
    recent.drop(["pay_1", "pay_3"])
    assert recent.get("pay_1") is recent.named("shkeeper", "order-1") is None
    assert recent.keys("shkeeper", "order-1") is None
    assert recent.named("shkeeper", "order-2") == payment(2)
    assert recent.keys("shkeeper", "order-2") == {"k2"}


def test_nothing_is_left_of_what_is_cleared() -> None:
    recent = RecentPayments()
    recent.put([payment(1)], new=["pay_1"], keys=[("pay_1", "k1")])
    recent.clear()
    assert recent.get("pay_1") is recent.named("shkeeper", "order-1") is None
    assert recent.keys("shkeeper", "order-1") is None


def test_all_keys_are_known_of_those_only_that_were_here_all_their_lives() -> None:
    recent = RecentPayments(2)
    recent.put([payment(1), payment(2)], new=["pay_1"], keys=[("pay_1", "k1"), ("pay_2", "k2")])
    assert recent.keys("shkeeper", "order-1") == {"k1"}
    assert recent.keys("shkeeper", "order-2") is None
    recent.put([payment(3)], new=["pay_3"], keys=())
    recent.put([payment(1)], new=(), keys=[("pay_1", "k3")])
    assert recent.keys("shkeeper", "order-1") is None  # it was forgotten in the meantime
    assert recent.keys("shkeeper", "order-3") == set()


async def test_whatever_is_remembered_a_message_counts_once(journal: Journal) -> None:
    chance, seen, registered = random.Random(7), set[tuple[int, int]](), set[int]()
    for _ in range(40):
        step = chance.random()
        if step < 0.1:  # forgets everything
            with pytest.raises(JournalUnavailableError):
                await journal._writer.submit(breaks_at_once)
        elif step < 0.3:
            number = chance.randrange(12)
            await journal.register_payment(payment(number))
            registered.add(number)
        sent = [(chance.randrange(12), chance.randrange(4)) for _ in range(chance.randrange(1, 8))]
        recorded = await asyncio.gather(
            *(
                journal.record_observation(
                    provider="shkeeper", external_id=f"order-{number}", key=f"{number}-{key}", observation=SEEN
                )
                for number, key in sent
            )
        )
        for one, outcome in zip(sent, (each.outcome for each in recorded), strict=True):
            assert (outcome is Outcome.DUPLICATE) == (one in seen)
            assert (outcome is Outcome.STORED) == (one not in seen and one[0] not in registered)
            seen.add(one)


def breaks_at_once(_batch: Batch) -> None:
    raise RuntimeError("this request has a defect")


def breaks_before_the_end(batch: Batch) -> None:
    known = batch.payments.get("pay_1")
    assert known is not None
    batch.payments.move(known.with_facts(known.facts.model_copy(update={"deadline_passed": True})))
    raise RuntimeError("this request has a defect")


def breaks_in_the_database(batch: Batch) -> None:
    known = batch.payments.get("pay_1")
    assert known is not None
    batch.payments.move(known.with_facts(known.facts.model_copy(update={"deadline_passed": True})))
    batch.payments.add(payment(2).model_copy(update={"external_id": "order-1"}))


@pytest.mark.parametrize("broken", [breaks_before_the_end, breaks_in_the_database])
async def test_a_commit_that_fails_leaves_nothing_in_memory(
    journal: Journal, broken: Callable[[Batch], None]
) -> None:
    await journal.register_payment(payment(1))
    await journal.record_observation(provider="shkeeper", external_id="order-1", key="k1", observation=SEEN)
    with pytest.raises(JournalUnavailableError):
        await journal._writer.submit(broken)
    recorded = await journal.record_observation(
        provider="shkeeper", external_id="order-1", key="k2", observation=PAID
    )
    record = await journal.payment_record("pay_1")
    assert recorded.outcome is Outcome.APPLIED
    assert recorded.payment is not None
    assert (recorded.payment.status, recorded.payment.facts.deadline_passed) == (PaymentStatus.COMPLETED, None)
    assert record is not None
    assert record.payment == recorded.payment
