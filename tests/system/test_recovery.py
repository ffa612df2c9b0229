"""Clients that come back: stock JavaScript clients without a line of their own hear every event once and in order,
through cut networks, restarts and crashes."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import jwt
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.asking import async_client_of, client_of
from tests.conftest import BridgeProcess, StartBridge
from tests.python_clients import AsyncPythonClient
from tests.system.conftest import Listener, StartListener
from tests.system.cut_line import CutLine
from tests.waiting import GIVE_UP_SECONDS, until, wait_until

NUMBERED = ("unreadCount", "type", "checkoutId")
JOINS = [["join-user-room", "u1"], ["join-request-room", "r1"]]


class Publisher:
    """A service that publishes numbered events to two rooms and to everyone, one after the other."""

    def __init__(self, bridge: BridgeProcess) -> None:
        self._client = client_of(bridge.url)
        self.published = 0

    def publish(self, count: int) -> None:
        for _ in range(count):
            number = self.published
            event = {
                0: {
                    "event": "unread-count-update",
                    "data": {"unreadCount": number},
                    "target": {"userId": "u1"},
                },
                1: {"event": "purchase-request-update", "data": {"type": str(number), "requestId": "r1"}},
                2: {"event": "template-checkout-payment-pending", "data": {"checkoutId": str(number)}},
            }[number % 3]
            answer = self._client.post("/api/events", json=event)
            assert answer.status_code < 300, answer.text
            self.published += 1

    def close(self) -> None:
        self._client.close()


def numbers(listener: Listener) -> list[int]:
    return [int(next(payload[name] for name in NUMBERED if name in payload)) for _, [payload, *_] in listener.events]


def hear_all(listener: Listener, publisher: Publisher) -> None:
    """Waits until the client has heard the last, and checks that it has heard every one once and in order."""
    last = publisher.published - 1
    if numbers(listener)[-1:] != [last]:
        listener.wait_for(lambda line: "event" in line and numbers(listener)[-1] == last)
    listener.fence()
    assert numbers(listener) == list(range(publisher.published))


def recoveries(listener: Listener) -> list[bool]:
    return [line["recovered"] for line in listener.heard if "ready" in line]


@pytest.fixture
def proxied(make_bridge: StartBridge) -> Iterator[tuple[BridgeProcess, CutLine, Publisher]]:
    bridge = make_bridge()
    proxy, publisher = CutLine(bridge.port), Publisher(bridge)
    yield bridge, proxy, publisher
    publisher.close()
    proxy.close()
    bridge.kill()


def test_a_cut_network_a_restart_and_a_crash_lose_nothing(
    proxied: tuple[BridgeProcess, CutLine, Publisher], listen: StartListener
) -> None:
    bridge, proxy, publisher = proxied
    listener, silent = listen(proxy.url, JOINS), listen(proxy.url, JOINS)
    publisher.publish(7)
    proxy.cut()
    publisher.publish(8)
    proxy.open()
    for client in (listener, silent):
        client.wait_for(lambda line: "ready" in line)
    publisher.publish(3)
    assert bridge.stop() == 0
    bridge.start()
    publisher.publish(6)
    for client in (listener, silent):
        client.wait_for(lambda line: "ready" in line)
    bridge.kill()
    bridge.start()
    publisher.publish(9)
    for client in (listener, silent):
        client.wait_for(lambda line: "ready" in line)
        hear_all(client, publisher)
        assert recoveries(client) == [False, True, True, True]


def test_events_that_are_committed_in_a_crash_are_told_after_it(
    proxied: tuple[BridgeProcess, CutLine, Publisher], listen: StartListener
) -> None:
    bridge, proxy, publisher = proxied
    listener = listen(proxy.url, JOINS)
    stopping = threading.Event()

    def publish_on() -> None:
        while not stopping.is_set():
            try:
                publisher.publish(1)
            except httpx.TransportError:
                stopping.wait(0.02)

    publishing = threading.Thread(target=publish_on)
    publishing.start()
    for _ in range(3):
        heard = len(listener.events)
        listener.wait_for(lambda _: len(listener.events) > heard + 20)  # noqa: B023
        bridge.kill()
        bridge.start()
        listener.wait_for(lambda line: "ready" in line)
    stopping.set()
    publishing.join()
    publisher.publish(1)
    last = publisher.published - 1
    if numbers(listener)[-1] != last:
        listener.wait_for(lambda line: "event" in line and numbers(listener)[-1] == last)
    listener.fence()
    assert recoveries(listener) == [False, True, True, True]
    # What a crash left without an answer was published once more, and is another event then.
    heard_numbers = numbers(listener)
    assert heard_numbers == sorted(heard_numbers)
    assert set(heard_numbers) == set(range(publisher.published))
    offsets = listener.offsets
    assert len(offsets) == len(set(offsets))
    places = [int(offset.split("-")[1]) for offset in offsets]
    assert places == list(range(places[0], places[0] + len(places)))


def test_long_polling_recovers_too(proxied: tuple[BridgeProcess, CutLine, Publisher], listen: StartListener) -> None:
    bridge, proxy, publisher = proxied
    listener = listen(proxy.url, JOINS, transports="polling")
    publisher.publish(4)
    hear_all(listener, publisher)
    bridge.kill()
    bridge.start()
    publisher.publish(5)
    listener.wait_for(lambda line: "ready" in line)
    hear_all(listener, publisher)
    assert recoveries(listener) == [False, True]


def sids(listener: Listener) -> list[str]:
    return [line["ready"] for line in listener.heard if "ready" in line]


@pytest.mark.parametrize("transports", ["websocket", "polling", "polling,websocket"])
@pytest.mark.parametrize("joins", [[], JOINS])
def test_goodbye_is_what_the_client_says_and_not_the_end_of_its_engine(
    proxied: tuple[BridgeProcess, CutLine, Publisher], listen: StartListener, transports: str, joins: list[list[str]]
) -> None:
    bridge, _, publisher = proxied
    listener = listen(bridge.url, joins, transports=transports)
    listener.close_engine()
    listener.wait_for(lambda line: "ready" in line)
    publisher.publish(3)
    listener.wait_for(lambda line: line.get("event") == "template-checkout-payment-pending")
    listener.come_again()
    listener.wait_for(lambda line: "ready" in line)
    assert recoveries(listener) == [False, True, False]
    first, same, other = sids(listener)
    assert first == same != other


@pytest.mark.parametrize("ends", ["before it is over", "after it"])
def test_a_join_that_cannot_be_kept_is_not_answered_until_it_can(
    proxied: tuple[BridgeProcess, CutLine, Publisher], listen: StartListener, ends: str
) -> None:
    """Killed, the bridge has promised nothing that it does not keep."""
    bridge, _, _ = proxied
    listener = listen(bridge.url, JOINS)
    holder = sqlite3.connect(bridge.database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    listener.join("join-request-room", "r9")
    wait_until(lambda: "sessions cannot be saved" in bridge.log.read_text())
    if ends == "before it is over":
        bridge.kill()
        holder.close()
        bridge.start()
        listener.wait_for(lambda line: "ready" in line)
        assert not [line for line in listener.heard if "asked" in line]
        return
    holder.close()
    answer = listener.wait_for(lambda line: "asked" in line)["answer"]
    assert answer == {"ok": True, "rooms": ["request-r9"]}
    bridge.kill()
    bridge.start()
    listener.wait_for(lambda line: "ready" in line)
    assert recoveries(listener) == [False, True]
    event = {"event": "purchase-request-update", "data": {"type": "x", "requestId": "r9"}}
    with client_of(bridge.url) as client:
        assert client.post("/api/events", json=event).status_code < 300
    listener.wait_for(lambda line: line.get("event") == "purchase-request-update")


def test_past_what_is_kept_a_client_is_told_so_and_rest_catches_up(
    proxied: tuple[BridgeProcess, CutLine, Publisher], listen: StartListener
) -> None:
    bridge, proxy, publisher = proxied
    listener = listen(proxy.url, JOINS)
    publisher.publish(4)
    hear_all(listener, publisher)
    proxy.cut()
    publisher.publish(6)
    bridge.stop()
    with closing(sqlite3.connect(bridge.database)) as database, database:
        database.execute('DELETE FROM events WHERE "offset" <= 7')
    bridge.start()
    proxy.open()
    listener.wait_for(lambda line: "ready" in line)
    assert recoveries(listener) == [False, False]
    with client_of(bridge.url) as client:
        kept = client.get("/api/events?room=request-r1&room=user-u1").json()["events"]
    assert [event["data"] for event in kept] == [{"type": "7", "requestId": "r1"}, {"unreadCount": 9}]


def test_a_room_is_told_from_its_join_on_and_not_after_it_is_left(
    proxied: tuple[BridgeProcess, CutLine, Publisher], listen: StartListener
) -> None:
    _, proxy, publisher = proxied
    late = listen(proxy.url, [["join-request-room", "r1"], ["join-user-room", "u1"], ["leave-user-room", "u1"]])
    publisher.publish(3)  # one to each room, one to everyone
    late.wait_for(lambda line: line.get("event") == "template-checkout-payment-pending")
    proxy.cut()
    publisher.publish(3)
    proxy.open()
    late.wait_for(lambda line: "ready" in line)
    late.fence()
    assert [name for name, _ in late.events] == ["purchase-request-update", "template-checkout-payment-pending"] * 2
    assert recoveries(late) == [False, True]


SECRET = "a-secret-for-tests-only-0123456789abcdef"


def token(user: str) -> str:
    return jwt.encode({"sub": user, "exp": 4102444800}, SECRET, algorithm="HS256")


async def connected(url: str, **auth: Any) -> tuple[ClientConnection, dict[str, Any]]:
    """A bare Socket.IO connection, and the answer to its CONNECT."""
    address = url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
    # Without pings of its own: only the bridge and this test decide when it ends.
    websocket = await connect(address, open_timeout=GIVE_UP_SECONDS, ping_interval=None)
    await websocket.recv()
    await websocket.send("40" + json.dumps(auth))
    answer = str(await websocket.recv())
    return websocket, json.loads(answer[2:])


async def test_a_stolen_proof_is_useless_and_a_half_open_connection_is_closed(make_bridge: StartBridge) -> None:
    bridge = await asyncio.to_thread(make_bridge, BRIDGE_ACCESS="jwt", BRIDGE_JWT_SECRETS=SECRET)
    first, answer = await connected(bridge.url, token=token("u1"))
    await first.send('420["join-user-room","u1"]')
    assert '"ok":true' in str(await first.recv())
    thief, stolen = await connected(bridge.url, token=token("u2"), pid=answer["pid"])
    assert stolen["pid"] != answer["pid"]
    for forged in ("x", answer["pid"] + "0", answer["pid"].replace("-0-", "-1-", 1), "é" * 40, ".."):
        other, anew = await connected(bridge.url, token=token("u1"), pid=forged)
        assert anew["pid"] != forged
        await other.close()
    # The owner comes back while the server still takes the first connection for alive.
    again, recovered = await connected(bridge.url, token=token("u1"), pid=answer["pid"])
    assert recovered["pid"] == answer["pid"]
    await asyncio.wait_for(first.wait_closed(), GIVE_UP_SECONDS)
    for websocket in (thief, again):
        await websocket.close()
    await asyncio.to_thread(bridge.kill)


def test_of_two_clients_that_bring_one_session_one_begins_anew_and_both_stay(
    make_bridge: StartBridge, listen: StartListener
) -> None:
    """Each takes the other for its own half-open connection, once; then both are there, and hear."""
    bridge = make_bridge()
    first = listen(bridge.url, JOINS)
    twin = listen(bridge.url, JOINS, session_of=first)
    if not any(line.get("recovered") is False for line in twin.heard):
        twin.wait_for(lambda line: line.get("recovered") is False)
    with client_of(bridge.url) as rest:
        event = {"event": "purchase-request-update", "data": {"type": "x", "requestId": "r1"}}
        rest.post("/api/events", json=event).raise_for_status()
    for one in (first, twin):
        one.fence()
        assert [name for name, _ in one.events] == ["purchase-request-update"]
    assert sum("disconnected" in line for line in [*first.heard, *twin.heard]) == 2
    bridge.kill()


async def test_a_client_that_cannot_take_the_offset_opts_out(make_bridge: StartBridge) -> None:
    bridge = await asyncio.to_thread(make_bridge)
    heard: list[Any] = []
    async with async_client_of(bridge.url) as rest:
        for auth in (None, {"recovery": False}):
            client = AsyncPythonClient(reconnection=False)
            client.on("*", lambda event, *arguments: heard.append((event, arguments)))
            await client.connect(bridge.url, transports=["websocket"], auth=auth)
            count = len(heard)
            event = {"event": "purchase-request-update", "data": {"type": "x", "requestId": "r1"}}
            await client.call("join-request-room", "r1")
            await rest.post("/api/events", json=event)
            await until(lambda: len(heard) > count)  # noqa: B023
            await client.disconnect()
    [(_, with_offset), (_, without)] = heard
    assert with_offset[0] == without[0] == {"type": "x", "requestId": "r1"}
    assert (len(with_offset), len(without)) == (2, 1)
    await asyncio.to_thread(bridge.kill)
