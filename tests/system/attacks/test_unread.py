"""Answers that nobody reads: what a stranger is told is small, and what waits for all of them together is bounded."""

from collections.abc import Callable, Iterator

import pytest
import socketio
from socketio.exceptions import ConnectionError as NotConnectedError

from tests.conftest import BridgeProcess
from tests.system.attacks.strangers import Stranger, figure

POLLING = "/socket.io/?EIO=4&transport=polling"
HOST = "Host: 127.0.0.1\r\n"
SMALL_BYTES = 20_000
"""What a stranger may leave unread, with all around it."""


class Poller(Stranger):
    """A polling session that nobody has let in."""

    def __init__(self, bridge: BridgeProcess) -> None:
        super().__init__(bridge)
        self.send(f"GET {POLLING} HTTP/1.1\r\n{HOST}\r\n".encode())
        sid = self.answer().body.decode().split('"sid":"')[1].split('"')[0]
        self._target = f"{POLLING}&sid={sid}"

    def post(self, content: str) -> int:
        head = f"POST {self._target} HTTP/1.1\r\n{HOST}Content-Length: {len(content)}\r\n\r\n"
        self.send((head + content).encode())
        return self.answer().status

    def poll(self) -> tuple[int, bytes]:
        self.send(f"GET {self._target} HTTP/1.1\r\n{HOST}\r\n".encode())
        answer = self.answer()
        return answer.status, answer.body


@pytest.fixture
def poller(bridge: BridgeProcess) -> Iterator[Poller]:
    poller = Poller(bridge)
    with poller:
        yield poller


def test_a_namespace_that_is_no_name_is_not_sent_back(poller: Poller) -> None:
    """It was, a megabyte for each."""
    poller.post("40/" + "n" * 900_000 + ",")
    status, said = poller.poll()
    assert status == 400, said[:100]


def test_nor_over_a_web_socket(open_web_socket: Callable[[], Stranger]) -> None:
    content = b"40/" + b"n" * 60_000 + b","
    with open_web_socket() as stranger:
        stranger.send(b"\x81\xfe" + len(content).to_bytes(2, "big") + b"\0\0\0\0" + content)
        said = b""
        while b"\x88\x02" not in said:
            said += stranger.receive()
    assert b'44{"message":"Invalid namespace"}' in said
    assert len(said) < SMALL_BYTES


@pytest.mark.parametrize(("length", "is_told"), [(20, True), (100, True), (101, False), (100_000, False)])
def test_a_stock_client_hears_that_it_is_no_namespace(bridge: BridgeProcess, length: int, is_told: bool) -> None:
    client = socketio.Client(reconnection=False)
    namespace = "/" + "n" * (length - 1)
    heard: list[object] = []
    client.on("connect_error", heard.append, namespace=namespace)
    with pytest.raises(NotConnectedError):
        client.connect(bridge.url, namespaces=[namespace], transports=["polling"])
    client.shutdown()
    # Where the namespace is too long to be told, it hears that the connection is closed.
    assert heard == ([{"message": "Invalid namespace"}] if is_told else [])


@pytest.mark.parametrize("posts", [1, 400])
def test_who_has_not_been_let_in_and_does_not_poll_is_closed(
    bridge: BridgeProcess, poller: Poller, posts: int
) -> None:
    before = figure(bridge, 'bridge_sockets_closed_total{reason="backlog"}')
    for _ in range(posts):
        if poller.post("\x1e".join(["40/nowhere,"] * (400 // posts))) != 200:
            break
    status, said = poller.poll()
    assert status == 400, len(said)
    assert figure(bridge, 'bridge_sockets_closed_total{reason="backlog"}') == before + 1


def test_who_has_been_let_in_may_have_as_much_waiting_as_before(poller: Poller) -> None:
    assert poller.post("40") == 200
    for _ in range(5):
        assert poller.post("\x1e".join([f'42{number}["no-such-event"]' for number in range(100)])) == 200
    status, said = poller.poll()
    assert status == 200
    assert len(said) > SMALL_BYTES
