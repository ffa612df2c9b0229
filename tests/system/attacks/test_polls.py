"""Polls: what a client posts costs it as much of its pace as over a WebSocket, also if it is nothing."""

import time

import pytest

from tests.conftest import BridgeProcess, StartBridge
from tests.system.attacks.strangers import Stranger

POLLING = "/socket.io/?EIO=4&transport=polling"
HOST = "Host: 127.0.0.1\r\n"
PER_SECOND, BURST = 10, 100


@pytest.fixture(scope="module")
def slow(make_bridge: StartBridge) -> BridgeProcess:
    """A bridge at which clients may say little."""
    return make_bridge(BRIDGE_MESSAGES_PER_SECOND=str(PER_SECOND))


@pytest.mark.parametrize(
    ("content", "posts", "packets"),
    [("", BURST + 30, 1), ("3", BURST + 30, 1), ("\x1e".join(["3"] * 13), 10, 13)],
    ids=["nothing", "a-pong", "pongs"],
)
def test_posts_are_paced_whatever_they_hold(slow: BridgeProcess, content: str, posts: int, packets: int) -> None:
    with Stranger(slow) as stranger:
        stranger.send(f"GET {POLLING} HTTP/1.1\r\n{HOST}\r\n".encode())
        sid = stranger.answer().body.decode().split('"sid":"')[1].split('"')[0]
        head = f"POST {POLLING}&sid={sid} HTTP/1.1\r\n{HOST}Content-Length: {len(content)}\r\n\r\n"
        began = time.monotonic()
        stranger.send((head + content).encode() * posts)
        assert [stranger.answer().status for _ in range(posts)] == [200] * posts
        assert time.monotonic() - began >= 0.9 * (posts * packets - BURST) / PER_SECOND
