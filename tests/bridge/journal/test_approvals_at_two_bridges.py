"""Approvals as a thief would try them, at two bridges that share a journal: whatever one does while the other
decides, no more leaves than is allowed, earned and looked at."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge.journal import Journal
from coordinator.payments.observed.reversals import RefundedThere
from coordinator.payouts.approval import Approver, NothingToApproveError, PayoutRules, SamePersonError
from coordinator.payouts.limits import PayoutLimits
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import PayoutStatus
from tests.attempts import begin_attempts
from tests.bridge.journal.sales import observe, paid, payout

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

LIMITS = PayoutLimits(
    per_payout=Decimal(5), per_seller_and_day=Decimal(9), per_day=Decimal(20), under_way=Decimal(100)
)
RULES = PayoutRules({"USD": LIMITS})
BO, CY = Approver("Bo"), Approver("Cy")


@pytest.fixture
async def here(database_url: str) -> AsyncIterator[Journal]:
    opened = await Journal.open(database_url, is_shared=True)
    yield opened
    await opened.close()


@pytest.fixture
async def there(here: Journal, database_url: str) -> AsyncIterator[Journal]:
    opened = await Journal.open(database_url, is_shared=True)
    yield opened
    await opened.close()


async def sold(journal: Journal, number: int, worth: str = "3", **changes: Any) -> Payout:
    """A payout that can be asked for, of a payment that is completed."""
    await paid(journal, number, seller_id="s1")
    fields = {"seller_id": "s1", "worth": Decimal(worth), "worth_currency": "USD", "asked_by": "ada"}
    return payout(number, created_at=journal.clock(), **fields | {"asked_through": "shop"} | changes)


async def waiting(journal: Journal, number: int, worth: str = "6", rules: PayoutRules = RULES) -> str:
    """One that awaits approval."""
    made = await sold(journal, number, worth)
    await journal.payouts.register([made], rules=rules)
    assert await status(journal, made.payout_id) == "awaiting_approval"
    return made.payout_id


async def status(journal: Journal, payout_id: str) -> str:
    return (await found(journal, payout_id)).status


async def found(journal: Journal, payout_id: str) -> Payout:
    [record] = await journal.payouts.records([payout_id])
    return record.payout


async def asked(journal: Journal, payout_id: str, rules: PayoutRules = RULES) -> dict[str, int]:
    """What a bridge may ask its provider for when it is its turn to send payouts."""
    await journal.nodes.take(["payouts"], timedelta(hours=1))
    try:
        return await begin_attempts(journal, payout_id, rules=rules)
    finally:
        await journal.nodes.release(["payouts"])


async def test_of_many_at_once_at_both_no_more_passes_than_the_limit(here: Journal, there: Journal) -> None:
    made = [await sold(here, number) for number in range(12)]
    bridges = [here, there] * 6
    await asyncio.gather(
        *(journal.payouts.register([one], rules=RULES) for journal, one in zip(bridges, made, strict=True))
    )
    statuses = [await status(there, one.payout_id) for one in made]
    assert (statuses.count("created"), statuses.count("awaiting_approval")) == (3, 9)


async def test_of_two_words_at_once_one_counts_and_what_was_approved_is_asked_for_once(
    here: Journal, there: Journal
) -> None:
    for number in range(4):
        payout_id = await waiting(here, number)
        words = await asyncio.gather(
            here.approvals.approve(payout_id, by=BO, note=None),
            there.approvals.approve(payout_id, by=CY, note=None),
            return_exceptions=True,
        )
        assert sum(isinstance(one, NothingToApproveError) for one in words) == 1
        begun = await asyncio.gather(*(asked(one, payout_id) for one in (here, there)))
        assert sorted(begun, key=len) == [{}, {payout_id: 1}]


async def test_what_is_rejected_at_one_is_not_let_go_by_an_approval_at_the_other(
    here: Journal, there: Journal
) -> None:
    for number in range(4):
        payout_id = await waiting(here, number)
        await asyncio.gather(
            here.approvals.approve(payout_id, by=BO, note=None),
            there.approvals.reject(payout_id, by=CY, note="not our seller"),
            return_exceptions=True,
        )
        # What was approved first is rejected all the same, as long as nobody was asked to send it.
        assert {await status(one, payout_id) for one in (here, there)} == {"failed"}
        assert await asked(here, payout_id) == {}


@pytest.mark.parametrize(
    "by",
    [
        Approver("Ada"),
        Approver("АDA"),  # in letters of another alphabet
        Approver("shop"),
        Approver("bo", "shop"),
        Approver("ada", "ops"),
        Approver("s1"),
        Approver("lena"),
        Approver("cy", "lena"),
        Approver("ops", "ops", services=("ops", "shop")),
    ],
    ids=str,
)
async def test_whoever_had_a_hand_in_it_is_refused_by_any_name_at_any_bridge(
    here: Journal, there: Journal, by: Approver
) -> None:
    payout_id = await waiting(here, 1)
    destination = (await found(here, payout_id)).destination
    await here.approvals.allow_destination("s1", destination, coin="ETH-USDT", by="Lena", through="shop")
    with pytest.raises(SamePersonError):
        await there.approvals.approve(payout_id, by=by, note=None)
    assert await asked(there, payout_id) == {}
    await there.approvals.approve(payout_id, by=Approver("Bo", "ops", services=("ops", "shop")), note=None)


async def test_an_approval_counts_for_what_was_seen_when_its_destination_is_taken_off_the_list_meanwhile(
    here: Journal, there: Journal
) -> None:
    rules = PayoutRules({"USD": LIMITS}, timedelta(0))
    made = await sold(here, 1, "6")
    await here.approvals.allow_destination("s1", made.destination, coin="ETH-USDT", by="shop", through="shop")
    await here.payouts.register([made], rules=rules)
    shown = (await found(here, made.payout_id)).approval_reasons
    removed = await there.approvals.disallow_destination("s1", made.destination, by="shop", rules=rules)
    assert removed is not None
    assert removed.waiting == (made.payout_id,)
    seen = Approver("Bo", seen=shown)
    with pytest.raises(NothingToApproveError, match="is not among the destinations of s1"):
        await here.approvals.approve(made.payout_id, by=seen, note=None)
    assert await asked(here, made.payout_id, rules) == {}
    shown = (await found(here, made.payout_id)).approval_reasons
    await here.approvals.approve(made.payout_id, by=Approver("Bo", seen=shown), note=None)
    assert await asked(there, made.payout_id, rules) == {made.payout_id: 1}


async def test_limits_that_are_lower_at_the_bridge_that_sends_hold_what_nobody_has_looked_at(
    here: Journal, there: Journal
) -> None:
    made = await sold(here, 1, "4")
    await here.payouts.register([made], rules=RULES)
    assert await status(here, made.payout_id) == "created"
    lower = PayoutRules({"USD": LIMITS.model_copy(update={"per_payout": Decimal(3)})})
    assert await asked(there, made.payout_id, lower) == {}
    # The bridge whose limits would let it go does not send it any more either.
    assert await asked(here, made.payout_id) == {}
    assert await status(here, made.payout_id) == "awaiting_approval"


@pytest.mark.parametrize("is_approved_before", [True, False])
async def test_what_went_back_to_the_buyer_meanwhile_does_not_leave_as_well(
    here: Journal, there: Journal, is_approved_before: bool
) -> None:
    payout_id = await waiting(here, 1)
    gone = RefundedThere(reference="r1", currency="USD", amount=Decimal("10.10"))
    if is_approved_before:
        await here.approvals.approve(payout_id, by=BO, note=None)
    await observe(there, 1, "gone", gone)
    if not is_approved_before:
        with pytest.raises(NothingToApproveError, match="cannot be sent any more"):
            await here.approvals.approve(payout_id, by=BO, note=None)
    assert await asked(here, payout_id) == {}
    assert await asked(there, payout_id) == {}
    rejected, _ = await there.approvals.reject(payout_id, by=CY, note="the buyer has it")
    assert rejected.status is PayoutStatus.FAILED
