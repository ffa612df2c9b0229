"""Upgrades: a stranger may change over to a WebSocket, or to nothing; a body is never another request."""

import json

import httpx
import pytest

from tests.asking import client_of
from tests.conftest import BridgeProcess
from tests.system.attacks.strangers import LIVE, Stranger

LAST = LIVE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
EVENT = {"event": "template-checkout-payment-failed", "data": {"checkoutId": "forged", "reason": "forged"}}


def inner_request() -> bytes:
    """A publication, as it would stand in the body of another request."""
    content = json.dumps(EVENT).encode()
    head = f"POST /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


def published(bridge: BridgeProcess) -> int:
    with client_of(bridge.url) as client:
        answer = client.get("/api/events", params={"room": "template-checkout-forged", "limit": 10})
    assert answer.status_code == 200
    return answer.text.count("forged")


@pytest.mark.parametrize("upgrade", ["h2c", "websocket", "TLS/1.0", "x", "websocket, h2c"])
@pytest.mark.parametrize("filling", [b"", b"\r\n" * 200_000], ids=["at-once", "after-400-kB-of-CRLF"])
def test_a_body_is_never_read_as_a_request_whatever_it_asks_to_upgrade_to(
    bridge: BridgeProcess, upgrade: str, filling: bytes
) -> None:
    body = filling + inner_request()
    with Stranger(bridge) as stranger:
        stranger.send(
            f"POST /socket.io/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: {upgrade}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
        )
        stranger.send_what_is_taken(body + LAST)
        statuses = stranger.answers()
    # It names no transport of Engine.IO; and what follows the body is read, or nothing is.
    assert statuses in ([400], [400, 200])
    assert published(bridge) == 0


def test_the_upgrade_that_javas_client_offers_is_passed_over_and_its_body_is_read(bridge: BridgeProcess) -> None:
    offers = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAEAAEAAAAIAAAABAAMAAABk"}
    with client_of(bridge.url) as client:
        event = {"event": "template-checkout-payment-failed", "data": {"checkoutId": "java", "reason": "none"}}
        answer = client.post("/api/events", json=event, headers=offers)
        assert (answer.status_code, answer.http_version) == (202, "HTTP/1.1")
        wrong: httpx.Response = client.post("/api/events", content=b"", headers=offers)
    assert wrong.status_code == 400


def test_a_get_that_offers_an_upgrade_is_answered_as_any_and_another_may_follow(bridge: BridgeProcess) -> None:
    offer = LIVE.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    with Stranger(bridge) as stranger:
        stranger.send(offer + LIVE)
        assert [stranger.answer().status for _ in range(2)] == [200, 200]


def test_a_web_socket_with_a_body_is_no_web_socket(bridge: BridgeProcess) -> None:
    with Stranger(bridge) as stranger:
        stranger.send(
            b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Content-Length: 4\r\n\r\nbody"
        )
        assert stranger.answer().status == 400
