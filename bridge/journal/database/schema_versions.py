"""Versions of the schema: the one that a database has, and how it is brought to the newest.

Bridges of several versions may share a journal, for as long as one after another is replaced. That is safe where the
newer version's migrations only expand the schema: what they add, older bridges need not know.

Alembic is imported only where there is something to migrate: an empty database is given today's tables as they are.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    MetaData,
    String,
    Table,
    create_mock_engine,
    inspect,
    select,
    update,
)

from bridge.journal.errors import JournalUrlError
from bridge.journal.tables import schema

__all__ = ["MIGRATIONS", "OLDEST_BESIDE", "bring_up_to_date", "known_versions", "note_oldest_beside", "version_of"]

MIGRATIONS = Path(__file__).parents[1] / "migrations"
# Alembic's own table, as it makes it.
ALEMBIC_VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
OLDEST_BESIDE = "0046"
"""The oldest version whose bridges may go on while those of the newest run. Each migration after it only adds tables,
indexes, and columns that may be left out. One that does more has its own version stand here, as a test sees to; then
all bridges of before are stopped first."""
IN_EVERY_VERSION = {"events", "observations", "payments"}
"""Tables that a journal of any version has."""


@cache
def known_versions() -> tuple[str, ...]:
    """Every version of the schema, the newest last. The file of a migration begins with its version."""
    files = (MIGRATIONS / "versions").glob("[0-9]*_*.py")
    return tuple(sorted(file.name.partition("_")[0] for file in files))


def version_of(connection: Connection) -> str | None:
    """The version of a journal's schema; None while the database is empty. Changes nothing.

    Raises JournalUrlError if the database is another program's, or of a newer bridge that knows none of this version
    beside it, or has no room for every character.
    """
    _require_every_character(connection)
    schema_name, tables = _tables_of(connection)
    versions: Sequence[object] = []
    if ALEMBIC_VERSION.name in tables:
        place = connection.dialect.identifier_preparer.quote_schema(schema_name or "main")
        statement = f"SELECT * FROM {place}.{ALEMBIC_VERSION.name}"  # noqa: S608 (both are names, and quoted)
        versions = connection.exec_driver_sql(statement).scalars().all()
    others = tables - {ALEMBIC_VERSION.name}
    if not versions and not others:
        return None
    if len(versions) != 1 or not tables >= IN_EVERY_VERSION:
        found = ", ".join(sorted(others)[:3]) or "a version"
        raise JournalUrlError(
            f"the database is another program's: it has {found}, and no journal; give the bridge one of its own"
        )
    version = str(versions[0])
    if version not in known_versions() and _oldest_beside(connection) not in known_versions():
        raise JournalUrlError(
            f"the schema is version {version}, which is newer than this bridge; install a newer one"
        )
    return version


def _require_every_character(connection: Connection) -> None:
    """One that a database has not would be refused at its commit, and everything else of that commit with it."""
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
    if encoding != "UTF8":
        raise JournalUrlError(
            f"the database has the encoding {encoding}, which lacks most characters; make one with"
            " createdb --encoding=UTF8 --template=template0, and read what there is back into it"
        )


def _tables_of(connection: Connection) -> tuple[str | None, set[str]]:
    """The schema in which tables are made, and its tables and views. What else PostgreSQL finds along its search path
    is another program's."""
    inspector = inspect(connection)
    name = inspector.default_schema_name
    return name, {table.lower() for table in (*inspector.get_table_names(name), *inspector.get_view_names(name))}


def _oldest_beside(connection: Connection) -> str | None:
    oldest: str | None = connection.scalar(select(schema.journal.c.oldest_beside))
    return oldest


def note_oldest_beside(connection: Connection) -> None:
    """Writes into a journal which bridges may use it. One whose own version is older than the schema leaves that to
    those that know more."""
    if version_of(connection) == known_versions()[-1]:
        connection.execute(update(schema.journal).values(oldest_beside=OLDEST_BESIDE))


def bring_up_to_date(engine: Engine, alone: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
    """Brings the schema to its newest version, or makes it. `alone` is held where no other bridge may run meanwhile,
    and raises if one does. Raises JournalUrlError if the database is another program's."""
    newest = known_versions()[-1]
    with engine.begin() as connection:
        version = version_of(connection)
        if version is None:
            _make(connection)
            connection.execute(ALEMBIC_VERSION.insert().values(version_num=newest))
            return
    if version in known_versions()[:-1]:
        with nullcontext() if version >= OLDEST_BESIDE else alone():
            _migrate(engine)


def _make(connection: Connection) -> None:
    if ALEMBIC_VERSION.name not in _tables_of(connection)[1]:
        ALEMBIC_VERSION.create(connection, checkfirst=False)
    for statement in statements_that_make(connection.engine.url.drivername):
        connection.exec_driver_sql(statement)


@cache
def statements_that_make(drivername: str) -> tuple[str, ...]:
    """Today's tables, in the words of the database that one speaks to with this driver."""
    if drivername.startswith("postgresql"):
        schema.speak_postgresql()
    statements: list[str] = []

    def note(statement: Any, *_: object) -> None:
        statements.append(str(statement.compile(dialect=writer.dialect)))

    writer = create_mock_engine(URL.create(drivername), note)
    schema.metadata.create_all(writer, checkfirst=False)
    return tuple(statements)


def _migrate(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
