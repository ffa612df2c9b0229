"""Alerts: what is remembered of each thing that needs a person, and what people do about it. Pure: `observed` holds
what is remembered against what needs a person now, and the others are what a person may say of one.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, NamedTuple

from pydantic import AwareDatetime, Field

from coordinator.attention.items import Attention
from coordinator.attention.lines import one_line
from coordinator.attention.severities import Severities, Severity
from coordinator.errors import BridgeError
from coordinator.models import FrozenModel
from coordinator.waits import is_over

__all__ = [
    "COMES_AND_GOES_WITHIN",
    "Alert",
    "AlertChange",
    "AlertState",
    "ChangedSinceError",
    "Closing",
    "Reminders",
    "assigned",
    "closed",
    "mark_of",
    "note_ending_reported",
    "note_reported",
    "observed",
    "opened",
    "reopened",
    "require_seen",
    "seen",
    "snoozed",
]

COMES_AND_GOES_WITHIN = timedelta(minutes=10)
"""What is back so soon has not ended: nobody is told before that it is over, nor is who knows of it told again."""

What = Literal[
    "opened",
    "changed",
    "back",
    "awake",
    "ended",
    "assigned",
    "unassigned",
    "noted",
    "snoozed",
    "closed",
    "reopened",
    "reminded",
]
"""What happened to an alert."""


class ChangedSinceError(BridgeError):
    """Somebody has looked at what needs a person, and it says something else by now."""


class AlertState(StrEnum):
    """How an alert stands."""

    OPEN = "open"
    SNOOZED = "snoozed"
    """Somebody wants to hear of it again later."""
    CLOSED = "closed"
    """Somebody has said that nobody needs to look, though what it is about goes on."""
    ENDED = "ended"
    """What it is about needs nobody any more."""


class Closing(FrozenModel):
    """That somebody closed an alert."""

    at: AwareDatetime
    by: str
    note: str


class Alert(FrozenModel):
    """What is remembered of one thing that needs a person."""

    key: str
    """What it is called on the list."""
    kind: str
    title: str
    detail: str
    payment_id: str | None = None
    payout_id: str | None = None
    mark: str
    """Of what it said when it was last looked at: with another it has changed."""
    finding: str | None = Field(None, exclude_if=lambda value: value is None)
    """The same without what only says that it goes on: with another, nobody has put off what it says now. None of
    one that was last looked at by a bridge which did not tell them apart."""
    first_seen_at: AwareDatetime
    news_at: AwareDatetime
    """Since when those who were not told since are to be told: when it opened, came back or awoke."""
    ended_at: AwareDatetime | None = None
    """When it was seen no more."""
    assigned_to: str | None = None
    snoozed_until: AwareDatetime | None = None
    closing: Closing | None = None
    told: tuple[str, ...] = ()
    """Which destinations know of it."""
    ending_told: tuple[str, ...] = ()
    """Which of them were told of its end."""

    def state(self, now: datetime) -> AlertState:
        if self.ended_at is not None:
            return AlertState.ENDED
        if self.closing is not None:
            return AlertState.CLOSED
        is_snoozed = self.snoozed_until is not None and self.snoozed_until > now
        return AlertState.SNOOZED if is_snoozed else AlertState.OPEN

    @property
    def over_since(self) -> datetime | None:
        """From when on people are told that nobody has to look any more; None if somebody has to."""
        if self.closing is not None:
            return self.closing.at
        return None if self.ended_at is None else self.ended_at + COMES_AND_GOES_WITHIN

    def is_told_as_over(self, now: datetime) -> bool:
        """Whether people are told so by now."""
        longest = COMES_AND_GOES_WITHIN if self.closing is None else timedelta()
        return self.over_since is not None and is_over(self.over_since, now, longest)

    @property
    def takes_it_for_open(self) -> tuple[str, ...]:
        """Which destinations were told of it, and not that it is over."""
        return tuple(one for one in self.told if one not in self.ending_told)

    @property
    def is_handled(self) -> bool:
        """Whether a person has closed or snoozed it."""
        return self.closing is not None or self.snoozed_until is not None

    @property
    def is_settled(self) -> bool:
        """Whether it has ended, and everybody knows who was told of it."""
        return self.ended_at is not None and set(self.told) <= set(self.ending_told)


@dataclass(frozen=True, slots=True)
class AlertChange:
    """An alert as it is from now on, and what happened to it, in a word and in a sentence."""

    alert: Alert
    what: What
    words: str


class Reminders(NamedTuple):
    """After how long whoever was told of something critical is told again, as long as it is open."""

    after: timedelta
    severities: Severities

    def is_due(self, alert: Alert, now: datetime) -> bool:
        is_open = alert.state(now) is AlertState.OPEN and self.severities.of(alert.kind) is Severity.CRITICAL
        return is_open and bool(alert.told) and is_over(alert.news_at + self.after, now, self.after)


def mark_of(item: Attention) -> str:
    """What changes with an item: its title, its detail, and when there was news of it last."""
    return _digest(item.title, _lasting(item), "" if item.news_at is None else item.news_at.isoformat())


def require_seen(item: Attention, mark: str | None) -> None:
    """Raises ChangedSinceError where whoever acts has seen an item as it was before, by its mark; None if they do not
    say what they have seen. A repeat of an old request therefore puts nothing aside that has come since."""
    if mark is not None and mark != mark_of(item):
        raise ChangedSinceError(f"{item.key} says something else by now: {item.title}; {item.detail}. Look again.")


def finding_of(item: Attention) -> str:
    """What changes with what was found: its title and its detail. That it was told of once more is no finding, nor is
    what comes and goes of the detail: a count or a time that ticks."""
    return _digest(item.title, _lasting(item))


def _lasting(item: Attention) -> str:
    return item.detail if item.lasting_detail is None else item.lasting_detail


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode(errors="surrogatepass")).hexdigest()[:32]


def opened(item: Attention, now: datetime) -> Alert:
    """The alert of what was not there before."""
    return Alert(
        key=item.key,
        kind=item.kind.value,
        title=one_line(item.title),
        detail=one_line(item.detail),
        payment_id=item.payment_id,
        payout_id=item.payout_id,
        mark=mark_of(item),
        finding=finding_of(item),
        first_seen_at=now,
        news_at=now,
    )


def observed(
    known: Mapping[str, Alert],
    items: Sequence[Attention],
    more_of: Collection[str],
    now: datetime,
    reminders: Reminders | None = None,
) -> Iterator[AlertChange]:
    """What changes when `items` are all that needs a person now, but for kinds of which there are more (`more_of`):
    what is not among those may be there all the same."""
    there = {item.key for item in items}
    for item in items:
        alert = known.get(item.key)
        change = _opening(opened(item, now)) if alert is None else _seen(alert, item, now, reminders)
        if change is not None:
            yield change
    for key, alert in known.items():
        if alert.ended_at is None and key not in there and alert.kind not in more_of:
            ended = alert.model_copy(update={"ended_at": now})
            yield AlertChange(ended, "ended", "it needs nobody any more")


def _opening(alert: Alert) -> AlertChange:
    return AlertChange(alert, "opened", alert.title)


def seen(alert: Alert | None, item: Attention, now: datetime) -> Alert:
    """How what needs a person stands, whatever is remembered of it."""
    if alert is None:
        return opened(item, now)
    change = _seen(alert, item, now)
    return alert if change is None else change.alert


def _seen(alert: Alert, item: Attention, now: datetime, reminders: Reminders | None = None) -> AlertChange | None:
    mark, finding = mark_of(item), finding_of(item)
    said = {"title": one_line(item.title), "detail": one_line(item.detail), "mark": mark, "finding": finding}
    present = alert.model_copy(update=said)
    if alert.ended_at is not None:
        is_new = alert.is_handled or now - alert.ended_at >= COMES_AND_GOES_WITHIN
        told_before = () if is_new else alert.takes_it_for_open
        return AlertChange(_news(present, now, told=told_before), "back", "it needs a person again")
    if alert.closing is not None and mark != alert.mark:
        return AlertChange(_news(present, now), "back", f"it was closed by {alert.closing.by}, and has changed")
    if alert.snoozed_until is not None and alert.snoozed_until <= now:
        return AlertChange(_news(present, now), "awake", "its snooze is over")
    if alert.snoozed_until is not None and alert.finding not in (None, finding):
        return AlertChange(_news(present, now), "back", "it was snoozed, and something else was found since")
    if reminders is not None and reminders.is_due(alert, now):
        return AlertChange(_news(present, now), "reminded", "it is still open: those who were told are told again")
    return AlertChange(present, "changed", present.detail) if mark != alert.mark else None


def _news(alert: Alert, now: datetime, *, told: tuple[str, ...] = ()) -> Alert:
    """One that is open, and told anew to whoever is not among those that were `told`."""
    return alert.model_copy(
        update={
            "news_at": now,
            "ended_at": None,
            "snoozed_until": None,
            "closing": None,
            "told": told,
            "ending_told": (),
        }
    )


# What people do


def assigned(alert: Alert, to: str | None) -> AlertChange:
    """Somebody sees to it, or nobody any more."""
    given = alert.model_copy(update={"assigned_to": to})
    if to is None:
        return AlertChange(given, "unassigned", "assigned to nobody")
    return AlertChange(given, "assigned", f"assigned to {to}")


def snoozed(alert: Alert, until: datetime, note: str | None) -> AlertChange:
    """Nobody is told of it, nor shown it, until then, or until something else is found."""
    words = f"snoozed until {until:%Y-%m-%d %H:%M} UTC" + ("" if note is None else f": {note}")
    return AlertChange(alert.model_copy(update={"snoozed_until": until, "closing": None}), "snoozed", words)


def closed(alert: Alert, by: str, note: str, now: datetime) -> AlertChange:
    """Nobody has to look, until it changes."""
    closing = Closing(at=now, by=by, note=note)
    done = alert.model_copy(update={"closing": closing, "snoozed_until": None})
    return AlertChange(done, "closed", f"closed: {note}")


def reopened(alert: Alert, note: str | None, now: datetime) -> AlertChange:
    """It is open again before its time, and told again to whoever was told that it is over."""
    again = _news(alert, now, told=alert.takes_it_for_open)
    return AlertChange(again, "reopened", "reopened" if note is None else f"reopened: {note}")


# What was told


def note_reported(alert: Alert, destination: str) -> Alert:
    """A destination knows of it."""
    return alert if destination in alert.told else alert.model_copy(update={"told": (*alert.told, destination)})


def note_ending_reported(alert: Alert, destination: str) -> Alert:
    """A destination takes it for over: if it is not, it is to be told anew."""
    if alert.ended_at is None and alert.closing is None:
        return alert.model_copy(update={"told": tuple(one for one in alert.told if one != destination)})
    if destination in alert.ending_told:
        return alert
    return alert.model_copy(update={"ending_told": (*alert.ending_told, destination)})
