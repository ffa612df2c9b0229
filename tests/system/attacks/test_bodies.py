"""Bodies: what is too large is refused before it has come, and what may not be sent at all before it is looked at."""

import contextlib
import json
import re
from collections.abc import Iterator

import pytest

from bridge.catalogue.publication import DATA_PARTS_LIMIT
from bridge.http.events import BATCH_PARTS_LIMIT
from bridge.http.front.bodies import BODY_LIMIT_BYTES, LISTS_LIMIT_BYTES, PART_BYTES
from tests.asking import get
from tests.conftest import BridgeProcess, StartBridge
from tests.system.attacks.conftest import HonestTraffic
from tests.system.attacks.strangers import Answer, Stranger, figure, honest_traffic, memory_mb, own_address
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


@pytest.mark.parametrize(
    ("path", "most_bytes"),
    [(b"/api/events", LARGEST), (b"/api/payments", BODY_LIMIT_BYTES), (b"/api/payouts", LISTS_LIMIT_BYTES)],
)
def test_a_body_that_is_larger_than_any_may_be_is_told_how_large_one_may(
    bridge: BridgeProcess, path: bytes, most_bytes: int
) -> None:
    with Stranger(bridge) as stranger:
        stranger.send(post(path, b"Content-Length: %d\r\n" % (most_bytes + 1)))
        answer = stranger.answer()
    assert answer.status == 413
    assert f"{most_bytes} bytes".encode() in answer.body


def json_post(bridge: BridgeProcess, path: str, body: bytes) -> Answer:
    with Stranger(bridge) as stranger:
        headers = b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
        stranger.send(post(path.encode(), headers) + body)
        return stranger.answer()


def names_that_nobody_knows(count: int) -> bytes:
    return b"{%s}" % b",".join(b'"k%d":1' % number for number in range(count))


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/api/refunds/x/destination", BODY_LIMIT_BYTES // PART_BYTES),
        ("/api/refunds/x/destination/check", BODY_LIMIT_BYTES // PART_BYTES),
        ("/api/ops/attention/dismissal", BODY_LIMIT_BYTES // PART_BYTES),
        ("/api/payments", BODY_LIMIT_BYTES // PART_BYTES),
        ("/api/payouts", LISTS_LIMIT_BYTES // PART_BYTES),
        ("/api/template-checkouts", LISTS_LIMIT_BYTES // PART_BYTES),
        ("/api/refunds", LISTS_LIMIT_BYTES // PART_BYTES),
        ("/api/events", BATCH_PARTS_LIMIT),
    ],
)
def test_names_that_nobody_knows_are_counted_and_not_listed(bridge: BridgeProcess, path: str, most: int) -> None:
    for count, is_too_many in ((80, False), (most, False), (most + 1, True)):
        answer = json_post(bridge, path, names_that_nobody_knows(count))
        detail = json.loads(answer.body)["detail"]
        assert (answer.status, len(answer.body) < 10_000) == (400, True)
        assert (f"body: has more than {most} values" in detail) == is_too_many
        assert (re.search(r"; and at least \d+ more$", detail) is None) == is_too_many


def test_an_event_with_more_names_than_any_has_is_refused_by_its_place(bridge: BridgeProcess) -> None:
    body = b'{"event": "new-offer", "data": %s}' % names_that_nobody_knows(DATA_PARTS_LIMIT + 1)
    assert f"data: has more than {DATA_PARTS_LIMIT} values".encode() in json_post(bridge, "/api/events", body).body


@pytest.mark.parametrize("body", [b'{"destination":"\xff"}', b"\xff\xfe", b'{"destination":"\\ud800"}'])
@pytest.mark.parametrize("path", ["/api/refunds/x/destination", "/api/payments", "/api/payouts", "/api/events"])
def test_a_body_that_is_not_in_utf_8_is_a_400(bridge: BridgeProcess, path: str, body: bytes) -> None:
    assert json_post(bridge, path, body).status == 400


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


def test_an_address_that_fills_what_there_is_for_bodies_makes_room_itself(
    make_bridge: StartBridge, gateway: Gateway
) -> None:
    bridge = make_bridge(
        BRIDGE_HOST="0.0.0.0",
        BRIDGE_OPEN_TO_NETWORK="true",
        BRIDGE_SHKEEPER_API_KEYS=GATEWAY_KEY,
        BRIDGE_BODY_TIMEOUT_SECONDS="3600",
    )
    body = gateway.invoice("order-1", [("0x1", 1)], 100)
    honest = "".join(f"{name}: {value}\r\n" for name, value in gateway.headers(body).items()).encode()
    invented = b"X-Shkeeper-Timestamp: 1\r\nX-Shkeeper-Signature: " + b"0" * 64 + b"\r\nContent-Length: 262000\r\n"
    with Stranger(bridge) as first, contextlib.ExitStack() as stack:
        first.send(post(b"/webhooks/shkeeper", honest + b"Content-Length: %d\r\n" % len(body)) + body[:-1])
        wait_until(lambda: figure(bridge, "bridge_door_held_bytes") == len(body) - 1)
        for _ in range(40):
            stranger = stack.enter_context(Stranger(bridge, host=own_address()))
            with contextlib.suppress(OSError):
                stranger.send(post(b"/webhooks/shkeeper", invented) + b"x" * 261_000)
        wait_until(lambda: figure(bridge, 'bridge_door_refused_total{reason="made room"}'))
        first.send(body[-1:])
        assert first.answer().status == 202
    assert "heads and bodies did not come whole" in get(f"{bridge.url}/health/ready").json()["checks"]["connections"]
    assert f"what has not come whole of {own_address()} is more than 8000000 bytes" in bridge.log.read_text()
    bridge.kill()


def test_a_trailer_without_an_end_is_refused(bridge: BridgeProcess) -> None:
    with Stranger(bridge) as stranger:
        stranger.send(post(b"/api/events", b"Transfer-Encoding: chunked\r\n") + b"0\r\n")
        stranger.send_what_is_taken(b"X: y\r\n" * 1_000_000)
        assert stranger.answers() in ([431], [])


def test_a_webhook_that_is_too_large_is_told_by_which_setting(bridge: BridgeProcess, gateway: Gateway) -> None:
    headers = "".join(f"{name}: {value}\r\n" for name, value in gateway.headers(b"").items()).encode()
    before = figure(bridge, 'bridge_door_refused_total{reason="413"}')
    with Stranger(bridge) as stranger:
        stranger.send(post(b"/webhooks/shkeeper", headers + b"Content-Length: 300000\r\n"))
        answer = stranger.answer()
    assert answer.status == 413
    assert b"max_webhook_bytes" in answer.body
    assert figure(bridge, 'bridge_door_refused_total{reason="413"}') == before + 1


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        (b"", b"X-Shkeeper-Signature is missing"),
        (b"X-Shkeeper-Signature: abc\r\n", b"X-Shkeeper-Timestamp is missing"),
        (b"X-Shkeeper-Signature: abc\r\nX-Shkeeper-Timestamp: 1\r\n", b"hexadecimal digits"),
    ],
    ids=["no-signature", "no-time", "no-digest"],
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
