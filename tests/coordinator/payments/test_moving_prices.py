"""A price that moved is no lie: what the coins are worth at the least that was asked for is proven, whatever more a
gateway says of them."""

from datetime import timedelta
from decimal import Decimal

import pytest

from coordinator.attention.payments import payment_attention
from coordinator.payments.agreed.invoices import InvoiceOpened
from coordinator.payments.deciding.quotes import ToPay, to_pay
from coordinator.payments.observed.observations import (
    DeadlinePassed,
    InvoicePriced,
    InvoiceSnapshot,
    PaymentAccepted,
    Standing,
    Transfer,
)
from coordinator.payments.payments import Payment
from coordinator.payments.problems.problems import ProblemKind, hold_on_payouts, problems_of
from tests.coordinator.agreed import DEADLINE, NOW, PAYMENT, judged, looked_up, notice, play

PRICE = Decimal(50_000)
COINS = Decimal("0.00204")
"""What was asked for: 100 and a fee of 2."""
OPENED = InvoicePriced(coin="BTC", fee=Decimal(2), rate=PRICE, addresses=("bc1ours",))
AFTER = DEADLINE + timedelta(days=3)
INVOICE = InvoiceOpened(
    address="bc1ours",
    payment_uri="bitcoin:bc1ours",
    uri_template="bitcoin:bc1ours?amount={amount}",
    coin_amount=COINS,
    exchange_rate=PRICE,
    asked=Decimal(102),
    coin_decimals=8,
)


def bitcoin(name: str, amount: Decimal | str, rise: str) -> Transfer:
    """So many coins, and what the gateway says that they are worth after its price has risen."""
    coins = Decimal(amount)
    return Transfer(transfer_id=name, asset="BTC", amount=coins, value=coins * PRICE * Decimal(rise), occurred_at=NOW)


def told(*transfers: Transfer) -> InvoiceSnapshot:
    """The gateway's notice of the last of them."""
    came = sum((one.value or Decimal(0) for one in transfers), Decimal(0))
    above = max(came - Decimal(105), Decimal(0))
    return notice(judged(came), *transfers, coin="BTC", address="bc1ours", above_limit=above)


def asked(*transfers: Transfer) -> InvoiceSnapshot:
    """What it answers that is asked: no transfer's own worth."""
    came = sum((one.value or Decimal(0) for one in transfers), Decimal(0))
    return looked_up(judged(came), *transfers, settling_seconds={})


def kinds(payment: Payment) -> list[ProblemKind]:
    return [problem.kind for problem in problems_of(payment)]


def advice(payment: Payment) -> str:
    """What is said to be done about its contradiction."""
    items = payment_attention(payment, NOW)
    return next(item.advice for item in items if item.kind == ProblemKind.CONTRADICTING_BOOKS)


@pytest.mark.parametrize("tells", [told, asked])
@pytest.mark.parametrize("rise", ["1.02", "1.05", "1.5", "3"])
def test_the_very_sum_that_was_asked_for_completes_however_much_dearer_it_is_when_it_is_confirmed(
    tells: object, rise: str
) -> None:
    assert callable(tells)
    payment, events = play(OPENED, tells(bitcoin("t1", COINS, rise)))
    assert [event.name for event in events].count("payment-received") == 1
    assert (payment.status, payment.received, payment.excess) == ("completed", Decimal(100), Decimal(0))
    assert hold_on_payouts(payment) is None
    # What is said beyond is not counted, and stays to be seen.
    assert kinds(payment) == [ProblemKind.CONTRADICTING_BOOKS]
    assert "holds nothing back" in advice(payment)


def test_what_falls_back_before_anybody_asks_again_changes_nothing() -> None:
    payment, _ = play(OPENED, told(bitcoin("t1", COINS, "1.05")))
    later, events = play((DeadlinePassed(deadline=DEADLINE, for_unconfirmed=True), AFTER), payment=payment)
    assert (later.status, hold_on_payouts(later), events) == ("completed", None, [])


@pytest.mark.parametrize("rise", ["1.02", "1.06", "2"])
@pytest.mark.parametrize("tells", [told, asked])
def test_dust_on_top_at_a_dearer_price_does_not_hold_what_was_proven(tells: object, rise: str) -> None:
    assert callable(tells)
    first = bitcoin("t1", COINS, "1")
    payment, _ = play(OPENED, told(first))
    assert (payment.status, hold_on_payouts(payment)) == ("completed", None)
    dusted, events = play(tells(first, bitcoin("t2", "0.00001", rise)), payment=payment)
    assert (dusted.status, hold_on_payouts(dusted)) == ("completed", None)
    assert "payment-received" not in [event.name for event in events]


def test_dust_does_not_hold_what_was_paid_at_the_later_of_two_prices() -> None:
    exact = PAYMENT.model_copy(update={"terms": PAYMENT.terms.exact()})
    dearer = OPENED.model_copy(update={"rate": PRICE * 2})
    first = bitcoin("t1", COINS / 2, "2")
    payment, _ = play(OPENED, dearer, told(first), payment=exact)
    assert (payment.status, payment.received) == ("completed", Decimal(100))
    dusted, _ = play(told(first, bitcoin("t2", "0.00001", "2.1")), payment=payment)
    assert hold_on_payouts(dusted) is None


def test_too_few_coins_that_are_called_enough_wait_for_a_person_and_a_new_price_heals_them() -> None:
    payment, events = play(OPENED, told(bitcoin("t1", COINS / 2, "2")))
    assert (payment.status, payment.received, payment.is_held) == ("partially_paid", Decimal(49), True)
    assert "payment-received" not in [event.name for event in events]
    assert "New price" in advice(payment)
    healed, _ = play(OPENED.model_copy(update={"rate": PRICE * 2}), payment=payment)
    assert (healed.status, kinds(healed)) == ("completed", [])


def ask_in_bitcoin(payment: Payment) -> ToPay:
    return to_pay(payment, INVOICE, "BTC")


def test_a_strangers_dust_at_a_dearer_price_does_not_lock_the_buyer_out() -> None:
    payment, _ = play(OPENED, told(bitcoin("t1", "0.00001", "1.03")))
    asked_for = ask_in_bitcoin(payment)
    # Whoever pays the rest has paid, also if what the gateway says of the dust is true.
    assert asked_for.coin_amount is not None
    rest = bitcoin("t2", asked_for.coin_amount, "1")
    paid, _ = play(told(bitcoin("t1", "0.00001", "1.03"), rest), payment=payment)
    assert (paid.status, hold_on_payouts(paid)) == ("completed", None)


def test_whoever_has_paid_a_part_at_a_dearer_price_is_asked_for_the_rest_and_never_for_what_may_have_come() -> None:
    half = bitcoin("t1", COINS / 2, "1.03")
    payment, _ = play(OPENED, told(half))
    asked_for = ask_in_bitcoin(payment)
    assert asked_for.coin_amount is not None
    assert COINS * Decimal("0.48") < asked_for.coin_amount < COINS * Decimal("0.49")
    paid, _ = play(told(half, bitcoin("t2", asked_for.coin_amount, "1")), payment=payment)
    assert (paid.status, hold_on_payouts(paid)) == ("completed", None)


def test_nobody_is_asked_for_money_that_the_gateway_says_has_come() -> None:
    payment, _ = play(OPENED, asked(bitcoin("t1", "0.00001", "1.03"), bitcoin("t2", "0.00001", "4000")))
    assert payment.is_held
    assert ask_in_bitcoin(payment) == ToPay()


def test_of_a_coin_without_a_price_nothing_is_proven_by_the_others() -> None:
    """What a gateway that contradicts itself says of it may be as wrong."""
    other = Transfer(transfer_id="t2", asset="XYZ", amount=Decimal(1), value=Decimal(100), occurred_at=NOW)
    payment, _ = play(
        OPENED, told(bitcoin("t1", "0.00001", "10"), other), asked(bitcoin("t1", "0.00001", "10"), other)
    )
    assert payment.is_held


def test_what_was_accepted_leaves_the_books_as_they_are_and_says_that_they_hold_nothing() -> None:
    payment, _ = play(OPENED, told(bitcoin("t1", COINS / 2, "2")), PaymentAccepted(by="Ada", note="seen"))
    assert (payment.status, hold_on_payouts(payment)) == ("completed", None)
    assert kinds(payment) == [ProblemKind.CONTRADICTING_BOOKS]
    assert "holds nothing back" in advice(payment)
    assert payment.facts.standing >= Standing.PAID
