"""Histories: what the journal lies on, how far it is known to have been, and whether the journal that is found is the
one that was left.

A journal that was restored, rewound, copied or promoted has forgotten what others still know. A new history then
begins, with its own epoch.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple

from pydantic import AwareDatetime, Field

from coordinator.models import FrozenModel

__all__ = [
    "BackupGround",
    "Beginning",
    "FileGround",
    "Ground",
    "Judgement",
    "Mark",
    "Place",
    "Reach",
    "ServerGround",
    "StoredHistory",
    "decisions_missing",
    "judge",
]


class Beginning(StrEnum):
    """Why a history began."""

    NEW = "new"
    RESTORED = "restored"
    """Somebody said so, or the backup did that it was made of."""
    PROMOTED = "promoted"
    """Another server of its PostgreSQL cluster has taken over, or the cluster was restored to a point in time."""
    REWOUND = "rewound"
    """It is known to have been further, or to have gone another way."""
    COPIED = "copied"
    """It lies in another file, database or cluster than it was written in."""


class FileGround(FrozenModel):
    """An SQLite file's own identity."""

    kind: Literal["file"] = "file"
    device: int
    inode: int
    born_at_ns: int | None = None
    """An inode's number is given again soon after its file is gone. None where the file system does not say."""


class ServerGround(FrozenModel):
    """The PostgreSQL that a journal lies in, as that names itself; None for what a role may not ask."""

    kind: Literal["server"] = "server"
    system: str | None = None
    timeline: int | None = None
    database: int
    table: int
    """Of the journal: a dump that is read back makes another."""


class BackupGround(FrozenModel):
    """A backup, which says so itself: whatever it is copied over, it is not what was written there."""

    kind: Literal["backup"] = "backup"
    taken_at: AwareDatetime


Ground = Annotated[FileGround | ServerGround | BackupGround, Field(discriminator="kind")]
"""What a journal lies on."""


class Reach(FrozenModel):
    """How far a journal is: the last of every row that is numbered on and on, and how often anything was committed,
    such as that a client has joined a room, of which nothing else is numbered."""

    events: int = 0
    observations: int = 0
    payout_observations: int = 0
    actions: int = 0
    commits: int = 0
    last_event_at: AwareDatetime | None = None
    """When the last event was committed. Two histories that went different ways have different ones."""

    def behind(self, other: "Reach") -> Iterator[str]:
        """What another reach has more of, in words."""
        for name, what in _NUMBERED:
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine < theirs:
                yield f"it had {theirs} {what}, and has {mine}"


_NUMBERED = (
    ("events", "events"),
    ("observations", "observations of payments"),
    ("payout_observations", "observations of payouts"),
    ("actions", "actions of people"),
    ("commits", "commits"),
)


class Place(NamedTuple):
    """A place in a journal: an event, by its number and by when it was committed. Two histories that went different
    ways have different ones."""

    number: int
    """0 is the beginning, before the first."""
    at: datetime | None
    """None where that is not known any more, and of the beginning."""


class Mark(FrozenModel):
    """How far a journal was, as it is noted outside of its database. It may lag, and is never ahead."""

    epoch: str
    reach: Reach
    is_damaged: Annotated[bool, Field(exclude_if=lambda value: not value)] = False
    """Whether its file was found to be damaged, so that nobody begins with it unseen."""
    file: Annotated[tuple[int, int] | None, Field(exclude_if=lambda value: value is None)] = None
    """The size of an SQLite file in bytes, and when it was written last in nanoseconds since 1970."""
    installation: Annotated[str | None, Field(exclude_if=lambda value: value is None)] = None
    """Whose journal it was: a new one that is begun beside its mark is the same installation's."""


@dataclass(frozen=True, slots=True)
class StoredHistory:
    """What a journal says of itself."""

    epoch: str
    accounted_epochs: Collection[str]
    """Whose marks say nothing about the present one: those that it had before, and those of marks by which one of its
    histories began."""
    ground: Ground | None
    """What it was written on; None if that was not written down."""
    reach: Reach
    marked_event_at: datetime | None = None
    """When the event was committed that the mark says was the last; None if it is not kept."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """That a history begins, and why."""

    beginning: Beginning
    evidence: tuple[str, ...]


# The cause that says most comes first.
_BY_WEIGHT = (Beginning.RESTORED, Beginning.PROMOTED, Beginning.REWOUND, Beginning.COPIED)


def judge(stored: StoredHistory | None, found: Ground, mark: Mark | None) -> Judgement | None:
    """Whether a history begins with the journal that is found on some ground, whose mark says how far it was; None
    if it continues."""
    if stored is None:
        return Judgement(Beginning.NEW, ())
    evidence = [*_of_ground(stored.ground, found), *_of_mark(stored, mark)]
    if not evidence:
        return None
    beginnings = {beginning for beginning, _ in evidence}
    beginning = next(one for one in _BY_WEIGHT if one in beginnings)
    return Judgement(beginning, tuple(said for _, said in evidence))


_Evidence = Sequence[tuple[Beginning, str]]


def _of_ground(stored: Ground | None, found: Ground) -> _Evidence:
    if stored is None or stored == found:
        return []
    if isinstance(stored, BackupGround):
        return [(Beginning.RESTORED, f"it is a backup that was taken at {stored.taken_at:%Y-%m-%d %H:%M:%S} UTC")]
    if isinstance(stored, FileGround) and isinstance(found, FileGround):
        return _of_files(stored, found)
    if isinstance(stored, ServerGround) and isinstance(found, ServerGround):
        return _of_servers(stored, found)
    return [(Beginning.COPIED, f"it was written in a {stored.kind}, and is in a {found.kind}")]


def _of_files(stored: FileGround, found: FileGround) -> _Evidence:
    if (stored.device, stored.inode) != (found.device, found.inode):
        was, is_now = (f"{one.inode} of device {one.device}" for one in (stored, found))
        return [(Beginning.COPIED, f"it was written in the file with the inode {was}, and is in {is_now}")]
    if None not in (stored.born_at_ns, found.born_at_ns) and stored.born_at_ns != found.born_at_ns:
        return [(Beginning.COPIED, "its file was made anew since it was written")]
    return []


def _of_servers(stored: ServerGround, found: ServerGround) -> _Evidence:
    if None not in (stored.system, found.system) and stored.system != found.system:
        return [
            (Beginning.COPIED, f"it was written in the PostgreSQL cluster {stored.system}, and is in {found.system}")
        ]
    if (stored.database, stored.table) != (found.database, found.table):
        return [(Beginning.COPIED, "its tables were made anew since it was written, as by reading back a dump")]
    if None not in (stored.timeline, found.timeline) and stored.timeline != found.timeline:
        return [
            (
                Beginning.PROMOTED,
                f"the PostgreSQL cluster is on timeline {found.timeline}, and was on {stored.timeline}: another"
                " server was promoted, or it was restored to a point in time",
            )
        ]
    return []


def _of_mark(stored: StoredHistory, mark: Mark | None) -> _Evidence:
    # It could not be rewritten when this epoch began, or is another bridge's, which has not run since.
    if mark is None or mark.epoch in stored.accounted_epochs:
        return []
    if mark.epoch != stored.epoch:
        return [(Beginning.REWOUND, f"its mark tells of the epoch {mark.epoch}, of which it knows nothing")]
    said = [(Beginning.REWOUND, what) for what in stored.reach.behind(mark.reach)]
    was_at = mark.reach.last_event_at
    if None not in (stored.marked_event_at, was_at) and stored.marked_event_at != was_at:
        said.append((Beginning.REWOUND, f"its event {mark.reach.events} is another than the one that was there"))
    return said


def decisions_missing(stored: StoredHistory, mark: Mark | None) -> int | None:
    """How many decisions of people a journal lacks, as its mark shows; None if it shows nothing of that. Where the
    two went different ways, what is there is not what was there, however much of it there is."""
    if mark is None or mark.epoch != stored.epoch:
        return None
    was_at = mark.reach.last_event_at
    if None not in (stored.marked_event_at, was_at) and stored.marked_event_at != was_at:
        return None
    return max(0, mark.reach.actions - stored.reach.actions)
