"""Requests out of any bytes: no crash, and never an answer to a request that was not made.

Requests are sent as a client makes them and cut anywhere; and what is in `corpus/` with bytes changed, which another
reader of HTTP/1.1, h11, is asked about too. `make soak` tries many more than `make test`.
"""

import itertools
import os
from pathlib import Path
from typing import NamedTuple

import h11
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bridge.door.conftest import Asked, House

CORPUS = [path.read_bytes() for path in sorted(Path(__file__).with_name("corpus").glob("*.http"))]
TIMES = 1 if "SOAK_MINUTES" not in os.environ else int(float(os.environ["SOAK_MINUTES"]) * 20)

fuzzed = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=300 * TIMES
)

LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
FORGED = b"POST /forged HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nno"
FORGERIES = [b"", b"x", FORGED, b"\r\n" * 50 + FORGED, b"0\r\n\r\n" + FORGED]
CONTENTS = st.sampled_from(FORGERIES) | st.binary(max_size=300)
TARGETS = st.sampled_from([b"/", b"/a/b", b"/a?b=c", b"/%20%C3%BF?%00", b"//a", b"/" + b"a" * 3_000])
# Whatever they say, the body is one: an upgrade is passed over, and what is not known too.
HEADERS = st.lists(
    st.sampled_from(
        [
            b"Connection: Upgrade\r\nUpgrade: h2c\r\n",
            b"Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n",
            b"Connection: keep-alive\r\n",
            b"X: \r\n",
            b"X-Long: " + b"y" * 3_000 + b"\r\n",
            b"X:\t \xe4\xff \r\n",
            b"Content-Encoding: gzip\r\n",
            b"Expect: 100-continue\r\n",
        ]
    ),
    max_size=3,
    unique=True,
)


class Made(NamedTuple):
    """A request, and how it is written."""

    asked: Asked
    written: bytes


@st.composite
def requests(draw: st.DrawFn) -> Made:
    method = draw(st.sampled_from(["POST", "PUT", "GET", "DELETE"]))
    target, content, headers = draw(TARGETS), draw(CONTENTS), b"".join(draw(HEADERS))
    if b"websocket" in headers and method == "GET":
        method = "POST"
    head = f"{method} ".encode() + target + b" HTTP/1.1\r\nHost: shop.example\r\n" + headers
    if draw(st.booleans()):
        return Made(Asked(method, target, content), head + b"Content-Length: %d\r\n\r\n" % len(content) + content)
    chunks, rest = b"", content
    while rest:
        size = draw(st.integers(1, len(rest)))
        chunks += b"%x%b\r\n%b\r\n" % (size, draw(st.sampled_from([b"", b";a=b"])), rest[:size])
        rest = rest[size:]
    trailer = draw(st.sampled_from([b"", b"X-Sum: 1\r\n"]))
    return Made(
        Asked(method, target, content),
        head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n" + trailer + b"\r\n",
    )


def cut(content: bytes, places: list[int]) -> list[bytes]:
    """The same in pieces."""
    bounds = [0, *sorted(place % (len(content) + 1) for place in places), len(content)]
    return [content[start:end] for start, end in itertools.pairwise(bounds)]


@given(made=st.lists(requests(), min_size=1, max_size=5), places=st.lists(st.integers(0, 10_000), max_size=12))
@fuzzed
async def test_every_request_is_asked_once_whole_and_in_its_turn(
    house: House, made: list[Made], places: list[int]
) -> None:
    written = b"".join(one.written for one in made) + LAST
    heard = await house.converse(cut(written, places))
    asked, house.asked = house.asked, []
    assert asked == [*(one.asked for one in made), Asked("GET", b"/last", b"")]
    assert heard.count(b"HTTP/1.1 200 ") == len(asked)
    assert house.failures == []


class Spoilt(NamedTuple):
    """What is done to one place of some bytes."""

    place: int
    length: int
    by: bytes


MARKS = [
    b"",
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b":",
    b"\0",
    b"\xff",
    b"0",
    b"9",
    b";",
    b",",
    b"0\r\n\r\n",
]
WORDS = [
    *(b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: b\r\n", b"Connection: Upgrade\r\n"),
    *(b"Upgrade: websocket\r\n", b"Expect: 100-continue\r\n", b"chunked, ", b"HTTP/1.0", b"GET ", b"http://a"),
]
SPOILT = st.builds(
    Spoilt,
    st.integers(0, 10_000),
    st.integers(0, 4),
    st.sampled_from(MARKS) | st.sampled_from(WORDS) | st.binary(max_size=3),
)


def spoilt(content: bytes, changes: list[Spoilt]) -> bytes:
    for change in changes:
        place = change.place % (len(content) + 1)
        content = content[:place] + change.by + content[place + change.length :]
    return content


def read_by_h11(content: bytes) -> list[Asked]:
    """The requests that another reader finds, in their order, until it finds something that is none."""
    found: list[Asked] = []
    while True:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1_000_000)
        # RFC 9112 would have an empty line before a request passed over, and h11 does not.
        connection.receive_data(content.removeprefix(b"\r\n"))
        request, body = None, b""
        try:
            while not isinstance(event := connection.next_event(), h11.EndOfMessage):
                if isinstance(event, h11.Request):
                    request = event
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
                else:
                    return found
        except h11.RemoteProtocolError:
            return found
        assert request is not None
        found.append(Asked(request.method.decode(), request.target, body))
        content, _ = connection.trailing_data
        if connection.their_state is h11.MUST_CLOSE:
            return found


def _seen(asked: Asked) -> Asked:
    """As the application sees it: of a whole URL the path."""
    target = asked.target
    if target.lower().startswith((b"http://", b"https://")):
        rest = target.split(b"//", 1)[1]
        target = rest[min([rest.find(mark) for mark in (b"/", b"?") if mark in rest] or [len(rest)]) :]
        target = target if target.startswith(b"/") else b"/" + target
    path, _, query = target.partition(b"?")
    return asked._replace(target=path + (b"?" + query if query else b""))


@given(
    seeds=st.lists(st.sampled_from(CORPUS), min_size=1, max_size=3),
    changes=st.lists(SPOILT, max_size=4),
    places=st.lists(st.integers(0, 10_000), max_size=4),
)
@fuzzed
async def test_what_is_spoilt_is_refused_or_is_what_another_reader_reads(
    hasty_house: House, seeds: list[bytes], changes: list[Spoilt], places: list[int]
) -> None:
    content = spoilt(b"".join(seeds), changes) + LAST
    heard = await hasty_house.converse(cut(content, places))
    asked, hasty_house.asked = hasty_house.asked, []
    read = [_seen(one) for one in read_by_h11(content)]
    web_sockets = [one for one in asked if one.method == "WEBSOCKET"]
    assert len(web_sockets) <= 1
    assert [one for one in asked if one not in web_sockets] == read[: len(asked) - len(web_sockets)]
    assert heard.count(b"HTTP/1.1 200 ") <= len(asked)
    assert heard.count(b"HTTP/1.1 ") <= len(asked) + 2  # a refusal, and a word to go on
    assert b"HTTP/1.1 500" not in heard
    assert hasty_house.failures == []


@given(pieces=st.lists(st.binary(max_size=200), max_size=5))
@fuzzed
async def test_noise_is_never_a_request(hasty_house: House, pieces: list[bytes]) -> None:
    heard = await hasty_house.converse([*pieces, b"\r\n\r\n\r\n"])
    assert (hasty_house.asked, hasty_house.failures) == ([], [])
    assert b"HTTP/1.1 500" not in heard
