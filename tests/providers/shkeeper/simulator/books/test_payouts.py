"""The local SHKeeper pays out as the real one does, with its traps."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from providers.shkeeper.simulator.books.payouts import Outcome, PayoutBooks
from providers.shkeeper.simulator.terms.daemons import Daemons, State
from providers.shkeeper.simulator.terms.refusals import CrashedError, RefusedError, ThrownError

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
URL = "http://bridge.example/webhooks/shkeeper"
ONE = {"amount": "5", "destination": "0xA", "fee": "0", "external_id": "p1", "callback_url": URL}


def part(number: int, destination: str) -> dict[str, str]:
    return {"dest": destination, "amount": "5", "external_id": f"p{number}", "callback_url": URL}


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def daemons() -> Daemons:
    return Daemons()


@pytest.fixture
def books(daemons: Daemons) -> PayoutBooks:
    return PayoutBooks(daemons=daemons, task_seconds=10, confirm_seconds=20)


def sent_to(books: PayoutBooks) -> list[str]:
    return [money.destination for money in books.sent]


def test_a_payout_is_pending_then_sent_then_arrived(books: PayoutBooks) -> None:
    task_id = books.pay_out("ETH-USDT", ONE, NOW)["task_id"]
    assert books.tick(after(9)) == []
    assert books.task("ETH-USDT", task_id) == {"status": "PENDING", "result": None}
    assert books.tick(after(10)) == []
    [money] = books.sent
    assert books.task("ETH-USDT", task_id) == {
        "status": "SUCCESS",
        "result": [{"dest": "0xA", "amount": "5.0", "status": "success", "txids": [money.txid]}],
    }
    status = books.status("ETH-USDT", "p1")
    assert status is not None
    assert (status["status"], status["txid"]) == ("IN_PROGRESS", money.txid)
    [arrived] = books.tick(after(30))
    assert arrived.notice(Decimal(1)) == {
        "amount": "5.0000000000",
        "amount_fiat": "5.00000000000000000000",
        "crypto": "ETH-USDT",
        "currency_fiat": "USD",
        "external_id": "p1",
        "payout_id": 1,
        "status": "SUCCESS",
        "timestamp": "2026-01-01T12:00:00",
        "tx_hash": money.txid,
    }
    assert books.tick(after(31)) == []


@pytest.mark.parametrize(
    ("coin", "destination", "besides"),
    [
        ("FIRO", "a1", {"error": None, "id": "shkeeper"}),
        ("BTC-LIGHTNING", "lnbc1", {"error": None}),
        ("XMR", "8" * 95, {"error": None}),
    ],
)
def test_some_wallets_answer_with_the_transaction(
    books: PayoutBooks, coin: str, destination: str, besides: dict[str, str | None]
) -> None:
    answer = books.pay_out(coin, ONE | {"destination": destination}, NOW)
    txid = books.sent[0].txid
    assert answer == {"result": [txid] if coin == "XMR" else txid, "external_id": "p1"} | besides
    assert [payout.external_id for payout in books.tick(after(20))] == ["p1"]
    with pytest.raises(RefusedError, match="has no attribute 'multipayout'"):
        books.pay_out_many(coin, [part(2, destination)], NOW)
    with pytest.raises(CrashedError):
        books.task(coin, "t1")
    assert len(books.sent) == 1


def test_an_external_id_is_taken_once(books: PayoutBooks) -> None:
    books.pay_out("BTC", ONE, NOW)
    with pytest.raises(RefusedError, match="already exists: p1"):
        books.pay_out("BTC", ONE, NOW)
    books.tick(after(10))
    assert len(books.sent) == 1


def test_a_batch_is_sent_before_anyone_looks_for_duplicates(books: PayoutBooks) -> None:
    books.pay_out("LTC", ONE, NOW)
    with pytest.raises(RefusedError, match="already exists: p1"):
        books.pay_out_many("LTC", [part(2, "0xB"), part(1, "0xC")], NOW)
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
    assert [payout.txids for payout in books.payouts] == [[books.sent[1].txid]] * 2


@pytest.mark.parametrize(
    ("outcome", "task", "status", "is_sent"),
    [
        (Outcome.ARRIVES, "SUCCESS", "SUCCESS", True),
        (Outcome.UNCONFIRMED, "SUCCESS", "IN_PROGRESS", True),
        (Outcome.FAILS, "FAILURE", "FAIL", False),
        (Outcome.FAILS_HALFWAY, "FAILURE", "FAIL", False),
        (Outcome.SENT_AND_FAILS, "FAILURE", "FAIL", True),
        (Outcome.REFUSED, "SUCCESS", "IN_PROGRESS", False),
        (Outcome.REVERTS, "SUCCESS", "IN_PROGRESS", False),
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
    assert books.task("ETH-USDT", task_id)["status"] == task
    found = books.status("ETH-USDT", "p1")
    assert found is not None
    assert found["status"] == status
    assert bool(books.sent) is is_sent


def test_more_than_there_is_cannot_be_sent(books: PayoutBooks) -> None:
    task_id = books.pay_out("ETH-USDT", ONE | {"amount": "2000000"}, NOW)["task_id"]
    books.tick(after(10))
    assert "Have not enough tokens" in books.task("ETH-USDT", task_id)["result"]
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


def test_a_batch_can_be_sent_in_part(books: PayoutBooks) -> None:
    books.outcomes["0xb"] = Outcome.FAILS_HALFWAY
    task_id = books.pay_out_many("ETH-USDT", [part(1, "0xA"), part(2, "0xB"), part(3, "0xC")], NOW)["task_id"]
    books.tick(after(10))
    assert books.task("ETH-USDT", task_id)["status"] == "FAILURE"
    assert sent_to(books) == ["0xA"]
    assert {payout.status for payout in books.payouts} == {"FAIL"}
    assert not any(payout.txids for payout in books.payouts)


def test_a_coin_of_an_evm_chain_that_is_reverted_is_called_a_success(books: PayoutBooks) -> None:
    books.outcomes["0xa"] = Outcome.REVERTS
    task_id = books.pay_out("ETH", ONE, NOW)["task_id"]
    books.tick(after(10))
    books.tick(after(60))
    assert [result["status"] for result in books.task("ETH", task_id)["result"]] == ["success"]
    assert (books.payouts[0].status, books.sent) == ("SUCCESS", [])


def test_a_transfer_that_is_reverted_has_a_hash_and_moved_nothing(books: PayoutBooks) -> None:
    books.outcomes["ta"] = Outcome.REVERTS
    task_id = books.pay_out("USDT", ONE | {"destination": "TA"}, NOW)["task_id"]
    books.tick(after(10))
    [result] = books.task("USDT", task_id)["result"]
    assert (result["status"], result["message"][:8], result["details"]["id"]) == (
        "error",
        "FAILED: ",
        *result["txids"],
    )
    assert books.sent == []
    assert books.payouts[0].txids == result["txids"]


@pytest.mark.parametrize(
    ("coin", "said"),
    [
        ("ETH-USDT", {"status": "error", "msg": "no"}),
        ("XMR", {"result": None, "error": {"message": "no"}}),
        ("FIRO", {"result": None, "error": {"code": -1, "message": "no"}, "id": "shkeeper"}),
    ],
)
def test_what_a_daemon_declines_is_written_down_all_the_same(
    books: PayoutBooks, coin: str, said: dict[str, object]
) -> None:
    books.outcomes["0xa"], books.messages["0xa"] = Outcome.DECLINED, "no"
    assert books.pay_out(coin, ONE, NOW) == said | {"external_id": "p1"}
    books.tick(after(100))
    found = books.status(coin, "p1")
    assert found is not None
    assert (found["status"], found["txid"], books.sent) == ("IN_PROGRESS", None, [])


def test_a_batch_that_is_declined_is_written_down_and_an_empty_one_declined(books: PayoutBooks) -> None:
    books.outcomes["0xa"] = Outcome.DECLINED
    answer = books.pay_out_many("ETH-USDT", [part(1, "0xA"), part(2, "0xB")], NOW)
    assert (answer["status"], answer["external_ids"]) == ("error", ["p1", "p2"])
    assert len(books.payouts) == 2
    assert books.pay_out_many("ETH-USDT", [], NOW)["msg"] == "Payout list is empty!"


def test_who_is_asked_again_after_a_time_out_sends_again(daemons: Daemons, books: PayoutBooks) -> None:
    daemons.by_coin["ETH-USDT"].state = State.SENDS_AND_HANGS
    with pytest.raises(ThrownError, match="Read timed out") as refusal:
        books.pay_out("ETH-USDT", ONE, NOW)
    assert refusal.value.seconds == 10
    assert books.status("ETH-USDT", "p1") is None
    daemons.by_coin["ETH-USDT"].state = State.WELL
    books.tick(after(10))
    books.pay_out("ETH-USDT", ONE, after(30))
    books.tick(after(40))
    assert sent_to(books) == ["0xA", "0xA"]


@pytest.mark.parametrize("several", [True, False])
def test_from_august_2026_on_a_payout_is_written_down_first_and_fail_if_nobody_answers(
    daemons: Daemons, books: PayoutBooks, several: bool
) -> None:
    books.reserves = True
    daemons.by_coin["LTC"].state = State.SENDS_AND_HANGS

    def ask() -> None:
        if several:
            books.pay_out_many("LTC", [part(1, "0xA"), part(2, "0xB")], NOW)
        else:
            books.pay_out("LTC", ONE, NOW)

    with pytest.raises(ThrownError, match="Read timed out"):
        ask()
    assert {payout.status for payout in books.payouts} == {"FAIL"}
    with pytest.raises(RefusedError, match="already exists: p1"):
        ask()
    books.tick(after(10))
    assert sent_to(books) == (["0xA", "0xB"] if several else ["0xA"])


@pytest.mark.parametrize(
    ("coins", "seconds", "arrived"),
    [
        (("ETH", "ETH-USDT"), 19, ["0xB"]),
        (("ETH", "ETH-USDT"), 20, ["0xA", "0xB"]),
        (("TON", "TON-USDT"), 19, ["0xB"]),
        (("ETH", "BNB"), 0, ["0xA", "0xB"]),
        (("USDT", "USDT"), 0, ["0xA", "0xB"]),
    ],
)
def test_what_no_block_holds_yet_is_replaced_by_what_its_wallet_sends_next(
    books: PayoutBooks, coins: tuple[str, str], seconds: float, arrived: list[str]
) -> None:
    first, second = coins
    task_id = books.pay_out(first, ONE, NOW)["task_id"]
    books.tick(after(10))
    books.pay_out(second, ONE | {"external_id": "p2", "destination": "0xB"}, after(seconds))
    books.tick(after(10 + seconds))
    assert books.task(first, task_id)["status"] == "SUCCESS"
    for later in (100, 200):
        books.tick(after(later))
    assert [payout.destination for payout in books.payouts if payout.status == "SUCCESS"] == arrived
    assert sent_to(books) == arrived
    assert len(books.replaced) == 2 - len(arrived)


@pytest.mark.parametrize("state", [State.DOWN, State.HANGS])
def test_without_a_daemon_nothing_is_sent_and_nobody_knows_of_tasks(
    daemons: Daemons, books: PayoutBooks, state: State
) -> None:
    daemons.by_coin["ETH-USDT"].state = state
    with pytest.raises(ThrownError):
        books.pay_out("ETH-USDT", ONE, NOW)
    with pytest.raises(CrashedError):
        books.task("ETH-USDT", "t1")
    books.tick(after(100))
    assert (books.sent, books.payouts) == ([], [])
    assert books.pay_out("ETH", ONE, NOW)["task_id"]


def test_what_a_daemon_names_otherwise_is_never_found(books: PayoutBooks) -> None:
    x_address, classic = "X7AcgcsBL6XDcUb289X4mJ8djcdyKaB5hJDWMArnXr61cqZ", "r9cZA1mLK5R5Am25ArfXFmqgNwjZgnfk59"
    task_id = books.pay_out("XRP", ONE | {"destination": x_address}, NOW)["task_id"]
    books.tick(after(60))
    assert books.task("XRP", task_id)["result"][0]["dest"] == classic
    assert (books.payouts[0].status, books.payouts[0].txids) == ("IN_PROGRESS", [])


def test_what_became_of_payouts_is_seen_in_rounds(daemons: Daemons) -> None:
    books = PayoutBooks(daemons=daemons, task_seconds=0, confirm_seconds=0, poll_seconds=60)
    books.tick(NOW)
    books.pay_out("ETH-USDT", ONE, NOW)
    books.tick(after(59))
    assert books.sent
    assert not books.payouts[0].txids
    assert books.tick(after(60)) == []
    assert books.payouts[0].txids
    assert books.tick(after(120)) == books.payouts


def test_a_transaction_with_one_confirmation_has_not_arrived(daemons: Daemons, books: PayoutBooks) -> None:
    daemons.by_coin["ETH-USDT"].payout_confirmations = 1
    books.pay_out("ETH-USDT", ONE, NOW)
    books.tick(after(10))
    assert books.tick(after(100)) == []
    daemons.by_coin["ETH-USDT"].payout_confirmations = 2
    assert books.tick(after(101)) == books.payouts


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"callback_url": "bridge.example/hook"}, "Invalid callback_url: bridge"),
        ({"callback_url": "ftp://bridge.example/hook"}, "Invalid callback_url scheme"),
        ({"destination": "https://bridge.example/x"}, "Expecting value"),
        ({"amount": "two"}, "ConversionSyntax"),
    ],
)
def test_what_makes_no_sense_is_refused(books: PayoutBooks, change: dict[str, str], words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        books.pay_out("ETH-USDT", ONE | change, NOW)
    assert books.tasks == {}
