"""What connect handlers are told of a client's request: the `environ` that python-socketio documents."""

from functools import lru_cache
from typing import Any

from bridge.sockets.incoming import Message, Receive, Send

__all__ = ["environ_of", "put_body", "without_request"]

# What belongs to the one request, and would be kept for as long as the client stays.
OF_THE_REQUEST = ("asgi.receive", "asgi.send", "asgi.scope", "wsgi.input")

# In CGI, alone among the headers, these are called by their own names.
CONTENT_HEADERS = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}


class Body:
    """The body of a request, which has come already."""

    __slots__ = ("_content",)

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def read(self, length_bytes: int) -> bytes:
        """Its beginning; once."""
        content, self._content = self._content[:length_bytes], b""
        return content


@lru_cache(maxsize=4096)
def _key(name: bytes) -> str:
    return CONTENT_HEADERS.get(name.lower()) or "HTTP_" + name.decode("latin-1").upper().replace("-", "_")


@lru_cache(maxsize=4096)
def _value(value: bytes) -> str:
    """The same for all clients that sent the same, which most do."""
    return value.decode("latin-1")


def environ_of(scope: Message, receive: Receive, send: Send) -> dict[str, Any]:
    """A request, in the words of CGI; one for a WebSocket is a GET."""
    client = scope.get("client") or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.get("method", "GET"),
        "PATH_INFO": scope["path"],
        "QUERY_STRING": _value(scope["query_string"]),
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.url_scheme": "https" if scope.get("scheme") in ("https", "wss") else "http",
        "wsgi.input": Body(b""),
        "asgi.receive": receive,
        "asgi.send": send,
        "asgi.scope": scope,
    }
    for name, value in scope["headers"]:
        key = _key(name)
        environ[key] = f"{environ[key]},{_value(value)}" if key in environ else _value(value)
    environ["CONTENT_LENGTH"] = "0"
    return environ


def put_body(environ: dict[str, Any], body: bytes) -> None:
    """Its body has come."""
    environ["wsgi.input"] = Body(body)
    environ["CONTENT_LENGTH"] = str(len(body))  # whatever the client has called it, if it has


def without_request(environ: dict[str, Any]) -> dict[str, Any]:
    """What is kept of it."""
    return {key: value for key, value in environ.items() if key not in OF_THE_REQUEST}
