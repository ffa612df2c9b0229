"""The readers of the journal: what one look-up leaves behind is no matter to the next."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, literal, select

from bridge.journal import Journal
from bridge.journal.database.engines import parse_database_url, reading_engine, writing_engine
from bridge.journal.queries.readers import READERS
from bridge.journal.tables import schema
from tests.bridge.journal.database.test_lock import publish


async def test_a_look_up_that_fails_half_way_keeps_no_other_in_the_past(journal: Journal) -> None:
    for number in range(300):
        await publish(journal, number)

    def breaks(connection: Connection) -> None:
        rows = connection.execute(select(schema.events))
        rows.fetchone()
        raise ValueError("a row that makes no sense")

    errors: list[BaseException] = []  # which hold the rows that were not read
    for _ in range(3 * READERS):
        with pytest.raises(ValueError, match="no sense") as raised:
            await journal._read(breaks)
        errors.append(raised.value)
    newest = await publish(journal, 300)
    assert [(await journal.newest_place()).number for _ in range(3 * READERS)] == [newest] * 3 * READERS


def test_what_is_asked_is_compiled_once_for_all_connections(tmp_path: Path) -> None:
    url = parse_database_url(f"sqlite:///{tmp_path / 'journal.db'}")
    compiled = []
    for engine in (writing_engine(url), reading_engine(url), reading_engine(url)):
        with engine.connect() as connection:
            compiled.append(connection.execute(select(literal("a word"))).context.compiled)
        engine.dispose()
    assert compiled[0] is compiled[1] is compiled[2]
