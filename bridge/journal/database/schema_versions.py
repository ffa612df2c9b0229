"""Versions of the schema: the one that a database has, and how it is brought to the newest.

Alembic is imported only where there is something to migrate: an empty database is given today's tables as they are.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, inspect

from bridge.journal.errors import JournalUrlError
from bridge.journal.tables import schema

__all__ = ["MIGRATIONS", "bring_up_to_date", "known_versions", "version_of"]

MIGRATIONS = Path(__file__).parents[1] / "migrations"
# Alembic's own table, as it makes it.
ALEMBIC_VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
IN_EVERY_VERSION = {"events", "observations", "payments"}
"""Tables that a journal of any version has."""


@cache
def known_versions() -> tuple[str, ...]:
    """Every version of the schema, the newest last. The file of a migration begins with its version."""
    files = (MIGRATIONS / "versions").glob("[0-9]*_*.py")
    return tuple(sorted(file.name.partition("_")[0] for file in files))


def version_of(connection: Connection) -> str | None:
    """The version of a journal's schema; None while the database is empty. Changes nothing.

    Raises JournalUrlError if the database is another program's, or of a newer bridge, or has no room for every
    character.
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
    if version not in known_versions():
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


def bring_up_to_date(engine: Engine) -> None:
    """Brings the schema to its newest version, or makes it. Raises JournalUrlError if the database is another
    program's."""
    newest = known_versions()[-1]
    with engine.begin() as connection:
        version = version_of(connection)
        if version is None:
            _make(connection)
            connection.execute(ALEMBIC_VERSION.insert().values(version_num=newest))
            return
    if version != newest:
        _migrate(engine)


def _make(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        schema.speak_postgresql()
    if ALEMBIC_VERSION.name not in _tables_of(connection)[1]:
        ALEMBIC_VERSION.create(connection, checkfirst=False)
    schema.metadata.create_all(connection, checkfirst=False)


def _migrate(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
