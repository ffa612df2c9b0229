"""A server under fire: what it holds, and clients that send it whatever there is."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import jwt
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from bridge.sockets.clients.activity import Activity
from tests.bridge.sockets.clients import connect
from tests.waiting import GIVE_UP_SECONDS

Eventually = Callable[[Callable[[], object]], Awaitable[object]]

SECRET = "a secret of at least thirty-two bytes"
# The same in every run, as what is made of it has to be; it is good until the year 2096.
TOKEN = jwt.encode({"sub": "u1", "exp": 4_000_000_000, "chats": ["c1"], "requests": ["r1"]}, SECRET, "HS256")
LIMIT_BYTES = 20_000

FENCE_ID = 999_999_999
FENCE = f'42{FENCE_ID}["leave-ops-room"]'

# One server and one neighbour for all examples of a test: what one example leaves behind, the next must not see.
# And no failing example is made smaller: each would wait until the deadline.
fuzzed = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],
)


def lasting_tasks() -> list[str]:
    """All tasks but those of the library that sleep until the next ping: they end by themselves."""
    names = [str(task.get_coro()) for task in asyncio.all_tasks()]
    return [name for name in names if "_send_ping" not in name]


class Watched:
    """A server under fire, a well-behaved client of it, and what there was before the fire began."""

    def __init__(self, server: Any, url: str, connect_packet: str, eventually: Eventually) -> None:
        self.server = server
        self.url = url
        self.connect_packet = connect_packet
        self._eventually = eventually
        self._before = ""
        self._tasks_before = 0

    def holdings(self) -> str:
        """Everything that the server keeps for clients, to be compared and to be read."""
        manager, admission = self.server.manager, self.server.admission
        [activity] = [watcher for watcher in manager.watchers if isinstance(watcher, Activity)]
        roster = activity.presence._roster
        kept = {
            "members of rooms": sorted(
                (namespace, str(room), len([*index.sids_of(room)]))
                for namespace, index in manager._of.items()
                for room in index._by_room
            ),
            "clients": manager.client_count,
            "waiting": (manager.pending_connect, manager.pending_disconnect),
            "callbacks": manager.callbacks,
            "connections": (len(self.server.eio.sockets), len(self.server.environ)),
            "packets": self.server._reader._incomplete,
            "principals": (len(admission._principals), len(admission._timers)),
            "presence": (roster._here, roster._users_of, roster._leaving),
            "typists": (activity._typists._of_socket, activity._typists._sockets),
        }
        return str(kept)

    async def begin(self) -> None:
        """Notes what there is, once the neighbour has come to rest."""
        await self._eventually(lambda: not self.server.manager.pending_connect)
        self._before = self.holdings()
        self._tasks_before = len(lasting_tasks())

    async def back_to_before(self) -> None:
        def is_back() -> bool:
            return self.holdings() == self._before and len(lasting_tasks()) <= self._tasks_before

        try:
            await self._eventually(is_back)
        except TimeoutError:
            tasks = "\n".join(lasting_tasks())
            raise AssertionError(
                f"not back to {self._tasks_before} tasks and {self._before}: {self.holdings()}\n{tasks}"
            ) from None


async def converse(websocket: ClientConnection, messages: Sequence[str | bytes]) -> tuple[Counter[int], bool]:
    """Sends messages and a fence behind them; returns the ids that were acknowledged, and whether it was cut off."""
    acknowledged: Counter[int] = Counter()
    try:
        async with asyncio.timeout(GIVE_UP_SECONDS):
            for message in [*messages, FENCE]:
                await websocket.send(message)
            while FENCE_ID not in acknowledged:
                frame = str(await websocket.recv())
                if frame == "2":
                    await websocket.send("3")
                if frame.startswith("43"):
                    acknowledged[int(frame[2 : frame.index("[")])] += 1
    except ConnectionClosed:
        return acknowledged, True
    del acknowledged[FENCE_ID]
    return acknowledged, False


async def attack(watched: Watched, messages: Sequence[str | bytes], *, is_connected: bool = True) -> bool:
    """One client, that sends messages and goes. Returns whether it was cut off."""
    address = watched.url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
    async with connect(address, max_size=None) as websocket:
        await websocket.recv()
        if is_connected:
            await websocket.send(watched.connect_packet)
            assert str(await websocket.recv()).startswith("40")
        acknowledged, is_cut_off = await converse(websocket, messages)
    assert set(acknowledged.values()) <= {1}
    await watched.back_to_before()
    return is_cut_off


# Packets that are none

PACKETS = st.one_of(
    st.sampled_from(
        ["40", "41", "42", "43", "44", "45", "46", "47", "4", "0", "1", "2", "3", "5", "6", "7", "b", ""]
    ),
    st.from_regex(r"\A4[0-9²٣]([0-9]{1,12}-)?(/[a-z?]{0,4},?)?[0-9]{0,3}(\[.{0,9}\]?|\{.{0,9}\}?|.{0,9})\Z"),
    st.from_regex(r"\A4(null|true|false|0\.5| [0-9]|\"[a-z]*\"|\{\}|\[[0-9]*\])\Z"),
    st.text(max_size=20),
    st.binary(max_size=20),
    st.binary(max_size=20).map(lambda data: "b" + data.hex()),
    st.builds(
        lambda packet, end: packet[:end], st.sampled_from([FENCE, '42["join-user-room","u1"]']), st.integers(0)
    ),
)
