"""What is remembered of what needs a person: when it opens, changes, is put off, is closed, ends and comes back."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from coordinator.attention import items as attention
from coordinator.attention.alerts import (
    Alert,
    AlertState,
    Reminders,
    assigned,
    closed,
    note_ending_reported,
    note_reported,
    observed,
    opened,
    reopened,
    seen,
    snoozed,
)
from coordinator.attention.items import BY_URGENCY, Attention, AttentionKind
from coordinator.attention.severities import SEVERITIES, Severities, Severity

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
HELD = attention.payouts_held(START, [("Ada", None)])
UNMATCHED = attention.unmatched_webhook("waiting_1", "shkeeper", "order-1", 1, START, START)


class Remembered:
    """What is remembered, and what has just changed of it."""

    def __init__(self) -> None:
        self.alerts: dict[str, Alert] = {}

    def look(self, items: Sequence[Attention], now: datetime, more_of: Collection[str] = ()) -> list[tuple[str, str]]:
        changes = list(observed(self.alerts, items, more_of, now))
        self.alerts |= {change.alert.key: change.alert for change in changes}
        return [(change.what, change.alert.kind) for change in changes]

    @property
    def held(self) -> Alert:
        return self.alerts[HELD.key]

    @held.setter
    def held(self, alert: Alert) -> None:
        self.alerts[HELD.key] = alert


@pytest.fixture
def remembered() -> Remembered:
    remembered = Remembered()
    assert remembered.look([HELD], START) == [("opened", "payouts-held")]
    return remembered


def test_every_kind_has_a_severity_and_the_operator_may_say_another() -> None:
    assert set(SEVERITIES) == set(BY_URGENCY)
    assert Severities().of(AttentionKind.PAYOUTS_HELD) is Severity.WARNING
    assert Severities({"payouts-held": Severity.CRITICAL}).of("payouts-held") is Severity.CRITICAL
    assert Severities().of("of a newer bridge") is Severity.WARNING


def test_what_stays_as_it_is_changes_nothing_and_what_ends_ends_once(remembered: Remembered) -> None:
    assert remembered.look([HELD], START + HOUR) == []
    assert remembered.look([], START + HOUR) == [("ended", "payouts-held")]
    assert remembered.held.state(START + HOUR) is AlertState.ENDED
    assert remembered.look([], START + 2 * HOUR) == []


def test_what_comes_back_opens_again_for_whoever_was_told_and_sees_to_it_still(remembered: Remembered) -> None:
    remembered.held = note_reported(assigned(remembered.held, "Ada").alert, "chat")
    remembered.look([], START + HOUR)
    assert remembered.look([HELD], START + 2 * HOUR) == [("back", "payouts-held")]
    held = remembered.held
    assert (held.told, held.ending_told, held.assigned_to) == ((), (), "Ada")
    assert (held.first_seen_at, held.news_at) == (START, START + 2 * HOUR)


def test_what_only_comes_and_goes_is_not_told_again(remembered: Remembered) -> None:
    remembered.held = note_reported(remembered.held, "chat")
    remembered.look([], START + MINUTE)
    remembered.look([HELD], START + 2 * MINUTE)
    assert remembered.held.told == ("chat",)


def test_who_was_told_that_it_is_over_is_told_again_however_soon_it_is_back(remembered: Remembered) -> None:
    remembered.held = note_reported(note_reported(remembered.held, "chat"), "mail")
    remembered.look([], START + MINUTE)
    remembered.held = note_ending_reported(remembered.held, "mail")
    remembered.look([HELD], START + 2 * MINUTE)
    assert (remembered.held.told, remembered.held.ending_told) == (("chat",), ())


@pytest.mark.parametrize("item", [HELD, replace(HELD, detail="Bob has held them.")])
def test_what_was_put_aside_and_ended_is_told_again_however_soon_it_is_back(
    remembered: Remembered, item: Attention
) -> None:
    known = note_reported(remembered.held, "chat")
    for aside in (closed(known, "Ada", "known", START), snoozed(known, START + HOUR, None)):
        remembered.held = aside.alert
        remembered.look([], START + MINUTE)
        assert remembered.look([item], START + 2 * MINUTE) == [("back", "payouts-held")]
        assert remembered.held.state(START + 2 * MINUTE) is AlertState.OPEN
        assert remembered.held.told == ()


def test_who_was_told_that_it_is_closed_is_told_when_it_is_open_again(remembered: Remembered) -> None:
    known = note_reported(note_reported(remembered.held, "chat"), "mail")
    done = note_ending_reported(closed(known, "Ada", "known", START).alert, "mail")
    again = reopened(done, None, START + HOUR).alert
    assert (again.told, again.news_at) == (("chat",), START + HOUR)


def test_who_is_told_of_an_end_that_is_none_any_more_is_told_anew(remembered: Remembered) -> None:
    assert note_ending_reported(note_reported(note_reported(remembered.held, "chat"), "mail"), "mail").told == (
        "chat",
    )


def test_a_kind_of_which_there_is_more_than_is_listed_does_not_end(remembered: Remembered) -> None:
    assert remembered.look([], START + HOUR, more_of={"payouts-held"}) == []


def test_what_is_closed_stays_closed_until_it_says_something_else(remembered: Remembered) -> None:
    remembered.held = note_reported(closed(remembered.held, "Ada", "known", START).alert, "chat")
    assert remembered.look([HELD], START + HOUR) == []
    assert remembered.held.state(START + HOUR) is AlertState.CLOSED
    assert seen(remembered.held, HELD, START + HOUR).state(START) is AlertState.CLOSED
    other = replace(HELD, detail="Bob has held them.")
    assert seen(remembered.held, other, START + HOUR).state(START) is AlertState.OPEN
    assert remembered.look([other], START + HOUR) == [("back", "payouts-held")]
    assert (remembered.held.closing, remembered.held.told) == (None, ())


def test_news_of_it_opens_what_is_closed_and_what_comes_and_goes_of_its_detail_does_not() -> None:
    remembered = Remembered()
    down = replace(UNMATCHED, detail="waits; shkeeper is down", lasting_detail="waits")
    remembered.look([down], START)
    remembered.alerts[down.key] = closed(remembered.alerts[down.key], "Ada", "known", START).alert
    assert remembered.look([replace(down, detail="waits")], START + HOUR) == []
    assert remembered.look([replace(down, news_at=START + HOUR)], START + HOUR) == [("back", "webhook-unmatched")]


def test_what_is_snoozed_comes_back_by_itself_at_its_time(remembered: Remembered) -> None:
    remembered.held = snoozed(note_reported(remembered.held, "chat"), START + HOUR, "lunch").alert
    assert remembered.look([HELD], START + HOUR - MINUTE) == []
    assert remembered.held.state(START + HOUR - MINUTE) is AlertState.SNOOZED
    assert remembered.held.state(START + HOUR) is AlertState.OPEN
    assert remembered.look([HELD], START + HOUR) == [("awake", "payouts-held")]
    assert (remembered.held.told, remembered.held.snoozed_until) == ((), None)
    assert remembered.look([HELD], START + 2 * HOUR) == []


def test_what_is_snoozed_is_back_before_its_time_when_something_else_is_found(remembered: Remembered) -> None:
    remembered.held = snoozed(note_reported(remembered.held, "chat"), START + HOUR, "lunch").alert
    more = replace(HELD, detail="Ada has held them: 504.60 of 20.00 USD has come")
    assert remembered.look([more], START + MINUTE) == [("back", "payouts-held")]
    assert remembered.held.state(START + MINUTE) is AlertState.OPEN
    assert (remembered.held.told, remembered.held.detail) == ((), more.detail)
    assert remembered.look([more], START + 2 * MINUTE) == []


@pytest.mark.parametrize(
    "later",
    [
        attention.unmatched_webhook("waiting_1", "shkeeper", "order-1", 7, START, START + MINUTE),
        replace(UNMATCHED, news_at=START + MINUTE),
    ],
)
def test_what_only_goes_on_leaves_a_snooze_alone_and_ends_a_closure(later: Attention) -> None:
    alert = opened(UNMATCHED, START)
    for aside, change in (
        (snoozed(alert, START + HOUR, None), "changed"),
        (closed(alert, "Ada", "known", START), "back"),
    ):
        [seen_again] = observed({alert.key: aside.alert}, [later], (), START + MINUTE)
        assert seen_again.what == change
        assert seen_again.alert.is_handled is (change == "changed")


def test_what_a_bridge_remembers_that_knew_no_findings_stays_snoozed() -> None:
    alert = snoozed(opened(UNMATCHED, START), START + HOUR, None).alert.model_copy(update={"finding": None})
    assert "finding" not in alert.model_dump()
    [change] = observed({alert.key: alert}, [replace(UNMATCHED, detail="?", lasting_detail="?")], (), START + MINUTE)
    assert (change.what, change.alert.finding is None) == ("changed", False)


def test_a_person_opens_what_is_closed_or_snoozed_before_its_time(remembered: Remembered) -> None:
    for done in (closed(remembered.held, "Ada", "known", START), snoozed(remembered.held, START + HOUR, None)):
        assert reopened(done.alert, None, START + HOUR).alert.state(START) is AlertState.OPEN
    assert snoozed(closed(remembered.held, "Ada", "known", START).alert, START + HOUR, None).alert.closing is None


def test_nothing_is_left_to_say_once_whoever_was_told_knows_that_it_ended(remembered: Remembered) -> None:
    remembered.held = note_reported(remembered.held, "chat")
    assert not remembered.held.is_settled
    remembered.look([], START + HOUR)
    assert not remembered.held.is_settled
    assert note_ending_reported(remembered.held, "chat").is_settled


def test_whoever_was_told_of_something_critical_is_told_again_as_long_as_it_is_open() -> None:
    reminders = Reminders(24 * HOUR, Severities({"payouts-held": Severity.CRITICAL}))
    alert = note_reported(opened(HELD, START), "finance")
    before, due = START + 24 * HOUR - MINUTE, START + 24 * HOUR

    def changes(one: Alert, now: datetime, reminders: Reminders | None = reminders) -> list[str]:
        return [change.what for change in observed({HELD.key: one}, [HELD], (), now, reminders)]

    assert changes(alert, before) == changes(alert, due, None) == []
    [reminded] = observed({HELD.key: alert}, [HELD], (), due, reminders)
    assert (reminded.what, reminded.alert.told, reminded.alert.news_at) == ("reminded", (), due)
    assert reminded.alert.first_seen_at == START
    assert changes(note_reported(reminded.alert, "finance"), due + 23 * HOUR) == []
    # Nobody is reminded of what nobody was told of, what was put off or closed, or of what is less bad.
    assert changes(opened(HELD, START), due) == []
    assert changes(snoozed(alert, due + HOUR, None).alert, due) == []
    assert changes(closed(alert, "Ada", "known", START).alert, due) == []
    assert changes(assigned(alert, "Ada").alert, due) == ["reminded"]
    assert changes(alert, due, Reminders(24 * HOUR, Severities())) == []
