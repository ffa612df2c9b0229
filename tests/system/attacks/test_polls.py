"""Polls: what a client posts costs it as much of its pace as over a WebSocket, also if it is nothing; and a session
takes a place of its address's also while it has no connection."""

import time

import pytest

from tests.conftest import BridgeProcess, StartBridge
from tests.system.attacks.strangers import Stranger

POLLING = "/socket.io/?EIO=4&transport=polling"
HOST = "Host: 127.0.0.1\r\n"
PER_SECOND, BURST = 10, 100
PER_ADDRESS = 5


@pytest.fixture(scope="module")
def slow(make_bridge: StartBridge) -> BridgeProcess:
    """A bridge at which clients may say little, and few come from one address."""
    return make_bridge(BRIDGE_MESSAGES_PER_SECOND=str(PER_SECOND), BRIDGE_CONNECTIONS_PER_ADDRESS=str(PER_ADDRESS))


@pytest.mark.parametrize(
    ("content", "posts", "packets"),
    [("", BURST + 30, 1), ("3", BURST + 30, 1), ("\x1e".join(["3"] * 13), 10, 13), ("3" * 12_001, 10, 13)],
    ids=["nothing", "a-pong", "pongs", "a-long-one"],
)
def test_posts_are_paced_whatever_they_hold(slow: BridgeProcess, content: str, posts: int, packets: int) -> None:
    with Stranger(slow) as stranger:
        stranger.send(f"GET {POLLING} HTTP/1.1\r\n{HOST}\r\n".encode())
        sid = stranger.answer().body.decode().split('"sid":"')[1].split('"')[0]
        head = f"POST {POLLING}&sid={sid} HTTP/1.1\r\n{HOST}Content-Length: {len(content)}\r\n\r\n"
        post = (head + content).encode()
        began = time.monotonic()
        stranger.send(post * posts)
        assert [stranger.answer().status for _ in range(posts)] == [200] * posts
        assert time.monotonic() - began >= 0.9 * (posts * packets - BURST) / PER_SECOND


def opened(bridge: BridgeProcess, address: str) -> tuple[int, str]:
    """A session that is opened over a connection that ends with it: how it was answered, and the `sid`."""
    with Stranger(bridge) as stranger:
        stranger.send(f"GET {POLLING} HTTP/1.1\r\n{HOST}X-Forwarded-For: {address}\r\n\r\n".encode())
        answer = stranger.answer()
    return answer.status, answer.body.decode().partition('"sid":"')[2].partition('"')[0]


@pytest.mark.parametrize(
    ("addresses", "other"),
    [
        (["203.0.113.7", "::ffff:203.0.113.7", "64:ff9b::203.0.113.7", "2002:cb00:7107::1"], "203.0.113.8"),
        (["unknown", "nobody", "203.0.113.300"], "203.0.113.9"),
    ],
    ids=["by-whatever-spelling", "whom-no-proxy-names"],
)
def test_sessions_take_the_places_of_their_address_also_without_a_connection(
    slow: BridgeProcess, addresses: list[str], other: str
) -> None:
    sessions = [opened(slow, addresses[number % len(addresses)]) for number in range(PER_ADDRESS)]
    assert [status for status, _ in sessions] == [200] * PER_ADDRESS
    assert {opened(slow, address)[0] for address in addresses} == {503}
    assert opened(slow, other)[0] == 200
    # Whoever leaves makes room for another.
    with Stranger(slow) as stranger:
        stranger.send(f"POST {POLLING}&sid={sessions[0][1]} HTTP/1.1\r\n{HOST}Content-Length: 1\r\n\r\n1".encode())
        assert stranger.answer().status == 200
    assert [opened(slow, address)[0] for address in addresses[:2]] == [200, 503]


def test_who_is_not_named_readably_is_told_of_in_the_log(slow: BridgeProcess) -> None:
    assert opened(slow, "who\tever")[0] in (200, 503)
    [line] = [line for line in slow.log.read_text().splitlines() if "not knowing for whom a proxy asks" in line]
    assert "127.0.0.1 says" in line
