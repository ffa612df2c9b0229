"""The head of an HTTP/1.1 request: its line and its headers, read to the letter of RFC 9112. No I/O.

What can be read in two ways is refused, since a proxy in front may have read it the other way: two lengths, a length
beside chunks, a header folded or with a space before its colon, a line that does not end with CR and LF.
"""

import re
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from bridge.door.limits import DoorLimits

__all__ = ["CHUNKED", "END", "Head", "RequestError", "read_head", "require_readable"]

END = b"\r\n\r\n"
CHUNKED = -1
"""The length of a body that comes in chunks, and so says itself where it ends."""

METHODS = {b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE"}
LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]++) ([!-~]++) HTTP/(\d\.\d)")
# Whole, and without looking back: what is wrong is found in one pass over the bytes.
HEADERS = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]++:[\t -~\x80-\xff]*+\r\n)*+")
# One of them, once they are known to be such, without the blanks around its value.
FIELD = re.compile(rb"([^:]++):[ \t]*+((?:[^\r]*[^\r \t])?)[ \t]*+\r\n")
PLAIN_PATH = re.compile(rb"/[A-Za-z0-9/._-]*")
PATH = re.compile(rb"(/[^?#]*)(?:\?([^#]*))?")
# Whoever takes the bridge for a proxy asks so.
ABSOLUTE = re.compile(rb"(?i:https?)://([^/?#]+)(.*)")
HOST = re.compile(rb"[A-Za-z0-9\-._~%!$&'()*+,;=:\[\]]*")
LENGTH = re.compile(rb"[0-9]{1,15}")

OF_FRAMING = {b"host", b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"expect"}
# Once at most, whatever they say: two of them are two readings.
ONCE = {b"host": "Host", b"content-length": "Content-Length", b"transfer-encoding": "Transfer-Encoding"}


Place = tuple[bytes, bytes, str]
"""The path and the query of a target as they came, and the path as text."""


class RequestError(Exception):
    """A request that is not taken in: the answer's status, and what was wrong and what to do."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class Head(NamedTuple):
    """What a request asks, and how it goes on."""

    method: str
    version: str
    path: str
    raw_path: bytes
    query: bytes
    headers: list[tuple[bytes, bytes]]
    """Under lowercase names, in their order."""
    length: int
    """Of the body: in bytes, or CHUNKED."""
    keeps_alive: bool
    """Whether another request may follow on the connection."""
    expects_continue: bool
    """Whether the client sends the body only once it is told to."""
    is_web_socket: bool
    """Whether it asks for a WebSocket, as such a handshake begins. Any other upgrade is passed over (RFC 9110, 7.8):
    the request is one as any."""
    said_id: bytes | None
    """What the client, or a proxy in front, calls the request."""


def read_head(content: bytes, limits: DoorLimits) -> Head:
    """What a head says; `content` is all of it but END. Raises RequestError."""
    line, _, fields = content.partition(b"\r\n")
    method, target, version, place = _line_of(line, limits.target_bytes)
    fields = fields and fields + b"\r\n"
    if HEADERS.fullmatch(fields) is None:
        raise _bad(
            "A header is not name: value on a line of its own that ends with CR and LF; names have no spaces, and"
            " values are not folded."
        )
    headers = [(name.lower(), value) for name, value in FIELD.findall(fields)]
    if len(headers) > limits.headers:
        raise RequestError(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"A request has at most {limits.headers} headers here."
        )
    found = dict(headers)
    if len(found) < len(headers):
        found = _of_framing(headers)
    host = found.get(b"host")
    _require_one_host(host, version)
    raw_path, query, path = place or _place_in(method, target, host)
    length = _length(found, version)
    connection = found.get(b"connection", b"").lower()
    tokens = {token.strip() for token in connection.split(b",")} if connection else ()
    is_current = version == "1.1"
    return Head(
        method=method,
        version=version,
        path=path,
        raw_path=raw_path,
        query=query,
        headers=headers,
        length=length,
        keeps_alive=is_current and b"close" not in tokens,
        expects_continue=is_current and found.get(b"expect", b"").lower() == b"100-continue",
        is_web_socket=method == "GET"
        and is_current
        and length == 0
        and b"upgrade" in tokens
        and b"websocket" in [name.strip() for name in found.get(b"upgrade", b"").lower().split(b",")],
        said_id=found.get(b"x-request-id"),
    )


@lru_cache(maxsize=128)
def _line_of(line: bytes, target_bytes: int) -> tuple[str, bytes, str, Place | None]:
    """The method, the target and the version of a request, and what its target names, if that can be read without the
    host. Most requests have the same few lines. Raises RequestError."""
    read = LINE.fullmatch(line)
    if read is None:
        raise _bad("The request line is not METHOD target HTTP/1.1.")
    method, target, version = read.groups()
    if len(target) > target_bytes:
        raise too_long_target(target_bytes)
    if version not in (b"1.1", b"1.0"):
        raise RequestError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "This server speaks HTTP/1.1.")
    if method not in METHODS:
        raise RequestError(HTTPStatus.NOT_IMPLEMENTED, "This server does not know the request's method.")
    is_plain = PLAIN_PATH.fullmatch(target) is not None
    return method.decode(), target, version.decode(), (target, b"", target.decode()) if is_plain else None


def _of_framing(headers: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """What those say that tell how to read the request: of some that may stand there twice, joined."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in OF_FRAMING:
            if name not in found:
                found[name] = value
            elif name in ONCE:
                raise _bad(f"{ONCE[name]} stands there twice.")
            else:
                found[name] += b"," + value
    return found


def _require_one_host(host: bytes | None, version: str) -> None:
    if host is None:
        if version == "1.1":
            raise _bad("Host is missing; HTTP/1.1 asks for it.")
    elif HOST.fullmatch(host) is None:
        raise _bad("Host is no name and no address.")


def _place_in(method: str, target: bytes, host: bytes | None) -> Place:
    absolute = ABSOLUTE.fullmatch(target)
    if absolute is not None:
        authority, rest = absolute.groups()
        if HOST.fullmatch(authority) is None or (host is not None and authority.lower() != host.lower()):
            raise _bad("The target of the request names another host than Host does, or a user; ask for its path.")
        target = rest if rest.startswith(b"/") else b"/" + rest
    if target == b"*" and method == "OPTIONS":
        return target, b"", "*"
    path = PATH.fullmatch(target)
    if path is None:
        raise _bad("The target of the request is no path, such as /health/live.")
    raw_path, query = path[1], path[2] or b""
    _unescaped(query)  # for whoever reads it
    return raw_path, query, _unescaped(raw_path)


def _unescaped(content: bytes) -> str:
    """A part of the target as text. What is no UTF-8, such as half a character, every reader reads in its own way."""
    try:
        return (unquote_to_bytes(content) if b"%" in content else content).decode()
    except UnicodeDecodeError:
        raise _bad("The target of the request has bytes after % that are no character in UTF-8.") from None


def _length(found: dict[bytes, bytes], version: str) -> int:
    length, coding = found.get(b"content-length"), found.get(b"transfer-encoding")
    if coding is not None:
        if length is not None:
            raise _bad("Content-Length and Transfer-Encoding say twice how long the body is.")
        if version == "1.0":
            raise _bad("HTTP/1.0 has no Transfer-Encoding.")
        if coding.lower() != b"chunked":
            raise RequestError(HTTPStatus.NOT_IMPLEMENTED, "The only Transfer-Encoding here is chunked.")
        return CHUNKED
    if length is None:
        return 0
    if LENGTH.fullmatch(length) is None:
        raise _bad("Content-Length is no number of bytes, in at most 15 digits.")
    return int(length)


def require_readable(content: bytes, begin: int, limits: DoorLimits) -> None:
    """Raises RequestError if a head of which this is the beginning cannot become one that is taken in. What is before
    `begin` was looked at before."""
    if _has_bare_ends(content, begin, limits.head_bytes):
        raise _bad("A line of the request does not end with CR and LF.")
    if len(content) > limits.target_bytes + 64 and content.find(b"\r\n", 0, limits.target_bytes + 64) < 0:
        raise too_long_target(limits.target_bytes)
    if len(content) > limits.head_bytes:
        raise RequestError(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            f"The line and the headers of a request have at most {limits.head_bytes} bytes here.",
        )


def _has_bare_ends(content: bytes, begin: int, end: int) -> bool:
    """Whether a line feed ends no line, or a return is followed by none; of the last byte nobody can say. They are
    counted, which is thirty times as fast as to look for one."""
    end = min(end, len(content))
    begin -= content.endswith(b"\r", 0, begin)
    line_ends = content.count(b"\r\n", begin, end)
    return content.count(b"\n", begin, end) > line_ends or content.count(b"\r", begin, end - 1) > line_ends


def too_long_target(target_bytes: int) -> RequestError:
    return RequestError(
        HTTPStatus.REQUEST_URI_TOO_LONG, f"The target of a request has at most {target_bytes} bytes here."
    )


def _bad(detail: str) -> RequestError:
    return RequestError(HTTPStatus.BAD_REQUEST, detail)
