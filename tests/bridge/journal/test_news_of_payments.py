"""What is told of a payment after its payout was ordered, or approved: somebody else than who asked sees it first."""

from typing import Any

import pytest

from bridge.journal import Journal
from coordinator.payments.observed.observations import (
    ClaimContested,
    Observation,
    PaymentAccepted,
    PurchaseCancelled,
    RegistrationContested,
    SiblingCompleted,
    SiblingRefunded,
)
from coordinator.payouts.approval import Approver, SamePersonError
from coordinator.payouts.payouts import Payout
from tests.attempts import begin_attempts
from tests.bridge.journal.conftest import NOW
from tests.bridge.journal.sales import observe
from tests.bridge.journal.test_approvals import BO, register, sold, status

CANCELLED = PurchaseCancelled(request_id="request-1")
TWICE = SiblingCompleted(payment_id="pay_9")
NEWS: dict[str, tuple[Observation, str]] = {
    "its request was cancelled": (CANCELLED, "request-1 was cancelled after it was paid"),
    "its request was paid twice": (TWICE, "shares a purchase request with pay_9"),
    "its money is another's too": (
        ClaimContested(what="0xab", payment_id="pay_9"),
        "pay_9 was given an address of payment pay_1 or told of its money too",
    ),
    "its name is another's too": (
        RegistrationContested(by="shop", differing=("sellerId",)),
        "shop wanted order-1 for a payment with another sellerId",
    ),
}


async def reasons(journal: Journal, made: Payout) -> tuple[str, ...]:
    [record] = await journal.payouts.records([made.payout_id])
    return record.payout.approval_reasons if record.payout.awaits_approval else ()


@pytest.mark.parametrize("when", ["before the order", "before it is sent", "after it was approved"])
@pytest.mark.parametrize(("news", "said"), NEWS.values(), ids=NEWS)
async def test_it_awaits_the_approval_of_another_person(
    journal: Journal, news: Observation, said: str, when: str
) -> None:
    made = await sold(journal, 1, "6" if when == "after it was approved" else "3")
    if when == "before the order":
        await observe(journal, 1, "news", news)
        await register(journal, made)
    else:
        await register(journal, made)
        if when == "after it was approved":
            await journal.approvals.approve(made.payout_id, by=BO, note=None)
        assert await status(journal, made) == "created"
        await observe(journal, 1, "news", news)
        assert await begin_attempts(journal, made.payout_id) == {}
    assert await status(journal, made) == "awaiting_approval"
    [reason] = await reasons(journal, made)
    assert said in reason
    found = await journal.console.for_a_person(NOW, NOW)
    assert [one.payout.payout_id for one in found.payouts] == [made.payout_id]
    await journal.approvals.approve(made.payout_id, by=Approver("Cy", seen=(reason,)), note="they settled it")
    assert await begin_attempts(journal, made.payout_id) == {made.payout_id: 1}
    approvals = [one for one in await journal.console.actions_concerning(made.payout_id) if one.action == "approval"]
    assert {one.by for one in approvals} == {"Cy"} | ({"Bo"} if when == "after it was approved" else set())


async def test_what_was_told_already_asks_for_no_further_approval(journal: Journal) -> None:
    made = await sold(journal, 1)
    await register(journal, made)
    await observe(journal, 1, "news", CANCELLED)
    assert await begin_attempts(journal, made.payout_id) == {}
    for key in ("again", "once more"):
        await observe(journal, 1, key, CANCELLED)
    await journal.approvals.approve(made.payout_id, by=BO, note=None)
    assert await begin_attempts(journal, made.payout_id) == {made.payout_id: 1}


async def test_once_the_other_payment_has_gone_back_nobody_is_asked(journal: Journal) -> None:
    made = await sold(journal, 1)
    await register(journal, made)
    await observe(journal, 1, "twice", TWICE)
    await observe(journal, 1, "back", SiblingRefunded(payment_id="pay_9"))
    assert await begin_attempts(journal, made.payout_id) == {made.payout_id: 1}


async def test_a_payout_of_two_at_once_is_looked_at_once_for_each(journal: Journal) -> None:
    changes: dict[str, Any] = {"payment_id": "pay_1"}
    first, second = await sold(journal, 1, "1"), await sold(journal, 2, "1", **changes)
    await journal.payouts.register([first, second], another=True, rules=None)
    await observe(journal, 1, "news", CANCELLED)
    assert await begin_attempts(journal, first.payout_id, second.payout_id) == {}
    await journal.approvals.approve(first.payout_id, by=BO, note=None)
    assert await begin_attempts(journal, first.payout_id) == {first.payout_id: 1}


async def test_what_was_cancelled_and_taken_as_paid_all_the_same_needs_two_others(journal: Journal) -> None:
    await observe(journal, 1, "news", CANCELLED)  # kept until it is registered
    made = await sold(journal, 1)
    await observe(journal, 1, "accepted", PaymentAccepted(by="Di", note="the sale holds"))
    await register(journal, made)
    [reason] = await reasons(journal, made)
    assert reason == "request-1 was cancelled and taken as paid all the same by Di; see whether s1 is to be paid"
    with pytest.raises(SamePersonError, match="hangs on what they said"):
        await journal.approvals.approve(made.payout_id, by=Approver("Di"), note=None)
    await journal.approvals.approve(made.payout_id, by=BO, note=None)
    assert await begin_attempts(journal, made.payout_id) == {made.payout_id: 1}
