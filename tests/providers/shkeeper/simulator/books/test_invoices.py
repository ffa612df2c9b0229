"""The local SHKeeper keeps invoices as the real one does."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from coordinator.payments.observed.observations import InvoiceSnapshot, Standing, TransferSeen
from providers.contract import Reading
from providers.shkeeper.simulator.books.booked_invoice import BookedInvoice
from providers.shkeeper.simulator.books.invoices import InvoiceBooks, Output
from providers.shkeeper.simulator.notices import compact, signed_headers
from providers.shkeeper.simulator.terms.daemons import Daemons, State
from providers.shkeeper.simulator.terms.refusals import RefusedError, ThrownError
from providers.shkeeper.simulator.terms.terms import FeePolicy, Fees, Terms
from providers.shkeeper.webhooks.webhooks import ShkeeperWebhooks

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ORDER = {"external_id": "order-1", "fiat": "USD", "amount": "100", "callback_url": "http://bridge.example/webhooks"}


@pytest.fixture
def terms() -> Terms:
    return Terms()


@pytest.fixture
def daemons() -> Daemons:
    return Daemons()


@pytest.fixture
def books(terms: Terms, daemons: Daemons) -> InvoiceBooks:
    return InvoiceBooks(terms, daemons)


def opened(books: InvoiceBooks, coin: str = "ETH-USDT", **changes: str) -> dict[str, Any]:
    return books.request_payment(coin, ORDER | changes, NOW)


def paid(
    books: InvoiceBooks, address: str, amount: str | None = None, *, confirmations: int = 1, now: datetime = NOW
) -> tuple[BookedInvoice, str]:
    """Somebody pays, what the invoice lacks if no amount is given."""
    coins = books.lacks(address) if amount is None else Decimal(amount)
    txid = books.send([Output(address, coins)], confirmations)
    books.report(txid, now)
    return books.holder_of(txid), txid


def told(books: InvoiceBooks, terms: Terms, txid: str) -> Any:
    """What a reader makes of the notice about a transfer."""
    invoice = books.holder_of(txid)
    body = compact(invoice.unconfirmed_notice(txid) or invoice.notice(txid, terms))
    headers = {name.lower(): value for name, value in signed_headers("k", body, NOW).items()}
    reading = ShkeeperWebhooks(api_keys=["k"]).read(headers, body, NOW)
    assert isinstance(reading, Reading)
    return reading.observation


def test_an_invoice_asks_for_the_fee_on_top(books: InvoiceBooks) -> None:
    found = opened(books)
    assert (found["status"], found["amount"], found["exchange_rate"]) == ("success", "102", "1")
    assert found["wallet"].startswith("0x")
    assert json.dumps(found)


def test_the_same_identity_is_the_same_invoice_and_another_callback_makes_another(books: InvoiceBooks) -> None:
    first = opened(books)
    assert opened(books) == first
    assert opened(books, amount="50")["id"] == first["id"]
    assert opened(books, callback_url="http://other.example")["id"] != first["id"]
    assert opened(books, fiat="EUR")["id"] != first["id"]
    assert len(books.look_up("order-1")) == 3


def test_another_coin_is_another_address_of_the_same_invoice_and_both_stay_valid(
    books: InvoiceBooks, terms: Terms
) -> None:
    ether, bitcoin = opened(books, "ETH"), opened(books, "BTC")
    assert ether["id"] == bitcoin["id"]
    assert ether["wallet"] != bitcoin["wallet"]
    assert opened(books, "ETH")["wallet"] == ether["wallet"]
    opened(books, "BTC")
    invoice, txid = paid(books, ether["wallet"], "0.01")
    notice = invoice.notice(txid, terms)
    # What came in another coin than the one asked for last counts in fiat, not in that coin.
    assert (notice["crypto"], notice["balance_fiat"], notice["balance_crypto"]) == ("BTC", "33.7924", "0")


def test_the_balance_in_coins_mixes_what_came_before_a_switch_with_what_came_after(
    books: InvoiceBooks, terms: Terms
) -> None:
    paid(books, opened(books, "USDC")["wallet"], "20")
    invoice, txid = paid(books, opened(books, "LTC")["wallet"], "0.4")
    assert invoice.notice(txid, terms)["balance_crypto"] == "20.4"


@pytest.mark.parametrize(
    ("amount", "status", "overpaid"),
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
def test_the_wallets_limits_decide_what_is_paid(
    books: InvoiceBooks, terms: Terms, amount: str, status: str, overpaid: str
) -> None:
    invoice, txid = paid(books, opened(books)["wallet"], amount)
    notice = invoice.notice(txid, terms)
    assert (notice["status"], notice["overpaid_fiat"]) == (status, overpaid)
    assert notice["paid"] is (status != "PARTIAL")
    assert invoice.looked_up()["status"] == status


def test_the_operator_can_move_the_limits(books: InvoiceBooks, terms: Terms) -> None:
    terms.wallets["ETH-USDT"].lower_limit = Decimal(50)
    invoice, _ = paid(books, opened(books)["wallet"], "50")
    assert invoice.status == "PAID"


def test_a_transfer_is_told_unconfirmed_first_and_then_in_a_snapshot(books: InvoiceBooks, terms: Terms) -> None:
    invoice, txid = paid(books, opened(books)["wallet"], "40", confirmations=0)
    assert isinstance(told(books, terms, txid), TransferSeen)
    assert [part["status"] for part in invoice.looked_up()["txs"]] == ["UNCONFIRMED"]
    books.confirm(txid)
    books.report(txid, NOW)
    snapshot = told(books, terms, txid)
    assert isinstance(snapshot, InvoiceSnapshot)
    assert (snapshot.standing, snapshot.received, snapshot.caused_by) == (Standing.PARTIAL, Decimal(40), txid)
    assert [part["status"] for part in invoice.looked_up()["txs"]] == ["CONFIRMED"]


def test_who_does_not_tell_of_unconfirmed_transfers_does_not_show_them_either(
    books: InvoiceBooks, terms: Terms
) -> None:
    terms.unconfirmed_notices = False
    invoice, txid = paid(books, opened(books)["wallet"], confirmations=0)
    assert invoice.looked_up()["txs"] == []
    books.confirm(txid)
    assert books.report(txid, NOW) == [invoice]


def test_a_transfer_counts_from_its_first_confirmation_on_however_many_are_wanted(
    books: InvoiceBooks, terms: Terms
) -> None:
    terms.wallets["ETH-USDT"].confirmations = 12
    invoice, txid = paid(books, opened(books)["wallet"], confirmations=1)
    assert (invoice.status, invoice.looked_up()["txs"][0]["status"]) == ("PAID", "CONFIRMED")
    assert not books.has_enough_confirmations(invoice, txid)
    books.confirm(txid)
    assert books.has_enough_confirmations(invoice, txid)


def test_without_an_amount_the_transfer_is_what_the_invoice_lacks(books: InvoiceBooks) -> None:
    address = opened(books)["wallet"]
    paid(books, address, "40")
    invoice, _ = paid(books, address)
    assert [part.amount_crypto for part in invoice.transactions] == [Decimal(40), Decimal(62)]
    assert invoice.status == "PAID"


def test_in_another_coin_it_lacks_what_the_first_has_not_paid(books: InvoiceBooks) -> None:
    paid(books, opened(books)["wallet"], "40")
    assert books.lacks(opened(books, "LTC")["wallet"]) == Decimal("0.775")


def test_asking_again_fixes_the_rate_anew_and_only_for_the_coin_asked_for_last(
    books: InvoiceBooks, terms: Terms
) -> None:
    matic = opened(books, "MATIC")
    assert (matic["amount"], matic["exchange_rate"]) == ("204", "0.5")
    terms.rates["MATIC", "USD"] = Decimal("0.4")
    invoice, _ = paid(books, matic["wallet"], "10")
    assert invoice.balance_fiat == 5  # as it was promised
    assert opened(books, "MATIC")["exchange_rate"] == "0.4"
    paid(books, matic["wallet"], "10")
    assert invoice.balance_fiat == 9
    opened(books, "BTC")
    terms.rates["MATIC", "USD"] = Decimal("0.3")
    paid(books, matic["wallet"], "10")
    assert invoice.balance_fiat == 12  # nothing is promised for it any more


def test_a_rate_holds_for_as_long_as_the_wallet_says(books: InvoiceBooks, terms: Terms) -> None:
    terms.wallets["DOGE"].recalculate_after = 1
    found = opened(books, "DOGE")
    assert found["recalculate_after"] == 1
    terms.rates["DOGE", "USD"] = Decimal("0.12")
    in_time, _ = paid(books, found["wallet"], "100", now=NOW + timedelta(minutes=59))
    assert in_time.balance_fiat == 15
    paid(books, found["wallet"], "100", now=NOW + timedelta(minutes=61))
    assert in_time.balance_fiat == 27


@pytest.mark.parametrize(
    ("fees", "price", "fee_in_half"),
    [
        (Fees(FeePolicy.NO_FEE), "100", "0"),
        (Fees(FeePolicy.PERCENT_FEE, Decimal(8)), "108", "4"),
        (Fees(FeePolicy.FIXED_FEE, fixed=Decimal(5)), "105", "5"),
        (Fees(FeePolicy.PERCENT_OR_MINIMAL_FIXED_FEE, fixed=Decimal(3)), "103", "3"),
        (Fees(FeePolicy.PERCENT_OR_MINIMAL_FIXED_FEE, fixed=Decimal(1)), "102", "1"),
    ],
)
def test_a_fee_is_asked_for_once_and_taken_off_each_transfer(
    books: InvoiceBooks, terms: Terms, fees: Fees, price: str, fee_in_half: str
) -> None:
    terms.fees["ETH-USDT", "USD"] = fees
    found = opened(books)
    assert found["amount"] == price
    for _ in range(2):
        invoice, txid = paid(books, found["wallet"], str(Decimal(price) / 2))
    notice = invoice.notice(txid, terms)
    assert [part["fee_fiat"] for part in notice["transactions"]] == [fee_in_half] * 2
    assert notice["balance_fiat"] == price
    assert opened(books, fiat="EUR")["amount"] == "112.2"  # the fee of another currency is another


def test_of_one_transaction_an_invoice_has_one_part(books: InvoiceBooks) -> None:
    one, other = opened(books), opened(books, external_id="order-2")
    outputs = [Output(one["wallet"], Decimal(51)), Output(other["wallet"], Decimal(102))]
    txid = books.send([*outputs, Output(one["wallet"], Decimal(51))], 1)
    assert [invoice.external_id for invoice in books.report(txid, NOW)] == ["order-1", "order-2"]
    assert [invoice.status for invoice in books.invoices] == ["PARTIAL", "PAID"]
    assert books.report(txid, NOW) == []


def test_lightning_has_a_new_and_long_address_each_time_and_each_can_be_paid(books: InvoiceBooks) -> None:
    first, second = (opened(books, "BTC-LIGHTNING") for _ in range(2))
    assert first["wallet"] != second["wallet"]
    assert 260 <= len(first["wallet"]) <= 400
    assert second["wallet"].upper() in second["bip21"]
    invoice, _ = paid(books, first["wallet"])
    assert (invoice.status, invoice.looked_up()["txs"][0]["addr"]) == ("PAID", first["wallet"])


def test_lightning_can_be_paid_on_chain(books: InvoiceBooks, terms: Terms) -> None:
    address = opened(books, "BTC-LIGHTNING")["bip21"].split("?")[0].removeprefix("bitcoin:").lower()
    invoice, txid = paid(books, address, "0.0017")
    notice = invoice.notice(txid, terms)
    assert (notice["balance_crypto"], notice["transactions"][0]["crypto"]) == ("0", "BTC")
    assert (notice["status"], opened(books, "BTC")["wallet"]) == ("PAID", address)


def test_transactions_are_found_by_coin_and_address(books: InvoiceBooks) -> None:
    address = opened(books, "ETH")["wallet"]
    _, txid = paid(books, address)
    assert [part["txid"] for part in books.at_address("ETH", address)] == [txid]
    assert books.at_address("BTC", address) == []
    # What SHKeeper calls its amount here is what it is worth.
    assert books.about("order-1", txid)["amount"] == books.look_up("order-1")[0]["balance_fiat"]
    assert books.about("order-2", txid) == {}


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
        opened(books, coin, **change)


def test_a_missing_field_and_an_unknown_currency_are_refused(books: InvoiceBooks) -> None:
    with pytest.raises(ThrownError, match="'external_id'"):
        books.request_payment("BTC", {"fiat": "USD", "amount": "1", "callback_url": "x"}, NOW)
    with pytest.raises(ThrownError, match="GBP-BTC"):
        opened(books, "BTC", fiat="GBP")
    assert books.invoices == []


@pytest.mark.parametrize("state", [State.DOWN, State.ERRORS, State.HANGS])
def test_without_its_daemon_a_coin_has_no_new_address(books: InvoiceBooks, daemons: Daemons, state: State) -> None:
    before = opened(books)
    daemons.by_coin["ETH-USDT"].state = state
    with pytest.raises(ThrownError) as refusal:
        opened(books, external_id="order-2")
    assert refusal.value.seconds == (10 if state is State.HANGS else 0)
    assert opened(books)["wallet"] == before["wallet"]
    assert opened(books, "ETH", external_id="order-2")["wallet"]
    assert len(books.invoices) == 2


def test_an_address_that_firo_did_not_give_is_missing_for_ever(books: InvoiceBooks, daemons: Daemons) -> None:
    daemons.by_coin["FIRO"].state = State.ERRORS
    assert opened(books, "FIRO")["wallet"] is None
    daemons.by_coin["FIRO"].state = State.WELL
    assert opened(books, "FIRO")["wallet"] is None


def test_what_is_switched_off_or_lags_is_refused_if_the_operator_wants_that(
    books: InvoiceBooks, terms: Terms, daemons: Daemons
) -> None:
    daemons.by_coin["BTC"].blocks_behind = 40
    assert opened(books, "BTC")["wallet"]
    terms.disable_crypto_when_lags = True
    with pytest.raises(RefusedError, match="because of lagging"):
        opened(books, "BTC")
    with pytest.raises(RefusedError, match="because of lagging"):
        books.quote("BTC", ORDER)
    terms.wallets["LTC"].enabled = False
    with pytest.raises(RefusedError, match=r"LTC payment gateway is unavailable$"):
        opened(books, "LTC")


def test_money_for_an_unknown_address_and_an_unknown_transaction_are_refused(books: InvoiceBooks) -> None:
    with pytest.raises(RefusedError, match="not related to any invoice"):
        books.send([Output("0xnobody", Decimal(1))], 1)
    with pytest.raises(RefusedError, match="not known"):
        books.holder_of("0xnothing")
    with pytest.raises(RefusedError, match="no invoice of order-1"):
        books.make_older("order-1", timedelta(hours=1))
    _, txid = paid(books, opened(books)["wallet"])
    with pytest.raises(RefusedError, match="not an unconfirmed"):
        books.confirm(txid)
