"""Which open payment is asked about next, and that everybody's turn comes within an hour."""

from datetime import timedelta

import pytest

from bridge.workers.payments.due_payments import DuePayments, next_check, next_recheck
from tests.bridge.workers.conftest import START

MINUTE = timedelta(seconds=60)


def due_payments(per_second: float = 40) -> DuePayments:
    return DuePayments(interval=MINUTE, per_second=per_second)


def test_a_payment_that_has_waited_long_is_asked_about_less_often() -> None:
    waits = [
        (next_check(START, START + age, MINUTE) - START - age).total_seconds()
        for age in (timedelta(0), timedelta(minutes=10), timedelta(hours=1), timedelta(days=3))
    ]
    assert waits == [60, 60, 360, 3000]


def test_the_newest_comes_first_and_nobody_comes_before_the_time() -> None:
    due = due_payments()
    for number in (1, 3, 2):
        assert due.add(f"pay_{number}", START + number * MINUTE, START)
    assert not due.add("pay_1", START, START)
    assert due.take(START, 2) == ["pay_3", "pay_2"]
    assert due.take(START, 2) == ["pay_1"]
    assert due.take(START, 2) == []
    for number in (1, 2, 3):
        due.asked(f"pay_{number}", START)
    assert due.take(START + MINUTE - timedelta(seconds=1), 10) == []
    # The fourth turn is of whoever has waited longest.
    assert due.take(START + MINUTE, 10) == ["pay_1", "pay_3", "pay_2"]


def test_what_fails_is_put_off_longer_and_longer_and_a_success_ends_that() -> None:
    due, now, waits = due_payments(), START, []
    due.add("pay_1", START, START)
    for _ in range(8):
        assert due.take(now, 10) == ["pay_1"]
        due.failed("pay_1", now)
        began = now
        while not (taken := due.take(now, 10)):
            now += MINUTE
        assert taken == ["pay_1"]
        waits.append((now - began) / MINUTE)
        due.put_back(taken, now)
    assert waits == [1, 2, 4, 8, 16, 32, 50, 50]
    due.take(now, 10)
    due.asked("pay_1", now)
    due.take(now + timedelta(hours=1), 10)
    due.failed("pay_1", now)
    assert due.take(now + MINUTE, 10) == ["pay_1"]


@pytest.mark.parametrize("is_away", [False, True])
def test_what_was_not_answered_last_comes_after_the_others_and_has_its_share(is_away: bool) -> None:
    due = due_payments()
    for number in range(1, 9):
        due.add(f"pay_{number}", START + number * MINUTE, START)
    due.take(START, 10)
    for number in range(1, 9):
        if number < 7:
            due.asked(f"pay_{number}", START)
        elif is_away:
            due.was_away(f"pay_{number}", START)
        else:
            assert due.failed(f"pay_{number}", START) == 1
    taken = due.take(START + MINUTE, 10)
    # The newest failed, and are no longer the first; every fourth turn is of whoever has waited longest.
    assert taken[:3] == ["pay_6", "pay_5", "pay_4"]
    assert sorted(taken) == [f"pay_{number}" for number in range(1, 9)]
    due.asked("pay_8", START + MINUTE)
    due.asked("pay_6", START + MINUTE)
    assert due.take(START + 2 * MINUTE, 1) == ["pay_8"]


def test_what_is_over_is_not_asked_about_any_more() -> None:
    due = due_payments()
    for number in range(4):
        due.add(f"pay_{number}", START, START)
    due.drop("pay_1")
    due.retain_only({"pay_1", "pay_2"})
    assert len(due) == 1
    assert due.take(START, 10) == ["pay_2"]
    due.asked("pay_1", START)  # which comes too late


@pytest.mark.parametrize("oldest", [timedelta(minutes=2), timedelta(hours=1), timedelta(days=1), timedelta(days=8)])
def test_a_hundred_thousand_are_each_asked_about_within_the_hour_whatever_the_newest_need(oldest: timedelta) -> None:
    """A tenth of all, at a tenth of the pace, so that it is quick."""
    count, per_second = 10_000, 4
    due, now = due_payments(per_second), START
    ages = {f"pay_{number}": number * oldest / count for number in range(count)}
    for payment_id, age in ages.items():
        due.add(payment_id, START - age, START)
    last = dict.fromkeys(ages, START)
    longest = timedelta(0)
    for _ in range(3 * 3600):
        now += timedelta(seconds=1)
        for payment_id in due.take(now, per_second):
            longest = max(longest, now - last[payment_id])
            last[payment_id] = now
            due.asked(payment_id, now)
    longest = max(longest, *(now - at for at in last.values()))
    assert longest <= timedelta(hours=1)


def test_with_a_slow_provider_whoever_has_waited_longest_has_a_fair_share_of_the_turns() -> None:
    """Two answers a second where forty were wanted, and always newer payments that are due."""
    due, now = due_payments(), START
    ages = {f"pay_{number}": timedelta(seconds=number) for number in range(1_200)}
    for payment_id, age in ages.items():
        due.add(payment_id, START - age, START)
    asked = dict.fromkeys(ages, 0)
    for _ in range(3600):
        now += timedelta(seconds=1)
        for payment_id in due.take(now, 2):
            asked[payment_id] += 1
            due.asked(payment_id, now)
    assert min(asked.values()) >= 1
    assert max(asked.values()) > 10


def test_what_is_left_over_in_the_orders_is_cleared_away() -> None:
    due, now = due_payments(0.001), START
    for number in range(20):
        due.add(f"pay_{number}", START, START)
    for _ in range(500):
        taken = due.take(now, 20)
        assert len(taken) == 20
        for payment_id in taken:
            due.asked(payment_id, now)
        now += timedelta(hours=1)
    assert len(due._newest) + len(due._waiting_longest) < 1_200


def test_what_is_completed_is_looked_back_at_ever_later_and_a_restart_changes_nothing_of_that() -> None:
    looks, last = [], START
    while (next_look := next_recheck(START, last, MINUTE)) <= START + timedelta(days=7):
        last = next_look
        looks.append((last - START) / MINUTE)
    in_a_day = 24 * 60
    assert looks == [1, 4, 16, 64, 256, 1024, *(1024 + days * in_a_day for days in range(1, 7))]
    # Whoever begins in between goes on where it was.
    assert next_recheck(START, START + 20 * MINUTE, MINUTE) == START + 64 * MINUTE


def test_a_payment_that_was_completed_while_it_was_open_is_asked_about_soon() -> None:
    due, now = due_payments(), START + timedelta(days=1)
    due.add("pay_1", START, now)
    assert due.take(now, 10) == ["pay_1"]
    due.asked("pay_1", now)  # and would be only in fifty minutes again
    assert due.add_ended("pay_1", START, now, now, written_at=now)
    assert not due.add_ended("pay_1", START, now + MINUTE, now, written_at=now)
    assert due.take(now + MINUTE, 10) == ["pay_1"]
    due.asked("pay_1", now + MINUTE)
    assert due.take(now + 3 * MINUTE, 10) == []
    assert due.take(now + 4 * MINUTE, 10) == ["pay_1"]
    due.asked("pay_1", now + 4 * MINUTE)
    # And what was refunded later is looked back at from then on.
    later = now + timedelta(hours=10)
    assert due.add_ended("pay_1", START, later, later, written_at=later)
    assert due.take(later + MINUTE, 10) == ["pay_1"]


def test_a_hundred_thousand_completed_payments_take_a_small_part_of_the_pace() -> None:
    """Those of a day: what is asked in an hour."""
    day, now, asked = timedelta(days=1), START + timedelta(days=8), 0
    for number in range(0, 100_000, 100):  # every hundredth, in each of the last seven days
        completed_at = START + day + (number / 100_000) * 7 * day
        last = now
        while (last := next_recheck(completed_at, last, MINUTE)) <= now + timedelta(hours=1):
            asked += 1
    assert asked * 100 < 3_600 * 40 / 20


@pytest.mark.parametrize(
    ("since", "at", "wait"),
    [
        (None, None, timedelta(minutes=50)),
        (None, timedelta(seconds=264), timedelta(seconds=264)),
        (None, timedelta(seconds=20), MINUTE),
        (None, timedelta(0), timedelta(minutes=50)),  # it was to be learnt by now
        (None, timedelta(hours=2), timedelta(minutes=50)),
        (timedelta(0), None, MINUTE),
        (timedelta(hours=-1), None, timedelta(minutes=6)),
        (timedelta(hours=1), None, MINUTE),  # by a clock that was wrong
        (timedelta(days=-9), timedelta(minutes=3), timedelta(minutes=3)),
    ],
)
def test_an_old_payment_of_which_there_is_news_to_be_had_is_asked_about_when_there_is(
    since: timedelta | None, at: timedelta | None, wait: timedelta
) -> None:
    due, now = due_payments(), START + timedelta(days=3)
    due.add("pay_1", START, START)
    assert due.take(now, 10) == ["pay_1"]
    due.asked(
        "pay_1",
        now,
        news_since=None if since is None else now + since,
        news_at=None if at is None else now + at,
    )
    moments = (number * timedelta(seconds=4) for number in range(1, 1_000))
    assert next(moment for moment in moments if due.take(now + moment, 10)) == wait
