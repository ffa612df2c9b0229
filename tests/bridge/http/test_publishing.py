"""Publishing over REST: all or nothing, once, and only what the service's token allows."""

import itertools
import json
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.access.service_tokens import ServicesError, WatchedServices, read_services
from bridge.http.front.callers import Callers
from tests.asking import client_of, post
from tests.waiting import GIVE_UP_SECONDS

MARKETPLACE, CHAT = "the-token-of-the-marketplace", "the-token-of-the-chat"
SERVICES = f"""
[marketplace]
token = "{MARKETPLACE}"
publishes = ["marketplace", "new-notification"]

[chat]
token = "{CHAT}"
publishes = ["chat"]
"""
KEYS = (f"key-{number}" for number in itertools.count())
OFFER = {
    "event": "new-offer",
    "target": {"buyerId": "b1"},
    "data": {"requestId": "r1", "offer": {"price": 99.5}, "sellerId": "s1"},
}
REMOVED = {"event": "participant-removed", "data": {"chatId": "c1", "removedUserId": "u1"}}
FORGED = {"event": "payment-update", "data": {"paymentId": "p1", "status": "completed"}}


@pytest.fixture(scope="module")
def bridge(make_bridge: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    services: Path = tmp_path_factory.mktemp("services") / "services.toml"
    services.write_text(SERVICES)
    return make_bridge(BRIDGE_SERVICES_FILE=str(services), BRIDGE_MAX_PUBLICATION_BYTES="20000")


@pytest.fixture
def client(bridge: Any) -> Iterator[httpx.Client]:
    with client_of(bridge.url, headers=bearer(MARKETPLACE)) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def count(bridge: Any) -> int:
    with closing(sqlite3.connect(bridge.database)) as connection:
        [(number,)] = connection.execute("SELECT count(*) FROM events").fetchall()
    return int(number)


def test_what_is_published_gets_its_places_in_the_journal(client: httpx.Client, bridge: Any) -> None:
    before = count(bridge)
    one = client.post("/api/events", json=OFFER)
    two = client.post("/api/events", json={"events": [OFFER, OFFER]})
    assert (one.status_code, two.status_code) == (202, 202)
    offsets = [*one.json()["offsets"], *two.json()["offsets"]]
    assert len(set(offsets)) == 3
    assert count(bridge) == before + 3


@pytest.mark.parametrize(
    ("body", "authorization", "status"),
    [
        (json.dumps(OFFER), f"Bearer {MARKETPLACE}", 202),
        (json.dumps({**OFFER, "target": {}}), f"Bearer {MARKETPLACE}", 400),
        (json.dumps(REMOVED), f"Bearer {MARKETPLACE}", 403),
        ("[" * 100_000, f"Bearer {MARKETPLACE}", 413),
        ("[" * 10_000, f"Bearer {MARKETPLACE}", 400),
        ("{", f"Bearer {MARKETPLACE}", 400),
        (json.dumps(OFFER), "Bearer nobody's", 401),
        (json.dumps(OFFER), "", 401),
    ],
)
def test_what_says_how_long_it_is_is_answered_as_what_does_not(
    bridge: Any, body: str, authorization: str, status: int
) -> None:
    """The one goes the short way, the other through the framework."""
    answers = []
    for content in (body.encode(), iter((body[:20].encode(), body[20:].encode()))):
        with client_of(bridge.url) as client:
            answer = client.post("/api/events", content=content, headers={"Authorization": authorization})
        said = answer.json()
        answers.append(
            (
                answer.status_code,
                answer.headers["content-type"],
                answer.headers.get("www-authenticate"),
                said if status != 202 else [*said],
            )
        )
    assert answers[0][0] == status
    assert answers[0] == answers[1]


def test_a_stranger_is_refused_before_the_body_has_come(bridge: Any) -> None:
    head = b"POST /api/events HTTP/1.1\r\nHost: bridge\r\nContent-Length: 20000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", bridge.port), timeout=GIVE_UP_SECONDS) as connection:
        connection.sendall(head)
        assert connection.recv(1_000).startswith(b"HTTP/1.1 401 ")


def test_one_fault_in_a_batch_and_nothing_is_stored(client: httpx.Client, bridge: Any) -> None:
    before = count(bridge)
    answer = client.post("/api/events", json={"events": [OFFER, {**OFFER, "target": {}}]})
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert [error["field"] for error in answer.json()["errors"]] == ["events.1.target.buyerId"]
    assert count(bridge) == before


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"\xff", b"[" * 10_000, b"null"),
        b'{"event":"new-purchase-request","data":{"title":"\\ud800"}}',
        b'{"event":"new-offer","\\ud800":1,"target":{"\\ud800":"x"},"data":{"\\ud800":1}}',
        b'{"event":"new-purchase-request","data":{"budget":NaN}}',
        b'{"event":"new-purchase-request","data":{"budget":1e999}}',
        b'{"event":"new-purchase-request","data":{"budget":' + b"9" * 5000 + b"}}",
        b'{"event":"new-purchase-request","data":' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}",
    ],
)
def test_what_is_no_json_that_a_browser_could_read_is_refused(client: httpx.Client, bridge: Any, body: bytes) -> None:
    before = count(bridge)
    assert client.post("/api/events", content=body).status_code == 400
    assert count(bridge) == before


def test_what_is_too_large_is_refused(client: httpx.Client) -> None:
    large = {**OFFER, "data": {**OFFER["data"], "offer": {"text": "x" * 30_000}}}  # type: ignore[dict-item]
    assert client.post("/api/events", json=large).status_code == 413


def test_an_idempotency_key_publishes_once(client: httpx.Client, bridge: Any) -> None:
    before = count(bridge)
    key = {"Idempotency-Key": next(KEYS)}
    first = client.post("/api/events", json=OFFER, headers=key)
    again = client.post("/api/events", json=OFFER, headers=key)
    assert first.json() == again.json()
    assert count(bridge) == before + 1
    # However it is written: as a list of one, or with its fields in another order.
    backwards = json.dumps({name: OFFER[name] for name in reversed(OFFER)}, indent=1)
    for same in (json.dumps({"events": [OFFER]}), backwards):
        assert client.post("/api/events", content=same, headers=key).json() == first.json()
    assert count(bridge) == before + 1
    for differs in ({"events": [OFFER, OFFER]}, {**OFFER, "target": {"buyerId": "another"}}):
        assert client.post("/api/events", json=differs, headers=key).status_code == 422
    # Another service's key of the same name is another key.
    theirs = client.post("/api/events", json=REMOVED, headers={**key, **bearer(CHAT)})
    assert theirs.status_code == 202


@pytest.mark.parametrize(
    ("token", "body", "status"),
    [
        (MARKETPLACE, OFFER, 202),
        (CHAT, OFFER, 403),
        (MARKETPLACE, FORGED, 403),
        (CHAT, FORGED, 403),
        (CHAT, {"events": [REMOVED, OFFER]}, 403),
        ("the-token-of-nobody-at-all", OFFER, 401),
        ("a b", OFFER, 401),
        ("é", OFFER, 401),
    ],
)
def test_a_service_publishes_what_its_token_allows(bridge: Any, token: str, body: object, status: int) -> None:
    before = count(bridge)
    headers = {b"Authorization": f"Bearer {token}".encode("latin-1")}
    answer = post(f"{bridge.url}/api/events", json=body, headers=headers)
    assert answer.status_code == status
    if status != 202:
        assert count(bridge) == before
        assert answer.headers["content-type"].startswith("application/problem+json")
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_without_any_token_the_answer_says_what_is_missing(bridge: Any) -> None:
    answer = post(f"{bridge.url}/api/events", json=OFFER)
    assert answer.status_code == 401
    assert "Authorization: Bearer" in answer.json()["detail"]


def test_no_token_is_ever_written_down(client: httpx.Client, bridge: Any) -> None:
    client.post("/api/events", json=OFFER, headers=bearer("a-token-that-is-refused"))
    log = bridge.log.read_text()
    for token in (MARKETPLACE, CHAT, "a-token-that-is-refused"):
        assert token not in log


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[chat", "no TOML"),
        ('[chat]\ntoken = "short"\npublishes = []', "chat.token"),
        ('[chat]\ntoken = "long-enough-to-be-one"\npublishes = ["chats"]', "chat.publishes"),
        ('[chat]\ntoken = "long-enough-to-be-one"', "chat: it may do nothing"),
        ('[chat]\ntoken = "long-enough-to-be-one"\nregisters = ["checkouts"]', "chat.registers"),
        ('[chat]\ntoken = "long-enough-to-be-one"\napproves = ["payments"]', "chat.approves"),
        ('["a b"]\ntoken = "long-enough-to-be-one"\nreads = true', "a b"),
        (
            "\n".join(f'[{name}]\ntoken = "long-enough-to-be-one"\nreads = true' for name in "ab"),
            "same token as a",
        ),
    ],
)
def test_a_wrong_list_of_services_is_explained_without_its_tokens(text: str, words: str) -> None:
    with pytest.raises(ServicesError) as caught:
        read_services(text)
    assert words in str(caught.value)
    assert "long-enough" not in str(caught.value)


def test_where_no_service_is_named_anybody_may_publish() -> None:
    assert Callers(WatchedServices(None), None, require_front_end=lambda _: None).service(None).name == "anybody"
