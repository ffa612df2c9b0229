"""Evidence: what does not fit a payment moves nothing and reaches a person; what fits proves no more than it does."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from coordinator.payments.agreed.agreements import Checkout, Share
from coordinator.payments.agreed.fees import Fee, FeePolicy
from coordinator.payments.counting.lateness import KEPT_FOR
from coordinator.payments.deciding.decisions import decide
from coordinator.payments.deciding.evidence import LookedUpInvoice, invoice_of
from coordinator.payments.deciding.siblings import deciding_payment
from coordinator.payments.facts.facts import MisfitKind
from coordinator.payments.observed.observations import (
    DeadlinePassed,
    Ending,
    InvoiceEnded,
    InvoiceFound,
    InvoicePriced,
    Observation,
    PaymentAccepted,
    PaymentWithdrawn,
    PurchaseCancelled,
    RefundMoved,
    RefundOf,
    RegistrationContested,
    Release,
    SiblingCompleted,
    Standing,
    WaitingProlonged,
)
from coordinator.payments.payments import Effect, Payment, PaymentStatus
from coordinator.payments.problems.problems import ProblemKind, hold_on_payouts, problems_of
from coordinator.payments.problems.rulings import acceptance, open_rulings
from tests.coordinator.agreed import DEADLINE, NOW, PAYMENT, judged, looked_up, notice, play, seen, transfer

PAID, PARTIAL, OVERPAID = Standing.PAID, Standing.PARTIAL, Standing.OVERPAID
LATER = NOW + timedelta(minutes=5)


def kinds(payment: Payment) -> list[ProblemKind]:
    return [problem.kind for problem in problems_of(payment)]


def invoice(agreed: object = 100, currency: str = "USD", *addresses: str, paid: object = 100) -> LookedUpInvoice:
    amount = Decimal(str(agreed))
    snapshot = looked_up(PAID, transfer("t1", paid), agreed=amount, currency=currency)
    return LookedUpInvoice(
        currency, amount, {f"t{number}": at for number, at in enumerate(addresses, 1)}, (snapshot,)
    )


# Whose invoice it is


@pytest.mark.parametrize(
    ("invoices", "addresses", "kind"),
    [
        ([invoice()], (), None),
        ([invoice(100, "usd")], (), None),
        ([invoice(5, "USD", paid=5)], (), MisfitKind.OTHER_AMOUNT),
        ([invoice(5, paid=5), invoice()], (), None),
        ([invoice(100, "EUR")], (), MisfitKind.OTHER_CURRENCY),
        ([invoice(), invoice()], (), MisfitKind.AMBIGUOUS),
        ([invoice(100, "USD", "0xa")], ("0xa", "0xb"), None),
        ([invoice(100, "USD", "0xc")], ("0xa", "0xb"), MisfitKind.OTHER_ADDRESS),
        ([invoice(100, "USD", "0xa"), invoice(100, "USD", "0xc")], ("0xa",), None),
        ([LookedUpInvoice("USD", Decimal(5))], (), None),
        ([], (), None),
    ],
)
def test_an_invoice_that_is_looked_up_counts_only_if_it_is_this_payments(
    invoices: list[LookedUpInvoice], addresses: tuple[str, ...], kind: MisfitKind | None
) -> None:
    found = invoice_of(PAYMENT, invoices, addresses)
    assert (found.unfit and found.unfit.misfit.kind) == kind


def test_another_shops_invoice_of_the_same_name_moves_nothing_and_reaches_a_person() -> None:
    decision = decide(PAYMENT, looked_up(PAID, transfer("t1", "5.1"), agreed=Decimal(5)), NOW)
    assert (decision.effect, decision.events) == (Effect.NOT_COUNTED, ())
    assert (decision.payment.status, decision.payment.paid) == (PaymentStatus.PENDING, Decimal(0))
    assert kinds(decision.payment) == [ProblemKind.FOREIGN]


def test_another_currency_reaches_a_person() -> None:
    payment, events = play(notice(PAID, transfer("t1", 100), currency="EUR"))
    assert (payment.status, events, kinds(payment)) == ("pending", [], [ProblemKind.OTHER_CURRENCY])


@pytest.mark.parametrize(
    ("told", "before", "applied"),
    [
        (notice(PAID, transfer("t1", 100)), timedelta(minutes=5), True),
        (notice(PARTIAL, transfer("t1", 20)), timedelta(minutes=5), True),
        (notice(PAID, transfer("t1", 100)), timedelta(days=2), False),
        (notice(PAID, transfer("t1", 100, occurred_at=NOW - timedelta(days=730))), timedelta(minutes=5), False),
        (notice(PAID, transfer("t1", 20)), timedelta(minutes=5), False),
        (InvoiceEnded(ending=Ending.CANCELLED), timedelta(days=2), False),
        (seen("t1"), timedelta(days=2), False),
    ],
)
def test_what_waited_for_a_registration_counts_only_if_it_fits_and_is_fresh(
    told: Observation, before: timedelta, applied: bool
) -> None:
    payment, _ = play((told, NOW - before))
    assert (payment.status != PaymentStatus.PENDING) is applied
    assert (kinds(payment) == []) is applied


def test_who_wants_the_same_name_for_another_payment_reaches_a_person() -> None:
    payment, events = play(RegistrationContested(by="shop-2", differing=("seller_id",)))
    assert (events, kinds(payment)) == ([], [ProblemKind.FOREIGN])


# How much


@pytest.mark.parametrize(
    ("standing", "value", "status", "missing", "problems"),
    [
        (PAID, "1", "pending", "100", [ProblemKind.FOREIGN]),
        (PAID, "89.99", "pending", "100", [ProblemKind.FOREIGN]),
        (PAID, "90", "partially_paid", "10", [ProblemKind.SHORT]),
        (PAID, "94.99", "partially_paid", "5.01", [ProblemKind.SHORT]),
        (PAID, "95", "completed", "0", []),
        (PAID, "100", "completed", "0", []),
        (OVERPAID, "101", "completed", "0", []),
        (OVERPAID, "101.01", "completed", "0", [ProblemKind.OVER]),
        (OVERPAID, "1000", "completed", "0", [ProblemKind.OVER]),
        (PARTIAL, "40", "partially_paid", "60", []),
        (PARTIAL, "95", "pending", "100", [ProblemKind.FOREIGN]),
        (PARTIAL, "120", "pending", "100", [ProblemKind.FOREIGN]),
        (Standing.NOTHING, "100", "pending", "100", [ProblemKind.FOREIGN]),
        (OVERPAID, "6", "pending", "100", [ProblemKind.FOREIGN]),
    ],
)
def test_a_verdict_is_not_believed_without_the_money(
    standing: Standing, value: str, status: str, missing: str, problems: list[ProblemKind]
) -> None:
    payment, _ = play(notice(standing, transfer("t1", value)))
    assert (payment.status, str(payment.missing), kinds(payment)) == (status, missing, problems)


def test_the_tolerance_is_the_payments_own() -> None:
    exact = PAYMENT.model_copy(update={"terms": PAYMENT.terms.exact()})
    payment, _ = play(notice(PAID, transfer("t1", "99.99")), payment=exact)
    assert (payment.status, str(payment.missing)) == ("partially_paid", "0.01")


def test_what_a_gateways_sum_has_lost_is_counted_and_shown() -> None:
    together = [transfer(f"t{number}", 20) for number in range(5)]
    notices = [
        notice(PARTIAL, *together, trigger=one.transfer_id, received=Decimal(60)) for one in together
    ]  # a list that is whole, a sum that is not
    payment, _ = play(*notices)
    assert (payment.status, payment.received) == (PaymentStatus.COMPLETED, Decimal(100))
    assert kinds(payment) == [ProblemKind.CONTRADICTING_BOOKS]
    assert "60.00 USD came, and its transfers add up to 100.00 USD" in problems_of(payment)[0].detail


def test_a_sum_without_transfers_proves_nothing() -> None:
    empty = notice(PAID, transfer("t1", 100)).model_copy(update={"transfers": (), "proven": frozenset()})
    payment, _ = play(empty)
    assert (payment.status, payment.paid) == (PaymentStatus.PENDING, Decimal(0))
    assert kinds(payment) == [ProblemKind.CONTRADICTING_BOOKS, ProblemKind.SHORT]


def test_money_after_a_refund_is_a_contradiction() -> None:
    payment, _ = play(
        notice(PAID, transfer("t1", 100)),
        InvoiceEnded(ending=Ending.REFUNDED),
        notice(OVERPAID, transfer("t1", 100), transfer("t2", 100)),
    )
    assert (payment.status, kinds(payment)) == ("completed", [ProblemKind.CALLED_REFUNDED, ProblemKind.OVER])


REFUNDED = InvoiceEnded(ending=Ending.REFUNDED)
WHOLE = notice(PAID, transfer("t1", 51), transfer("t2", 49), proven=None)


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ([], "cancelled"),
        ([seen("t1")], "cancelled"),
        ([notice(PARTIAL, transfer("t1", 51))], "cancelled"),
        ([WHOLE], "completed"),
    ],
)
def test_a_gateways_word_alone_that_it_was_refunded_sends_nothing_back(told: list[Observation], status: str) -> None:
    payment, events = play(*told, REFUNDED)
    assert (payment.status, payment.refunded) == (status, Decimal(0))
    assert "payment-refunded" not in [event.payload.get("type") for event in events]
    # A person sees it and can decide, and until then nothing is paid out.
    assert kinds(payment) == [ProblemKind.CALLED_REFUNDED]
    assert "accept" in open_rulings(payment)
    assert "calls it refunded" in (hold_on_payouts(payment) or "")
    accepted, _ = play((acceptance("Ada", "it is there").decide(payment, LATER), LATER), payment=payment)
    assert (accepted.status, hold_on_payouts(accepted)) == ("completed", None)
    # Money that comes all the same completes it.
    paid, _ = play((WHOLE, LATER), payment=payment)
    assert (paid.status, paid.received) == ("completed", Decimal(100))
    assert ProblemKind.CALLED_REFUNDED in kinds(paid)
    # What the gateway says later, when it is asked, takes it back; and what it says then, holds anew.
    healed, _ = play((WHOLE, LATER), (InvoiceFound(), LATER), payment=payment)
    assert (healed.status, kinds(healed), hold_on_payouts(healed)) == ("completed", [], None)
    again, _ = play((REFUNDED, LATER + timedelta(seconds=1)), payment=healed)
    assert kinds(again) == [ProblemKind.CALLED_REFUNDED]
    later, _ = play((REFUNDED, LATER + timedelta(seconds=1)), payment=accepted)
    assert "calls it refunded" in (hold_on_payouts(later) or "")


def test_what_a_gateway_called_refunded_and_takes_back_is_listed_while_money_lacks() -> None:
    payment, _ = play(notice(PARTIAL, transfer("t1", 51)), REFUNDED, (InvoiceFound(), LATER))
    assert (payment.status, kinds(payment)) == ("cancelled", [ProblemKind.PAID_AFTER_CANCELLATION])


def test_a_payment_whose_money_the_bridge_saw_go_back_is_refunded_whatever_its_gateway_says() -> None:
    gone = RefundMoved(refund_id="b1", of=RefundOf.GOODS, amount=Decimal(100), release=Release.DONE, step=1)
    orders: list[list[Observation]] = [[WHOLE, REFUNDED, gone], [WHOLE, gone, REFUNDED]]
    for steps in orders:
        payment, _ = play(*steps)
        assert (payment.status, payment.refunded, kinds(payment)) == ("refunded", Decimal(100), [])


# How sure


def test_a_look_up_counts_only_once_the_confirmations_must_be_there() -> None:
    asked = looked_up(PAID, transfer("t1", 100))
    steps = [(asked, NOW + timedelta(seconds=seconds)) for seconds in (0, 263, 264)]
    assert [play(*steps[:count])[0].status for count in (1, 2, 3)] == ["confirming", "confirming", "completed"]
    # However the looks are ordered, and however often they are told.
    assert play(*reversed(steps))[0] == play(*steps, *steps)[0]


def test_a_notice_proves_its_trigger_and_not_its_neighbours() -> None:
    first, second = transfer("t1", 60), transfer("t2", 40)
    payment, _ = play(notice(PAID, first, second, trigger="t2"))
    assert (payment.status, payment.received, [one.transfer_id for one in payment.in_flight]) == (
        PaymentStatus.PARTIALLY_PAID,
        Decimal(40),
        ["t1"],
    )
    assert kinds(payment) == []
    assert play(notice(PAID, first, second, trigger="t1"), payment=payment)[0].status == "completed"
    later = notice(PAID, first, second, trigger="t2"), NOW + timedelta(seconds=264)
    assert play(later, payment=payment)[0].status == "completed"


def test_what_needs_no_more_confirmations_counts_at_once() -> None:
    payment, _ = play(looked_up(PAID, transfer("t1", 100), settling_seconds={}))
    assert payment.status == "completed"


def test_what_was_told_stays_whatever_is_learnt_of_a_fee_later() -> None:
    payment, _ = play(looked_up(PAID, transfer("t1", 96), settling_seconds={}))
    assert payment.status == "completed"
    with_fee = notice(PAID, transfer("t1", 96, fee=Decimal(10)))
    payment, more = play(with_fee, payment=payment)
    assert (payment.status, payment.received) == (PaymentStatus.COMPLETED, Decimal(86))
    assert [event.name for event in more] == []


def test_the_fee_in_the_price_is_not_taken_for_the_goods() -> None:
    """Whoever is asked how an invoice stands does not name the fee. The price did."""
    priced = InvoicePriced(coin="ETH-USDT", fee=Decimal(20))
    payment, _ = play(priced, looked_up(PAID, transfer("t1", 100), settling_seconds={}))
    assert (payment.status, payment.received, payment.fee) == (PaymentStatus.PARTIALLY_PAID, Decimal(80), Decimal(20))
    assert kinds(payment) == [ProblemKind.SHORT]
    payment, _ = play(priced, looked_up(OVERPAID, transfer("t1", 120), settling_seconds={}))
    assert (payment.status, payment.received, payment.excess) == (PaymentStatus.COMPLETED, Decimal(100), Decimal(0))
    # What the gateway itself says of its fee is better, whenever it comes, if that is what was asked for.
    percent = Fee(policy=FeePolicy.PERCENT, percent=Decimal(2))
    told = notice(PARTIAL, transfer("t1", 51), fee=percent)
    for fee, received in ((2, 50), (20, 31)):
        priced = InvoicePriced(coin="ETH-USDT", fee=Decimal(fee))
        assert play(priced, told)[0].received == play(told, priced)[0].received == received


def test_what_turns_out_to_be_too_little_after_it_was_completed_reaches_a_person() -> None:
    payment, _ = play(looked_up(PAID, transfer("t1", 100), settling_seconds={}))
    payment, _ = play(notice(PAID, transfer("t1", 100, fee=Decimal(20))), payment=payment)
    assert (payment.status, payment.received, kinds(payment)) == (
        PaymentStatus.COMPLETED,
        Decimal(80),
        [ProblemKind.SHORT],
    )
    assert kinds(play(PaymentAccepted(by="Ada", note="so be it"), payment=payment)[0]) == []


def test_too_much_after_it_was_accepted_reaches_a_person() -> None:
    payment, _ = play(PaymentAccepted(by="Ada", note="half is fine"), notice(OVERPAID, transfer("t1", 250)))
    assert kinds(payment) == [ProblemKind.OVER]


# When


def test_time_runs_out_after_a_bounded_wait_for_what_was_seen() -> None:
    out = DeadlinePassed(deadline=DEADLINE)
    payment, _ = play(seen("t1"), out)
    assert (payment.status, payment.due_at) == ("confirming", DEADLINE + timedelta(hours=1))
    payment, _ = play(DeadlinePassed(deadline=DEADLINE, for_unconfirmed=True), payment=payment)
    assert (payment.status, payment.due_at) == ("expired", None)
    assert kinds(payment) == [ProblemKind.UNCONFIRMED_TOO_LONG]
    payment, _ = play(notice(PAID, transfer("t1", 100)), payment=payment)
    assert (payment.status, kinds(payment)) == ("completed", [])


def test_what_is_seen_after_the_deadline_has_its_own_bounded_wait() -> None:
    payment, _ = play(DeadlinePassed(deadline=DEADLINE))
    assert (payment.status, payment.due_at) == ("expired", None)
    payment, _ = play((seen("t1"), DEADLINE + timedelta(minutes=1)), payment=payment)
    assert (payment.status, payment.due_at) == ("confirming", DEADLINE + timedelta(hours=1))


def test_what_was_told_long_before_its_payment_was_registered_says_when() -> None:
    told_at = PAYMENT.created_at - KEPT_FOR - timedelta(hours=2)
    [problem] = problems_of(decide(PAYMENT, notice(PAID, transfer("t1", 100)), told_at).payment)
    assert problem.kind is ProblemKind.FOREIGN
    for moment in (told_at, PAYMENT.created_at):
        assert f"{moment:%Y-%m-%d %H:%M} UTC" in problem.detail


def test_part_of_the_money_and_no_more_time_needs_a_person() -> None:
    payment, _ = play(notice(PARTIAL, transfer("t1", 40)), DeadlinePassed(deadline=DEADLINE))
    assert (payment.status, kinds(payment)) == ("expired", [ProblemKind.PARTLY_PAID_EXPIRED])
    late = notice(PARTIAL, transfer("t1", 40, occurred_at=DEADLINE + timedelta(minutes=1)))
    payment, _ = play(DeadlinePassed(deadline=DEADLINE), (late, DEADLINE + timedelta(minutes=2)))
    assert (payment.status, payment.late, kinds(payment)) == (
        "partially_paid",
        True,
        [ProblemKind.PARTLY_PAID_EXPIRED],
    )


def test_money_is_late_by_the_earliest_that_shows_that_it_was_there() -> None:
    booked = transfer("t1", 100, occurred_at=DEADLINE + timedelta(minutes=30))
    told = notice(PAID, booked), DEADLINE + timedelta(minutes=40)
    assert play(told)[0].late
    assert not play((seen("t1"), NOW + timedelta(minutes=59)), told)[0].late
    # A gateway whose clock is in another zone dates it to what is the future here.
    early = notice(PAID, booked), NOW + timedelta(minutes=10)
    assert not play(early)[0].late


def opened_here() -> Payment:
    """A payment whose invoice the bridge has opened."""
    facts = PAYMENT.facts.model_copy(update={"given": {"0xa"}})
    return PAYMENT.model_copy(update={"external_id": PAYMENT.payment_id, "facts": facts})


def test_a_date_from_before_the_payment_does_not_make_late_money_timely() -> None:
    # A clock at zero, or one that runs behind: who says so proves nothing about when this money came.
    for date in (datetime(1970, 1, 1, tzinfo=UTC), NOW - KEPT_FOR - timedelta(seconds=1)):
        told = notice(PAID, transfer("t1", 100, occurred_at=date)), DEADLINE + timedelta(minutes=40)
        payment, _ = play((DeadlinePassed(deadline=DEADLINE), DEADLINE + timedelta(minutes=1)), told)
        assert (payment.status, payment.late) == ("completed", True)
    # Within what a late registration explains it is believed.
    told = notice(PAID, transfer("t1", 100, occurred_at=NOW - KEPT_FOR)), DEADLINE + timedelta(minutes=40)
    assert not play(told)[0].late
    # Where the bridge opened the invoice, nothing can have come before it.
    for date, is_late in ((NOW - timedelta(seconds=1), True), (NOW, False)):
        told = notice(PAID, transfer("t1", 100, occurred_at=date), address="0xa"), DEADLINE + timedelta(minutes=40)
        assert play(told, payment=opened_here())[0].late is is_late


@pytest.mark.parametrize("hours", [-10, -5, -1, 0, 1, 5, 14])
@pytest.mark.parametrize(("minutes", "is_late"), [(-20, False), (20, True)])
def test_money_is_late_by_dates_that_are_read_in_the_gateways_zone(hours: int, minutes: int, is_late: bool) -> None:
    came_at = DEADLINE + timedelta(minutes=minutes)
    zone = timedelta(hours=hours)
    known = notice(PAID, transfer("t1", 100, occurred_at=came_at + zone), address="0xa").model_copy(
        update={"dates_ahead_seconds": hours * 3600}
    )
    told_at = DEADLINE + timedelta(minutes=30)
    assert play((known, told_at), payment=opened_here())[0].late is is_late
    # While the zone was not known the same was told: of two zones that by which it came later counts, in any order.
    unknown = known.model_copy(update={"dates_ahead_seconds": 0})
    for told in ((known, unknown), (unknown, known)):
        late = play(*((one, told_at) for one in told), payment=opened_here())[0].late
        assert late or not is_late


# What a person decides


def test_a_person_accepts_cancels_and_waits() -> None:
    short, _ = play(notice(PAID, transfer("t1", 92)))
    accepted, events = play(PaymentAccepted(by="Ada", note="the rest came in cash"), payment=short)
    assert (accepted.status, accepted.missing, kinds(accepted)) == (PaymentStatus.COMPLETED, Decimal(0), [])
    assert "payment-received" in [event.name for event in events]

    withdrawn, events = play(PaymentWithdrawn(by="Ada", note="sold out"))
    assert withdrawn.status == "cancelled"
    withdrawn, events = play(notice(PAID, transfer("t1", 100)), payment=withdrawn)
    assert (withdrawn.status, kinds(withdrawn)) == ("cancelled", [ProblemKind.PAID_AFTER_CANCELLATION])
    assert "payment-received" not in [event.name for event in events]
    assert play(PaymentAccepted(by="Ada", note="it was found"), payment=withdrawn)[0].status == "completed"

    expired, _ = play(DeadlinePassed(deadline=DEADLINE))
    until = DEADLINE + timedelta(days=1)
    waiting, events = play(WaitingProlonged(until=until), payment=expired)
    assert (waiting.status, waiting.deadline, waiting.due_at) == ("pending", until, until)
    assert events[0].name == "payment-update"
    assert play(DeadlinePassed(deadline=until), payment=waiting)[0].status == "expired"


def test_what_was_completed_is_not_cancelled_any_more() -> None:
    completed, _ = play(notice(PAID, transfer("t1", 100)))
    payment, events = play(PaymentWithdrawn(by="Ada", note="too late"), payment=completed)
    assert (payment.status, events) == ("completed", [])


# Other payments of the request, and the request itself


def test_a_request_that_is_paid_twice_reaches_a_person() -> None:
    payment, _ = play(notice(PAID, transfer("t1", 100)), SiblingCompleted(payment_id="pay_2"))
    assert kinds(payment) == [ProblemKind.TWICE_PAID]


def test_a_request_stands_as_the_best_of_its_payments() -> None:
    paid, _ = play(notice(PAID, transfer("t1", 100)), payment=PAYMENT.model_copy(update={"payment_id": "pay_2"}))
    older, events = play(DeadlinePassed(deadline=DEADLINE), siblings=[paid])
    assert [event.name for event in events] == ["payment-update"]
    assert deciding_payment("r1", [older, paid]) is paid
    _, events = play(DeadlinePassed(deadline=DEADLINE), siblings=[PAYMENT])
    assert "purchase-request-update" not in [event.name for event in events]  # another one waits for its money still


def test_a_request_that_was_cancelled_gets_nobody_paid() -> None:
    payment, events = play(PurchaseCancelled(request_id="r1"), notice(PAID, transfer("t1", 100)))
    assert (payment.status, kinds(payment)) == ("cancelled", [ProblemKind.PAID_AFTER_CANCELLATION])
    assert "payment-received" not in [event.name for event in events]


def test_what_its_gateway_called_cancelled_and_then_paid_is_not_said_to_be_cancelled_here() -> None:
    payment, _ = play(InvoiceEnded(ending=Ending.CANCELLED), notice(PAID, transfer("t1", 100)))
    assert payment.status == "completed"
    (found,) = problems_of(payment)
    assert found.detail == "shkeeper called it cancelled, and 100.00 of 100.00 USD has come"


def test_what_is_missing_is_not_rounded_away() -> None:
    exact = PAYMENT.model_copy(update={"terms": PAYMENT.terms.exact()})
    payment, _ = play(notice(PAID, transfer("t1", "99.99999999")), payment=exact)
    assert "99.99999999 of 100.00 USD" in problems_of(payment)[0].detail
    whole, _ = play(notice(PAID, transfer("t1", "92.00000001")), payment=exact)
    assert "92.00 of 100.00 USD" in problems_of(whole)[0].detail


def test_a_part_that_came_in_time_and_is_told_of_later_leaves_it_expired_and_reaches_a_person() -> None:
    """As if it had been told of before: in whatever order they come, the same two make the same of it."""
    expires, part = DeadlinePassed(deadline=DEADLINE), notice(Standing.PARTIAL, transfer("t1", 50))
    for told in ((expires, (part, DEADLINE + timedelta(minutes=5))), (part, expires)):
        payment, _ = play(*told)
        assert (payment.status, payment.received) == ("expired", Decimal(50))
        assert kinds(payment) == [ProblemKind.PARTLY_PAID_EXPIRED]
    whole = notice(PAID, transfer("t1", 50), transfer("t2", 50))
    completed, _ = play((whole, DEADLINE + timedelta(minutes=5)), payment=payment)
    assert completed.status == "completed"


def test_a_checkout_goes_on_while_some_of_its_requests_do() -> None:
    shares = tuple(Share(request_id=f"r{number}", seller_id="s1", amount=Decimal(50)) for number in (1, 2))
    checkout = PAYMENT.model_copy(update={"checkout": Checkout(checkout_id="c1", shares=shares)})
    payment, _ = play(PurchaseCancelled(request_id="r1"), notice(PAID, transfer("t1", 100)), payment=checkout)
    assert (payment.status, kinds(payment)) == ("completed", [ProblemKind.PAID_AFTER_CANCELLATION])


@pytest.mark.parametrize(
    ("amount", "paid", "status"),
    [
        # With a fee of 2 percent: what lacks is compared to the last digit, whatever is shown.
        ("102", "98.83698", "partially_paid"),  # 96.899 of 96.900
        ("102", "98.838", "completed"),
        ("33.33", "32.29677", "completed"),  # 31.6635, which is 95 percent
        ("33.33", "32.296769", "partially_paid"),
        ("0.37", "0.35853", "completed"),  # 0.3515
        ("0.37", "0.358529", "partially_paid"),
        ("99999.99", "96899.99031", "completed"),  # 94999.9905
        ("99999.99", "96899.990309", "partially_paid"),
    ],
)
def test_what_may_be_missing_is_compared_to_the_last_digit(amount: str, paid: str, status: str) -> None:
    terms = PAYMENT.terms.model_copy(update={"tolerance_percent": Decimal(5)})
    agreed = PAYMENT.model_copy(update={"amount": Decimal(amount), "terms": terms})
    fee = Fee(policy=FeePolicy.PERCENT, percent=Decimal(2))
    told = notice(judged(Decimal(paid), Decimal(amount)), transfer("t1", paid), proven=None, fee=fee)
    payment, _ = play(told, payment=agreed)
    assert payment.status == status


def test_what_is_whole_to_the_cent_is_whole_where_nothing_may_be_missing() -> None:
    exact = PAYMENT.model_copy(update={"amount": Decimal("33.33"), "terms": PAYMENT.terms.exact()})
    fee = Fee(policy=FeePolicy.PERCENT, percent=Decimal(2))
    payment, _ = play(notice(PAID, transfer("t1", "33.996"), proven=None, fee=fee), payment=exact)  # 33.3294
    assert (payment.status, payment.missing) == ("completed", Decimal(0))
