"""The payment's table: every order and repetition of observations ends in one state, and nothing is told twice."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator import rooms
from coordinator.events import Event, Payload
from coordinator.payments.agreed.agreements import Checkout, Share
from coordinator.payments.deciding.decisions import created, decide
from coordinator.payments.events.payments import (
    PaymentProgress,
    PaymentReceived,
    PaymentUpdate,
    PurchaseRequestUpdate,
    SellerOfferUpdate,
)
from coordinator.payments.observed.observations import (
    DeadlinePassed,
    Ending,
    EscrowReleased,
    InvoiceEnded,
    InvoiceSnapshot,
    Observation,
    PaymentAccepted,
    PaymentWithdrawn,
    RefundMoved,
    RefundOf,
    Release,
    Sighting,
    Stage,
    Standing,
    Transfer,
    TransferSeen,
    TransferSighted,
    WaitingProlonged,
)
from coordinator.payments.payments import TRANSITIONS, Effect, Payment, PaymentStatus
from coordinator.payments.problems.problems import ProblemKind, problems_of
from tests.conftest import IS_LONG

DEADLINE = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
PAYMENT = Payment(
    payment_id="pay_1",
    provider="shkeeper",
    external_id="order-1",
    request_id="r1",
    buyer_id="b1",
    seller_id="s1",
    offer_id="o1",
    amount=Decimal(100),
    currency="USD",
    created_at=DEADLINE - timedelta(hours=1),
    expires_at=DEADLINE,
)
NOW = DEADLINE + timedelta(minutes=30)
ONCE = ("payment-received", "seller-offer-update")


def transfer(name: str, value: int = 50, *, minutes_late: int = -10) -> Transfer:
    return Transfer(
        transfer_id=name,
        asset="ETH-USDT",
        amount=Decimal(value),
        value=Decimal(value),
        occurred_at=DEADLINE + timedelta(minutes=minutes_late),
    )


def snapshot(standing: Standing, *transfers: Transfer, currency: str = "USD") -> InvoiceSnapshot:
    received = sum((each.value or Decimal(0) for each in transfers), Decimal(0))
    return InvoiceSnapshot(
        standing=standing,
        currency=currency,
        received=received,
        transfers=transfers,
        caused_by=transfers[-1].transfer_id if transfers else None,
    )


def seen(name: str) -> TransferSeen:
    return TransferSeen(transfer=Transfer(transfer_id=name, asset="ETH-USDT", amount=Decimal(50)))


def sighted(stage: Stage, view: int) -> TransferSighted:
    return TransferSighted(sighting=Sighting(transfer=transfer("t9"), stage=stage, view=view))


def release(payout_id: str, how_far: Release, seller_id: str = "s1") -> EscrowReleased:
    return EscrowReleased(payout_id=payout_id, seller_id=seller_id, release=how_far)


def refund(amount: int, how_far: Release, step: int = 0) -> RefundMoved:
    return RefundMoved(
        refund_id=f"back_{amount}",
        of=RefundOf.GOODS,
        amount=Decimal(amount),
        release=how_far,
        step=step,
        carried_by="r1",
    )


FIRST, SECOND, THIRD = transfer("t1"), transfer("t2"), transfer("t3")
LATE = transfer("t2", minutes_late=5)
PARTIAL = snapshot(Standing.PARTIAL, FIRST)
PAID = snapshot(Standing.PAID, FIRST, SECOND)
OVERPAID = snapshot(Standing.OVERPAID, FIRST, SECOND, THIRD)
OUT_OF_TIME = DeadlinePassed(deadline=DEADLINE)
REFUNDED = InvoiceEnded(ending=Ending.REFUNDED)
CANCELLED = InvoiceEnded(ending=Ending.CANCELLED)


def play(observations: Sequence[Observation], payment: Payment = PAYMENT) -> tuple[Payment, list[Event]]:
    events: list[Event] = []
    for observation in observations:
        decision = decide(payment, observation, NOW)
        payment = decision.payment
        events += decision.events
    return payment, events


def names(events: Sequence[Event]) -> list[str]:
    return [event.name for event in events]


def test_a_new_payment_is_announced_to_everyone_with_the_specified_fields() -> None:
    event = created(PAYMENT)
    assert event.name == "payment-created"
    assert event.audience.everyone
    assert event.payload == {
        "paymentId": "pay_1",
        "provider": "shkeeper",
        "requestId": "r1",
        "buyerId": "b1",
        "sellerId": "s1",
        "amount": "100",
        "currency": "USD",
    }


def test_a_life_from_first_sight_to_overpaid() -> None:
    statuses = []
    payment = PAYMENT
    for observation in (seen("t1"), PARTIAL, seen("t2"), PAID, OVERPAID):
        payment = decide(payment, observation, NOW).payment
        statuses.append((payment.status, payment.escrow_state, str(payment.missing)))
    assert statuses == [
        ("confirming", "none", "100"),
        ("partially_paid", "none", "50"),
        ("partially_paid", "none", "50"),
        ("completed", "funded", "0"),
        ("completed", "funded", "0"),
    ]
    assert payment.excess == 50


def test_completion_tells_each_room_what_the_specification_says() -> None:
    _, events = play([PAID])
    assert [(event.name, event.audience.everyone, event.audience.rooms, event.payload) for event in events] == [
        (
            "payment-update",
            True,
            ("request-r1", "user-b1", "user-s1"),
            {"paymentId": "pay_1", "status": "completed", "escrowState": "funded", "txHash": "t2"},
        ),
        (
            "payment-received",
            False,
            ("user-s1",),
            {"purchaseRequestId": "r1", "amount": "100", "currency": "USD", "buyerId": "b1"},
        ),
        (
            "purchase-request-update",
            False,
            ("request-r1",),
            {
                "type": "payment-completed",
                "requestId": "r1",
                "status": "completed",
                "paymentId": "pay_1",
                "txHash": "t2",
                "provider": "shkeeper",
            },
        ),
        (
            "seller-offer-update",
            True,
            ("seller-s1",),
            {
                "sellerId": "s1",
                "requestId": "r1",
                "eventType": "payment-completed",
                "data": {"offerId": "o1", "isSelected": True, "paymentId": "pay_1", "transactionHash": "t2"},
            },
        ),
        (
            "payment-progress",
            False,
            ("ops", "request-r1", "user-b1", "user-s1"),
            {
                "paymentId": "pay_1",
                "status": "completed",
                "received": "100",
                "missing": "0",
                "currency": "USD",
                "late": False,
                "confirmations": None,
                "requiredConfirmations": None,
                "txHash": "t2",
            },
        ),
    ]


def test_a_payment_without_an_offer_says_so_in_the_required_field() -> None:
    _, events = play([PAID], PAYMENT.model_copy(update={"offer_id": None}))
    [offer] = [event for event in events if event.name == "seller-offer-update"]
    assert offer.payload["data"]["offerId"] is None


def test_an_unknown_transaction_leaves_its_field_out() -> None:
    _, events = play([OUT_OF_TIME])
    assert events[0].payload == {"paymentId": "pay_1", "status": "expired", "escrowState": "none"}


@pytest.mark.parametrize("stale", [PAID, PARTIAL, seen("t1"), seen("t2"), OUT_OF_TIME])
def test_what_is_stale_changes_nothing_outward_and_emits_nothing(stale: Observation) -> None:
    payment, _ = play([seen("t1"), PARTIAL, PAID])
    decision = decide(payment, stale, NOW)
    assert decision.events == ()
    assert decision.effect is Effect.UNCHANGED
    assert decision.payment.status is PaymentStatus.COMPLETED


def test_a_later_overpayment_is_recorded_and_not_announced_as_a_completion() -> None:
    payment, _ = play([PAID])
    decision = decide(payment, OVERPAID, NOW)
    assert names(decision.events) == ["payment-update", "payment-progress"]
    assert decision.payment.excess == 50


def test_money_in_another_currency_is_not_counted() -> None:
    decision = decide(PAYMENT, snapshot(Standing.PAID, FIRST, SECOND, currency="EUR"), NOW)
    assert decision.effect is Effect.OTHER_CURRENCY
    assert (decision.payment.status, str(decision.payment.received)) == ("pending", "0")
    assert not decision.events
    assert decide(PAYMENT, snapshot(Standing.PAID, FIRST, SECOND, currency="usd"), NOW).effect is Effect.APPLIED


@pytest.mark.parametrize(
    ("observations", "status", "late"),
    [
        ([OUT_OF_TIME], "expired", False),
        ([PARTIAL, OUT_OF_TIME], "expired", False),
        ([seen("t1"), OUT_OF_TIME], "confirming", False),
        ([seen("t1"), OUT_OF_TIME, PARTIAL], "expired", False),
        ([OUT_OF_TIME, snapshot(Standing.PARTIAL, LATE)], "partially_paid", True),
        ([PARTIAL, OUT_OF_TIME, snapshot(Standing.PAID, FIRST, LATE)], "completed", True),
        ([OUT_OF_TIME, PAID], "completed", False),
        ([CANCELLED, PAID], "completed", False),
        ([PAID, CANCELLED], "completed", False),
        ([PAID, REFUNDED, OVERPAID], "completed", False),
    ],
)
def test_late_money_is_counted_and_says_so(observations: list[Observation], status: str, late: bool) -> None:
    payment, _ = play(observations)
    assert (payment.status, payment.late) == (status, late)


def test_a_refund_is_told_with_its_escrow_state() -> None:
    payment, _ = play([PAID])
    decision = decide(payment, refund(100, Release.DONE, 1), NOW)
    told = {name: decision.events[0].payload[name] for name in ("paymentId", "status", "escrowState")}
    assert told == {"paymentId": "pay_1", "status": "refunded", "escrowState": "refunded"}


# Real SHKeeper snapshots only accumulate; these include what no gateway would send, to show that even then the
# order of arrival makes no difference.
transfers = st.sampled_from(
    [transfer("t1"), transfer("t2"), transfer("t2", 60), transfer("t3", minutes_late=5), transfer("t4", 1)]
)


def looked_up(snapshot: InvoiceSnapshot) -> InvoiceSnapshot:
    """The same as a provider tells it that is asked: without what each transfer counts for and when it was seen."""
    bare = [each.model_copy(update={"value": None, "occurred_at": None}) for each in snapshot.transfers]
    return snapshot.model_copy(update={"transfers": tuple(bare)})


observations = st.one_of(
    st.builds(
        lambda standing, some: looked_up(snapshot(standing, *{each.transfer_id: each for each in some}.values())),
        st.sampled_from(Standing),
        st.lists(transfers, max_size=4),
    ),
    st.builds(
        lambda standing, some: snapshot(standing, *{each.transfer_id: each for each in some}.values()),
        st.sampled_from(Standing),
        st.lists(transfers, max_size=4),
    ),
    st.builds(TransferSeen, transfer=transfers),
    st.builds(InvoiceEnded, ending=st.sampled_from(Ending)),
    st.tuples(st.sampled_from(("out_1", "out_2")), st.sampled_from(Release)).map(lambda some: release(*some)),
    st.builds(refund, st.sampled_from((50, 100)), st.sampled_from(Release), st.integers(0, 2)),
    st.just(OUT_OF_TIME),
)


def test_escrow_is_released_exactly_when_a_payout_arrives() -> None:
    steps: list[tuple[Observation, str]] = [
        (PAID, "funded"),
        (release("out_1", Release.UNDER_WAY), "releasing"),
        (release("out_1", Release.FAILED), "funded"),
        (release("out_2", Release.UNDER_WAY), "releasing"),
        (release("out_1", Release.UNDER_WAY), "releasing"),  # told late
        (release("out_2", Release.DONE), "released"),
        (OVERPAID, "released"),
        (REFUNDED, "released"),
        (refund(100, Release.DONE, 1), "refunded"),
    ]
    payment = PAYMENT
    for number, (observation, escrow_state) in enumerate(steps):
        decision = decide(payment, observation, NOW)
        payment = decision.payment
        assert payment.escrow_state == escrow_state
        for event in decision.events:
            if event.name == "payment-update":
                assert event.payload["escrowState"] == escrow_state
        assert bool(decision.events) is (number not in (4, 7))


def test_asking_the_provider_says_nothing_new_and_forgets_nothing() -> None:
    late = snapshot(Standing.PAID, FIRST, LATE)
    for told in (late, PARTIAL, OVERPAID):
        webhook_first, _ = play([OUT_OF_TIME, told])
        again = decide(webhook_first, looked_up(told), NOW)
        assert (again.effect, again.events, again.payment) == (Effect.UNCHANGED, (), webhook_first)
        asked_first, events = play([OUT_OF_TIME, looked_up(told), told])
        assert asked_first == webhook_first
        assert names(events).count("payment-update") <= 3
    assert play([OUT_OF_TIME, late, looked_up(late)])[0].late


@given(st.lists(observations, max_size=8).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some * 2))))
def test_any_order_and_repetition_ends_in_the_same_state(
    orders: tuple[list[Observation], list[Observation]],
) -> None:
    one, other = (play(order)[0] for order in orders)
    is_refunded = one.status is PaymentStatus.REFUNDED
    if is_refunded or any(problem.kind is ProblemKind.CONTRADICTING_BOOKS for problem in problems_of(one)):
        # That it is completed may have been told before the contradiction was known, and is not taken back; or never,
        # where its refund is known before its money, as the sales of no shop have it.
        one, other = (each.with_facts(each.facts.model_copy(update={"completed": False})) for each in (one, other))
    assert one == other


@given(st.lists(observations, max_size=14))
def test_completion_is_told_at_most_once_and_exactly_when_it_happened(some: list[Observation]) -> None:
    told = [event.name for event in play(some)[1]]
    statuses = {play(some[:length])[0].status for length in range(len(some) + 1)}
    for name in ONCE:
        assert told.count(name) == (1 if PaymentStatus.COMPLETED in statuses else 0)


@given(st.lists(observations, max_size=14))
def test_every_event_tells_of_a_change_and_a_repeat_tells_nothing(some: list[Observation]) -> None:
    payment, _ = play(some)
    for observation in some:
        decision = decide(payment, observation, NOW)
        assert decision.events == ()
        assert decision.payment == payment


ids = st.sampled_from(("r1", '"\\/', "été 😀 \u2028", "x" * 200))


@given(st.lists(observations, max_size=6), st.lists(ids, min_size=6, max_size=6), st.none() | ids, st.booleans())
def test_events_are_told_as_their_models_say(
    some: list[Observation], named: list[str], offer_id: str | None, for_several: bool
) -> None:
    payment_id, provider, request_id, buyer_id, seller_id, other = named
    own = {"request_id": request_id, "seller_id": seller_id, "offer_id": offer_id}
    shares = (Share(**own, amount=Decimal("40.0")), Share(request_id=other, seller_id=other, amount=Decimal(60)))
    payment = PAYMENT.model_copy(
        update={
            **own,
            "payment_id": payment_id,
            "provider": provider,
            "buyer_id": buyer_id,
            "checkout": Checkout(checkout_id=other, shares=shares) if for_several else None,
        }
    )
    kinds = (PaymentUpdate, PaymentProgress, PaymentReceived, PurchaseRequestUpdate, SellerOfferUpdate)
    models: dict[str, type[Payload]] = {kind.event_name: kind for kind in kinds}
    requests = {share.request_id: share for share in payment.shares}
    for event in play(some, payment)[1]:
        if event.name not in models:
            continue
        told = models[event.name].model_validate_json(event.payload_json)
        sellers: Sequence[str] = payment.seller_ids
        if event.name == "payment-received":
            sellers = (requests[event.payload["purchaseRequestId"]].seller_id,)
        about: dict[str, str | Sequence[str]] = {"requestId": list(requests) if for_several else request_id}
        if for_several and isinstance(told, PaymentProgress):
            if len(event.audience.rooms) == 1:  # each seller is told of their own part
                assert event.audience.rooms[0] in {rooms.user(one) for one in sellers} - {rooms.user(buyer_id)}
                continue
            about, sellers = {"checkoutId": other}, sellers if len(sellers) == 1 else buyer_id
        assert told.to(**about, buyerId=buyer_id, sellerId=sellers) == event


def every_life(
    kinds: Sequence[Observation], changes: int
) -> tuple[list[Payment], set[tuple[PaymentStatus, PaymentStatus]]]:
    """All that a payment can become by these observations in so many changes, in whatever order, and how its status
    moves meanwhile. Each that differs from the others meets each observation once."""
    lives, known = [PAYMENT], {PAYMENT.facts.model_dump_json()}  # all else stays as it was agreed
    so_far = [0]
    moves: set[tuple[PaymentStatus, PaymentStatus]] = set()
    for payment, changed in zip(lives, so_far, strict=True):  # which grow meanwhile
        for observation in kinds:
            moved = decide(payment, observation, NOW).payment
            if moved is payment:
                continue
            if moved.status is not payment.status:
                moves.add((payment.status, moved.status))
            if changed < changes and (life := moved.facts.model_dump_json()) not in known:
                known.add(life)
                lives.append(moved)
                so_far.append(changed + 1)
    return lives, moves


def test_the_table_of_transitions_is_exactly_what_observations_can_do() -> None:
    """Exhaustive over all lives of one observation of each kind and moment: of four changes and one more, or in `make
    soak` of however many."""
    kinds: list[Observation] = [
        sighted(Stage.SEEN, 1),
        sighted(Stage.REORGANISED, 2),
        seen("t1"),
        PARTIAL,
        snapshot(Standing.PARTIAL, LATE),
        PAID,
        OVERPAID,
        OUT_OF_TIME,
        CANCELLED,
        REFUNDED,
        InvoiceEnded(ending=Ending.FAILED),
        WaitingProlonged(until=DEADLINE + timedelta(days=1)),
        PaymentAccepted(by="Ada", note="the rest came in cash"),
        PaymentWithdrawn(by="Ada", note="sold out"),
    ]
    lives, moves = every_life(kinds, len(kinds) if IS_LONG else 4)
    made: dict[PaymentStatus, set[PaymentStatus]] = {status: set() for status in PaymentStatus}
    for before, after in moves:
        made[before].add(after)
    # And what turns out to be another's, whatever has happened before.
    foreign = looked_up(OVERPAID).model_copy(update={"agreed": Decimal(5)})
    for payment in lives:
        moved = decide(payment, foreign, NOW).payment
        if moved.status is not payment.status:
            made[payment.status].add(moved.status)
    # And what goes back and is sent back again, whatever has happened before.
    for payment in lives:
        gone = decide(payment, refund(100, Release.DONE, 1), NOW).payment
        back = decide(gone, refund(100, Release.FAILED, 2), NOW).payment
        for then, later in ((payment, gone), (gone, back)):
            if then.status is not later.status:
                made[then.status].add(later.status)
    assert {status: frozenset(reached) for status, reached in made.items()} == dict(TRANSITIONS)
