"""How long what could not be opened is left alone."""

from datetime import timedelta

import pytest

from bridge.workers.payments.retry_delays import Because, RetryDelays
from tests.bridge.workers.conftest import START


def waits(because: Because, times: int) -> list[float]:
    """After each failure in a row, how long the invoice is left alone."""
    retry_delays, now, found = RetryDelays(), START, []
    for _ in range(times):
        retry_delays.failed(("pay_1", "LTC"), because, now)
        until = retry_delays.next_try()
        assert until is not None
        assert retry_delays.leaves_alone(("pay_1", "LTC"), until - timedelta(seconds=1))
        assert not retry_delays.leaves_alone(("pay_1", "LTC"), until)
        found.append((until - now).total_seconds())
        now = until
    return found


def test_a_coin_is_tried_again_within_seconds_and_what_was_refused_within_minutes_then_hours() -> None:
    assert waits(Because.COIN, 6) == [2, 4, 8, 16, 30, 30]
    assert waits(Because.REFUSED, 9) == [300, 600, 1200, 2400, 4800, 9600, 19200, 21600, 21600]
    assert sum(waits(Because.REFUSED, 9)[:8]) > 12 * 3600  # eight times in half a day, instead of all day


@pytest.mark.parametrize(
    ("because", "waiting"), [(Because.COIN, {"LTC"}), (Because.REFUSED, set()), (Because.DEFECT, set())]
)
def test_only_a_coins_trouble_keeps_the_others_of_the_coin_waiting(because: Because, waiting: set[str]) -> None:
    retry_delays = RetryDelays()
    assert retry_delays.failed(("pay_1", "LTC"), because, START)
    assert not retry_delays.failed(("pay_1", "LTC"), because, START)
    assert retry_delays.waiting_coins(START) == waiting
    assert not retry_delays.leaves_alone(("pay_2", "LTC"), START)


def test_once_one_is_opened_what_waited_for_its_coin_waits_no_more() -> None:
    retry_delays = RetryDelays()
    retry_delays.failed(("pay_1", "LTC"), Because.COIN, START)
    retry_delays.failed(("pay_2", "LTC"), Because.REFUSED, START)
    retry_delays.failed(("pay_3", "BTC"), Because.COIN, START)
    retry_delays.opened(("pay_4", "LTC"))
    alone = {f"pay_{number}" for number in (1, 2, 3) for coin in ("LTC", "BTC")
             if retry_delays.leaves_alone((f"pay_{number}", coin), START)}  # fmt: skip
    assert alone == {"pay_2", "pay_3"}
    assert retry_delays.waiting_coins(START) == {"BTC"}


def test_what_is_over_is_forgotten() -> None:
    retry_delays = RetryDelays()
    retry_delays.failed(("pay_1", "LTC"), Because.COIN, START)
    retry_delays.forget_all_but(set())
    assert retry_delays.next_try() is None
