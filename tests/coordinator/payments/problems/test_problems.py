"""Payment problems: what of sums, fees and too much money reaches a person, and what is only how a gateway counts."""

from datetime import timedelta
from decimal import Decimal

from coordinator.attention.advice import advice_on
from coordinator.payments.agreed.fees import Fee, FeePolicy
from coordinator.payments.agreed.invoices import InvoiceOpened
from coordinator.payments.deciding.quotes import ToPay, to_pay
from coordinator.payments.observed.observations import (
    Ending,
    InvoiceEnded,
    InvoicePriced,
    Observation,
    PaymentAccepted,
    PaymentWithdrawn,
    RefundMoved,
    RefundOf,
    Release,
    Standing,
    TransfersTakenBack,
)
from coordinator.payments.payments import Payment
from coordinator.payments.problems.figures import most_for_goods, of_amount
from coordinator.payments.problems.problems import ProblemKind, problems_of
from tests.coordinator.agreed import NOW, PAYMENT, looked_up, notice, play, seen, transfer

PAID, PARTIAL, OVERPAID = Standing.PAID, Standing.PARTIAL, Standing.OVERPAID
LATER = NOW + timedelta(minutes=5)


def kinds(payment: Payment) -> list[ProblemKind]:
    return [problem.kind for problem in problems_of(payment)]


def test_how_much_too_much_a_person_need_not_see_has_a_bound_however_much_the_payment_is_over() -> None:
    large = PAYMENT.model_copy(update={"amount": Decimal(100_000)})
    payment, _ = play(notice(PAID, transfer("t1", 104_900)), payment=large)
    assert (payment.excess, kinds(payment)) == (Decimal(4_900), [ProblemKind.OVER])


def test_what_comes_after_less_was_accepted_reaches_a_person_until_all_of_it_is_there() -> None:
    half = notice(PARTIAL, transfer("t1", 50))
    accepted, _ = play(half, PaymentAccepted(by="Ada", note="half is fine"))
    more = [transfer("t1", 50), transfer("t2", 10), transfer("t3", 40)]
    assert kinds(accepted) == []
    payment, _ = play((notice(PARTIAL, *more[:2]), LATER), payment=accepted)
    assert (payment.received, kinds(payment)) == (Decimal(60), [ProblemKind.OVER])
    assert kinds(play((notice(PAID, *more), LATER), payment=payment)[0]) == []
    # What was seen by then was known to whoever accepted it.
    known, _ = play(seen("t2", 10), half, PaymentAccepted(by="Ada", note="ten more are on their way"))
    assert kinds(play((notice(PARTIAL, *more[:2]), LATER), payment=known)[0]) == []


def test_a_gateway_that_measures_with_its_fee_does_not_contradict_itself() -> None:
    fixed = Fee(policy=FeePolicy.FIXED, fixed=Decimal(20))
    payment, _ = play(notice(OVERPAID, transfer("t1", 110, fee=Decimal(20)), fee=fixed))
    assert (payment.received, kinds(payment)) == (Decimal(90), [ProblemKind.SHORT])


def test_money_that_a_look_up_lists_and_its_sum_lacks_reaches_a_person_and_is_not_asked_for_again() -> None:
    priced = InvoicePriced(coin="ETH-USDT", fee=Decimal(2), rate=Decimal(1))
    both = transfer("t1", 51), transfer("t2", 51)
    payment, _ = play(priced, looked_up(PARTIAL, *both, received=Decimal(51), settling_seconds={}))
    assert (payment.status, payment.received) == ("partially_paid", Decimal(49))
    assert (kinds(payment), payment.is_in_doubt) == ([ProblemKind.CONTRADICTING_BOOKS], True)
    assert "the buyer is asked for nothing more" in advice_on(payment, ProblemKind.CONTRADICTING_BOOKS, ["accept"])
    opened = InvoiceOpened(address="0x", coin_amount=Decimal(102), asked=Decimal(102), payment_uri="0x")
    assert to_pay(payment, opened, "ETH-USDT") == ToPay()
    # Their values end the doubt.
    whole, _ = play(
        notice(PARTIAL, *both, received=Decimal(51)), notice(PARTIAL, *both, trigger="t1"), payment=payment
    )
    assert (whole.status, whole.received, whole.is_in_doubt) == ("completed", Decimal(100), False)


def test_a_price_that_moved_by_little_is_no_contradiction() -> None:
    priced = InvoicePriced(coin="ETH-USDT", fee=Decimal(0), rate=Decimal(1))
    for received, problems in (("99.1", []), ("50", [ProblemKind.CONTRADICTING_BOOKS])):
        told = looked_up(PAID, transfer("t1", 100), received=Decimal(received), settling_seconds={})
        payment, _ = play(priced, told)
        # One transfer alone is not lost: it was worth less, and the rest is asked for.
        assert (payment.is_in_doubt, set(kinds(payment)) - {ProblemKind.SHORT}) == (False, set(problems))


def test_what_has_gone_back_is_not_said_to_have_come() -> None:
    """Half of a payment went back, and more came."""
    half = RefundMoved(refund_id="b1", of=RefundOf.GOODS, amount=Decimal(50), release=Release.DONE, step=1)
    payment, _ = play(
        notice(Standing.PARTIAL, transfer("t1", 50)),
        PaymentWithdrawn(by="Ada", note="off"),
        half,
        notice(Standing.PAID, transfer("t1", 50), transfer("t2", 50), proven=None),
    )
    [problem] = problems_of(payment)
    figures = "50.00 of 100.00 USD (of 100.00 that came, 50.00 went back)"
    assert problem.detail == f"it was cancelled, and {figures} has come"


def fee_of(payment: Payment) -> list[str]:
    return [one.detail for one in problems_of(payment) if one.kind is ProblemKind.FEE_TOO_HIGH]


def test_a_fee_of_more_than_half_reaches_a_person_unless_it_is_known_to_be_a_fixed_one() -> None:
    asked = "shkeeper asks for a fee of 51.00 USD on 100.00 USD in ETH-USDT"
    said = f"{asked}, which is more than half; the buyer is asked for it"
    half, more = (Fee(policy=FeePolicy.PERCENT, percent=Decimal(percent)) for percent in (50, 51))
    fixed = Fee(policy=FeePolicy.FIXED, fixed=Decimal(51))
    for fee, price, listed in (
        (more, None, True),
        (None, 51, True),  # of which nobody knows whether it is a fixed one
        (more, 51, True),
        (half, None, False),
        (None, 50, False),
        (fixed, 51, False),
    ):
        priced = InvoicePriced(coin="ETH-USDT", fee=None if price is None else Decimal(price), named=fee)
        [*found] = fee_of(play(priced)[0])
        assert [one.startswith(said) for one in found] == [True] * listed
    # Nor does it leave the list once all is paid.
    whole = notice(PAID, transfer("t1", 151, fee=Decimal(51)), fee=more, received=Decimal(100))
    assert fee_of(play(InvoicePriced(coin="ETH-USDT", named=more), whole)[0])


def test_a_fee_is_told_with_its_own_coin_and_by_what_it_was_taken_on() -> None:
    fixed = Fee(policy=FeePolicy.FIXED, fixed=Decimal(80))
    percents = Fee(policy=FeePolicy.PERCENT, percent=Decimal(20))
    first = InvoicePriced(coin="A", fee=Decimal(60))
    # That of the other coin is more, and known to be a fixed one.
    [said] = fee_of(play(first, InvoicePriced(coin="B", fee=Decimal(80), named=fixed))[0])
    assert said.startswith("shkeeper asks for a fee of 60.00 USD on 100.00 USD in A, which is more than half")
    [said] = fee_of(play(first, InvoicePriced(coin="B", fee=Decimal(101)))[0])
    assert "101.00 USD on 100.00 USD in B; the buyer is not asked for it" in said
    assert "60.00 USD on 100.00 USD in A, which is more than half" in said
    # A fifth of ten times as much is a fifth.
    payment, _ = play(notice(OVERPAID, transfer("t1", 1200, fee=Decimal(200)), fee=percents))
    assert (fee_of(payment), kinds(payment)) == ([], [ProblemKind.OVER])


def refund(amount: int, of: RefundOf = RefundOf.GOODS, release: Release = Release.DONE) -> RefundMoved:
    return RefundMoved(refund_id="back_1", of=of, amount=Decimal(amount), release=release, step=1)


def test_what_goes_back_is_told_beside_what_came() -> None:
    called = InvoiceEnded(ending=Ending.REFUNDED)
    whole = notice(PAID, transfer("t1", 100))
    for goes, said in (
        ((), "sent its money back; 100.00 of 100.00 USD has come"),
        ((refund(40),), "sent all of its money back; 60.00 of 100.00 USD (of 100.00 that came, 40.00 went back)"),
        ((refund(40, release=Release.UNDER_WAY),), "sent its money back, but 40.00 USD are on their way"),
    ):
        details = {one.kind: one.detail for one in problems_of(play(whole, *goes, called)[0])}
        assert said in details[ProblemKind.CALLED_REFUNDED]
    over, _ = play(notice(OVERPAID, transfer("t1", 120)), refund(5, RefundOf.EXCESS, Release.UNDER_WAY))
    [problem] = problems_of(over)
    assert problem.detail == "15.00 USD too much: 120.00 of 100.00 USD, and 5.00 USD of it go back"
    # What may be the goods' is without what went back too.
    priced, part = InvoicePriced(coin="ETH-USDT", fee=Decimal(10)), notice(PARTIAL, transfer("t1", 55))
    unclear = of_amount(play(priced, part, refund(5))[0])
    assert unclear.startswith("40.00 of 100.00 USD (of 45.00 that came, 5.00 went back), and as much as 45.00 if")


def test_of_a_completed_payment_with_too_little_the_cause_is_told() -> None:
    def later(payment: Payment, told: Observation) -> str:
        payment.keep_completed()
        after, _ = play((told, LATER), payment=payment)
        return next(one.detail for one in problems_of(after) if one.kind is ProblemKind.SHORT)

    paid = notice(PAID, transfer("t1", 60), transfer("t2", 40), proven=None)
    fixed = Fee(policy=FeePolicy.FIXED, fixed=Decimal(20))
    fee = later(play(paid)[0], InvoicePriced(coin="ETH-USDT", named=fixed))
    assert fee == "it was completed before its fee was known, and 80.00 of 100.00 USD has come"
    amount = later(play(paid)[0], notice(PARTIAL, transfer("t1", 60), transfer("t2", 20)))
    assert amount == "it was completed before how much of it came was known, and 80.00 of 100.00 USD has come"


def test_a_sum_that_sank_is_told_as_it_was_told() -> None:
    before = looked_up(PAID, transfer("t1", 100), received=Decimal(104), settling_seconds={})
    payment, _ = play(InvoicePriced(coin="ETH-USDT", fee=Decimal(0), rate=Decimal(1)), before)
    after = looked_up(PARTIAL, transfer("t1", 100), received=Decimal(50), settling_seconds={})
    details = {one.kind: one.detail for one in problems_of(play((after, LATER), payment=payment)[0])}
    assert "said that 104.00 USD came, and says 50.00 USD now" in details[ProblemKind.CONTRADICTING_BOOKS]


def test_how_much_may_be_for_the_goods_is_said_where_the_fee_is_known_only_as_what_a_price_asked_for() -> None:
    priced = InvoicePriced(coin="ETH-USDT", fee=Decimal(10))
    part, _ = play(priced, notice(PARTIAL, transfer("t1", 55)))
    # Ten may be a fixed fee, or a tenth.
    assert (part.received, most_for_goods(part)) == (Decimal(45), Decimal(50))
    payment, _ = play(priced, notice(PAID, transfer("t1", 107)))
    [problem] = problems_of(payment)
    assert (payment.status, payment.received, problem.kind) == ("completed", Decimal(97), ProblemKind.SHORT)
    assert problem.detail == (
        "its fee is not known for sure, and the least that is left counts for the goods: 97.00 of 100.00 USD, and as"
        " much as 97.27 if the fee is the least that it may be"
    )
    named, _ = play(
        InvoicePriced(coin="ETH-USDT", named=Fee(policy=FeePolicy.FIXED, fixed=Decimal(10))), payment=payment
    )
    assert (named.received, kinds(named)) == (Decimal(97), [])
    # All that was agreed is for the goods in any case.
    assert kinds(play(priced, notice(PAID, transfer("t1", 110)))[0]) == []


def test_what_was_taken_back_counts_towards_nothing_until_it_is_booked_again() -> None:
    first, rest = transfer("t1", 60), transfer("t2", 40)
    payment, _ = play(
        notice(PARTIAL, first), (TransfersTakenBack(transfer_keys=("t1",)), LATER), (notice(PARTIAL, rest), LATER)
    )
    assert (payment.status, payment.received, kinds(payment)) == (
        "partially_paid",
        Decimal(40),
        [ProblemKind.CONTRADICTING_BOOKS],
    )
    assert payment.is_in_doubt  # nobody is asked for it again
    again = looked_up(PAID, first, rest), LATER + timedelta(minutes=1)
    payment, _ = play(again, payment=payment)
    assert (payment.status, payment.received, kinds(payment)) == ("completed", Decimal(100), [])
