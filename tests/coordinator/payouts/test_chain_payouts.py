"""Payouts on a chain: they complete by what the chain shows, whatever their provider says."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.attention.payouts import payout_attention
from coordinator.events import Event
from coordinator.payments.observed.observations import Sighting, Stage, Transfer
from coordinator.payouts.decisions import decide_payout
from coordinator.payouts.observations import (
    PayoutAccepted,
    PayoutConfirmed,
    PayoutFailed,
    PayoutObservation,
    PayoutSent,
    PayoutSettled,
    PayoutSighted,
)
from coordinator.payouts.payouts import Payout, Verification
from coordinator.payouts.statuses import PAYOUT_TRANSITIONS, PayoutStatus

PAYOUT = Payout(
    payout_id="out_1",
    provider="shkeeper",
    payment_id="pay_1",
    seller_id="s1",
    destination="0xAb",
    coin="ETH-USDT",
    amount=Decimal(10),
    created_at=datetime(2026, 5, 1, tzinfo=UTC),
    chain="ethereum",
)
ACCEPTED, SENT, CONFIRMED = PayoutAccepted(task_id="t1"), PayoutSent(tx_hashes=("0x1",)), PayoutConfirmed()


def sighted(
    stage: Stage,
    view: int,
    amount: int = 10,
    *,
    tx: str = "0x1",
    confirmations: int = 0,
    reason: str | None = None,
    sender: str | None = None,
) -> PayoutSighted:
    transfer = Transfer(transfer_id=tx, asset="USDT", amount=Decimal(amount))
    return PayoutSighted(
        sighting=Sighting(
            transfer=transfer,
            stage=stage,
            view=view,
            confirmations=confirmations,
            required_confirmations=3,
            reason=reason,
            sender=sender,
        )
    )


FINAL = sighted(Stage.FINAL, 4, confirmations=3)
ELSEWHERE = sighted(Stage.FAILED, 4, 0, reason="it pays nothing to 0xAb")


def play(*observations: PayoutObservation, payout: Payout = PAYOUT) -> tuple[Payout, list[Event]]:
    events: list[Event] = []
    for observation in observations:
        decision = decide_payout(payout, observation)
        payout = decision.payout
        events += decision.events
    return payout, events


def told(events: list[Event]) -> list[tuple[object, ...]]:
    return [
        (event.name, *(event.payload[name] for name in ("status", "verification", "reason") if name in event.payload))
        for event in events
    ]


def test_a_payout_completes_when_the_chain_shows_it_final() -> None:
    payout, events = play(
        ACCEPTED,
        SENT,
        sighted(Stage.MINED, 2, confirmations=1),
        CONFIRMED,
        sighted(Stage.MINED, 3, confirmations=2),
        FINAL,
    )
    assert (payout.status, payout.verification) == (PayoutStatus.COMPLETED, Verification.VERIFIED)
    assert told(events) == [
        ("payout-created",),
        ("payout-updated", "broadcast"),
        ("payout-updated", "confirming"),
        ("payout-progress", "confirming", "pending"),
        ("payout-progress", "confirming", "pending"),
        ("payout-updated", "completed"),
        ("payout-progress", "completed", "verified"),
        ("payout-completed",),
    ]
    assert events[-1].payload["txHash"] == "0x1"
    progress = next(event for event in events if event.name == "payout-progress")
    assert (progress.payload["confirmations"], progress.payload["requiredConfirmations"]) == (1, 3)
    assert progress.audience.rooms == ("ops", "user-s1")
    assert not progress.audience.everyone


def test_a_provider_alone_completes_nothing_on_a_watched_chain() -> None:
    payout, _ = play(ACCEPTED, SENT, CONFIRMED)
    assert (payout.status, payout.verification) == (PayoutStatus.CONFIRMING, Verification.PENDING)
    elsewhere, _ = play(ACCEPTED, SENT, CONFIRMED, payout=PAYOUT.model_copy(update={"chain": None}))
    assert (elsewhere.status, elsewhere.verification) == (PayoutStatus.COMPLETED, None)


@pytest.mark.parametrize(
    ("observations", "reason"),
    [
        ((sighted(Stage.FINAL, 4, 9),), "0x1 pays 9 USDT of 10"),
        ((sighted(Stage.FINAL, 4, 11),), "0x1 pays 11 USDT of 10"),
        ((ELSEWHERE,), "0x1: it pays nothing to 0xAb"),
        ((sighted(Stage.FINAL, 4, 9, sender="0xC"),), "0x1 pays 9 USDT of 10, sent by 0xC"),
        ((sighted(Stage.FAILED, 4, 0, reason="it failed", sender="0xC"),), "0x1: it failed (signed by 0xC)"),
    ],
    ids=["too little", "too much", "to somebody else", "of somebody", "of somebody, to nothing"],
)
def test_a_mismatch_says_why_and_completes_only_by_a_persons_word(
    observations: tuple[PayoutObservation, ...], reason: str
) -> None:
    payout, events = play(ACCEPTED, SENT, CONFIRMED, *observations)
    assert (payout.status, payout.verification) == (PayoutStatus.MISMATCH, Verification.MISMATCH)
    assert "; ".join(payout.reasons) == reason
    assert told(events)[-2:] == [
        ("payout-updated", "mismatch"),
        ("payout-progress", "mismatch", "mismatch", reason),
    ]
    settled, events = play(PayoutSettled(reason="ops-1: the seller has it"), payout=payout)
    assert settled.status is PayoutStatus.COMPLETED
    assert settled.verification is Verification.MISMATCH  # a person's word does not change what the chain says
    assert [event.name for event in events] == ["payout-updated", "payout-completed"]


def test_one_that_is_paid_twice_stays_completed_and_says_so() -> None:
    payout, _ = play(SENT, sighted(Stage.FINAL, 3, 4), sighted(Stage.FINAL, 3, 6, tx="0x2"))
    assert payout.status is PayoutStatus.COMPLETED
    payout, events = play(sighted(Stage.FINAL, 9, tx="0x3"), payout=payout)
    assert (payout.status, payout.excess) == (PayoutStatus.COMPLETED, Decimal(10))
    assert payout.reasons[-1] == "0x3 pays 10 USDT of 10"
    assert [event.name for event in events] == ["payout-progress"]
    item = payout_attention(payout, payout.created_at, payout.created_at)
    assert item is not None
    assert (item.kind, item.remedies, payout.ended_in_doubt) == ("payout-paid-twice", ("dismiss",), True)
    # Too much of which a person has said that it is what was to arrive was seen by them.
    much, _ = play(SENT, sighted(Stage.FINAL, 3, 11), PayoutSettled(reason="Ada found that it has arrived"))
    assert (much.status, much.ended_in_doubt) == (PayoutStatus.COMPLETED, False)


def test_however_many_transfers_are_named_for_one_it_is_soon_told_what_they_come_to() -> None:
    large = PAYOUT.model_copy(update={"amount": Decimal(2**24 - 1)})
    some = [sighted(Stage.FINAL, 3, 2**number, tx=f"0x{number}") for number in range(24)]
    payout, _ = play(*some, payout=large)
    assert payout.verification is Verification.VERIFIED
    payout, _ = play(*some, payout=large.model_copy(update={"amount": Decimal(2**23 + 1)}))
    assert payout.verification is not Verification.PENDING


def test_another_transaction_leads_out_of_a_mismatch() -> None:
    payout, _ = play(SENT, ELSEWHERE, PayoutSent(tx_hashes=("0x2",)))
    assert payout.status is PayoutStatus.BROADCAST
    payout, events = play(sighted(Stage.FINAL, 9, tx="0x2"), payout=payout)
    assert payout.status is PayoutStatus.COMPLETED
    assert events[-1].payload["txHash"] == "0x2"


def test_what_the_chain_takes_back_is_said_and_comes_forward_again_or_ends_as_dropped() -> None:
    payout, events = play(
        SENT, sighted(Stage.MINED, 2, confirmations=1), sighted(Stage.REORGANISED, 3, reason="its block is gone")
    )
    assert payout.status is PayoutStatus.BROADCAST
    assert told(events)[-2:] == [
        ("payout-updated", "broadcast"),
        ("payout-progress", "broadcast", "pending", "its block is gone"),
    ]
    assert play(sighted(Stage.FINAL, 9), payout=payout)[0].status is PayoutStatus.COMPLETED
    dropped, events = play(sighted(Stage.DROPPED, 4, reason="another took its place"), payout=payout)
    assert dropped.status is PayoutStatus.DROPPED
    assert dropped.reasons == ("0x1: another took its place",)
    assert not dropped.is_settled
    assert play(sighted(Stage.MINED, 5), payout=dropped)[0].status is PayoutStatus.CONFIRMING


PAID = {"0x1": 4, "0x2": 6, "0x3": 10, "0x4": 11}
observations = st.one_of(
    st.sampled_from((ACCEPTED, SENT, CONFIRMED, PayoutFailed(reason="no"), PayoutSettled(reason="yes"))),
    st.builds(
        # What a transaction pays does not change.
        lambda stage, view, tx, confirmations: sighted(stage, view, PAID[tx], tx=tx, confirmations=confirmations),
        st.sampled_from(Stage),
        st.integers(1, 9),
        st.sampled_from(sorted(PAID)),
        st.integers(0, 2),
    ),
)


@given(st.lists(observations, max_size=8).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some * 2))))
def test_any_order_and_repetition_ends_in_the_same_state(
    orders: tuple[list[PayoutObservation], list[PayoutObservation]],
) -> None:
    once, twice_shuffled = orders
    assert play(*once)[0] == play(*twice_shuffled)[0]


@given(st.lists(observations, max_size=12))
def test_every_move_is_in_the_table_and_the_last_status_told_is_the_true_one(some: list[PayoutObservation]) -> None:
    payout, events = play(*some)  # raises where a move is not in the table
    statuses = [event.payload["status"] for event in events if event.name == "payout-updated"]
    assert not statuses or statuses[-1] == payout.status
    assert [event.name for event in events].count("payout-completed") <= 1
    assert set(PAYOUT_TRANSITIONS) == set(PayoutStatus)
