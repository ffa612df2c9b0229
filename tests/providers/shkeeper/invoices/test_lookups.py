"""What a look-up says of an invoice: each part that cannot be read is left out and said, and hides nothing else."""

from typing import Any

import pytest

from coordinator.payments.deciding.evidence import LookedUpInvoice
from coordinator.payments.observed.observations import InvoiceSnapshot, InvoiceUnreadable, TransferSeen
from providers.shkeeper.invoices.lookups import looked_up


def transaction(**changes: Any) -> dict[str, Any]:
    fields = {"txid": "0x1", "crypto": "ETH-USDT", "addr": "0x86", "amount": "102", "status": "CONFIRMED"}
    return {name: value for name, value in (fields | changes).items() if value is not ...}


def read(*transactions: object, **changes: Any) -> LookedUpInvoice:
    fields = {"external_id": "pay_1", "fiat": "USD", "amount_fiat": "100", "balance_fiat": "102", "status": "PAID"}
    content = {**fields, "txs": list(transactions), **changes}
    return looked_up({name: value for name, value in content.items() if value is not ...}, {})


def test_a_whole_answer_leaves_nothing_out() -> None:
    invoice = read(transaction(), transaction(txid="0x2", amount="1", status="UNCONFIRMED"))
    seen, snapshot = invoice.observations
    assert isinstance(seen, TransferSeen)
    assert isinstance(snapshot, InvoiceSnapshot)
    assert (invoice.name, snapshot.unreadable, snapshot.places) == ("pay_1", (), {"0x1": "0x86", "0x2": "0x86"})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (transaction(txid="0x2", amount="-1"), "txs.1.amount: an amount is"),
        (transaction(txid="0x2", amount="NaN"), "txs.1.amount: an amount is"),
        (transaction(txid=""), "txs.1.txid: "),
        (transaction(txid=None), "txs.1.txid: "),
        (transaction(txid="0x2", status="ORPHANED"), "txs.1.status: "),
        (transaction(txid="0x2", status=...), "txs.1.status: "),
        (transaction(txid="0X1"), "txs.1.txid: stands there twice"),
        ("0x2", "txs.1"),
        (None, "txs.1"),
    ],
)
def test_a_transaction_that_cannot_be_read_does_not_hide_one_that_can(content: object, said: str) -> None:
    [snapshot] = read(transaction(), content).observations
    assert isinstance(snapshot, InvoiceSnapshot)
    assert [one.transfer_id for one in snapshot.transfers] == ["0x1"]
    [what] = snapshot.unreadable
    assert what.startswith(said)


def test_of_a_transaction_that_stands_there_twice_the_smaller_amount_is_taken() -> None:
    for first, second in (("51", "102"), ("102", "51")):
        [snapshot] = read(transaction(amount=first), transaction(amount=second)).observations
        assert isinstance(snapshot, InvoiceSnapshot)
        assert [one.amount for one in snapshot.transfers] == [51]


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "FOOBAR"},
        {"status": "OUTGOING"},
        {"txs": None},
        {"txs": ...},
        {"amount_fiat": ...},
        {"amount_fiat": "1E+400"},
        {"balance_fiat": None},
        {"balance_fiat": "-1"},
        {"external_id": ...},
        {"fiat": ""},
    ],
)
def test_an_invoice_that_cannot_be_read_says_so_and_shows_nothing_of_its_values(changes: dict[str, Any]) -> None:
    invoice = read(transaction(), **changes)
    [unreadable] = invoice.observations
    assert isinstance(unreadable, InvoiceUnreadable)
    assert unreadable.what[0].startswith(next(iter(changes)))
    assert "FOOBAR" not in unreadable.what[0]
    assert (invoice.currency, invoice.agreed) == (None, None)


def test_where_nothing_came_what_cannot_be_read_is_said_all_the_same() -> None:
    [unreadable] = read(transaction(amount="x"), balance_fiat="0", status="UNPAID").observations
    assert isinstance(unreadable, InvoiceUnreadable)


def test_a_place_that_is_not_told_is_known_to_be_missing() -> None:
    for address in (..., None, ""):
        assert read(transaction(addr=address)).places == {"0x1": None}
    assert read(transaction(crypto="BTC-LIGHTNING", addr="lnbc1")).places == {}
