"""Slowness: whoever does not say what they want, or says it without an end, or does not read, is not waited for."""

import contextlib
import threading
import time
from functools import partial

import pytest

from tests.conftest import BridgeProcess
from tests.system.attacks.conftest import PATIENCE_SECONDS, HonestTraffic
from tests.system.attacks.strangers import LIVE, Answer, Stranger, figure, honest_traffic, memory_mb
from tests.system.conftest import Gateway, StartListener
from tests.system.soak.lines import HANDSHAKE
from tests.waiting import GIVE_UP_SECONDS, wait_until

WEBHOOK = b"POST /webhooks/shkeeper HTTP/1.1\r\nHost: 127.0.0.1\r\n"
HEAD_IS_LATE = b"The head of the request did not come in time."
COUNT = 100


@pytest.fixture
def bridge(impatient: BridgeProcess) -> BridgeProcess:
    return impatient


@pytest.fixture
def meanwhile(bridge: BridgeProcess, gateway: Gateway, listen: StartListener) -> HonestTraffic:
    return partial(honest_traffic, bridge, gateway, listen, patience_seconds=PATIENCE_SECONDS)


def answered_in_time(bridge: BridgeProcess, beginning: bytes, *, method: str = "GET") -> tuple[Stranger, Answer]:
    """A connection whose beginning was answered: another one, if a slow machine held this one back for too long."""
    give_up = time.monotonic() + GIVE_UP_SECONDS
    while True:
        stranger = Stranger(bridge)
        with contextlib.suppress(OSError, AssertionError):
            stranger.send(beginning)
            answer = stranger.answer(method)
            if answer.status != 408:
                return stranger, answer
        stranger.close()
        assert time.monotonic() < give_up


def drip(stranger: Stranger, content: bytes) -> None:
    """Sends byte by byte for as long as that is taken."""
    for position in range(len(content)):
        try:
            stranger.send(content[position : position + 1])
        except OSError:
            return
        time.sleep(PATIENCE_SECONDS / 30)


def test_a_connection_that_says_nothing_is_closed(bridge: BridgeProcess, meanwhile: HonestTraffic) -> None:
    before = figure(bridge, 'bridge_door_refused_total{reason="silent"}')
    with meanwhile():
        silent = [Stranger(bridge) for _ in range(COUNT)]
        for stranger in silent:
            with stranger:
                assert stranger.is_closed()
    assert figure(bridge, 'bridge_door_refused_total{reason="silent"}') - before == COUNT


@pytest.mark.parametrize(
    "beginning",
    [b"", b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "],
    ids=["from-the-first-byte", "in-a-header"],
)
def test_a_head_that_drips_is_not_waited_for(
    bridge: BridgeProcess, meanwhile: HonestTraffic, beginning: bytes
) -> None:
    with meanwhile(), Stranger(bridge) as stranger:
        stranger.send(beginning)
        dripping = threading.Thread(target=drip, args=(stranger, b"G" * 1_000), daemon=True)
        dripping.start()
        answer = stranger.answer()
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert HEAD_IS_LATE in answer.body


def signed(gateway: Gateway, length: bytes) -> bytes:
    headers = "".join(f"{name}: {value}\r\n" for name, value in gateway.headers(b"").items())
    return WEBHOOK + headers.encode() + length + b"\r\n\r\n"


@pytest.mark.parametrize(
    "length", [b"Content-Length: 1000", b"Transfer-Encoding: chunked"], ids=["counted", "chunked"]
)
def test_a_body_that_drips_is_not_waited_for(
    bridge: BridgeProcess, meanwhile: HonestTraffic, gateway: Gateway, length: bytes
) -> None:
    with meanwhile():
        answer = Answer(0, {}, HEAD_IS_LATE)
        while HEAD_IS_LATE in answer.body:  # if this machine was so slow
            with Stranger(bridge) as stranger:
                stranger.send(signed(gateway, length))
                content = b"1\r\nx\r\n" * 100 if b"chunked" in length else b"x" * 999
                dripping = threading.Thread(target=drip, args=(stranger, content), daemon=True)
                dripping.start()
                answer = stranger.answer()
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert b"The body of the request did not come in time." in answer.body


def test_a_body_that_never_comes_is_not_waited_for(
    bridge: BridgeProcess, meanwhile: HonestTraffic, gateway: Gateway
) -> None:
    with meanwhile():
        waiting = []
        for _ in range(COUNT):
            waiting.append(Stranger(bridge))
            waiting[-1].send(signed(gateway, b"Content-Length: 1000"))
        for stranger in waiting:
            with stranger:
                assert stranger.answers() == [408]


def test_a_connection_on_which_nothing_is_asked_any_more_is_closed(bridge: BridgeProcess) -> None:
    stranger, answer = answered_in_time(bridge, LIVE)
    with stranger:
        assert answer.status == 200
        assert stranger.is_closed()


def test_a_client_that_does_not_read_its_answers_is_closed_and_costs_one_answer(
    bridge: BridgeProcess, meanwhile: HonestTraffic
) -> None:
    """The OpenAPI document is a large answer that anybody may ask for."""
    before_mb, before = memory_mb(bridge), figure(bridge, 'bridge_door_refused_total{reason="answer unread"}')
    ask = b"GET /schema/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with meanwhile():
        unread = []
        for _ in range(10):
            unread.append(Stranger(bridge, receive_buffer_bytes=4_096))
            unread[-1].send(ask * 500)
        wait_until(
            lambda: figure(bridge, 'bridge_door_refused_total{reason="answer unread"}') - before == len(unread)
        )
        for stranger in unread:
            with stranger:
                stranger.rest()
    assert memory_mb(bridge) - before_mb < 50


def test_a_poll_may_wait_longer_than_a_request_may_take_to_be_sent(bridge: BridgeProcess) -> None:
    poll = "GET /socket.io/?EIO=4&transport=polling{} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    opening, opened = answered_in_time(bridge, poll.format("").encode())
    sid = opened.body.decode().split('"sid":"')[1].split('"')[0]
    with opening, Stranger(bridge) as stranger:
        stranger.send(poll.format(f"&sid={sid}").encode())
        time.sleep(2 * PATIENCE_SECONDS)
        connect = f"POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        other, answer = answered_in_time(bridge, f"{connect}Content-Length: 2\r\n\r\n40".encode())
        with other:
            assert answer.status == 200
        assert stranger.answer().body.startswith(b"40{")


def test_a_web_socket_has_left_the_deadlines_of_requests_behind(bridge: BridgeProcess) -> None:
    stranger, answer = answered_in_time(bridge, HANDSHAKE, method="HEAD")
    assert answer.status == 101
    with stranger:
        time.sleep(2 * PATIENCE_SECONDS)
        stranger.send(b"\x89\x80\0\0\0\0")
        heard = b""
        while b"\x8a\x00" not in heard:
            said = stranger.receive()
            assert said, heard  # it was closed
            heard += said
