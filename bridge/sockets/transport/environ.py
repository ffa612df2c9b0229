"""A client's request as the `environ` that python-socketio documents, and the little of it that is kept."""

from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

from bridge.sockets.transport.incoming import Message, Receive, Send

__all__ = ["environ_of", "put_body", "query_of", "stored_of"]

# The others, and the request itself, would be kept for as long as a client stays, and hold what it likes.
STORED = ("REQUEST_METHOD", "REMOTE_ADDR", "REMOTE_PORT", "wsgi.url_scheme")

# In CGI, alone among the headers, these are called by their own names.
CONTENT_HEADERS = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}


class RequestBody:
    """The body of a request, which has come already."""

    __slots__ = ("_content",)

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def read(self, length_bytes: int) -> bytes:
        """Its beginning; once."""
        content, self._content = self._content[:length_bytes], b""
        return content


@lru_cache(maxsize=256)  # browsers send the same dozen; of what strangers make up, no more is kept
def _key(name: bytes) -> str:
    return CONTENT_HEADERS.get(name.lower()) or "HTTP_" + name.decode("latin-1").upper().replace("-", "_")


def environ_of(scope: Message, receive: Receive, send: Send) -> dict[str, Any]:
    """A request, in the words of CGI; one for a WebSocket is a GET."""
    client = scope.get("client") or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.get("method", "GET"),
        "PATH_INFO": scope["path"],
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.url_scheme": "https" if scope.get("scheme") in ("https", "wss") else "http",
        "wsgi.input": RequestBody(b""),
        "asgi.receive": receive,
        "asgi.send": send,
        "asgi.scope": scope,
    }
    for name, value in scope["headers"]:
        key, text = _key(name), value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    environ["CONTENT_LENGTH"] = "0"
    return environ


def put_body(environ: dict[str, Any], body: bytes) -> None:
    """Its body has come."""
    environ["wsgi.input"] = RequestBody(body)
    environ["CONTENT_LENGTH"] = str(len(body))  # whatever the client has called it, if it has


def stored_of(environ: dict[str, Any]) -> dict[str, Any]:
    """What connect handlers are told of it, and what is kept."""
    return {key: environ[key] for key in STORED}


def query_of(query_string: bytes) -> dict[str, str]:
    """The value of each name in a query; of one that stands there twice all together, which are none that is known.
    Others read the last, or refuse it."""
    if query_string in USUAL_QUERIES:
        return USUAL_QUERIES[query_string]
    return _read_query(query_string)


def _read_query(query_string: bytes) -> dict[str, str]:
    return {name: ",".join(values) for name, values in parse_qs(query_string.decode("latin-1")).items()}


# With which a thousand come at once. Others are read anew: what strangers make up is not kept.
USUAL_QUERIES = {query: _read_query(query) for query in (b"EIO=4&transport=websocket", b"EIO=4&transport=polling")}
