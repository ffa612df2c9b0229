"""The writer's lock: held for as long as a bridge writes to a database, so that no other opens it that may not.

Of SQLite it is a lock of the database file itself, whatever that is called: by a symbolic link, a hard link or
another path it is the same. Of PostgreSQL it is an advisory lock of the very connection that writes, which therefore
cannot go on without it; bridges that write side by side share it, and one that writes alone has it for itself. Both
vanish with the process, however it ends. What a pooler makes of the second, the head of the journal makes good:
whoever opens a journal for itself writes that there (`histories.py`), and each batch begins with a look at it.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from sqlalchemy import URL, Engine, event

from bridge.journal.database.owners import give_to_owner_of
from bridge.journal.errors import JournalBusyElsewhereError

__all__ = ["WriterLock", "is_locked"]

# Any number will do as long as no other program on the same PostgreSQL takes it.
_ADVISORY_LOCK = 0x62_72_69_64_67_65
_OPENING = _ADVISORY_LOCK + 1
_EXCLUSIVE = "SELECT pg_try_advisory_lock(%s)"
_SHARED = "SELECT pg_try_advisory_lock_shared(%s)"
_WAIT = "SELECT pg_advisory_lock(%s) IS NULL"
_UNLOCK = "SELECT pg_advisory_unlock(%s)"
# Whoever only looks whether a journal is open holds its lock for a moment.
LOCK_SECONDS = 1.0
_ANOTHER_NAME = (
    "another bridge, which may know it by another name, has {} open; stop it, or set BRIDGE_DATABASE_URL to another"
    " database"
)
_NOT_BESIDE = (
    "bridges of an earlier version run on this journal, and could not go on once it is brought up to date; stop them"
    " all, and start this one then"
)
BUSY_SERVER = (
    "another bridge writes to this database; stop it, or set BRIDGE_DATABASE_URL to another one. If none runs, it is"
    " a connection that broke, and PostgreSQL ends it as soon as it notices"
)


class WriterLock:
    """The lock of one database."""

    def __init__(self, url: URL, engine: Engine, *, is_shared: bool = False) -> None:
        """`engine` is the writer's own: on PostgreSQL none of its connections comes to be without the lock. It can be
        shared there with others that share it."""
        self._path = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
        self._engine = engine
        self._is_shared = is_shared and self._path is None
        self._is_opening = False
        self._held = ExitStack()
        if self._path is None:
            event.listen(engine, "connect", self._lock_connection)

    def take(self) -> None:
        """Takes the lock. Raises JournalBusyElsewhereError when another bridge has it."""
        if self._path is None:
            self._engine.connect().close()
            return
        note = _lock_file(Path(f"{self._path}.lock"), "a+")  # which also a bridge of before asks for
        self._held.callback(note.close)
        give_to_owner_of(self._path, note.fileno())
        # Closed only when SQLite has closed it: with the first that is closed it would lose its own locks.
        self._held.callback(_lock_file(self._path, "rb", note).close)
        with suppress(OSError):  # on a full disk: it only says which process it is
            os.ftruncate(note.fileno(), 0)
            os.write(note.fileno(), str(os.getpid()).encode())

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Takes the lock, for a journal that is brought up to date and opened meanwhile: of several that start at
        once, one after another. Whoever else has it then runs, and does not only wait for its turn. Raises
        JournalBusyElsewhereError when another bridge has it."""
        if self._path is not None:
            self.take()
            yield
            return
        self._is_opening = True
        self.take()
        try:
            yield
        finally:
            self._is_opening = False
            self._ask(_UNLOCK, _OPENING)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Held where no other may run, of those that share the lock. Raises JournalBusyElsewhereError if one does."""
        if not self._is_shared:
            yield
            return
        if not self._ask(_EXCLUSIVE, _ADVISORY_LOCK):
            raise JournalBusyElsewhereError(_NOT_BESIDE)
        try:
            yield
        finally:
            self._ask(_UNLOCK, _ADVISORY_LOCK)

    def is_alone(self) -> bool:
        """Whether no other runs at this moment, of those that share the lock."""
        if not self._is_shared:
            return True
        if not self._ask(_EXCLUSIVE, _ADVISORY_LOCK):
            return False
        self._ask(_UNLOCK, _ADVISORY_LOCK)
        return True

    def _lock_connection(self, driver: Any, _record: object) -> None:
        if self._is_opening:
            _asked(driver, _WAIT, _OPENING)
        lock, give_up = _SHARED if self._is_shared else _EXCLUSIVE, time.monotonic() + LOCK_SECONDS
        while not _asked(driver, lock, _ADVISORY_LOCK):
            if time.monotonic() >= give_up:
                driver.close()
                raise JournalBusyElsewhereError(BUSY_SERVER)
            time.sleep(0.05)

    def _ask(self, statement: str, key: int) -> bool:
        """Asks for a lock on the connection that writes, which is one and the same."""
        with self._engine.connect() as connection:
            return bool(connection.exec_driver_sql(statement, (key,)).scalar())

    def release(self) -> None:
        """Once all connections are closed."""
        self._engine.dispose()
        self._held.close()


def _lock_file(path: Path, mode: str, note: IO[str] | None = None) -> IO[Any]:
    file: IO[Any] = path.open(mode)
    give_up = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() < give_up:
                time.sleep(0.05)
                continue
            file.close()
            raise JournalBusyElsewhereError(_busy_file(path, note)) from None
        return file


def _busy_file(path: Path, note: IO[str] | None) -> str:
    if note is not None:
        note.close()
        return _ANOTHER_NAME.format(path)
    holder = path.read_text(encoding="ascii", errors="replace").strip()
    return (
        f"another bridge (process {holder}) has {path.with_suffix('')} open; stop it, or set BRIDGE_DATABASE_URL to"
        " another database"
    )


def is_locked(path: Path) -> bool:
    """Whether a bridge has an SQLite file open. Raises JournalBusyElsewhereError if it has it by another name: SQLite
    would then look for its WAL in another place, and spoil it."""
    note = Path(f"{path}.lock")
    if note.exists() and _is_locked(note):
        return True
    if _is_locked(path):
        raise JournalBusyElsewhereError(_ANOTHER_NAME.format(path))
    return False


def _is_locked(path: Path) -> bool:
    if not os.access(path, os.R_OK):
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        return False


def _asked(driver: Any, statement: str, key: int) -> bool:
    with driver.cursor() as cursor:
        cursor.execute(statement, (key,))
        [is_so] = cursor.fetchone()
    driver.commit()
    return bool(is_so)
