"""The local SHKeeper keeps invoices as the real one does."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from coordinator.observations import InvoiceSnapshot, Standing, TransferSeen
from providers.contract import Reading
from providers.shkeeper.simulator.coins import UnknownFiatError
from providers.shkeeper.simulator.invoice_books import InvoiceBooks, RefusedError
from providers.shkeeper.simulator.notices import compact, signed_headers
from providers.shkeeper.webhooks import ShkeeperWebhooks

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
FEE_PERCENT = Decimal(2)
ORDER = {"external_id": "order-1", "fiat": "USD", "amount": "100", "callback_url": "http://bridge.example/webhooks"}


@pytest.fixture
def books() -> InvoiceBooks:
    return InvoiceBooks(FEE_PERCENT)


def told(books: InvoiceBooks, txid: str) -> Any:
    """What a reader makes of the notice about a transfer."""
    body = compact(books.holder_of(txid).notice(txid, FEE_PERCENT))
    headers = {name.lower(): value for name, value in signed_headers("k", body, NOW).items()}
    reading = ShkeeperWebhooks(api_keys=["k"]).read(headers, body, NOW)
    assert isinstance(reading, Reading)
    return reading.observation


def test_an_invoice_asks_for_the_fee_on_top(books: InvoiceBooks) -> None:
    opened = books.request_payment("ETH-USDT", ORDER)
    assert (opened["status"], opened["amount"], opened["exchange_rate"]) == ("success", "102", "1")
    assert opened["wallet"].startswith("0x")
    assert json.dumps(opened)


def test_the_same_identity_is_the_same_invoice_and_another_callback_makes_another(books: InvoiceBooks) -> None:
    first = books.request_payment("ETH-USDT", ORDER)
    assert books.request_payment("ETH-USDT", ORDER) == first
    assert books.request_payment("ETH-USDT", ORDER | {"amount": "50"})["id"] == first["id"]
    assert books.request_payment("ETH-USDT", ORDER | {"callback_url": "http://other.example"})["id"] != first["id"]
    assert books.request_payment("ETH-USDT", ORDER | {"fiat": "EUR"})["id"] != first["id"]
    assert len(books.look_up("order-1")) == 3


def test_another_coin_is_another_address_of_the_same_invoice_and_both_stay_valid(books: InvoiceBooks) -> None:
    ether = books.request_payment("ETH", ORDER)
    bitcoin = books.request_payment("BTC", ORDER)
    assert ether["id"] == bitcoin["id"]
    assert ether["wallet"] != bitcoin["wallet"]
    assert books.request_payment("ETH", ORDER)["wallet"] == ether["wallet"]
    books.request_payment("BTC", ORDER)
    invoice, txid = books.transfer(ether["wallet"], Decimal("0.01"), NOW)
    notice = invoice.notice(txid, FEE_PERCENT)
    # What came in the coin from before the switch counts in fiat, not in the new coin.
    assert (notice["crypto"], notice["balance_fiat"], notice["balance_crypto"]) == ("BTC", "30", "0")


@pytest.mark.parametrize(
    ("paid", "status", "overpaid"),
    [
        ("0.000001", "PARTIAL", "0.00"),
        ("94.999999", "PARTIAL", "0.00"),
        ("95", "PAID", "0.00"),
        ("102", "PAID", "0.00"),
        ("104.999999", "PAID", "0.00"),
        ("105", "OVERPAID", "0.00"),
        ("120", "OVERPAID", "15.00"),
    ],
)
def test_the_wallets_limits_decide_what_is_paid(books: InvoiceBooks, paid: str, status: str, overpaid: str) -> None:
    address = books.request_payment("ETH-USDT", ORDER)["wallet"]
    invoice, txid = books.transfer(address, Decimal(paid), NOW)
    notice = invoice.notice(txid, FEE_PERCENT)
    assert (notice["status"], notice["overpaid_fiat"]) == (status, overpaid)
    assert notice["paid"] is (status != "PARTIAL")
    assert invoice.looked_up()["status"] == status


def test_a_transfer_is_told_unconfirmed_first_and_then_in_a_snapshot(books: InvoiceBooks) -> None:
    address = books.request_payment("ETH-USDT", ORDER)["wallet"]
    invoice, txid = books.transfer(address, Decimal(40), NOW, confirmed=False)
    assert isinstance(told(books, txid), TransferSeen)
    assert [part["status"] for part in invoice.looked_up()["txs"]] == ["UNCONFIRMED"]
    books.confirm(invoice, txid, NOW)
    snapshot = told(books, txid)
    assert isinstance(snapshot, InvoiceSnapshot)
    assert (snapshot.standing, snapshot.received, snapshot.caused_by) == (Standing.PARTIAL, Decimal(40), txid)
    assert [part["status"] for part in invoice.looked_up()["txs"]] == ["CONFIRMED"]


def test_without_an_amount_the_transfer_is_what_the_invoice_lacks(books: InvoiceBooks) -> None:
    address = books.request_payment("ETH-USDT", ORDER)["wallet"]
    books.transfer(address, Decimal(40), NOW)
    invoice, _ = books.transfer(address, None, NOW)
    assert [part.amount_crypto for part in invoice.transactions] == [Decimal(40), Decimal(62)]
    assert invoice.status == "PAID"


def test_transactions_are_found_by_coin_and_address(books: InvoiceBooks) -> None:
    address = books.request_payment("ETH-USDT", ORDER)["wallet"]
    _, txid = books.transfer(address, None, NOW)
    assert [part["txid"] for part in books.transactions("ETH-USDT", address)] == [txid]
    assert books.transactions("BTC", address) == []


@pytest.mark.parametrize(
    ("coin", "change", "words"),
    [
        ("NOPE", {}, "NOPE payment gateway is unavailable"),
        ("BTC", {"amount": "much"}, "ConversionSyntax"),
        ("BTC", {"amount": "NaN"}, "no amount"),
    ],
)
def test_what_makes_no_sense_is_refused(books: InvoiceBooks, coin: str, change: dict[str, str], words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        books.request_payment(coin, ORDER | change)


def test_a_missing_field_and_an_unknown_currency_are_refused(books: InvoiceBooks) -> None:
    with pytest.raises(RefusedError, match="'external_id'"):
        books.request_payment("BTC", {"fiat": "USD", "amount": "1", "callback_url": "x"})
    with pytest.raises(UnknownFiatError, match="GBP-BTC"):
        books.request_payment("BTC", ORDER | {"fiat": "GBP"})


def test_money_for_an_unknown_address_and_an_unknown_transaction_are_refused(books: InvoiceBooks) -> None:
    with pytest.raises(RefusedError, match="not related to any invoice"):
        books.transfer("0xnobody", None, NOW)
    with pytest.raises(RefusedError, match="not known"):
        books.holder_of("0xnothing")
    address = books.request_payment("ETH-USDT", ORDER)["wallet"]
    invoice, txid = books.transfer(address, None, NOW)
    with pytest.raises(RefusedError, match="not an unconfirmed"):
        books.confirm(invoice, txid, NOW)
