"""Smuggling: what a proxy in front may read in another way than the bridge is not read at all."""

import pytest

from tests.conftest import BridgeProcess
from tests.system.attacks.strangers import LIVE, Stranger

HOST = b"Host: 127.0.0.1\r\n"
INNER = b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def get(headers: bytes, body: bytes = b"", *, line: bytes = b"GET /health/live HTTP/1.1\r\n") -> bytes:
    return line + headers + b"\r\n" + body


TWO_READINGS = {
    "two hosts": get(HOST + b"Host: shop.example\r\n"),
    "the same host twice": get(HOST + HOST),
    "no host": get(b""),
    "a host that is none": get(b"Host: a b\r\n"),
    "a host with a path": get(b"Host: a/b\r\n"),
    "4,400 zeros": get(HOST + b"Content-Length: " + b"0" * 4_400 + b"\r\n"),
    "two lengths": get(HOST + b"Content-Length: 0\r\nContent-Length: 54\r\n", INNER),
    "the same length twice": get(HOST + b"Content-Length: 54\r\nContent-Length: 54\r\n", INNER),
    "two lengths in one": get(HOST + b"Content-Length: 54, 54\r\n", INNER),
    "a negative length": get(HOST + b"Content-Length: -1\r\n", INNER),
    "a length with a sign": get(HOST + b"Content-Length: +54\r\n", INNER),
    "a length in hex": get(HOST + b"Content-Length: 0x36\r\n", INNER),
    "a length with a gap": get(HOST + b"Content-Length: 5 4\r\n", INNER),
    "an empty length": get(HOST + b"Content-Length: \r\n", INNER),
    "a length and chunks": get(HOST + b"Content-Length: 5\r\n" + CHUNKED, b"0\r\n\r\n" + INNER),
    "chunks and a length": get(HOST + CHUNKED + b"Content-Length: 5\r\n", b"0\r\n\r\n" + INNER),
    "chunks twice": get(HOST + CHUNKED + CHUNKED, b"0\r\n\r\n" + INNER),
    "chunks in HTTP/1.0": get(HOST + CHUNKED, b"0\r\n\r\n" + INNER, line=b"GET /health/live HTTP/1.0\r\n"),
    "a space before the colon": get(HOST + b"Content-Length : 54\r\n", INNER),
    "a tab before the colon": get(HOST + b"Transfer-Encoding\t: chunked\r\n", INNER),
    "a folded header": get(HOST + b"X: a\r\n b\r\n"),
    "a header that begins with a space": get(b" " + HOST),
    "a header without a name": get(HOST + b": a\r\n"),
    "a header without a colon": get(HOST + b"abc\r\n"),
    "a header with a NUL": get(HOST + b"X: a\0b\r\n"),
    "a bare CR in a header": get(HOST + b"X: a\rContent-Length: 54\r\n", INNER),
    "a bare LF in a header": get(HOST + b"X: a\nContent-Length: 54\r\n", INNER),
    "lines that end with LF": b"GET /health/live HTTP/1.1\nHost: 127.0.0.1\n\n",
    "a line that ends with LF": b"GET /health/live HTTP/1.1\n" + HOST + b"\r\n",
    "two spaces": get(HOST, line=b"GET  /health/live HTTP/1.1\r\n"),
    "a tab": get(HOST, line=b"GET\t/health/live HTTP/1.1\r\n"),
    "something after the version": get(HOST, line=b"GET /health/live HTTP/1.1 x\r\n"),
    "no version": get(HOST, line=b"GET /health/live\r\n"),
    "a fragment": get(HOST, line=b"GET /health/live#x HTTP/1.1\r\n"),
    "a target that is no path": get(HOST, line=b"GET health/live HTTP/1.1\r\n"),
    "a star": get(HOST, line=b"GET * HTTP/1.1\r\n"),
    "another host in the URL": get(HOST, line=b"GET http://localhost/health/live HTTP/1.1\r\n"),
    "a port in the URL alone": get(HOST, line=b"GET http://127.0.0.1:80/health/live HTTP/1.1\r\n"),
    "a user in the URL": get(HOST, line=b"GET http://x@127.0.0.1/health/live HTTP/1.1\r\n"),
    "a user in both": get(b"Host: x@127.0.0.1\r\n", line=b"GET http://x@127.0.0.1/health/live HTTP/1.1\r\n"),
    "a user in the URL of HTTP/1.0": get(b"", line=b"GET http://x@127.0.0.1/health/live HTTP/1.0\r\n"),
    "bytes beyond ASCII": get(HOST, line=b"GET /\xc3\xa4 HTTP/1.1\r\n"),
    "three empty lines": b"\r\n\r\n\r\n" + LIVE,
    "the beginning of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}
IN_CHUNKS = {
    "no length": b"\r\n" + INNER,
    "a length that is none": b"g\r\n" + INNER,
    "a negative length": b"-1\r\n" + INNER,
    "a length in hex twice": b"0x5\r\nhello\r\n0\r\n\r\n",
    "a long length": b"f" * 17 + b"\r\n" + INNER,
    "a line that ends with LF": b"5\nhello\n0\n\n" + INNER,
    "a chunk longer than it says": b"5\r\nhello!\r\n0\r\n\r\n" + INNER,
    "a line without an end": b"5;" + b"x" * 10_000,
    "a trailer that is none": b"0\r\nno trailer\r\n\r\n" + INNER,
    "a folded trailer": b"0\r\nX: a\r\n b\r\n\r\n" + INNER,
}
NOT_SPOKEN = {
    "another transfer coding": (get(HOST + b"Transfer-Encoding: gzip, chunked\r\n", INNER), 501),
    "a transfer coding that is none": (get(HOST + b"Transfer-Encoding: xchunked\r\n", INNER), 501),
    "another version": (get(HOST, line=b"GET /health/live HTTP/2.0\r\n"), 505),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "another method": (get(HOST, line=b"BREW /health/live HTTP/1.1\r\n"), 501),
    "a tunnel": (get(HOST, line=b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n"), 501),
}


@pytest.mark.parametrize("name", TWO_READINGS)
def test_a_request_that_can_be_read_in_two_ways_is_refused_and_what_follows_is_not_read(
    bridge: BridgeProcess, name: str
) -> None:
    with Stranger(bridge) as stranger:
        stranger.send(TWO_READINGS[name] + LIVE)
        answer = stranger.answer()
        assert (answer.status, answer.headers["connection"]) == (400, "close")
        assert answer.headers["content-type"] == "application/problem+json"
        assert stranger.is_closed()


@pytest.mark.parametrize("name", IN_CHUNKS)
def test_chunks_that_can_be_read_in_two_ways_are_refused_and_what_follows_is_not_read(
    bridge: BridgeProcess, name: str
) -> None:
    with Stranger(bridge) as stranger:
        stranger.send(get(HOST + CHUNKED, IN_CHUNKS[name], line=b"POST /api/events HTTP/1.1\r\n") + LIVE)
        assert stranger.answers() == [400]


@pytest.mark.parametrize("name", NOT_SPOKEN)
def test_what_is_not_spoken_here_is_said_to_be_so(bridge: BridgeProcess, name: str) -> None:
    content, status = NOT_SPOKEN[name]
    with Stranger(bridge) as stranger:
        stranger.send(content + LIVE)
        assert stranger.answers() == [status]


@pytest.mark.parametrize(
    "request_",
    [
        b"\r\n" + LIVE,
        get(b"", line=b"GET /health/live HTTP/1.0\r\n"),
        get(b"hOST:127.0.0.1\r\n"),
        get(b"Host: \t127.0.0.1 \t\r\n"),
        get(HOST, line=b"GET http://127.0.0.1/health/live HTTP/1.1\r\n"),
        get(b"Host: Localhost\r\n", line=b"GET HTTP://localHOST/health/live HTTP/1.1\r\n"),
        get(HOST + b"Content-Length: 0005\r\n", b"hello"),
        get(HOST + b"Transfer-Encoding: Chunked\r\n", b"5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n"),
        get(HOST + b"X:\r\nX: \xe4\t\xf6\r\n"),
    ],
    ids=["after-an-empty-line", "1.0", "any-case", "spaces", "whole-url", "any-host", "zeros", "chunks", "latin"],
)
def test_what_can_be_read_in_one_way_only_is_answered(bridge: BridgeProcess, request_: bytes) -> None:
    with Stranger(bridge) as stranger:
        stranger.send(request_)
        assert stranger.answer().status == 200


def test_head_is_answered_as_get_without_the_content_and_another_request_may_follow(bridge: BridgeProcess) -> None:
    for path in (b"/health/live", b"/health/ready", b"/metrics", b"/api/payments?requestId=1", b"/missing"):
        with Stranger(bridge) as stranger:
            ask = LIVE.replace(b"/health/live", path)
            stranger.send(ask.replace(b"GET", b"HEAD") + ask)
            head, got = stranger.answer("HEAD"), stranger.answer()
            assert (head.status, head.headers.get("content-type")) == (got.status, got.headers.get("content-type"))


def test_an_empty_body_is_told_what_is_missing(bridge: BridgeProcess) -> None:
    for path in (b"/api/events", b"/api/payments"):
        with Stranger(bridge) as stranger:
            stranger.send(b"POST " + path + b" HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n")
            answer = stranger.answer()
            assert answer.status == 400
            assert b"'data'" not in answer.body
            assert b"JSON" in answer.body
