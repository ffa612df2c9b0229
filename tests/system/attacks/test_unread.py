"""Answers that nobody reads, and messages that do not come whole: what a stranger is told is small, and what waits of
all of them together is bounded."""

import contextlib
from collections.abc import Callable, Iterator

import pytest
import socketio
from socketio.exceptions import ConnectionError as NotConnectedError

from bridge.sockets.limits import Limits
from bridge.sockets.transport.disconnects import Disconnect
from tests.asking import get
from tests.conftest import BridgeProcess, StartBridge
from tests.system.attacks.strangers import Stranger, figure, honest_traffic, memory_mb
from tests.system.conftest import GATEWAY_KEY, Gateway, StartListener
from tests.system.soak.lines import HANDSHAKE
from tests.waiting import wait_until

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
    """It was, all of it."""
    poller.post("40/" + "n" * 100_000 + ",")
    status, said = poller.poll()
    assert status == 400, said[:100]


NO_PACKET = b"\x88\x0b" + Disconnect.NO_PACKET.code.to_bytes(2, "big") + Disconnect.NO_PACKET.reason.encode()


def test_nor_over_a_web_socket(open_web_socket: Callable[[], Stranger]) -> None:
    content = b"40/" + b"n" * 60_000 + b","
    with open_web_socket() as stranger:
        stranger.send(b"\x81\xfe" + len(content).to_bytes(2, "big") + b"\0\0\0\0" + content)
        said = b""
        while NO_PACKET not in said and (more := stranger.receive()):
            said += more
    assert NO_PACKET in said
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


LIMIT_BYTES = 1_000_000
STRANGERS_BYTES = Limits().stranger_message_bytes
STRANGERS = 200
"""Whose answers together are a hundred times as much."""


@pytest.fixture(scope="module")
def tight(make_bridge: StartBridge) -> BridgeProcess:
    """A bridge that keeps little for all who do not read, and would wait for each of them for a minute."""
    return make_bridge(BRIDGE_SHKEEPER_API_KEYS=GATEWAY_KEY, BRIDGE_UNREAD_LIMIT_BYTES=str(LIMIT_BYTES))


def test_large_answers_that_hundreds_do_not_read_are_bounded_all_together(
    tight: BridgeProcess, gateway: Gateway, listen: StartListener
) -> None:
    ask = b"GET /schema/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    size_mb = (
        len(get(f"{tight.url}/schema/openapi.json").content) / 1_000_000
    )  # which is made when it is asked for first
    before_mb = memory_mb(tight)
    with contextlib.ExitStack() as stack, honest_traffic(tight, gateway, listen):
        for _ in range(STRANGERS):
            stack.enter_context(Stranger(tight, receive_buffer_bytes=4_096)).send(ask)
        # Those who asked last may have been let be.
        wait_until(lambda: figure(tight, 'bridge_door_refused_total{reason="made room"}') >= STRANGERS - 10)
        assert figure(tight, "bridge_unread_bytes") <= LIMIT_BYTES
        assert memory_mb(tight) - before_mb < STRANGERS * size_mb / 2
        assert "degraded: " in get(f"{tight.url}/health/ready").json()["checks"]["unread"]
    told = [line for line in tight.log.read_text().splitlines() if "ending connections that do not read" in line]
    assert len(told) == 1
    assert "(unread_limit_bytes)" in told[0]


def test_one_address_fills_no_more_than_there_is_for_one(
    make_bridge: StartBridge, gateway: Gateway, listen: StartListener
) -> None:
    """With answers, and with the beginnings of messages. Whoever else does not read at once is let be."""
    bridge = make_bridge(BRIDGE_SHKEEPER_API_KEYS=GATEWAY_KEY, BRIDGE_UNREAD_LIMIT_BYTES_PER_ADDRESS=str(LIMIT_BYTES))
    ask = b"GET /schema/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: %b\r\n\r\n"
    size_bytes = len(get(f"{bridge.url}/schema/openapi.json").content)
    of_address = HANDSHAKE.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n")
    begun = b"\x81\xff" + STRANGERS_BYTES.to_bytes(8, "big") + b"\0\0\0\0" + b"x" * (STRANGERS_BYTES - 1)
    attackers = 20
    with contextlib.ExitStack() as stack, honest_traffic(bridge, gateway, listen):
        neighbour = stack.enter_context(Stranger(bridge, receive_buffer_bytes=4_096))
        neighbour.send(ask % b"203.0.113.8")
        for _ in range(attackers):
            stack.enter_context(Stranger(bridge, receive_buffer_bytes=4_096)).send(ask % b"203.0.113.7")
        wait_until(lambda: figure(bridge, 'bridge_door_refused_total{reason="made room"}') >= attackers - 5)
        assert figure(bridge, "bridge_unread_bytes") <= LIMIT_BYTES + size_bytes
        for _ in range(attackers):
            stranger = stack.enter_context(Stranger(bridge))
            stranger.send(of_address)
            assert stranger.answer("HEAD").status == 101
            with contextlib.suppress(OSError):
                stranger.send(begun)
        wait_until(lambda: figure(bridge, 'bridge_sockets_closed_total{reason="made room"}') >= 5)
        assert figure(bridge, "bridge_unread_bytes") <= LIMIT_BYTES + size_bytes
        assert len(neighbour.answer().body) == size_bytes
    assert "waits for those of 203.0.113.7 is more than" in bridge.log.read_text()
    bridge.kill()


def test_and_so_is_what_sessions_do_not_read(tight: BridgeProcess) -> None:
    """Each of them has less waiting than it may have by itself."""
    event, posts = "\x1e".join(f'42{number}["no-such-event"]' for number in range(500)), 2
    before = figure(tight, 'bridge_sockets_closed_total{reason="made room"}')
    statuses = []
    with contextlib.ExitStack() as stack:
        pollers = [stack.enter_context(Poller(tight)) for _ in range(5)]
        for poller in pollers:
            statuses += [poller.post("40"), *(poller.post(event) for _ in range(posts))]
        ended = figure(tight, 'bridge_sockets_closed_total{reason="made room"}') - before
        assert 1 <= ended < len(pollers)
        assert [poller.poll()[0] for poller in pollers].count(400) == ended
    assert statuses.count(200) >= len(statuses) - 1


def test_and_so_are_messages_that_do_not_come_whole(
    tight: BridgeProcess, gateway: Gateway, listen: StartListener
) -> None:
    begun = b"\x81\xff" + (STRANGERS_BYTES).to_bytes(8, "big") + b"\0\0\0\0" + b"x" * (STRANGERS_BYTES - 1)
    in_parts = b"\x01" + begun[1:] + b"x"
    made_room = 'bridge_sockets_closed_total{reason="made room"}'
    before = figure(tight, made_room)
    with contextlib.ExitStack() as stack, honest_traffic(tight, gateway, listen):
        for number in range(20):
            stranger = stack.enter_context(Stranger(tight))
            stranger.send(HANDSHAKE)
            assert stranger.answer("HEAD").status == 101
            with contextlib.suppress(OSError):
                stranger.send(in_parts if number % 2 else begun)
        wait_until(lambda: figure(tight, made_room) - before >= 20 - LIMIT_BYTES // STRANGERS_BYTES)
        assert figure(tight, "bridge_unread_bytes") <= LIMIT_BYTES
    wait_until(lambda: figure(tight, "bridge_unread_bytes") < STRANGERS_BYTES - 1)  # than of any of them
