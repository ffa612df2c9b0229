"""What strangers say to a running bridge never becomes a line of its log, a traceback or an id of its journal, on
either database; and whoever is refused for where their page comes from reads why there."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.asking import client_of, get, post, request
from tests.conftest import BridgeProcess, StartBridge
from tests.postgresql import journal_cluster
from tests.python_clients import PythonClient
from tests.waiting import wait_until

# Besides what ends a line: what moves a cursor, turns text around, and is no character.
EVIL = "\n2026-01-01 00:00:00,000 INFO    bridge.payments: pay_1 is completed\r\x1b[2J\u202e\u2028\u2029\x00\x85"
UNSEEN = [
    "\n",
    "\x00",
    "\x1b",
    "\x7f",
    "\x85",
    "\u061c",
    "\u200e",
    "\ufffd",
    "\u2028",
    "\ue000",
    "\u202e",
    "\u2800",
    "\u200b",
    "\U000e0041",
]
# How every line of the log begins that is not set in.
LINE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ +[a-z.0-9]+: |    |The bridge is ready|  \S|warning: "
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def bridge(make_bridge: StartBridge, request: pytest.FixtureRequest) -> Iterator[BridgeProcess]:
    if request.param == "sqlite":
        yield make_bridge(BRIDGE_LOG_LEVEL="debug")
        return
    with journal_cluster() as cluster:
        yield make_bridge(BRIDGE_LOG_LEVEL="debug", BRIDGE_DATABASE_URL=cluster.journal_url())


def log_lines(bridge: BridgeProcess) -> list[str]:
    return bridge.log.read_bytes().decode().split("\n")


@pytest.fixture(autouse=True)
def _nobody_has_written_into_the_log(bridge: BridgeProcess) -> Iterator[None]:
    yield
    lines = [line for line in log_lines(bridge) if line]
    assert [line for line in lines if not line.isprintable()] == []
    assert [line for line in lines if LINE.match(line) is None] == []
    assert not any("Traceback" in line or " ERROR " in line for line in lines)
    assert not any(line.endswith("bridge.payments: pay_1 is completed") and line.startswith("2026") for line in lines)


PUBLICATION = {"event": "participant-removed", "data": {"chatId": "c1", "removedUserId": "u1"}}


def order(**changes: Any) -> dict[str, Any]:
    return {
        "provider": "shkeeper",
        "externalId": "order-1",
        "requestId": "r1",
        "buyerId": "b1",
        "sellerId": "s1",
        "amount": "1",
        "currency": "USD",
        **changes,
    }


@pytest.mark.parametrize("field", ["externalId", "requestId", "buyerId", "sellerId", "offerId"])
def test_an_id_with_what_cannot_be_seen_is_refused_by_its_field(bridge: BridgeProcess, field: str) -> None:
    with client_of(bridge.url) as client:
        for unseen in UNSEEN:
            refused = client.post("/api/payments", json=order(**{field: f"a{unseen}b"}))
            assert refused.status_code == 400, (unseen, refused.text)
            assert [error["field"] for error in refused.json()["errors"]] == [field]
            assert "control characters" in refused.json()["detail"]
        lone = client.post(
            "/api/payments",
            content=b'{"provider": "shkeeper", "%s": "a\\ud800b"}' % field.encode(),
            headers={"Content-Type": "application/json"},
        )
        assert lone.status_code == 400, lone.text
        assert "lone surrogate" in lone.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/events?room={}",
        "/api/events?room=user-{}",
        "/api/events?everyone=true&after={}",
        "/api/payments?requestId={}",
        "/api/refunds?paymentId={}",
        "/api/notifications/unread-count?userId={}",
        "/api/ops/payments?text={}",
        "/api/ops/payouts?status={}",
    ],
)
def test_a_query_with_what_cannot_be_seen_is_refused_by_its_name(bridge: BridgeProcess, path: str) -> None:
    for unseen in UNSEEN:
        refused = get(f"{bridge.url}{path.format(quote(f'a{unseen}b'))}")
        assert refused.status_code == 400, (path, unseen, refused.text)
        [name] = re.findall(r"[?&](\w+)=[a-z-]*\{", path)
        assert refused.json()["errors"][0]["field"] == name
    for no_character in ("%ED%A0%80", "%FF", "%C3", "%F4%90%80%80"):
        refused = get(f"{bridge.url}{path.format(no_character)}")
        assert (refused.status_code, "no character in UTF-8" in refused.json()["detail"]) == (400, True)


@pytest.mark.parametrize(
    "path",
    [
        "/api/payments/{}",
        "/api/template-checkouts/{}",
        "/api/payouts/{}",
        "/api/refunds/{}",
        "/api/purchase-requests/{}",
        "/api/chats/{}/messages",
        "/api/presence/{}",
        "/api/ops/payments/{}/story",
        "/{}",
        "/webhooks/{}",
    ],
)
def test_a_path_with_what_cannot_be_seen_leads_nowhere(bridge: BridgeProcess, path: str) -> None:
    for unseen in (*UNSEEN, EVIL):
        url = f"{bridge.url}{path.format(quote(f'a{unseen}b'))}"
        assert get(url).status_code in (400, 404, 405)
        assert post(url, content=b"{}").status_code in (400, 401, 403, 404, 405, 415)
    for no_character in ("%ED%A0%80", "%FF"):
        refused = get(f"{bridge.url}{path.format(no_character)}")
        assert (refused.status_code, "no character in UTF-8" in refused.json()["detail"]) == (400, True)


def test_a_key_of_a_request_with_what_cannot_be_seen_is_refused(bridge: BridgeProcess) -> None:
    for key in ("\u2800", "a\ufffdb", "a\u202eb", "\xa0"):
        headers = {"Idempotency-Key": key.encode(), "Content-Type": "application/json"}
        for path, content in (("/api/payments", order()), ("/api/events", PUBLICATION)):
            refused = post(f"{bridge.url}{path}", json=content, headers=headers)
            assert refused.status_code == 400, (key, path, refused.text)
            assert refused.json()["errors"][0]["field"] == "Idempotency-Key"
    seen = {"Idempotency-Key": "支付 é".encode()}
    assert [post(f"{bridge.url}/api/events", json=PUBLICATION, headers=seen).status_code for _ in range(2)] == [
        202,
        202,
    ]


@pytest.mark.parametrize("transport", ["polling", "websocket", EVIL])
def test_a_session_that_nobody_knows_is_no_line_of_the_log(bridge: BridgeProcess, transport: str) -> None:
    query = f"EIO=4&transport={quote(transport)}&sid={quote(EVIL)}&t={quote(EVIL)}"
    for method in ("GET", "POST", "PUT", "OPTIONS"):
        assert request(method, f"{bridge.url}/socket.io/?{query}", content=EVIL).status_code < 500


@pytest.mark.parametrize("query", ["EIO=4&EIO=3&transport=polling", "EIO=4&transport=polling&transport=websocket"])
def test_a_query_that_says_two_things_is_refused_and_no_error(bridge: BridgeProcess, query: str) -> None:
    assert get(f"{bridge.url}/socket.io/?{query}").status_code == 400


def test_what_a_client_says_is_no_line_of_the_log(bridge: BridgeProcess) -> None:
    for auth in (
        {"pid": EVIL, "offset": EVIL},
        {"pid": "a\ud800b", "offset": "\ud800"},
        {"pid": "a.²", "offset": "²"},
        {"pid": f"{'a' * 20}.1.{'f' * 32}", "offset": f"{'0' * 16}-{'9' * 18}", "token": EVIL},
    ):
        client = PythonClient()
        client.connect(bridge.url, auth=auth)
        for event, argument in (
            ("join-user-room", EVIL),
            ("join-user-room", "a\u202eb"),
            ("join-chat-room", "a\u2028b"),
            (EVIL, EVIL),
            ("typing-start", {"chatId": EVIL, "userId": "u1", "userName": EVIL}),
            ("user-online", "a\x00b"),
        ):
            answer = client.call(event, argument)
            assert answer["ok"] is False, (event, answer)
        client.disconnect()


def test_an_event_of_a_service_with_what_cannot_be_seen_is_refused_by_its_field(bridge: BridgeProcess) -> None:
    for unseen in UNSEEN:
        event = {"event": "delivery-confirmed", "data": {"requestId": f"r{unseen}1"}}
        refused = post(f"{bridge.url}/api/events", json=event)
        assert refused.status_code == 400, refused.text
        assert "requestId" in refused.json()["errors"][0]["field"]


def test_a_page_of_another_origin_is_told_of_once_and_counted(bridge: BridgeProcess) -> None:
    origin = "http://localhost:5173"
    headers = {"Origin": origin}
    for _ in range(3):
        polled = get(f"{bridge.url}/socket.io/?EIO=4&transport=polling", headers=headers)
        assert polled.status_code == 403
        assert post(f"{bridge.url}/api/payments", json=order(), headers=headers).status_code == 403
        asking = {
            **headers,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        }
        request("OPTIONS", f"{bridge.url}/api/payments", headers=asking)
        get(f"{bridge.url}/api/payments?requestId=r1", headers=headers)
    told = [line for line in log_lines(bridge) if f"a page of {origin}" in line]
    assert len(told) == 1
    assert "name it in FRONTEND_URL" in told[0]
    assert "only pages of http://localhost:3000" in told[0]
    counted = get(f"{bridge.url}/metrics").text
    assert 'bridge_origins_refused_total{by="polling"} 3.0' in counted
    assert 'bridge_origins_refused_total{by="REST"} 9.0' in counted


def test_origins_that_somebody_makes_up_fill_no_log(bridge: BridgeProcess) -> None:
    for number in range(50):
        get(f"{bridge.url}/health/live", headers={"Origin": f"http://made-up-{number}.example"})
    told = [line for line in log_lines(bridge) if "refused a page of" in line]
    assert len(told) <= 10


def test_what_somebody_does_is_told_of_by_their_name(bridge: BridgeProcess) -> None:
    external_id = "order-of-the-console"
    made = post(f"{bridge.url}/api/payments", json=order(externalId=external_id, requestId="r-console"))
    assert made.status_code == 201, made.text
    payment_id = made.json()["paymentId"]
    held = post(f"{bridge.url}/api/ops/hold", json={"by": "Ada", "note": "a look first"})
    assert held.status_code < 300, held.text
    wait_until(lambda: any("hold by Ada" in line and "a look first" in line for line in log_lines(bridge)))
    cancelled = post(f"{bridge.url}/api/payments/{payment_id}/cancellation", json={"note": "no sale"})
    assert cancelled.status_code == 200, cancelled.text
    wait_until(lambda: any(f"{payment_id}: cancellation by somebody: no sale" in line for line in log_lines(bridge)))
