"""The files that an SQLite journal is open with: the database, its WAL and its shared memory, by device and inode.

While a connection is open SQLite itself neither deletes nor replaces any of them. Somebody else can: then everything
goes on as before, into files that have no name any more and are gone with the process.
"""

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import URL

__all__ = ["OpenFiles"]

FILES = {"": "database", "-wal": "WAL", "-shm": "shared memory"}
Identity = tuple[int, int]


class OpenFiles:
    """Which files they are."""

    def __init__(self, url: URL) -> None:
        """To be made while a connection is open. The names are those that SQLite uses, which follows links."""
        database = Path(url.database or "").resolve()
        self._paths = {what: Path(f"{database}{suffix}") for suffix, what in FILES.items()}
        self._identities: Mapping[str, Identity | None] = {
            what: _identity(path) for what, path in self._paths.items()
        }

    def trouble(self) -> str | None:
        """What is not the file any more that is open; None if all are."""
        for what, path in self._paths.items():
            found = _identity(path)
            if found != self._identities[what]:
                return f"its {what} ({path}) was {'deleted' if found is None else 'replaced'}"
        return None


def _identity(path: Path) -> Identity | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
