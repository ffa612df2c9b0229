"""Clients that come back to a real server over a real journal, in either database, shared or not: `recovered` is said
of those who are in all their rooms, and know all that was told and who is there."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import aiohttp
import psycopg
import pytest
import pytest_asyncio

from bridge.access import ANYBODY
from bridge.sockets import deliver
from bridge.sockets.limits import Limits
from bridge.sockets.rate_limit import RateLimit
from bridge.sockets.recovery.replays import Replays
from bridge.sockets.transport.disconnects import Disconnect
from coordinator.events import Audience, Event
from tests.bridge.sockets.activity_heard import GRACE_SECONDS, changes, hear, let_grace_pass
from tests.bridge.sockets.houses import Client, House, who_missed
from tests.system.soak.lines import Line, PollingLine
from tests.system.soak.records import EVERYONE, Publications

Serve = Callable[..., Awaitable[str]]
Eventually = Callable[[Callable[[], object]], Awaitable[object]]

R0 = "request-r0"
NEWS_LIMIT = 20
UNBOUNDED = Replays(Limits()).for_address(None)


pytestmark = pytest.mark.parametrize(
    ("database_url", "is_shared"),
    [("sqlite", False), ("postgresql", False), ("postgresql", True)],
    indirect=["database_url"],
    ids=["sqlite", "postgresql", "shared"],
)


@pytest_asyncio.fixture
async def house(
    database_url: str, is_shared: bool, serve: Serve, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    monkeypatch.setattr("bridge.journal.database.engines.BUSY_TIMEOUT_MS", 20)
    monkeypatch.setattr("bridge.sockets.transport.asking.ANSWER_SECONDS", 0.01)
    house = House(database_url, serve, eventually, is_shared=is_shared, presence_grace_seconds=0.05)
    await house.open()
    yield house
    await house.close()


def newcomer(house: House) -> Client:
    return Client(house, Publications())


@contextmanager
def locked(database_url: str) -> Iterator[None]:
    """Somebody else holds the sessions, so that none can be kept."""
    if database_url.startswith("sqlite"):
        connection = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
        connection.close()
        return
    with psycopg.connect(database_url) as holder:
        holder.execute("LOCK TABLE sessions IN EXCLUSIVE MODE")
        yield


@pytest.mark.parametrize("joins", [False, True])
async def test_who_says_goodbye_begins_anew_also_without_a_room(house: House, joins: bool) -> None:
    client = newcomer(house)
    await client.come()
    if joins:
        await client.join(R0)
        await client.leave(R0)
    assert client.line is not None
    await client.line.send("41")
    await client.cut()
    await client.come()
    assert client.recovered == [False, False]
    await client.cut()


async def test_the_end_of_an_engine_is_no_goodbye(house: House) -> None:
    client = newcomer(house)
    await client.come()
    await client.join(R0)
    sid = client.sid
    assert client.line is not None
    await client.line.send("1")
    await client.come()
    assert (client.recovered, client.sid) == ([False, True], sid)
    await client.cut()


@pytest.mark.parametrize("joins", [False, True])
async def test_a_session_is_known_to_the_next_server_or_begins_anew(house: House, joins: bool) -> None:
    client = newcomer(house)
    await client.come()
    if joins:
        await client.join(R0)
    await client.cut()
    await house.restart()
    await client.come()
    await client.cut()
    await house.restart()
    later = house.journal.clock() + timedelta(seconds=1)
    assert await house.journal.retention.forget_sessions(before=later, but=(), limit=10) == 1
    await client.come()
    assert client.recovered == [False, True, False]
    await client.cut()


async def test_what_is_stored_of_a_client_in_no_room_is_forgotten_within_hours(house: House) -> None:
    idle, joined = newcomer(house), newcomer(house)
    for client in (idle, joined):
        await client.come()
    await joined.join(R0)
    for client in (idle, joined):
        await client.cut()
    await house.restart()
    later = house.journal.clock() + timedelta(seconds=1)
    forget = house.journal.retention.forget_sessions
    assert await forget(before=later, but=house.recovery.session_ids(), are_idle=True, limit=10) == 1
    for client in (idle, joined):
        await client.come()
        await client.cut()
    assert (idle.recovered, joined.recovered) == ([False, False], [False, True])


async def test_the_sid_is_kept_and_with_it_the_room_of_its_name(house: House) -> None:
    client = newcomer(house)
    await client.come()
    sid = client.sid
    await client.cut()
    await client.come()
    assert client.sid == sid
    await house.server.emit("greeting", "hello", to=sid)
    assert client.line is not None
    while not client.activity:
        await client.listen()
    assert client.activity == [("greeting", "hello")]
    await client.cut()


async def test_of_two_that_bring_the_same_session_at_once_one_has_it(house: House, eventually: Eventually) -> None:
    client = newcomer(house)
    await client.come()
    await client.join(R0)
    pid, sid = client.pid, client.sid
    await client.cut()
    twins = [newcomer(house) for _ in range(3)]
    for twin in twins:
        twin.pid, twin.offset = pid, client.offset
    await asyncio.gather(*(twin.come() for twin in twins), return_exceptions=True)
    holders = [twin for twin in twins if twin.recovered == [True]]
    assert holders
    assert {twin.sid for twin in holders} == {sid}
    members = [member for member, _ in house.server.manager.get_participants("/", R0)]
    assert members == [sid]
    for twin in twins:
        await twin.cut()


async def test_a_join_is_answered_once_it_is_kept_and_hears_before_that(house: House, database_url: str) -> None:
    client = newcomer(house)
    await client.come()
    await client.listen()  # its session is kept
    with locked(database_url):
        await client.send("join-request-room", "r0")
        await house._eventually(lambda: [*house.server.manager.get_participants("/", R0)])
        deliver(house.server, [Event("told", Audience(rooms=(R0,)), "1")])
        assert client.line is not None
        packet = await client._packet(client.line)
        assert packet == '42["told",1]'
    assert (await client.answer())["ok"]
    await client.cut()
    await house.restart()
    await client.come()
    assert client.recovered == [False, True]
    assert [sid for sid, _ in house.server.manager.get_participants("/", R0)] == [client.sid]
    await client.cut()


async def test_who_comes_back_while_nothing_can_be_kept_is_in_its_rooms(
    house: House, database_url: str, is_shared: bool
) -> None:
    """Where another may have its session by now, once it can be asked for."""
    client = newcomer(house)
    await client.come()
    await client.listen()
    with locked(database_url):
        await client.send("join-request-room", "r0")
        await house._eventually(lambda: [*house.server.manager.get_participants("/", R0)])
        await client.cut()
        await house._eventually(lambda: not [*house.server.manager.get_participants("/", R0)])
        coming = asyncio.create_task(client.come())
        if not is_shared:
            await coming
    await coming
    assert [sid for sid, _ in house.server.manager.get_participants("/", R0)] == [client.sid]
    assert client.recovered == [False, True]
    await client.cut()


async def test_nothing_of_a_client_that_went_waits_for_the_journal(house: House, database_url: str) -> None:
    client = newcomer(house)
    await client.come()
    await client.listen()
    with locked(database_url):
        for _ in range(5):
            await client.send("join-request-room", "r0")
        assert client.sid is not None
        await house._eventually(lambda: house.recovery.waiting_count(client.sid or "") == 5)
        # Thousands may wait: for none of them there is a task.
        assert not [task for task in asyncio.all_tasks() if "_handle" in str(task.get_coro())]
        await client.cut()
        await house._eventually(lambda: house.recovery.waiting_count(client.sid or "") == 0)


@pytest.mark.parametrize("event", ["join-request-room", "leave-request-room", "user-online"])
async def test_what_a_client_asks_for_waits_for_the_journal_within_bounds(
    house: House, database_url: str, monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    monkeypatch.setattr("bridge.sockets.clients.handlers.WAITING_LIMIT", 3)
    client = newcomer(house)
    await client.come()
    await client.listen()
    with locked(database_url):
        await client.send("join-request-room", "r0")
        await house._eventually(lambda: house.recovery.waiting_count(client.sid or "") == 1)
        for _ in range(2):
            await client.send(event, "r1")
        await house._eventually(lambda: house.recovery.waiting_count(client.sid or "") == 3)
        answer = await client.call(event, "r1")
        assert (answer["ok"], answer["error"]["code"]) == (False, "too_many")
    assert [(await client.answer())["ok"] for _ in range(3)] == [True] * 3
    await client.cut()


# Who is there, and who types


async def test_who_was_away_is_told_how_things_stand_and_nobody_else_hears_it_again(house: House) -> None:
    present, watcher, users = newcomer(house), newcomer(house), [newcomer(house) for _ in range(3)]
    for client in (present, watcher):
        await client.come()
        await client.call("join-chat-room", "c1")
    for number, user in enumerate(users[:2]):
        await user.call("user-online", f"u{number}")
        await user.call("typing-start", {"chatId": "c1", "userId": f"u{number}", "userName": "U"})
    before = [("u0", "online"), ("u0", "types True"), ("u1", "online"), ("u1", "types True")]
    await hear(watcher, *before)
    await watcher.cut()
    await house._eventually(lambda: len(house.server.eio.sockets) == 3)
    await users[0].call("typing-stop", {"chatId": "c1", "userId": "u0"})
    await users[1].cut()
    while ("u1", "offline") not in changes(present):
        await present.listen()
    await users[2].call("user-online", "u2")
    await users[2].call("typing-start", {"chatId": "c1", "userId": "u2", "userName": "U"})
    since = [
        ("u0", "types False"),
        ("u1", "types False"),
        ("u1", "offline"),
        ("u2", "online"),
        ("u2", "types True"),
    ]
    await watcher.come()
    await hear(watcher, *before, *since)
    await hear(present, *before, *since)
    # What was told within two milliseconds of the end of its line may be told again.
    told_at = house.server.activity_log.now()
    await house._eventually(lambda: house.server.activity_log.now() > told_at + 10_000)
    await watcher.cut()
    await house._eventually(lambda: len(house.server.eio.sockets) == 3)
    await watcher.come()
    await hear(watcher, *before, *since)
    assert watcher.recovered == [False, True, True]
    for client in (present, watcher, *users):
        await client.cut()


async def test_who_comes_and_goes_while_a_crowd_is_told_hears_all_of_it_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.sockets.presence.announcer.CLIENTS_PER_TURN", 1)
    watchers, user = [newcomer(house) for _ in range(4)], newcomer(house)
    for client in (*watchers, user):
        await client.come()
    outboxes, go_on = house.server.activity_log.outboxes, asyncio.Event()
    scheduler = house.server.eio.scheduler.take

    async def take() -> None:
        if outboxes and "_announce_all" in repr(asyncio.current_task()):
            await go_on.wait()  # one has been told by now
        await scheduler()

    monkeypatch.setattr(house.server.eio.scheduler, "take", take)
    coming = asyncio.create_task(user.call("user-online", "u1"))
    await house._eventually(lambda: outboxes)
    for client in watchers[:3]:
        await client.cut()
    await house._eventually(lambda: len(house.server.eio.sockets) == 2)
    noted_at = house.server.activity_log.now()
    await house._eventually(lambda: house.server.activity_log.now() > noted_at + 10_000)
    for client in watchers[:3]:
        await client.come()
        await client.listen()
    await watchers[0].cut()
    await house._eventually(lambda: len(house.server.eio.sockets) == 4)
    go_on.set()
    await coming
    await watchers[0].come()
    for client in watchers:
        await hear(client, ("u1", "online"))
    assert [client.recovered for client in watchers] == [[False, True, True], [False, True], [False, True], [False]]
    for client in (*watchers, user):
        await client.cut()


async def test_whose_line_is_lost_before_it_is_told_with_the_others_hears_it_when_it_is_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.sockets.presence.announcer.CLIENTS_PER_TURN", 1)
    watchers, user = [newcomer(house) for _ in range(3)], newcomer(house)
    for client in (*watchers, user):
        await client.come()
    outboxes = house.server.activity_log.outboxes
    held = {"_announce_all": asyncio.Event(), "_leave": asyncio.Event()}
    scheduler = house.server.eio.scheduler.take

    async def take() -> None:
        for name, go_on in held.items():
            if name in repr(asyncio.current_task()) and (outboxes or name == "_leave"):
                await go_on.wait()
        await scheduler()

    monkeypatch.setattr(house.server.eio.scheduler, "take", take)
    coming = asyncio.create_task(user.call("user-online", "u1"))
    await house._eventually(lambda: outboxes)
    noted_at = house.server.activity_log.now()
    await house._eventually(lambda: house.server.activity_log.now() > noted_at + 10_000)
    connections = [house.server.manager.connection(client.sid) for client in watchers]
    for client in watchers:
        await client.listen()  # one of them may have been told
        await client.cut()
    await house._eventually(lambda: all(connection.lost_at for connection in connections))
    held["_announce_all"].set()
    await coming
    held["_leave"].set()
    await house._eventually(lambda: len(house.server.eio.sockets) == 1)
    for client in watchers:
        await hear(client, ("u1", "online"))
        await client.cut()
    await user.cut()


async def test_whom_a_client_watches_is_kept_and_it_is_told_of_those_alone_when_it_is_back(
    house: House, eventually: Eventually
) -> None:
    house._options["presence_to_watchers"] = True
    await house.restart()
    watcher, user = newcomer(house), newcomer(house)
    await watcher.call("watch-users", {"userIds": ["u1", "u2", "u3"]})
    await watcher.call("unwatch-users", {"userIds": ["u2"]})
    await watcher.cut()
    await house.restart()
    await watcher.come()
    await user.call("user-online", "u1")
    await hear(watcher, ("u1", "online"))
    told_at = house.server.activity_log.now()
    await eventually(lambda: house.server.activity_log.now() > told_at + 10_000)
    await watcher.cut()
    await eventually(lambda: len(house.server.eio.sockets) == 1)
    for user_id in ("u2", "u3", "u4"):
        await user.call("user-online", user_id)
    await watcher.come()
    await hear(watcher, ("u1", "online"), ("u3", "online"))
    assert (watcher.recovered, changes(user)) == ([False, True, True], [])
    for client in (watcher, user):
        await client.cut()


async def test_what_is_told_while_it_waits_for_its_turn_to_leave_a_client_has_not_heard(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher, user = newcomer(house), newcomer(house)
    for client in (watcher, user):
        await client.come()
    scheduler, its_turn = house.server.eio.scheduler.take, asyncio.Event()

    async def take() -> None:
        if "_leave" in repr(asyncio.current_task()):
            await its_turn.wait()
        await scheduler()

    monkeypatch.setattr(house.server.eio.scheduler, "take", take)
    connection = house.server.manager.connection(watcher.sid)
    await watcher.cut()
    await house._eventually(lambda: connection.lost_at)
    lost_at = house.server.activity_log.now()
    await house._eventually(lambda: house.server.activity_log.now() > lost_at + 10_000)
    await user.call("user-online", "u1")
    its_turn.set()
    await house._eventually(lambda: len(house.server.eio.sockets) == 1)
    await watcher.come()
    await hear(watcher, ("u1", "online"))
    assert watcher.recovered == [False, True]
    for client in (watcher, user):
        await client.cut()


async def test_after_a_restart_it_is_told_who_did_not_come_back(house: House) -> None:
    house._options["presence_grace_seconds"] = GRACE_SECONDS
    await house.restart()
    watcher, late, stays, goes = (newcomer(house) for _ in range(4))
    for client in (watcher, late):
        await client.call("join-chat-room", "c1")
    await goes.call("user-online", "u1")
    await goes.call("typing-start", {"chatId": "c1", "userId": "u1", "userName": "U"})
    await stays.call("user-online", "u2")
    before = [("u1", "online"), ("u1", "types True"), ("u2", "online")]
    await hear(watcher, *before)
    await hear(late, *before)
    for client in (watcher, late, stays, goes):
        await client.cut()
    await house.restart()
    await stays.come()
    await watcher.come()
    await hear(watcher, *before, ("u1", "types False"))
    let_grace_pass(house)
    after = [("u1", "types False"), ("u1", "offline")]
    await hear(watcher, *before, *after)
    await late.come()
    await hear(late, *before, *after)
    newcomers = newcomer(house)
    await newcomers.come()
    await hear(newcomers)
    # Nor does another restart tell it again.
    for client in (watcher, late, stays, newcomers):
        await client.cut()
    house._options["presence_grace_seconds"] = 0.05
    await house.restart()
    await watcher.come()
    await watcher.listen()
    of_u1 = [change for change in [*before, *after] if change[0] == "u1"]
    assert [change for change in changes(watcher) if change[0] == "u1"] == of_u1
    assert [client.recovered for client in (watcher, late, stays)] == [
        [False, True, True],
        [False, True],
        [False, True],
    ]
    await watcher.cut()


async def test_after_a_restart_it_is_told_also_what_was_on_its_way_when_it_went(house: House) -> None:
    publications = Publications()
    watcher, user = Client(house, publications), newcomer(house)
    await watcher.come()
    await watcher.join(R0)
    await user.call("user-online", "u1")
    await hear(watcher, ("u1", "online"))
    house.publish(publications.add(R0), R0)
    await house.published()
    await house.told_up_to(1)
    await user.cut()
    await house._eventually(lambda: not house.server.presence.is_here("u1"))
    await watcher.cut()
    await house.restart()
    await watcher.come()
    await hear(watcher, ("u1", "online"), ("u1", "offline"))
    assert (watcher.recovered, watcher.record.last) == ([False, True], publications.newest)
    await watcher.cut()


async def test_after_a_restart_with_the_clock_put_back_it_is_told_who_went_since(
    house: House, is_shared: bool
) -> None:
    watcher, user = newcomer(house), newcomer(house)
    await watcher.come()
    await user.call("user-online", "u1")
    await hear(watcher, ("u1", "online"))
    for client in (watcher, user):
        await client.cut()
    house.clock_is_behind = timedelta(hours=1)
    house._options["presence_grace_seconds"] = GRACE_SECONDS
    await house.restart()
    await user.come()
    await user.call("leave-user-room", "u1")
    # Where others may go on meanwhile, nobody can tell what came after a moment that is still to come.
    while not is_shared and ("u1", "offline") not in changes(user):  # it is told once it is kept
        await user.listen()
    await watcher.come()
    await hear(watcher, ("u1", "online"), *(() if is_shared else [("u1", "offline")]))
    assert watcher.recovered == [False, not is_shared]
    for client in (watcher, user):
        await client.cut()


# Those who poll


class PollingHouse(House):
    """Its clients poll."""

    http: aiohttp.ClientSession

    async def line(self) -> Line:
        line = PollingLine(self.http)
        await line.open()
        return line


@pytest.mark.parametrize(("replay_bytes", "count"), [(50_000, 40), (50_000, 60), (100_000, 80), (100_000, 110)])
async def test_who_polls_and_missed_much_gets_in(
    database_url: str, is_shared: bool, serve: Serve, eventually: Eventually, replay_bytes: int, count: int
) -> None:
    """Told again it is up to a limit, which may be twice what may wait for a client, as it is unless it is set
    otherwise, and past that it begins anew; live events are not in its way."""
    limits = Limits(backlog_bytes=50_000)
    house = PollingHouse(
        database_url, serve, eventually, is_shared=is_shared, limits=limits, replay_bytes=replay_bytes
    )
    await house.open()
    async with aiohttp.ClientSession(base_url="http://{}:{}".format(*house.place)) as house.http:
        client, publications = await who_missed(house, R0, count, "x" * 1_000)
        is_recovered = count * 1_000 < replay_bytes
        if not is_recovered:
            client.record = type(client.record)(publications)
        line = await house.line()
        await client._next(line, "0")
        await client.cut()
        client.line = None
        await client.come()
        assert client.recovered == [False, is_recovered]
        for _ in range(30):
            house.publish(publications.add(EVERYONE), EVERYONE, "x" * 1_000)
        await client.listen_up_to(publications.newest)
        assert client.record.faults == []
        for connection in list(house.server.eio.sockets.values()):
            await connection.finish(Disconnect.CHANGED_MEANWHILE)
    await house.close()


async def test_nobody_is_told_again_more_than_may_wait(house: House) -> None:
    """Nor is more looked up for that than shows it."""
    client, _ = await who_missed(house, R0, 6, "x" * 900_000)
    for remembers in (True, False):
        if not remembers:
            await house.restart()
        assert await house.recovery.take_up(client.pid, client.offset, ANYBODY, UNBOUNDED) is None


async def test_who_comes_again_and_again_for_the_same_begins_anew(
    database_url: str, is_shared: bool, serve: Serve, eventually: Eventually
) -> None:
    """What is looked up for a session counts as what it sends does. The first is never too much."""
    house = House(
        database_url,
        serve,
        eventually,
        is_shared=is_shared,
        limits=Limits(messages=RateLimit(per_second=0.001, burst=NEWS_LIMIT)),
    )
    await house.open()
    client, _ = await who_missed(house, R0, NEWS_LIMIT)
    for _ in range(3):
        client.offset = None  # as if nothing had been received
        await client.come()
        await client.cut()
    assert client.recovered == [False, True, True, False]
    await house.close()
