"""Refunds: what can go back of which payment, what opening one means for it, and what is still wrong with it then."""

import itertools
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.attention.payments import payment_attention
from coordinator.attention.payouts import payout_attention
from coordinator.money import total
from coordinator.payments.agreed.agreements import Checkout, Share, part_of
from coordinator.payments.deciding.decisions import decide
from coordinator.payments.facts.facts import Facts
from coordinator.payments.observed.observations import (
    Ending,
    InvoiceEnded,
    PaymentAccepted,
    PaymentWithdrawn,
    RefundOf,
    Standing,
)
from coordinator.payments.observed.reversals import RefundedThere
from coordinator.payments.payments import Payment
from coordinator.payments.problems.problems import ProblemKind, problems_of
from coordinator.payments.problems.rulings import RulingRefusedError, acceptance
from coordinator.payouts.approval import doubts_about
from coordinator.payouts.decisions import decide_payout
from coordinator.payouts.earnings import Pool, left_to_refund, refundable
from coordinator.payouts.named_transactions import TransactionTakenError
from coordinator.payouts.observations import PayoutConfirmed, PayoutFailed, PayoutSent
from coordinator.payouts.payouts import Payout, PayoutFacts
from coordinator.payouts.statuses import PayoutStatus
from coordinator.refunds.given_addresses import OtherAddressError, require_as_given
from coordinator.refunds.refunds import (
    OtherRefundsError,
    Refund,
    RefundOrder,
    RefundRefusedError,
    Sending,
    Sent,
    closes_payment,
    followed,
    moved,
    open_refund,
    opened_event,
    payout_for,
    require_seen,
    sent_without,
    updated_event,
    withdrawn,
)
from coordinator.refunds.refunds import given as given_to
from tests.coordinator.agreed import DEADLINE, NOW, PAYMENT, judged, looked_up, notice, play, transfer

GOODS, EXCESS = RefundOf.GOODS, RefundOf.EXCESS


def came(value: str, payment: Payment = PAYMENT) -> Payment:
    amount = Decimal(value)
    return play(notice(judged(amount), transfer("0x1", value), proven=None), payment=payment)[0]


def opened(payment: Payment, amount: str, of: RefundOf = GOODS, ordinal: int = 0) -> Refund:
    order = RefundOrder(of, "s1" if of is GOODS else None, Decimal(amount), "ETH-USDT", "it is bent", "Ada")
    return open_refund(payment, order, [], ordinal=ordinal, now=NOW)


def with_refund(payment: Payment, refund: Refund, step: int = 0) -> Payment:
    return play(moved(refund, step), payment=payment)[0]


def carried(refund: Refund, payment: Payment) -> tuple[Refund, Payout]:
    payout = payout_for(refund, payment, Sending("0xCd", refund.amount), now=NOW)
    return given_to(refund, payment, payout, by="b1"), payout


def kinds(payment: Payment) -> list[ProblemKind]:
    return [one.kind for one in problems_of(payment)]


@pytest.mark.parametrize(
    ("payment", "pools"),
    [
        (came("100"), [(GOODS, "s1", "100")]),
        (came("98"), [(GOODS, "s1", "98")]),
        (came("120"), [(GOODS, "s1", "100"), (EXCESS, None, "20")]),
        (came("40"), [(GOODS, "s1", "40")]),
        (PAYMENT, []),
        # Whoever accepted less than was agreed has no more of it to send back than came.
        (play(PaymentAccepted(by="Ada", note="fine"), payment=came("40"))[0], [(GOODS, "s1", "40")]),
        # That the gateway calls it refunded sends nothing back.
        (
            play(InvoiceEnded(ending=Ending.REFUNDED), payment=came("120"))[0],
            [(GOODS, "s1", "100"), (RefundOf.EXCESS, None, "20")],
        ),
    ],
)
def test_what_came_can_go_back_and_no_more(payment: Payment, pools: list[tuple[RefundOf, str | None, str]]) -> None:
    assert refundable(payment, []) == tuple(Pool(of, seller, Decimal(amount)) for of, seller, amount in pools)
    for of, seller_id, amount in pools:
        too_much = RefundOrder(of, seller_id, Decimal(amount) + Decimal("0.01"), "ETH-USDT", "x", "Ada")
        with pytest.raises(RefundRefusedError, match=f"{amount} USD can go back"):
            open_refund(payment, too_much, [], ordinal=0, now=NOW)


def test_of_a_checkout_that_is_not_completed_nobody_has_a_share() -> None:
    shares = tuple(
        Share(request_id=f"r-{seller}", seller_id=seller, amount=Decimal(amount))
        for seller, amount in (("s1", "33.34"), ("s2", "66.66"))
    )
    checkout = PAYMENT.model_copy(update={"checkout": Checkout(checkout_id="c1", shares=shares)})
    assert refundable(came("40", checkout), []) == (Pool(GOODS, None, Decimal(40)),)
    assert refundable(came("100", checkout), []) == (
        Pool(GOODS, "s1", Decimal("33.34")),
        Pool(GOODS, "s2", Decimal("66.66")),
    )


@given(st.lists(st.decimals("0.01", "1000", places=2), min_size=1, max_size=6), st.decimals("0", "7000", places=6))
def test_whatever_came_is_divided_to_the_last_digit(amounts: list[Decimal], value: Decimal) -> None:
    shares = [
        Share(request_id=f"r{number}", seller_id=f"s{number % 4}", amount=amount)
        for number, amount in enumerate(amounts)
    ]
    sellers = {share.seller_id for share in shares}
    goods = min(value, total(amounts))
    parts = {seller: part_of(shares, seller, goods) for seller in sellers}
    assert total(parts.values()) == goods
    for seller, part in parts.items():
        agreed = total(share.amount for share in shares if share.seller_id == seller)
        assert 0 <= part <= agreed
    assert part_of(shares, "somebody else", goods) == 0


def test_only_a_refund_of_goods_that_are_not_all_paid_cancels_the_payment() -> None:
    assert closes_payment(came("40"), GOODS)
    assert not closes_payment(came("100"), GOODS)
    assert not closes_payment(came("120"), EXCESS)
    assert not closes_payment(play(PaymentWithdrawn(by="Ada", note="off"), payment=came("40"))[0], GOODS)


def test_what_goes_back_cannot_be_accepted_as_paid_unless_that_is_withdrawn() -> None:
    payment = play(PaymentWithdrawn(by="Ada", note="off"), payment=came("40"))[0]
    refund = opened(payment, "40")
    back = with_refund(payment, refund)
    with pytest.raises(RulingRefusedError, match="withdraw that refund first"):
        acceptance("Bo", "after all").decide(back, NOW)
    free = with_refund(back, withdrawn(refund, "Ada"), 1)
    assert play(acceptance("Bo", "after all").decide(free, NOW), payment=free)[0].status == "completed"


def test_a_refund_is_withdrawn_once_and_only_while_nobody_gave_an_address() -> None:
    payment = came("100")
    refund = opened(payment, "10")
    gone = withdrawn(refund, "Ada")
    assert (gone.status, gone.cancelled_by) == ("cancelled", "Ada")
    with pytest.raises(RefundRefusedError, match="withdrawn already"):
        withdrawn(gone, "Bo")
    sent, payout = carried(refund, with_refund(payment, refund))
    with pytest.raises(RefundRefusedError, match="cannot be withdrawn any more"):
        withdrawn(sent, "Ada")
    for late in (gone, sent):
        with pytest.raises(RefundRefusedError, match=r"was withdrawn|cannot be changed"):
            given_to(late, payment, payout, by="b1")


def test_what_is_not_there_any_more_is_not_sent() -> None:
    payment = came("100")
    refund = opened(payment, "10")
    reserved = with_refund(payment, refund)
    foreign = looked_up(Standing.PAID, transfer("0x1", 100)).model_copy(update={"agreed": Decimal(5)})
    taken_back = decide(reserved, foreign, NOW).payment
    with pytest.raises(RefundRefusedError, match="not there any more"):
        carried(refund, taken_back)


def test_a_refund_of_what_the_gateway_calls_refunded_already_waits_for_a_second_person() -> None:
    payment = came("100")
    refund = opened(payment, "10")
    ended = play(InvoiceEnded(ending=Ending.REFUNDED), payment=with_refund(payment, refund))[0]
    _, payout = carried(refund, ended)
    assert "calls payment pay_1 refunded" in "; ".join(doubts_about(payout, ended, []))
    assert [*doubts_about(payout, with_refund(payment, refund), [])] == []


def test_a_payout_that_carries_a_refund_tells_sellers_nothing_and_the_refund_tells_the_buyer() -> None:
    payment = came("100")
    refund = opened(payment, "10")
    told = opened_event(refund, payment)
    assert (told.name, told.audience.everyone) == ("refund-opened", False)
    assert told.audience.rooms == ("ops", "request-r1", "user-b1")
    sent, payout = carried(refund, with_refund(payment, refund))
    for observation in (PayoutSent(tx_hashes=("0x2",)), PayoutConfirmed()):
        decision = decide_payout(payout, observation)
        assert decision.events == ()
        payout = decision.payout
    done = followed(sent, payout)
    assert updated_event(done, payment).payload == {
        "refundId": refund.refund_id,
        "paymentId": "pay_1",
        "status": "completed",
        "amount": "10",
        "currency": "USD",
        "txHash": "0x2",
        "payoutId": payout.payout_id,
    }
    assert "0xCd" not in opened_event(sent, payment).payload_json + updated_event(done, payment).payload_json


def wrong(kind: ProblemKind) -> tuple[Payment, Refund]:
    """A payment with which that is wrong, and the refund that settles it."""
    match kind:
        case ProblemKind.OVER:
            payment = came("120")
            return payment, opened(payment, "20", EXCESS)
        case ProblemKind.PAID_AFTER_CANCELLATION:
            payment = play(PaymentWithdrawn(by="Ada", note="off"), payment=came("40"))[0]
            return payment, opened(payment, "40")
        case ProblemKind.TWICE_PAID:
            facts = came("100").facts.model_copy(update={"completed_siblings": frozenset({"pay_2"})})
            payment = came("100").with_facts(facts)
            return payment, opened(payment, "100")
        case _:
            payment = play(notice(Standing.PAID, transfer("0x1", 92), proven=None))[0]
            return payment, opened(payment, "92")


@pytest.mark.parametrize(
    "kind",
    [ProblemKind.OVER, ProblemKind.PAID_AFTER_CANCELLATION, ProblemKind.TWICE_PAID, ProblemKind.SHORT],
)
def test_what_a_refund_settles_is_off_the_list_for_as_long_as_it_holds(kind: ProblemKind) -> None:
    payment, refund = wrong(kind)
    assert kind in kinds(payment)
    [item] = [one for one in payment_attention(payment, NOW, can_send_back=True) if one.kind is kind]
    assert "refund" in item.remedies
    assert not any("refund" in one.remedies for one in payment_attention(payment, NOW))
    back = with_refund(payment, refund)
    assert kind not in kinds(back)
    sent, payout = carried(refund, back)
    payout = decide_payout(payout, PayoutSent(tx_hashes=("0x2",))).payout
    arrived = followed(sent, decide_payout(payout, PayoutConfirmed()).payout)
    assert kind not in kinds(with_refund(back, arrived, 3))
    # One that failed or was withdrawn leaves it as it was, and so does half of one.
    assert kind in kinds(with_refund(back, withdrawn(refund, "Ada"), 1))
    half = refund.model_copy(update={"amount": refund.amount / 2})
    assert kind in kinds(with_refund(payment, half))


def test_a_refund_that_failed_is_a_buyers_trouble_and_another_one_its_remedy() -> None:
    payment = came("100")
    refund = opened(payment, "10")
    _, payout = carried(refund, with_refund(payment, refund))
    failed = decide_payout(payout, PayoutFailed(reason="no coins")).payout
    item = payout_attention(failed, NOW, NOW)
    assert item is not None
    assert (item.title, item.remedies) == ("A refund failed, and the buyer has nothing yet", ("refund", "dismiss"))
    assert "for b1" in item.detail
    assert "seller" not in item.advice
    to_seller = failed.model_copy(update={"refund_id": None, "buyer_id": None})
    other = payout_attention(to_seller, NOW, NOW)
    assert other is not None
    assert (other.title, other.remedies) == ("It failed, and the seller has nothing yet", ("dismiss",))


def test_the_same_refund_wanted_again_has_the_same_id_and_so_has_what_carries_it() -> None:
    payment = came("100")
    first, again = opened(payment, "10"), opened(payment, "10")
    assert first.refund_id == again.refund_id != opened(payment, "10", ordinal=1).refund_id
    ids = [
        payout_for(one, payment, Sending("0xCd", Decimal(10)), now=DEADLINE).payout_id
        for one in (first, again, opened(payment, "10", ordinal=5))
    ]
    assert ids[0] == ids[1] != ids[2]


def test_money_that_comes_after_all_of_it_went_back_is_there_to_be_decided_about() -> None:
    payment = play(PaymentWithdrawn(by="Ada", note="off"), payment=came("40"))[0]
    refund = opened(payment, "40")
    sent, payout = carried(refund, with_refund(payment, refund))
    payout = decide_payout(payout, PayoutSent(tx_hashes=("0x2",))).payout
    gone = with_refund(payment, followed(sent, decide_payout(payout, PayoutConfirmed()).payout), 3)
    assert (gone.status, kinds(gone)) == ("refunded", [])
    more: Any = notice(judged(Decimal(100)), transfer("0x1", 40), transfer("0x3", 60), proven=None)
    late = play(more, payment=gone)[0]
    left = left_to_refund(late, GOODS, "s1", [])
    assert (late.status, late.refunded, left) == ("cancelled", Decimal(40), Decimal(60))
    assert kinds(late) == [ProblemKind.PAID_AFTER_CANCELLATION]


def test_what_was_sent_without_the_bridge_is_a_transaction_that_did_nothing_else() -> None:
    payment = came("120")
    refund = opened(payment, "30")
    paid_out = payout_for(refund, payment, Sending("0xAb", Decimal(10)), now=NOW).model_copy(
        update={"refund_id": None, "facts": PayoutFacts(tx_hashes=("0xAA",))}
    )
    again = paid_out.model_copy(update={"refund_id": "back_0"})
    elsewhere = Sent("elsewhere", "ETH-USDT", Decimal(30), "0xCd", "aa")
    for tx_hash in ("0x1", "1"):
        with pytest.raises(RefundRefusedError, match="what the buyer paid with"):
            sent_without(refund, payment, replace(elsewhere, tx_hash=tx_hash), [], [], now=NOW)
    for one, said in ((paid_out, "a payout of payment pay_1"), (again, "a refund of payment pay_1")):
        of_another = one.model_copy(update={"payment_id": "pay_2"})
        for known, told in ((one, said), (of_another, said.replace("pay_1", "pay_2"))):
            with pytest.raises(TransactionTakenError, match=f"aa is {one.payout_id}'s already, {told}"):
                sent_without(refund, payment, elsewhere, [known], [], now=NOW)
            sent_without(refund, payment, replace(elsewhere, for_several=True), [known], [], now=NOW)
    # A transaction that is followed on its chain shows itself what it sent to whom; told of twice it is not two.
    over_chain = replace(elsewhere, chain="ethereum")
    with pytest.raises(TransactionTakenError):
        sent_without(refund, payment, over_chain, [again], [], now=NOW)
    for known in (paid_out, again.model_copy(update={"payment_id": "pay_2"})):
        assert sent_without(refund, payment, over_chain, [known], [], now=NOW).destination == "0xCd"
    # What moved nothing, or is not its own as a person says, is anybody's.
    for facts in ({"reverted_hashes": ("0xAA",)}, {"disowned_hashes": ("0xAA",)}):
        freed = paid_out.model_copy(update={"facts": paid_out.facts.model_copy(update=facts)})
        assert sent_without(refund, payment, elsewhere, [freed], [], now=NOW).destination == "0xCd"


def test_what_another_payments_buyer_paid_with_sent_nothing_back_unless_somebody_has_seen_that_it_did() -> None:
    payment, other = came("120"), came("50").model_copy(update={"payment_id": "pay_2"})
    refund = opened(payment, "30")
    elsewhere = Sent("elsewhere", "ETH-USDT", Decimal(30), "0xCd", "0X1")
    payment = payment.with_facts(Facts())
    with pytest.raises(TransactionTakenError, match="0X1 is what the buyer of payment pay_2 paid with"):
        sent_without(refund, payment, elsewhere, [], [other], now=NOW)
    for sent in (
        replace(elsewhere, for_several=True),
        replace(elsewhere, chain="ethereum"),
        replace(elsewhere, tx_hash="0x2"),
    ):
        assert sent_without(refund, payment, sent, [], [other], now=NOW).destination == "0xCd"


def test_whoever_opens_a_refund_has_seen_the_others_that_take_money() -> None:
    payment = came("100")
    waiting = opened(payment, "30")
    sent = waiting.model_copy(update={"refund_id": "back_1", "payout_status": PayoutStatus.COMPLETED})
    gone = waiting.model_copy(update={"refund_id": "back_2", "cancelled_by": "Ada"})
    require_seen([sent, gone], None)
    require_seen([waiting, sent, gone], [waiting.refund_id, "back_1"])
    for besides, unseen in ((None, waiting), (["back_1"], waiting), ([waiting.refund_id], sent)):
        with pytest.raises(OtherRefundsError, match=r"Ada opened .* of 30 USD .*: it is bent") as refused:
            require_seen([waiting, sent, gone], besides)
        assert refused.value.refund_ids == (unseen.refund_id,)


def test_what_was_sent_without_the_bridge_went_where_the_buyer_said_or_somebody_has_seen_that_they_said_so() -> None:
    refund = opened(came("100"), "30")
    buyers = f"0x{'aB' * 20}"
    before = refund.model_copy(update={"refund_id": "back_0", "destination": buyers, "given_by": "b1"})
    others = [before.model_copy(update={"payout_status": status}) for status in (None, PayoutStatus.FAILED)]
    elsewhere = Sent("elsewhere", "ETH-USDT", Decimal(30), f"0x{'cd' * 20}", "0x7")
    for other, sent in itertools.product(others, (elsewhere, replace(elsewhere, chain="ethereum"))):
        with pytest.raises(OtherAddressError, match=f"{'cd' * 20} is not where back_0 of this payment was to go"):
            require_as_given(sent, [refund, other])
        for fine in (
            replace(sent, destination=buyers),
            replace(sent, destination=buyers.lower()),
            replace(sent, other_address=True),
            replace(sent, coin="BTC"),  # where an address of the other coin says nothing
            replace(sent, destination=f"lnbc1{'q' * 100}"),
        ):
            require_as_given(fine, [refund, other])
        require_as_given(sent, [refund])  # nobody gave any
        require_as_given(sent, [refund, other.model_copy(update={"destination": f"lnbc1{'p' * 100}"})])


def test_what_its_provider_gave_back_by_itself_is_not_told_once_more_as_sent() -> None:
    payment = came("120")
    refund = opened(payment, "30")
    payment = play(RefundedThere(reference="re_1", amount=Decimal(10), currency="USD"), payment=payment)[0]
    elsewhere = Sent("elsewhere", "USD", Decimal(10), "their card", "re_1")
    with pytest.raises(RefundRefusedError, match="shkeeper has told of re_1 by itself; it is counted already"):
        sent_without(refund, payment, elsewhere, [], [], now=NOW)
    assert (
        sent_without(refund, payment, replace(elsewhere, tx_hash="re_2"), [], [], now=NOW).destination == "their card"
    )
