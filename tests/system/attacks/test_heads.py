"""Heads without an end: a request's line, its headers and what waits behind it are bounded."""

import pytest

from tests.conftest import BridgeProcess
from tests.system.attacks.conftest import HonestTraffic
from tests.system.attacks.strangers import LIVE, Stranger, memory_mb

START = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n"
ENDLESS_BYTES = 40_000_000


@pytest.mark.parametrize(
    ("start", "over_and_over", "status"),
    [
        (b"GET /", b"a", 414),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"", 414),
        (START + b"X-Long: ", b"a", 431),
        (START, b"X: y\r\n", 431),
        (START + b"X: y\r\n" * 101 + b"\r\n", b"", 431),
        (b"", b"\r\n", 400),
        (b"", b"A", 414),
    ],
    ids=["url", "url-that-ends", "header", "headers", "a-hundred-headers", "empty-lines", "method"],
)
def test_a_head_without_an_end_is_refused_and_none_of_the_rest_is_taken(
    bridge: BridgeProcess, meanwhile: HonestTraffic, start: bytes, over_and_over: bytes, status: int
) -> None:
    head = start + over_and_over * (ENDLESS_BYTES // max(1, len(over_and_over)))
    before_mb = memory_mb(bridge)
    with meanwhile(), Stranger(bridge) as stranger:
        stranger.send_what_is_taken(head)
        # Somebody who writes on and does not read may lose what they were answered.
        assert stranger.answers() in ([status], [])
    assert memory_mb(bridge) - before_mb < 50


def test_a_head_that_is_too_long_is_told_how_long_one_may_be(bridge: BridgeProcess) -> None:
    for head, status, words in (
        (b"GET /" + b"a" * 16_500, 414, "16384 bytes"),
        (START + b"X-Long: " + b"a" * 65_600, 431, "65536 bytes"),
        (START + b"X: y\r\n" * 100 + b"\r\n", 431, "100 headers"),
    ):
        with Stranger(bridge) as stranger:
            stranger.send(head)
            answer = stranger.answer()
            assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
            assert words in answer.body.decode()
            assert stranger.is_closed()


def test_a_long_token_and_a_long_query_are_no_attack(bridge: BridgeProcess) -> None:
    with Stranger(bridge) as stranger:
        stranger.send(
            START.replace(b"/live", b"/live?" + b"a" * 15_000) + b"Authorization: " + b"a" * 40_000 + b"\r\n\r\n"
        )
        assert stranger.answer().status == 200


def test_requests_one_behind_the_other_wait_with_whoever_sends_them(
    bridge: BridgeProcess, meanwhile: HonestTraffic
) -> None:
    """A poll that waits is asked, and behind it as much as is taken."""
    before_mb = memory_mb(bridge)
    with meanwhile(), Stranger(bridge) as stranger, Stranger(bridge) as other:
        other.send(b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        sid = other.answer().body.decode().split('"sid":"')[1].split('"')[0]
        poll = f"GET /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        other.send(f"POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                   "Content-Length: 2\r\n\r\n40".encode())  # fmt: skip
        assert other.answer().status == 200
        stranger.send(poll.encode())
        assert stranger.answer().status == 200
        stranger.send(poll.encode())
        taken = stranger.send_what_is_taken(LIVE * 1_000_000)
        assert taken < 20_000_000  # most of it in the buffers of this machine
        assert memory_mb(bridge) - before_mb < 20


def test_requests_one_behind_the_other_are_answered_in_their_order(bridge: BridgeProcess) -> None:
    missing = LIVE.replace(b"/health/live", b"/missing")
    with Stranger(bridge) as stranger:
        stranger.send((LIVE + missing) * 1_000)
        assert [stranger.answer().status for _ in range(2_000)] == [200, 404] * 1_000
