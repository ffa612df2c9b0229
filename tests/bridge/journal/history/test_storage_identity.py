"""What a journal's database says that it lies on."""

import pytest
from sqlalchemy import TextClause, create_engine, text
from sqlalchemy.exc import OperationalError

from bridge.journal import Journal
from bridge.journal.database.engines import parse_database_url
from bridge.journal.history import storage_identity

UNKNOWN, LOST = text("SELECT pg_of_another_server()"), text("SELECT pg_terminate_backend(pg_backend_pid())")


pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.mark.parametrize("of_all", [LOST, UNKNOWN])
def test_a_connection_that_is_lost_while_it_is_asked_says_nothing_of_it(
    database_url: str, of_all: TextClause, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_identity, "_ALL", of_all)
    monkeypatch.setattr(storage_identity, "_REFUSABLE", [LOST])
    engine = create_engine(parse_database_url(database_url))
    with engine.connect() as connection, pytest.raises(OperationalError):
        storage_identity.storage_identity_of(connection)
    engine.dispose()


async def test_what_a_server_does_not_know_is_left_out(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = await Journal.open(database_url)
    engine = create_engine(parse_database_url(database_url))
    with engine.connect() as connection:
        whole = storage_identity.storage_identity_of(connection)
        monkeypatch.setattr(storage_identity, "_ALL", UNKNOWN)
        monkeypatch.setattr(storage_identity, "_REFUSABLE", [UNKNOWN, storage_identity._REFUSABLE[1]])
        assert storage_identity.storage_identity_of(connection) == whole.model_copy(update={"system": None})
        assert connection.in_transaction()
    engine.dispose()
    await journal.close()
