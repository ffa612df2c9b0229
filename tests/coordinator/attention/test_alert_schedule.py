"""When somebody is told: at once or in a digest, not in quiet hours, and once."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from coordinator.attention.alert_messages import AlertMessage, AlertSending
from coordinator.attention.alert_schedule import (
    LONGEST_PAUSE,
    AlertBatch,
    DestinationState,
    Frequency,
    QuietHours,
    Rules,
    Schedule,
    delivered,
    due_batch,
    failed,
    to_repeat,
)
from coordinator.attention.alerts import (
    COMES_AND_GOES_WITHIN,
    Alert,
    Reminders,
    closed,
    note_ending_reported,
    note_reported,
    observed,
    snoozed,
)
from coordinator.attention.items import payouts_held
from coordinator.attention.severities import Severities, Severity

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
CHAT = DestinationState("chat")
USUAL = Rules(
    {Severity.CRITICAL: Frequency.AT_ONCE, Severity.WARNING: Frequency.DIGEST, Severity.NOTICE: Frequency.NEVER},
    frozenset({Severity.CRITICAL}),
)
HOURLY = Schedule(UTC, None, HOUR, MINUTE, MINUTE, 15 * MINUTE)
NIGHT = QuietHours(time(22), time(7))
CRITICAL, WARNING, NOTICE = "payout-mismatch", "payouts-held", "webhook-unmatched"

HELD, CRITICALLY_HELD = payouts_held(NOON, [("Ada", None)]), Severities({WARNING: Severity.CRITICAL})


def alert(kind: str, at: datetime, number: int = 1) -> Alert:
    return Alert(key=f"{kind}:{number}", kind=kind, title=kind, detail="", mark="", first_seen_at=at, news_at=at)


def told(
    alerts: Sequence[Alert],
    now: datetime,
    state: DestinationState = CHAT,
    schedule: Schedule = HOURLY,
    rules: Rules = USUAL,
) -> AlertBatch | None:
    return due_batch(alerts, state, rules, schedule, Severities(), now)


def keys(batch: AlertBatch | None) -> list[str]:
    return [] if batch is None else [one.key for one in batch.new]


def test_what_is_critical_is_told_at_once_a_warning_in_the_next_digest_and_what_is_never_told_never() -> None:
    at = NOON + 10 * MINUTE
    alerts = [alert(CRITICAL, at), alert(WARNING, at), alert(NOTICE, at)]
    first = told(alerts, at)
    assert keys(first) == [f"{CRITICAL}:1"]
    assert first is not None
    assert not first.is_digest
    alerts[0] = note_reported(alerts[0], "chat")
    assert told(alerts, NOON + 59 * MINUTE) is None
    digest = told(alerts, NOON + HOUR)
    assert keys(digest) == [f"{WARNING}:1"]
    assert digest is not None
    assert digest.is_digest
    assert told([note_reported(one, "chat") for one in alerts], NOON + 2 * HOUR) is None


def test_what_comes_after_a_digest_was_due_waits_for_the_next_though_nothing_was_told_in_that_one() -> None:
    at = NOON + 25 * MINUTE
    assert told([alert(WARNING, at)], at + MINUTE) is None
    assert keys(told([alert(WARNING, at)], NOON + HOUR)) == [f"{WARNING}:1"]


def test_a_thousand_at_once_are_one_message() -> None:
    assert len(keys(told([alert(CRITICAL, NOON + SECOND, number) for number in range(1000)], NOON + SECOND))) == 1000


def test_what_comes_within_the_pause_after_a_message_is_in_the_next() -> None:
    state = delivered(CHAT, NOON + SECOND)
    late = [alert(CRITICAL, NOON + 2 * SECOND)]
    assert told(late, NOON + 59 * SECOND, state) is None
    assert keys(told(late, NOON + 61 * SECOND, state)) == [f"{CRITICAL}:1"]


def test_in_quiet_hours_only_that_is_told_which_a_channel_hears_then_too() -> None:
    nightly = Schedule(UTC, NIGHT, HOUR, MINUTE, MINUTE, 15 * MINUTE)
    night = datetime(2026, 5, 1, 23, 30, tzinfo=UTC)
    alerts = [alert(CRITICAL, night), alert(WARNING, night)]
    assert keys(told(alerts, night, schedule=nightly)) == [f"{CRITICAL}:1"]
    deaf = Rules(USUAL.frequencies, frozenset())
    for hour in (0, 1, 6):
        assert told(alerts, datetime(2026, 5, 2, hour, 59, tzinfo=UTC), schedule=nightly, rules=deaf) is None
    morning = datetime(2026, 5, 2, 7, 0, tzinfo=UTC)
    assert keys(told(alerts, morning, schedule=nightly, rules=deaf)) == [f"{CRITICAL}:1", f"{WARNING}:1"]


@pytest.mark.parametrize(
    ("utc", "is_quiet"),
    [
        (datetime(2026, 1, 15, 5, 59, tzinfo=UTC), True),  # 06:59 in Zurich's winter
        (datetime(2026, 1, 15, 6, 0, tzinfo=UTC), False),
        (datetime(2026, 7, 15, 4, 59, tzinfo=UTC), True),  # 06:59 in its summer
        (datetime(2026, 7, 15, 5, 0, tzinfo=UTC), False),
        (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), True),  # the hour after the clocks went on
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), True),  # the hour that comes twice
    ],
)
def test_quiet_hours_are_those_of_the_clocks_on_the_walls_of_a_time_zone(utc: datetime, *, is_quiet: bool) -> None:
    zurich = Schedule(ZoneInfo("Europe/Zurich"), NIGHT, HOUR, MINUTE, MINUTE, 15 * MINUTE)
    assert zurich.is_quiet(utc) is is_quiet


def test_quiet_hours_may_lie_within_a_day() -> None:
    lunch = QuietHours(time(12), time(13))
    assert [lunch.contain(time(hour)) for hour in (11, 12, 13)] == [False, True, False]


@pytest.mark.parametrize("day", [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])
def test_a_digest_is_due_within_its_time_also_when_clocks_are_put_on_or_back(day: datetime) -> None:
    zurich = Schedule(ZoneInfo("Europe/Zurich"), None, HOUR, MINUTE, MINUTE, 15 * MINUTE)
    for minutes in range(0, 24 * 60, 7):
        now = day + minutes * MINUTE
        assert timedelta(0) <= now - zurich.last_digest_due(now) <= 2 * HOUR


def test_one_digest_a_day_comes_when_the_quiet_hours_end_that_midnight_lies_in() -> None:
    daily = Schedule(UTC, NIGHT, 24 * HOUR, MINUTE, MINUTE, 15 * MINUTE)
    warning = [alert(WARNING, NOON)]
    assert told(warning, datetime(2026, 5, 2, 6, 59, tzinfo=UTC), schedule=daily) is None
    assert keys(told(warning, datetime(2026, 5, 2, 7, 0, tzinfo=UTC), schedule=daily)) == [f"{WARNING}:1"]


def test_an_end_is_said_in_the_digest_to_those_who_were_told_and_once() -> None:
    ended = alert(CRITICAL, NOON).model_copy(update={"ended_at": NOON + MINUTE})
    assert told([ended], NOON + HOUR) is None  # nobody was told of it
    known = note_reported(ended, "chat")
    assert told([known], NOON + 2 * MINUTE) is None
    digest = told([known], NOON + HOUR)
    assert digest is not None
    assert (list(digest.new), list(digest.over)) == ([], [known])
    assert told([note_ending_reported(known, "chat")], NOON + HOUR) is None
    by_hand = closed(note_reported(alert(CRITICAL, NOON), "chat"), "Ada", "known", NOON + MINUTE).alert
    digest = told([by_hand], NOON + HOUR)
    assert digest is not None
    assert list(digest.over) == [by_hand]


@pytest.mark.parametrize("there", [1, 4, 9, 30])
@pytest.mark.parametrize("away", [1, 4, 9, 11, 30])
def test_of_what_comes_and_goes_nobody_hears_all_the_time_and_in_the_end_they_know_how_it_is(
    there: int, away: int
) -> None:
    often = Schedule(UTC, None, 5 * MINUTE, MINUTE, MINUTE, 15 * MINUTE)
    known: dict[str, Alert] = {}
    heard: list[tuple[datetime, str]] = []
    for minute in range(6 * 60):
        now = NOON + minute * MINUTE
        is_there = minute % (there + away) < there or minute > 5 * 60
        known |= {change.alert.key: change.alert for change in observed(known, [HELD] if is_there else [], (), now)}
        batch = due_batch(list(known.values()), CHAT, USUAL, often, CRITICALLY_HELD, now)
        for one in () if batch is None else batch.new:
            heard.append((now, "new"))
            known[one.key] = note_reported(one, "chat")
        for one in () if batch is None else batch.over:
            heard.append((now, "over"))
            known[one.key] = note_ending_reported(one, "chat")
    assert ("over", "over") not in pairwise(what for _, what in heard)
    news = [at for at, what in heard if what == "new"]
    assert all(later - earlier >= COMES_AND_GOES_WITHIN for earlier, later in pairwise(news))
    assert heard[-1][1] == "new"


def test_nobody_is_told_of_what_is_snoozed_or_closed() -> None:
    critical = alert(CRITICAL, NOON)
    put_off = snoozed(critical, NOON + 3 * HOUR, None).alert
    assert told([put_off, closed(critical, "Ada", "known", NOON).alert], NOON + 2 * HOUR) is None


def test_who_is_not_reached_is_tried_later_each_time_and_needs_a_person_after_long() -> None:
    state, now = CHAT, NOON
    for pause in (1, 2, 4, 8):
        state = failed(state, "451", HOURLY, now)
        assert state.next_try_at == now + pause * MINUTE
        assert told([alert(CRITICAL, NOON)], now + pause * MINUTE - SECOND, state) is None
        now += pause * MINUTE
        assert keys(told([alert(CRITICAL, NOON)], now, state)) == [f"{CRITICAL}:1"]
        assert not state.is_undelivered
    for _ in range(100):
        state = failed(state, "451", HOURLY, now)
    assert (state.failing_since, state.is_undelivered) == (NOON, True)
    assert state.next_try_at == now + LONGEST_PAUSE
    assert delivered(state, now) == DestinationState("chat", last_told_at=now)


@pytest.mark.parametrize("ahead", [10 * MINUTE, HOUR, 48 * HOUR])
def test_a_clock_that_was_ahead_and_is_right_again_silences_nobody(ahead: timedelta) -> None:
    wrong = NOON + ahead
    failing = failed(CHAT, "451", HOURLY, wrong)
    old, new = alert(CRITICAL, wrong), alert(CRITICAL, NOON, 2)
    assert keys(told([old, new], NOON, failing)) == keys(told([old, new], NOON, delivered(CHAT, wrong)))
    assert keys(told([old, new], NOON, failing)) == [f"{CRITICAL}:1", f"{CRITICAL}:2"]
    assert keys(told([alert(WARNING, wrong)], NOON)) == [f"{WARNING}:1"]
    closed_then = closed(note_reported(old, "chat"), "Ada", "seen", wrong).alert
    over = told([closed_then], NOON)
    assert over is not None
    assert [one.key for one in over.over] == [old.key]
    # It fails on: since now, as far as is known, and not for longer than that from now on.
    failing = failed(failing, "451", HOURLY, NOON)
    assert (failing.failing_since, failing.next_try_at) == (NOON, NOON + 2 * MINUTE)
    assert told([old, new], NOON + MINUTE, failing) is None
    assert failed(failing, "451", HOURLY, NOON + 15 * MINUTE).is_undelivered
    due = Reminders(HOUR, Severities({}))
    assert due.is_due(note_reported(old, "chat"), NOON)
    assert not due.is_due(note_reported(new, "chat"), NOON + HOUR - SECOND)


def test_what_may_have_arrived_is_repeated_before_anything_else_and_a_digest_not_in_quiet_hours() -> None:
    nightly = Schedule(UTC, NIGHT, HOUR, MINUTE, MINUTE, 15 * MINUTE)
    night = datetime(2026, 5, 1, 23, 30, tzinfo=UTC)
    message = AlertMessage("Something", [], None, [], None, "https://bridge.example/ops")
    sent = AlertSending(name="a-name", message=message, new=(), over=(), is_digest=True)
    doubtful = failed(CHAT, "it broke off", nightly, night - 2 * MINUTE, sent)
    urgent = AlertBatch([alert(CRITICAL, night)], [], is_digest=False)
    assert to_repeat(doubtful, urgent, nightly, night - 2 * MINUTE) is None
    assert to_repeat(doubtful, None, nightly, night) is None
    assert to_repeat(doubtful, urgent, nightly, night) == sent
    assert to_repeat(doubtful, None, HOURLY, night) == sent
    assert to_repeat(delivered(doubtful, night), urgent, nightly, night + HOUR) is None
