"""Whose an invoice is: one rule for what a gateway tells, what it is asked for, and what waited to be registered."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from coordinator.payments.deciding.decisions import decide, not_counted
from coordinator.payments.deciding.evidence import LookedUpInvoice, invoice_of
from coordinator.payments.facts.facts import MisfitKind
from coordinator.payments.observed.observations import (
    Ending,
    InvoiceEnded,
    InvoiceForgotten,
    InvoiceFound,
    InvoicePriced,
    InvoiceSnapshot,
    Observation,
    PaymentAccepted,
    Standing,
    TransferSeen,
)
from coordinator.payments.payments import Effect, Payment
from coordinator.payments.problems.problems import ProblemKind, hold_on_payouts, problems_of
from coordinator.payments.problems.rulings import closes_when_settled
from tests.coordinator.agreed import NOW, PAYMENT, looked_up, notice, play, seen, transfer

UNPAID, PARTIAL, PAID, OVERPAID = Standing.NOTHING, Standing.PARTIAL, Standing.PAID, Standing.OVERPAID
SOON, LATER = NOW + timedelta(seconds=2), NOW + timedelta(seconds=4)
FIFTY = PAYMENT.model_copy(update={"amount": Decimal(50)})
GIVEN = InvoicePriced(coin="ETH-USDT", addresses=("0xours",))
OPENED = PAYMENT.model_copy(update={"payment_id": PAYMENT.external_id})
"""One whose invoice the bridge opens itself."""


def kinds(payment: Payment) -> list[ProblemKind]:
    return [problem.kind for problem in problems_of(payment)]


def told(payment: Payment, standing: Standing, came: object, above: object = None, **changes: Any) -> Payment:
    """A payment after a notice that so much has come in one transfer."""
    above_limit = None if above is None else Decimal(str(above))
    return play(notice(standing, transfer("t1", came), above_limit=above_limit, **changes), payment=payment)[0]


def asked(payment: Payment, *invoices: LookedUpInvoice, at: datetime = SOON) -> Payment:
    """A payment after its gateway was asked."""
    found = invoice_of(payment, invoices, payment.facts.given)
    if found.unfit is not None:
        return not_counted(payment, found.unfit.misfit, found.unfit.observation, at).payment
    for observation in found.observations:
        payment = decide(payment, observation, at).payment
    return payment


def books(agreed: object, *snapshots: InvoiceSnapshot, **places: str) -> LookedUpInvoice:
    amount = Decimal(str(agreed))
    said = tuple(one.model_copy(update={"agreed": amount}) for one in snapshots)
    return LookedUpInvoice("USD", amount, places, said)


@pytest.mark.parametrize(
    ("standing", "came", "above", "fits"),
    [
        # Agreed are 50. Another's invoice over 20, over 48, over 200.
        (OVERPAID, "51", "30.00", False),
        (PARTIAL, "51", None, False),
        (PARTIAL, "49", None, False),
        (PAID, "203", None, False),
        (PAID, "1.02", None, False),
        (OVERPAID, "16", "0.25", False),
        # The payment's own, with limits of 95 and 105 percent, without a fee and with one.
        (PARTIAL, "47.49", None, True),
        (PAID, "47.5", None, True),
        (PAID, "51", None, True),
        (PAID, "52.49", None, True),
        (OVERPAID, "52.5", "0.00", True),
        (OVERPAID, "500", "447.50", True),
        (OVERPAID, "55", "2.50", True),
        # With other limits of the operator's, and where a gateway does not say by how much.
        (PAID, "45", None, True),
        (PAID, "55", None, True),
        (OVERPAID, "500", "450.00", True),
        (OVERPAID, "500", "445.00", True),
        (OVERPAID, "52.5", None, True),
        (OVERPAID, "49", None, False),
        (UNPAID, "0.00", None, True),
    ],
)
def test_a_verdict_on_a_sum_is_one_on_this_payments_amount_or_does_not_count(
    standing: Standing, came: str, above: str | None, fits: bool
) -> None:
    payment = told(FIFTY, standing, came, above)
    assert (kinds(payment) == [ProblemKind.FOREIGN]) is not fits
    assert bool(payment.paid) is (fits and Decimal(came) > 0)


def test_a_sum_that_has_lost_transfers_is_judged_by_itself() -> None:
    together = [transfer(f"t{number}", 25) for number in range(4)]
    lost = [notice(PARTIAL, *together, trigger=one.transfer_id, received=Decimal(25)) for one in together]
    payment, _ = play(*lost)
    assert (payment.status, payment.paid) == ("completed", Decimal(100))
    none = [notice(UNPAID, *together, trigger=one.transfer_id, received=Decimal(0)) for one in together]
    assert play(*none)[0].status == "completed"


def test_what_does_not_fit_counts_as_soon_as_the_gateway_is_asked_and_says_that_it_is_this_payments() -> None:
    """An operator who calls 115 of 100 paid still."""
    payment = told(PAYMENT, PAID, 115)
    assert (payment.status, payment.paid, kinds(payment)) == ("pending", Decimal(0), [ProblemKind.FOREIGN])
    healed = asked(payment, books(100, looked_up(PAID, transfer("t1", 115))))
    assert (healed.status, healed.received) == ("completed", Decimal(115))
    assert kinds(healed) == [ProblemKind.OVER]
    # A message that only fits proves nothing against it.
    fitting = notice(OVERPAID, transfer("t1", 115), above_limit=Decimal(10)), LATER
    assert play(fitting, payment=payment)[0].status == "pending"


def test_what_the_gateway_calls_anothers_is_not_counted_by_a_later_message() -> None:
    foreign = books(96, looked_up(PAID, transfer("t1", "97.92")))
    payment = asked(PAYMENT, foreign)
    assert (payment.status, kinds(payment)) == ("pending", [ProblemKind.FOREIGN])
    again, events = play((notice(PAID, transfer("t1", "97.92")), LATER), payment=payment)
    assert (again.status, again.paid, events, kinds(again)) == ("pending", Decimal(0), [], [ProblemKind.FOREIGN])
    # In the other order it is taken back, and the history and the list say so.
    first = told(PAYMENT, PARTIAL, 40)
    assert first.status == "partially_paid"
    taken_back = asked(first, books(1000, looked_up(PARTIAL, transfer("t1", 40))))
    assert (taken_back.status, taken_back.paid, kinds(taken_back)) == ("pending", Decimal(0), [ProblemKind.FOREIGN])


def test_what_was_told_to_everybody_is_not_taken_back_but_reaches_a_person() -> None:
    payment = asked(told(PAYMENT, PAID, 100), books(96, looked_up(PAID, transfer("t1", 100))))
    assert (payment.status, payment.paid) == ("completed", Decimal(0))
    assert kinds(payment) == [ProblemKind.FOREIGN, ProblemKind.SHORT]


def test_whoever_looks_again_and_finds_it_is_this_payments_is_believed() -> None:
    payment = asked(PAYMENT, books(1, looked_up(OVERPAID, transfer("t1", 102))))
    payment = told(payment, OVERPAID, 102, "100.95")
    assert (payment.paid, kinds(payment)) == (Decimal(0), [ProblemKind.FOREIGN])
    payment = asked(payment, books(100, looked_up(PAID, transfer("t1", 102))), at=LATER)
    assert (payment.status, kinds(payment)) == ("completed", [ProblemKind.OVER])


# Addresses


def at(address: str | None, came: int, standing: Standing = PAID) -> InvoiceSnapshot:
    """What is told of an invoice that is to be paid there."""
    return notice(standing, transfer("t1", came), address=address)


@pytest.mark.parametrize(
    ("payment", "address", "fits"),
    [
        (OPENED, "0xours", True),
        (OPENED, "0xtheirs", False),
        # A gateway always says where.
        (OPENED, None, False),
        (OPENED, "", False),
        (PAYMENT, None, True),
        # Nobody here knows the address of an invoice that the bridge did not open.
        (PAYMENT, "0xany", True),
    ],
)
def test_an_invoice_that_the_bridge_opened_counts_only_at_an_address_that_was_given(
    payment: Payment, address: str | None, fits: bool
) -> None:
    known = play(GIVEN, payment=payment)[0] if payment is OPENED else payment
    for told_of in (at(address, 100), TransferSeen(transfer=transfer("t1", 100), address=address)):
        after = play(told_of, payment=known)[0]
        assert (after.status != "pending", kinds(after)) == (fits, [] if fits else [ProblemKind.FOREIGN])
    ended = InvoiceEnded(ending=Ending.REFUNDED, currency="USD", address=address)
    assert (play(ended, payment=known)[0].status == "cancelled") is fits


def test_a_message_that_overtakes_the_address_counts_once_the_gateway_is_asked() -> None:
    """The buyer switched coins: the address is not committed yet."""
    payment = play(at("0xours", 100), payment=OPENED)[0]
    assert (payment.status, kinds(payment)) == ("pending", [ProblemKind.FOREIGN])
    payment = play(GIVEN, payment=payment)[0]
    payment = asked(payment, books(100, looked_up(PAID, transfer("t1", 100)), t1="0xours"))
    assert (payment.status, kinds(payment)) == ("completed", [])


def test_money_in_the_old_coin_counts_while_a_stranger_has_the_invoice_paid_elsewhere() -> None:
    payment = play(GIVEN, at("0xours", 50, PARTIAL), payment=OPENED)[0]
    ours, theirs = transfer("t1", 50), transfer("t2", 50, asset="POLYGON-USDT")
    payment = play((notice(PAID, ours, theirs, address="0xtheirs"), SOON), payment=payment)[0]
    assert (payment.paid, kinds(payment)) == (Decimal(50), [ProblemKind.FOREIGN])
    payment = asked(payment, books(100, looked_up(PAID, ours, theirs), t1="0xours", t2="0xtheirs"), at=LATER)
    assert (payment.status, payment.paid, kinds(payment)) == (
        "partially_paid",
        Decimal(50),
        [ProblemKind.FOREIGN],
    )
    rest = transfer("t3", 50)
    payment = play((notice(OVERPAID, ours, theirs, rest, address="0xtheirs"), LATER), payment=payment)[0]
    after = books(100, looked_up(OVERPAID, ours, theirs, rest), t1="0xours", t2="0xtheirs", t3="0xours")
    payment = asked(payment, after, at=LATER + timedelta(seconds=2))
    assert (payment.status, payment.paid, kinds(payment)) == (
        "completed",
        Decimal(100),
        [ProblemKind.CONTRADICTING_BOOKS, ProblemKind.FOREIGN],
    )


def test_another_shops_refund_is_not_this_payments() -> None:
    payment, _ = play(InvoiceEnded(ending=Ending.REFUNDED, currency="EUR"))
    assert (payment.status, kinds(payment)) == ("pending", [ProblemKind.OTHER_CURRENCY])


def test_an_ending_keeps_what_it_lists_and_counts_none_of_it() -> None:
    ended = InvoiceEnded(ending=Ending.CANCELLED, currency="USD", transfers=(transfer("t1", 100),))
    payment, _ = play(ended)
    assert (payment.status, payment.paid) == ("cancelled", Decimal(0))
    assert kinds(payment) == [ProblemKind.PAID_AFTER_CANCELLATION]
    refunded, _ = play(ended.model_copy(update={"ending": Ending.REFUNDED}))
    assert (refunded.status, refunded.paid) == ("cancelled", Decimal(0))
    assert kinds(refunded) == [ProblemKind.CALLED_REFUNDED]


def test_what_waited_for_a_registration_over_another_amount_does_not_count() -> None:
    told_before = notice(PAID, transfer("t1", 102)), NOW - timedelta(minutes=5)
    payment, _ = play(told_before, payment=FIFTY)
    assert (payment.status, kinds(payment)) == ("pending", [ProblemKind.FOREIGN])


# Two amounts of one transfer


def amounts(*values: object, name: str = "0xAb") -> list[Observation]:
    return [notice(PARTIAL, transfer(name, value), fee=None) for value in values]


@pytest.mark.parametrize("order", [(60, 10), (10, 60), (60, 10, 60)])
def test_of_two_amounts_of_one_transfer_the_smaller_counts_and_a_person_is_told(order: tuple[int, ...]) -> None:
    payment, _ = play(*amounts(*order))
    assert (payment.status, payment.paid) == ("partially_paid", Decimal(10))
    assert kinds(payment) == [ProblemKind.CONTRADICTING_BOOKS]
    assert "two amounts were told of 0xAb: 10.00 and 60.00 USD" in problems_of(payment)[0].detail
    # More comes: that makes 52, not 102.
    more = notice(PARTIAL, transfer("0xAb", 10), transfer("u1", 42), trigger="u1")
    assert play(more, payment=payment)[0].paid == 52


def test_a_payment_is_not_completed_by_the_larger_of_two_amounts() -> None:
    small, large = notice(PARTIAL, transfer("t1", 10)), notice(PAID, transfer("t1", 102))
    payment, _ = play(small, large)
    assert (payment.status, payment.paid) == ("partially_paid", Decimal(10))
    assert ProblemKind.CONTRADICTING_BOOKS in kinds(payment)
    # Told the other way round it was completed by then; that is not taken back, and a person is told.
    payment, _ = play(large, small)
    assert (payment.status, payment.paid) == ("completed", Decimal(10))
    assert ProblemKind.CONTRADICTING_BOOKS in kinds(payment)


def test_two_amounts_in_one_message_are_two_amounts() -> None:
    payment, _ = play(notice(PAID, transfer("t1", 92), transfer("t1", 10)))
    assert (payment.paid, ProblemKind.CONTRADICTING_BOOKS in kinds(payment)) == (Decimal(10), True)


def test_a_look_up_that_knows_a_smaller_amount_than_the_message_is_believed() -> None:
    payment = told(PAYMENT, PAID, 100)
    half = looked_up(PARTIAL, transfer("t1", 50))
    payment = asked(payment, books(100, half))
    assert (payment.status, payment.paid) == ("completed", Decimal(50))
    assert kinds(payment) == [ProblemKind.CONTRADICTING_BOOKS, ProblemKind.SHORT]


def test_a_hash_in_capitals_or_without_0x_names_the_same_transfer() -> None:
    for name in ("0xABCD", "abcd", "ABCD", "0xabcd"):
        payment, _ = play(notice(PARTIAL, transfer("0xabcd", 51)), notice(PARTIAL, transfer(name, 51)))
        assert (payment.paid, len(payment.facts.booked), kinds(payment)) == (Decimal(51), 1, [])
    payment, _ = play(seen("0xABCD"), notice(PARTIAL, transfer("abcd", 51)))
    assert payment.in_flight == ()


def test_a_gateway_that_takes_back_what_it_told_reaches_a_person() -> None:
    nothing = notice(UNPAID, transfer("t1", 0), received=Decimal(0)).model_copy(
        update={"transfers": (), "proven": None, "caused_by": None}
    )
    payment, _ = play(notice(PARTIAL, transfer("t1", 51)), (nothing, SOON))
    assert (payment.paid, kinds(payment)) == (Decimal(51), [ProblemKind.CONTRADICTING_BOOKS])
    assert "nothing came, after it had told of t1" in problems_of(payment)[0].detail
    # That nothing had come before is no news, however late it is told of.
    payment, _ = play((nothing, NOW - timedelta(seconds=1)), notice(PARTIAL, transfer("t1", 51)))
    assert kinds(payment) == []
    # And it heals by itself.
    payment, _ = play(notice(PARTIAL, transfer("t1", 51)), (nothing, SOON))
    assert kinds(asked(payment, books(100, looked_up(PARTIAL, transfer("t1", 51))), at=LATER)) == []


# Forgotten invoices


@pytest.mark.parametrize(
    ("payment", "invoices", "is_missing"),
    [
        (play(GIVEN, payment=OPENED)[0], [], True),
        (play(GIVEN, payment=OPENED)[0], [books(100)], False),
        (play(GIVEN, payment=OPENED)[0], [books(1)], True),
        # Not opened yet, or not by the bridge.
        (OPENED, [], False),
        (PAYMENT, [], False),
        (told(PAYMENT, PARTIAL, 51), [], True),
        (told(PAYMENT, PARTIAL, 51), [books(100)], True),
        (told(PAYMENT, PARTIAL, 51), [books(100, looked_up(PARTIAL, transfer("t1", 51)))], False),
    ],
)
def test_it_is_noticed_that_a_gateway_knows_nothing_any_more(
    payment: Payment, invoices: list[LookedUpInvoice], is_missing: bool
) -> None:
    assert invoice_of(payment, invoices, payment.facts.given).is_missing is is_missing


def test_a_forgotten_invoice_is_on_the_list_until_it_is_found_or_paid() -> None:
    payment, events = play(GIVEN, (InvoiceForgotten(), SOON), payment=OPENED)
    assert (events, kinds(payment)) == ([], [ProblemKind.FORGOTTEN])
    assert "0xours" in problems_of(payment)[0].detail
    assert kinds(play((InvoiceFound(), LATER), payment=payment)[0]) == []
    assert kinds(play((at("0xours", 100), LATER), payment=payment)[0]) == []
    partly, _ = play(at("0xours", 51, PARTIAL), payment=payment)
    assert "51.00 of 100.00 USD had come" in problems_of(partly)[0].detail
    # Of one that somebody else opened nobody here knows where its buyer was to pay.
    [elsewhere] = problems_of(play((InvoiceForgotten(), SOON))[0])
    assert elsewhere.detail == "shkeeper knew nothing any more of its invoice"


# Settlements


def test_a_settlement_closes_a_payment_whose_money_was_sent_back() -> None:
    expired, _ = play(notice(PARTIAL, transfer("t1", 51)))
    for kind in ProblemKind:
        closes = kind in ("payment-forgotten", "payment-short", "payment-partly-paid-expired") or (
            kind is ProblemKind.UNCONFIRMED_TOO_LONG
        )
        assert closes_when_settled(expired, [kind]) is closes
    assert not closes_when_settled(PAYMENT, ProblemKind)
    assert not closes_when_settled(told(PAYMENT, PAID, 100), ProblemKind)


def test_misfits_of_messages_say_what_they_are_about() -> None:
    payment = told(play(GIVEN, payment=OPENED)[0], PAID, 100, address="0xtheirs")
    [misfit] = payment.facts.misfits
    assert (misfit.kind, misfit.detail) == (
        MisfitKind.OTHER_ADDRESS,
        "an invoice that is to be paid at 0xtheirs",
    )
    decision = decide(FIFTY, notice(OVERPAID, transfer("t1", 51), above_limit=Decimal(30)), NOW)
    assert (decision.effect, decision.events) == (Effect.NOT_COUNTED, ())
    assert decision.payment.facts.misfits[0].detail == "51 USD is called overpaid by 30, agreed 50 USD"


# Other coins


def test_what_comes_in_a_coin_that_nobody_was_asked_for_counts_through_a_person_alone() -> None:
    odd = transfer("t1", 100, asset="FOO", amount=Decimal(1))
    for told in (
        at("0xours", 100).model_copy(update={"transfers": (odd,)}),
        looked_up(PAID, odd, settling_seconds={}),
    ):
        payment, _ = play(GIVEN, told, payment=OPENED)
        assert (payment.status, payment.received) == ("pending", Decimal(0))
        [problem] = [one for one in problems_of(payment) if one.kind is ProblemKind.FOREIGN]
        assert "1 FOO came (t1), and the buyer was asked to pay in ETH-USDT" in problem.detail
        accepted, _ = play(PaymentAccepted(by="Ada", note="it is worth that"), payment=payment)
        assert (accepted.status, accepted.received) == ("completed", Decimal(100))
    # Told before the switch to that coin is known, it counts from then on.
    switched, _ = play(InvoicePriced(coin="FOO", addresses=("0xother",)), payment=payment)
    assert (switched.status, switched.received, kinds(switched)) == ("completed", Decimal(100), [])
    # A Lightning invoice may be paid in Bitcoin.
    lightning = InvoicePriced(coin="BTC-LIGHTNING", also_in=("BTC",), addresses=("0xours",))
    onchain = at("0xours", 100).model_copy(update={"transfers": (transfer("t1", 100, asset="BTC"),)})
    assert play(lightning, onchain, payment=OPENED)[0].status == "completed"


def test_a_transfer_whose_coin_changes_holds_what_it_completed() -> None:
    for opened in ((GIVEN,), ()):
        whole, other = at("0xours", 100), looked_up(PAID, transfer("t1", 100, asset="TRX"))
        payment, _ = play(*opened, whole, other)
        assert (payment.status, payment.received) == ("completed", Decimal(0))
        assert "two coins were told of t1: ETH-USDT and TRX" in (hold_on_payouts(payment) or "")
        assert play(*opened, other, whole)[0].received == Decimal(0)
