"""What a journal's database says that it lies on."""

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from bridge.journal.database.engines import parse_database_url
from bridge.journal.history import grounds

LOST = text("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("question", ["_SYSTEM", "_TIMELINE"])
def test_a_connection_that_is_lost_while_it_is_asked_says_nothing_of_it(
    database_url: str, question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grounds, question, LOST)
    engine = create_engine(parse_database_url(database_url))
    with engine.connect() as connection, pytest.raises(OperationalError):
        grounds.ground_of(connection)
    engine.dispose()
