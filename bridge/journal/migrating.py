"""Migrating from a terminal: what a newer bridge will make of a journal's schema, tried on a copy where that can be
had, and the migration itself."""

import ast
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter

from sqlalchemy import URL, Engine, func, inspect, select, table
from sqlalchemy.exc import DBAPIError

from bridge.journal.database.engines import (
    journal_place,
    opening,
    parse_database_url,
    reading_engine,
    writing_engine,
)
from bridge.journal.database.lock import WriterLock
from bridge.journal.database.schema_versions import (
    MIGRATIONS,
    OLDEST_BESIDE,
    bring_up_to_date,
    known_versions,
    version_of,
)
from bridge.journal.errors import JournalUrlError
from bridge.journal.examine import examine_database
from bridge.journal.maintenance import back_up
from bridge.journal.tables import schema

__all__ = ["Migration", "MigrationPlan", "Trial", "migrate", "planned_migration"]

# Of these a journal has most rows.
COUNTED = (schema.events, schema.observations, schema.payments)
# So many rows a second a step writes anew, on a machine that does other things too; what only adds a table or a
# column, as most do, takes no time.
ROWS_PER_SECOND = 50_000
# For the copy, and for what a migration writes anew in it.
TIMES_THE_FILE = 2.5


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    version: str
    what: str
    """What it brings, in a sentence."""
    names: frozenset[str] = frozenset()
    """The words in it that may name a table."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How a migration went on a copy, which is gone; or how long it may take, where there was none."""

    seconds: float | None
    """How long it took; None if it was not tried."""
    why_not: str = ""
    estimated_seconds: float | None = None
    """How long it may take, by how many rows there are of what its steps touch."""


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """What the next start of this bridge will do to a journal before it is ready."""

    place: str
    version: str | None
    """None where there is no journal yet."""
    newest: str
    steps: tuple[Migration, ...]
    rows: Mapping[str, int]
    """How many there are, by table, of those that have most."""
    may_go_on: bool
    """Whether bridges of the version that is there may run meanwhile, and afterwards."""
    trial: Trial


def planned_migration(database_url: str, now: datetime) -> MigrationPlan:
    """What is to be done, and how long it took on a copy of an SQLite journal, whether a bridge has it open or not.
    Changes nothing. Raises JournalUrlError."""
    examine_database(database_url)
    url = parse_database_url(database_url)
    place, newest = journal_place(database_url), known_versions()[-1]
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return MigrationPlan(
            place, None, newest, (), {}, may_go_on=True, trial=Trial(None, "there is no journal yet")
        )
    engine = reading_engine(url)
    try:
        with opening(url), engine.connect() as connection:
            version = version_of(connection)
            rows = (
                {}
                if version is None
                else {
                    table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in COUNTED
                }
            )
    finally:
        engine.dispose()
    steps = tuple(_steps_after(version)) if version is not None else ()
    if not steps:
        trial = Trial(None, "there is nothing to do")
    else:
        trial = _tried(url, database_url, now) if url.get_backend_name() == "sqlite" else _estimated(url, steps)
    return MigrationPlan(place, version, newest, steps, rows, version is None or version >= OLDEST_BESIDE, trial)


def migrate(database_url: str) -> MigrationPlan:
    """Brings a journal up to date, as the next start would, and returns what was done. Raises JournalUrlError, and
    JournalBusyElsewhereError where a bridge has it open that could not go on."""
    examine_database(database_url)
    url = parse_database_url(database_url)
    engine = writing_engine(url)
    lock = WriterLock(url, engine, is_shared=True)
    try:
        with opening(url), lock.opening():
            version = _version_in(engine)
            begun = perf_counter()
            bring_up_to_date(engine, lock.alone)
            seconds = perf_counter() - begun
    finally:
        lock.release()
    steps = tuple(_steps_after(version)) if version is not None else ()
    place, newest = journal_place(database_url), known_versions()[-1]
    return MigrationPlan(place, version, newest, steps, {}, may_go_on=True, trial=Trial(seconds))


def _version_in(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return version_of(connection)


def _steps_after(version: str) -> list[Migration]:
    files = sorted((MIGRATIONS / "versions").glob("[0-9]*_*.py"))
    numbered = [(file.name.partition("_")[0], file) for file in files]
    return [_step(number, file) for number, file in numbered if number > version]


def _step(number: str, file: Path) -> Migration:
    """A migration by its text, which is not imported for that: it would bring Alembic."""
    source = file.read_text(encoding="utf-8")
    text = ast.get_docstring(parsed := ast.parse(source)) or file.stem
    said = {one.value for one in ast.walk(parsed) if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    names = frozenset(word for one in said - {text} for word in re.findall(r"[a-z_]+", one))
    return Migration(number, " ".join(text.split("\n\n")[0].split()), names)


def _estimated(url: URL, steps: Sequence[Migration]) -> Trial:
    """As if each step wrote every row anew of each table that it names and that is there."""
    engine = reading_engine(url)
    try:
        with opening(url), engine.connect() as connection:
            counts = {
                name: connection.scalar(select(func.count()).select_from(table(name))) or 0
                for name in inspect(connection).get_table_names()
                if any(name in step.names for step in steps)
            }
    finally:
        engine.dispose()
    rows = sum(counts.get(name, 0) for step in steps for name in step.names)
    return Trial(
        None,
        "a PostgreSQL is not copied for that: read a dump into another database, and run bridge migrate on that",
        rows / ROWS_PER_SECOND,
    )


def _tried(url: URL, database_url: str, now: datetime) -> Trial:
    journal = Path(url.database or "").absolute()
    copy = journal.with_name(f"{journal.name}.trial")
    free, needed = shutil.disk_usage(journal.parent).free, int(journal.stat().st_size * TIMES_THE_FILE)
    if free < needed:
        return Trial(None, f"a copy needs {needed / 10**6:.0f} MB, and {free / 10**6:.0f} MB are free")
    try:
        copy.unlink(missing_ok=True)
        back_up(database_url, copy, now)
        engine = writing_engine(parse_database_url(f"sqlite:///{copy}"))
        try:
            begun = perf_counter()
            bring_up_to_date(engine)
            return Trial(perf_counter() - begun)
        finally:
            engine.dispose()
    except DBAPIError as error:
        raise JournalUrlError(f"the migration failed on a copy of the journal: {error.orig}") from None
    finally:
        for end in ("", "-wal", "-shm", "-journal", ".lock"):
            with suppress(OSError):
                Path(f"{copy}{end}").unlink(missing_ok=True)
