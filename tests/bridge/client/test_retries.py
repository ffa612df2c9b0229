"""Repeats: which failures are repeated, how long is waited, what is said in the end, and that the token never is."""

import asyncio
import logging
import os
import queue
import threading
import time
import traceback
from typing import Any

import httpx
import pytest
from tenacity import Retrying

from bridge.client import (
    AsyncBridgeClient,
    BridgeClient,
    BridgeUnavailableError,
    ClientError,
    Publication,
    UnexpectedAnswerError,
)
from bridge.client.calls import publish_call
from bridge.client.retries import Destination, Retries
from tests.waiting import GIVE_UP_SECONDS, wait_until

TOKEN = "a-token-that-nobody-sees"
URL = "http://127.0.0.1:1"
PUBLISHED = {"status": 202, "body": b'{"offsets":["7"]}'}
BUSY = b'{"type":"about:blank","title":"Not committed","status":503,"detail":"the disk is full"}'
PROBLEM = {"Content-Type": "application/problem+json"}


class Clock:
    """A time that passes only where somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def read(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def play(clock: Clock, *answers: httpx.Response, **patience: float) -> str:
    """Publishes to a bridge that gives these answers, the last one for ever, in the clock's time."""
    destination = Destination(URL, TOKEN, **{"timeout_seconds": 10, "give_up_after_seconds": 60, **patience})
    tries = Retries(destination, publish_call(Publication("user-status-change", {}), None), clock.read)
    remaining = list(answers)
    result: str = Retrying(sleep=clock.wait, **tries.policy())(
        lambda: tries.read(remaining.pop(0) if len(remaining) > 1 else remaining[0])
    )
    return result


def test_waits_grow_at_random_and_end_in_time() -> None:
    clock = Clock()
    with pytest.raises(BridgeUnavailableError) as caught:
        play(clock, httpx.Response(502))
    assert all(0 <= wait <= min(10, 0.25 * 2**number) for number, wait in enumerate(clock.waits))
    assert len(set(clock.waits)) > 5
    assert sum(clock.waits) == pytest.approx(caught.value.after_seconds)
    assert 45 < sum(clock.waits) < 60


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_passes_is_repeated(status: int) -> None:
    clock = Clock()
    assert play(clock, httpx.Response(status), httpx.Response(**published())) == "7"
    assert len(clock.waits) == 1


def test_retry_after_is_waited_for_and_a_little_more() -> None:
    clock = Clock()
    assert play(clock, httpx.Response(429, headers={"Retry-After": "5"}), httpx.Response(**published())) == "7"
    assert len(clock.waits) == 1
    assert 5 <= clock.waits[0] <= 5.25


@pytest.mark.parametrize("text", ["", "-1", "soon", "1.5", "²", "9" * 5000, "Fri, 31 Jan 2026 23:59:59 GMT"])
def test_any_other_retry_after_is_none(text: str) -> None:
    clock = Clock()
    busy = httpx.Response(503, headers={b"Retry-After": text.encode()})
    assert play(clock, busy, httpx.Response(**published())) == "7"
    assert clock.waits[0] <= 0.25


def test_who_asks_for_more_time_than_there_is_gets_none() -> None:
    clock = Clock()
    with pytest.raises(BridgeUnavailableError, match="asks to wait for 60 s"):
        play(clock, httpx.Response(503, headers={"Retry-After": "60"}))
    assert clock.waits == []


def test_no_time_is_one_try() -> None:
    clock = Clock()
    with pytest.raises(BridgeUnavailableError):
        play(clock, httpx.Response(503), give_up_after_seconds=0)
    assert clock.waits == []


@pytest.mark.parametrize(("passed", "expected"), [(0, 10), (55, 5), (60, 0.1)])
def test_a_try_takes_no_longer_than_there_is_time_left(passed: float, expected: float) -> None:
    clock = Clock()
    destination = Destination(URL, None, timeout_seconds=10, give_up_after_seconds=60)
    tries = Retries(destination, publish_call(Publication("user-status-change", {}), None), clock.read)
    clock.wait(passed)
    assert tries.timeout_seconds == expected


def published() -> dict[str, Any]:
    return {"status_code": 202, "content": PUBLISHED["body"]}


def test_each_try_is_the_same_request(connect: Any, serve: Any, answer: Any) -> None:
    server = serve(answer(502), answer(503, PROBLEM, BUSY), answer(**PUBLISHED))
    assert connect(server.url, TOKEN).publish("new-offer", {"b": 1, "a": 2}) == "7"
    [first, second, third] = server.requests
    assert first == second == third
    path, headers, body = first
    assert (path, body) == ("/api/events", b'{"data":{"a":2,"b":1},"event":"new-offer"}')
    assert len(headers["idempotency-key"]) == 32
    assert headers["authorization"] == f"Bearer {TOKEN}"


def test_each_call_has_a_key_of_its_own_or_the_callers(connect: Any, serve: Any, answer: Any) -> None:
    server = serve(answer(**PUBLISHED))
    client = connect(server.url)
    for key in (None, None, "mine"):
        client.publish("new-offer", {}, idempotency_key=key)
    one, two, three = (headers["idempotency-key"] for _, headers, _ in server.requests)
    assert one != two
    assert three == "mine"
    assert all("authorization" not in headers for _, headers, _ in server.requests)


def test_a_payment_is_sent_with_the_token_too(connect: Any, serve: Any, answer: Any) -> None:
    server = serve(answer(201))
    with pytest.raises(UnexpectedAnswerError):
        connect(server.url + "/behind/a/proxy/", TOKEN).register_payment(
            provider="shkeeper",
            external_id="o1",
            request_id="r1",
            buyer_id="b1",
            seller_id="s1",
            amount="1.50",
            currency="USD",
        )
    [(path, headers, body)] = server.requests
    assert path == "/behind/a/proxy/api/payments"
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert b'"amount":"1.50"' in body
    assert b"offerId" not in body


def test_retry_after_of_a_server_is_honoured(connect: Any, serve: Any, answer: Any) -> None:
    server = serve(answer(503, {"Retry-After": "1"}), answer(**PUBLISHED))
    began = time.monotonic()
    assert connect(server.url).publish("new-offer", {}) == "7"
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, {"Content-Type": "text/html"}, b"<h1>Log in to the network</h1>"),
        (202, {}, b""),
        (202, {}, b'{"offsets":[]}'),
        (202, {}, b'{"offsets":["1","2"]}'),
        (202, {}, b"[" * 10_000),
        (202, {"Content-Encoding": "gzip"}, b"no gzip"),
        (204, {}, b""),
        (301, {"Location": "/elsewhere"}, b""),
        (400, {"Content-Type": "text/html"}, b"<h1>Bad Request</h1>"),
        (403, {"Content-Type": "text/html"}, b"<h1>Blocked</h1>"),
        (403, PROBLEM, b'{"no": "problem"}'),
        (404, PROBLEM, b'{"title":"Not found","detail":"Not Found"}'),
        (409, PROBLEM, b'{"title":"Conflict","detail":"of whatever kind"}'),
        (500, PROBLEM, b'{"title":"Internal error","detail":"its log says why"}'),
        (418, {}, b""),
    ],
)
def test_what_the_bridge_does_not_say_is_not_repeated(
    connect: Any, serve: Any, answer: Any, status: int, headers: dict[str, str], body: bytes
) -> None:
    server = serve(answer(status, headers, body))
    with pytest.raises(UnexpectedAnswerError, match=server.url) as caught:
        connect(server.url, TOKEN).publish("new-offer", {})
    [(_, sent, _)] = server.requests
    assert caught.value.idempotency_key == sent["idempotency-key"]
    assert caught.value.status in (status, None)
    assert "<" not in str(caught.value)


def test_a_refusal_is_not_repeated(connect: Any, serve: Any, answer: Any) -> None:
    for status in (400, 401, 403, 413, 422):
        server = serve(answer(status, PROBLEM, b'{"title":"No","detail":"because"}'))
        with pytest.raises(ClientError):
            connect(server.url).publish("new-offer", {})
        assert len(server.requests) == 1


def test_giving_up_says_what_happened_and_how_to_go_on(connect: Any, serve: Any, answer: Any) -> None:
    server = serve(answer(503, {**PROBLEM, "Retry-After": "3600"}, BUSY), answer(**PUBLISHED))
    client = connect(server.url)
    with pytest.raises(BridgeUnavailableError, match="503 Service Unavailable: the disk is full") as caught:
        client.publish("new-offer", {})
    assert client.publish("new-offer", {}, idempotency_key=caught.value.idempotency_key) == "7"
    assert server.requests[0] == server.requests[1]


def test_a_server_that_never_answers(connect: Any, serve: Any, answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(None, answer(**PUBLISHED))

    def patience(_: object) -> float:
        """A little for the first answer, which never comes; and the second try comes second."""
        if patiences:
            wait_until(lambda: server.requests)
        patiences.append(GIVE_UP_SECONDS if patiences else 1.0)
        return patiences[-1]

    patiences: list[float] = []
    with monkeypatch.context() as patched:
        patched.setattr(Retries, "timeout_seconds", property(patience))
        assert connect(server.url).publish("new-offer", {}) == "7"
    assert len(server.requests) == 2
    silent = serve(None)
    with pytest.raises(BridgeUnavailableError, match="no answer in time"):
        connect(silent.url, timeout_seconds=0.1, give_up_after_seconds=0.3).publish("new-offer", {})


@pytest.mark.parametrize("beginning", [b"HTTP/1.1 202 Accepted\r\nX: ", b"HTTP/1.1 202 Accepted\r\n\r\n"])
def test_a_server_whose_answer_drips_is_waited_for_no_longer(
    connect: Any, serve: Any, answer: Any, beginning: bytes
) -> None:
    """Each byte comes in time, and the last one never. Others may ask meanwhile, and the client serves again."""
    server = serve(answer(body=beginning, drips=True), answer(**PUBLISHED))
    client = connect(server.url, timeout_seconds=0.5, give_up_after_seconds=0)
    with pytest.raises(BridgeUnavailableError, match="no answer in time"):
        client.publish("new-offer", {})
    patient = connect(server.url)
    assert patient.publish("new-offer", {}) == "7"


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_client_serves_in_a_process_that_was_forked_since(serve: Any, answer: Any) -> None:
    """As workers are of a server that has loaded the application before it forks."""
    server = serve(answer(**PUBLISHED))
    with BridgeClient(server.url, timeout_seconds=GIVE_UP_SECONDS, give_up_after_seconds=0) as client:
        client.publish("new-offer", {})
        child = os.fork()
        if child == 0:
            os._exit(0 if client.publish("new-offer", {}) == "7" else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert client.publish("new-offer", {}) == "7"
    with pytest.raises(RuntimeError, match="closed"):
        client.publish("new-offer", {})


def test_whoever_waits_for_an_answer_hears_that_the_client_is_closed(serve: Any) -> None:
    server = serve(None)
    client = BridgeClient(server.url, timeout_seconds=GIVE_UP_SECONDS, give_up_after_seconds=0)
    heard: queue.Queue[Exception] = queue.Queue()

    def ask() -> None:
        try:
            client.publish("new-offer", {})
        except Exception as error:
            heard.put(error)

    askers = [threading.Thread(target=ask, daemon=True) for _ in range(3)]
    for asker in askers:
        asker.start()
    wait_until(lambda: len(server.requests) == len(askers))
    client.close()
    for _ in askers:
        assert str(heard.get(timeout=GIVE_UP_SECONDS)) == "this client is closed"


def test_a_server_that_is_not_there(connect: Any, closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Retries, "timeout_seconds", GIVE_UP_SECONDS)
    client = connect(f"http://127.0.0.1:{closed_port}", TOKEN, give_up_after_seconds=0.3)
    began = time.monotonic()
    with pytest.raises(BridgeUnavailableError, match=rf"127.0.0.1:{closed_port} after \d+\.\d s: .*") as caught:
        client.publish("new-offer", {})
    assert 0 <= caught.value.after_seconds <= time.monotonic() - began
    assert f" after {caught.value.after_seconds:.1f} s: " in str(caught.value)
    assert "refused" in caught.value.reason or "attempts failed" in caught.value.reason


async def test_waiting_can_be_cancelled(serve: Any) -> None:
    async with AsyncBridgeClient(serve(None).url) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.publish("new-offer", {})


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, "application/problem+json") for status in (202, 400, 401, 403, 409, 413, 422, 500, 503)),
        *((status, "text/html") for status in (200, 403, 503)),
    ],
)
def test_the_token_is_shown_nowhere_even_if_the_server_repeats_it(
    connect: Any,
    serve: Any,
    answer: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    kind: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    body = f'{{"title":"{TOKEN}","detail":"{TOKEN}","paymentId":"{TOKEN}","offsets":["{TOKEN}","2"]}}'.encode()
    server = serve(answer(status, {"Content-Type": kind, "X-Token": TOKEN}, body))
    monkeypatch.setattr(Retries, "timeout_seconds", GIVE_UP_SECONDS)
    client = connect(server.url, TOKEN, give_up_after_seconds=0.2)
    with pytest.raises(ClientError) as caught:
        client.publish("new-offer", {})
    error = caught.value
    assert TOKEN not in f"{error!r}{vars(error)}{client!r}{''.join(traceback.format_exception(error, chain=True))}"
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpcore", "asyncio"))]
    assert TOKEN not in "".join(ours)


def test_a_repeat_is_logged(serve: Any, answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    server = serve(answer(502), answer(**PUBLISHED))
    with BridgeClient(server.url, timeout_seconds=GIVE_UP_SECONDS, give_up_after_seconds=GIVE_UP_SECONDS) as client:
        client.publish("new-offer", {})
    [words] = [record.getMessage() for record in caplog.records if record.name == "bridge.client"]
    assert words.startswith("/api/events failed: 502 Bad Gateway; trying again in 0.")


@pytest.mark.parametrize(
    "arguments",
    [
        ("bridge.example",),
        ("ftp://bridge.example",),
        ("http://",),
        ("http://bridge.example:port",),
        ("http://user:password@bridge.example",),
        ("http://bridge.example?a=b",),
        (URL, ""),
        (URL, f"{TOKEN}\nX-Other: 1"),
        (URL, f"{TOKEN}é"),
    ],
)
def test_what_cannot_be_used_is_refused_at_once(arguments: tuple[str, ...]) -> None:
    for kind in (BridgeClient, AsyncBridgeClient):
        with pytest.raises(ValueError, match=r"url|token") as caught:
            kind(*arguments)
        assert TOKEN not in str(caught.value)
        assert "password@" not in str(caught.value)
    with pytest.raises(ValueError, match="timeout_seconds"):
        BridgeClient(URL, timeout_seconds=0)
