"""Alert schedule: when somebody is told of what needs a person: at once or in a digest, by how bad it is, and not in
quiet hours. Pure: `due_batch` says what one destination is sent now."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum

from coordinator.attention.alert_messages import AlertSending
from coordinator.attention.alerts import Alert, AlertState
from coordinator.attention.severities import Severities, Severity
from coordinator.waits import backoff, is_ahead, is_over

__all__ = [
    "AlertBatch",
    "DestinationState",
    "Frequency",
    "QuietHours",
    "Rules",
    "Schedule",
    "delivered",
    "due_batch",
    "failed",
    "to_repeat",
]

LONGEST_PAUSE = timedelta(minutes=30)
"""Between two tries to reach a destination: by then a greylist has let others through, and a person has mended it."""


class Frequency(StrEnum):
    """How soon a destination hears of something."""

    AT_ONCE = "at-once"
    DIGEST = "digest"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a channel hears, and how soon."""

    frequencies: Mapping[Severity, Frequency]
    in_quiet_hours: Collection[Severity]
    """What is told at once in quiet hours too."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From when to when on each day, as clocks on walls have it. They may go past midnight."""

    start: time
    end: time

    def contain(self, moment: time) -> bool:
        if self.start < self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


@dataclass(frozen=True, slots=True)
class Schedule:
    """The operator's day."""

    zone: tzinfo
    quiet_hours: QuietHours | None
    digest_every: timedelta
    """Counted from midnight on; a day at most."""
    pause: timedelta
    """Between two messages to the same destination that are sent at once: what comes meanwhile is in the next."""
    retry_after: timedelta
    """The first time; twice as long after each further failure."""
    undelivered_after: timedelta
    """For how long a destination may fail before that needs a person itself."""

    def is_quiet(self, now: datetime) -> bool:
        return self.quiet_hours is not None and self.quiet_hours.contain(now.astimezone(self.zone).time())

    def last_digest_due(self, now: datetime) -> datetime:
        """When the last digest was due by now."""
        midnight = now.astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        local = now.astimezone(self.zone).replace(tzinfo=None) - midnight.replace(tzinfo=None)
        return midnight + local // self.digest_every * self.digest_every

    def pause_after(self, failures: int) -> timedelta:
        """How long a destination is let alone that failed so often in a row."""
        return backoff(self.retry_after, failures, LONGEST_PAUSE)


@dataclass(frozen=True, slots=True)
class DestinationState:
    """How it goes with telling one destination."""

    destination: str
    last_told_at: datetime | None = None
    failures: int = 0
    """In a row."""
    failing_since: datetime | None = None
    next_try_at: datetime | None = None
    problem: str | None = None
    """What went wrong last."""
    is_undelivered: bool = False
    """Whether it has failed for so long that a person has to look."""
    in_doubt: AlertSending | None = None
    """What was sent last, if nobody knows whether it arrived."""

    def is_let_alone(self, schedule: Schedule, now: datetime) -> bool:
        """Whether it failed, and is not tried again yet."""
        until, longest = self.next_try_at, schedule.pause_after(max(self.failures, 1))
        return until is not None and not is_over(until, now, longest)


@dataclass(frozen=True, slots=True)
class AlertBatch:
    """What one destination is to hear."""

    new: Sequence[Alert]
    over: Sequence[Alert]
    """What it was told of, and needs nobody any more."""
    is_digest: bool


def due_batch(
    alerts: Sequence[Alert],
    state: DestinationState,
    rules: Rules,
    schedule: Schedule,
    severities: Severities,
    now: datetime,
) -> AlertBatch | None:
    """What a destination is to hear now; None if nothing."""
    if state.is_let_alone(schedule, now):
        return None
    destination = state.destination

    def frequency(alert: Alert) -> Frequency:
        return rules.frequencies[severities.of(alert.kind)]

    untold = [
        one
        for one in alerts
        if destination not in one.told and one.state(now) is AlertState.OPEN and frequency(one) is not Frequency.NEVER
    ]
    over = [
        (one.over_since, one)
        for one in alerts
        if one.over_since is not None and one.is_told_as_over(now) and destination in one.takes_it_for_open
    ]
    is_quiet = schedule.is_quiet(now)
    if not is_quiet:
        due = schedule.last_digest_due(now)
        # Something that has waited since then at least: what came later is in the next.
        waited = [*(one.news_at for one in untold), *(since for since, _ in over)]
        if any(since <= due or is_ahead(since, now) for since in waited):
            return AlertBatch(untold, [one for _, one in over], is_digest=True)
    told_at = state.last_told_at
    if told_at is not None and not is_over(told_at + schedule.pause, now, schedule.pause):
        return None
    urgent = [
        one
        for one in untold
        if frequency(one) is Frequency.AT_ONCE and (not is_quiet or severities.of(one.kind) in rules.in_quiet_hours)
    ]
    return AlertBatch(urgent, (), is_digest=False) if urgent else None


def to_repeat(
    state: DestinationState, batch: AlertBatch | None, schedule: Schedule, now: datetime
) -> AlertSending | None:
    """What a destination is told again as it was, before anything else; None if nothing, or if it has time until the
    quiet hours are over. `batch` is what it is to hear besides."""
    sending = state.in_doubt
    if sending is None or state.is_let_alone(schedule, now):
        return None
    has_time = sending.is_digest and batch is None and schedule.is_quiet(now)
    return None if has_time else sending


def delivered(state: DestinationState, now: datetime) -> DestinationState:
    """A message went through."""
    return DestinationState(state.destination, last_told_at=now)


def failed(
    state: DestinationState, problem: str, schedule: Schedule, now: datetime, in_doubt: AlertSending | None = None
) -> DestinationState:
    """A message did not go through, as far as is known: it is tried again, later each time, and as it was if it is
    `in_doubt`."""
    failures = state.failures + 1
    since = state.failing_since
    since = now if since is None or is_ahead(since, now) else since
    return replace(
        state,
        failures=failures,
        failing_since=since,
        next_try_at=now + schedule.pause_after(failures),
        problem=problem,
        is_undelivered=now - since >= schedule.undelivered_after,
        in_doubt=in_doubt,
    )
