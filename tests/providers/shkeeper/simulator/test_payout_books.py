"""The local SHKeeper pays out as the real one does, with its traps."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from providers.shkeeper.simulator.invoice_books import RefusedError
from providers.shkeeper.simulator.payout_books import Outcome, PayoutBooks

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
URL = "http://bridge.example/webhooks/shkeeper"
ONE = {"amount": "5", "destination": "0xA", "fee": "0", "external_id": "p1", "callback_url": URL}


def part(number: int, destination: str) -> dict[str, str]:
    return {"dest": destination, "amount": "5", "external_id": f"p{number}", "callback_url": URL}


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def books() -> PayoutBooks:
    return PayoutBooks(task_seconds=10, confirm_seconds=20)


def sent_to(books: PayoutBooks) -> list[str]:
    return [money.destination for money in books.sent]


def test_a_payout_is_pending_then_sent_then_arrived(books: PayoutBooks) -> None:
    task_id = books.pay_out("ETH-USDT", ONE, NOW)["task_id"]
    assert books.tick(after(9)) == []
    assert books.task(task_id) == {"status": "PENDING", "result": None}
    assert books.tick(after(10)) == []
    [money] = books.sent
    assert books.task(task_id) == {
        "status": "SUCCESS",
        "result": [{"dest": "0xA", "amount": "5", "status": "success", "txids": [money.txid]}],
    }
    status = books.status("ETH-USDT", "p1")
    assert status is not None
    assert (status["status"], status["txid"]) == ("IN_PROGRESS", money.txid)
    [arrived] = books.tick(after(30))
    assert arrived.notice(NOW) == {
        "amount": "5",
        "amount_fiat": "5.00",
        "crypto": "ETH-USDT",
        "currency_fiat": "USD",
        "external_id": "p1",
        "payout_id": 1,
        "status": "SUCCESS",
        "timestamp": "2026-01-01T12:00:00",
        "tx_hash": money.txid,
    }
    assert books.tick(after(31)) == []


def test_wallets_like_bitcoins_answer_with_the_transaction(books: PayoutBooks) -> None:
    answer = books.pay_out("BTC", ONE, NOW)
    assert answer == {"result": [books.sent[0].txid], "external_id": "p1"}
    assert [payout.external_id for payout in books.tick(after(20))] == ["p1"]


def test_an_external_id_is_taken_once(books: PayoutBooks) -> None:
    books.pay_out("BTC", ONE, NOW)
    with pytest.raises(RefusedError, match="already exists: p1"):
        books.pay_out("BTC", ONE, NOW)
    assert len(books.sent) == 1


def test_a_batch_is_sent_before_anyone_looks_for_duplicates(books: PayoutBooks) -> None:
    books.pay_out("ETH-USDT", ONE, NOW)
    with pytest.raises(RefusedError, match="already exists: p1"):
        books.pay_out_many("ETH-USDT", [part(2, "0xB"), part(1, "0xC")], NOW)
    books.tick(after(10))
    assert sent_to(books) == ["0xA", "0xB", "0xC"]


def test_money_can_go_without_being_written_down(books: PayoutBooks) -> None:
    books.pay_out("ETH-USDT", ONE, NOW, writes_down=False)
    books.tick(after(10))
    assert sent_to(books) == ["0xA"]
    assert books.status("ETH-USDT", "p1") is None


def test_two_payouts_of_a_batch_to_one_address_are_mixed_up(books: PayoutBooks) -> None:
    books.pay_out_many("ETH-USDT", [part(1, "0xA"), part(2, "0xa")], NOW)
    books.tick(after(10))
    assert [len(payout.txids) for payout in books.payouts] == [2, 0]


@pytest.mark.parametrize(
    ("outcome", "task", "status", "is_sent"),
    [
        (Outcome.ARRIVES, "SUCCESS", "SUCCESS", True),
        (Outcome.UNCONFIRMED, "SUCCESS", "IN_PROGRESS", True),
        (Outcome.FAILS, "FAILURE", "FAIL", False),
        (Outcome.REFUSED, "SUCCESS", "FAIL", False),
        (Outcome.STUCK, "PENDING", "IN_PROGRESS", False),
    ],
)
def test_every_outcome_is_what_its_name_says(
    books: PayoutBooks, outcome: Outcome, task: str, status: str, is_sent: bool
) -> None:
    books.outcomes["0xa"] = outcome
    task_id = books.pay_out("ETH-USDT", ONE, NOW)["task_id"]
    books.tick(after(10))
    books.tick(after(60))
    assert books.task(task_id)["status"] == task
    found = books.status("ETH-USDT", "p1")
    assert found is not None
    assert found["status"] == status
    assert bool(books.sent) is is_sent


def test_more_than_there_is_cannot_be_sent(books: PayoutBooks) -> None:
    task_id = books.pay_out("ETH-USDT", ONE | {"amount": "2000000"}, NOW)["task_id"]
    books.tick(after(10))
    assert "Have not enough tokens" in books.task(task_id)["result"]
    assert books.sent == []
    books.pay_out("ETH-USDT", ONE | {"external_id": "p2"}, NOW)
    books.tick(after(20))
    assert books.balance("ETH-USDT") == Decimal(999_995)


def test_a_payout_is_followed_for_one_day_only(books: PayoutBooks) -> None:
    books.pay_out("ETH-USDT", ONE, NOW)
    books.tick(after(10))
    assert books.tick(NOW + timedelta(days=1)) == []


@pytest.mark.parametrize("missing", ["amount", "destination", "fee"])
def test_a_missing_field_is_refused(books: PayoutBooks, missing: str) -> None:
    content = {name: value for name, value in ONE.items() if name != missing}
    with pytest.raises(RefusedError, match=missing):
        books.pay_out("ETH-USDT", content, NOW)
    assert books.tasks == {}


def test_what_is_no_batch_and_no_coin_is_refused(books: PayoutBooks) -> None:
    with pytest.raises(RefusedError, match="array"):
        books.pay_out_many("ETH-USDT", ONE, NOW)
    with pytest.raises(RefusedError, match="Unknown crypto: NOPE"):
        books.pay_out("NOPE", ONE, NOW)
