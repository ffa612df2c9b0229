"""Opening the database: the URL, and the settings that every connection needs."""

import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool, QueuePool

from bridge.journal.database.remedies import what_helps
from bridge.journal.errors import JournalUrlError
from coordinator.extras import how_to_install

__all__ = [
    "common_dialect",
    "connection_arguments",
    "connection_settings",
    "has_password",
    "journal_place",
    "opening",
    "parse_database_url",
    "prepare_writing",
    "reading_engine",
    "writing_engine",
]

# Long enough for a checkpoint or a backup to finish, short enough that a caller still gets its 503 in time.
BUSY_TIMEOUT_MS = 5_000

# What libpq is told of a connection to PostgreSQL, unless the URL says otherwise. A server, or a network, that falls
# silent is noticed by the kernel within half a minute; one that takes connections and says nothing, by the time-outs
# of `readers.py` and `writer.py`.
CONNECTION_SETTINGS = {
    "application_name": "bridge",
    "client_encoding": "utf8",  # what the server takes by itself is its operator's habit
    "connect_timeout": 3,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # milliseconds
}
# How long SQLite's log becomes before it is brought into the file: 16 MB. Most pages are written by many commits, and
# each of them is brought in once.
LOG_PAGES = 4_000
# With less nothing is begun: a new journal has some hundred kilobytes.
FULL_DISK_BYTES = 1_000_000
# Of each kind of database a journal says some hundred things.
STATEMENTS_LIMIT = 1_000
# In milliseconds. Shorter than what a caller waits, so that nothing is committed long after its 503.
STATEMENT_LIMITS = {
    "statement_timeout": 15_000,
    "lock_timeout": 10_000,
    # A bridge that was stopped in the middle of a commit has the head of the journal locked: nobody else commits.
    "idle_in_transaction_session_timeout": 5_000,
    "idle_session_timeout": 0,  # a journal may have nothing to do for days
}
# Not every server has all of them, and a pooler need not let them pass at the start of a connection.
_LIMIT = text("SELECT set_config(name, :value, false) FROM pg_settings WHERE name = :name")
# A server may be set not to wait for its disk. Whoever is answered 202 relies on that.
_DURABLE = text(
    "SELECT set_config(name, 'on', false) FROM pg_settings WHERE name = 'synchronous_commit' AND setting = 'off'"
)


_COMMON: dict[str, Dialect] = {}


def common_dialect(dialect: Dialect) -> Dialect:
    """One for all engines of a kind of database, which speak the same SQL: what is compiled for it is so for all."""
    return _COMMON.setdefault(dialect.name, dialect)


class _Statements:
    """What SQLAlchemy has compiled, for all engines. By itself it keeps that for each engine apart, and every reader
    has one."""

    def __init__(self) -> None:
        self._compiled: dict[tuple[object, ...], object] = {}

    def get(self, key: tuple[Dialect, *tuple[object, ...]]) -> object:
        return self._compiled.get((common_dialect(key[0]), *key[1:]))

    def __setitem__(self, key: tuple[Dialect, *tuple[object, ...]], compiled: object) -> None:
        if len(self._compiled) >= STATEMENTS_LIMIT:
            self._compiled.clear()
        self._compiled[common_dialect(key[0]), *key[1:]] = compiled


SHARED: dict[str, Any] = {"compiled_cache": _Statements()}

# As PostgreSQL writes it, for a server and its replicas: user@one:5432,two:5432/name.
_SEVERAL_HOSTS = re.compile(
    r"(?P<before>postgres[^:/]*://(?:[^@/?]*@)?)(?P<hosts>[^@/?]*,[^@/?]*)(?P<name>/?[^?]*)\??(?P<options>.*)"
)
# A host, with its port where an option names it; a folder of sockets; nothing, for the one that is usual.
_HOST = re.compile(r"([A-Za-z0-9._-]*|\[?[0-9A-Fa-f:.]+(%\w+)?\]?)(:\d{0,5})?|/[\w./-]*")
# Of what libpq is told in a URL, what may be shown; any other may be a password.
_SHOWN_OPTIONS = ("host", "port")
ENCODE = "in a password write @ as %40, / as %2F and : as %3A"


def parse_database_url(text_url: str) -> URL:
    """Reads `sqlite:///path/to.db` or `postgresql://user@host/name`, whatever driver it names.

    Raises JournalUrlError for any other database, for SQLite in memory, which would not survive a crash, and for what
    can be read in two ways. The message quotes nothing that may be of a password.
    """
    try:
        url = make_url(_with_hosts_as_options(text_url))
        backend = url.get_backend_name()
    except ArgumentError:
        raise JournalUrlError("the database URL is not a URL; write one such as sqlite:///var/bridge.db") from None
    except ValueError:  # of a port, in whose place a password may stand
        raise _unreadable() from None
    if backend == "sqlite":
        return _file_url(url)
    if backend in ("postgresql", "postgres"):
        _require_clear(text_url, url)
        if find_spec("psycopg") is None:
            raise JournalUrlError(
                f"a journal in PostgreSQL needs psycopg, which is not installed: {how_to_install('postgres')}"
            )
        return url.set(drivername="postgresql+psycopg")
    raise JournalUrlError(f"the journal is stored in SQLite or PostgreSQL, not in {backend}")


def _file_url(url: URL) -> URL:
    """A URL of SQLite, which has no host: one slash too few makes one of the path's beginning."""
    if url.host is not None:
        path = "/".join(filter(None, (url.host, url.database)))
        is_plain = url.username is None and url.port is None
        raise JournalUrlError(f"write sqlite:///{path if is_plain else 'var/bridge.db'}, with three slashes")
    if url.database in (None, "", ":memory:"):
        raise JournalUrlError("the journal must be a file; write a URL such as sqlite:///var/bridge.db")
    return url.set(drivername="sqlite+pysqlite")


def _require_clear(text_url: str, url: URL) -> None:
    """Raises JournalUrlError where it is not sure what of a URL is its password."""
    options = url.query.get("host", ())
    hosts = [url.host or "", *([options] if isinstance(options, str) else options)]
    is_host = all(_HOST.fullmatch(host) for one in hosts for host in one.split(","))
    if text_url.count("@") > 1 or not is_host or re.search("[@/]", url.database or ""):
        raise _unreadable()


def _unreadable() -> JournalUrlError:
    return JournalUrlError(
        f"it cannot be told what of the database URL is its password, and what its host; {ENCODE}, as in"
        " postgresql://bridge:PASSWORD@db.example:5432/bridge"
    )


def _with_hosts_as_options(text_url: str) -> str:
    """A URL that names several hosts, as SQLAlchemy reads it; any other as it is."""
    several = _SEVERAL_HOSTS.fullmatch(text_url)
    if several is None:
        return text_url
    options = [*(f"host={host}" for host in several["hosts"].split(",")), several["options"]]
    return f"{several['before']}{several['name'] or '/'}?{'&'.join(filter(None, options))}"


def has_password(text_url: str) -> bool:
    """Whether a URL says one; of what is no URL of a journal that is not known."""
    try:
        url = parse_database_url(text_url)
    except JournalUrlError:
        return False
    return url.password is not None or any("password" in name for name in url.query)


def journal_place(text_url: str) -> str:
    """Where a journal is, for a person to read: the whole path of its file, or the URL without its password, and with
    no more of what it says after a question mark than where the server is."""
    url = parse_database_url(text_url)
    if url.get_backend_name() == "sqlite":
        return str(Path(url.database or "").absolute())
    shown = {name: value for name, value in url.query.items() if name in _SHOWN_OPTIONS}
    return url.set(drivername="postgresql", query=shown).render_as_string(hide_password=True)


@contextmanager
def opening(url: URL) -> Iterator[None]:
    """To be held while a journal is looked into, or opened to be written. Raises JournalUrlError, which says where it
    is, what keeps it from that, and what to do."""
    try:
        yield
    except (OSError, DBAPIError, sqlite3.Error) as error:
        said = os.strerror(error.errno or 0) if isinstance(error, OSError) else getattr(error, "orig", error)
        reason = " ".join(str(said).split())
        raise JournalUrlError(
            f"the journal {journal_place(url.render_as_string(hide_password=False))} cannot be opened: {reason};"
            f" {_what_helps(url, reason)}, or set BRIDGE_DATABASE_URL to another one"
        ) from None


def _what_helps(url: URL, reason: str) -> str:
    if url.get_backend_name() != "sqlite":
        return what_helps(reason, "see what the server is short of, or does not allow")
    # SQLite calls it many things, such as an input or output that failed.
    is_full = shutil.disk_usage(Path(url.database or "").absolute().parent).free < FULL_DISK_BYTES
    return "its disk is full, so make room there" if is_full else "see that it is a journal, and can be written"


def _prepare_sqlite(engine: Engine, *, begin: str, pragmas: tuple[str, ...]) -> None:
    def on_connect(connection: Any, _record: object) -> None:
        # SQLAlchemy is to say BEGIN itself, below: the driver's own habit would begin too late.
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    def on_begin(connection: Connection) -> None:
        # Not by SQLAlchemy's own way, which costs as much as what the transaction does.
        driver: Any = connection.connection.driver_connection
        driver.execute(begin)

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)


def _make_folder(path: Path) -> None:
    """Makes the folder of the database and of its lock, and sees that both can be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Payments are nobody's business but the bridge's.
        for file in (path, Path(f"{path}.lock")):
            file.touch(mode=0o600)
    except OSError as error:
        raise JournalUrlError(
            f"{path} cannot be written ({os.strerror(error.errno or 0)}); let the bridge's user write there, or set"
            " BRIDGE_DATABASE_URL to another file"
        ) from None


def writing_engine(url: URL) -> Engine:
    """The engine of the single writer: one connection, durable at each commit."""
    if url.get_backend_name() != "sqlite":
        # One and no other, so that it has the writer's lock from its beginning to its end.
        return create_engine(
            url,
            connect_args=connection_settings(url),
            execution_options=SHARED,
            poolclass=QueuePool,
            pool_size=1,
            max_overflow=0,
        )
    _make_folder(Path(url.database or ""))
    engine = create_engine(url, execution_options=SHARED, poolclass=NullPool)
    _prepare_sqlite(
        engine,
        begin="BEGIN IMMEDIATE",
        # Before the first table is made: from then on only VACUUM could change it.
        pragmas=(
            "auto_vacuum=INCREMENTAL",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            f"wal_autocheckpoint={LOG_PAGES}",
        ),
    )
    return engine


def reading_engine(url: URL) -> Engine:
    """The engine of whoever only looks up: its one connection cannot write."""
    one = {"execution_options": SHARED, "poolclass": QueuePool, "pool_size": 1, "max_overflow": 0}
    if url.get_backend_name() != "sqlite":
        # A transaction around one query would say BEGIN and COMMIT besides, each a way to the server and back; around
        # several it would promise nothing more, since each of them sees what is committed when it begins.
        engine = create_engine(url, connect_args=connection_settings(url), isolation_level="AUTOCOMMIT", **one)
        event.listen(engine, "connect", _read_only)
        return engine
    # A look-up that takes too long is interrupted from another thread.
    engine = create_engine(url, connect_args={"check_same_thread": False}, **one)
    _prepare_sqlite(engine, begin="BEGIN", pragmas=(f"busy_timeout={BUSY_TIMEOUT_MS}", "query_only=ON"))
    return engine


def _read_only(connection: Any, _record: object) -> None:
    connection.execute("SET default_transaction_read_only = on")


def connection_settings(url: URL) -> dict[str, Any]:
    """What libpq is told of a connection, but for what a URL says itself."""
    return {name: value for name, value in CONNECTION_SETTINGS.items() if name not in url.query}


def connection_arguments(url: URL) -> dict[str, Any]:
    """All that libpq is told of a connection that SQLAlchemy does not make."""
    _, arguments = url.get_dialect()().create_connect_args(url)
    return {**connection_settings(url), **arguments}


def prepare_writing(connection: Connection) -> None:
    """Has PostgreSQL give up what takes too long on a connection, but not what a migration does, which may; and have
    on its disk what it calls committed. From then on whoever uses the connection begins each transaction and commits
    it by statements of their own, which go with the others."""
    if connection.dialect.name == "postgresql":
        connection.execute(_DURABLE)
        for name, milliseconds in STATEMENT_LIMITS.items():
            connection.execute(_LIMIT, {"name": name, "value": str(milliseconds)})
        connection.commit()
        driver: Any = connection.connection.driver_connection
        driver.autocommit = True
