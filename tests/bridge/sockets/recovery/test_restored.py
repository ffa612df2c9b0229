"""A journal that was put back from a backup: nobody is taken for online who was when the backup was made."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine

from bridge.journal.writing.histories import mark_as_backup
from tests.bridge.sockets.activity_heard import hear
from tests.bridge.sockets.houses import Client, House
from tests.system.soak.records import Publications

pytestmark = pytest.mark.parametrize(
    ("database_url", "is_shared"),
    [("sqlite", False), ("postgresql", True)],
    indirect=["database_url"],
    ids=["sqlite", "shared"],
)


def put_back(database_url: str) -> None:
    """The journal as it was left, as a backup of it."""
    engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        mark_as_backup(connection, datetime.now(UTC))
    engine.dispose()


@pytest.mark.parametrize("is_put_back", [True, False], ids=["put back", "left as it was"])
async def test_who_was_online_in_a_backup_is_not_online_until_they_come(
    house: House, database_url: str, is_put_back: bool
) -> None:
    watcher, user = (Client(house, Publications()) for _ in range(2))
    await watcher.come()
    await user.call("user-online", "u1")
    await user.call("join-chat-room", "c1")
    await user.call("typing-start", {"chatId": "c1", "userId": "u1", "userName": "U"})
    await hear(watcher, ("u1", "online"))
    for client in (watcher, user):
        await client.cut()
    await house._eventually(lambda: not house.server.eio.sockets)
    await house.has_saved()
    await house.kill()
    if is_put_back:
        put_back(database_url)
    await house.open()
    newcomer = Client(house, Publications())
    answer = await newcomer.call("watch-users", {"userIds": ["u1"]})
    assert [one["status"] for one in answer["users"]] == ["offline" if is_put_back else "online"]
    await hear(newcomer)
    await user.come()
    assert user.recovered == [False, not is_put_back]
    if is_put_back:
        await user.call("user-online", "u1")
        await hear(newcomer, ("u1", "online"))
    else:
        await hear(newcomer)
    for client in (newcomer, user):
        await client.cut()
