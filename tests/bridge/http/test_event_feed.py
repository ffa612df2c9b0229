"""The feed of everything on a running bridge: who may read it, the long poll, the stream, and CloudEvents."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from litestar.exceptions import NotAuthorizedException

from bridge.access import ANYBODY, Principal
from bridge.http import event_feed
from bridge.http.event_feed import EventFeed, WantedStream
from bridge.http.event_forms import past_event
from bridge.journal import Journal
from coordinator.events import Audience, Event
from tests.asking import client_of
from tests.specification import WHEN
from tests.waiting import wait_until

SECRET = "a secret of at least thirty-two bytes"
READER, MARKETPLACE, SHORT_LIVED = "the-token-of-who-reads", "the-token-of-the-marketplace", "a-token-taken-back"
NEVER = 4_102_444_800
SERVICES = f"""
[reader]
token = "{READER}"
reads = true

[marketplace]
token = "{MARKETPLACE}"
publishes = ["marketplace", "chat", "notification"]
registers = ["payments", "payouts"]
"""
GOING = f"""
[going]
token = "{SHORT_LIVED}"
reads = true
"""
OFFSET_OF_ANOTHER = "0123456789abcdef-5-5.0123456789abcdef"
STREAM = {"Accept": "text/event-stream"}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("services") / "services.toml"
    file.write_text(SERVICES + GOING)
    return file


@pytest.fixture(scope="module")
def bridge(make_bridge: Any, services: Path) -> Any:
    return make_bridge(
        BRIDGE_ACCESS="jwt",
        BRIDGE_JWT_SECRETS=SECRET,
        BRIDGE_SERVICES_FILE=str(services),
        BRIDGE_PUBLIC_URL="https://bridge.example",
    )


def test_what_is_printed_for_others_to_reach_is_the_public_address(bridge: Any) -> None:
    banner = [line for line in bridge.log.read_text().splitlines() if "/" in line and line.startswith(("The", "  "))]
    said = [line for line in banner if line.split()[0] in {"The", "pages", "webhooks", "REST", "sockets"}]
    assert [bridge.url in line for line in said] == [True, *[False] * (len(said) - 1)]
    assert "  sockets   https://bridge.example   (Socket.IO" in bridge.log.read_text()
    assert "  pages     https://bridge.example/ops   https://bridge.example/ops/system   " in bridge.log.read_text()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def user(subject: str, **claims: Any) -> dict[str, str]:
    return bearer(jwt.encode({"sub": subject, "exp": NEVER, **claims}, SECRET, algorithm="HS256"))


@pytest.fixture
def client(bridge: Any) -> Iterator[httpx.Client]:
    with client_of(bridge.url, headers=bearer(READER)) as client:
        yield client


Publish = Callable[..., list[str]]


@pytest.fixture
def publish(bridge: Any) -> Publish:
    def publish(*counts: int) -> list[str]:
        """Counts of unread notifications, each an event; returns their offsets."""
        events = [
            {"event": "unread-count-update", "target": {"userId": "u1"}, "data": {"unreadCount": count}}
            for count in counts
        ]
        with client_of(bridge.url, headers=bearer(MARKETPLACE)) as client:
            answer = client.post("/api/events", json={"events": events})
        assert answer.status_code == 202, answer.text
        offsets: list[str] = answer.json()["offsets"]
        return offsets

    return publish


def frames(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """What a stream says, one after the other; comments are nothing."""
    frame: dict[str, str] = {}
    for line in lines:
        if not line and frame:
            yield frame
            frame = {}
        elif line and not line.startswith(":"):
            name, _, text = line.partition(": ")
            frame[name] = text


def events(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    return (frame for frame in frames(lines) if "data" in frame)


def counts(page: dict[str, Any]) -> list[int]:
    return [event["data"]["unreadCount"] for event in page["events"]]


def test_who_may_read_everything(bridge: Any, client: httpx.Client) -> None:
    def status(headers: dict[str, str]) -> int:
        return client.get("/api/events", params={"all": "true"}, headers=headers).status_code

    assert status({}) == 200
    assert status(user("ada", staff=True)) == 200
    assert status(user("ada", roles=["ops-view"])) == 200
    assert status(user("u1")) == 403
    assert status(bearer(MARKETPLACE)) == 403
    assert status(STREAM | user("u1")) == 403
    assert httpx.get(f"{bridge.url}/api/events?all=true").status_code == 401


@pytest.mark.parametrize(
    ("query", "headers", "field"),
    [
        ("all=true&room=user-u1", {}, "all"),
        ("all=true&everyone=true", {}, "all"),
        ("room=user-u1&wait=1", {}, "wait"),
        ("room=user-u1", STREAM, "all"),
        ("all=true&wait=51", {}, "wait"),
        ("all=true&format=xml", {}, "format"),
        ("all=true&after=x", {}, "after"),
        ("all=true&after=x", STREAM, "after"),
    ],
)
def test_a_wrong_question_names_what_is_wrong(
    client: httpx.Client, query: str, headers: dict[str, str], field: str
) -> None:
    answer = client.get(f"/api/events?{query}", headers=headers)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_everything_is_read_page_by_page_whoever_heard_it(client: httpx.Client, publish: Publish) -> None:
    begin = client.get("/api/events?all=true&after=now").json()
    assert begin["events"] == []
    offsets = publish(1, 2, 3)
    first = client.get("/api/events", params={"all": "true", "after": begin["next"], "limit": 2}).json()
    assert ([event["offset"] for event in first["events"]], first["more"]) == (offsets[:2], True)
    assert first["events"][0]["happenedAt"] == first["events"][0]["at"]
    rest = client.get("/api/events", params={"all": "true", "after": first["next"]}).json()
    assert ([event["offset"] for event in rest["events"]], rest["more"]) == (offsets[2:], False)
    assert rest["next"] == offsets[2]


def test_a_long_poll_is_answered_by_the_next_event(client: httpx.Client, publish: Publish) -> None:
    begin = client.get("/api/events?all=true&after=now").json()["next"]
    waited: list[dict[str, Any]] = []

    def poll() -> None:
        waited.append(client.get("/api/events", params={"all": "true", "after": begin, "wait": 50}).json())

    polling = threading.Thread(target=poll)
    polling.start()
    offsets = publish(7)
    polling.join()
    assert (counts(waited[0]), waited[0]["next"]) == ([7], offsets[0])
    nothing = client.get("/api/events", params={"all": "true", "after": offsets[0], "wait": 1}).json()
    assert nothing == {"events": [], "next": offsets[0], "more": False}


def test_an_offset_of_another_history_is_gone_also_to_a_stream_which_is_told_to_stop(client: httpx.Client) -> None:
    query = {"all": "true", "after": OFFSET_OF_ANOTHER}
    assert client.get("/api/events", params=query).status_code == 410
    answer = client.get("/api/events", params=query, headers=STREAM)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    [frame] = frames(iter(answer.text.splitlines()))
    assert (frame["event"], json.loads(frame["data"])["status"]) == ("gone", 410)
    again = client.get("/api/events", params=query, headers={**STREAM, "Last-Event-ID": frame["id"]})
    assert again.status_code == 204


def test_a_stream_goes_on_where_the_last_one_was_cut(client: httpx.Client, publish: Publish) -> None:
    with client.stream("GET", "/api/events?all=true&after=now", headers=STREAM) as answer:
        told = frames(answer.iter_lines())
        opened = next(told)
        assert 500 <= int(opened["retry"]) <= 1_500
        offsets = publish(1, 2)
        heard = [next(told), next(told)]
    assert [frame["id"] for frame in heard] == offsets
    assert [json.loads(frame["data"])["offset"] for frame in heard] == offsets
    offsets += publish(3)
    # The place where it began counts for who was cut off before the first event.
    for last, expected in ((offsets[0], offsets[1:]), (opened["id"], offsets)):
        headers = {**STREAM, "Last-Event-ID": last}
        with client.stream("GET", "/api/events?all=true&after=now", headers=headers) as answer:
            told = events(answer.iter_lines())
            assert [next(told)["id"] for _ in expected] == expected


def test_a_stream_ends_when_its_token_is_taken_back(services: Path, client: httpx.Client) -> None:
    with client.stream("GET", "/api/events?all=true&after=now", headers=STREAM | bearer(SHORT_LIVED)) as answer:
        told = frames(answer.iter_lines())
        next(told)
        services.write_text(SERVICES)
        assert list(told) == []
    assert client.get("/api/events?all=true", headers=STREAM | bearer(SHORT_LIVED)).status_code == 401


def test_who_only_asks_for_the_headers_of_a_stream_is_answered_and_asks_on(bridge: Any) -> None:
    with client_of(bridge.url, headers=bearer(READER), limits=httpx.Limits(max_connections=1)) as client:
        answer = client.head("/api/events?all=true&after=now", headers=STREAM)
        assert (answer.status_code, answer.content) == (200, b"")
        assert client.get("/health/live").status_code == 200  # over the same connection


def test_who_reads_slowly_holds_little_and_misses_nothing(
    bridge: Any, client: httpx.Client, publish: Publish
) -> None:
    def waiting_bytes() -> float:
        [line] = [
            line for line in client.get("/metrics").text.splitlines() if line.startswith("bridge_unread_bytes ")
        ]
        return float(line.split()[1])

    with client.stream("GET", "/api/events?all=true&after=now", headers=STREAM) as answer:
        told = frames(answer.iter_lines())
        next(told)
        with client_of(bridge.url, headers=bearer(MARKETPLACE)) as marketplace:
            for number in range(12):
                offer = {"requestId": f"r{number}", "offer": {"text": "x" * 900_000}, "sellerId": "s1"}
                event = {"event": "new-offer", "target": {"buyerId": "b1"}, "data": offer}
                assert marketplace.post("/api/events", json=event).status_code == 202
        last = publish(1)
        wait_until(lambda: waiting_bytes() > 0)
        assert waiting_bytes() < 2_000_000
        heard = [json.loads(next(told)["data"]) for _ in range(13)]
    assert [event["data"].get("requestId") for event in heard] == [*(f"r{number}" for number in range(12)), None]
    assert heard[-1]["offset"] == last[0]


def test_cloud_events(client: httpx.Client, bridge: Any) -> None:
    begin = client.get("/api/events?all=true&after=now&format=cloudevents")
    assert (begin.headers["content-type"], begin.json()) == ("application/cloudevents-batch+json", [])
    message = {"_id": "m1", "content": "Hello", "senderId": "u1", "createdAt": "2026-05-01T14:00:00+0200"}
    published = [
        {"event": "new-message", "data": {"chatId": "c1", "message": message, "senderId": "u1"}},
        {"event": "delivery-confirmed", "data": {"requestId": "r1"}},
    ]
    with client_of(bridge.url, headers=bearer(MARKETPLACE)) as marketplace:
        offsets = marketplace.post("/api/events", json={"events": published}).json()["offsets"]
    link = begin.links["next"]["url"]
    batch = client.get(f"/api/events{link}").json()
    epoch = offsets[0].partition("-")[0]
    assert batch[0] == {
        "specversion": "1.0",
        "id": offsets[0],
        "source": f"https://bridge.example/journal/{epoch}",
        "type": "new-message",
        "time": "2026-05-01T14:00:00+02:00",  # when it happened, as its payload says
        "subject": "m1",
        "datacontenttype": "application/json",
        "data": published[0]["data"],
    }
    plain = client.get("/api/events", params={"all": "true", "after": offsets[0]}).json()
    assert (batch[1]["subject"], batch[1]["time"]) == ("r1", plain["events"][0]["at"])
    assert WHEN not in batch[1]["time"]
    with client.stream("GET", f"/api/events{link}", headers=STREAM) as answer:
        told = events(answer.iter_lines())
        assert [json.loads(next(told)["data"]) for _ in batch] == batch


def test_a_bridge_that_stops_ends_its_streams_and_answers_who_waits(make_bridge: Any) -> None:
    bridge = make_bridge()
    answers: list[httpx.Response] = []
    with client_of(bridge.url) as client:
        with client.stream("GET", "/api/events?all=true", headers=STREAM) as answer:
            told = frames(answer.iter_lines())
            next(told)
            polling = threading.Thread(target=lambda: answers.append(client.get("/api/events?all=true&wait=50")))
            polling.start()
            wait_until(lambda: b"bridge_followers 2.0" in client.get("/metrics").content)
            bridge.process.terminate()
            assert list(told) == []  # whole: what breaks off raises
        polling.join()
    assert (answers[0].status_code, answers[0].json()["events"]) == (200, [])
    assert bridge.process.wait() == 0


async def test_a_silent_stream_says_that_it_lives_and_one_that_fell_behind_what_is_kept_that_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_feed, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(event_feed, "HEARTBEAT_SECONDS", 0.002)
    journal = await Journal.open(f"sqlite:///{tmp_path / 'journal.db'}")

    async def deliver(_: object) -> None:
        pass

    dispatcher, feed = journal.dispatcher(deliver, after=0), EventFeed(lambda _: ANYBODY)
    wanted = WantedStream(journal, dispatcher, past_event, None)
    told = feed.stream(wanted, 0, None)
    assert (await anext(told)).startswith(b"retry: ")
    assert await anext(told) == b":\n\n"
    offsets = await journal.publish_events([Event("moved", Audience(rooms=("r",)), "{}")] * 4)
    await dispatcher.catch_up()
    while (chunk := await anext(told)) == b":\n\n":
        pass
    assert [line.removeprefix("id: ") for line in chunk.decode().splitlines() if line.startswith("id: ")] == offsets
    with closing(sqlite3.connect(tmp_path / "journal.db")) as database, database:
        database.execute('DELETE FROM events WHERE "offset" < 4')
    database.close()
    behind = feed.stream(wanted, 1, offsets[0])
    assert offsets[0].encode() in await anext(behind)
    assert (await anext(behind)).startswith(b"event: gone\nid: gone\n")
    assert [one async for one in behind] == []
    await told.aclose()
    assert feed.followers() == []
    await journal.close()


async def test_a_stream_shows_nothing_before_whatever_it_takes_back_has_come_to_this_bridge(tmp_path: Path) -> None:
    journal = await Journal.open(f"sqlite:///{tmp_path / 'journal.db'}")
    revoked: list[object] = []

    async def deliver(stretch: object) -> None:
        revoked.append(stretch)

    def recognize(_: str | None) -> Principal:
        if revoked:
            raise NotAuthorizedException
        return ANYBODY

    dispatcher, feed = journal.dispatcher(deliver, after=0), EventFeed(recognize)
    await journal.publish_events([Event("moved", Audience(rooms=("r",)), "{}")])
    told = feed.stream(WantedStream(journal, dispatcher, past_event, None), 0, None)
    assert (await anext(told)).startswith(b"retry: ")
    shown = asyncio.create_task(anext(told, None))
    await journal.newest_place()  # which the stream has read as well by now
    await dispatcher.catch_up()
    assert await shown is None
    await journal.close()
