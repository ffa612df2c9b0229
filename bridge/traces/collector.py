"""Questions to a collector of traces, held to a deadline for the whole and a bound on the answer: requests, by which
OpenTelemetry asks, reads and decodes an answer to its end, for as long as a byte comes now and then."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPException, HTTPResponse
from threading import Timer, local
from typing import IO, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

__all__ = ["CollectorSession"]

# What a collector has to say is some bytes long. What is longer is not read, and its connection is closed.
ANSWER_LIMIT_BYTES = 65_536
HEAD_LIMIT_BYTES = 65_536


class _Question(local):
    """What is under way in this thread."""

    current: "_Deadline | None" = None


class _Deadline:
    """Of one question: when its time is up, its connection is cut off, whatever is waited for."""

    def __init__(self) -> None:
        self._connection: HTTPConnection | None = None
        self._is_over = False

    def watch(self, connection: HTTPConnection) -> None:
        self._connection = connection
        if self._is_over:
            self.end()

    def end(self) -> None:
        self._is_over = True
        sock = None if self._connection is None else self._connection.sock
        if sock is not None:
            with suppress(OSError):
                # Of the connection itself: that of TLS would go on without TLS.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


_question = _Question()


class _Head:
    """What comes before an answer, as http.client reads it, which passes over interim answers without an end. Those
    are read on also after the connection is cut off, for as long as they come."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self._left_bytes = HEAD_LIMIT_BYTES

    def readline(self, size: int) -> bytes:
        line = self.file.readline(min(size, self._left_bytes + 1))
        self._left_bytes -= len(line)
        if self._left_bytes < 0:
            raise HTTPException(f"a head of more than {HEAD_LIMIT_BYTES} bytes")
        return line

    def close(self) -> None:
        self.file.close()


class _Response(HTTPResponse):
    """An answer whose head is bounded."""

    fp: Any

    def begin(self) -> None:
        head = self.fp = _Head(self.fp)
        try:
            super().begin()
        finally:
            if self.fp is head:
                self.fp = head.file


class _Watched(HTTPConnection):
    """A connection that the deadline of its question knows."""

    response_class = _Response

    def connect(self) -> None:
        super().connect()
        self._watch()

    def putrequest(self, *what: Any, **options: Any) -> None:
        self._watch()
        super().putrequest(*what, **options)

    def _watch(self) -> None:
        if _question.current is not None:
            _question.current.watch(self)


class _WatchedTls(_Watched, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


class _Adapter(HTTPAdapter):
    """Makes such connections, through a proxy of the environment too."""

    def init_poolmanager(self, *sizes: Any, **options: Any) -> None:
        super().init_poolmanager(*sizes, **options)
        _watch(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(proxy, **options)
        _watch(manager)
        return manager


def _watch(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


class CollectorSession(requests.Session):
    """Asks a collector."""

    def __init__(self) -> None:
        super().__init__()
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter())

    def request(self, *what: Any, **options: Any) -> requests.Response:
        """Asks once. Its `timeout` is for the whole."""
        with _within(options["timeout"]):
            response = super().request(*what, **options | {"stream": True})
            # What is left unread takes its connection along. Nothing is decoded, and the status is there already.
            with closing(response.raw), suppress(HTTPError):
                if response.raw.length_remaining is not None:  # chunks may be followed by trailers without an end
                    response.raw.read(ANSWER_LIMIT_BYTES, decode_content=False)
        return response


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    deadline = _question.current = _Deadline()
    timer = Timer(seconds, deadline.end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        _question.current = None
