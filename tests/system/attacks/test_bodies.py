"""Bodies: what is too large is refused before it has come, and what may not be sent at all before it is looked at."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.conftest import BridgeProcess, StartBridge
from tests.system.attacks.conftest import HonestTraffic
from tests.system.attacks.strangers import Stranger, figure, honest_traffic, memory_mb
from tests.system.conftest import GATEWAY_KEY, Gateway, StartListener
from tests.waiting import wait_until

HOST = b"Host: 127.0.0.1\r\n"
LARGEST = 1_000_000


@pytest.fixture(scope="module")
def guarded(make_bridge: StartBridge) -> Iterator[BridgeProcess]:
    """A bridge that asks for tokens."""
    bridge = make_bridge(
        BRIDGE_SHKEEPER_API_KEYS=GATEWAY_KEY, BRIDGE_ACCESS="jwt", BRIDGE_JWT_SECRETS="a-secret-for-tests-only-" * 2
    )
    yield bridge
    bridge.kill()


@pytest.fixture
def patient(make_bridge: StartBridge) -> Iterator[BridgeProcess]:
    """A bridge that waits for a body as long as one likes."""
    bridge = make_bridge(BRIDGE_SHKEEPER_API_KEYS=GATEWAY_KEY, BRIDGE_BODY_TIMEOUT_SECONDS="3600")
    yield bridge
    bridge.kill()


def post(path: bytes, headers: bytes) -> bytes:
    return b"POST " + path + b" HTTP/1.1\r\n" + HOST + headers + b"\r\n"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (b"/api/events", 413),
        (b"/api/payments", 413),
        (b"/socket.io/?EIO=4&transport=polling", 400),
        (b"/missing", 404),
        (b"/webhooks/shkeeper", 401),
    ],
)
@pytest.mark.parametrize("length", [LARGEST + 1, 1_000_000_000_000])
def test_a_body_that_says_that_it_is_too_large_is_refused_before_it_comes(
    bridge: BridgeProcess, path: bytes, status: int, length: int
) -> None:
    with Stranger(bridge) as stranger:
        stranger.send(post(path, b"Content-Length: %d\r\nExpect: 100-continue\r\n" % length))
        answer = stranger.answer()
        assert (answer.status, answer.headers["connection"]) == (status, "close")
        assert stranger.is_closed()


def test_a_body_that_is_larger_than_any_may_be_is_told_how_large_one_may(bridge: BridgeProcess) -> None:
    with Stranger(bridge) as stranger:
        stranger.send(post(b"/api/payments", b"Content-Length: %d\r\n" % (LARGEST + 1)))
        assert f"{LARGEST} bytes".encode() in stranger.answer().body


def test_a_body_in_chunks_is_refused_once_it_is_too_large(bridge: BridgeProcess, meanwhile: HonestTraffic) -> None:
    before_mb = memory_mb(bridge)
    with meanwhile(), Stranger(bridge) as stranger:
        stranger.send(post(b"/api/events", b"Transfer-Encoding: chunked\r\n"))
        stranger.send_what_is_taken((b"10000\r\n" + b"x" * 65_536 + b"\r\n") * 1_000)
        assert stranger.answers() in ([413], [])
    assert memory_mb(bridge) - before_mb < 20


def test_a_body_in_a_million_chunks_is_refused(bridge: BridgeProcess, meanwhile: HonestTraffic) -> None:
    with meanwhile(), Stranger(bridge) as stranger:
        stranger.send(post(b"/api/events", b"Transfer-Encoding: chunked\r\n"))
        stranger.send_what_is_taken(b"1\r\nx\r\n" * 1_000_000)
        assert stranger.answers() in ([400], [])


def test_a_crowd_of_bodies_that_stop_short_of_their_end_is_not_kept_in_memory(
    patient: BridgeProcess, gateway: Gateway, listen: StartListener
) -> None:
    before_mb, most_mb = memory_mb(patient), 0.0
    with honest_traffic(patient, gateway, listen), contextlib.ExitStack() as stack:
        for _ in range(150):
            stranger = stack.enter_context(Stranger(patient))
            with contextlib.suppress(OSError):
                stranger.send(post(b"/api/events", b"Content-Length: 900000\r\n") + b"x" * 899_999)
            most_mb = max(most_mb, memory_mb(patient))
        # What the systems between have taken may not have been read yet.
        wait_until(lambda: figure(patient, 'bridge_door_refused_total{reason="made room"}'))
        most_mb = max(most_mb, memory_mb(patient))
    assert most_mb - before_mb < 80


def test_a_trailer_without_an_end_is_refused(bridge: BridgeProcess) -> None:
    with Stranger(bridge) as stranger:
        stranger.send(post(b"/api/events", b"Transfer-Encoding: chunked\r\n") + b"0\r\n")
        stranger.send_what_is_taken(b"X: y\r\n" * 1_000_000)
        assert stranger.answers() in ([431], [])


def test_a_webhook_that_is_too_large_is_told_by_which_setting(bridge: BridgeProcess, gateway: Gateway) -> None:
    headers = "".join(f"{name}: {value}\r\n" for name, value in gateway.headers(b"").items()).encode()
    with Stranger(bridge) as stranger:
        stranger.send(post(b"/webhooks/shkeeper", headers + b"Content-Length: 300000\r\n"))
        answer = stranger.answer()
    assert answer.status == 413
    assert b"max_webhook_bytes" in answer.body


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        (b"", b"X-Shkeeper-Signature is missing"),
        (b"X-Shkeeper-Signature: abc\r\n", b"X-Shkeeper-Timestamp is missing"),
    ],
    ids=["no-signature", "no-time"],
)
@pytest.mark.parametrize("length", [b"Content-Length: 200000", b"Transfer-Encoding: chunked"])
def test_a_webhook_that_cannot_be_signed_well_is_refused_before_its_body_comes(
    bridge: BridgeProcess, headers: bytes, words: bytes, length: bytes
) -> None:
    with Stranger(bridge) as stranger:
        stranger.send(post(b"/webhooks/shkeeper", headers + length + b"\r\nExpect: 100-continue\r\n"))
        answer = stranger.answer()
        assert (answer.status, answer.headers["connection"]) == (401, "close")
        assert words in answer.body
        assert stranger.is_closed()


@pytest.mark.parametrize("path", [b"/api/events", b"/api/payments", b"/api/payouts", b"/api/refunds"])
@pytest.mark.parametrize("length", [b"Content-Length: 200000", b"Transfer-Encoding: chunked"])
def test_what_needs_a_token_is_refused_before_its_body_comes(
    guarded: BridgeProcess, path: bytes, length: bytes
) -> None:
    with Stranger(guarded) as stranger:
        stranger.send(post(path, length + b"\r\nContent-Type: application/json\r\n"))
        answer = stranger.answer()
        assert (answer.status, answer.headers["connection"]) == (401, "close")
        assert stranger.is_closed()


@pytest.mark.parametrize(
    ("query", "status"), [(b"transport=polling&EIO=4&sid=nobody", 400), (b"transport=polling&EIO=4", 400), (b"", 400)]
)
def test_a_poll_of_nobody_is_refused_before_its_body_comes(bridge: BridgeProcess, query: bytes, status: int) -> None:
    with Stranger(bridge) as stranger:
        stranger.send(post(b"/socket.io/?" + query, b"Content-Length: 200000\r\n"))
        assert stranger.answers() == [status]
