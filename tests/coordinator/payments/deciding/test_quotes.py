"""Quotes: when a price ends, when a new one is asked for, and what is still to be paid of it, never too little."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.money import proportional, rounded_up
from coordinator.payments.agreed.agreements import Checkout, Share
from coordinator.payments.agreed.fees import Fee, FeePolicy
from coordinator.payments.agreed.invoices import Invoice, InvoiceOpened, InvoiceWanted
from coordinator.payments.deciding import quotes
from coordinator.payments.deciding.decisions import decide
from coordinator.payments.deciding.quotes import ToPay, has_ended, must_ask_again, place_changed, quote_end
from coordinator.payments.observed.observations import (
    DeadlinePassed,
    InvoicePriced,
    InvoiceSnapshot,
    Observation,
    Standing,
    Transfer,
)
from coordinator.payments.payments import Payment

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PAYMENT = Payment(
    payment_id="pay_1",
    provider="shkeeper",
    external_id="pay_1",
    request_id="r1",
    buyer_id="b1",
    seller_id="s1",
    amount=Decimal("49.90"),
    currency="USD",
    created_at=NOW,
    expires_at=NOW + timedelta(days=1),
)
DOGE = InvoiceOpened(
    address="D7",
    coin_amount=Decimal("339.32"),
    coin_decimals=8,
    asked=Decimal("50.90"),
    payment_uri="dogecoin:D7?amount=339.32",
    uri_template="dogecoin:D7?amount={amount}",
)


def invoice(coin: str = "DOGE", opened: InvoiceOpened | None = DOGE) -> Invoice:
    wanted = InvoiceWanted(
        provider="shkeeper", external_id="pay_1", callback_url="", coin=coin, amount=Decimal("49.90"), currency="USD"
    )
    return Invoice(payment_id="pay_1", wanted=wanted, wanted_at=NOW, opened=opened)


def quoted(**changes: object) -> InvoiceOpened:
    return DOGE.model_copy(update=changes)


def to_pay(payment: Payment, opened: InvoiceOpened) -> quotes.ToPay:
    return quotes.to_pay(payment, opened, "DOGE")


def after(*observations: Observation) -> Payment:
    payment = PAYMENT
    for observation in observations:
        payment = decide(payment, observation, NOW).payment
    return payment


def received(amount: str, standing: Standing = Standing.PARTIAL) -> InvoiceSnapshot:
    transfer = Transfer(transfer_id=f"t{amount}", asset="DOGE", amount=Decimal(1))
    return InvoiceSnapshot(standing=standing, currency="USD", received=Decimal(amount), transfers=(transfer,))


AMOUNTS = st.decimals(min_value="0.000000000000000001", max_value=10**12, places=18)


@given(amount=AMOUNTS, decimals=st.integers(0, 18))
def test_rounded_up_is_never_short_and_never_a_whole_unit_too_much(amount: Decimal, decimals: int) -> None:
    sent = rounded_up(amount, decimals)
    assert 0 <= Fraction(sent) - Fraction(amount) < Fraction(1, 10**decimals)
    assert Fraction(sent) * 10**decimals % 1 == 0
    assert rounded_up(sent, decimals) == sent


@given(amount=AMOUNTS, whole=AMOUNTS, share=st.fractions(0, 1), decimals=st.integers(0, 18))
def test_the_rest_is_never_short_and_never_a_whole_unit_too_much(
    amount: Decimal, whole: Decimal, share: Fraction, decimals: int
) -> None:
    part = Decimal(int(Fraction(whole) * share * 10**18)).scaleb(-18)
    exact = Fraction(amount) * Fraction(part) / Fraction(whole)
    sent = proportional(amount, part, whole, decimals)
    assert 0 <= Fraction(sent) - exact < Fraction(1, 10**decimals)
    assert Fraction(sent) * 10**decimals % 1 == 0


def test_a_price_without_an_end_has_none() -> None:
    assert quote_end(DOGE, first_opened_at=NOW, now=NOW) is None
    assert not has_ended(DOGE, NOW + timedelta(days=9_999))


def test_prices_hold_from_when_the_invoice_was_first_opened() -> None:
    holds = quoted(price_seconds=3600)
    assert quote_end(holds, first_opened_at=NOW, now=NOW) == NOW + HOUR
    assert quote_end(holds, first_opened_at=NOW, now=NOW + HOUR / 2) == NOW + HOUR


def test_a_price_that_is_asked_for_after_that_is_one_of_its_moment() -> None:
    late = NOW + 3 * HOUR
    end = quote_end(quoted(price_seconds=3600), first_opened_at=NOW, now=late)
    assert end is not None
    assert late < end <= late + HOUR


def test_an_address_that_lapses_ends_its_price_with_it() -> None:
    lapses = quoted(lapses_at=NOW + HOUR / 4)
    assert quote_end(lapses, first_opened_at=NOW, now=NOW) == NOW + HOUR / 4
    both = quoted(lapses_at=NOW + 2 * HOUR, price_seconds=3600)
    assert quote_end(both, first_opened_at=NOW, now=NOW) == NOW + HOUR


def test_a_price_has_ended_at_its_end_and_not_before() -> None:
    ends = quoted(quoted_until=NOW + HOUR)
    assert [has_ended(ends, NOW + HOUR + step) for step in (-timedelta.resolution, timedelta(0))] == [False, True]


@pytest.mark.parametrize(
    ("invoices", "coin", "fresh", "asks"),
    [
        ([invoice()], "DOGE", False, False),
        ([invoice()], "DOGE", True, True),
        ([invoice("BTC"), invoice()], "DOGE", False, True),  # honoured was what was asked for last
        ([invoice()], "BTC", False, True),
        ([invoice(opened=None)], "DOGE", False, True),
        ([invoice(opened=quoted(quoted_until=NOW))], "DOGE", False, True),
        ([invoice(opened=quoted(quoted_until=NOW + HOUR))], "DOGE", False, False),
        ([], "DOGE", False, True),
    ],
)
def test_who_asks_again_is_told_a_price_that_is_honoured(
    invoices: list[Invoice], coin: str, fresh: bool, asks: bool
) -> None:
    assert must_ask_again(invoices, coin, NOW, fresh=fresh) is asks


@given(ahead=st.timedeltas(timedelta(0), timedelta(days=400)), passed=st.timedeltas(timedelta(0), 3 * HOUR))
def test_no_price_holds_for_longer_than_any_does_however_far_ahead_the_clock_was(
    ahead: timedelta, passed: timedelta
) -> None:
    first = quoted(price_seconds=3600)
    wrong = first.model_copy(update={"quoted_until": quote_end(first, first_opened_at=NOW + ahead, now=NOW + ahead)})
    # Set right, and as much later.
    assert has_ended(wrong, NOW + passed) or ahead + HOUR - passed <= HOUR
    again = quote_end(first, first_opened_at=NOW + ahead, now=NOW + passed)
    assert again is not None
    right = first.model_copy(update={"quoted_until": again})
    assert not has_ended(right, NOW + passed)
    assert has_ended(right, NOW + passed + HOUR)


def test_an_unpaid_payment_asks_for_the_whole_sum_and_names_the_fee() -> None:
    assert to_pay(PAYMENT, DOGE) == ToPay(
        coin_amount=Decimal("339.32"),
        payment_uri="dogecoin:D7?amount=339.32",
        asked=Decimal("50.90"),
        fee=Decimal(1),
    )


def test_a_partly_paid_one_asks_for_the_rest() -> None:
    rest = to_pay(after(received("20")), DOGE)
    assert rest.coin_amount == Decimal("205.9919057")  # 339.32 × (29.90 + 1.00) / 50.90: it may be a fixed fee
    assert rest.payment_uri == "dogecoin:D7?amount=205.9919057"
    assert (rest.asked, rest.fee) == (Decimal("30.90"), Decimal("1.00"))


def test_a_rest_in_another_coin_bears_the_fee_that_the_gateway_takes_on_so_much() -> None:
    two_percent = Fee(policy=FeePolicy.PERCENT, percent=Decimal(2))
    no_fee = InvoicePriced(coin="USDC", fee=Decimal(0), rate=Decimal(1))
    doge = InvoicePriced(coin="DOGE", fee=Decimal(1), rate=Decimal("0.15"))
    part = received("20").model_copy(
        update={"transfers": (Transfer(transfer_id="t", asset="USDC", amount=Decimal(20)),)}
    )
    unknown = to_pay(after(no_fee, part, doge), DOGE)
    known = to_pay(after(no_fee, part, doge.model_copy(update={"named": two_percent})), DOGE)
    assert [(one.asked, one.fee) for one in (unknown, known)] == [
        (Decimal("30.90"), Decimal("1.00")),
        (Decimal("30.50"), Decimal("0.60")),
    ]


def test_the_rest_is_rounded_up_to_the_coins_own_decimals() -> None:
    third = after(received("16.63"))
    for decimals, coins in ((2, "0.68"), (6, "0.673281"), (8, "0.67328095")):
        assert to_pay(third, quoted(coin_amount=Decimal(1), coin_decimals=decimals)).coin_amount == Decimal(coins)
    # Of a coin that nobody knows, as many as the provider wrote, or six.
    assert to_pay(third, quoted(coin_amount=Decimal(1), coin_decimals=None)).coin_amount == Decimal("0.673281")


def test_a_uri_in_smallest_units_and_one_that_is_only_an_address() -> None:
    part = after(received("24.95"))
    ether = quoted(
        coin_amount=Decimal("0.5"),
        coin_decimals=18,
        asked=Decimal("49.90"),
        uri_template="ethereum:0x6f@1?value={units}",
    )
    assert to_pay(part, ether).payment_uri == "ethereum:0x6f@1?value=250000000000000000"
    assert to_pay(part, quoted(uri_template=None)).payment_uri == "D7"


def test_what_takes_the_whole_sum_only_cannot_take_a_rest() -> None:
    lightning = quoted(whole_only=True)
    assert to_pay(PAYMENT, lightning).coin_amount == DOGE.coin_amount
    assert to_pay(after(received("20")), lightning) == ToPay()


@pytest.mark.parametrize(
    "over",
    [
        [received("49.90", Standing.PAID)],
        [DeadlinePassed(deadline=NOW + timedelta(days=1))],
        [received("10"), DeadlinePassed(deadline=NOW + timedelta(days=1))],
    ],
)
def test_a_payment_that_is_over_asks_for_nothing(over: list[Observation]) -> None:
    assert to_pay(after(*over), DOGE) == ToPay()


def test_a_provider_that_does_not_say_what_it_asks_for_has_a_fee_that_nobody_knows() -> None:
    silent = to_pay(PAYMENT, quoted(asked=None))
    assert (silent.coin_amount, silent.asked, silent.fee) == (DOGE.coin_amount, None, None)


def test_the_parties_hear_that_there_is_another_place_to_pay() -> None:
    (event,) = place_changed(after(received("20")))
    assert event.name == "payment-progress"
    assert set(event.audience.rooms) == {"request-r1", "user-b1", "user-s1", "ops"}
    assert event.payload["missing"] == "29.90"
    shares = (Share(request_id="r1", seller_id="s1", amount=Decimal("49.90")),)
    of_checkout = PAYMENT.model_copy(update={"checkout": Checkout(checkout_id="k1", shares=shares)})
    (event,) = place_changed(of_checkout)
    assert "template-checkout-k1" in event.audience.rooms
