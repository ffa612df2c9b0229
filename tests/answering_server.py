"""HTTP servers in threads of their own that answer in JSON, as a test's gateway or provider says."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple

__all__ = ["Asked", "answering", "answering_requests"]


class Asked(NamedTuple):
    """What is asked of a server."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@contextmanager
def answering(answer: Callable[[str, bytes], tuple[int, dict[str, Any]]]) -> Iterator[str]:
    """Runs one on loopback and gives its URL. `answer` says the status and the content, by path and body."""
    with answering_requests(lambda asked: answer(asked.path, asked.body)) as url:
        yield url


@contextmanager
def answering_requests(answer: Callable[[Asked], tuple[Any, ...] | None]) -> Iterator[str]:
    """The same, by all of a request; headers may follow status and content. Where `answer` gives None, the connection
    is closed without an answer."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answered = answer(Asked(self.command, self.path, dict(self.headers), body))
            if answered is None:
                self.close_connection = True
                return
            status, content, *headers = answered
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Says nothing of it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        serving.join()
