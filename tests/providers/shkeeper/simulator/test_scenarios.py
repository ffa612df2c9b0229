"""The simulated gateway writes what the real one does, and its scenarios end where they say."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from coordinator.payments.agreed.agreements import Terms
from coordinator.payments.deciding.decisions import decide
from coordinator.payments.payments import Payment
from providers.contract import Reading
from providers.errors import WebhookRefusedError
from providers.shkeeper.simulator.scenarios import SCENARIOS, Invoice, InvoiceUnplayableError
from providers.shkeeper.webhooks.webhooks import ShkeeperWebhooks

KEY = "wallet-key"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
READER = ShkeeperWebhooks(api_keys=[KEY])


def invoice(amount: str = "49.90") -> Invoice:
    return Invoice("order-1", Decimal(amount), "USD", NOW)


def play(scenario: str, amount: str) -> Payment:
    payment = Payment(
        payment_id="pay_1",
        provider="shkeeper",
        external_id="order-1",
        request_id="r1",
        buyer_id="b1",
        seller_id="s1",
        amount=Decimal(amount),
        currency="USD",
        created_at=NOW,
        terms=Terms(tolerance_percent=Decimal(5)),
    )
    for delivery in SCENARIOS[scenario](invoice(amount)):
        headers = {name.lower(): value for name, value in delivery.headers(KEY, NOW).items()}
        try:
            reading = READER.read(headers, delivery.body, NOW)
        except WebhookRefusedError:
            assert delivery.expected_status == 401
        else:
            assert delivery.expected_status == 202
            assert isinstance(reading, Reading)
            payment = decide(payment, reading.observation, NOW).payment
    return payment


@pytest.mark.parametrize(
    "amount", ["49.90", "0.0000000001", "100000", "0.03", "1", "1E+2", "999999999999999.9999999999"]
)
@pytest.mark.parametrize(
    ("scenario", "status", "overpaid"),
    [
        ("life", "completed", True),
        ("unconfirmed", "confirming", False),
        ("partial", "partially_paid", False),
        ("paid", "completed", False),
        ("overpaid", "completed", True),
        ("duplicate", "completed", False),
        ("out-of-order", "completed", False),
        ("bad-signature", "pending", False),
    ],
)
def test_each_scenario_ends_where_its_name_says(scenario: str, status: str, overpaid: bool, amount: str) -> None:
    payment = play(scenario, amount)
    if scenario == "partial" and not payment.paid:
        status = "confirming"  # SHKeeper counts ten decimals
    assert payment.status == status
    if amount == "49.90":
        assert (payment.excess > 0) == overpaid


def test_every_scenario_is_tested_above() -> None:
    assert len(SCENARIOS) == 8


def test_a_notice_has_every_field_in_the_gateways_own_form() -> None:
    body = invoice("7.80").pay(Decimal("7.80")).notice()
    assert b" :" not in body
    assert b", " not in body
    content = json.loads(body)
    assert list(content) == sorted(content)
    txid = content["transactions"][0].pop("txid")
    assert len(txid) == 66
    assert len(content.pop("addr")) == 42
    assert content == {
        "balance_crypto": "7.8",
        "balance_fiat": "7.8",
        "crypto": "ETH-USDT",
        "external_id": "order-1",
        "fee_fixed": "0",
        "fee_percent": "2",
        "fee_policy": "NO_FEE",
        "fiat": "USD",
        "overpaid_fiat": "0.00",
        "paid": True,
        "status": "PAID",
        "transactions": [
            {
                "amount_crypto": "7.8",
                "amount_fiat": "7.8",
                "amount_fiat_without_fee": "7.8",
                "crypto": "ETH-USDT",
                "date": "2026-01-01 00:00:00",
                "fee_fiat": "0",
                "trigger": True,
            }
        ],
    }


def test_coins_are_counted_at_the_invoices_rate() -> None:
    opened = Invoice(
        "order-1", Decimal(100), "USD", NOW, crypto="BTC", address="bc1qexample", rate=Decimal("65000.50")
    )
    paid = opened.pay(Decimal(40)).pay(Decimal(60))
    content = json.loads(paid.notice())
    assert (content["crypto"], content["addr"], content["status"]) == ("BTC", "bc1qexample", "PAID")
    assert (content["balance_fiat"], content["balance_crypto"]) == ("100", "0.0015384496")
    assert [transaction["amount_crypto"] for transaction in content["transactions"]] == [
        "0.0006153798",
        "0.0009230698",
    ]
    assert [transaction["trigger"] for transaction in content["transactions"]] == [False, True]
    seen = json.loads(opened.unconfirmed(Decimal(40)))
    assert (seen["crypto"], seen["addr"], seen["amount"]) == ("BTC", "bc1qexample", "0.0006153798")


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "Infinity", "1e15", "1e20", "0.00000000001"])
def test_an_amount_that_shkeeper_could_not_write_is_refused(amount: str) -> None:
    with pytest.raises(InvoiceUnplayableError, match="amount"):
        invoice(amount)


@pytest.mark.parametrize("rate", ["0", "-1", "NaN", "1e-30"])
def test_a_rate_that_makes_no_sense_is_refused(rate: str) -> None:
    with pytest.raises(InvoiceUnplayableError, match="rate"):
        Invoice("order-1", Decimal(1), "USD", NOW, rate=Decimal(rate))


def test_the_same_invoice_is_told_the_same_way() -> None:
    assert [delivery.body for delivery in SCENARIOS["life"](invoice())] == [
        delivery.body for delivery in SCENARIOS["life"](invoice())
    ]
