"""What an application answers, as it goes over the wire, also where the application is wrong."""

import asyncio
from typing import Any

import pytest

from bridge.sockets.transport.unread_bytes import UnreadBytes
from tests.bridge.door.conftest import House, served
from tests.waiting import until

GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
START = "http.response.start"
BODY = "http.response.body"


class Answering(House):
    """Answers each request with the same messages."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        super().__init__()
        self._messages = messages

    async def _answer(self, _scope: Any, _receive: Any, send: Any) -> None:
        for message in self._messages:
            await send(message)
            await asyncio.sleep(0)


async def heard(*messages: dict[str, Any], request: bytes = GET) -> tuple[bytes, bytes]:
    """The head of an answer, and the rest of what comes."""
    house = Answering(*messages)
    async with served(house):
        head, _, rest = (await house.converse([request])).partition(b"\r\n\r\n")
    return head, rest


def start(*headers: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    return {"type": START, "status": status, "headers": list(headers)}


def body(content: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": BODY, "body": content, "more_body": more}


async def test_an_answer_without_a_length_comes_in_chunks() -> None:
    head, rest = await heard(start(), body(b"one", more=True), body(b"", more=True), body(b"two"))
    assert b"transfer-encoding: chunked" in head
    assert rest == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"


async def test_nobody_stores_an_answer_that_does_not_say_how_long_it_is_good() -> None:
    head, _ = await heard(start(status=404), body(b""))
    assert b"\r\ncache-control: no-store" in head
    head, _ = await heard(start((b"Cache-Control", b"max-age=60")), body(b""))
    assert head.count(b"cache-control: ") == head.count(b"cache-control: max-age=60") == 1
    head, _ = await heard(start(), body(b""), request=b"GET /\r\n\r\n")
    assert b"\r\ncache-control: no-store" in head


async def test_an_answer_without_a_length_to_http_1_0_ends_with_the_connection() -> None:
    head, rest = await heard(start(), body(b"one", more=True), body(b"two"), request=b"GET / HTTP/1.0\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert rest == b"onetwo"


@pytest.mark.parametrize(
    ("request_", "status"),
    [(GET.replace(b"GET", b"HEAD"), 200), (GET, 204), (GET, 304)],
    ids=["HEAD", "204", "304"],
)
async def test_what_has_no_content_has_none_whatever_the_application_says(request_: bytes, status: int) -> None:
    head, rest = await heard(start((b"content-length", b"3"), status=status), body(b"one"), request=request_)
    assert (b"content-length: 3" in head, rest) == (True, b"")


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [start((b"x", b"a\r\nSet-Cookie: forged"))],
        [start((b"x: a\r\nSet-Cookie", b"forged"))],
        [start()],
        [body(b"")],
        [start((b"content-length", b"3")), body(b"four")],
        [start((b"content-length", b"3")), body(b"")],
    ],
    ids=["nothing", "a-value", "a-name", "no-body", "no-start", "too-long", "too-short"],
)
async def test_an_application_that_is_wrong_from_the_start_is_a_500_of_ours(messages: list[dict[str, Any]]) -> None:
    head, rest = await heard(*messages)
    assert head.startswith(b"HTTP/1.1 500 ")
    assert b"forged" not in head
    assert b"its log says why" in rest


async def test_an_answer_that_breaks_off_ends_the_connection_and_nothing_is_added_to_it() -> None:
    head, rest = await heard(start((b"content-length", b"30")), body(b"one", more=True))
    assert head.startswith(b"HTTP/1.1 200 ")
    assert rest in (b"", b"one")


async def test_who_reads_on_is_given_more_time_and_who_stops_is_not() -> None:
    content = b"x" * 20_000_000
    house = Answering(start((b"content-length", b"%d" % len(content))), body(content))
    async with served(house):
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(GET)
        await until(house.door.answers.first)
        connection = house.door.answers.first()
        assert connection is not None
        await reader.readexactly(len(content) // 2)
        connection.late_reader()
        assert connection in house.door.answers
        while connection in house.door.answers:  # the systems between take a little of the rest
            connection.late_reader()
            await asyncio.sleep(0)
        writer.transport.abort()


async def test_an_answer_that_is_more_than_all_may_leave_unread_ends_its_connection_and_nothing_fails() -> None:
    content = b"x" * 20_000_000
    house = Answering(start((b"content-length", b"%d" % len(content))), body(content))
    async with served(house):
        house.door.unread = UnreadBytes(1_000_000)
        heard = await house.converse([GET])
        assert len(heard) < len(content)
        assert house.door.unread.held_bytes == 0
    assert house.failures == []
