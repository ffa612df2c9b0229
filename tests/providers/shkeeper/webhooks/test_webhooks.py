"""What SHKeeper's webhooks say: every form of the gateway's, old and new, and every way to be unreadable."""

import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.payments.agreed.fees import Fee, FeePolicy
from coordinator.payments.observed.observations import (
    Ending,
    InvoiceEnded,
    InvoiceSnapshot,
    Standing,
    Transfer,
    TransferSeen,
)
from coordinator.payouts.observations import PayoutBooked, PayoutConfirmed, PayoutSent, Stated
from providers.contract import PayoutReading, Reading
from providers.errors import WebhookUnreadableError
from providers.shkeeper.webhooks.signature import sign
from providers.shkeeper.webhooks.webhooks import ShkeeperWebhooks

KEY = "wallet-key"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TIMESTAMP = "1767225600"
READER = ShkeeperWebhooks(api_keys=[KEY])

TRANSACTION = {
    "amount_crypto": "7.8",
    "amount_fiat": "7.8",
    "amount_fiat_without_fee": "7.65",
    "crypto": "ETH-USDT",
    "date": "2024-06-25 15:45:38",
    "fee_fiat": "0.15",
    "trigger": True,
    "txid": "0x518a",
}
INVOICE: dict[str, Any] = {
    "addr": "0x6f2F",
    "balance_crypto": "7.8",
    "balance_fiat": "7.8",
    "crypto": "ETH-USDT",
    "external_id": "147",
    "fee_fixed": "0",
    "fee_percent": "2",
    "fee_policy": "PERCENT_FEE",
    "fiat": "USD",
    "overpaid_fiat": "0.00",
    "paid": True,
    "status": "PAID",
    "transactions": [TRANSACTION],
}
UNCONFIRMED = {
    "addr": "bc1q",
    "amount": "0.0025",
    "crypto": "BTC",
    "external_id": "147",
    "status": "unconfirmed",
    "txid": "ab12",
}
PAYOUT = {
    "amount": "2",
    "amount_fiat": "4.36",
    "crypto": "XRP",
    "currency_fiat": "USD",
    "external_id": "435345534",
    "payout_id": 14,
    "status": "SUCCESS",
    "timestamp": "2024-11-27T13:49:22",
    "tx_hash": "AF73",
}


def read_any(body: bytes) -> Reading | PayoutReading:
    headers = {"x-shkeeper-timestamp": TIMESTAMP, "x-shkeeper-signature": sign(KEY, TIMESTAMP, body)}
    return READER.read(headers, body, NOW)


def read_bytes(body: bytes) -> Reading:
    reading = read_any(body)
    assert isinstance(reading, Reading)
    return reading


def read(content: object) -> Reading:
    return read_bytes(json.dumps(content, separators=(",", ":"), sort_keys=True).encode())


def snapshot(reading: Reading) -> InvoiceSnapshot:
    assert isinstance(reading.observation, InvoiceSnapshot)
    return reading.observation


def invoice(*without: str, **changes: object) -> dict[str, Any]:
    return {name: value for name, value in {**INVOICE, **changes}.items() if name not in without}


def transaction(*without: str, **changes: object) -> dict[str, Any]:
    return {name: value for name, value in {**TRANSACTION, **changes}.items() if name not in without}


def test_an_invoice_notice_is_a_snapshot_of_the_invoice() -> None:
    reading = read(INVOICE)
    assert reading.external_id == "147"
    assert reading.observation == InvoiceSnapshot(
        standing=Standing.PAID,
        currency="USD",
        received=Decimal("7.8"),
        transfers=(
            Transfer(
                transfer_id="0x518a",
                asset="ETH-USDT",
                amount=Decimal("7.8"),
                value=Decimal("7.8"),
                fee=Decimal("0.15"),
                occurred_at=datetime(2024, 6, 25, 15, 45, 38, tzinfo=UTC),
            ),
        ),
        caused_by="0x518a",
        coin="ETH-USDT",
        fee=Fee(policy=FeePolicy.PERCENT, percent=Decimal(2)),
        address="0x6f2F",
        above_limit=Decimal(0),
        calls_paid=True,
    )


@pytest.mark.parametrize(
    ("status", "standing"),
    [
        ("UNPAID", Standing.NOTHING),
        ("PARTIAL", Standing.PARTIAL),
        ("PAID", Standing.PAID),
        ("OVERPAID", Standing.OVERPAID),
    ],
)
def test_the_status_says_how_the_invoice_stands(status: str, standing: Standing) -> None:
    assert snapshot(read(invoice(status=status))).standing is standing


@pytest.mark.parametrize(("status", "ending"), [("CANCELLED", Ending.CANCELLED), ("REFUNDED", Ending.REFUNDED)])
def test_an_invoice_can_be_withdrawn_or_refunded(status: str, ending: Ending) -> None:
    ended = read(invoice(status=status)).observation
    assert isinstance(ended, InvoiceEnded)
    assert (ended.ending, ended.currency, ended.address) == (ending, "USD", "0x6f2F")
    assert [transfer.transfer_id for transfer in ended.transfers] == ["0x518a"]


def test_an_unconfirmed_transaction_is_a_transfer_seen() -> None:
    reading = read(UNCONFIRMED)
    assert reading.external_id == "147"
    assert reading.observation == TransferSeen(
        transfer=Transfer(transfer_id="ab12", asset="BTC", amount=Decimal("0.0025")), address="bc1q"
    )


def test_an_older_gateway_writes_fewer_fields_and_longer_numbers() -> None:
    old = invoice(
        "fee_fixed",
        "fee_policy",
        balance_fiat="7.8000000000",
        overpaid_fiat="0E-10",
        transactions=[
            transaction(
                "amount_fiat_without_fee", "fee_fiat", amount_fiat="7.8000000000", date="2024-06-25 15:45:38.123456"
            )
        ],
    )
    seen = snapshot(read(old))
    assert seen.received == Decimal("7.8")
    assert seen.transfers[0].occurred_at == datetime(2024, 6, 25, 15, 45, 38, 123456, tzinfo=UTC)


def test_an_external_id_that_was_a_number_is_text() -> None:
    assert read(invoice(external_id=147)).external_id == "147"


def test_amounts_written_as_numbers_keep_every_digit() -> None:
    body = json.dumps(INVOICE).replace('"balance_fiat": "7.8"', '"balance_fiat": 0.1234567890123456789')
    assert snapshot(read_bytes(body.encode())).received == Decimal("0.1234567890123456789")


def test_the_cause_is_the_transaction_that_triggered_the_notice() -> None:
    first, second = transaction(txid="0x1", trigger=True), transaction(txid="0x2", trigger=False)
    assert snapshot(read(invoice(transactions=[first, second]))).caused_by == "0x1"
    untold = [transaction(txid="0x1", trigger=False), second]
    told = snapshot(read(invoice(transactions=untold)))
    assert (told.caused_by, told.proven) == (None, frozenset())
    assert snapshot(read(invoice(transactions=[]))).caused_by is None


def test_no_transaction_of_several_is_proven_unless_just_one_is_the_cause() -> None:
    for triggers in ((False, False), (True, True)):
        told = [transaction(txid=f"0x{number}", trigger=each) for number, each in enumerate(triggers)]
        assert snapshot(read(invoice(transactions=told))).proven == frozenset()
    alone = snapshot(read(invoice(transactions=[transaction(trigger=False)])))
    assert (alone.proven, alone.settling_seconds) == (frozenset(), {"ETH-USDT": 264})
    untold = {name: value for name, value in transaction().items() if name != "trigger"}
    assert snapshot(read(invoice(transactions=[untold]))).proven == frozenset()


def test_a_hash_is_one_whatever_it_is_dressed_in_and_what_is_none_is_unreadable() -> None:
    digits = "5e" * 32
    for dressed in (
        f" 0x{digits}",
        f"0x{digits}\N{NO-BREAK SPACE}",
        f"0x{digits}\n",
        f"\t0x{digits}\r\n",
        f"0x0x{digits}",
        f"0X0x 0x{digits}",
        f"0x {digits}",
    ):
        [one] = snapshot(read(invoice(transactions=[transaction(txid=dressed)]))).transfers
        assert (one.transfer_id.lower(), one.key) == (f"0x{digits}", digits), dressed
    for odd in (f"0x{digits}:0", digits.translate({ord("5"): "５"}), f"https://x.example/tx/{digits}"):
        with pytest.raises(WebhookUnreadableError, match="letters and digits"):
            read(invoice(transactions=[transaction(txid=odd)]))


def test_transactions_may_be_in_several_currencies() -> None:
    mixed = [transaction(), transaction(txid="0x2", crypto="BTC", amount_crypto="0.0001", amount_fiat="6.1")]
    assert [transfer.asset for transfer in snapshot(read(invoice(transactions=mixed))).transfers] == [
        "ETH-USDT",
        "BTC",
    ]


def test_a_repeated_message_has_the_same_key_and_another_message_another() -> None:
    def shuffled(content: dict[str, Any]) -> Iterable[bytes]:
        yield json.dumps(content).encode()
        yield json.dumps(dict(reversed(content.items())), indent=2).encode()
        yield json.dumps({**content, "a_new_field": 1}).encode()

    keys = {read_bytes(body).key for body in shuffled(INVOICE)}
    assert len(keys) == 1
    others = [invoice(status="OVERPAID"), invoice(external_id="148"), invoice(balance_fiat="7.9"), UNCONFIRMED]
    others.append(invoice(transactions=[TRANSACTION, transaction(txid="0x2")]))
    assert len(keys | {read(other).key for other in others}) == 1 + len(others)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (invoice("external_id"), "external_id: Field required"),
        (invoice(external_id=None), "external_id"),
        (invoice(external_id=""), "external_id"),
        (invoice(external_id=True), "external_id"),
        (invoice(external_id="a\x00b"), "external_id"),
        (invoice(external_id="\ud800"), "external_id"),
        (invoice(external_id="a" * 201), "external_id"),
        (invoice(external_id=10**300), "external_id"),
        (invoice(status="OUTGOING"), "status"),
        (invoice(status="paid"), "status"),
        (invoice(balance_fiat="-1"), "balance_fiat"),
        (invoice(balance_fiat="NaN"), "balance_fiat"),
        (invoice(balance_fiat="1e999999"), "balance_fiat"),
        (invoice(fiat="U S D"), "fiat"),
        (invoice(fee_policy="\ud800"), "fee_policy"),
        (invoice(transactions={}), "transactions"),
        (invoice(transactions=[transaction("txid")]), "transactions.0.txid: Field required"),
        (invoice(transactions=[transaction(date="yesterday")]), "transactions.0.date"),
        (invoice(transactions=[transaction(date="7.8" * 10_000)]), "transactions.0.date: a date is text such as"),
        (invoice(transactions=[transaction(date="\ud800")]), "transactions.0.date: a date is text such as"),
        (invoice(transactions=[transaction(date=5)]), "transactions.0.date"),
        (invoice(transactions=[{}] * 1_000), "transactions.0.txid: Field required"),
        ({**UNCONFIRMED, "amount": None}, "amount"),
        ({**PAYOUT, "status": "FAIL"}, "status"),
        ({**PAYOUT, "tx_hash": None}, "tx_hash"),
        ([INVOICE], "not a JSON object"),
        (None, "not a JSON object"),
        (1, "not a JSON object"),
    ],
)
def test_what_makes_no_sense_is_unreadable_and_the_field_is_named(content: object, reason: str) -> None:
    with pytest.raises(WebhookUnreadableError) as caught:
        read(content)
    assert reason in str(caught.value)
    assert "7.8" not in str(caught.value)
    assert len(str(caught.value)) < 500
    str(caught.value).encode()  # a log can hold it


NOT_JSON, NESTED, BEYOND_SENSE = "not JSON in UTF-8", "nests too deeply", "beyond all sense"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", NOT_JSON),
        (b"{", NOT_JSON),
        (b"\xff\xfe{}", NOT_JSON),
        (b"{} {}", NOT_JSON),
        (b"\xef\xbb\xbf{}", NOT_JSON),
        (b"[" * 15_000, NESTED),
        (b'{"a":' * 15_000, NESTED),
        (b'{"external_id":' + b"9" * 10_000 + b"}", BEYOND_SENSE),
        (b'{"external_id":NaN}', BEYOND_SENSE),
        (b'{"external_id":Infinity}', BEYOND_SENSE),
        (b'{"external_id":1e99999999999999999999}', BEYOND_SENSE),
        (b'{"unused":1e-99999999999999999999}', BEYOND_SENSE),
    ],
)
def test_a_body_that_cannot_be_parsed_is_unreadable_and_says_why(body: bytes, reason: str) -> None:
    with pytest.raises(WebhookUnreadableError, match=reason):
        read_bytes(body)


@pytest.mark.parametrize(
    ("once", "twice", "name"),
    [
        ('"external_id": "147"', '"external_id": "147", "external_id": "148"', "external_id"),
        ('"balance_fiat": "7.8"', '"balance_fiat": "7.8", "balance_fiat": "7.8"', "balance_fiat"),
        ('"txid": "0x518a"', '"txid": "0x518a", "txid": "0x518b"', "txid"),
        ('"paid": true', '"\\ud800": 1, "\\ud800": 2', "ud800"),
    ],
)
def test_a_field_that_is_there_twice_makes_the_notice_unreadable(once: str, twice: str, name: str) -> None:
    body = json.dumps(INVOICE).replace(once, twice)
    assert body != json.dumps(INVOICE)
    with pytest.raises(WebhookUnreadableError, match=f"{name}.* twice") as caught:
        read_bytes(body.encode())
    str(caught.value).encode()


def test_a_very_long_field_name_does_not_fill_the_log() -> None:
    name = "a" * 100_000
    with pytest.raises(WebhookUnreadableError, match="twice") as caught:
        read_bytes(f'{{"{name}":1,"{name}":2}}'.encode())
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("date", ["0001-01-01 00:00:00+23:59", "9999-12-31 23:59:59-23:59"])
def test_a_date_whose_offset_leads_out_of_the_calendar_is_at_its_end(date: str) -> None:
    # It is for whoever knows when it was told to see that it cannot be right.
    seen = snapshot(read(invoice(transactions=[transaction(date=date)])))
    assert seen.transfers[0].occurred_at == datetime.fromisoformat(date[:19]).replace(tzinfo=UTC)


def test_a_date_with_an_offset_is_the_same_moment_in_utc() -> None:
    seen = snapshot(read(invoice(transactions=[transaction(date="2024-06-25 17:45:38+02:00")])))
    moment = seen.transfers[0].occurred_at
    assert moment is not None
    assert moment.isoformat() == "2024-06-25T15:45:38+00:00"


def test_of_two_transactions_with_one_hash_both_are_told_of_unless_they_are_the_same() -> None:
    twice = [transaction(amount_fiat="1"), transaction(amount_fiat="2"), transaction(amount_fiat="2")]
    told = snapshot(read(invoice(transactions=twice)))
    assert [transfer.value for transfer in told.transfers] == [Decimal(1), Decimal(2)]
    assert told.proven is None


@pytest.mark.parametrize("trigger", [True, False])
def test_a_transaction_that_is_there_twice_is_the_same_as_one_that_is_there_once(trigger: bool) -> None:
    one = transaction(trigger=trigger)
    assert read(invoice(transactions=[one, one])).observation == read(invoice(transactions=[one])).observation


any_text = st.text(st.characters() | st.characters(categories=["Cs"]))  # lone surrogates too
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(any_text, children, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from([INVOICE, UNCONFIRMED]), st.data())
def test_any_field_may_hold_anything_and_only_one_error_comes_of_it(notice: dict[str, Any], data: Any) -> None:
    name = data.draw(st.sampled_from(sorted(notice)))
    with suppress(WebhookUnreadableError):
        read({**notice, name: data.draw(json_values)})


@given(st.sampled_from(sorted(TRANSACTION)), json_values)
def test_a_transactions_field_may_hold_anything_too(name: str, value: object) -> None:
    with suppress(WebhookUnreadableError):
        read(invoice(transactions=[transaction(**{name: value})]))


@given(st.from_regex(r"-?[0-9]{1,3}(\.[0-9]{1,3})?[eE][+-]?[0-9]{1,25}", fullmatch=True))
def test_a_number_may_have_any_exponent(number: str) -> None:
    body = json.dumps(INVOICE).replace('"balance_fiat": "7.8"', f'"balance_fiat": {number}')
    with suppress(WebhookUnreadableError):
        read_bytes(body.encode())


@given(json_values)
def test_any_json_is_unreadable_and_no_other_error_comes_of_it(content: object) -> None:
    with pytest.raises(WebhookUnreadableError):
        read(content)


@given(st.binary())
def test_any_bytes_are_unreadable_and_no_other_error_comes_of_them(body: bytes) -> None:
    with pytest.raises(WebhookUnreadableError):
        read_bytes(body)


def test_the_reader_does_not_show_its_keys() -> None:
    assert KEY not in repr(READER)


@pytest.mark.parametrize(("external_id", "name"), [("out_1", "out_1"), (435345534, "435345534"), (None, None)])
def test_a_payout_notice_says_that_it_has_arrived_and_by_what(external_id: object, name: str | None) -> None:
    body = json.dumps({**PAYOUT, "external_id": external_id, "tx_hash": " AF73\n"}).encode()
    reading, again = read_any(body), read_any(body)
    assert isinstance(reading, PayoutReading)
    assert reading == again
    assert (reading.external_id, reading.coin) == (name, "XRP")
    stated = Stated(coin="XRP", amount=Decimal(2))
    booked = [] if name is None else [PayoutBooked(external_id=name, provider_id="14", stated=stated)]
    sent = PayoutSent(tx_hashes=("AF73",), stated=stated)
    assert reading.observations == (sent, PayoutConfirmed(stated=stated), *booked)


def test_a_notice_of_a_token_of_tron_says_by_what_it_was_sent_and_not_that_it_moved_anything() -> None:
    reading = read_any(json.dumps({**PAYOUT, "external_id": "out_1", "crypto": "USDT"}).encode())
    assert isinstance(reading, PayoutReading)
    assert [one.kind for one in reading.observations] == ["payout-sent", "payout-booked"]
