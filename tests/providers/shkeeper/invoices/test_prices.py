"""What SHKeeper's answer to `payment_request` comes to: amounts that a wallet can send, and when they end."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.payments.agreed.invoices import InvoiceOpened, InvoiceWanted
from coordinator.payments.deciding.quotes import filled
from providers.errors import ProviderRefusedError
from providers.shkeeper.coins import DECIMALS, network_of
from providers.shkeeper.invoices.invoices import PaymentRequestAnswer, opened_invoice
from providers.shkeeper.invoices.payment_uri import uri_template
from providers.shkeeper.texts.lightning import lapse_of, payment_hash_of
from tests.made_destinations import DESTINATIONS, destination, lengthened, lightning

SEED = lengthened(b"buyer")
# From BOLT 11's own examples: made at 1496314658, the one good for 60 seconds, the other without a word about it.
COFFEE = (
    "lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq"
    "5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3q"
    "fegext0eh0ymjpf39tuven09sam30g4vgpfna3rh"
)
DONATION = (
    "lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwz"
    "qfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq9qrsgq357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk"
    "8qakdyafkq3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7mlcwspyetp5h2tztugp9lfyql"
)
MADE_AT = datetime.fromtimestamp(1496314658, UTC)


def opened(coin: str = "DOGE", *, asked_for: str = "49.90", **answer: object) -> InvoiceOpened:
    """What comes of an answer of SHKeeper's."""
    wanted = InvoiceWanted(
        provider="shkeeper", external_id="p", callback_url="", coin=coin, amount=Decimal(asked_for), currency="USD"
    )
    fields = {"amount": "339.32", "exchange_rate": "0.15", "recalculate_after": 0, **answer}
    fields.setdefault("wallet", destination(coin, "buyer") if coin in DESTINATIONS else "address-of-a-new-coin")
    return opened_invoice(wanted, PaymentRequestAnswer.model_validate(fields))


@pytest.mark.parametrize(
    ("coin", "said", "shown"),
    [
        ("XRP", "8.37155964", "8.37156"),
        ("TRX", "73.00000001", "73.000001"),
        ("USDT", "906.66086399", "906.660864"),
        ("USDC", "50.898", "50.898"),
        ("ETH-USDT", "906.66086399", "906.660864"),
        ("BNB-USDT", "906.66086399", "906.66086399"),
        ("ETH-PYUSD", "0.00000001", "0.000001"),
        ("SOLANA-USDC", "18.61500001", "18.615001"),
        ("TON", "6.20500001", "6.20500001"),
        ("BTC", "0.00031025", "0.00031025"),
        ("ETH-DAI", "18.61500001", "18.61500001"),
        ("XMR", "0.1241000001", "0.1241000001"),
        ("NEW-COIN", "1.23456789", "1.23456789"),
    ],
)
def test_an_amount_has_the_decimals_of_its_coin(coin: str, said: str, shown: str) -> None:
    assert str(opened(coin, amount=said, exchange_rate=None).coin_amount) == shown


def test_the_decimals_of_a_coin_can_be_named() -> None:
    answer = PaymentRequestAnswer.model_validate({"amount": "1.00000001", "wallet": "a"})
    wanted = InvoiceWanted(
        provider="shkeeper", external_id="p", callback_url="", coin="NEW-COIN", amount=Decimal(1), currency="USD"
    )
    named = opened_invoice(wanted, answer, {**DECIMALS, "NEW-COIN": 2})
    assert (named.coin_amount, named.coin_decimals) == (Decimal("1.01"), 2)


@given(coin=st.sampled_from(sorted(DECIMALS)), said=st.decimals(min_value="1e-8", max_value=10**9, places=8))
def test_what_is_shown_pays_what_shkeeper_asks_for_and_at_most_a_unit_more(coin: str, said: Decimal) -> None:
    shown = opened(coin, amount=f"{said:f}", exchange_rate=None).coin_amount
    assert 0 <= shown - said < Decimal(1).scaleb(-DECIMALS[coin])


@pytest.mark.parametrize("amount", ["0", "0E-10", "0.00000000"])
def test_an_amount_that_comes_to_no_coins_is_refused(amount: str) -> None:
    with pytest.raises(ProviderRefusedError):
        opened("BTC", amount=amount)


@pytest.mark.parametrize(
    ("hours", "seconds"), [(0, None), (1, 3_600), (24, 86_400), (None, None), (-1, None), (10**9, None)]
)
def test_a_price_holds_for_the_hours_that_shkeeper_says(hours: int | None, seconds: int | None) -> None:
    assert opened(recalculate_after=hours).price_seconds == seconds


@pytest.mark.parametrize(
    ("coins", "rate", "amount", "asked"),
    [
        ("339.32", "0.15", "49.90", "50.9"),  # 2 %
        ("50.898", "1", "49.90", "50.9"),
        ("0.00031025", "60000", "18.25", "18.62"),
        ("49.9", "1", "49.90", "49.90"),  # no fee
        ("0.00013375", "9230769.2307692301", "1234.56", "1234.56"),  # a digit that a coin has not is none
    ],
)
def test_what_is_asked_for_is_told_in_the_payments_currency(coins: str, rate: str, amount: str, asked: str) -> None:
    assert opened(asked_for=amount, amount=coins, exchange_rate=rate).asked == Decimal(asked)


def test_without_a_rate_nobody_knows_what_is_asked_for() -> None:
    assert opened(exchange_rate=None).asked is None
    assert opened(exchange_rate="0").asked is None


def test_a_lightning_invoice_lapses_when_it_says() -> None:
    assert lapse_of(COFFEE) == MADE_AT + timedelta(seconds=60)
    assert lapse_of(COFFEE.upper()) == MADE_AT + timedelta(seconds=60)
    assert lapse_of(DONATION) == MADE_AT + timedelta(hours=1)


@pytest.mark.parametrize(
    "text",
    ["", "lnbc", "lnbc1", COFFEE[:-1], COFFEE[:40] + "q" + COFFEE[41:], "bc1" + COFFEE[10:], "lnbc1bio" * 40, "é1é"],
)
def test_what_is_no_lightning_invoice_says_nothing(text: str) -> None:
    assert lapse_of(text) is None
    assert payment_hash_of(text) is None


def test_invoices_of_one_payment_are_known_by_it_whatever_amount_they_are_of() -> None:
    named = "0001020304050607080900010203040506070809000102030405060708090102"  # as BOLT 11's examples have it
    assert {payment_hash_of(one) for one in (COFFEE, COFFEE.upper(), DONATION)} == {named}


@given(st.text(alphabet="qpzry9x8gf2tvdw0s3jn54khce6mua7l1b", max_size=400))
def test_no_text_breaks_the_reader_of_lightning_invoices(text: str) -> None:
    assert lapse_of(f"lnbc1{text}") is None


def test_a_lightning_invoice_takes_the_whole_sum_until_it_lapses() -> None:
    lightning = opened("BTC-LIGHTNING", wallet=COFFEE, amount="0.0025", exchange_rate="60000")
    assert (lightning.whole_only, lightning.lapses_at) == (True, MADE_AT + timedelta(seconds=60))
    assert lightning.payment_uri == f"lightning:{COFFEE}"
    assert (opened().whole_only, opened().lapses_at) == (False, None)


@pytest.mark.parametrize("coin", sorted(DECIMALS))
def test_the_template_of_a_uri_makes_the_uri_of_any_amount(coin: str) -> None:
    wallet = lightning(SEED) if coin == "BTC-LIGHTNING" else destination(coin, "buyer")
    invoice = opened(coin, amount="12.5", exchange_rate=None, wallet=wallet)
    assert invoice.uri_template == uri_template(coin, invoice.address or "", DECIMALS[coin])
    assert filled(invoice.uri_template, Decimal("12.5"), DECIMALS[coin]) == invoice.payment_uri
    assert network_of(coin) is not None
