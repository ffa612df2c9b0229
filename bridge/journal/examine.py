"""Looking at a database from outside, without opening it as the journal and without changing it."""

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError

from bridge.journal.database.engines import journal_place, opening, parse_database_url, reading_engine
from bridge.journal.database.lock import is_locked
from bridge.journal.database.pooling import require_session
from bridge.journal.database.remedies import what_helps
from bridge.journal.database.schema_versions import known_versions, version_of
from bridge.journal.errors import JournalUrlError
from bridge.journal.queries.coins import WaitedCoin, coins_waited_for
from bridge.journal.queries.dated_notices import DatedNotice, dated_notices
from bridge.journal.queries.waiting_at_providers import waiting_at_others
from bridge.journal.writing.staged.holds import payout_holds
from coordinator.attention.unconfigured import AtProvider
from coordinator.payouts.holds import PayoutHold

__all__ = [
    "DatabaseState",
    "examine_database",
    "examine_dated_notices",
    "examine_holds",
    "examine_version",
    "examine_waiting",
    "examine_waiting_at_others",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """How a database is, before a bridge opens it."""

    description: str
    folder: Path | None = None
    """Where an SQLite file is or will be."""
    is_open_elsewhere: bool = False


def examine_database(database_url: str) -> DatabaseState:
    """Whether a journal is or could be there. Raises JournalUrlError if not, saying why and what to do, and
    JournalBusyElsewhereError if a bridge has it open by another name."""
    url = parse_database_url(database_url)
    if url.get_backend_name() != "sqlite":
        engine = reading_engine(url)
        try:
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                require_session(connection)
                return DatabaseState(f"{journal_place(database_url)}, {_schema_version(connection)}")
        except DBAPIError as error:
            reason = " ".join(str(error.orig).split())
            helps = what_helps(reason, "see that PostgreSQL runs there, or correct BRIDGE_DATABASE_URL")
            raise JournalUrlError(f"cannot connect to {journal_place(database_url)}: {reason}; {helps}") from None
        finally:
            engine.dispose()
    path = Path(url.database or "").absolute()
    folder = _existing_folder(path)
    if not path.exists():
        return DatabaseState(f"{path} will be made at the first start", folder)
    is_open_elsewhere = is_locked(path)  # before it is opened here, by whatever name
    engine = create_engine(url)
    try:
        with opening(url), engine.connect() as connection:
            version = _schema_version(connection)
    finally:
        engine.dispose()
    return DatabaseState(f"{path}, {version}", folder, is_open_elsewhere=is_open_elsewhere)


def examine_version(database_url: str) -> str | None:
    """The version of a journal; None while its database is empty. Raises JournalUrlError."""
    examine_database(database_url)
    url = parse_database_url(database_url)
    engine = reading_engine(url)
    try:
        with opening(url), engine.connect() as connection:
            return version_of(connection)
    finally:
        engine.dispose()


def examine_waiting(database_url: str) -> Sequence[WaitedCoin]:
    """The coins that somebody waits for; none where there is no journal yet, or one of another version."""
    return _examined(database_url, coins_waited_for)


def examine_holds(database_url: str) -> Sequence[PayoutHold]:
    """Who holds payouts; nobody also where there is no journal yet, or one of another version."""
    return _examined(database_url, payout_holds)


def examine_waiting_at_others(
    database_url: str, *, asked: Collection[str], sending: Collection[str], expired_since: datetime
) -> Sequence[AtProvider]:
    """What waits at other providers than some, as in the journal's `waiting_at_others`."""
    return _examined(
        database_url, partial(waiting_at_others, asked=asked, sending=sending, expired_since=expired_since)
    )


def examine_dated_notices(database_url: str, provider: str) -> Sequence[DatedNotice]:
    """How a provider's newest notices are dated, as in the journal's `dated_notices`."""
    return _examined(database_url, partial(dated_notices, provider=provider))


def _examined(database_url: str, read: Callable[[Connection], Sequence[T]]) -> Sequence[T]:
    """What is found in a journal of this version; nothing where there is none."""
    url = parse_database_url(database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return []
    engine = reading_engine(url)
    try:
        with opening(url), engine.connect() as connection:
            return read(connection) if version_of(connection) == known_versions()[-1] else []
    finally:
        engine.dispose()


def _existing_folder(path: Path) -> Path:
    """The nearest folder of a file that exists; raises JournalUrlError if the file could not be written there."""
    if path.is_dir():
        raise JournalUrlError(f"{path} is a folder; name a file in it")
    folder = next(parent for parent in path.parents if parent.exists())
    if not folder.is_dir():
        raise JournalUrlError(f"{folder} is a file, so {path} cannot be in it")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise JournalUrlError(f"{path} cannot be written; let the bridge's user write there, or name another file")
    return folder


def _schema_version(connection: Connection) -> str:
    found = version_of(connection)
    if found is None:
        return "empty so far"
    newest = known_versions()[-1]
    if found > newest:
        return f"schema {found}, of a newer bridge beside which this one may run"
    return f"schema {found}" + ("" if found == newest else f", to be brought to {newest} at the next start")
