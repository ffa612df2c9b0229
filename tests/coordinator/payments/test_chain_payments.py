"""Payments over a chain: what a chain takes back is taken back and said, and what is final stays."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.events import Event
from coordinator.money import trimmed
from coordinator.payments.agreed.agreements import Checkout, DirectPayment, Share
from coordinator.payments.deciding.decisions import decide
from coordinator.payments.observed.observations import (
    DeadlinePassed,
    Observation,
    Sighting,
    Stage,
    Transfer,
    TransferSighted,
)
from coordinator.payments.payments import Payment, PaymentStatus

DEADLINE = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
PAYMENT = Payment(
    payment_id="pay_1",
    provider="onchain",
    external_id="pay_1",
    request_id="r1",
    buyer_id="b1",
    seller_id="s1",
    amount=Decimal(100),
    currency="USDT",
    created_at=DEADLINE - timedelta(hours=1),
    expires_at=DEADLINE,
    direct=DirectPayment(chain="ethereum", recipient="0xA1"),
)
NOW = DEADLINE + timedelta(minutes=30)
OUT_OF_TIME = DeadlinePassed(deadline=DEADLINE)
LIVE = (Stage.SEEN, Stage.MINED, Stage.REORGANISED, Stage.DROPPED, Stage.FAILED)


def sighted(
    stage: Stage, view: int, *, transfer_id: str = "0x1", amount: int = 100, confirmations: int = 0, reason: str = ""
) -> TransferSighted:
    transfer = Transfer(
        transfer_id=transfer_id, asset="USDT", amount=Decimal(amount), occurred_at=DEADLINE - timedelta(minutes=5)
    )
    return TransferSighted(
        sighting=Sighting(
            transfer=transfer,
            stage=stage,
            view=view,
            confirmations=confirmations,
            required_confirmations=3,
            reason=reason or None,
        )
    )


def play(*observations: Observation, payment: Payment = PAYMENT) -> tuple[Payment, list[Event]]:
    events: list[Event] = []
    for observation in observations:
        decision = decide(payment, observation, NOW)
        payment = decision.payment
        events += decision.events
    return payment, events


def told(events: list[Event]) -> list[str]:
    return [
        " ".join(str(event.payload[part]) for part in ("type", "status") if part in event.payload)
        for event in events
        if event.name in ("payment-update", "purchase-request-update")
    ]


def test_a_transfer_is_seen_confirmed_and_final() -> None:
    payment, events = play(
        sighted(Stage.SEEN, 1),
        sighted(Stage.MINED, 2, confirmations=1),
        sighted(Stage.MINED, 3, confirmations=2),
        sighted(Stage.FINAL, 4, confirmations=3),
    )
    assert (str(payment.status), str(payment.escrow_state), payment.received) == ("completed", "funded", Decimal(100))
    assert told(events) == [
        "confirming",
        "payment-confirming confirming",
        "confirming",
        "completed",
        "payment-completed completed",
    ]
    progress = [event for event in events if event.name == "payment-progress"]
    assert [event.payload["confirmations"] for event in progress] == [1, 2, None]
    assert {event.payload["requiredConfirmations"] for event in progress[:2]} == {3}
    assert [event.payload["missing"] for event in progress] == ["100", "100", "0"]
    assert progress[0].audience.rooms == ("ops", "request-r1", "user-b1", "user-s1")
    assert not progress[0].audience.everyone


def test_a_reorganisation_takes_the_payment_back_says_so_and_it_comes_forward_again() -> None:
    gone = sighted(Stage.REORGANISED, 3, reason="its block is not part of the chain any more")
    payment, _ = play(sighted(Stage.MINED, 2, confirmations=1))
    back, events = play(gone, payment=payment)
    assert (back.status, back.in_flight) == (PaymentStatus.PENDING, ())
    assert told(events) == ["pending", "payment-reorganised pending"]
    assert events[-1].payload["reason"] == "its block is not part of the chain any more"
    again, events = play(sighted(Stage.MINED, 4, confirmations=1), payment=back)
    assert told(events) == ["confirming", "payment-confirming confirming"]
    assert play(sighted(Stage.FINAL, 5), payment=again)[0].status == "completed"


def test_what_vanishes_after_the_deadline_leaves_the_payment_expired() -> None:
    payment, events = play(sighted(Stage.SEEN, 1), OUT_OF_TIME)
    assert payment.status == "confirming"
    payment, events = play(sighted(Stage.DROPPED, 2, reason="replaced"), payment=payment)
    assert (payment.status, told(events)) == ("expired", ["expired", "payment-dropped expired"])


@pytest.mark.parametrize(
    ("amounts", "status", "missing", "excess"),
    [
        ([40], "partially_paid", 60, 0),
        ([40, 60], "completed", 0, 0),
        ([40, 40, 40], "completed", 0, 20),
        ([130], "completed", 0, 30),
    ],
)
def test_final_transfers_are_added_up(amounts: list[int], status: str, missing: int, excess: int) -> None:
    payment, _ = play(
        *(sighted(Stage.FINAL, 1, transfer_id=f"0x{number}", amount=amount) for number, amount in enumerate(amounts))
    )
    assert payment.status == status
    assert (payment.missing, payment.excess) == (Decimal(missing), Decimal(excess))
    assert payment.received == sum(amounts)


@given(st.lists(st.integers(1, 10**8), min_size=1, max_size=6), st.integers(1, 10**9))
def test_what_several_transfers_come_to_is_written_as_one_of_as_much_is(units: list[int], agreed: int) -> None:
    def amount(number: int) -> Decimal:
        return Decimal(trimmed(Decimal(number).scaleb(-6)))

    def paid(parts: list[int]) -> Payment:
        seen = [sighted(Stage.FINAL, 1, transfer_id=f"0x{number}") for number in range(len(parts))]
        transfers = [
            one.sighting.transfer.model_copy(update={"amount": amount(part)})
            for one, part in zip(seen, parts, strict=True)
        ]
        observed = [
            one.model_copy(update={"sighting": one.sighting.model_copy(update={"transfer": transfer})})
            for one, transfer in zip(seen, transfers, strict=True)
        ]
        return play(*observed, payment=PAYMENT.model_copy(update={"amount": amount(agreed)}))[0]

    parts, at_once = paid(units), paid([sum(units)])
    assert str(parts.received) == str(at_once.received) == str(amount(sum(units)))
    assert str(parts.excess) == str(at_once.excess) == str(amount(max(sum(units) - agreed, 0)))


def test_what_is_final_is_not_taken_back() -> None:
    completed, _ = play(sighted(Stage.FINAL, 4))
    for stage in LIVE:
        decision = decide(completed, sighted(stage, 9), NOW)
        assert (decision.payment.status, decision.events) == ("completed", ())


def test_progress_of_a_checkout_is_told_in_its_own_room() -> None:
    shares = (Share(request_id="r1", seller_id="s1", amount=Decimal(60)),)
    checkout = PAYMENT.model_copy(update={"checkout": Checkout(checkout_id="c1", shares=shares)})
    _, events = play(sighted(Stage.MINED, 1, confirmations=1), payment=checkout)
    assert events[-1].audience.rooms == ("ops", "template-checkout-c1", "user-b1", "user-s1")


sightings = st.builds(
    sighted,
    st.sampled_from(Stage),
    st.integers(0, 4),
    transfer_id=st.sampled_from(("0x1", "0x2")),
    amount=st.just(50),
    confirmations=st.integers(0, 3),
)


@given(
    st.lists(sightings | st.just(OUT_OF_TIME), max_size=8).flatmap(
        lambda some: st.tuples(st.just(some), st.permutations(some * 2))
    )
)
def test_any_order_and_repetition_ends_in_the_same_state(orders: tuple[list[Observation], list[Observation]]) -> None:
    once, twice_shuffled = orders
    assert play(*once)[0] == play(*twice_shuffled)[0]


@given(st.lists(sightings, max_size=10))
def test_completion_is_told_once_and_never_taken_back(some: list[TransferSighted]) -> None:
    statuses = [play(*some[:length])[0].status for length in range(len(some) + 1)]
    completed = [status for status in statuses if status is PaymentStatus.COMPLETED]
    assert statuses[len(statuses) - len(completed) :] == completed
    names = [event.name for event in play(*some)[1]]
    assert names.count("payment-received") == bool(completed)
