"""The schema's versions: a new database and one that was migrated from the first version are alike."""

import asyncio
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text

from bridge.journal import Journal, JournalUrlError
from bridge.journal.database.engines import parse_database_url, writing_engine
from bridge.journal.database.schema_versions import bring_up_to_date, known_versions, version_of
from tests.bridge.journal.older_journals import alembic_config, migrate

# Comments are for readers of a new database. A default that a migration gave to a column was for the rows that were
# there: whoever writes names every column, or would fail on the new database that all other tests use.
NOT_COMPARED = ("comment", "default")


def _described(connection: Connection) -> dict[str, Any]:
    """Everything that a database tells of its tables but the order of their columns, which nobody relies on."""
    inspector = inspect(connection)

    def by_name(found: Any) -> list[str]:
        return sorted(
            ", ".join(f"{key}={_shown(value)}" for key, value in sorted(entry.items()) if key not in NOT_COMPARED)
            for entry in found
        )

    return {
        table: (
            by_name(inspector.get_columns(table)),
            inspector.get_pk_constraint(table)["constrained_columns"],
            by_name(inspector.get_indexes(table)),
            by_name(inspector.get_unique_constraints(table)),
            by_name(inspector.get_foreign_keys(table)),
            by_name(inspector.get_check_constraints(table)),
        )
        for table in inspector.get_table_names()
    }


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return str({key: str(part) for key, part in value.items()})
    return str(value)


def _look(empty_database_url: str) -> dict[str, Any]:
    engine = writing_engine(parse_database_url(empty_database_url))
    with engine.connect() as connection:
        described = _described(connection)
    engine.dispose()
    return described


def test_the_known_versions_are_those_of_the_migrations_and_end_with_the_newest() -> None:
    script = ScriptDirectory.from_config(alembic_config())
    assert [revision.revision for revision in script.walk_revisions()][::-1] == list(known_versions())
    assert script.get_current_head() == known_versions()[-1]


async def test_a_new_database_is_like_one_that_was_migrated_from_the_first_version(
    empty_database_url: str,
) -> None:
    await asyncio.to_thread(migrate, empty_database_url, command.upgrade, "head")
    migrated = await asyncio.to_thread(_look, empty_database_url)
    engine = writing_engine(parse_database_url(empty_database_url))
    with engine.begin() as connection:
        for table in migrated:
            cascade = "" if engine.dialect.name == "sqlite" else " CASCADE"
            connection.execute(text(f'DROP TABLE "{table}"{cascade}'))
    await asyncio.to_thread(bring_up_to_date, engine)
    engine.dispose()
    made = await asyncio.to_thread(_look, empty_database_url)
    assert made.keys() == migrated.keys()
    for table in migrated:
        assert made[table] == migrated[table], table


async def test_a_journal_of_an_older_version_is_migrated_when_it_is_opened(empty_database_url: str) -> None:
    await asyncio.to_thread(migrate, empty_database_url, command.upgrade, "0012")
    await (await Journal.open(empty_database_url)).close()
    engine = writing_engine(parse_database_url(empty_database_url))
    with engine.connect() as connection:
        assert version_of(connection) == known_versions()[-1]
    engine.dispose()


async def test_a_start_that_broke_off_before_the_first_migration_is_taken_up(empty_database_url: str) -> None:
    engine = writing_engine(parse_database_url(empty_database_url))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    engine.dispose()
    await (await Journal.open(empty_database_url)).close()


@pytest.mark.parametrize(
    "statements",
    [
        ("CREATE TABLE payments (id INTEGER)",),
        ("CREATE TABLE users (id INTEGER)",),
        ("CREATE VIEW payments AS SELECT 1 AS id",),
        ("CREATE TABLE users (id INTEGER)", "CREATE TABLE alembic_version (version_num VARCHAR(32))"),
        ("CREATE TABLE alembic_version (version_num VARCHAR(32))", "INSERT INTO alembic_version VALUES ('0013')"),
        ("CREATE TABLE alembic_version (version VARCHAR(32))", "INSERT INTO alembic_version VALUES ('ae1027a6acf0')"),
        ("CREATE VIEW alembic_version AS SELECT '0001' AS version_num",),
    ],
)
async def test_the_database_of_another_program_is_left_alone(
    empty_database_url: str, statements: tuple[str, ...]
) -> None:
    engine = create_engine(parse_database_url(empty_database_url))
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    before = await asyncio.to_thread(_content, empty_database_url)
    with pytest.raises(JournalUrlError, match="the database is another program's: it has"):
        await Journal.open(empty_database_url)
    assert await asyncio.to_thread(_content, empty_database_url) == before
    engine.dispose()


@pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("version", [None, "0013", "ae1027a6acf0"])
async def test_a_schema_of_its_own_keeps_it_apart_from_another_program_in_the_same_database(
    empty_database_url: str, version: str | None
) -> None:
    url = parse_database_url(empty_database_url)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE public.alembic_version (version_num VARCHAR(32) PRIMARY KEY)"))
        if version is not None:
            connection.execute(text("INSERT INTO public.alembic_version VALUES (:version)"), {"version": version})
        connection.execute(text("CREATE SCHEMA bridge"))
        connection.execute(text(f'ALTER DATABASE "{url.database}" SET search_path = bridge, public'))
    engine.dispose()
    for _ in ("made", "opened again"):
        await (await Journal.open(empty_database_url)).close()
    with engine.connect() as connection:
        theirs = connection.scalars(text("SELECT version_num FROM public.alembic_version")).all()
        ours = connection.scalars(text("SELECT version_num FROM bridge.alembic_version")).all()
        assert (theirs, ours) == ([] if version is None else [version], [known_versions()[-1]])
        assert inspect(connection).get_table_names("public") == ["alembic_version"]
    engine.dispose()


def _content(empty_database_url: str) -> object:
    """An SQLite file to the last byte; elsewhere what tables there are."""
    url = parse_database_url(empty_database_url)
    return Path(url.database or "").read_bytes() if url.get_backend_name() == "sqlite" else _look(empty_database_url)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
async def test_a_database_that_has_not_every_character_is_refused(postgresql_url: str, encoding: str) -> None:
    name = f"journal_in_{encoding.lower()}"
    with psycopg.connect(f"{postgresql_url}/postgres", autocommit=True) as connection:
        how = f"ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
        connection.execute(f"CREATE DATABASE {name} {how}".encode())
    with pytest.raises(JournalUrlError, match=rf"encoding {encoding}, .* createdb --encoding=UTF8"):
        await Journal.open(f"{postgresql_url}/{name}")
