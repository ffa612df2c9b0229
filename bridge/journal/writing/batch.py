"""One commit's worth of work: what the requests in it read, and what they want written, in one transaction.

A request decides first and writes last. What it writes is staged here and goes to the database in one statement a
table when the batch ends, so a request that fails while it decides leaves nothing behind and does not disturb the
others; requests later in the batch see what earlier ones staged.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection, RowMapping, Select, bindparam, select, update

from bridge.journal.tables import schema
from bridge.journal.tables.rows import EVERYONE, JournaledEvent, journaled_event_of, observation_from_text
from bridge.journal.wakeups import DEADLINES
from bridge.journal.writing.commit_times import committed_at
from bridge.journal.writing.history_guard import JournalHead
from bridge.journal.writing.lately_moved import with_commit
from bridge.journal.writing.prefetch import Prefetch, observations_by_keys
from bridge.journal.writing.recent_payments import RecentPayments
from bridge.journal.writing.staged.actions import waiting_key
from bridge.journal.writing.staged.parts import StagedParts
from bridge.journal.writing.statements import (
    InOrder,
    LookUp,
    Row,
    Staged,
    Writing,
    insert_into,
    look_up,
    padded,
    run_all,
)
from coordinator.compact_json import compact_json
from coordinator.events import Event
from coordinator.payments.deciding.decisions import Decision
from coordinator.payments.events.payments import REQUEST_CANCELLED
from coordinator.payments.observed.claims import MoneyClaim
from coordinator.payments.observed.observations import Observation
from coordinator.payments.payments import Payment

__all__ = ["Batch", "Notify", "StoredObservation"]

_OUTCOME = ("payment_id", "effect", "status", "escrow_state", "received")
_NO_OUTCOME = (None,) * len(_OUTCOME)
_NEW_OBSERVATION = (*_OUTCOME, "provider", "key", "external_id", "observation", "received_at")
_OBSERVATION_BY_KEY = select(schema.observations.c.observation_id).where(
    schema.observations.c.provider == bindparam("by_provider"),
    schema.observations.c.key == bindparam("by_key"),
)
_STORED_OBSERVATIONS = (
    select(schema.observations.c.observation_id, schema.observations.c.observation, schema.observations.c.received_at)
    .where(
        schema.observations.c.provider == bindparam("by_provider"),
        schema.observations.c.external_id == bindparam("by_external_id"),
        schema.observations.c.payment_id.is_(None),
    )
    .order_by(schema.observations.c.observation_id)
)
_CANCELLED = (
    select(schema.events.c.subject)
    .where(
        schema.events.c.subject.in_(bindparam("by_request_ids", expanding=True)),
        schema.events.c.name == REQUEST_CANCELLED,
    )
    .distinct()
)
_IDEMPOTENCY_KEY = select(schema.idempotency_keys.c.request_digest, schema.idempotency_keys.c.result).where(
    schema.idempotency_keys.c.scope == bindparam("by_scope"),
    schema.idempotency_keys.c.key == bindparam("by_key"),
)
_UNREADABLE_WEBHOOK = select(schema.unreadable_webhooks.c.webhook_id).where(
    schema.unreadable_webhooks.c.provider == bindparam("by_provider"),
    schema.unreadable_webhooks.c.digest == bindparam("by_digest"),
)
# On the row that every batch locks already, in its own transaction: one page more in the same sync.
_COUNT_COMMIT = update(schema.journal).values(commits=schema.journal.c.commits + bindparam("more"))
# For those who commit beside.
_COUNT_AND_SAY = _COUNT_COMMIT.values(lately_moved=bindparam("new_lately_moved"))
_CLAIM_OBSERVATION = (
    update(schema.observations)
    .where(schema.observations.c.observation_id == bindparam("by_observation_id"))
    .values({name: bindparam(f"new_{name}") for name in _OUTCOME})
)


_EVENT = (
    *("offset", "name", "everyone", "rooms", "payload", "payment_id", "committed_at", "subject", "traceparent"),
)


class Notify(Protocol):
    """Has others told, with the commit of a batch, of its last event, of the work that it has news for and of the
    sessions that it moves."""

    def __call__(
        self, offset: int, wakeups: Collection[str], moved: Sequence[str]
    ) -> tuple[Select[Any], Sequence[Row]]: ...


@dataclass(frozen=True, slots=True)
class StoredObservation:
    """What was reported of a payment before it was registered."""

    observation_id: int | None
    """Its row's; None if it is staged in this very batch."""
    observation: Observation
    at: datetime
    is_dismissed: bool = False
    """A person took it off the list of what needs one."""


@dataclass(slots=True)
class _NewObservation:
    outcome: tuple[str | None, ...]
    """What it did, in the order of `_OUTCOME`."""
    provider: str
    key: str
    external_id: str
    text: str
    """As JSON."""


class Batch(StagedParts):
    """Reads and staged writes of one transaction. Lives in the writer's thread, for one commit."""

    def __init__(
        self,
        connection: Connection,
        recent: RecentPayments,
        *,
        next_offset: int,
        now: datetime,
        head: JournalHead | None = None,
    ) -> None:
        """`head` is where the journal stands, where others commit beside and have to know of what it moves."""
        super().__init__(connection, recent, now=now)
        self.next_offset = next_offset
        self.traceparent: str | None = None
        """The trace of the request that is decided."""
        self._head = head
        self.collected_claims: dict[tuple[str, str], Mapping[str, MoneyClaim]] = {}
        """By provider and key, what names the money that some of its messages tell of, as they say it."""
        self._unknown_keys: set[tuple[str, str]] = set()
        """What was looked for and is not in the database."""
        self._observation_keys: set[tuple[str, str]] = set()
        self._payments_without_past: list[str] = []
        self._new_observations: list[_NewObservation] = []
        self._unclaimed: defaultdict[tuple[str, str], list[_NewObservation]] = defaultdict(list)
        """Those of them that wait for a payment, by its provider and its name there."""
        self._claimed_observations: list[dict[str, Any]] = []
        self._new_events: list[tuple[Any, ...]] = []
        self._newly_cancelled: set[str | None] = set()
        """The purchase requests that they cancel."""
        self.events: list[JournaledEvent] = []
        """What is appended, as it is told."""
        self._room_offsets: defaultdict[str, list[int]] = defaultdict(list)
        """Which of them each room hears."""
        self._new_webhooks: dict[tuple[str, str], dict[str, Any]] = {}
        self._new_idempotency_keys: dict[tuple[str, str], dict[str, Any]] = {}

    # Reading

    def _row(self, statement: Any, **parameters: str) -> RowMapping | None:
        return self._connection.execute(statement, parameters).mappings().first()

    def prefetch(self, wanted: Sequence[Prefetch]) -> None:
        """Looks up at once what requests will ask for."""
        names, keys = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
        for one in wanted:
            names[one.provider].add(one.external_id)
            if self._recent.keys(one.provider, one.external_id) is None:
                keys[one.provider].add(one.key)
        look_ups, claims = list[LookUp](), list[str]()
        for provider, of_provider in keys.items():
            look_ups.append(self._keys_wanted(provider, of_provider))
        for provider, named in names.items():
            look_ups += self.payments.wanted(provider, named)
        for one in wanted:
            self.collected_claims[one.provider, one.key] = one.claims
            claims += self._open_claims(one)
        look_up(self._connection, [*look_ups, *self.claims.wanted(claims)])

    def _open_claims(self, wanted: Prefetch) -> Collection[str]:
        """What a message may claim: nothing that its payment has, as far as that is known."""
        payment = self.payments.at_hand(wanted.provider, wanted.external_id)
        booked = () if payment is None else {one.transfer.key for one in payment.facts.booked}
        return [name for key, claim in wanted.claims.items() if key not in booked for name in claim]

    def prefetch_keys(self, wanted: Sequence[tuple[str, str]]) -> None:
        """Looks up at once which of some messages, each a provider and a key, are written down."""
        for provider in {provider for provider, _ in wanted}:
            look_up(self._connection, [self._keys_wanted(provider, {key for of, key in wanted if of == provider})])

    def _keys_wanted(self, provider: str, keys: set[str]) -> LookUp:
        parameters = padded(keys)

        def take_rows(rows: list[tuple[Any, ...]]) -> None:
            known = {key for (key,) in rows}
            self._observation_keys |= {(provider, key) for key in known}
            self._unknown_keys |= {(provider, key) for key in keys - known}

        return LookUp(observations_by_keys(len(parameters)), {"by_provider": provider, **parameters}, take_rows)

    def is_recorded(self, provider: str, key: str, external_id: str) -> bool:
        """Whether this very message was written down before, which is about the payment of that name."""
        if (provider, key) in self._observation_keys:
            return True
        keys = self._recent.keys(provider, external_id)
        if keys is not None:
            return key in keys
        return (provider, key) not in self._unknown_keys and (
            self._row(_OBSERVATION_BY_KEY, by_provider=provider, by_key=key) is not None
        )

    def stored_observations(self, provider: str, external_id: str) -> list[StoredObservation]:
        """What was observed of a payment before it was registered, oldest first."""
        by_name = {"by_provider": provider, "by_external_id": external_id}
        rows = self._connection.execute(_STORED_OBSERVATIONS, by_name).all()
        dismissed_at = None if not rows else self.actions.dismissed_at(waiting_key(rows[0].observation_id))
        stored = [
            StoredObservation(
                row.observation_id,
                observation_from_text(row.observation),
                row.received_at,
                # What has a time that is still to come was told before now all the same.
                is_dismissed=dismissed_at is not None and not dismissed_at < row.received_at <= self.now,
            )
            for row in rows
        ]
        stored += [
            StoredObservation(None, observation_from_text(one.text), self.now)
            for one in self._unclaimed.get((provider, external_id), ())
        ]
        return stored

    def cancelled_requests(self, request_ids: Collection[str]) -> list[str]:
        """Those of some purchase requests that were cancelled, as far as the events are stored."""
        rows = self._connection.scalars(_CANCELLED, {"by_request_ids": sorted(request_ids)})
        return sorted({*rows, *(self._newly_cancelled & set(request_ids))})

    def idempotency_key(self, scope: str, key: str) -> tuple[str, str] | None:
        """The digest of the request that used this key, and what it made, as JSON."""
        staged = self._new_idempotency_keys.get((scope, key))
        row = staged or self._row(_IDEMPOTENCY_KEY, by_scope=scope, by_key=key)
        return None if row is None else (row["request_digest"], row["result"])

    def has_webhook(self, provider: str, digest: str) -> bool:
        """Whether this unreadable body is already stored."""
        return (provider, digest) in self._new_webhooks or (
            self._row(_UNREADABLE_WEBHOOK, by_provider=provider, by_digest=digest) is not None
        )

    # Writing

    def add_payment(self, payment: Payment, *, has_past: bool) -> None:
        """Adds a payment, about which messages have come already if it has a past."""
        self.payments.add(payment)
        if not has_past:
            self._payments_without_past.append(payment.payment_id)

    def add_observation(
        self,
        *,
        provider: str,
        key: str,
        external_id: str,
        observation: Observation,
        decision: Decision | None,
    ) -> None:
        """Writes down an observation and what it did; without a decision it waits for its payment."""
        self._writes += 1
        self._observation_keys.add((provider, key))
        new = _NewObservation(_outcome(decision), provider, key, external_id, observation.as_json())
        self._new_observations.append(new)
        if decision is None:
            self._unclaimed[provider, external_id].append(new)

    def claim_observation(self, observation_id: int | None, decision: Decision) -> None:
        """Gives a stored observation to its payment, which is registered at last."""
        self._writes += 1
        if observation_id is not None:
            outcome = {f"new_{name}": value for name, value in zip(_OUTCOME, _outcome(decision), strict=True)}
            self._claimed_observations.append({"by_observation_id": observation_id, **outcome})
            return
        payment = decision.payment
        self._unclaimed[payment.provider, payment.external_id].pop(0).outcome = _outcome(decision)

    def add_events(self, events: Iterable[Event], *, payment_id: str | None) -> None:
        """Appends events to the journal, in order."""
        offset, now, moment, traceparent = self.next_offset, self.now, self._moment, self.traceparent
        new, journaled, room_offsets = self._new_events, self.events, self._room_offsets
        for event in events:
            name, (everyone, rooms), payload, subject = event
            new.append(
                (offset, name, everyone, compact_json(rooms), payload, payment_id, moment, subject, traceparent)
            )
            journaled.append(journaled_event_of((offset, event, now, traceparent)))
            for room in rooms:
                room_offsets[room].append(offset)
            if everyone:
                room_offsets[EVERYONE].append(offset)
            if name == REQUEST_CANCELLED:
                self._newly_cancelled.add(subject)
            offset += 1
        self._writes += offset - self.next_offset
        self.next_offset = offset

    def committed_at(self, offset: int) -> datetime | None:
        """When an event was committed, of this batch or of an earlier one; None if it is forgotten."""
        is_of_this = bool(self.events) and offset >= self.events[0].offset
        return self.now if is_of_this else committed_at(self._connection, offset)

    def store_webhook(self, *, provider: str, digest: str, body: bytes, reason: str) -> None:
        self._writes += 1
        self._new_webhooks[provider, digest] = {
            "provider": provider,
            "digest": digest,
            "body": body,
            "reason": reason,
            "received_at": self.now,
        }

    def add_idempotency_key(self, *, scope: str, key: str, request_digest: str, result: str) -> None:
        self._writes += 1
        self._new_idempotency_keys[scope, key] = {
            "scope": scope,
            "key": key,
            "request_digest": request_digest,
            "result": result,
            "created_at": self.now,
        }

    def remember(self) -> None:
        """Keeps, for the next batches, what this one knows of payments; all of it is committed."""
        keys = [(new.outcome[0], new.key) for new in self._new_observations]
        self._recent.put(self.payments.known(), new=self._payments_without_past, keys=keys)

    def flush(self, notify: Notify | None = None) -> None:
        """Sends all that is staged, one statement a table, and what tells others of it. PostgreSQL commits it too."""
        staged: tuple[Staged, ...] = (
            *self.staged(),
            InOrder(
                insert_into(schema.observations),
                _NEW_OBSERVATION,
                [
                    (*new.outcome, new.provider, new.key, new.external_id, new.text, self._moment)
                    for new in self._new_observations
                ],
            ),
            (_CLAIM_OBSERVATION, self._claimed_observations),
            InOrder(insert_into(schema.events), _EVENT, self._new_events),
            InOrder(
                insert_into(schema.room_events),
                ("room", "last_offset", "offsets"),
                [(room, each[-1], f"[{','.join(map(str, each))}]") for room, each in self._room_offsets.items()],
            ),
            (insert_into(schema.unreadable_webhooks), list(self._new_webhooks.values())),
            (insert_into(schema.idempotency_keys), list(self._new_idempotency_keys.values())),
            # What changes nothing is not counted: it costs no sync either.
            self._counting() if self.writes else (_COUNT_COMMIT, []),
        )
        if "payments" in self.__dict__ and self.payments.is_any_due_soon:
            self.wakeups.add(DEADLINES)
        if notify is not None and (self.events or self.wakeups or self.moved_sessions):
            staged = (*staged, notify(self.next_offset - 1, self.wakeups, self.moved_sessions))
        run_all(self._connection, staged, commits=True)

    def _counting(self) -> tuple[Writing, list[Row]]:
        head = self._head
        if head is None:
            return _COUNT_COMMIT, [{"more": 1}]
        moved = self.payments.changed()
        moved.update(new.outcome[0] for new in self._new_observations if new.outcome[0] is not None)
        moved.update(row["new_payment_id"] for row in self._claimed_observations)
        said = with_commit(head.lately_moved, head.commits + 1, moved)
        return _COUNT_AND_SAY, [{"more": 1, "new_lately_moved": said}]


def _outcome(decision: Decision | None) -> tuple[str | None, ...]:
    """What an observation did, in the order of `_OUTCOME`."""
    if decision is None:
        return _NO_OUTCOME
    payment = decision.payment
    return (
        payment.payment_id,
        str(decision.effect),
        str(payment.status),
        str(payment.escrow_state),
        format(payment.received, "f"),
    )
