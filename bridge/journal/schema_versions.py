"""Versions of the schema: the one that a database has, and how it is brought to the newest.

Alembic is imported only where there is something to migrate: an empty database is given today's tables as they are.
"""

from functools import cache
from pathlib import Path

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, inspect, select

from bridge.journal import schema
from bridge.journal.errors import JournalUrlError

__all__ = ["MIGRATIONS", "bring_up_to_date", "known_versions", "version_of"]

MIGRATIONS = Path(__file__).parent / "migrations"
# Alembic's own table, as it makes it.
ALEMBIC_VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))


@cache
def known_versions() -> tuple[str, ...]:
    """Every version of the schema, the newest last. The file of a migration begins with its version."""
    files = (MIGRATIONS / "versions").glob("[0-9]*_*.py")
    return tuple(sorted(file.name.partition("_")[0] for file in files))


def version_of(connection: Connection) -> str | None:
    """The version of a database's schema; None while it has no tables."""
    if not inspect(connection).has_table(ALEMBIC_VERSION.name):
        return None
    return connection.scalar(select(ALEMBIC_VERSION.c.version_num))


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
    taken = schema.metadata.tables.keys() & set(inspect(connection).get_table_names())
    if taken:
        raise JournalUrlError(
            f"the database has tables of another program ({', '.join(sorted(taken))}); give the bridge one of its own"
        )
    if connection.dialect.name == "postgresql":
        schema.speak_postgresql()
    ALEMBIC_VERSION.create(connection, checkfirst=True)
    schema.metadata.create_all(connection, checkfirst=False)


def _migrate(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
