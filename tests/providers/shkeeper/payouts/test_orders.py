"""Orders of payouts: coin, amount and fee, and that what is wrong is named."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from coordinator.money import MAX_DECIMALS
from providers.contract import PayoutOrder
from providers.errors import NotPayableError
from providers.shkeeper.coins import DECIMALS
from providers.shkeeper.payouts.orders import read_amount, read_coin, read_fee, read_order
from tests.made_destinations import DESTINATIONS, destination

OFFERED = ("BTC", "ETH", "ETH-USDC", "ETH-USDT", "USDT")


def ordered(**changed: object) -> PayoutOrder:
    order = PayoutOrder("ETH-USDT", destination("ETH-USDT", "a seller"), Decimal("48.90"))
    others = {"offered": OFFERED} | {name: changed.pop(name) for name in ("offered", "now") if name in changed}
    return read_order(replace(order, **changed), **others)  # type: ignore[arg-type]


@pytest.mark.parametrize("coin", sorted(DESTINATIONS))
def test_a_payout_of_every_coin_can_be_ordered(coin: str) -> None:
    to = destination(coin, "a seller")
    found = ordered(coin=coin, destination=to, amount=Decimal(2), offered=None)
    assert found == PayoutOrder(coin, to, Decimal(2), None)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"coin": "ETH-USTD"}, "coin"),
        ({"amount": Decimal("0.0000001")}, "amount"),
        ({"fee": Decimal(1)}, "fee"),
        ({"destination": destination("USDT", "a seller")}, "destination"),
        ({"destination": "seller@example.com"}, "destination"),
    ],
)
def test_the_field_that_is_wrong_is_named(changed: dict[str, object], field: str) -> None:
    with pytest.raises(NotPayableError) as refused:
        ordered(**changed)
    assert refused.value.field == field


def test_a_lightning_invoice_of_another_amount_is_not_paid() -> None:
    invoice = DESTINATIONS["BTC-LIGHTNING"](bytes(range(200)))
    lightning = {"coin": "BTC-LIGHTNING", "offered": None, "destination": invoice}
    assert ordered(**lightning, amount=Decimal("0.1")).amount == Decimal("0.1")


@pytest.mark.parametrize(
    ("coin", "guess"),
    [
        ("eth-usdt", "ETH-USDT"),
        ("ETH-USTD", "ETH-USDT"),
        ("ETHUSDT", "ETH-USDT"),
        ("btc", "BTC"),
        ("usdc", "USDT"),
        ("ETH-USDC ", "ETH-USDC"),
    ],
)
def test_a_mistyped_coin_is_refused_with_the_one_that_was_meant(coin: str, guess: str) -> None:
    with pytest.raises(NotPayableError, match=rf"did you mean {guess}\? It has: BTC, ETH, ETH-USDC, ETH-USDT, USDT$"):
        read_coin(coin, OFFERED)


def test_a_coin_that_is_like_no_other_is_refused_without_a_guess() -> None:
    with pytest.raises(NotPayableError, match="no coin 'XMR' here; It has: BTC, ETH,"):
        read_coin("XMR", OFFERED)
    with pytest.raises(NotPayableError, match="It has: none"):
        read_coin("BTC", ())


def test_a_coin_is_taken_if_nobody_knows_what_there_is() -> None:
    assert read_coin("A-COIN-OF-TOMORROW", None) == "A-COIN-OF-TOMORROW"


@given(coin=st.text(max_size=2000))
def test_no_coin_makes_anything_else_than_a_refusal(coin: str) -> None:
    assume(coin not in OFFERED)
    with pytest.raises(NotPayableError) as refused:
        read_coin(coin, OFFERED)
    assert len(str(refused.value)) < 500


@given(coin=st.sampled_from(sorted(DECIMALS)), units=st.integers(1, 10**30), places=st.integers(0, MAX_DECIMALS))
def test_an_amount_has_no_more_decimals_than_its_coin(coin: str, units: int, places: int) -> None:
    amount = Decimal(f"{units}e-{places}")  # to the last digit, which arithmetic would round
    is_whole = units * 10 ** DECIMALS[coin] % 10**places == 0
    if not is_whole:
        with pytest.raises(NotPayableError, match=f"{coin} has {DECIMALS[coin]} decimals"):
            read_amount(coin, amount)
        return
    found = read_amount(coin, amount)
    assert found == amount
    assert -found.as_tuple().exponent <= DECIMALS[coin]  # type: ignore[operator]


def test_an_amount_stays_as_it_was_written_unless_its_zeros_are_too_many() -> None:
    assert str(read_amount("ETH-USDT", Decimal("48.90"))) == "48.90"
    assert str(read_amount("ETH-USDT", Decimal("48.9000000"))) == "48.9"
    assert str(read_amount("A-COIN-OF-TOMORROW", Decimal("1.123456789012345678901"))) == "1.123456789012345678901"


def test_an_operators_own_decimals_count() -> None:
    with pytest.raises(NotPayableError, match="NEW has 2 decimals"):
        read_amount("NEW", Decimal("1.001"), {**DECIMALS, "NEW": 2})


@pytest.mark.parametrize("amount", ["0", "0.00", "-1", "NaN", "sNaN", "Infinity", "-Infinity"])
def test_nothing_and_less_is_no_amount(amount: str) -> None:
    with pytest.raises(NotPayableError, match="more than zero"):
        read_amount("BTC", Decimal(amount))


@pytest.mark.parametrize(
    ("coin", "fee"),
    [("BTC", "1"), ("BTC", "25"), ("LTC", "1000"), ("DOGE", "20000"), ("FIRO", "10"), ("BTC", "25.0")],
)
def test_a_fee_is_taken_where_the_sender_sets_it(coin: str, fee: str) -> None:
    found = read_fee(coin, Decimal(fee))
    assert found == Decimal(fee)
    assert found is not None
    assert found.as_tuple().exponent == 0


@pytest.mark.parametrize(
    "coin", ["ETH", "ETH-USDT", "USDT", "TRX", "SOL", "XRP", "TON", "XMR", "BTC-LIGHTNING", "NEW"]
)
def test_a_fee_is_refused_where_the_wallet_sets_it(coin: str) -> None:
    with pytest.raises(NotPayableError, match=f"the wallet of {coin} sets its fee itself") as refused:
        read_fee(coin, Decimal(1))
    assert refused.value.field == "fee"


@pytest.mark.parametrize(
    ("coin", "fee"),
    [
        ("BTC", "0.0001"),  # what the whole transaction may cost
        ("BTC", "1.5"),
        ("BTC", "-1"),
        ("BTC", "1001"),
        ("BTC", "1e400000"),
        ("DOGE", "1"),
        ("DOGE", "1000001"),
        ("BTC", "NaN"),
        ("BTC", "sNaN"),
        ("BTC", "Infinity"),
    ],
)
def test_a_fee_that_cannot_be_meant_is_refused(coin: str, fee: str) -> None:
    with pytest.raises(NotPayableError, match=r"expected a whole number from .* for each byte"):
        read_fee(coin, Decimal(fee))


@pytest.mark.parametrize("coin", ["BTC", "ETH", "NEW"])
def test_no_fee_leaves_it_to_the_wallet(coin: str) -> None:
    for fee in (None, Decimal(0), Decimal("0.00")):
        assert read_fee(coin, fee) is None
