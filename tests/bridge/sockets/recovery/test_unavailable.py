"""Clients that come back while the database is away: they wait for it, and begin anew only where they have to."""

import pytest

from bridge.journal import JournalUnavailableError
from tests.bridge.sockets.houses import Client, House
from tests.bridge.sockets.recovery.test_reconnections import R0, house
from tests.system.soak.records import Publications

__all__ = ["house"]

pytestmark = pytest.mark.parametrize(("database_url", "is_shared"), [("sqlite", False)], indirect=["database_url"])


@pytest.fixture(autouse=True)
def asked_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.sockets.recovery.reconnections.RETRY_SECONDS", 0.001)


async def member_that_left(house: House) -> tuple[Client, Publications]:
    """A client that the server knows only by what is stored, and that has missed something."""
    publications = Publications()
    client = Client(house, publications)
    await client.come()
    await client.join(R0)
    await client.cut()
    house.publish(publications.add(R0), R0)
    await house.restart()
    return client, publications


async def test_whoever_comes_while_it_is_away_is_recovered_once_it_is_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, publications = await member_that_left(house)
    load, away = house.journal.sessions.load, iter(range(5))

    async def while_away(sid: str) -> object:
        if next(away, None) is not None:
            raise JournalUnavailableError("the database cannot be asked at the moment")
        return await load(sid)

    monkeypatch.setattr(house.journal.sessions, "load", while_away)
    await client.come()
    await client.listen_up_to(publications.newest)
    assert (client.recovered, client.record.faults) == ([False, True], [])
    assert next(away, None) is None
    await client.cut()


async def test_whoever_has_waited_too_long_comes_again_and_is_recovered_then(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, publications = await member_that_left(house)

    async def away(_sid: str) -> object:
        raise JournalUnavailableError("the database cannot be asked at the moment")

    with monkeypatch.context() as patched:
        patched.setattr("bridge.sockets.recovery.reconnections.UNAVAILABLE_SECONDS", 0.01)
        patched.setattr(house.journal.sessions, "load", away)
        with pytest.raises(EOFError):
            await client.come()
    await client.come()
    await client.listen_up_to(publications.newest)
    assert (client.recovered, client.record.faults) == ([False, True], [])
    await client.cut()
