"""Floods: several addresses that all send at once cost a piece of each connection, and not all that has come."""

import contextlib
import signal
from collections.abc import Iterator

import pytest

from tests.conftest import BridgeProcess, StartBridge
from tests.system.attacks.strangers import Stranger, figure, forget_peak, memory_mb, peak_memory_mb
from tests.system.conftest import GATEWAY_KEY
from tests.waiting import wait_until

# As this machine can have them: each address of the loopback but the first counts as somebody's.
ADDRESSES = [f"127.0.0.{number}" for number in range(2, 6)]
OF_EACH = 110
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
