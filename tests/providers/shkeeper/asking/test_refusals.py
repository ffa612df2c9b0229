"""SHKeeper's errors, in the words of a real one: which are a no, which are a wallet's trouble, and what is said."""

import pytest

from providers.shkeeper.asking.refusals import is_error, is_passing, reason_of, subject_of, trouble_of


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"status": "error", "message": "No such thing", "traceback": "File secret.py"}, "No such thing"),
        ({"status": "error", "msg": "Bad destination address"}, "Bad destination address"),
        ({"result": None, "error": {"code": -6, "message": "Insufficient funds"}}, "Insufficient funds"),
        ({"error": "Payout not found"}, "Payout not found"),
        ({"status": "error"}, "without a reason"),
        ({"status": "error", "message": ["x"]}, "without a reason"),
        ({"status": "error", "message": "no\n Traceback (most recent call last)\n  File secret.py"}, "no"),
        ({"status": "error", "message": "x" * 1000}, "x" * 300),
    ],
)
def test_the_reason_is_found_in_every_form_of_an_error_without_its_traceback(
    content: dict[str, object], reason: str
) -> None:
    assert is_error(content)
    assert reason_of(content) == reason


@pytest.mark.parametrize("content", [{"status": "success"}, {"result": "0x1", "error": None}, {"task_id": "t"}])
def test_what_is_no_error_is_none(content: dict[str, object]) -> None:
    assert not is_error(content)


@pytest.mark.parametrize(
    ("reason", "subject"),
    [
        ("Exchange rate src config for usd-ETH-USDT is not found", "currency"),
        ("Exchange rate src config for GBP-BTC is not found", "currency"),
        ("NOPE payment gateway is unavailable", "coin"),
        ("[<class 'decimal.ConversionSyntax'>]", "amount"),
        ("'external_id'", None),
        ("something new", None),
    ],
)
def test_a_refusal_is_one_and_names_what_it_is_about(reason: str, subject: str | None) -> None:
    assert trouble_of(reason) is None
    assert not is_passing(reason)
    assert subject_of(reason) == subject


@pytest.mark.parametrize(
    "reason",
    [
        "('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))",
        "HTTPConnectionPool(host='daemon.example', port=6000): Read timed out. (read timeout=10)",
        "HTTPSConnectionPool(host='rates.example', port=443): Max retries exceeded with url: /?key=secret",
        "TON-USDT payment gateway is unavailable because of lagging",
        "'base58check_address'",
        "'address'",
        "'r_hash'",
        "Expecting value: line 1 column 1 (char 0)",
    ],
)
def test_the_trouble_of_a_wallet_is_no_refusal_and_is_told_in_words_of_the_bridge(reason: str) -> None:
    trouble = trouble_of(reason)
    assert trouble is not None
    assert "example" not in trouble
    assert "secret" not in trouble


def test_a_database_that_is_busy_says_nothing_about_the_question() -> None:
    assert is_passing("(sqlite3.OperationalError) database is locked")
    assert trouble_of("(sqlite3.OperationalError) database is locked") is None
