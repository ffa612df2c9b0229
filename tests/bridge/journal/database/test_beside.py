"""Bridges of two versions on one journal: the older one goes on where the newer one's migrations only expand the
schema, and where they do more the newer one does not start before the others are stopped."""

import ast
import asyncio
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bridge.journal import Journal, JournalUrlError
from bridge.journal.database import schema_versions
from bridge.journal.errors import JournalBusyElsewhereError
from coordinator.events import Audience, Event
from tests.bridge.journal.database.test_shared import waiting_to_open

NEWER = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0999", "{newest}", None, None


def upgrade() -> None:
    {upgrade}
"""
EXPANDS = 'op.add_column("payments", sa.Column("something", sa.Text()))'
CONTRACTS = 'op.drop_table("idempotency_keys")'
# What a migration may do that bridges of before need not know.
EXPANDING = {"create_table", "create_index", "add_column"}


class Versions:
    """This version of the bridge, and a newer one that was not written yet."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch

    def is_newer(self, upgrade: str, *, oldest_beside: str = schema_versions.OLDEST_BESIDE) -> None:
        newest = schema_versions.known_versions()[-1]
        migrations = self._folder / "migrations"
        shutil.copytree(schema_versions.MIGRATIONS, migrations)
        (migrations / "versions" / "0999_newer.py").write_text(NEWER.format(newest=newest, upgrade=upgrade))
        self._monkeypatch.setattr(schema_versions, "MIGRATIONS", migrations)
        self._monkeypatch.setattr(schema_versions, "OLDEST_BESIDE", oldest_beside)
        schema_versions.known_versions.cache_clear()

    def is_this_one(self) -> None:
        self._monkeypatch.undo()
        schema_versions.known_versions.cache_clear()


@pytest.fixture
def versions(tmp_path: Path) -> Iterator[Versions]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        versions = Versions(tmp_path, monkeypatch)
        yield versions
        versions.is_this_one()


async def publish(journal: Journal) -> None:
    await journal.publish_events([Event("news", Audience(everyone=True), "{}")])


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_an_older_bridge_goes_on_and_starts_again_beside_a_newer_one(
    database_url: str, versions: Versions
) -> None:
    older = await Journal.open(database_url, is_shared=True)
    versions.is_newer(EXPANDS)
    newer = await Journal.open(database_url, is_shared=True)
    for journal in (older, newer, older):
        await publish(journal)
    await older.close()
    versions.is_this_one()
    older = await Journal.open(database_url, is_shared=True)
    await publish(older)
    assert (await newer.newest_place()).number == 4
    await older.close()
    await newer.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_one_with_which_older_ones_could_not_go_on_waits_until_they_are_stopped(
    database_url: str, versions: Versions
) -> None:
    older = await Journal.open(database_url, is_shared=True)
    versions.is_newer(CONTRACTS, oldest_beside="0999")
    with pytest.raises(JournalBusyElsewhereError, match="stop them all, and start this one then"):
        await Journal.open(database_url, is_shared=True)
    await publish(older)
    await older.close()
    newer = await Journal.open(database_url, is_shared=True)
    versions.is_this_one()
    with pytest.raises(JournalUrlError, match="install a newer one"):
        await Journal.open(database_url, is_shared=True)
    await publish(newer)
    await newer.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_of_bridges_that_start_at_once_one_makes_the_journal(database_url: str) -> None:
    journals = await asyncio.gather(*(Journal.open(database_url, is_shared=True) for _ in range(4)))
    assert len({journal.epoch for journal in journals}) == 1
    await asyncio.gather(*(publish(journal) for journal in journals))
    for journal in journals:
        await journal.close()


def _inserts_into_new_tables(migration: str) -> set[str]:
    """The names of the statements in a migration that fill a table which it makes."""
    made = set(re.findall(r'op\.create_table\(\s*"(\w+)"', migration))
    inserts = re.findall(r'^(\w+) = """\s*INSERT INTO (\w+)\b[^;]*?"""$', migration, re.MULTILINE)
    return {name for name, table in inserts if table in made}


def test_migrations_since_the_oldest_that_may_run_beside_only_add() -> None:
    for file in sorted((schema_versions.MIGRATIONS / "versions").glob("[0-9]*_*.py")):
        if file.name.partition("_")[0] <= schema_versions.OLDEST_BESIDE:
            continue
        [upgrade] = [one for one in ast.parse(file.read_text()).body if getattr(one, "name", "") == "upgrade"]
        calls = [node for node in ast.walk(upgrade) if isinstance(node, ast.Call)]
        done = {
            call.func.attr
            for call in calls
            if isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") == "op"
        }
        fills = {ast.unparse(call.args[0]) for call in calls if getattr(call.func, "attr", "") == "execute"}
        assert fills <= _inserts_into_new_tables(file.read_text()), f"{file.name} writes more than new tables"
        assert done - {"execute"} <= EXPANDING, f"{file.name} does more than add: have OLDEST_BESIDE name it"
        added = [ast.unparse(call) for call in calls if getattr(call.func, "attr", "") == "add_column"]
        assert not [one for one in added if "nullable=False" in one], f"{file.name}: a column is needed"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_of_bridges_of_a_newer_version_that_start_at_once_one_brings_the_journal_up_to_date(
    database_url: str, versions: Versions
) -> None:
    older = await Journal.open(database_url, is_shared=True)
    versions.is_newer(EXPANDS)
    newer = await asyncio.gather(*(Journal.open(database_url, is_shared=True) for _ in range(3)))
    await asyncio.gather(*(publish(journal) for journal in (older, *newer)))
    assert (await older.newest_place()).number == 4
    for journal in (older, *newer):
        await journal.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_so_does_one_with_which_older_ones_could_not_go_on_while_the_others_wait(
    database_url: str, versions: Versions
) -> None:
    await (await Journal.open(database_url, is_shared=True)).close()
    versions.is_newer(CONTRACTS, oldest_beside="0999")
    with psycopg.connect(database_url, autocommit=True) as operator:
        opening = await waiting_to_open(operator, lambda: Journal.open(database_url, is_shared=True), 3)
    for journal in await asyncio.gather(*opening):
        await publish(journal)
        await journal.close()
