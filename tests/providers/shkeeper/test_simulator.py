"""The simulated gateway writes what the real one does, and its scenarios end where they say."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from coordinator.payments import Payment, decide
from providers.contract import WebhookRefusedError
from providers.shkeeper import ShkeeperWebhooks
from providers.shkeeper.simulator import SCENARIOS, Invoice

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
    )
    for delivery in SCENARIOS[scenario](invoice(amount)):
        headers = {name.lower(): value for name, value in delivery.headers(KEY, NOW).items()}
        try:
            payment = decide(payment, READER.read(headers, delivery.body, NOW).observation).payment
        except WebhookRefusedError:
            assert delivery.expected_status == 401
        else:
            assert delivery.expected_status == 202
    return payment


@pytest.mark.parametrize("amount", ["49.90", "0.0000000001", "100000", "0.03", "1"])
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
    assert payment.status == status
    if amount == "49.90":
        assert (payment.facts.excess > 0) == overpaid


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
        "fee_policy": "PERCENT_FEE",
        "fiat": "USD",
        "overpaid_fiat": "0.00",
        "paid": True,
        "status": "PAID",
        "transactions": [
            {
                "amount_crypto": "7.8",
                "amount_fiat": "7.8",
                "amount_fiat_without_fee": "7.644",
                "crypto": "ETH-USDT",
                "date": "2026-01-01 00:00:00",
                "fee_fiat": "0.156",
                "trigger": True,
            }
        ],
    }


def test_the_same_invoice_is_told_the_same_way() -> None:
    assert [delivery.body for delivery in SCENARIOS["life"](invoice())] == [
        delivery.body for delivery in SCENARIOS["life"](invoice())
    ]
