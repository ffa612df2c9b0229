"""The clients of a benchmark do what a server may expect of any client."""

from dataclasses import replace
from typing import Any

import pytest

from benchmarks import clients
from benchmarks.clients import HANDSHAKE, HOSTS, Client, Heard, connect
from benchmarks.servers import SERVERS, running
from tests.waiting import GIVE_UP_SECONDS

OPENED = b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + b'\x81\x0b0{"sid":"a"}'
CONNECTED = b'\x81\x0c40{"sid":"b"}'
EVENT = b'\x81\x1b42["payment-update",{"a":1}]'
PING, PONG = b"\x89\x04ab\x89c", b"\x8a\x84\0\0\0\0ab\x89c"


class Transport:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)


@pytest.fixture
async def client() -> tuple[Client, Heard, list[bytes]]:
    """One that is connected, what it hears, and what it writes from then on."""
    heard, transport = Heard(answer_seconds=1.0), Transport()
    made: Any = Client(heard)
    made.connection_made(transport)
    made.data_received(OPENED)
    made.data_received(CONNECTED)
    assert transport.written[0] == HANDSHAKE
    assert made.connected.done()
    transport.written.clear()
    return made, heard, transport.written


async def test_a_ping_of_the_web_socket_is_answered_with_what_it_says(
    client: tuple[Client, Heard, list[bytes]],
) -> None:
    made, heard, written = client
    made.data_received(EVENT + PING + EVENT)
    assert PONG in written
    assert heard.events == 2


@pytest.mark.parametrize("cut", range(1, len(PING)))
async def test_a_ping_that_comes_in_two_parts_is_answered(
    client: tuple[Client, Heard, list[bytes]], cut: int
) -> None:
    made, heard, written = client
    made.data_received(EVENT + PING[:cut])
    made.data_received(PING[cut:])
    assert PONG in written
    assert heard.events == 1


async def test_a_ping_of_the_engine_is_answered_once(client: tuple[Client, Heard, list[bytes]]) -> None:
    made, heard, written = client
    made.data_received(EVENT + b"\x81\x012")
    made.data_received(EVENT)
    assert written == [b"\x81\x81\0\0\0\x003"]
    assert heard.events == 2


async def test_more_clients_than_one_address_has_ports_come_from_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "CLIENTS_PER_HOST", 2)
    few = replace(SERVERS["bridge"], environment={"BRIDGE_CONNECTIONS_PER_ADDRESS": "1"})
    with running(few) as (_, port):
        made = await connect(port, 6, Heard(answer_seconds=GIVE_UP_SECONDS))
        came_from = [client._transport.get_extra_info("sockname")[0] for client in made]
        assert came_from == [host for host in HOSTS[:3] for _ in range(2)]
        for client in made:
            client.leave()
