"""The payout's table: every order and repetition of observations ends in one state, and nothing is told twice."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.events import Event
from coordinator.payouts.batches import TOGETHER_AT_MOST, batches
from coordinator.payouts.decisions import decide_payout
from coordinator.payouts.facts import SecondWord
from coordinator.payouts.observations import (
    PayoutAccepted,
    PayoutApproved,
    PayoutAsked,
    PayoutConfirmed,
    PayoutFailed,
    PayoutInDoubt,
    PayoutKnown,
    PayoutNotAsked,
    PayoutObservation,
    PayoutRejected,
    PayoutReturned,
    PayoutReverted,
    PayoutSent,
    PayoutUnclear,
    PayoutWithheld,
    Stated,
)
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import PAYOUT_TRANSITIONS, PayoutStatus

PAYOUT = Payout(
    payout_id="out_1",
    provider="shkeeper",
    payment_id="pay_1",
    seller_id="s1",
    destination="0xAb",
    coin="ETH-USDT",
    amount=Decimal("49.90"),
    created_at=datetime(2026, 5, 1, tzinfo=UTC),
)
ASKED, KNOWN, CONFIRMED = PayoutAsked(), PayoutKnown(), PayoutConfirmed()
VAIN = PayoutNotAsked(attempt=1, reason="not reached")
ACCEPTED, SENT = PayoutAccepted(task_id="task-1"), PayoutSent(tx_hashes=("0x1",))
UNCLEAR, FAILED = PayoutUnclear(reason="no answer"), PayoutFailed(reason="not enough tokens")
IN_DOUBT = PayoutInDoubt(reason="the task failed, maybe after it had sent")
REVERTED = PayoutReverted(tx_hashes=("0x1",), reason="out of energy")
REVERTING = PayoutReverted(tx_hashes=("0x1",), reason="out of energy", is_final=False)
RETURNED = PayoutReturned(tx_hash="0x9", reason="Ada found that it came back")
OTHER = PayoutSent(tx_hashes=("0x7",), stated=Stated(coin="BTC", amount=Decimal(2)))
DISOWNED = PayoutFailed(reason="Ada found that it was not sent", disowned_hashes=("0x1",))
EVERY: tuple[PayoutObservation, ...] = (ASKED, VAIN, ACCEPTED, KNOWN, UNCLEAR, SENT, CONFIRMED, FAILED)
EVERY += (IN_DOUBT, REVERTED, REVERTING, RETURNED, OTHER, DISOWNED)

WORD = SecondWord(by="Bo", at=datetime(2026, 5, 2, tzinfo=UTC))
WITHHELD = PayoutWithheld(reasons=("above a limit",))
APPROVED = PayoutApproved(word=WORD, reasons=WITHHELD.reasons)
REJECTED = PayoutRejected(word=WORD, reason="Bo rejected it: too much")
# Apart from the others, so that all orders of those can be tried.
ALLOWING: tuple[PayoutObservation, ...] = (WITHHELD, APPROVED, REJECTED)


def play(*observations: PayoutObservation, payout: Payout = PAYOUT) -> tuple[Payout, list[Event]]:
    events: list[Event] = []
    for observation in observations:
        decision = decide_payout(payout, observation)
        payout = decision.payout
        events += decision.events
    return payout, events


def told(events: Sequence[Event]) -> list[tuple[str, object]]:
    return [(event.name, event.payload.get("status")) for event in events]


def test_a_life_from_the_question_to_the_sellers_wallet() -> None:
    payout, events = play(ASKED, ACCEPTED, SENT, CONFIRMED)
    assert payout.status is PayoutStatus.COMPLETED
    assert told(events) == [
        ("payout-created", None),
        ("payout-updated", "broadcast"),
        ("payout-updated", "completed"),
        ("payout-completed", None),
    ]
    created, *_, completed = events
    assert created.payload == {
        "payoutId": "out_1",
        "taskId": "task-1",
        "sellerId": "s1",
        "amount": "49.90",
        "currency": "ETH-USDT",
    }
    assert completed.payload == {"payoutId": "out_1", "taskId": "task-1", "txHash": "0x1"}
    assert {event.audience.rooms for event in events} == {("user-s1",)}


@pytest.mark.parametrize(
    ("observations", "status"),
    [
        ((), PayoutStatus.CREATED),
        ((ASKED,), PayoutStatus.CREATED),
        ((ASKED, UNCLEAR), PayoutStatus.AMBIGUOUS),
        ((ASKED, UNCLEAR, KNOWN), PayoutStatus.AMBIGUOUS),
        ((ASKED, UNCLEAR, ACCEPTED), PayoutStatus.CREATED),  # another bridge had given it up too early
        ((ASKED, UNCLEAR, SENT), PayoutStatus.BROADCAST),
        ((ASKED, UNCLEAR, FAILED), PayoutStatus.FAILED),
        ((ASKED, ACCEPTED, FAILED), PayoutStatus.FAILED),
        ((ASKED, ACCEPTED, IN_DOUBT), PayoutStatus.AMBIGUOUS),
        ((ASKED, ACCEPTED, IN_DOUBT, SENT), PayoutStatus.AMBIGUOUS),
        ((ASKED, ACCEPTED, IN_DOUBT, SENT, CONFIRMED), PayoutStatus.COMPLETED),
        ((ASKED, ACCEPTED, IN_DOUBT, FAILED), PayoutStatus.FAILED),
        ((ASKED, ACCEPTED, SENT, FAILED), PayoutStatus.MISMATCH),
        ((ASKED, UNCLEAR, FAILED, SENT), PayoutStatus.MISMATCH),
        ((ASKED, ACCEPTED, SENT, DISOWNED), PayoutStatus.FAILED),
        ((ASKED, ACCEPTED, SENT, DISOWNED, CONFIRMED), PayoutStatus.COMPLETED),
        ((ASKED, ACCEPTED, REVERTED), PayoutStatus.FAILED),
        ((ASKED, ACCEPTED, REVERTING), PayoutStatus.AMBIGUOUS),
        ((ASKED, ACCEPTED, REVERTING, CONFIRMED), PayoutStatus.AMBIGUOUS),
        ((ASKED, ACCEPTED, REVERTING, REVERTED), PayoutStatus.FAILED),
        ((ASKED, ACCEPTED, SENT, CONFIRMED, REVERTED), PayoutStatus.FAILED),
        ((ASKED, ACCEPTED, REVERTED, CONFIRMED), PayoutStatus.FAILED),  # SHKeeper counts confirmations of what failed
        ((ASKED, ACCEPTED, OTHER), PayoutStatus.MISMATCH),
        ((ASKED, ACCEPTED, SENT, CONFIRMED, OTHER), PayoutStatus.COMPLETED),
        ((ASKED, ACCEPTED, SENT, CONFIRMED, RETURNED), PayoutStatus.RETURNED),
        ((ASKED, ACCEPTED, FAILED, SENT, CONFIRMED), PayoutStatus.COMPLETED),
        ((ASKED, ACCEPTED, CONFIRMED), PayoutStatus.CREATED),  # it arrived, but nobody knows yet by what
        ((ASKED, ACCEPTED, CONFIRMED, SENT), PayoutStatus.COMPLETED),
        ((WITHHELD,), PayoutStatus.AWAITING_APPROVAL),
        ((WITHHELD, APPROVED), PayoutStatus.CREATED),
        ((APPROVED, WITHHELD), PayoutStatus.CREATED),
        ((WITHHELD, REJECTED), PayoutStatus.FAILED),
        ((WITHHELD, REJECTED, APPROVED), PayoutStatus.FAILED),
        ((WITHHELD, ACCEPTED), PayoutStatus.CREATED),  # it was sent, and a journal of before forgot the approval
        ((WITHHELD, SENT), PayoutStatus.BROADCAST),
        ((WITHHELD, REJECTED, SENT), PayoutStatus.MISMATCH),
    ],
)
def test_the_status_follows_from_what_is_known(
    observations: tuple[PayoutObservation, ...], status: PayoutStatus
) -> None:
    assert play(*observations)[0].status is status


def test_an_ambiguous_payout_says_why_and_a_failed_one_too() -> None:
    assert play(ASKED, UNCLEAR)[0].reasons == ("no answer",)
    assert play(ASKED, UNCLEAR, FAILED)[0].reasons == ("not enough tokens",)


def test_it_is_asked_for_again_only_if_no_attempt_can_have_reached_the_provider() -> None:
    for observations, next_attempt in (
        ((), 1),
        ((ASKED,), None),
        ((ASKED, VAIN), 2),
        ((VAIN, ASKED), 2),
        ((ASKED, VAIN, PayoutAsked(attempt=2)), None),
        ((ASKED, VAIN, PayoutAsked(attempt=2), PayoutNotAsked(attempt=2, reason="again")), 3),
        ((PayoutAsked(attempt=2), PayoutNotAsked(attempt=2, reason="not reached")), None),
        ((ASKED, UNCLEAR), None),
        ((ASKED, ACCEPTED), None),
        ((ASKED, FAILED), None),
        ((KNOWN,), None),
        ((WITHHELD,), None),
        ((WITHHELD, APPROVED), 1),
        ((WITHHELD, REJECTED), None),
    ):
        assert play(*observations)[0].next_attempt == next_attempt


def test_the_table_of_transitions_is_exactly_what_observations_can_do() -> None:
    """Exhaustive over all lives of up to five observations, and of up to four where it may be withheld: each that
    differs from the others meets each observation once."""
    moves: dict[PayoutStatus, set[PayoutStatus]] = {status: set() for status in PAYOUT_TRANSITIONS}
    for kinds, longest in ((EVERY, 5), ((*EVERY, *ALLOWING), 4)):
        known: set[str] = set()
        lives = [PAYOUT]
        for _ in range(longest):
            longer: dict[str, Payout] = {}
            for payout, observation in itertools.product(lives, kinds):
                moved = decide_payout(payout, observation).payout
                if moved.status is not payout.status:
                    moves[payout.status].add(moved.status)
                longer.setdefault(moved.model_dump_json(), moved)
            lives = [payout for life, payout in longer.items() if life not in known]
            known |= longer.keys()
    # What a chain adds to it stands beside.
    on_chain = {PayoutStatus.CONFIRMING, PayoutStatus.DROPPED}
    table = {status: set(ends) - on_chain for status, ends in PAYOUT_TRANSITIONS.items() if status not in on_chain}
    table[PayoutStatus.MISMATCH] -= {PayoutStatus.BROADCAST, PayoutStatus.AMBIGUOUS}
    table[PayoutStatus.AWAITING_APPROVAL] -= {PayoutStatus.COMPLETED}
    assert {status: ends for status, ends in moves.items() if status not in on_chain} == table


observations = st.one_of(
    st.sampled_from((*EVERY, *ALLOWING)),
    st.sampled_from(("Bo", "Cy")).map(
        lambda by: APPROVED.model_copy(update={"word": WORD.model_copy(update={"by": by})})
    ),
    st.sampled_from(("a", "b")).map(lambda reason: PayoutWithheld(reasons=(reason,))),
    st.sampled_from(("task-1", "task-2")).map(lambda task_id: PayoutAccepted(task_id=task_id)),
    st.lists(st.sampled_from(("0x1", "0x2")), min_size=1).map(lambda hashes: PayoutSent(tx_hashes=tuple(hashes))),
    st.sampled_from(("a", "b")).map(lambda reason: PayoutUnclear(reason=reason)),
    st.sampled_from(("a", "b")).map(lambda reason: PayoutFailed(reason=reason)),
    st.sampled_from(("a", "b")).map(lambda reason: PayoutInDoubt(reason=reason)),
    st.integers(1, 3).map(lambda attempt: PayoutNotAsked(attempt=attempt, reason="no", alone_next=attempt > 1)),
    st.integers(1, 3).map(lambda attempt: PayoutAsked(attempt=attempt, at=PAYOUT.created_at)),
    st.integers(1, 3).map(lambda parts: PayoutAccepted(task_id="task-1", parts=parts)),
)


@given(st.lists(observations, max_size=8).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some * 2))))
def test_any_order_and_repetition_ends_in_the_same_state(
    orders: tuple[list[PayoutObservation], list[PayoutObservation]],
) -> None:
    once, twice_shuffled = orders
    assert play(*once)[0] == play(*twice_shuffled)[0]


@given(st.lists(observations, max_size=12))
def test_creation_and_completion_are_told_once_and_in_this_order(some: list[PayoutObservation]) -> None:
    payout, events = play(*some)
    names = [event.name for event in events]
    assert names.count("payout-created") == int(payout.facts.known)
    assert names.count("payout-completed") == int(payout.status is PayoutStatus.COMPLETED)
    if "payout-completed" in names:
        assert names.index("payout-created") < names.index("payout-completed")
    statuses = [event.payload["status"] for event in events if event.name == "payout-updated"]
    assert all(one != other for one, other in itertools.pairwise(statuses))
    assert not statuses or statuses[-1] == payout.status


@given(st.lists(st.one_of(observations, st.sampled_from(ALLOWING)), max_size=12))
def test_every_move_is_told_and_nothing_else_whether_a_provider_has_taken_it_or_not(
    some: list[PayoutObservation],
) -> None:
    payout = PAYOUT
    for observation in some:
        decision = decide_payout(payout, observation)
        moves = [] if decision.payout.status is payout.status else [decision.payout.status]
        assert [one.payload["status"] for one in decision.events if one.name == "payout-updated"] == moves
        payout = decision.payout
        assert payout.facts.known or "payout-created" not in [one.name for one in decision.events]


@pytest.mark.parametrize(
    ("some", "status"),
    [((UNCLEAR,), "ambiguous"), ((FAILED,), "failed"), ((WITHHELD,), "awaiting_approval"), ((REJECTED,), "failed")],
)
def test_what_becomes_of_one_that_no_provider_has_taken_is_told(
    some: tuple[PayoutObservation, ...], status: str
) -> None:
    payout, events = play(ASKED, *some)
    assert (told(events), payout.facts.known) == ([("payout-updated", status)], False)


@pytest.mark.parametrize(
    ("stated", "contradicts"),
    [
        (Stated(), False),
        (Stated(coin="ETH-USDT", amount=Decimal("49.9000000000"), destination="0xAB"), False),
        (Stated(amount=Decimal("49.90000000001")), False),  # a provider that keeps ten decimals
        (Stated(amount=Decimal("49.8999")), True),
        (Stated(amount=Decimal(0)), True),
        (Stated(coin="ETH-USDC"), True),
        (Stated(destination="0xAc"), True),
    ],
)
def test_what_is_told_of_it_has_to_be_what_was_asked_for(stated: Stated, contradicts: bool) -> None:
    told_of = (PayoutSent(tx_hashes=("0x7",), stated=stated), PayoutConfirmed(stated=stated))
    payout, _ = play(ASKED, ACCEPTED, *told_of)
    assert (payout.status is PayoutStatus.MISMATCH) == contradicts
    assert (payout.status is PayoutStatus.COMPLETED) != contradicts
    assert bool(payout.reasons) == contradicts
    if contradicts:
        assert "49.90 ETH-USDT to 0xAb was asked for" in payout.reasons[0]
        assert (payout.facts.tx_hashes, payout.facts.confirmed) == ((), False)


def test_what_was_found_to_have_failed_and_then_moves_says_so_for_good() -> None:
    failed = play(ASKED, UNCLEAR, PayoutFailed(reason="Ada found that it was not sent"))[0]
    assert not failed.was_sent_after_all
    moving = play(SENT, payout=failed)[0]
    arrived = play(CONFIRMED, payout=moving)[0]
    for payout in (moving, arrived):
        assert payout.was_sent_after_all
        assert payout.reasons == ("Ada found that it was not sent; and yet 0x1 carries it",)
    assert arrived.ended_in_doubt


def test_it_is_told_that_it_waits_and_the_time_that_it_waits_makes_it_not_overdue() -> None:
    waiting, events = play(WITHHELD)
    assert told(events) == [("payout-updated", "awaiting_approval")]
    later = PAYOUT.created_at + timedelta(days=3)
    assert (waiting.cleared_at, waiting.is_overdue(later), waiting.may_be_resolved(later)) == (None, False, False)
    approved, events = play(APPROVED, payout=waiting)
    assert told(events) == [("payout-updated", "created")]
    assert approved.cleared_at == WORD.at
    assert not approved.is_overdue(WORD.at + timedelta(days=1))
    assert approved.is_overdue(WORD.at + timedelta(days=1, seconds=1))
    rejected, events = play(REJECTED, payout=waiting)
    assert (told(events), rejected.reasons) == ([("payout-updated", "failed")], ("Bo rejected it: too much",))


def test_payouts_of_a_batch_are_asked_for_together_unless_an_address_comes_twice() -> None:
    def one(number: int, destination: str, **changes: object) -> Payout:
        return PAYOUT.model_copy(
            update={"payout_id": f"out_{number}", "destination": destination, "batch_id": "b", **changes}
        )

    some = [
        one(1, "0xAb"),
        one(2, "0xCd"),
        one(3, "0xAB"),
        one(4, "0xEf", coin="BTC"),
        one(5, "0xEf", batch_id="other"),
        one(6, "0xEf", batch_id=None),
        one(7, "0xFf", batch_id=None),
        one(8, "0xAa", fee=Decimal(1)),
        one(9, "0xCd"),
    ]
    asked = [[payout.payout_id[-1] for payout in batch] for batch in batches(some)]
    assert asked == [["1", "2"], ["3", "9"], ["4"], ["5"], ["6"], ["7"], ["8"]]


def test_what_a_provider_may_call_by_one_address_is_not_asked_for_together() -> None:
    some = [
        PAYOUT.model_copy(update={"payout_id": f"out_{place}", "destination": place, "batch_id": "b"})
        for place in ("X1", "X2", "X3", "r1")
    ]
    accounts = {"X1": "R1", "X2": "r2", "X3": "R2", "r1": "r1"}
    asked = batches(some, spellings=lambda payout: (accounts[payout.destination],))
    assert [[payout.destination for payout in batch] for batch in asked] == [["X1", "X2"], ["X3", "r1"]]


@pytest.mark.parametrize("number", [1, TOGETHER_AT_MOST, TOGETHER_AT_MOST + 1, 100])
def test_no_order_has_so_many_payouts_that_one_of_them_leaves_all_in_doubt(number: int) -> None:
    some = [
        PAYOUT.model_copy(update={"payout_id": f"out_{one}", "destination": f"0x{one}", "batch_id": "b"})
        for one in range(number)
    ]
    orders = batches(some)
    assert [payout for order in orders for payout in order] == some
    assert [len(order) for order in orders[:-1]] == [TOGETHER_AT_MOST] * (len(orders) - 1)
    assert TOGETHER_AT_MOST == 10
    assert len(orders[-1]) <= 10


def test_payouts_that_were_refused_together_and_coins_that_know_no_batches_are_asked_for_one_by_one() -> None:
    refused = PayoutNotAsked(attempt=1, reason="one of them has a bad address", alone_next=True)
    some = [
        PAYOUT.model_copy(update={"payout_id": f"out_{number}", "destination": f"0x{number}", "batch_id": "b"})
        for number in range(4)
    ]
    some[:2] = [play(ASKED, refused, payout=payout)[0] for payout in some[:2]]
    assert [payout.next_attempt for payout in some] == [2, 2, 1, 1]
    assert [len(batch) for batch in batches(some)] == [1, 1, 2]
    assert [len(batch) for batch in batches(some, sent_together=lambda _: False)] == [1, 1, 1, 1]


def test_what_goes_over_no_chain_completes_without_a_transaction_and_comes_back_in_any_order() -> None:
    accepted = PayoutAccepted(task_id="po_1", over_no_chain=True, expected_within_seconds=7 * 86_400)
    arrived = PayoutConfirmed(over_no_chain=True)
    back = PayoutReturned(tx_hash="pr_1", reason="no such account")
    assert play(ASKED, accepted, arrived)[0].status is PayoutStatus.COMPLETED
    # Of what goes over a chain somebody has to know the transaction.
    assert play(ASKED, ACCEPTED, CONFIRMED)[0].status is PayoutStatus.CREATED
    everything: tuple[PayoutObservation, ...] = (ASKED, accepted, arrived, back, back)
    for order in itertools.permutations(everything):
        payout, _ = play(*order)
        assert (payout.status, payout.reasons) == (
            PayoutStatus.RETURNED,
            ("pr_1 brought it back", "no such account"),
        )


def test_a_payout_takes_too_long_when_its_provider_says_so_or_after_a_day() -> None:
    slow, _ = play(ASKED, PayoutAccepted(task_id="po_1", expected_within_seconds=7 * 86_400))
    day, week = (PAYOUT.created_at + timedelta(days=days, seconds=1) for days in (1, 7))
    assert [play(ASKED, ACCEPTED)[0].is_overdue(day), slow.is_overdue(day), slow.is_overdue(week)] == [
        True,
        False,
        True,
    ]
