"""Approval of payouts in the journal, on both databases: limits hold whatever comes at once, and one word counts."""

import asyncio
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text

from bridge.journal import IdempotencyKey, Journal
from bridge.journal.database.engines import parse_database_url, writing_engine
from coordinator.payments.observed.observations import (
    Ending,
    InvoiceEnded,
    PaymentAccepted,
    RefundMoved,
    RefundOf,
    Release,
)
from coordinator.payouts.approval import Approver, NothingToApproveError, PayoutRules, SamePersonError
from coordinator.payouts.limits import PayoutLimits
from coordinator.payouts.observations import PayoutConfirmed, PayoutFailed, PayoutKnown, PayoutSent, PayoutWithheld
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import PayoutStatus
from tests.attempts import begin_attempts
from tests.bridge.journal.conftest import NOW
from tests.bridge.journal.older_journals import migrate
from tests.bridge.journal.sales import observe, paid, payout
from tests.clock import Clock
from tests.resuming import resumed

LIMITS = PayoutLimits(
    per_payout=Decimal(5), per_seller_and_day=Decimal(9), per_day=Decimal(20), under_way=Decimal(100)
)
RULES = PayoutRules({"USD": LIMITS})
BO, CY = Approver("Bo"), Approver("Cy")


async def sold(journal: Journal, number: int, worth: str = "3", **changes: Any) -> Payout:
    """A payout that can be asked for, of a payment that is completed."""
    await paid(journal, number, seller_id="s1")
    fields = {"seller_id": "s1", "worth": Decimal(worth), "worth_currency": "USD", "asked_by": "Ada"}
    return payout(number, created_at=journal.clock(), **fields | changes)


async def status(journal: Journal, made: Payout) -> str:
    [record] = await journal.payouts.records([made.payout_id])
    return record.payout.status


async def register(journal: Journal, *made: Payout, rules: PayoutRules = RULES) -> None:
    await journal.payouts.register(made, rules=rules)


async def withheld(journal: Journal, made: Payout, reason: str) -> None:
    await journal.payouts.record_observation(made.payout_id, reason, PayoutWithheld(reasons=(reason,)))


async def seeing(journal: Journal, made: Payout, by: str = "Bo") -> Approver:
    """Somebody who has just looked at why it waits."""
    [record] = await journal.payouts.records([made.payout_id])
    return Approver(by, seen=record.payout.approval_reasons)


async def escrow(journal: Journal, made: Payout) -> str:
    record = await journal.payment_record(made.payment_id)
    assert record is not None
    return record.payment.escrow_state


async def told(journal: Journal) -> list[str]:
    stretch = await journal.room_events(["user-s1"], everyone=True, hidden=(), after=0, limit=500)
    events = (one.event for one in stretch.events)
    return [f"{one.name} {one.payload.get('status', '')}".strip() for one in events if one.name.startswith("payout")]


async def test_what_is_above_a_limit_waits_and_is_not_asked_for(journal: Journal) -> None:
    below, above = await sold(journal, 1), await sold(journal, 2, "5.01")
    await register(journal, below, above)
    assert [await status(journal, one) for one in (below, above)] == ["created", "awaiting_approval"]
    assert await begin_attempts(journal, above.payout_id) == {}
    followed = await journal.payouts.to_follow(failed_since=NOW, limit=10)
    assert [one.payout_id for one in followed] == [below.payout_id]
    assert await told(journal) == ["payout-updated awaiting_approval"]
    assert await escrow(journal, above) == "releasing"
    found = await journal.console.for_a_person(NOW, NOW)
    assert [listed.payout.payout_id for listed in found.payouts] == [above.payout_id]
    [record] = await journal.payouts.records([above.payout_id])
    assert record.payout.facts.withheld == ("5.01 USD are above 5 USD, the limit of one payout",)
    assert [entry.observation.kind for entry in record.history] == ["payout-withheld"]


async def test_of_many_at_once_no_more_passes_than_the_limit(journal: Journal) -> None:
    made = [await sold(journal, number) for number in range(12)]
    await asyncio.gather(*(register(journal, one) for one in made))
    statuses = [await status(journal, one) for one in made]
    assert (statuses.count("created"), statuses.count("awaiting_approval")) == (3, 9)


async def test_a_request_of_several_adds_up(journal: Journal) -> None:
    made = [await sold(journal, number) for number in range(5)]
    await register(journal, *made)
    assert [await status(journal, one) for one in made] == ["created"] * 3 + ["awaiting_approval"] * 2


async def test_a_repeat_with_its_key_counts_once(journal: Journal) -> None:
    first, second, third = [await sold(journal, number) for number in range(3)]
    key = IdempotencyKey("payouts", "k", "digest")
    for _ in range(5):
        await journal.payouts.register([first], key, rules=RULES)
    await register(journal, second)
    await register(journal, third)
    assert {await status(journal, one) for one in (first, second, third)} == {"created"}


async def test_what_failed_came_back_or_was_rejected_takes_nothing(journal: Journal) -> None:
    failed, rejected, third, fourth = [await sold(journal, number, "5") for number in range(4)]
    await register(journal, failed)
    await journal.payouts.record_observation(failed.payout_id, "f", PayoutFailed(reason="no money"))
    await register(journal, third)
    assert await status(journal, third) == "created"
    await register(journal, rejected)
    assert await status(journal, rejected) == "awaiting_approval"
    await journal.approvals.reject(rejected.payout_id, by=BO, note="no")
    fitting = fourth.model_copy(update={"worth": Decimal(4)})
    await register(journal, fitting)
    assert await status(journal, fitting) == "created"


async def test_a_day_is_over_after_24_hours_and_begins_anew_with_an_approval(journal: Journal, clock: Clock) -> None:
    first, second = await sold(journal, 1, "5"), await sold(journal, 2, "5")
    await register(journal, first, second)
    for one in (PayoutSent(tx_hashes=("0x1",)), PayoutConfirmed()):
        await journal.payouts.record_observation(first.payout_id, one.kind, one)
    clock.now = NOW + timedelta(hours=24)
    third = await sold(journal, 3, "5")
    await register(journal, third)
    assert [await status(journal, one) for one in (first, second, third)] == [
        "completed",
        "awaiting_approval",
        "created",
    ]
    # The second was asked for yesterday, and leaves today.
    await journal.approvals.approve(second.payout_id, by=BO, note=None)
    clock.now = NOW + timedelta(hours=40)
    fourth = await sold(journal, 4, "1")
    await register(journal, fourth)
    assert await status(journal, fourth) == "awaiting_approval"


SELLERS = "0x9C1bc3C3cdee47e5c7Cc6311748241eF4356feeA"
MADE_ALIKE = "0x9C1b000000000000000000000000000000000eeA"


@pytest.mark.parametrize("known_by", ["an earlier payout", "the list of destinations"])
async def test_a_destination_made_to_look_like_the_sellers_own_waits(journal: Journal, known_by: str) -> None:
    if known_by == "an earlier payout":
        await register(journal, await sold(journal, 1, "1", destination=SELLERS))
    else:
        await journal.approvals.allow_destination("s1", SELLERS, coin="ETH", by="Ada", through="shop")
    poisoned = await sold(journal, 2, "1", destination=MADE_ALIKE)
    own = await sold(journal, 3, "1", destination=SELLERS.lower())
    another = await sold(journal, 4, "1", destination="0x" + 40 * "1")
    await register(journal, poisoned, own, another)
    assert [await status(journal, one) for one in (poisoned, own, another)] == [
        "awaiting_approval",
        "created",
        "created",
    ]
    [record] = await journal.payouts.records([poisoned.payout_id])
    assert record.payout.facts.withheld == (
        f"{MADE_ALIKE} begins and ends like {SELLERS}, where s1 is paid, and is another",
    )
    # What nobody let go is not where the seller is paid; what somebody has is.
    await journal.approvals.reject(poisoned.payout_id, by=BO, note="copied from dust")
    again = await sold(journal, 5, "1", destination=MADE_ALIKE)
    await register(journal, again)
    assert await status(journal, again) == "awaiting_approval"
    await journal.approvals.approve(again.payout_id, by=BO, note="it is theirs")
    third = await sold(journal, 6, "1", destination=MADE_ALIKE)
    await register(journal, third)
    assert await status(journal, third) == "created"


async def test_what_the_own_wallet_sends_is_not_held_and_counts(journal: Journal) -> None:
    own, other = await sold(journal, 1, "9"), await sold(journal, 2, "1")
    await journal.payouts.register([own], rules=RULES, known={own.payout_id: [PayoutKnown()]})
    await register(journal, other)
    assert [await status(journal, one) for one in (own, other)] == ["created", "awaiting_approval"]


async def test_without_rules_nothing_waits(journal: Journal) -> None:
    made = await sold(journal, 1, "9")
    await journal.payouts.register([made], rules=None)
    assert await status(journal, made) == "created"


# Second persons


async def test_once_approved_it_is_asked_for(journal: Journal, clock: Clock) -> None:
    made = await sold(journal, 1, "6")
    await register(journal, made)
    clock.now = NOW + timedelta(days=2)
    approved, action = await journal.approvals.approve(made.payout_id, by=BO, note="compared it")
    assert (approved.status, approved.cleared_at) == (PayoutStatus.CREATED, clock.now)
    assert (action.action, action.by, action.outcome) == ("approval", "Bo", "approved: compared it")
    assert await begin_attempts(journal, made.payout_id) == {made.payout_id: 1}
    assert await told(journal) == ["payout-updated awaiting_approval", "payout-updated created"]
    # It takes too long only from then on.
    found = await journal.console.for_a_person(clock.now, NOW)
    assert found.payouts == []


async def test_of_many_words_at_once_one_counts_and_is_on_record(journal: Journal) -> None:
    made = await sold(journal, 1, "6")
    await register(journal, made)
    words = [journal.approvals.approve(made.payout_id, by=Approver(f"A{number}"), note=None) for number in range(8)]
    words += [journal.approvals.reject(made.payout_id, by=Approver(f"R{number}"), note="no") for number in range(8)]
    outcomes = await asyncio.gather(*words, return_exceptions=True)
    refused = [one for one in outcomes if isinstance(one, NothingToApproveError)]
    assert all("this payout at 2026-05-01" in str(one) for one in refused)
    actions = await journal.console.actions_concerning(made.payout_id)
    # What is approved can be rejected as long as nobody was asked to send it.
    assert [one.action for one in actions] in (["rejection"], ["approval", "rejection"])
    assert len(refused) == 16 - len(actions)
    assert await status(journal, made) == "failed"


async def test_what_its_payment_holds_back_is_rejected_or_withdrawn(journal: Journal) -> None:
    first, second = await sold(journal, 1), await sold(journal, 2)
    await register(journal, first, second)
    for number in (1, 2):
        await observe(journal, number, f"called-{number}", InvoiceEnded(ending=Ending.REFUNDED))
    assert await begin_attempts(journal, first.payout_id, second.payout_id) == {}
    rejected, _ = await journal.approvals.reject(first.payout_id, by=BO, note="the buyer has it")
    withdrawn, action = await journal.approvals.withdraw(second.payout_id, by=Approver("Ada"), note="so I hear")
    assert (rejected.status, withdrawn.status) == (PayoutStatus.FAILED, PayoutStatus.FAILED)
    assert (action.action, action.by, action.outcome) == ("payout-withdrawal", "Ada", "withdrawn: so I hear")
    # Whoever accepts the payments now has nothing sent by it.
    for number in (1, 2):
        await observe(journal, number, f"accepted-{number}", PaymentAccepted(by="Cy", note="it is there"))
    assert await begin_attempts(journal, first.payout_id, second.payout_id) == {}
    assert [await escrow(journal, one) for one in (first, second)] == ["funded", "funded"]


async def test_what_is_being_asked_for_is_neither_rejected_nor_withdrawn(journal: Journal) -> None:
    made = await sold(journal, 1)
    await register(journal, made)
    [began, rejected] = await asyncio.gather(
        begin_attempts(journal, made.payout_id),
        journal.approvals.reject(made.payout_id, by=BO, note="no"),
        return_exceptions=True,
    )
    # Whichever came first, the other comes to nothing.
    assert (began == {made.payout_id: 1}) == isinstance(rejected, NothingToApproveError)
    other = await sold(journal, 2)
    await register(journal, other)
    assert await begin_attempts(journal, other.payout_id) == {other.payout_id: 1}
    with pytest.raises(NothingToApproveError, match="shkeeper was asked to send it"):
        await journal.approvals.withdraw(other.payout_id, by=Approver("Ada"), note=None)


async def test_who_asked_cannot_decide_and_nothing_is_written_of_it(journal: Journal) -> None:
    made = await sold(journal, 1, "6", asked_through="shop")
    await register(journal, made)
    for by in (Approver("Ada"), Approver("ada"), Approver("Bo", "shop")):
        with pytest.raises(SamePersonError):
            await journal.approvals.approve(made.payout_id, by=by, note=None)
        with pytest.raises(SamePersonError):
            await journal.approvals.reject(made.payout_id, by=by, note="no")
    assert await status(journal, made) == "awaiting_approval"
    assert await journal.console.actions_concerning(made.payout_id) == []


async def test_a_rejected_payout_lets_its_payment_be_paid_out_again(journal: Journal) -> None:
    made = await sold(journal, 1, "6")
    await register(journal, made)
    rejected, action = await journal.approvals.reject(made.payout_id, by=Approver("Bo", "back-office"), note="no")
    assert (rejected.status, rejected.reasons) == (PayoutStatus.FAILED, ("Bo rejected it: no",))
    assert (action.action, action.by) == ("rejection", "Bo, told by back-office")
    assert await escrow(journal, made) == "funded"
    again = made.model_copy(update={"payout_id": "out_again", "worth": Decimal(4), "destination": "0xElsewhere"})
    await register(journal, again)
    assert await status(journal, again) == "created"


async def test_what_was_rejected_does_not_leave_as_a_smaller_one_to_the_same_destination(journal: Journal) -> None:
    made = await sold(journal, 1, "6")
    await register(journal, made)
    await journal.approvals.reject(made.payout_id, by=BO, note="not our seller")
    smaller = {"payout_id": "out_again", "worth": Decimal(4), "destination": made.destination.lower()}
    again = made.model_copy(update=smaller)
    await register(journal, again)
    assert await status(journal, again) == "awaiting_approval"
    [record] = await journal.payouts.records([again.payout_id])
    assert record.payout.facts.withheld == ("out_1, to the same destination, was rejected by Bo",)


async def test_an_approval_lets_nobody_have_more_than_was_earned(journal: Journal) -> None:
    made = await sold(journal, 1, "6")
    await register(journal, made)
    gone = RefundMoved(refund_id="b1", of=RefundOf.GOODS, amount=Decimal(1_000), release=Release.DONE, step=1)
    assert await observe(journal, 1, "refund", gone) == "applied"
    with pytest.raises(NothingToApproveError, match=r"cannot be sent any more: payment pay_1 is refunded.*Reject it"):
        await journal.approvals.approve(made.payout_id, by=BO, note=None)
    rejected, _ = await journal.approvals.reject(made.payout_id, by=BO, note="the buyer has the money")
    assert rejected.status is PayoutStatus.FAILED


async def test_an_approval_does_not_resume_what_is_held(journal: Journal) -> None:
    made = await sold(journal, 1, "6")
    await register(journal, made)
    await journal.console.hold_payouts(by="Cy", note=None)
    await journal.approvals.approve(made.payout_id, by=BO, note=None)
    assert await begin_attempts(journal, made.payout_id) == {}
    await resumed(journal, by="Cy", note=None)
    assert await begin_attempts(journal, made.payout_id) == {made.payout_id: 1}


# Destinations


async def test_a_destination_waits_its_hours_on_its_sellers_list_and_anew_once_it_was_taken_off(
    journal: Journal, clock: Clock
) -> None:
    rules = PayoutRules({"USD": LIMITS}, timedelta(hours=24))
    made = [await sold(journal, number, "1", destination="0xAb") for number in range(5)]

    async def asked(number: int) -> str:
        await register(journal, made[number], rules=rules)
        return await status(journal, made[number])

    assert await asked(0) == "awaiting_approval"
    allowed, action = await journal.approvals.allow_destination(
        "s1", "0xAb", coin="ETH-USDT", by="Ada", through="shop"
    )
    assert (allowed.added_at, allowed.added_by) == (NOW, "Ada")
    assert action is not None
    assert (action.action, action.subject, action.by) == ("destination-added", "s1", "Ada")
    clock.now = NOW + timedelta(hours=23)
    assert await asked(1) == "awaiting_approval"
    # Added once more, it does not begin anew.
    again, action = await journal.approvals.allow_destination("s1", "0xAb", coin="ETH-USDT", by="Bo", through="shop")
    assert (again, action) == (allowed, None)
    clock.now = NOW + timedelta(hours=24)
    assert await asked(2) == "created"
    await journal.approvals.allow_destination("s2", "0xCd", coin="ETH-USDT", by="Bo", through="shop")
    removed = await journal.approvals.disallow_destination("s1", "0xAb", by="Bo", rules=rules)
    assert removed is not None
    assert removed.action is not None
    assert (removed.action.action, removed.action.by) == ("destination-removed", "Bo")
    assert await journal.approvals.disallow_destination("s1", "0xAb", by="Bo", rules=rules) is None
    assert await asked(3) == "awaiting_approval"
    await journal.approvals.allow_destination("s1", "0xAb", coin="ETH-USDT", by="Bo", through="shop")
    assert await asked(4) == "awaiting_approval"
    assert [one.destination for one in await journal.approvals.destinations("s1")] == ["0xAb"]
    assert [one.destination for one in await journal.approvals.destinations("s2")] == ["0xCd"]


@pytest.mark.parametrize("by", [Approver("ada"), Approver("Cy", "shop"), Approver("Ёva"), Approver("Cy", "desk")])
async def test_who_ever_put_a_destination_on_the_list_approves_nothing_to_it_though_it_was_taken_off(
    journal: Journal, by: Approver
) -> None:
    made = await sold(journal, 1, "6", destination="0xAb", asked_by="Bo")
    await register(journal, made)
    for who, service in (("Ada", "shop"), ("Ёva", "desk"), ("Ada", "desk")):
        await journal.approvals.allow_destination("s1", "0xAb", coin="ETH-USDT", by=who, through=service)
        await journal.approvals.disallow_destination("s1", "0xAb", by="Di", rules=RULES)
    assert await journal.approvals.destinations("s1") == []
    with pytest.raises(SamePersonError, match="Who said where"):
        await journal.approvals.approve(made.payout_id, by=by, note=None)
    approved, _ = await journal.approvals.approve(made.payout_id, by=Approver("Di"), note=None)
    assert approved.status is PayoutStatus.CREATED


async def test_who_put_another_sellers_destination_on_a_list_may_approve(journal: Journal) -> None:
    made = await sold(journal, 1, "6", destination="0xAb", asked_by="Di")
    await register(journal, made)
    await journal.approvals.allow_destination("s2", "0xAb", coin="ETH-USDT", by="Ada", through="shop")
    await journal.approvals.allow_destination("s1", "0xCd", coin="ETH-USDT", by="Ada", through="shop")
    await journal.approvals.approve(made.payout_id, by=Approver("Ada", "shop"), note=None)


# Versions of the schema


def rows(database_url: str, statement: str) -> list[Any]:
    engine = writing_engine(parse_database_url(database_url))
    with engine.connect() as connection:
        found = list(connection.execute(text(statement)))
    engine.dispose()
    return found


async def test_an_older_bridge_never_sends_what_waits(database_url: str) -> None:
    journal = await Journal.open(database_url, Clock(NOW))
    waiting, approved, rejected = [await sold(journal, number, "6") for number in range(3)]
    await register(journal, waiting, approved, rejected)
    await journal.approvals.approve(approved.payout_id, by=BO, note=None)
    await journal.approvals.reject(rejected.payout_id, by=BO, note="no")
    await journal.close()
    with pytest.raises(RuntimeError, match="1 payouts await approval"):
        await asyncio.to_thread(migrate, database_url, command.downgrade, "0017")
    # One of before 0028 takes one approval for all that is told later.
    await asyncio.to_thread(migrate, database_url, command.upgrade, "0028")
    await asyncio.to_thread(migrate, database_url, command.downgrade, "0027")
    facts = [json.loads(row.facts) for row in rows(database_url, "SELECT facts FROM payouts ORDER BY payout_id")]
    assert not any("approvedReasons" in one for one in facts)
    journal = await Journal.open(database_url, Clock(NOW))
    assert await status(journal, approved) == "created"
    await withheld(journal, approved, "told since")
    await journal.close()
    with pytest.raises(RuntimeError, match="1 payouts await a second approval"):
        await asyncio.to_thread(migrate, database_url, command.downgrade, "0027")
    journal = await Journal.open(database_url, Clock(NOW))
    await journal.approvals.approve(approved.payout_id, by=await seeing(journal, approved), note=None)
    assert await status(journal, waiting) == "awaiting_approval"
    await journal.approvals.reject(waiting.payout_id, by=BO, note="no")
    await journal.close()
    await asyncio.to_thread(migrate, database_url, command.downgrade, "0017")
    facts = [json.loads(row.facts) for row in rows(database_url, "SELECT facts FROM payouts ORDER BY payout_id")]
    assert not any({"withheld", "approved", "rejected"} & one.keys() for one in facts)
    told = rows(database_url, "SELECT observation FROM payout_observations ORDER BY observation_id")
    assert {json.loads(row.observation)["kind"] for row in told} == {"payout-not-asked", "payout-failed"}
    # And forward again: what there is counts for the limits of its payment's currency.
    journal = await Journal.open(database_url, Clock(NOW))
    assert [await status(journal, one) for one in (waiting, approved, rejected)] == ["failed", "created", "failed"]
    other = await sold(journal, 3, "4")
    await register(journal, other)
    assert await status(journal, other) == "awaiting_approval"
    await journal.close()


async def test_who_put_destinations_on_lists_before_that_was_remembered_is_read_off_the_record(
    database_url: str,
) -> None:
    journal = await Journal.open(database_url, Clock(NOW))
    made = await sold(journal, 1, "6", destination="0xAb", asked_by="Bo")
    await register(journal, made)
    await journal.approvals.allow_destination("s1", "0xAb", coin="ETH-USDT", by="Eva", through="shop")
    await journal.approvals.disallow_destination("s1", "0xAb", by="Di", rules=RULES)
    await journal.close()
    await asyncio.to_thread(migrate, database_url, command.downgrade, "0066")
    journal = await Journal.open(database_url, Clock(NOW))
    with pytest.raises(SamePersonError, match="Who said where"):
        await journal.approvals.approve(made.payout_id, by=Approver("eva"), note=None)
    await journal.approvals.approve(made.payout_id, by=Approver("Di"), note=None)
    await journal.close()


OFF_THE_LIST = "0xAb is not among the destinations of s1"


async def test_a_destination_that_is_taken_off_its_list_holds_back_what_waits_to_go_there(journal: Journal) -> None:
    rules = PayoutRules({"USD": LIMITS}, timedelta(0))
    await journal.approvals.allow_destination("s1", "0xAb", coin="ETH-USDT", by="Ada", through="shop")
    free, above, approved, asked = [
        await sold(journal, number, worth, destination="0xAb") for number, worth in enumerate(("1", "6", "6", "1"))
    ]
    elsewhere = await sold(journal, 8, "1", destination="0xCd")
    await journal.approvals.allow_destination("s1", "0xCd", coin="ETH-USDT", by="Ada", through="shop")
    await register(journal, free, above, asked, elsewhere, rules=rules)
    await register(journal, approved, rules=rules)
    await journal.approvals.approve(approved.payout_id, by=BO, note=None)
    assert await begin_attempts(journal, asked.payout_id, rules=rules) == {asked.payout_id: 1}

    removed = await journal.approvals.disallow_destination("s1", "0xAb", by="Bo", rules=rules)
    assert removed is not None
    assert set(removed.waiting) == {free.payout_id, above.payout_id, approved.payout_id}
    for one in (free, above, approved):
        [record] = await journal.payouts.records([one.payout_id])
        assert record.payout.status == "awaiting_approval"
        assert OFF_THE_LIST in record.payout.approval_reasons
        assert await begin_attempts(journal, one.payout_id, rules=rules) == {}
    assert [await status(journal, one) for one in (asked, elsewhere)] == ["created", "created"]
    # A repeat of the approval of before says nothing of that; whoever sees it lets it go, and it is asked for once.
    with pytest.raises(NothingToApproveError, match="something else by now"):
        await journal.approvals.approve(approved.payout_id, by=BO, note=None)
    await journal.approvals.approve(approved.payout_id, by=await seeing(journal, approved, "Cy"), note=None)
    assert await begin_attempts(journal, approved.payout_id, rules=rules) == {approved.payout_id: 1}


async def test_what_was_ordered_before_the_rules_became_stricter_is_held_by_them(
    journal: Journal, clock: Clock
) -> None:
    first, second, approved = [await sold(journal, number, "4") for number in range(3)]
    await register(journal, first, second)
    await register(journal, approved)
    clock.now += timedelta(hours=1)
    await journal.approvals.approve(approved.payout_id, by=BO, note=None)
    stricter = LIMITS.model_copy(update={"per_payout": Decimal(3)})
    assert await begin_attempts(journal, first.payout_id, rules=PayoutRules({"USD": stricter})) == {}
    [record] = await journal.payouts.records([first.payout_id])
    assert record.payout.approval_reasons == ("4 USD are above 3 USD, the limit of one payout",)
    # The same limits hold nothing that they have let go, nor what somebody has looked at.
    for one, rules in ((second, RULES), (approved, PayoutRules({"USD": stricter}))):
        assert await begin_attempts(journal, one.payout_id, rules=rules) == {one.payout_id: 1}
