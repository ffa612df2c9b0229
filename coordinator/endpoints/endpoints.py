"""An endpoint's life, and that of each delivery to it: what one try makes of both. Pure: the time and the chance are
arguments."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from coordinator.compact_json import compact_json
from coordinator.endpoints.addresses import Networks
from coordinator.ids import derived_id
from coordinator.waits import is_ahead, latest_known, left

__all__ = [
    "PATTERN",
    "STANDARD_RETRIES",
    "TEST_EVENT",
    "DeliveryStatus",
    "Endpoint",
    "EndpointDelivery",
    "EndpointRules",
    "Secret",
    "Try",
    "after_try",
    "matches",
    "message_body",
    "message_id",
    "settled",
]

PATTERN = r"^[a-z*][a-z*-]*$"
"""An event's name, or several by `*`, which stands for anything."""

TEST_EVENT = "endpoint-test"
"""What is sent at somebody's wish alone, and stands in no journal."""

# As Standard Webhooks proposes: three days, and a bit.
STANDARD_RETRIES = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
# A restart of somebody else's is over by then, however often they are tried meanwhile.
SHORTEST_PATIENCE = timedelta(hours=1)
# So much sooner or later, so that what failed together does not come together again.
JITTER_SHARE = 0.1
# Between tries of what is kept because nothing at all is taken.
SHORTEST_PAUSE = timedelta(minutes=1)
SAID_LIMIT_CHARACTERS = 500
GONE = 410
"""The answer of an endpoint that wants nothing any more."""


@dataclass(frozen=True, slots=True)
class EndpointRules:
    """What holds for all endpoints."""

    retries: Sequence[timedelta] = STANDARD_RETRIES
    """How long after each try that failed the next is made."""
    timeout_seconds: float = 15.0
    networks: Networks = ()
    """Those that may be sent to, besides what all of the internet can reach."""

    @property
    def patience(self) -> timedelta:
        """How long an endpoint may fail, and nothing else, before it is disabled."""
        return max(SHORTEST_PATIENCE, sum(self.retries, timedelta()))


@dataclass(frozen=True, slots=True)
class Secret:
    """What messages are signed with."""

    text: str = field(repr=False)
    until: datetime | None = None
    """When it ends, once another has come; None: it is the present one."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where events are sent, and how far that is."""

    endpoint_id: str
    url: str = field(repr=False)
    """Which may hold what only its owner is to know."""
    events: tuple[str, ...]
    is_ordered: bool
    secrets: tuple[Secret, ...] = field(repr=False)
    service: str | None
    """Whose it is; None where staff registered it, or anybody."""
    registered_by: str
    registered_at: datetime
    cursor: int
    """The offset up to which every event is delivered, is not wanted, or has a delivery that says how it stands."""
    version: int = 0
    """Raised by whatever a person or service changes: what was under way before says nothing of the cursor."""
    failing_since: datetime | None = None
    """Since when no try went well; None if the last one did."""
    taken_at: datetime | None = None
    """When it took something last, as far as that is written down."""
    disabled_at: datetime | None = None
    disabled_by: str | None = None
    """Who disabled it; None if the bridge did."""
    disabled_because: str | None = None
    missed: int = 0
    """How many events it will not get by itself."""
    missed_at: datetime | None = None
    missed_because: str | None = None

    @property
    def is_enabled(self) -> bool:
        return self.disabled_at is None

    def keys(self, now: datetime) -> list[str]:
        """The secrets that messages are signed with now, the newest first."""
        return [one.text for one in self.secrets if one.until is None or one.until > now]

    def with_secret(self, text: str, now: datetime, valid_for: timedelta) -> "Endpoint":
        """With a new secret, beside which the others go on to be valid for a while."""
        others = [
            replace(one, until=now + valid_for if one.until is None else one.until)
            for one in self.secrets
            if one.text != text and (one.until is None or one.until > now)
        ]
        return self.changed(secrets=(Secret(text), *others))

    def changed(self, **changes: object) -> "Endpoint":
        return replace(self, version=self.version + 1, **changes)  # type: ignore[arg-type]

    def enabled(self) -> "Endpoint":
        """It is sent to again, from where it was left."""
        return self.changed(disabled_at=None, disabled_by=None, disabled_because=None, failing_since=None)

    def disabled(self, now: datetime, because: str, by: str | None = None) -> "Endpoint":
        return self.changed(disabled_at=now, disabled_by=by, disabled_because=because)

    def having_missed(self, count: int, now: datetime, because: str) -> "Endpoint":
        return replace(self, missed=self.missed + count, missed_at=now, missed_because=because)

    def after(self, delivery: "EndpointDelivery", rules: EndpointRules) -> "Endpoint":
        """After a try that made of a delivery what it is now. One that is disabled stays so, whatever is tried."""
        if delivery.status is DeliveryStatus.DELIVERED:
            return self._having_taken(delivery)
        if not self.is_enabled or delivery.last_at is None:
            return self
        now = delivery.last_at
        since = self.failing_since
        failing = replace(self, failing_since=now) if since is None or is_ahead(since, now) else self
        if delivery.answer_status == GONE:
            return failing.disabled(now, f"it answered {GONE}: it wants nothing any more")
        if delivery.is_over and self.holds(delivery):
            said = f"{delivery.message_id} was not taken in {delivery.tries} tries, and nothing may overtake it"
            return failing.disabled(now, f"{said}; at last: {delivery.said}")
        if failing.failing_since is not None and now - failing.failing_since >= rules.patience:
            return failing.disabled(now, f"nothing was taken since {failing.failing_since:%Y-%m-%d %H:%M} UTC")
        if delivery.is_over and not self.waits_for(delivery):
            said = f"{delivery.event} {delivery.message_id} was not taken in {delivery.tries} tries"
            return failing.having_missed(1, now, f"{said}; at last: {delivery.said}")
        return failing

    def _having_taken(self, delivery: "EndpointDelivery") -> "Endpoint":
        at = delivery.last_at
        if at is None or delivery.is_test or (self.taken_at is not None and at <= self.taken_at < latest_known(at)):
            return self if self.failing_since is None else replace(self, failing_since=None)
        return replace(self, failing_since=None, taken_at=at)

    def holds(self, delivery: "EndpointDelivery") -> bool:
        """Whether nothing may overtake a delivery."""
        return self.is_ordered and delivery.offset is not None and delivery.offset > self.cursor

    def waits_for(self, delivery: "EndpointDelivery") -> bool:
        """Whether a delivery is tried on though all its tries are made: nothing else was taken meanwhile either, so
        that it is the endpoint that takes nothing, and not the event that is not taken."""
        if not delivery.is_over or delivery.was_given_up or self.holds(delivery):
            return False
        first_at = delivery.first_at or delivery.created_at
        return (
            self.taken_at is None or self.taken_at < first_at or is_ahead(self.taken_at, delivery.last_at or first_at)
        )


class DeliveryStatus(StrEnum):
    """How a delivery stands."""

    PENDING = "pending"
    """It is tried, or tried again, at its time."""
    DELIVERED = "delivered"
    FAILED = "failed"
    """It is not tried any more, unless somebody wants it."""


@dataclass(frozen=True, slots=True)
class EndpointDelivery:
    """One event on its way to one endpoint."""

    endpoint_id: str
    message_id: str
    event: str
    offset: int | None
    """None of a test."""
    created_at: datetime
    status: DeliveryStatus = DeliveryStatus.PENDING
    tries: int = 0
    """How many were made, or since somebody wanted it again."""
    last_at: datetime | None = None
    next_at: datetime | None = None
    """When it is due; None if it is not."""
    answer_status: int | None = None
    """Of the last answer; None if there was none."""
    said: str = ""
    """The beginning of that answer, or why there was none."""
    took_ms: int | None = None
    first_at: datetime | None = None
    """When the first of these tries ended."""

    @property
    def is_over(self) -> bool:
        """Whether an event is not tried any more."""
        return self.status is DeliveryStatus.FAILED and not self.is_test

    @property
    def was_given_up(self) -> bool:
        """Whether it ended by no answer of the endpoint's."""
        return self.status is DeliveryStatus.FAILED and self.took_ms is None

    @property
    def is_test(self) -> bool:
        return self.offset is None

    def left(self, now: datetime) -> timedelta:
        """How long it is until it is due: it waits since its last try. What was not tried since somebody wanted it,
        or is hastened, waits for nothing."""
        is_wanted = self.tries == 0 or self.next_at == self.first_at
        if self.next_at is None or self.last_at is None or is_wanted:
            return timedelta()
        return left(self.next_at, now, self.next_at - self.last_at)

    def again(self, now: datetime) -> "EndpointDelivery":
        """It is tried now, as if never before."""
        return replace(self, status=DeliveryStatus.PENDING, tries=0, next_at=now, first_at=None)

    def given_up(self, now: datetime, because: str) -> "EndpointDelivery":
        over = replace(self, status=DeliveryStatus.FAILED, last_at=now, next_at=None)
        return replace(over, said=because, answer_status=None, took_ms=None)

    def retried(self, endpoint: "Endpoint", rules: "EndpointRules") -> "EndpointDelivery":
        """It is tried on until its endpoint takes something, or is disabled, which keeps it for when that is enabled
        again. `endpoint`: as it is after the last try."""
        last_at = self.last_at or self.created_at
        patience_ends = (endpoint.failing_since or last_at) + rules.patience
        pause = max([SHORTEST_PAUSE, *rules.retries[-1:]])
        return replace(self, status=DeliveryStatus.PENDING, next_at=max(last_at, min(last_at + pause, patience_ends)))


@dataclass(frozen=True, slots=True)
class Try:
    """What came of one try."""

    at: datetime
    """When it had ended."""
    status: int | None
    said: str
    took_ms: int
    rest_asked: timedelta | None = None
    """How long the answer asks to be let alone."""

    @property
    def is_accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def after_try(
    delivery: EndpointDelivery, tried: Try, rules: EndpointRules, chance: float, *, only_once: bool
) -> EndpointDelivery:
    """What a try makes of a delivery. `chance`, from 0 to 1, says where the next try lies about its time;
    `only_once`: there is none, as of what somebody wants of an endpoint that is disabled."""
    tries = delivery.tries + 1
    if tried.is_accepted:
        status, next_at = DeliveryStatus.DELIVERED, None
    elif only_once or delivery.is_test or tries > len(rules.retries):
        status, next_at = DeliveryStatus.FAILED, None
    else:
        pause = rules.retries[tries - 1] * (1 - JITTER_SHARE + 2 * JITTER_SHARE * chance)
        if tried.rest_asked is not None:
            pause = max(pause, tried.rest_asked * (1 + JITTER_SHARE * chance))
        status, next_at = DeliveryStatus.PENDING, tried.at + pause
    return replace(
        delivery,
        status=status,
        tries=tries,
        last_at=tried.at,
        next_at=next_at,
        answer_status=tried.status,
        said=_storable(tried.said),
        took_ms=tried.took_ms,
        first_at=tried.at if delivery.tries == 0 else delivery.first_at,
    )


def settled(
    endpoint: Endpoint, delivery: EndpointDelivery, rules: EndpointRules
) -> tuple[Endpoint, EndpointDelivery]:
    """What a try makes of an endpoint and, by how that stands, of the delivery: what an endpoint that takes nothing
    does not take is not missed."""
    after = endpoint.after(delivery, rules)
    is_retried = endpoint.waits_for(delivery) or _ended_by_disabling(endpoint, after, delivery)
    if endpoint.is_enabled and is_retried:
        return after, delivery.retried(after, rules)
    return after, delivery


def _ended_by_disabling(before: Endpoint, after: Endpoint, delivery: EndpointDelivery) -> bool:
    """Whether the endpoint was disabled by this very try, so that the event is neither taken nor missed."""
    is_over = delivery.is_over and not delivery.was_given_up
    return is_over and not after.is_enabled and not before.holds(delivery)


def _storable(text: str) -> str:
    """Of somebody else's words those that a table and a terminal can take."""
    return "".join(one if one.isprintable() else " " for one in text[:SAID_LIMIT_CHARACTERS]).strip()


def matches(pattern: str, event: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), event) is not None


def message_id(offset: int, committed_at: datetime, event: str, payload_json: str) -> str:
    """The id of an event, for all endpoints and tries, also after the journal was restored from a backup: the same
    event has the same, and another one in its place another."""
    return derived_id("evt", offset, committed_at.isoformat(), event, payload_json)


def message_body(
    event: str, at: datetime, payload_json: str, *, offset: str | None, rooms: Iterable[str], everyone: bool
) -> bytes:
    """What is sent: the payload as it is, which is not encoded again, after what is known of it."""
    head = {"type": event, "timestamp": at.isoformat(), "offset": offset, "everyone": everyone, "rooms": list(rooms)}
    return f'{compact_json(head)[:-1]},"data":{payload_json}}}'.encode()
