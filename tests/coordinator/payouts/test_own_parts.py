"""Each of several sellers is told of their own part of a payment, whatever is done with the parts of the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.payments.agreed.agreements import Checkout, Share
from coordinator.payments.deciding.decisions import decide
from coordinator.payments.observed.observations import (
    EscrowReleased,
    Observation,
    PaymentAccepted,
    PurchaseCancelled,
    RefundMoved,
    RefundOf,
    Release,
)
from coordinator.payments.observed.reversals import DisputeStage, PaymentDisputed, RefundedThere
from coordinator.payments.payments import Payment
from coordinator.payments.statuses import EscrowState, PaymentStatus
from coordinator.payouts.earnings import escrow_of
from coordinator.payouts.own_parts import OwnPart
from coordinator.payouts.payouts import Payout, PayoutFacts
from tests.coordinator.agreed import NOW, PAYMENT, judged, notice, transfer

ALICE, CAROL = "s1", "s2"
SHARES = (
    Share(request_id="r1", seller_id=ALICE, amount=Decimal("60.01")),
    Share(request_id="r2", seller_id=CAROL, amount=Decimal("39.99")),
)
OF_BOTH = PAYMENT.model_copy(update={"checkout": Checkout(checkout_id="k1", shares=SHARES)})


@dataclass(frozen=True)
class Step:
    at: datetime
    observation: Observation
    status: str
    escrow_state: str


def played(told: Sequence[Observation], payment: Payment = OF_BOTH) -> tuple[Payment, list[Step]]:
    steps: list[Step] = []
    for number, observation in enumerate(told):
        at = NOW + timedelta(seconds=number)
        payment = decide(payment, observation, at).payment
        steps.append(Step(at, observation, payment.status, payment.escrow_state))
    return payment, steps


def shown(told: Sequence[Observation], payouts: Sequence[Payout] = (), seller: str = CAROL) -> object:
    """All that a seller is told of figures and of steps; not when the steps came, which is theirs to count."""
    payment, steps = played(told)
    part = OwnPart(payment, [share for share in SHARES if share.seller_id == seller])
    history = [(step.observation, status, escrow) for step, status, escrow in part.steps(steps)]
    return part.figures(payouts), part.amount, part.shares, history


def came(amount: str) -> Observation:
    return notice(judged(Decimal(amount)), transfer("0x1", amount))


def paid_out(seller: str, release: Release, worth: str) -> EscrowReleased:
    return EscrowReleased(
        payout_id=f"out_{seller}", seller_id=seller, release=release, worth=Decimal(worth), step=int(release)
    )


def sent_back(seller: str | None, release: Release, amount: str, of: RefundOf = RefundOf.GOODS) -> RefundMoved:
    return RefundMoved(
        refund_id=f"refund_{seller}_{of}",
        of=of,
        seller_id=seller,
        amount=Decimal(amount),
        release=release,
        step=int(release),
        carried_by=f"0x{seller}",
    )


def payout_to(seller: str, worth: str) -> Payout:
    return Payout(
        payout_id=f"out_{seller}",
        provider="shkeeper",
        payment_id=OF_BOTH.payment_id,
        seller_id=seller,
        destination="0xAb",
        coin="ETH-USDT",
        amount=Decimal(worth),
        worth=Decimal(worth),
        created_at=NOW,
        facts=PayoutFacts(),
    )


RELEASES = st.sampled_from(Release)
OF_ALICE = st.one_of(
    st.builds(paid_out, st.just(ALICE), RELEASES, st.sampled_from(("0.01", "30", "60.01"))),
    st.builds(sent_back, st.just(ALICE), RELEASES, st.sampled_from(("0.01", "30", "60.01"))),
    st.just(PurchaseCancelled(request_id="r1")),
)
OF_THE_REST = st.one_of(
    st.builds(came, st.sampled_from(("100", "120"))),
    st.builds(paid_out, st.just(CAROL), RELEASES, st.sampled_from(("0.01", "20", "39.99"))),
    st.builds(sent_back, st.just(CAROL), RELEASES, st.sampled_from(("0.01", "20", "39.99"))),
    st.builds(sent_back, st.none(), RELEASES, st.sampled_from(("0.01", "10"))),
    st.just(PaymentDisputed(reference="d1", currency="USD", amount=Decimal(10), stage=DisputeStage.LOST)),
)


@given(st.lists(st.tuples(st.booleans(), OF_ALICE, OF_THE_REST), max_size=8), st.booleans(), st.booleans())
def test_what_is_done_with_the_share_of_one_is_not_shown_to_another(
    drawn: list[tuple[bool, Observation, Observation]], is_paid_out: bool, is_alice: bool
) -> None:
    told = [came("100"), *(of_alice if is_hers else other for is_hers, of_alice, other in drawn)]
    without = [came("100"), *(other for is_hers, _, other in drawn if not is_hers)]
    carols = [payout_to(CAROL, "20")] if is_paid_out else []
    alices = [payout_to(ALICE, "60.01")] if is_alice else []
    assert shown(told, [*carols, *alices]) == shown(without, carols)


def test_a_part_whose_requests_were_cancelled_is_so_whatever_comes_for_the_others() -> None:
    cancelled = PurchaseCancelled(request_id="r2")
    accepted = PaymentAccepted(by="Ada", note="it holds")
    stands: list[tuple[list[Observation], tuple[str, str, str], list[str]]] = [
        ([cancelled], ("cancelled", "none", "0"), ["cancelled"]),
        ([cancelled, came("100")], ("cancelled", "none", "39.99"), ["cancelled", "cancelled"]),
        ([came("100"), cancelled], ("completed", "funded", "39.99"), ["completed", "completed"]),
        (
            [cancelled, came("100"), accepted],
            ("completed", "funded", "39.99"),
            ["cancelled", "cancelled", "completed"],
        ),
        (
            [cancelled, came("100"), sent_back(CAROL, Release.DONE, "39.99")],
            ("refunded", "refunded", "39.99"),
            ["cancelled", "cancelled", "refunded"],
        ),
    ]
    for told, expected, history in stands:
        payment, steps = played(told)
        hers = OwnPart(payment, [share for share in SHARES if share.seller_id == CAROL])
        found = hers.figures([])
        assert (found.status, found.escrow_state, f"{found.received.normalize():f}") == expected
        assert [status for _, status, _ in hers.steps(steps)] == history
        others = OwnPart(payment, [share for share in SHARES if share.seller_id == ALICE])
        assert others.figures([]).status == payment.status


def test_what_its_provider_calls_sent_back_too_is_the_refund_of_the_one_whose_share_it_was() -> None:
    hers = sent_back(ALICE, Release.DONE, "30")
    there = RefundedThere(reference="0xs1", currency="USD", amount=Decimal(30))
    payment, steps = played([came("100"), hers, there])
    figures = [OwnPart(payment, [share]).figures([]) for share in SHARES]
    assert [one.refunded for one in figures] == [Decimal(30), 0]
    assert [status for _, status, _ in OwnPart(payment, [SHARES[1]]).steps(steps)] == [PaymentStatus.COMPLETED] * 2


@given(
    st.lists(st.one_of(OF_ALICE, OF_THE_REST), max_size=8),
    st.sampled_from(("40", "99", "100", "120")),
)
def test_the_figures_of_a_part_add_up_and_are_no_more_than_the_whole(told: list[Observation], first: str) -> None:
    payment, _ = played([came(first), *told])
    parts = [OwnPart(payment, [share]).figures([]) for share in SHARES]
    for one in (part.escrow for part in parts):
        assert one.received + one.overdrawn == one.held + one.released + one.refunded
    assert sum(part.received for part in parts) == payment.goods
    whole = OwnPart(payment, SHARES)
    assert whole.figures([]).escrow == escrow_of(payment, [])
    assert (whole.is_whole, whole.amount, whole.figures([]).status) == (True, payment.amount, payment.status)


def test_the_payout_of_one_seller_is_not_told_to_another_as_theirs() -> None:
    told = [came("100"), paid_out(ALICE, Release.DONE, "60.01")]
    payment, steps = played(told)
    of_alice, of_carol = (OwnPart(payment, [share]) for share in SHARES)
    assert payment.escrow_state is EscrowState.RELEASING
    assert of_alice.figures([]).escrow_state is EscrowState.RELEASED
    assert of_carol.figures([]).escrow_state is EscrowState.FUNDED
    assert [escrow for _, _, escrow in of_carol.steps(steps)] == [EscrowState.FUNDED]


@pytest.mark.parametrize(("seller", "status"), [(ALICE, PaymentStatus.COMPLETED), (CAROL, PaymentStatus.REFUNDED)])
def test_a_share_that_went_back_is_refunded_for_its_seller_alone(seller: str, status: PaymentStatus) -> None:
    payment, _ = played([came("100"), sent_back(CAROL, Release.DONE, "39.99")])
    figures = OwnPart(payment, [share for share in SHARES if share.seller_id == seller]).figures([])
    assert figures.status is status
    assert figures.refunded == (Decimal("39.99") if seller == CAROL else 0)


def test_what_goes_back_out_of_nobodys_share_is_told_by_parts() -> None:
    payment, _ = played([came("100"), sent_back(None, Release.DONE, "10")])
    parts = [OwnPart(payment, [share]).figures([]).refunded for share in SHARES]
    assert sum(parts) == Decimal(10)
    assert all(parts)


def test_what_was_agreed_with_another_does_not_show() -> None:
    def of(alices: str) -> object:
        shares = (SHARES[0].model_copy(update={"amount": Decimal(alices)}), SHARES[1])
        amount = shares[0].amount + shares[1].amount
        checkout = Checkout(checkout_id="k1", shares=shares)
        told = notice(judged(amount, amount), transfer("0x1", amount), agreed=amount)
        payment, steps = played([told], PAYMENT.model_copy(update={"checkout": checkout, "amount": amount}))
        part = OwnPart(payment, [SHARES[1]])
        return part.figures([]), part.amount, part.of(amount), [step[1:] for step in part.steps(steps)]

    assert of("60.01") == of("1") == of("2000")


@given(st.lists(st.one_of(OF_ALICE, OF_THE_REST), max_size=6), st.sampled_from(("40", "99.5", "1E+2", "120.0")))
def test_all_that_is_told_is_in_the_scale_that_was_agreed(told: list[Observation], first: str) -> None:
    payment, _ = played([came(first), *told])
    payment = payment.model_copy(update={"amount": Decimal("100.00")})
    for seen in (SHARES, SHARES[1:]):
        part = OwnPart(payment, seen)
        figures = part.figures([payout_to(CAROL, "20")])
        sums = [*figures.escrow, *(pool.amount for pool in figures.refundable)]
        sums += [
            figures.received,
            figures.missing,
            figures.excess,
            figures.fee,
            figures.missing_fee,
            figures.refunded,
        ]
        sums += [part.amount, *(part.of(Decimal(one)) for one in ("0", "7", "99.5"))]
        sums += [part.out_of(Decimal(10), whose) for whose in (None, CAROL)]
        assert {one.as_tuple().exponent for one in sums} == {-2}, sums
