"""Who is online and who types at several bridges: in whatever order they hear it, in the end each has announced what
is so, and nothing twice."""

import asyncio
from collections.abc import Awaitable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.catalogue.activities import UserActivity
from bridge.sockets.errors import StoreUnavailableError
from bridge.sockets.presence.presence import LocalPresence
from bridge.sockets.presence.remote_presence import RemotePresence
from tests.bridge.sockets.under_fire import fuzzed

NODES, USERS = (0, 1, 2), ("u1", "u2")
Kept = tuple[str, UserActivity]
NOW = datetime(2026, 5, 1, tzinfo=UTC)


class Node:
    """A bridge, what it has announced, and how far it has read what they all keep."""

    def __init__(self, grace_seconds: float = 0, *, name: str = "here", kept: list[Kept] | None = None) -> None:
        self.name = name
        self.kept: list[Kept] = [] if kept is None else kept
        self.read_until = len(self.kept)
        self.announced: list[tuple[str, str]] = []
        self.typing: list[UserActivity] = []
        self.remote_presence = RemotePresence(on_status=self._stands, on_typing=self.typing.append)
        self.remote_presence.keep()
        self.steady = NOW
        self.contradicted: list[UserActivity] = []
        self.presence = LocalPresence(
            self._announce,
            self.remote_presence,
            contradict=self.contradicted.append,
            grace_seconds=grace_seconds,
            clock=lambda: self.steady,
            steady=lambda: self.steady,
        )
        self.socket = 0

    def _stands(self, activity: UserActivity) -> None:
        self.presence.changed_elsewhere(activity)

    def _announce(self) -> None:
        for change in self.presence.announcements.take():
            self.presence.announcements.note_announced(change)
            self.announced.append((change.user_id, "online" if change.is_on else "offline"))

    def publish(self) -> None:
        self.kept += [(noted.node or self.name, noted.activity) for noted in self.remote_presence.take()]
        self.remote_presence.is_stored()

    def receive(self) -> bool:
        """Reads the next that is kept. Returns whether there was one."""
        if self.read_until == len(self.kept):
            return False
        node, activity = self.kept[self.read_until]
        self.read_until += 1
        if node != self.name:
            self.remote_presence.receive(node, activity)
        elif activity.chat_id is None and not activity.is_on:
            self.presence.is_said_to_be_gone(activity.user_id)
        return True

    def come(self, user_id: str) -> str:
        """A new socket says that a user is online."""
        self.socket += 1
        sid = f"s{self.socket}"
        self.presence.claim(sid, user_id)
        self.presence.arrive(sid, user_id)
        return sid

    def let_grace_pass(self) -> None:
        self.steady += timedelta(hours=1)
        self.presence._expire()

    def last_announced(self, user_id: str) -> str:
        return dict(self.announced).get(user_id, "offline")


def settle(nodes: Iterable[Node]) -> None:
    """All that is to be kept is kept, and read by all."""
    nodes = [*nodes]
    is_news = True
    while is_news:
        for node in nodes:
            node.publish()
        is_news = False
        for node in nodes:
            while node.receive():
                is_news = True


class Neighbourhood:
    """All of them, and what can happen to them."""

    def __init__(self) -> None:
        kept: list[Kept] = []
        self.nodes = [Node(name=str(number), kept=kept) for number in NODES]
        self.sockets: dict[tuple[int, str], str] = {}

    async def come(self, number: int, user_id: str) -> None:
        if (number, user_id) not in self.sockets:
            self.sockets[number, user_id] = self.nodes[number].come(user_id)

    async def go(self, number: int, user_id: str) -> None:
        if (number, user_id) in self.sockets:
            self.nodes[number].presence.depart(self.sockets.pop((number, user_id)))
            for _ in range(3):  # the grace period, which is none
                await asyncio.sleep(0)

    async def publish(self, number: int) -> None:
        self.nodes[number].publish()

    async def receive(self, number: int) -> None:
        self.nodes[number].receive()

    async def take_for_gone(self, number: int, other: int) -> None:
        """As a node is that was cut off from the database for long: it says who is there once it is back, and who is
        there has shown it."""
        if number != other:
            self.nodes[number].remote_presence.replace(str(other), (), NOW)
            presence = self.nodes[other].presence
            for user_id in [*presence.arrived]:
                for sid in presence.doubt(UserActivity(user_id, None, is_on=False, at=NOW)):
                    presence.arrive(sid, user_id)


NODE, USER = st.sampled_from(NODES), st.sampled_from(USERS)
DEEDS = st.one_of(
    st.tuples(st.sampled_from(["come", "go"]), NODE, USER),
    st.tuples(st.sampled_from(["publish", "receive", "receive"]), NODE),
    st.tuples(st.just("take_for_gone"), NODE, NODE),
)


@given(deeds=st.lists(DEEDS, min_size=20, max_size=60))
@settings(fuzzed, max_examples=60)
async def test_in_the_end_each_has_announced_who_is_online_anywhere(deeds: list[tuple[Any, ...]]) -> None:
    neighbourhood = Neighbourhood()
    for deed, *arguments in deeds:
        await getattr(neighbourhood, deed)(*arguments)
    nodes = neighbourhood.nodes
    settle(nodes)
    for user_id in USERS:
        is_online = any((number, user_id) in neighbourhood.sockets for number in NODES)
        truth = "online" if is_online else "offline"
        assert [node.last_announced(user_id) for node in nodes] == [truth] * len(NODES)
        assert [node.presence.is_here(user_id) for node in nodes] == [is_online] * len(NODES)
        for node in nodes:
            statuses = [status for of, status in node.announced if of == user_id]
            assert statuses == [("online", "offline")[place % 2] for place in range(len(statuses))]


class Travels(Neighbourhood):
    """Users with one client each, which goes from bridge to bridge within the grace period, and bridges that are
    killed, started again, or taken for gone."""

    def __init__(self) -> None:
        self.kept: list[Kept] = []
        self.started = 0
        self.nodes = [self._start() for _ in NODES]
        self.dead: set[str] = set()
        self.at: dict[str, tuple[Node, str]] = {}
        """Where the socket of each is that has one."""
        self.from_node: dict[str, str] = {}
        """Where each was last, as its session says."""

    def _start(self) -> Node:
        self.started += 1
        node = Node(grace_seconds=60, name=f"n{self.started}", kept=self.kept)
        last = {(name, activity.user_id): (name, activity, NOW) for name, activity in self.kept}
        node.remote_presence.begin(last.values(), NOW, is_alone=False, complete_since=NOW)
        node.announced = [(user_id, "online") for user_id in USERS if node.presence.is_here(user_id)]
        return node

    async def cut(self, user_id: str) -> None:
        if user_id in self.at:
            node, sid = self.at.pop(user_id)
            node.presence.depart(sid)

    async def hop(self, user_id: str, number: int, is_recovered: bool) -> None:
        """To whatever bridge: that one takes its session over."""
        await self.cut(user_id)
        node, came_from = self.nodes[number], self.from_node.get(user_id)
        self.at[user_id] = node, node.come(user_id)
        self.from_node[user_id] = node.name
        if is_recovered and came_from is not None and came_from != node.name:
            node.presence.come_from(came_from, online=[user_id])

    async def kill(self, number: int) -> None:
        """What it had not kept is lost."""
        node = self.nodes[number]
        self.at = {user_id: where for user_id, where in self.at.items() if where[0] is not node}
        self.dead.add(node.name)
        self.nodes[number] = self._start()

    async def see_nodes(self, number: int, is_hasty: bool) -> None:
        """Whoever was at a bridge that is gone has gone with it; a hasty one takes those for gone that are not."""
        node = self.nodes[number]
        for other in {one.name for one in self.nodes if is_hasty} - {node.name} | self.dead:
            for activity in node.remote_presence.all_at(other, NOW):
                self.kept.append((other, activity))

    async def let_grace_pass(self, number: int) -> None:
        self.nodes[number].let_grace_pass()

    async def settle(self) -> None:
        settle(self.nodes)


TRAVELS = st.one_of(
    st.tuples(st.just("hop"), USER, NODE, st.booleans()),
    st.tuples(st.just("hop"), USER, NODE, st.just(True)),
    st.tuples(st.just("cut"), USER),
    st.just(("settle",)),
    st.tuples(st.sampled_from(["publish", "receive", "receive", "receive"]), NODE),
    st.tuples(st.sampled_from(["kill", "let_grace_pass"]), NODE),
    st.tuples(st.just("see_nodes"), NODE, st.booleans()),
)


@given(deeds=st.lists(TRAVELS, min_size=10, max_size=60))
@settings(fuzzed, max_examples=100)
async def test_wherever_users_go_all_bridges_agree_with_who_has_a_socket(deeds: list[tuple[Any, ...]]) -> None:
    travels = Travels()
    for deed, *arguments in deeds:
        await getattr(travels, deed)(*arguments)
    settle(travels.nodes)
    for user_id in travels.at:
        assert [node.presence.is_here(user_id) for node in travels.nodes] == [True] * len(NODES)
    for number in NODES:
        await travels.let_grace_pass(number)
        await travels.see_nodes(number, is_hasty=False)
    settle(travels.nodes)
    for user_id in USERS:
        is_online = user_id in travels.at
        assert [node.presence.is_here(user_id) for node in travels.nodes] == [is_online] * len(NODES)
        truth = "online" if is_online else "offline"
        assert [node.last_announced(user_id) for node in travels.nodes] == [truth] * len(NODES)


@pytest.mark.parametrize("is_heard_first", [True, False])
@pytest.mark.parametrize("is_recovered", [True, False])
async def test_who_goes_to_another_bridge_and_comes_back_within_the_grace_period_is_online_at_both(
    is_heard_first: bool, is_recovered: bool
) -> None:
    """Whether the first has heard by then that the other took its client over, or hears it afterwards."""
    kept: list[Kept] = []
    first, second, third = nodes = [Node(grace_seconds=60, name=name, kept=kept) for name in ("a", "b", "c")]
    first.presence.depart(first.come("u1"))
    settle(nodes)
    sid = second.come("u1")
    second.presence.come_from("a", online=["u1"])
    second.publish()
    if is_heard_first:
        settle(nodes)
    second.presence.depart(sid)
    first.come("u1")
    if is_recovered:
        first.presence.come_from("b", online=["u1"])
    settle(nodes)
    for node in (second, third, first):
        node.let_grace_pass()
        settle(nodes)
    assert [node.presence.is_here("u1") for node in nodes] == [True] * 3
    assert [node.announced for node in nodes] == [[("u1", "online")]] * 3
    assert {one.user_id for one in first.contradicted} == {"u1"}, "who was told so elsewhere hears it"


@pytest.mark.parametrize("is_noticed_first", [True, False])
async def test_who_comes_back_to_a_bridge_that_was_started_again_is_online_at_the_others(
    is_noticed_first: bool,
) -> None:
    """To the others it is another bridge than the one that ended, with which they take its users for gone."""
    other, again = Node(), Node(grace_seconds=60)
    other.remote_presence.receive("before", UserActivity("u1", None, is_on=True, at=NOW))
    again.presence.expect("u1", NOW)

    def notice() -> None:
        other.remote_presence.replace("before", (), NOW)

    def come_back() -> None:
        again.presence.claim("s1", "u1")
        again.presence.arrive("s1", "u1")
        for noted in again.remote_presence.take():
            other.remote_presence.receive("again", noted.activity)

    for happens in (notice, come_back) if is_noticed_first else (come_back, notice):
        happens()
    assert other.presence.is_here("u1")
    assert other.announced == [("u1", "online"), *([("u1", "offline"), ("u1", "online")] if is_noticed_first else [])]
    assert again.announced == []


@pytest.mark.parametrize("is_alone", [True, False])
async def test_who_was_there_before_a_bridge_that_is_alone_is_expected_back_and_types_no_more(is_alone: bool) -> None:
    remote_presence = RemotePresence(on_status=print, on_typing=print)
    remote_presence.keep()
    said, later, now = (NOW + timedelta(seconds=seconds) for seconds in (1, 2, 60))
    stays, moved, went = (UserActivity(f"u{number}", None, is_on=True, at=NOW) for number in range(3))
    types = UserActivity("u1", "c1", is_on=True, at=NOW, user_name="Ann")
    left, gone = moved._replace(is_on=False), went._replace(is_on=False)
    remote_presence.begin(
        [("a", stays, said), ("a", left, said), ("a", types, said), ("b", moved, later), ("b", gone, later)],
        now,
        is_alone=is_alone,
        complete_since=NOW,
    )
    standing = await remote_presence.standing()
    on = {(stays, said), (moved, later)}
    if is_alone:
        stopped = types._replace(is_on=False, at=now)
        assert {*standing.said} == {*on, (gone, later), (stopped, now)}
        assert standing.expected == {"u0", "u1"}
        ended = [one._replace(is_on=False, at=now) for one in (stays, types, moved)]
        assert [*standing.left] == [("a", ended[0]), ("a", ended[1]), ("b", ended[2])]
        assert not remote_presence.nodes
    else:
        assert {*standing.said} == {*on, (types, said), (gone, later)}
        assert (standing.expected, standing.left) == (set(), [])
        assert {*remote_presence.nodes} == {"a", "b"}
    assert standing.complete_since == NOW


async def test_who_is_expected_back_is_online_at_the_others_until_it_is_not_there_in_time() -> None:
    other, again = Node(), Node()
    again.presence.expect("u1", NOW)

    async def note_announced() -> None:
        for noted in again.remote_presence.take():
            other.remote_presence.receive("again", noted.activity)

    await note_announced()
    assert other.presence.is_here("u1")
    for _ in range(3):  # the grace period, which is none
        await asyncio.sleep(0)
    await note_announced()
    assert other.announced == [("u1", "online"), ("u1", "offline")]
    assert other.presence.announcements.announced("u1") == again.presence.announcements.announced("u1")


def test_what_could_not_be_told_is_told_later_unless_something_newer_is() -> None:
    remote_presence = RemotePresence(on_status=print, on_typing=print)
    remote_presence.keep()
    came, went = (UserActivity("u1", None, is_on=is_on, at=NOW) for is_on in (True, False))
    other = UserActivity("u2", None, is_on=True, at=NOW)
    for activity in (came, other):
        remote_presence.publish(activity)
    taken = remote_presence.take()
    remote_presence.publish(went)
    remote_presence.give_back(taken)
    assert [noted.activity for noted in remote_presence.take()] == [other, went]
    assert not remote_presence.outgoing.is_set()


async def test_what_changed_waits_until_it_is_kept_also_where_that_fails_at_first() -> None:
    remote_presence = RemotePresence(on_status=print, on_typing=print)
    remote_presence.keep()
    await remote_presence.wait_until_stored()  # there is nothing
    first, second = (UserActivity(user_id, None, is_on=True, at=NOW) for user_id in ("u1", "u2"))
    remote_presence.publish(first)
    waits = [remote_presence.wait_until_stored()]
    taken = remote_presence.take()
    waits.append(remote_presence.wait_until_stored())
    remote_presence.give_back(taken)
    assert [*remote_presence.take()] == [(None, first)]
    remote_presence.publish(second)
    waits.append(remote_presence.wait_until_stored())
    assert not any(wait.done() for wait in waits)
    remote_presence.is_stored()
    await asyncio.gather(*waits[:2])
    assert not waits[2].done()
    remote_presence.end()
    for waiting in (waits[2], remote_presence.wait_until_stored()):
        with pytest.raises(StoreUnavailableError):
            await waiting


async def test_whoever_asks_first_whether_it_is_kept_goes_on_first() -> None:
    remote_presence = RemotePresence(on_status=print, on_typing=print)
    remote_presence.keep()
    went_on: list[str] = []

    async def go_on(name: str, stored: Awaitable[None]) -> None:
        await stored
        went_on.append(name)

    remote_presence.publish(UserActivity("u1", "c1", is_on=False, at=NOW))
    first = remote_presence.wait_until_stored()
    waits = [asyncio.create_task(go_on("second", remote_presence.wait_until_stored()))]
    waits.append(asyncio.create_task(go_on("first", first)))
    await asyncio.sleep(0)
    remote_presence.take()
    waits.append(asyncio.create_task(go_on("third", remote_presence.wait_until_stored())))
    await asyncio.sleep(0)
    remote_presence.is_stored()
    await go_on("last", remote_presence.wait_until_stored())
    assert went_on == ["first", "second", "third", "last"]
    await asyncio.gather(*waits)


async def test_what_a_client_did_where_it_comes_from_has_ended_there() -> None:
    here = Node()
    for user_id in ("u1", "u2", "u3"):
        here.remote_presence.receive("a", UserActivity(user_id, None, is_on=True, at=NOW))
        here.remote_presence.receive("a", UserActivity(user_id, "c1", is_on=True, at=NOW))
    here.presence.claim("s1", "u1")
    here.presence.arrive("s1", "u1")
    here.publish()
    here.presence.come_from("a", online=["u1"], others=["u2"])
    noted = [(node, activity[:3]) for node, activity in here.remote_presence.take()]
    assert noted[0] == (None, ("u1", None, True)), "before it has gone from there, or it would be offline in between"
    assert {*noted[1:]} == {("a", ("u1", "c1", False)), ("a", ("u1", None, False)), ("a", ("u2", "c1", False))}
    assert {one.user_id for one in here.typing if not one.is_on} == {"u1", "u2"}
    assert here.announced == [("u1", "online"), ("u2", "online"), ("u3", "online")]
    here.presence.leave("s1", "u1", for_good=True)
    assert here.announced[3:] == [("u1", "offline")]


def test_whoever_typed_at_a_node_that_is_gone_types_no_more() -> None:
    heard: list[UserActivity] = []
    remote_presence = RemotePresence(on_status=heard.append, on_typing=heard.append)
    types = UserActivity("u1", "c1", is_on=True, at=NOW, user_name="Ann")
    for again in (types, types):  # whoever goes on typing says so again
        remote_presence.receive("a", again)
    remote_presence.replace("a", [types], NOW)
    remote_presence.replace("a", [], NOW)
    remote_presence.receive("a", types._replace(is_on=False))
    assert heard == [types, types, UserActivity("u1", "c1", is_on=False, at=NOW)]
    assert not remote_presence.nodes
