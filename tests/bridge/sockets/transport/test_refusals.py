"""What the engine refuses, asked of the reference server as well: every question has the same answer from both, but
for those in `ON_PURPOSE`, each of which says why."""

import asyncio
import itertools
import json
import re
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bridge.sockets import create_socket_server
from bridge.sockets.transport.refusals import Code, Refusal
from tests.waiting import GIVE_UP_SECONDS

JAVASCRIPT = Path(__file__).parents[3] / "javascript"
SHOP, ELSEWHERE = "https://shop.example", "https://elsewhere.example"
LIMIT_BYTES = 1_000_000

NONE, UNKNOWN, OPEN = "", "&sid=abc", "&sid={sid}"
"""No session, one that there is not, and one that polls."""
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


class Question(NamedTuple):
    """A request, as it is sent."""

    method: str
    query: str
    headers: Mapping[str, str] = {}
    body: bytes = b""

    def of(self, sid: str) -> bytes:
        headers = {"Host": "x", **self.headers}
        if self.method == "POST":
            headers["Content-Length"] = str(len(self.body))
        lines = [f"{self.method} /socket.io/?{self.query.format(sid=sid)} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


class Answer(NamedTuple):
    """What shows of an answer: the code and the words of a refusal."""

    status: int
    content: str


VERSIONS = ("EIO=4", "EIO=3", "EIO=abc", "")
TRANSPORTS = ("&transport=polling", "&transport=websocket", "&transport=abc", "&transport=webtransport", "")
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")


def questions() -> Iterator[Question]:
    queries = ["".join(parts) for parts in itertools.product(VERSIONS, TRANSPORTS, (NONE, UNKNOWN, OPEN, "&sid="))]
    for method, query in itertools.product(METHODS, queries):
        if (method, OPEN in query, "polling" in query, "EIO=4" in query) != (
            "GET",
            True,
            True,
            True,
        ):  # it would wait
            yield Question(method, query)
    for query in queries:
        yield Question("GET", query, UPGRADE)
        yield Question("GET", query, {"Origin": ELSEWHERE} | (UPGRADE if "websocket" in query else {}))
    for index in ("0", "x"):
        yield Question("GET", f"EIO=4&transport=polling&j={index}")
    polling = "EIO=4&transport=polling" + OPEN
    for body in (b"40", b"3", b"1", b"40\x1e41", b"x" * (LIMIT_BYTES + 1)):
        yield Question("POST", polling, {}, body)
    yield Question("POST", polling, {"Content-Type": "application/octet-stream"}, b"40")
    for broken in (b"abc", b"40\x1e2", b"40\x1e6"):
        yield Question("POST", polling, {}, broken)


def on_purpose(question: Question, ours: Answer, theirs: Answer) -> str | None:
    """Why the bridge answers otherwise; None if there is no reason to."""
    is_upgrade = "Upgrade" in question.headers
    if theirs.status == 101 and ours == (400, "Unsupported protocol version"):
        return "it opens the WebSocket, and then answers the request once more in the middle of it"
    if theirs.status == 101 and "polling" in question.query and ours == (400, "Bad request"):
        return "it opens the WebSocket, and closes it at once"
    if is_upgrade and theirs.status == 400 and ours == (403, f"{ELSEWHERE} is not an accepted origin"):
        return "that is forbidden, by whichever transport"
    if theirs.status in (101, 200) and OPEN in question.query and ours.status == 403:
        return "it looks at the origin when a session begins, and never again"
    if theirs == (500, "") and ours == (405, refused(Code.BAD_REQUEST)):
        return "it is not the server that fails"
    if theirs == (200, "ok") and ours == (400, refused(Code.BAD_REQUEST)) and question.body:
        return "it says that it has taken what it has not, and closes the session"
    if "&j=" in question.query and ours == (
        400,
        Refusal(Code.BAD_REQUEST, "JSONP is not spoken here").content.decode(),
    ):
        return "it answers a script, of which nobody knows whose page it is on"
    if theirs == (400, "") and ours == (400, refused(Code.BAD_REQUEST)):
        return "it says nothing"
    return None


def refused(code: Code) -> str:
    return Refusal(code).content.decode()


@pytest.fixture
def reference() -> Iterator[str]:
    """The address of the reference server."""
    command = ["node", "reference.mjs", SHOP]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=JAVASCRIPT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.terminate()


async def asked(url: str, question: Question) -> Answer:
    """What a server answers. For each question there is a new session, and a connection."""
    sid = ""
    if "{sid}" in question.query:
        opened = await exchanged(url, Question("GET", "EIO=4&transport=polling").of(""))
        sid = json.loads(opened.content[1:])["sid"]
    answer = await exchanged(url, question.of(sid))
    # Who is let in, and with which words, is not the subject.
    return answer._replace(content=re.sub(r'"sid":"[^"]*"', '"sid"', answer.content).partition('"pingInterval"')[0])


async def exchanged(url: str, request: bytes) -> Answer:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    async with asyncio.timeout(GIVE_UP_SECONDS):
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        status = int(head.split(" ")[1])
        content = b""
        if length := re.search(r"\r\ncontent-length: (\d+)", head):
            content = await reader.readexactly(int(length[1]))
        elif "transfer-encoding: chunked" in head:
            while size := int(await reader.readline(), 16):
                content += (await reader.readexactly(size + 2))[:-2]
    writer.close()
    return Answer(status, "" if status == 101 else content.decode())


async def test_every_refusal_is_the_reference_servers(serve: Callable[..., Awaitable[str]], reference: str) -> None:
    url = await serve(create_socket_server(frontend_url=SHOP, max_payload_bytes=LIMIT_BYTES))
    otherwise: dict[str, list[tuple[Question, Answer, Answer]]] = {}
    seen: set[Answer] = set()
    for question in questions():
        ours, theirs = await asked(url, question), await asked(reference, question)
        seen.add(ours)
        if ours != theirs:
            why = on_purpose(question, ours, theirs)
            otherwise.setdefault(why or "", []).append((question, ours, theirs))
    assert otherwise.pop("", []) == []
    assert len(otherwise) == 8  # each of the reasons holds for something
    codes = {json.loads(answer.content)["code"] for answer in seen if answer.content.startswith('{"code"')}
    assert codes == set(Code)
    assert {answer.status for answer in seen} == {101, 200, 204, 400, 403, 405, 413}


@pytest.mark.parametrize("code", Code)
def test_a_refusal_is_json_with_its_code(code: Code) -> None:
    refusal = Refusal(code)
    assert json.loads(refusal.content) == {"code": code.value, "message": refusal.message}
    assert refusal.status == (403 if code is Code.FORBIDDEN else 400)
    assert Refusal(code, "because").message == "because"


async def test_a_session_outlives_what_is_too_large_and_what_it_may_not_ask(
    serve: Callable[..., Awaitable[str]], poll: Callable[..., Any]
) -> None:
    http, address = await poll(await serve(create_socket_server(frontend_url=SHOP, max_payload_bytes=LIMIT_BYTES)))
    assert (await http.post(address, content="4" * (LIMIT_BYTES + 1))).status_code == 413
    assert (await http.put(address)).headers["allow"] == "GET, POST"
    assert (await http.post(address, content="40")).text == "ok"
    answer = await http.get(address)
    assert answer.text.startswith("40{")
    assert answer.headers["cache-control"] == "no-store"
