"""Floods: several addresses that all send at once cost a piece of each connection, and not all that has come; and a
crowd that is cut off and comes back at once misses nothing, and holds up nobody."""

import contextlib
import json
import re
import signal
from collections.abc import Iterator

import pytest

from tests.asking import client_of
from tests.conftest import BridgeProcess, StartBridge
from tests.system.attacks.strangers import Stranger, figure, forget_peak, honest_traffic, memory_mb, peak_memory_mb
from tests.system.conftest import GATEWAY_KEY, Gateway, StartListener
from tests.system.publications import publish
from tests.system.soak.lines import HANDSHAKE
from tests.waiting import wait_until

# As this machine can have them: each address of the loopback but the first counts as somebody's.
ADDRESSES = [f"127.0.0.{number}" for number in range(2, 6)]
OF_EACH = 110
CROWD = 500
MISSING = b"GET /missing HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
SENT_BYTES = 100_000
NEVER_SECONDS = "3600"


@pytest.fixture(scope="module")
def patient(make_bridge: StartBridge) -> Iterator[BridgeProcess]:
    bridge = make_bridge(
        BRIDGE_SHKEEPER_API_KEYS=GATEWAY_KEY,
        BRIDGE_HEAD_TIMEOUT_SECONDS=NEVER_SECONDS,
        BRIDGE_BODY_TIMEOUT_SECONDS=NEVER_SECONDS,
        BRIDGE_IDLE_TIMEOUT_SECONDS=NEVER_SECONDS,
    )
    yield bridge
    bridge.kill()


@contextlib.contextmanager
def standing_still(bridge: BridgeProcess) -> Iterator[None]:
    """What is sent meanwhile is all there when it goes on."""
    bridge.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        bridge.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize(
    ("first", "over_and_over", "status"),
    [
        (b"GET /", b"a", 414),
        (b"POST /webhooks/nobody HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 400),
    ],
    ids=["urls", "chunks"],
)
def test_of_hundreds_that_send_at_once_no_more_is_taken_in_than_a_piece_of_each(
    patient: BridgeProcess, first: bytes, over_and_over: bytes, status: int
) -> None:
    with contextlib.ExitStack() as stack:
        strangers = [stack.enter_context(Stranger(patient, source=one)) for one in ADDRESSES for _ in range(OF_EACH)]
        for stranger in strangers:
            stranger.send(MISSING)
        for stranger in strangers:
            assert stranger.answer().status == 404
        forget_peak(patient)
        before_mb = memory_mb(patient)
        with standing_still(patient):
            for stranger in strangers:
                stranger.send(first + over_and_over * (SENT_BYTES // len(over_and_over)))
        refused = f'bridge_door_refused_total{{reason="{status}"}}'
        wait_until(lambda: figure(patient, refused) >= len(strangers))
    assert peak_memory_mb(patient) - before_mb < 25


def packet(text: str) -> bytes:
    """A message that a client sends."""
    content = text.encode()
    length = bytes([0x80 | len(content)]) if len(content) < 126 else b"\xfe" + len(content).to_bytes(2, "big")
    return b"\x81" + length + b"\0\0\0\0" + content


def heard_until(stranger: Stranger, pattern: bytes) -> tuple[bytes, str]:
    """All that is heard until something is, and what the pattern finds in it."""
    heard = b""
    while (found := re.search(pattern, heard)) is None:
        more = stranger.receive()
        assert more, heard
        heard += more
    return heard, found[1].decode()


def test_a_crowd_that_is_cut_off_and_comes_back_at_once_hears_what_it_missed_once(
    patient: BridgeProcess, gateway: Gateway, listen: StartListener
) -> None:
    sessions: list[dict[str, str]] = []
    with honest_traffic(patient, gateway, listen), client_of(patient.url) as service:
        with contextlib.ExitStack() as stack:
            crowd = [stack.enter_context(Stranger(patient)) for _ in range(CROWD)]
            for one in crowd:
                one.send(HANDSHAKE + packet("40") + packet('420["join-request-room","crowd"]'))
            for one in crowd:
                heard, _ = heard_until(one, rb"430(\[)")
                sessions.append({"pid": re.findall(rb'"pid":"([^"]+)"', heard)[0].decode()})
            assert publish(service, 1, "crowd") == 202
            for one, session in zip(crowd, sessions, strict=True):
                _, session["offset"] = heard_until(one, rb'"type":"1".*?,"([^"]+)"\]')
        assert publish(service, 2, "crowd") == 202
        with contextlib.ExitStack() as stack:
            with standing_still(patient):
                crowd = [stack.enter_context(Stranger(patient)) for _ in range(CROWD)]
                for one, session in zip(crowd, sessions, strict=True):
                    one.send(HANDSHAKE + packet(f"40{json.dumps(session)}"))
            assert publish(service, 3, "crowd") == 202
            for one in crowd:
                heard, _ = heard_until(one, rb'"type":"3".*?,"([^"]+)"\]')
                assert re.findall(rb'"type":"(\d)"', heard) == [b"2", b"3"]
