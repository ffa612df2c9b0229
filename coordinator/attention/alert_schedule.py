"""Alert schedule: when somebody is told of what needs a person: at once or in a digest, by how bad it is, and not in
quiet hours. Pure: `to_tell` says what one destination is to hear now."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum

from coordinator.attention.alert_messages import Sending
from coordinator.attention.alerts import Alert, AlertState
from coordinator.attention.severities import Severities, Severity

__all__ = [
    "AlertBatch",
    "Pace",
    "QuietHours",
    "Rules",
    "Schedule",
    "Standing",
    "delivered",
    "failed",
    "to_repeat",
    "to_tell",
]

LONGEST_PAUSE = timedelta(minutes=30)
"""Between two tries to reach a destination: by then a greylist has let others through, and a person has mended it."""


class Pace(StrEnum):
    """How soon a destination hears of something."""

    AT_ONCE = "at-once"
    DIGEST = "digest"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a channel hears, and how soon."""

    paces: Mapping[Severity, Pace]
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


@dataclass(frozen=True, slots=True)
class Standing:
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
    in_doubt: Sending | None = None
    """What was sent last, if nobody knows whether it arrived."""


@dataclass(frozen=True, slots=True)
class AlertBatch:
    """What one destination is to hear."""

    new: Sequence[Alert]
    over: Sequence[Alert]
    """What it was told of, and needs nobody any more."""
    is_digest: bool


def to_tell(
    alerts: Sequence[Alert],
    standing: Standing,
    rules: Rules,
    schedule: Schedule,
    severities: Severities,
    now: datetime,
) -> AlertBatch | None:
    """What a destination is to hear now; None if nothing."""
    if standing.next_try_at is not None and now < standing.next_try_at:
        return None
    destination = standing.destination

    def pace(alert: Alert) -> Pace:
        return rules.paces[severities.of(alert.kind)]

    untold = [
        one
        for one in alerts
        if destination not in one.told and one.state(now) is AlertState.OPEN and pace(one) is not Pace.NEVER
    ]
    over = [
        (one.over_since, one)
        for one in alerts
        if one.over_since is not None and one.over_since <= now and destination in one.takes_it_for_open
    ]
    is_quiet = schedule.is_quiet(now)
    if not is_quiet:
        due = schedule.last_digest_due(now)
        # Something that has waited since then at least: what came later is in the next.
        if any(one.news_at <= due for one in untold) or any(since <= due for since, _ in over):
            return AlertBatch(untold, [one for _, one in over], is_digest=True)
    if standing.last_told_at is not None and now < standing.last_told_at + schedule.pause:
        return None
    urgent = [
        one
        for one in untold
        if pace(one) is Pace.AT_ONCE and (not is_quiet or severities.of(one.kind) in rules.in_quiet_hours)
    ]
    return AlertBatch(urgent, (), is_digest=False) if urgent else None


def to_repeat(standing: Standing, batch: AlertBatch | None, schedule: Schedule, now: datetime) -> Sending | None:
    """What a destination is told again as it was, before anything else; None if nothing, or if it has time until the
    quiet hours are over. `batch` is what it is to hear besides."""
    sending = standing.in_doubt
    if sending is None or (standing.next_try_at is not None and now < standing.next_try_at):
        return None
    has_time = sending.is_digest and batch is None and schedule.is_quiet(now)
    return None if has_time else sending


def delivered(standing: Standing, now: datetime) -> Standing:
    """A message went through."""
    return Standing(standing.destination, last_told_at=now)


def failed(
    standing: Standing, problem: str, schedule: Schedule, now: datetime, in_doubt: Sending | None = None
) -> Standing:
    """A message did not go through, as far as is known: it is tried again, later each time, and as it was if it is
    `in_doubt`."""
    failures = standing.failures + 1
    since = standing.failing_since or now
    pause = min(schedule.retry_after * 2 ** min(failures - 1, 20), LONGEST_PAUSE)
    return replace(
        standing,
        failures=failures,
        failing_since=since,
        next_try_at=now + pause,
        problem=problem,
        is_undelivered=now - since >= schedule.undelivered_after,
        in_doubt=in_doubt,
    )
