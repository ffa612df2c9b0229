"""What connect handlers are told of a client's request: the `environ` that python-socketio documents."""

from functools import lru_cache
from typing import Any

from bridge.sockets.incoming import Message, Receive, Send

__all__ = ["environ_of", "without_request"]

# What belongs to the one request, and would be kept for as long as the client stays.
OF_THE_REQUEST = ("asgi.receive", "asgi.send", "asgi.scope")


@lru_cache(maxsize=4096)
def _key(name: bytes) -> str:
    return "HTTP_" + name.decode("latin-1").upper().replace("-", "_")


@lru_cache(maxsize=4096)
def _value(value: bytes) -> str:
    """The same for all clients that sent the same, which most do."""
    return value.decode("latin-1")


def environ_of(scope: Message, receive: Receive, send: Send) -> dict[str, Any]:
    """The request of a WebSocket, in the words of CGI."""
    client = scope.get("client") or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": scope["path"],
        "QUERY_STRING": _value(scope["query_string"]),
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.url_scheme": "https" if scope.get("scheme") == "wss" else "http",
        "asgi.receive": receive,
        "asgi.send": send,
        "asgi.scope": scope,
    }
    for name, value in scope["headers"]:
        key = _key(name)
        environ[key] = f"{environ[key]},{_value(value)}" if key in environ else _value(value)
    return environ


def without_request(environ: dict[str, Any]) -> dict[str, Any]:
    """What is kept of it."""
    return {key: value for key, value in environ.items() if key not in OF_THE_REQUEST}
