"""Every version of the stock JavaScript client that people still run, and the Python client, with a real bridge."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.asking import client_of
from tests.conftest import BridgeProcess, StartBridge
from tests.python_clients import AsyncPythonClient, PythonClient
from tests.system.conftest import Hearing, Line, Script
from tests.waiting import GIVE_UP_SECONDS, wait_until

RECOVERING = ["socket.io-client", "socket.io-client-4.7", "socket.io-client-4.6"]
OLDER = [f"socket.io-client-4.{minor}" for minor in range(6)]
CLIENTS = [(name, transports) for name in (*RECOVERING, *OLDER) for transports in ("websocket", "polling,websocket")]
BEFORE, BETWEEN, AFTER = 6, 4, 6


class FrontEnds(Hearing):
    """One client of each version over each transport."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._script = Script("versions.mjs", url, json.dumps(CLIENTS), take=self.lines.put)
        self.close = self._script.close

    def lines_of(self, client: int, kind: str) -> list[Line]:
        return [line for line in self.heard if line["client"] == client and kind in line]

    def numbers(self, client: int) -> list[int]:
        """The numbers of the events that a client has heard."""
        return [int(line["args"][0]["type"]) for line in self.lines_of(client, "event")]

    def wait_until_all(self, kind: str, count: int) -> None:
        """Reads on until each client has printed so many lines of a kind."""

        def is_so() -> bool:
            return all(len(self.lines_of(client, kind)) >= count for client in range(len(CLIENTS)))

        if not is_so():
            self.wait_for(lambda _: is_so())

    def wait_until_all_heard(self, number: int) -> None:
        def is_so() -> bool:
            return all(self.numbers(client)[-1:] == [number] for client in range(len(CLIENTS)))

        if not is_so():
            self.wait_for(lambda _: is_so())


def publish(bridge: BridgeProcess, numbers: range) -> None:
    with client_of(bridge.url) as client:
        for number in numbers:
            event = {"event": "purchase-request-update", "data": {"type": str(number), "requestId": "r1"}}
            client.post("/api/events", json=event).raise_for_status()


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge) -> Iterator[BridgeProcess]:
    bridge = make_bridge()
    yield bridge
    bridge.kill()


def test_every_version_hears_all_in_order_and_comes_back_after_a_crash(bridge: BridgeProcess) -> None:
    front_ends = FrontEnds(bridge.url)
    front_ends.wait_until_all("ready", 1)
    publish(bridge, range(BEFORE))
    front_ends.wait_until_all_heard(BEFORE - 1)
    for client, (_, transports) in enumerate(CLIENTS):
        if transports != "websocket" and front_ends.lines_of(client, "transport")[-1]["transport"] != "websocket":
            front_ends.wait_for(lambda line: line.get("transport") == "websocket" and line["client"] == client)  # noqa: B023

    bridge.kill()
    bridge.start()
    publish(bridge, range(BEFORE, BEFORE + BETWEEN))
    front_ends.wait_until_all("ready", 2)
    last = BEFORE + BETWEEN + AFTER - 1
    publish(bridge, range(BEFORE + BETWEEN, last + 1))
    front_ends.wait_until_all_heard(last)
    front_ends.close()

    for client, (name, _) in enumerate(CLIENTS):
        [version] = front_ends.lines_of(client, "version")
        joined = front_ends.lines_of(client, "ready")
        heard = front_ends.numbers(client)
        if name in RECOVERING:
            assert [line["recovered"] for line in joined] == [False, True], version
            assert heard == list(range(last + 1)), version
        else:
            # What came while it was away it has to look up; what came before and after it has heard, once.
            assert [line["joined"] for line in joined] == [True, True], version
            assert heard == sorted(set(heard)), version
            assert {*range(BEFORE), *range(BEFORE + BETWEEN, last + 1)} <= set(heard), version
    versions = {line["version"].rpartition(".")[0] for line in front_ends.heard if "version" in line}
    assert versions == {f"4.{minor}" for minor in range(9)}


OPTED_OUT = {"recovery": False}


def test_a_synchronous_python_client_that_opts_out_is_told_the_payload_alone(bridge: BridgeProcess) -> None:
    heard: list[Any] = []
    client = PythonClient(reconnection=False)

    @client.on("purchase-request-update")  # type: ignore[untyped-decorator]
    def update(payload: Any) -> None:
        heard.append(payload["type"])

    client.connect(bridge.url, auth=OPTED_OUT, transports=["polling"])
    assert client.call("join-request-room", "r1")["ok"]
    publish(bridge, range(3))
    wait_until(lambda: len(heard) == 3)
    assert client.call("leave-request-room", "r1")["ok"]
    assert heard == ["0", "1", "2"]
    client.disconnect()


async def test_a_python_client_that_opts_out_comes_back_after_a_crash_and_joins_anew(bridge: BridgeProcess) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    joined: asyncio.Queue[bool] = asyncio.Queue()
    client = AsyncPythonClient(reconnection_delay=0.05, reconnection_delay_max=0.2)

    @client.event  # type: ignore[untyped-decorator]
    async def connect() -> None:
        joined.put_nowait((await client.call("join-request-room", "r1"))["ok"])

    @client.on("purchase-request-update")  # type: ignore[untyped-decorator]
    async def update(payload: Any) -> None:
        heard.put_nowait(payload["type"])

    async with asyncio.timeout(GIVE_UP_SECONDS):
        await client.connect(bridge.url, auth=OPTED_OUT)  # by polling, and then the upgrade
        assert await joined.get()
        await asyncio.to_thread(publish, bridge, range(3))
        assert [await heard.get() for _ in range(3)] == ["0", "1", "2"]
        await asyncio.to_thread(bridge.kill)
        await asyncio.to_thread(bridge.start)
        assert await joined.get()
        await asyncio.to_thread(publish, bridge, range(3, 6))
        assert [await heard.get() for _ in range(3)] == ["3", "4", "5"]
    await client.disconnect()
