"""The files that an SQLite journal is open with: the database, its WAL and its shared memory, by device and inode.

While a connection is open SQLite itself neither deletes nor replaces any of them. Somebody else can: then everything
goes on as before, into files that have no name any more and are gone with the process.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import URL

__all__ = ["OpenFiles", "has_log", "written_state"]

DATABASE = "database"
FILES = {"": DATABASE, "-wal": "WAL", "-shm": "shared memory"}
Identity = tuple[int, int]


class OpenFiles:
    """Which files they are."""

    def __init__(self, url: URL) -> None:
        """To be made while a connection is open. The names are those that SQLite uses, which follows links."""
        database = Path(url.database or "").resolve()
        self._paths = {what: f"{database}{suffix}" for suffix, what in FILES.items()}
        self._identities: Mapping[str, Identity | None] = {
            what: _identity(path) for what, path in self._paths.items()
        }

    def are_there(self) -> bool:
        """Whether all of them are the files that are open."""
        return list(map(_identity, self._paths.values())) == [*self._identities.values()]

    def gone(self) -> str | None:
        """What became of the database itself, if it is not the file any more that is open."""
        return self._trouble([DATABASE])

    def besides_gone(self) -> str | None:
        """The same of its WAL and its shared memory: then all that was committed can still be brought into it."""
        return self._trouble([what for what in self._paths if what != DATABASE])

    def _trouble(self, files: Sequence[str]) -> str | None:
        for what in files:
            path = self._paths[what]
            found = _identity(path)
            if found != self._identities[what]:
                return f"its {what} ({path}) was {'deleted' if found is None else 'replaced'}"
        return None


def written_state(url: URL) -> tuple[int, int] | None:
    """The size of an SQLite journal's file in bytes, and when it was written last in nanoseconds since 1970; None
    where there is no such file."""
    if url.get_backend_name() != "sqlite":
        return None
    try:
        found = Path(url.database or "").stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def has_log(url: URL) -> bool:
    """Whether an SQLite journal was left with a write-ahead log, as by a bridge that was killed. Whoever opens it
    brings that into the file."""
    try:
        return url.get_backend_name() == "sqlite" and Path(f"{url.database}-wal").stat().st_size > 0
    except OSError:
        return False


def _identity(path: str) -> Identity | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - after each commit, where a Path costs twice as much
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
