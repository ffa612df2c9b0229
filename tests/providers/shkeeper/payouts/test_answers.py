"""Every answer about a payout that was recorded or read, and what it proves: never more than is certain."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.payouts.decisions import decide_payout
from coordinator.payouts.observations import (
    PayoutConfirmed,
    PayoutFailed,
    PayoutInDoubt,
    PayoutObservation,
    PayoutReverted,
    PayoutSent,
    PayoutUnclear,
)
from coordinator.payouts.payouts import Payout, PayoutFacts
from coordinator.payouts.statuses import PayoutStatus
from providers.answers import HttpAnswer
from providers.errors import CredentialsRefusedError, RefusedTogetherError
from providers.shkeeper.payouts.answers import StatusAnswer, TaskAnswer, answered, of_status, of_task
from tests.made_destinations import destination, x_address, xrp

NOW = datetime(2026, 5, 1, tzinfo=UTC)
NOT_SENT, UNCLEAR = PayoutFailed, PayoutUnclear


def payout(parts: int = 1, *, asked_at: datetime | None = NOW) -> Payout:
    return Payout(
        payout_id="out_1",
        provider="shkeeper",
        payment_id="pay_1",
        seller_id="s1",
        destination="0xAb",
        coin="USDT",
        amount=Decimal("48.90"),
        created_at=NOW,
        batch_id=None if parts == 1 else "b",
        facts=PayoutFacts(attempts=1, known=True, task_id="t1", parts=parts, asked_at=asked_at),
    )


NAMES = ["out_1", "out_2"]


def answer(status: int, content: object, payouts: int = 1) -> type[PayoutObservation] | type[RefusedTogetherError]:
    try:
        return type(answered(HttpAnswer(status, json.dumps(content).encode()), NAMES[:payouts]))
    except RefusedTogetherError:
        return RefusedTogetherError


def shkeeper(message: str) -> tuple[int, dict[str, Any]]:
    return 500, {"status": "error", "message": message}


def daemon(words: str) -> tuple[int, dict[str, Any]]:
    return 200, {"status": "error", "msg": words, "external_id": "out_1"}


def wallet(words: str, code: int | None = None) -> tuple[int, dict[str, Any]]:
    return 200, {"result": None, "error": {"message": words} | ({} if code is None else {"code": code})}


DOWN = (
    "HTTPConnectionPool(host='tron', port=6000): Max retries exceeded with url: /USDT/payout/T1/2/0 (Caused by"
    " NewConnectionError('<urllib3.connection.HTTPConnection object at 0x7f>: Failed to establish a new connection:"
    " [Errno 111] Connection refused'))"
)


@pytest.mark.parametrize(
    ("said", "alone", "among_several"),
    [
        # SHKeeper itself
        (shkeeper("Unknown crypto: NOPE"), NOT_SENT, RefusedTogetherError),
        (shkeeper("400 Bad Request: The browser sent a request"), NOT_SENT, RefusedTogetherError),
        (shkeeper("'firo' object has no attribute 'multipayout'"), NOT_SENT, RefusedTogetherError),
        (shkeeper(DOWN), NOT_SENT, RefusedTogetherError),
        (shkeeper("Invalid callback_url scheme: ftp://x"), NOT_SENT, UNCLEAR),
        (shkeeper("'fee'"), NOT_SENT, UNCLEAR),
        (shkeeper("[<class 'decimal.ConversionSyntax'>]"), NOT_SENT, UNCLEAR),
        (shkeeper("'fee_satoshi'"), NOT_SENT, UNCLEAR),
        (shkeeper("Payout with this external_id already exists: out_1"), UNCLEAR, UNCLEAR),
        (
            shkeeper("HTTPConnectionPool(host='tron', port=6000): Read timed out. (read timeout=10)"),
            UNCLEAR,
            UNCLEAR,
        ),
        (
            shkeeper("('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))"),
            UNCLEAR,
            UNCLEAR,
        ),
        (shkeeper("Expecting value: line 1 column 1 (char 0)"), UNCLEAR, UNCLEAR),
        (shkeeper("(sqlite3.OperationalError) database is locked"), UNCLEAR, UNCLEAR),
        ((500, {"code": 500, "status": "Internal Server Error"}), UNCLEAR, UNCLEAR),
        # a coin's daemon
        (daemon("authorization requred"), NOT_SENT, RefusedTogetherError),
        (daemon("Bad destination address in {'dest': '0xbad'}"), NOT_SENT, RefusedTogetherError),
        (
            daemon("Not enough TRX tokens at fee-deposit account <x> to pay payout fees. Has: 0, need: 80"),
            NOT_SENT,
            RefusedTogetherError,
        ),
        (daemon(DOWN), UNCLEAR, UNCLEAR),  # its node is down, and nobody says at which step
        (daemon("Error 111 connecting to redis:6379. Connection refused."), UNCLEAR, UNCLEAR),
        # wallets that send at once
        (wallet("Insufficient funds", -6), NOT_SENT, UNCLEAR),
        (wallet("Error: Please enter the wallet passphrase with walletpassphrase first.", -13), NOT_SENT, UNCLEAR),
        (wallet("The transaction was rejected", -4), UNCLEAR, UNCLEAR),
        (wallet("not enough money"), NOT_SENT, UNCLEAR),
        (wallet("Payment error: 'no_route'"), NOT_SENT, UNCLEAR),
        (wallet("Payment error: 'timeout'"), UNCLEAR, UNCLEAR),
        (
            wallet("Unknown result: {'code': 2, 'message': 'invoice is already paid', 'details': []}"),
            UNCLEAR,
            UNCLEAR,
        ),
        ((200, {"status": "success"}), UNCLEAR, UNCLEAR),
        ((200, {"result": None, "error": None}), UNCLEAR, UNCLEAR),
        ((200, {"result": ""}), UNCLEAR, UNCLEAR),
        # The same words of somebody else, or with something behind them.
        (daemon("not enough money"), UNCLEAR, UNCLEAR),
        (wallet("Payment error: 'no_route' at the second of two parts"), UNCLEAR, UNCLEAR),
        (shkeeper("authorization requred"), UNCLEAR, UNCLEAR),
        ((200, {"status": "error", "message": "Unknown crypto: NOPE"}), UNCLEAR, UNCLEAR),
    ],
)
def test_what_an_answer_to_an_order_proves(said: tuple[int, object], alone: object, among_several: object) -> None:
    assert (answer(*said), answer(*said, payouts=2)) == (alone, among_several)


def test_a_string_is_a_transaction_too_and_of_several_nobody_knows_whose() -> None:
    for result in ("0x1", ["0x1"]):
        told = answered(HttpAnswer(200, json.dumps({"result": result, "error": None}).encode()), ["out_1"])
        assert told == PayoutSent(tx_hashes=("0x1",))
        assert answer(200, {"result": result}, payouts=2) is PayoutUnclear


def test_the_reason_is_read_wherever_it_stands() -> None:
    for status, content in (shkeeper("out of ink"), daemon("out of ink"), wallet("out of ink")):
        told = answered(HttpAnswer(status, json.dumps(content).encode()), ["out_1"])
        assert isinstance(told, PayoutUnclear)
        assert told.reason == f"SHKeeper answered {status}: out of ink"


def test_no_secret_of_an_answer_is_repeated() -> None:
    words = "500 Server Error for url: https://toncenter/sendBoc?api_key=abc123&x=1, http://rpc:hunter2@node:8545/"
    told = answered(HttpAnswer(500, json.dumps({"status": "error", "message": words}).encode()), ["out_1"])
    assert isinstance(told, PayoutUnclear)
    assert "abc123" not in told.reason
    assert "hunter2" not in told.reason
    [doubt] = of_task(payout(), TaskAnswer(status="FAILURE", result=words), NOW)
    assert isinstance(doubt, PayoutInDoubt)
    assert not {"abc123", "hunter2"} & set(doubt.reason.replace("=", " ").replace(":", " ").replace("@", " ").split())


@pytest.mark.parametrize(
    ("status", "location"), [(200, ""), (401, ""), (302, "/login"), (307, "https://pay/login?x")]
)
def test_what_is_turned_away_at_the_door_says_so(status: int, location: str) -> None:
    content = b"" if location else json.dumps({"message": "Bad HTTP Basic Auth credentials"}).encode()
    with pytest.raises(CredentialsRefusedError):
        answered(HttpAnswer(status, content, location=location), ["out_1"])


@pytest.mark.parametrize("location", ["", "/", "https://pay.example/USDT/payout", "/login/done", "http://["])
def test_a_way_to_anywhere_else_than_the_login_page_is_unclear(location: str) -> None:
    assert isinstance(answered(HttpAnswer(302, b"", location=location), ["out_1"]), PayoutUnclear)


BEFORE_SENDING = [
    "Have not enough tokens on fee account, need 300 have 0.25",
    "Have not enough crypto on fee account, need 0.000441 have 0.000013",
    "Have not enough crypto on fee account, need 51 have 4.5. Please note that 51 includes 1 which is reserved by the"
    " account and cannot be sent and network fee for all transactions.",
    "Have not enough crypto on fee account, need 9.0132 have 0.4",
    "Wallet balance is less than payout amount: 3.1 < 480",
    "Address rNotAnAddress is not valid XRPL address",
    "Not enough unspent transaction outputs found",
]
MAYBE_AFTER = [
    "timeout and can not find the transaction",
    "'str' object has no attribute 'result'",
    "{'code': -32000, 'message': 'replacement transaction underpriced'}",
    "{'code': -32000, 'message': 'already known'}",
    "Worker exited prematurely: signal 9 (SIGKILL) Job: 3.",
    "Provider call failed for 'sendrawtransaction': timed out",
    "execution reverted",
    "",
    "first: Have not enough tokens on fee account, need 300 have 0.25",
    "Wallet balance is less than payout amount: 3.1 < 480 after the first",
]


@pytest.mark.parametrize("words", BEFORE_SENDING)
def test_what_a_task_for_one_raises_before_it_sends_proves_that_nothing_was(words: str) -> None:
    [told] = of_task(payout(), TaskAnswer(status="FAILURE", result=words), NOW + timedelta(minutes=49))
    assert isinstance(told, PayoutFailed)
    assert words in told.reason


@pytest.mark.parametrize(
    ("words", "parts", "minutes"),
    [
        *((words, 1, 0) for words in MAYBE_AFTER),
        # Of several it may be raised at the second.
        *((words, 2, 0) for words in BEFORE_SENDING),
        # A task that waited for an hour is handed out again, and its second run may be what failed.
        *((words, 1, 50) for words in BEFORE_SENDING),
    ],
)
def test_whatever_else_a_task_raises_proves_nothing(words: str, parts: int, minutes: int) -> None:
    [told] = of_task(payout(parts), TaskAnswer(status="FAILURE", result=words), NOW + timedelta(minutes=minutes))
    assert isinstance(told, PayoutInDoubt)


@given(st.text(max_size=80))
def test_no_other_words_are_a_proof(words: str) -> None:
    [told] = of_task(payout(), TaskAnswer(status="FAILURE", result=words), NOW)
    assert isinstance(told, PayoutInDoubt)
    for said in (shkeeper(words), daemon(words), wallet(words)):
        assert answer(*said) is PayoutUnclear
        assert answer(*said, payouts=3) is PayoutUnclear


def reverted(*, seconds_ago: float, **details: object) -> TaskAnswer:
    shown = {
        "blockNumber": 64120811,
        "blockTimeStamp": int((NOW.timestamp() - seconds_ago) * 1000),
        "contract_address": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
        "receipt": {"energy_usage_total": 64285, "result": "OUT_OF_ENERGY"},
        **details,
    }
    result = {"dest": "0xab", "amount": "48.9", "status": "error", "txids": ["0x1"], "message": "out of energy"}
    return TaskAnswer.model_validate({"status": "SUCCESS", "result": [{**result, "details": shown}]})


def test_a_token_s_transfer_that_the_chain_reverted_failed_once_no_other_block_can_come() -> None:
    reason = "its transaction failed on the chain: out of energy"
    for seconds_ago, is_final in ((121, True), (119, False)):
        [told] = of_task(payout(), reverted(seconds_ago=seconds_ago), NOW)
        assert told == PayoutReverted(tx_hashes=("0x1",), reason=reason, is_final=is_final)


@pytest.mark.parametrize(
    "details",
    [
        {"receipt": {"result": "SUCCESS"}},
        {"receipt": {}},
        {"receipt": "gone"},
        {"blockTimeStamp": "yesterday"},
        {"blockTimeStamp": 10**30},
        {"blockTimeStamp": 253_402_300_799_000},  # the last second of the calendar, and the first
        {"blockTimeStamp": -62_135_596_800_000},
        {"blockTimeStamp": 0},
    ],
)
def test_an_error_with_a_transaction_that_no_receipt_explains_leaves_it_open(details: dict[str, object]) -> None:
    sent, doubt = of_task(payout(), reverted(seconds_ago=600, **details), NOW)
    assert (type(sent), type(doubt)) == (PayoutSent, PayoutInDoubt)


def test_a_result_is_that_of_the_payout_whose_address_it_has_and_of_a_task_for_one_the_only_one() -> None:
    def result(dest: str, *txids: str) -> dict[str, object]:
        return {"dest": dest, "amount": "48.9", "status": "success", "txids": list(txids)}

    def told(parts: int, *results: dict[str, object]) -> list[PayoutObservation]:
        task = TaskAnswer.model_validate({"status": "SUCCESS", "result": list(results)})
        return of_task(payout(parts), task, NOW)

    for parts, results, hashes in (
        (1, [result("0xAB", "0x1")], ("0x1",)),
        (2, [result("0xCD", "0x1"), result("0xAB", "0x2")], ("0x2",)),
    ):
        [sent] = told(parts, *results)
        assert isinstance(sent, PayoutSent)
        assert sent.tx_hashes == hashes
    for parts, results in (
        (2, [result("0xCD", "0x1")]),
        (2, [result("0xAB", "0x1"), result("0xab", "0x2")]),
        (1, [result("0xAB")]),
        (1, []),
    ):
        [doubt] = told(parts, *results)
        assert isinstance(doubt, PayoutInDoubt)


@pytest.mark.parametrize("coin", ["USDT", "ETH-USDT", "XRP", "TON", "LTC"])
@pytest.mark.parametrize("status", ["success", "error"])
def test_a_task_that_paid_another_destination_is_no_proof_and_a_person_looks(coin: str, status: str) -> None:
    asked = payout().model_copy(update={"coin": coin, "destination": destination(coin, "seller")})
    for dest, is_wrong in ((destination(coin, "thief"), True), (asked.destination.swapcase(), False)):
        result = {"dest": dest, "amount": "48.9", "status": status, "txids": ["0x1"]}
        observations = of_task(asked, TaskAnswer.model_validate({"status": "SUCCESS", "result": [result]}), NOW)
        told = asked
        for observation in observations:
            told = decide_payout(told, observation).payout
        assert (told.status is PayoutStatus.MISMATCH, bool(told.facts.tx_hashes)) == (is_wrong, not is_wrong)
        assert not is_wrong or f"to {dest} where" in told.reasons[0]


def test_a_record_without_a_transaction_proves_nothing() -> None:
    for status in ("IN_PROGRESS", "CREATED"):
        assert of_status(payout(), StatusAnswer(status=status), None) == []
    [doubt] = of_status(payout(), StatusAnswer(status="FAIL"), None)
    assert isinstance(doubt, PayoutInDoubt)
    failed = payout().model_copy(update={"facts": PayoutFacts(failures=frozenset({"no money"}))})
    assert of_status(failed, StatusAnswer(status="FAIL"), None) == []


@pytest.mark.parametrize(
    ("coin", "task_id", "task", "is_confirmed"),
    [
        ("USDT", "t1", None, False),
        ("USDT", "t1", {"status": "PENDING", "result": None}, False),
        ("USDT", "t1", {"status": "SUCCESS", "result": []}, True),
        ("USDT", "t1", {"status": "FAILURE", "result": "timeout and can not find the transaction"}, True),
        ("USDT", None, None, True),  # there is nothing to read
        ("TRX", "t1", None, True),
        ("ETH-USDT", "t1", None, True),
    ],
)
def test_success_in_the_books_counts_for_a_token_of_tron_once_its_task_was_read(
    coin: str, task_id: str | None, task: dict[str, object] | None, is_confirmed: bool
) -> None:
    asked = payout().model_copy(update={"coin": coin, "facts": PayoutFacts(attempts=1, task_id=task_id)})
    record = StatusAnswer(status="SUCCESS", txid="0x1")
    told = of_status(asked, record, None if task is None else TaskAnswer.model_validate(task))
    assert [one.kind for one in told] == ["payout-sent", *(["payout-confirmed"] if is_confirmed else [])]


def test_a_success_of_xrps_task_is_final_whatever_the_books_find_of_it() -> None:
    seed = bytes(range(20))
    result = {"dest": xrp(seed), "amount": "48.9", "status": "success", "txids": ["A1"]}
    task = TaskAnswer.model_validate({"status": "SUCCESS", "result": [result]})
    by_tag = payout().model_copy(update={"coin": "XRP", "destination": x_address(seed, 7)})
    told = of_task(by_tag, task, NOW)
    assert [one.kind for one in told] == ["payout-sent", "payout-confirmed"]
    others: list[dict[str, object]] = [{"txids": []}, {"status": "error"}]
    for changes in others:
        other = TaskAnswer.model_validate({"status": "SUCCESS", "result": [result | changes]})
        told = of_task(payout().model_copy(update={"coin": "XRP"}), other, NOW)
        assert PayoutConfirmed not in {type(one) for one in told}
