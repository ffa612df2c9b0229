"""Histories of a journal: opening the one that is there, or beginning another where it is not the one that was left.

A new history has a new epoch, so that clients begin anew, and a new secret, so that their sessions are void; nobody
is online in it who was before. Unless the journal is new, payouts are held until a person resumes them.
"""

import json
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import Connection, Engine, case, delete, func, insert, select, update

from bridge.documentation import where_documented
from bridge.journal.database.corruption import corruption_in
from bridge.journal.database.schema_versions import note_oldest_beside
from bridge.journal.errors import JournalDamagedError
from bridge.journal.history.mark_file import MarkFile, MarkUnreadableError
from bridge.journal.history.storage_identity import storage_identity_of
from bridge.journal.tables import schema
from bridge.journal.writing.staged.actions import StagedActions
from bridge.journal.writing.staged.holds import StagedHolds
from bridge.journal.writing.statements import run
from coordinator.histories import (
    BackupGround,
    Beginning,
    Ground,
    Judgement,
    Mark,
    Reach,
    StoredHistory,
    decisions_missing,
    judge,
)
from coordinator.payouts.comparisons import Comparison
from coordinator.payouts.holds import THE_BRIDGE
from coordinator.payouts.provider_names import Installation

__all__ = [
    "HistoryRecord",
    "Opened",
    "begin_history",
    "histories",
    "installation_of",
    "mark_as_backup",
    "open_history",
    "proven_at",
    "reach_of",
    "stored_history",
]

logger = logging.getLogger("bridge.journal")

_GROUND: TypeAdapter[Ground] = TypeAdapter(Ground)


@dataclass(frozen=True, slots=True)
class Opened:
    """The history that a journal is opened with."""

    epoch: str
    writer: str | None
    """Whoever opened it last, and so may write; None if all may that share it."""
    secret: bytes
    ground: Ground
    judgement: Judgement | None
    """Why it began, if it begins with this."""
    installation: Installation


@dataclass(frozen=True, slots=True)
class HistoryRecord:
    """When a history began, and why."""

    epoch: str
    began_at: datetime
    beginning: Beginning
    evidence: Sequence[str]
    last_commit_at: datetime | None
    """Of the journal as it was found: what came later may be missing from it."""
    comparison: Comparison | None
    """How the books were found to stand, as far as they were compared."""
    compared_at: datetime | None
    """When they were compared to the end."""
    missing_decisions: int | None
    """How many decisions of people it is known to lack; None if that is not known."""

    @property
    def is_to_be_compared(self) -> bool:
        """Whether payouts wait for its books to be compared."""
        return self.beginning is not Beginning.NEW and self.compared_at is None


def open_history(
    engine: Engine,
    now: datetime,
    mark_file: MarkFile | None,
    said: str | None = None,
    *,
    is_shared: bool = False,
    is_suspect: bool = False,
) -> Opened:
    """The history of the journal in a database, or a new one if it is not where or how it was left, or if somebody
    has `said` that it was restored. Whoever opens it is its only writer, unless it `is_shared`. A file that
    `is_suspect` is searched for damage. Raises JournalDamagedError."""
    mark = _read(mark_file)
    with engine.begin() as connection:
        ground, row = storage_identity_of(connection), connection.execute(select(schema.journal)).first()
        stored = None if row is None else stored_history(connection, mark)
        judgement = judge(stored, ground, mark)
        if said is not None and stored is not None:
            judgement = Judgement(Beginning.RESTORED, (said, *(judgement.evidence if judgement else ())))
        was_restored = judgement is not None and judgement.beginning is not Beginning.NEW
        if is_suspect or was_restored or (mark is not None and mark.is_damaged):
            _require_sound(connection)
        if judgement is not None or row is None:
            began = judgement or Judgement(Beginning.NEW, ())
            missing = None if stored is None else decisions_missing(stored, mark)
            epoch, secret = begin_history(connection, began, ground, now, mark=mark, missing_decisions=missing)
        else:
            epoch, secret = row.epoch, row.secret or secrets.token_hex(32)
            if row.secret is None or row.ground is None:
                written = {"secret": secret, "ground": ground.model_dump_json()}
                connection.execute(update(schema.journal).values(written))
        writer = None if is_shared else secrets.token_hex(8)
        # Waits until every batch of another bridge that is under way is committed; the next finds that it may not.
        connection.execute(update(schema.journal).values(writer=writer, commits=schema.journal.c.commits + 1))
        note_oldest_beside(connection)
        installation = installation_of(connection)
    if stored is None and mark is not None:
        logger.warning(
            "the journal is new, and %s tells of another: was that one lost?", mark_file and mark_file.path
        )
    return Opened(epoch, writer, bytes.fromhex(secret), ground, judgement, installation)


def _require_sound(connection: Connection) -> None:
    """Raises JournalDamagedError if the file of an SQLite journal is damaged. To look takes long, so it is done only
    with a reason."""
    damage = corruption_in(connection)
    if damage is not None:
        raise JournalDamagedError(
            f"the journal's file {connection.engine.url.database} is damaged: {damage}. Was a backup put beside the"
            " write-ahead log (-wal) of another journal, or copied over a file that was open? With every bridge"
            " stopped, delete the file with its -wal and -shm, and restore the backup once more:"
            f" {where_documented('docs/operations.md')}"
        )


def _read(mark_file: MarkFile | None) -> Mark | None:
    try:
        return None if mark_file is None else mark_file.read()
    except MarkUnreadableError as error:
        logger.warning("%s: should the journal have been rewound, only its database can tell", error)
        return None


def begin_history(
    connection: Connection,
    judgement: Judgement,
    ground: Ground,
    now: datetime,
    *,
    mark: Mark | None = None,
    missing_decisions: int | None = None,
) -> tuple[str, str]:
    """Begins a history, at once, which accounts for the epoch that a mark tells of, and which lacks so many decisions
    of people, as far as that is known. Returns its epoch and its secret."""
    epoch, secret = secrets.token_hex(8), secrets.token_hex(32)
    last_commit_at = _missing_since(connection)
    written = {"epoch": epoch, "secret": secret, "ground": ground.model_dump_json()}
    if connection.execute(update(schema.journal).values(written)).rowcount == 0:
        # Where a journal was lost, and not what lay beside it, payouts are asked for by the names of the lost one:
        # what it had sent is not sent again unseen.
        named = (None if mark is None else mark.installation) or new_installation()
        connection.execute(insert(schema.journal).values(created_at=now, installation=named, **written))
    connection.execute(
        insert(schema.histories).values(
            epoch=epoch,
            began_at=now,
            beginning=judgement.beginning,
            evidence=json.dumps(judgement.evidence),
            last_commit_at=last_commit_at,
            marked_epoch=None if mark is None else mark.epoch,
            missing_decisions=_missing_decisions(connection, judgement, missing_decisions),
        )
    )
    if judgement.beginning is not Beginning.NEW:
        connection.execute(delete(schema.sessions))
        connection.execute(delete(schema.activities))  # nobody of then is online, and who comes says so
        _hold_payouts(connection, epoch, judgement, now)
        said = "; ".join(judgement.evidence)
        logger.warning(
            "a new history of the journal begins (%s): %s. The books are compared, and no payout is sent until"
            " somebody resumes them.",
            judgement.beginning,
            said,
        )
    return epoch, secret


def new_installation() -> str:
    """What no other installation is called."""
    return secrets.token_hex(8)


def installation_of(connection: Connection) -> Installation:
    """Whose a journal is. An older one says so by its first history: every copy of it does, whenever it was made."""
    journal, found = schema.journal, schema.histories
    key, plain_names = connection.execute(select(journal.c.installation, journal.c.plain_names)).one()
    if key is None:
        is_first = case((found.c.beginning == Beginning.NEW, 0), else_=1)
        key = connection.scalar(select(found.c.epoch).order_by(is_first, found.c.began_at, found.c.epoch).limit(1))
        plain_names = True
        connection.execute(update(journal).values(installation=key, plain_names=plain_names))
    return Installation(key, has_plain_names=bool(plain_names))


def _hold_payouts(connection: Connection, epoch: str, judgement: Judgement, now: datetime) -> None:
    holds, actions = StagedHolds(connection, now=now), StagedActions(connection, now=now)
    note = f"the journal was {judgement.beginning}; the books are to be compared first"
    holds.hold_until_compared(note, epoch)
    actions.add("hold", "payouts", f"no payout is sent: {note}", by=THE_BRIDGE, concerns=None)
    for statement, rows in (*holds.statements(), *actions.statements()):
        run(connection, statement, rows)


def stored_history(connection: Connection, mark: Mark | None) -> StoredHistory:
    """What the journal says of itself, and of the event that a mark says was the last."""
    row = connection.execute(select(schema.journal)).one()
    found = schema.histories
    epochs = connection.execute(select(found.c.epoch, found.c.marked_epoch)).all()
    events = schema.events
    marked_event_at = None
    if mark is not None and mark.epoch == row.epoch:
        at = select(events.c.committed_at).where(events.c.offset == mark.reach.events)
        marked_event_at = connection.scalar(at)
    return StoredHistory(
        epoch=row.epoch,
        accounted_epochs={epoch for pair in epochs for epoch in pair} - {row.epoch, None},
        ground=None if row.ground is None else _GROUND.validate_json(row.ground),
        reach=reach_of(connection),
        marked_event_at=marked_event_at,
    )


def proven_at(connection: Connection) -> datetime | None:
    """When the bridge last proved that it can write."""
    at: datetime | None = connection.scalar(select(schema.journal.c.proven_at))
    return at


_NUMBERED = {
    "observations": schema.observations.c.observation_id,
    "payout_observations": schema.payout_observations.c.observation_id,
    "actions": schema.actions.c.action_id,
}
_LAST_EVENT = select(schema.events).order_by(schema.events.c.offset.desc()).limit(1)
_REACH = select(
    *(select(func.max(column)).scalar_subquery().label(name) for name, column in _NUMBERED.items()),
    select(schema.journal.c.commits).scalar_subquery().label("commits"),
    _LAST_EVENT.with_only_columns(schema.events.c.offset).scalar_subquery().label("events"),
    _LAST_EVENT.with_only_columns(schema.events.c.committed_at).scalar_subquery().label("last_event_at"),
)


def reach_of(connection: Connection) -> Reach:
    """How far a journal is, all of it at one moment, whatever another bridge commits meanwhile."""
    numbers = dict(connection.execute(_REACH).mappings().one())
    last_event_at = numbers.pop("last_event_at")
    return Reach(last_event_at=last_event_at, **{name: number or 0 for name, number in numbers.items()})


_TIMES = (
    (schema.events.c.committed_at, schema.events.c.offset),
    (schema.observations.c.received_at, schema.observations.c.observation_id),
    (schema.payout_observations.c.received_at, schema.payout_observations.c.observation_id),
    (schema.actions.c.at, schema.actions.c.action_id),
)


def _missing_since(connection: Connection) -> datetime | None:
    """Since when things may be missing from a journal as it is found. Until its books were compared, what an earlier
    history lacks is missing too."""
    present = select(schema.journal.c.epoch).scalar_subquery()
    row = connection.execute(select(schema.histories).where(schema.histories.c.epoch == present)).first()
    if row is not None and row.beginning != Beginning.NEW and row.compared_at is None:
        since: datetime | None = row.last_commit_at
        return since
    return _last_commit_at(connection)


def _missing_decisions(connection: Connection, judgement: Judgement, missing: int | None) -> int | None:
    """How many decisions of people a history lacks that begins now. While the bridge still holds payouts for an
    earlier one, nobody has looked at what that lacks, so this one lacks it too."""
    if judgement.beginning is Beginning.NEW:
        return 0
    found = schema.histories
    held = select(schema.payout_holds.c.epoch).where(schema.payout_holds.c.epoch.is_not(None))
    before: Sequence[int | None] = connection.scalars(
        select(found.c.missing_decisions).where(found.c.epoch.in_(held))
    ).all()
    known = [one for one in (missing, *before) if one is not None]
    return sum(known) if len(known) == 1 + len(before) else None


def _last_commit_at(connection: Connection) -> datetime | None:
    """When the last was committed of what is kept with its time."""
    found = [connection.scalar(select(at).order_by(number.desc()).limit(1)) for at, number in _TIMES]
    return max((at for at in found if at is not None), default=None)


def histories(connection: Connection, limit: int) -> list[HistoryRecord]:
    """The histories of a journal, the present one first, whatever the clock said when it began."""
    present = select(schema.journal.c.epoch).scalar_subquery()
    found = schema.histories
    rows = connection.execute(
        select(found).order_by(case((found.c.epoch == present, 0), else_=1), found.c.began_at.desc()).limit(limit)
    )
    return [
        HistoryRecord(
            epoch=row.epoch,
            began_at=row.began_at,
            beginning=Beginning(row.beginning),
            evidence=tuple(json.loads(row.evidence)),
            last_commit_at=row.last_commit_at,
            comparison=None if row.comparison is None else Comparison.model_validate_json(row.comparison),
            compared_at=row.compared_at,
            missing_decisions=row.missing_decisions,
        )
        for row in rows
    ]


def mark_as_backup(connection: Connection, taken_at: datetime) -> None:
    """Has a copy of a journal say of itself that it is a backup."""
    ground = BackupGround(taken_at=taken_at)
    connection.execute(update(schema.journal).values(ground=ground.model_dump_json()))
