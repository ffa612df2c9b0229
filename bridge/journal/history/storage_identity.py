"""Storage identity: what a database says of what it lies on, so that a copy, another cluster or a promoted server is
told apart from the place where the journal was written."""

import ctypes
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import DBAPIError

from coordinator.histories import FileGround, Ground, ServerGround

__all__ = ["storage_identity_of"]

_SYSTEM = "(SELECT system_identifier FROM pg_control_system())"
# Not pg_control_checkpoint(), which tells of a promotion only at the next checkpoint.
_TIMELINE = "substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"
_DATABASE = "(SELECT oid::bigint FROM pg_database WHERE datname = current_database())"
_TABLE = "'journal'::regclass::oid::bigint"
_ALL = text(f"SELECT {_DATABASE}, {_TABLE}, {_SYSTEM}, {_TIMELINE}")
# Where that is refused: what is always told, and what may not be.
_TABLES, _REFUSABLE = text(f"SELECT {_DATABASE}, {_TABLE}"), [text(f"SELECT {one}") for one in (_SYSTEM, _TIMELINE)]
_IS_REFUSED = "not all of the ground is told"

# Of Linux's statx(2).
_AT_FDCWD, _STATX_BTIME = -100, 0x800
_BTIME_AT, _STRUCTURE_BYTES = 80, 256


def storage_identity_of(connection: Connection) -> Ground:
    """What a journal's database lies on. Raises FileNotFoundError if its file is gone."""
    if connection.dialect.name == "sqlite":
        return file_ground(Path(connection.engine.url.database or ""))
    database, table, system, timeline = _server_ground(connection)
    return ServerGround(
        system=None if system is None else str(system),
        timeline=None if timeline is None else int(str(timeline), 16),
        database=database,
        table=table,
    )


def _server_ground(connection: Connection) -> Sequence[Any]:
    """All at once, unless this role may not ask for some of it, or this kind of server does not know."""
    if _IS_REFUSED not in connection.info:
        if (found := _asked(connection, _ALL)) is not None:
            return found
        connection.info[_IS_REFUSED] = True  # of this connection: another may lead elsewhere
    answers = [_asked(connection, question) for question in _REFUSABLE]
    return [*connection.execute(_TABLES).one(), *(None if answer is None else answer[0] for answer in answers)]


def _asked(connection: Connection, question: TextClause) -> Sequence[Any] | None:
    """What a server answers; None if it refuses to, which is not to end a transaction that there may be."""
    driver: Any = connection.connection.driver_connection
    try:
        with nullcontext() if driver.autocommit else connection.begin_nested():
            return connection.execute(question).one()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise  # it did not refuse to say: nobody knows what it would have said
        return None


def file_ground(path: Path) -> FileGround:
    found = path.stat()
    return FileGround(device=found.st_dev, inode=found.st_ino, born_at_ns=_born_at_ns(path, found))


def _born_at_ns(path: Path, found: os.stat_result) -> int | None:
    if not sys.platform.startswith("linux"):
        born = getattr(found, "st_birthtime", None)
        return None if born is None else int(born * 10**9)
    try:
        statx = ctypes.CDLL(None).statx
    except (AttributeError, OSError):
        return None
    structure = ctypes.create_string_buffer(_STRUCTURE_BYTES)
    if statx(_AT_FDCWD, os.fsencode(path), 0, _STATX_BTIME, structure) != 0:
        return None
    raw = structure.raw
    if not int.from_bytes(raw[:4], sys.byteorder) & _STATX_BTIME:
        return None
    seconds = int.from_bytes(raw[_BTIME_AT : _BTIME_AT + 8], sys.byteorder, signed=True)
    return seconds * 10**9 + int.from_bytes(raw[_BTIME_AT + 8 : _BTIME_AT + 12], sys.byteorder)
