"""Frames: whatever a client sends over a WebSocket it sends at its pace; what is beyond it waits with the client."""

import contextlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.sockets.loop_shares import BURST_SECONDS
from tests.asking import get
from tests.conftest import BridgeProcess, StartBridge
from tests.matrices import every_value
from tests.system.attacks.conftest import HonestTraffic
from tests.system.attacks.strangers import Stranger, honest_traffic, memory_mb
from tests.system.conftest import GATEWAY_KEY, Gateway, StartListener
from tests.system.soak.lines import HANDSHAKE

MASK = b"\0\0\0\0"
BURST = 1_000
PER_SECOND = 100
OpenWebSocket = Callable[[], Stranger]


def frame(first: int, content: bytes = b"") -> bytes:
    """One that a client sends, of up to 125 bytes."""
    return bytes([first, 0x80 | len(content)]) + MASK + content


CONNECT = frame(0x81, b"40")
FLOODS = {
    "pings": frame(0x89),
    "long pings": frame(0x89, b"x" * 125),
    "answers to pings": frame(0x8A),
    "noops of Engine.IO": frame(0x81, b"6"),
    "pings of Engine.IO": frame(0x81, b"2"),
    "answers to pings of Engine.IO": frame(0x81, b"3"),
    "events": frame(0x81, b'42["nothing"]'),
    "acknowledgements": frame(0x81, b"431[]"),
    "attachments": frame(0x81, b'451-["nothing",{"_placeholder":true,"num":0}]') + frame(0x82, b"x"),
}


@pytest.mark.parametrize(("name", "opening"), every_value(FLOODS, [b"", CONNECT]))
def test_a_flood_of_small_frames_is_left_with_who_sends_it(
    bridge: BridgeProcess, meanwhile: HonestTraffic, open_web_socket: OpenWebSocket, name: str, opening: bytes
) -> None:
    before_mb = memory_mb(bridge)
    content = FLOODS[name] * 100_000
    with meanwhile(), open_web_socket() as stranger:
        stranger.send(opening)
        stranger.read_on()
        taken = stranger.send_what_is_taken(content * (20_000_000 // len(content) + 1), seconds=1)
        assert get(f"{bridge.url}/health/live").status_code == 200
        # The rest is in the buffers of this machine, or was refused as what no client sends.
        assert taken < 15_000_000
    assert memory_mb(bridge) - before_mb < 30


def test_parts_without_content_are_paced_and_take_no_room(
    bridge: BridgeProcess, meanwhile: HonestTraffic, open_web_socket: OpenWebSocket
) -> None:
    before_mb = memory_mb(bridge)
    with meanwhile(), open_web_socket() as stranger:
        stranger.send(frame(0x01))
        taken = stranger.send_what_is_taken(frame(0x00) * 3_000_000, seconds=1)
        assert taken < 15_000_000
        assert get(f"{bridge.url}/health/live").status_code == 200
    assert memory_mb(bridge) - before_mb < 30


def test_what_is_sent_too_fast_is_answered_later_and_none_of_it_is_lost(
    bridge: BridgeProcess, open_web_socket: OpenWebSocket
) -> None:
    more = 150
    with open_web_socket() as stranger:
        began = time.monotonic()
        stranger.send(frame(0x89, b"ping") * (BURST + more))
        answer, heard = frame_of_server(0x8A, b"ping"), b""
        while heard.count(answer) < BURST + more:
            content = stranger.receive()
            assert content
            heard += content
        assert time.monotonic() - began >= 0.9 * more / PER_SECOND


def frame_of_server(first: int, content: bytes) -> bytes:
    return bytes([first, len(content)]) + content


def test_a_client_that_says_little_is_not_kept_waiting_by_one_that_floods(
    bridge: BridgeProcess, open_web_socket: OpenWebSocket
) -> None:
    with open_web_socket() as flood, open_web_socket() as client:
        flood.send_what_is_taken(frame(0x89) * 1_000_000, seconds=0.5)
        client.send(CONNECT + frame(0x81, json.dumps(["join-user-room", "u"]).join(["421", ""]).encode()))
        heard = b""
        while b"431[" not in heard:
            content = client.receive()
            assert content
            heard += content
        assert b'"ok":true' in heard


SHARE = 0.05
"""Of the event loop for one address, at a bridge whose attackers cost the tests little."""


@pytest.fixture(scope="module")
def sharing(make_bridge: StartBridge) -> BridgeProcess:
    return make_bridge(BRIDGE_SHKEEPER_API_KEYS=GATEWAY_KEY, BRIDGE_LOOP_SHARE_PER_ADDRESS=str(SHARE))


def cpu_seconds(bridge: BridgeProcess) -> float:
    user, system = Path(f"/proc/{bridge.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def idle_cpu_share(bridge: BridgeProcess) -> float:
    """Of one core, what it takes when nobody asks for anything, on a machine like this."""
    before_seconds, began = cpu_seconds(bridge), time.monotonic()
    time.sleep(1)
    return (cpu_seconds(bridge) - before_seconds) / (time.monotonic() - began)


def test_what_many_sockets_of_one_address_send_takes_no_more_of_the_loop_than_one_address_may(
    sharing: BridgeProcess, gateway: Gateway, listen: StartListener
) -> None:
    """Each of them within its own pace; and whoever else is behind that address is heard."""
    of_address = HANDSHAKE.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 203.0.113.66\r\n\r\n")
    join, attack_seconds = frame(0x81, b'421["join-user-room","u"]'), 3.0
    with contextlib.ExitStack() as stack:

        def opened() -> Stranger:
            stranger = stack.enter_context(Stranger(sharing))
            stranger.send(of_address)
            assert stranger.answer("HEAD").status == 101
            stranger.send(CONNECT)
            return stranger

        attackers, honest = [opened() for _ in range(30)], opened()
        idle_share = idle_cpu_share(sharing)
        before_seconds, began = cpu_seconds(sharing), time.monotonic()
        for attacker in attackers:
            attacker.send(join * BURST)
            attacker.read_on()
        honest.send(join)
        heard = b""
        while b'"ok":true' not in heard:
            heard += honest.receive()
        time.sleep(max(0.0, began + attack_seconds - time.monotonic()))
        took_seconds, lasted_seconds = cpu_seconds(sharing) - before_seconds, time.monotonic() - began
        with honest_traffic(sharing, gateway, listen):
            assert get(f"{sharing.url}/health/live").status_code == 200
    # With what it takes to listen to them at all, and what the bridge does by itself.
    by_itself = max(0.05, 3 * idle_share)
    assert took_seconds < 2 * SHARE * (BURST_SECONDS + lasted_seconds) + by_itself * lasted_seconds
