"""A neighbour whose HTTP answers are made to hurt: they never end, come to a gigabyte, nest without a floor. It can
pass on to a real one what it does not lie about."""

import functools
import http.client
import json
import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from socketserver import StreamRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit

__all__ = [
    "INTERIM",
    "LIES",
    "Asked",
    "LyingNeighbour",
    "answer",
    "bomb",
    "drip",
    "drip_head",
    "encoded",
    "endless",
    "lying_neighbour",
    "nested_bomb",
    "redirect",
]

BOMB_BYTES = 400_000_000
PIECE_BYTES = 1_000_000
# What deflate may say as often as it likes, and which comes to nothing.
EMPTY_BLOCK = b"\x00\x00\x00\xff\xff"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
# An answer that drips is one byte at a time, well before anybody who waits for the next byte alone gives up.
DRIP_SECONDS = 0.05


@dataclass(frozen=True)
class Asked:
    """A question as it came."""

    method: str
    path: str
    body: bytes


Pieces = Iterator[bytes]
Lie = Callable[[Asked], Pieces]


def answer(content: object, status: int = 200) -> Lie:
    """An answer in JSON, or of these bytes."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()

    def told(_: Asked) -> Pieces:
        yield b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status, len(body), body)

    return told


@functools.cache
def _compressed() -> bytes:
    """JSON that is as long as it can be said to be in a few hundred thousand bytes."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [compressor.compress(b'{"status": "success", "crypto": ["')]
    parts += (compressor.compress(b" " * PIECE_BYTES) for _ in range(BOMB_BYTES // PIECE_BYTES))
    return b"".join([*parts, compressor.compress(b'"]}'), compressor.flush()])


def _encoded(encoding: bytes, body: bytes) -> Pieces:
    yield b"HTTP/1.1 200 X\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (encoding, len(body))
    yield body


def encoded(content: bytes) -> Lie:
    """An honest answer, compressed as was asked for."""
    return lambda _: _encoded(b"gzip", zlib.compress(content, wbits=31))


def bomb(_: Asked) -> Pieces:
    """Four hundred megabytes in four hundred kilobytes."""
    return _encoded(b"gzip", _compressed())


def nested_bomb(_: Asked) -> Pieces:
    """The same within a second encoding."""
    return _encoded(b"gzip, gzip", zlib.compress(_compressed(), wbits=31))


def drip(_: Asked) -> Pieces:
    """An answer that goes on and never ends."""
    yield b"HTTP/1.1 200 X\r\nContent-Length: 1000000\r\n\r\n"
    while True:
        yield b" "
        threading.Event().wait(DRIP_SECONDS)


def drip_head(_: Asked) -> Pieces:
    """The same before the answer has begun."""
    yield b"HTTP/1.1 200 X\r\nX-Never: "
    while True:
        yield b"x"
        threading.Event().wait(DRIP_SECONDS)


def endless(_: Asked) -> Pieces:
    """As much as is taken, without a length."""
    yield b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"%x\r\n%s\r\n" % (PIECE_BYTES, b" " * PIECE_BYTES)


def interim(_: Asked) -> Pieces:
    """One interim answer after the other, and never another."""
    while True:
        yield INTERIM * (PIECE_BYTES // len(INTERIM))


def _endless_encoded(beginning: bytes, block: bytes) -> Lie:
    def told(_: Asked) -> Pieces:
        yield b"HTTP/1.1 200 X\r\nContent-Encoding: gzip\r\n\r\n"
        yield beginning
        while True:
            yield block * (PIECE_BYTES // len(block))

    return told


def redirect(_: Asked) -> Pieces:
    yield b"HTTP/1.1 302 X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


LIES: dict[str, Lie] = {
    "bomb": bomb,
    "nested bomb": nested_bomb,
    "endless": endless,
    "interim": interim,
    "redirect": redirect,
    "deep": answer(b"[" * 100_000),
    "deep object": answer(b'{"a":' * 100_000),
    "million digits": answer(b'{"amount": ' + b"9" * 1_000_000 + b"}"),
    "million decimals": answer(b'{"amount": 0.' + b"9" * 1_000_000 + b"}"),
    "not a number": answer(b'{"amount": NaN, "result": Infinity}'),
    "exponent": answer(b'{"amount": 1e99999999999999999999}'),
    "lone surrogate": answer(b'{"status": "success", "result": "\\ud800", "crypto": ["\\ud800"]}'),
    "no text": answer(b"\xff\xfe\x00"),
    "encoded by nothing": lambda _: _encoded(b"gzip", b"{}"),
    "half encoded": lambda _: _encoded(b"gzip", zlib.compress(b'{"status": "success"}', wbits=31)[:-9]),
    "endless past its end": _endless_encoded(zlib.compress(b"{}", wbits=31), b" "),
    "endless and empty": _endless_encoded(zlib.compress(b"{}", wbits=31)[:10], EMPTY_BLOCK),
    "no answer": answer(b""),
    "many names": answer(b"{%s}" % b",".join(b'"k%d":{}' % number for number in range(120_000))),
    "no HTTP": lambda _: iter([b"SSH-2.0-neighbour\r\n"]),
}
"""What ends by itself, or is ended by whoever reads no more of it."""


@dataclass
class LyingNeighbour:
    """Lies as `lie` says about each question; about what it returns None for it tells what the one `behind` says."""

    lie: Callable[[Asked], Pieces | None]
    behind: str = ""
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    ended: list[Asked] = field(default_factory=list)
    """The questions whose answers are over, or were hung up on."""


class _Handler(StreamRequestHandler):
    neighbour: LyingNeighbour

    def handle(self) -> None:
        with suppress(OSError, ValueError):
            method, path, _ = self.rfile.readline().decode().split()
            headers = http.client.parse_headers(self.rfile)
            body = self.rfile.read(int(headers.get("Content-Length", 0)))
            asked = Asked(method, path, body)
            self.neighbour.asked.append(asked)
            try:
                pieces = self.neighbour.lie(asked)
                for piece in pieces if pieces is not None else self._passed_on(asked, dict(headers.items())):
                    self.wfile.write(piece)
            finally:
                self.neighbour.ended.append(asked)

    def _passed_on(self, asked: Asked, headers: dict[str, str]) -> Pieces:
        where = urlsplit(self.neighbour.behind)
        kept = {name: value for name, value in headers.items() if name.lower() not in ("host", "accept-encoding")}
        # Also where whoever has asked does not wait for the answer.
        with closing(http.client.HTTPConnection(str(where.hostname), where.port)) as connection:
            connection.request(asked.method, asked.path, asked.body or None, kept)
            said = connection.getresponse()
            yield from answer(said.read(), said.status)(asked)


@contextmanager
def lying_neighbour(lie: Callable[[Asked], Pieces | None], *, behind: str = "") -> Iterator[LyingNeighbour]:
    """Runs it on loopback, each question in a thread of its own."""
    neighbour = LyingNeighbour(lie, behind)

    class Server(ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 128

        def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
            with suppress(OSError):
                super().shutdown_request(request)

    with Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"neighbour": neighbour})) as server:
        neighbour.url = f"http://127.0.0.1:{server.server_address[1]}"
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        serving.start()
        try:
            yield neighbour
        finally:
            server.shutdown()
            serving.join()
