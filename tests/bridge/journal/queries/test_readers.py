"""The readers of the journal: what one look-up leaves behind is no matter to the next."""

import pytest
from sqlalchemy import Connection, select

from bridge.journal import Journal
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
