"""Smuggling through nginx and HAProxy, as deploy/ has them: of two readers of one connection neither may find a
request that the other did not, and nobody else is answered by it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from benchmarks.servers import free_port
from tests.asking import client_of
from tests.conftest import BridgeProcess
from tests.fronts import deployed, haproxy_without_tls, nginx_without_tls
from tests.proxies import Proxy, running_haproxy, running_nginx
from tests.system.attacks.strangers import Stranger
from tests.system.attacks.test_smuggling import CHUNKED, HOST, IN_CHUNKS, NOT_SPOKEN, TWO_READINGS, get
from tests.system.attacks.test_upgrades import inner_request, published

INNER = inner_request()
"""What the proxy lets nobody ask: it is published if the bridge reads it all the same."""
LAST = get(HOST + b"Connection: close\r\n", line=b"GET /socket.io/?EIO=3&transport=polling HTTP/1.1\r\n")
OLD_PROTOCOL, NOT_SIGNED, SHUT = 400, 401, 404
BEGINNING = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
NOTHING_MORE = b"0\r\n\r\n"
IN_A_CHUNK = b"%x\r\n%b\r\n" % (len(INNER), INNER)
LENGTH = b"Content-Length: %d\r\n" % len(INNER)
LENGTH_WITH_END = b"Content-Length: %d\r\n" % len(NOTHING_MORE + INNER)
UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
SOCKET = b"GET /socket.io/?EIO=4&transport=websocket%b HTTP/1.1\r\n"
WEBHOOK = b"POST /webhooks/shkeeper HTTP/1.1\r\n"
CODINGS = (
    *(b"xchunked", b"chunked, identity", b"identity", b"identity, chunked", b"chunked;q=1", b"\x0bchunked"),
    *(b"chunked\0", b'"chunked"', b"gzip, chunked", b",chunked", b"chunked,", b"chunked, chunked", b"chunked\t"),
)


def post(headers: bytes, body: bytes = b"", *, line: bytes = WEBHOOK, host: bytes = HOST) -> bytes:
    return get(host + headers, body, line=line)


def coded(coding: bytes, headers: bytes = b"") -> bytes:
    return post(b"Transfer-Encoding: %b\r\n" % coding + headers, NOTHING_MORE + INNER)


def handshake(headers: bytes, query: bytes = b"") -> bytes:
    return post(UPGRADE + headers, INNER, line=SOCKET % query)


ODD = {
    **{f"alone: {name}": request for name, request in TWO_READINGS.items()},
    **{f"in chunks: {name}": post(CHUNKED, body) for name, body in IN_CHUNKS.items()},
    **{f"not spoken: {name}": request for name, (request, _) in NOT_SPOKEN.items() if "HTTP/2" not in name},
    **{f"{coding!r} and a length": coded(coding, LENGTH_WITH_END) for coding in CODINGS},
    **{f"{coding!r} alone": coded(coding) for coding in CODINGS},
    "a length of nothing and a chunk": post(b"Content-Length: 0\r\n" + CHUNKED, IN_A_CHUNK + NOTHING_MORE),
    "a coding with an underscore": post(b"Transfer_Encoding: chunked\r\n" + LENGTH_WITH_END, NOTHING_MORE + INNER),
    "a length with an underscore": post(b"Content_Length: 0\r\n" + LENGTH, INNER),
    "a folded coding": post(b"Transfer-Encoding:\r\n chunked\r\n" + LENGTH_WITH_END, NOTHING_MORE + INNER),
    "a folded header": post(b"X: a\r\n Transfer-Encoding: chunked\r\n" + LENGTH_WITH_END, NOTHING_MORE + INNER),
    "an extension": post(CHUNKED, IN_A_CHUNK.replace(b"\r\n", b";a=b\r\n", 1) + NOTHING_MORE),
    "an extension with a line feed": post(CHUNKED, IN_A_CHUNK.replace(b"\r\n", b";\n", 1) + NOTHING_MORE),
    "an extension of two lines": post(CHUNKED, IN_A_CHUNK.replace(b"\r\n", b';a="\r\nb"\r\n', 1) + NOTHING_MORE),
    "a long extension": post(CHUNKED, IN_A_CHUNK.replace(b"\r\n", b";%b\r\n" % (b"x" * 5_000), 1) + NOTHING_MORE),
    "a length of 80 bits": post(CHUNKED, b"10000000000000000" + IN_A_CHUNK + NOTHING_MORE),
    "many zeros": post(CHUNKED, b"0" * 40 + IN_A_CHUNK + NOTHING_MORE),
    "trailers that are headers": post(CHUNKED, b"0\r\n" + CHUNKED + b"Content-Length: 7\r\n\r\n" + INNER),
    "a trailer that ends with a line feed": post(CHUNKED, b"0\r\nX: y\n\n" + INNER),
    "a body of GET": post(LENGTH, INNER, line=SOCKET % b""),
    "a body of HEAD": post(LENGTH, INNER, line=b"HEAD /webhooks/shkeeper HTTP/1.1\r\n"),
    "a body of OPTIONS": post(LENGTH, INNER, line=b"OPTIONS /socket.io/ HTTP/1.1\r\n"),
    "a body in chunks of GET": post(CHUNKED, IN_A_CHUNK + NOTHING_MORE, line=SOCKET % b""),
    "HTTP/1.0 that is kept": post(b"Connection: keep-alive\r\n" + LENGTH, INNER, line=WEBHOOK[:-3] + b"0\r\n"),
    "a bare LF before the length": post(b"X: a\nContent-Length: %d\r\n" % len(INNER), INNER),
    "a whole URL": post(LENGTH, INNER, line=b"POST http://127.0.0.1/webhooks/shkeeper HTTP/1.1\r\n"),
    "lines in the path": post(LENGTH, INNER, line=b"POST /webhooks/x%20HTTP/1.1%0d%0a%0d%0a HTTP/1.1\r\n"),
    "no host": post(LENGTH, INNER, host=b""),
    "a body that waits": post(b"Expect: 100-continue\r\n" + LENGTH, INNER),
    "a connection's length": post(b"Connection: Content-Length\r\n" + LENGTH, INNER),
    "a connection's coding": post(b"Connection: Transfer-Encoding\r\n" + CHUNKED, IN_A_CHUNK + NOTHING_MORE),
    "an upgrade with a body": post(UPGRADE + LENGTH, INNER, line=b"POST /socket.io/ HTTP/1.1\r\n"),
    "a WebSocket with a body": handshake(KEY + b"Sec-WebSocket-Version: 13\r\n" + LENGTH),
    "a WebSocket of another version": handshake(KEY + b"Sec-WebSocket-Version: 12\r\n"),
    "a WebSocket without a key": handshake(b"Sec-WebSocket-Version: 13\r\n"),
    "a WebSocket of nobody": handshake(KEY + b"Sec-WebSocket-Version: 13\r\n", b"&sid=x"),
    "an answer before the body": post(b"Content-Length: 200000\r\n", INNER + b"x" * (200_000 - len(INNER))),
    "requests in a row": post(b"Content-Length: 0\r\n") * 3 + INNER,
}  # fmt: skip
# Headers and bodies of HTTP/2, which both proxies write out as HTTP/1.1.
OF_WEBHOOKS = {b":method": b"POST", b":scheme": b"http", b":path": b"/webhooks/shkeeper", b":authority": b"127.0.0.1"}
LINES = b"x\r\nContent-Length: 0\r\n\r\n" + INNER
OF_HTTP_2: dict[str, tuple[dict[bytes, bytes], bytes]] = {
    "a length of nothing": ({**OF_WEBHOOKS, b"content-length": b"0"}, INNER),
    "a length that is too small": ({**OF_WEBHOOKS, b"content-length": b"5"}, b"hello" + INNER),
    "no length": (OF_WEBHOOKS, INNER),
    "chunks": ({**OF_WEBHOOKS, b"transfer-encoding": b"chunked"}, NOTHING_MORE + INNER),
    "an upgrade": ({**OF_WEBHOOKS, b"connection": b"upgrade", b"upgrade": b"websocket"}, INNER),
    "lines in a value": ({**OF_WEBHOOKS, b"x": LINES}, b""),
    "lines in a name": ({**OF_WEBHOOKS, b"x: y\r\ntransfer-encoding": b"chunked"}, NOTHING_MORE + INNER),
    "a colon in a name": ({**OF_WEBHOOKS, b"content-length: 0\r\nx": b"y"}, INNER),
    "a large letter": ({**OF_WEBHOOKS, b"Transfer-Encoding": b"chunked"}, NOTHING_MORE + INNER),
    "a space in a name": ({**OF_WEBHOOKS, b"transfer-encoding ": b"chunked"}, NOTHING_MORE + INNER),
    "lines in the path": ({**OF_WEBHOOKS, b":path": b"/webhooks/x HTTP/1.1\r\nHost: a\r\n\r\n" + INNER}, b""),
    "a space in the path": ({**OF_WEBHOOKS, b":path": b"/webhooks/x HTTP/1.1"}, INNER),
    "lines in the method": ({**OF_WEBHOOKS, b":method": b"POST /api/events HTTP/1.1\r\nX: y\r\n\r\nPOST"}, INNER),
    "another host": ({**OF_WEBHOOKS, b"host": b"other"}, INNER),
    "lines in the host": ({**OF_WEBHOOKS, b":authority": LINES}, INNER),
}
HEADERS_FRAME, DATA_FRAME, RST_STREAM, SETTINGS, GOAWAY = 1, 0, 3, 4, 7
END_STREAM, END_HEADERS = 1, 4


@dataclass(frozen=True, slots=True)
class Front:
    """A proxy, by both of its ports."""

    proxy: Proxy
    http_2: Proxy


@pytest.fixture(scope="module", params=["nginx", "haproxy"])
def front(
    request: pytest.FixtureRequest, bridge: BridgeProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    folder, port, http_2 = tmp_path_factory.mktemp(request.param), free_port(), free_port()
    if request.param == "nginx":
        listen = f"listen 127.0.0.1:{port}; listen 127.0.0.1:{http_2} http2;"
        without_api = {"    location /api/ { proxy_pass http://bridge; }\n": ""}
        configuration = deployed("nginx.conf", {**nginx_without_tls(listen, [bridge]), **without_api})
        running = running_nginx(folder, configuration, port)
    else:
        binds = f"bind 127.0.0.1:{port}\n    bind 127.0.0.1:{http_2} proto h2"
        configuration = deployed("haproxy.cfg", {**haproxy_without_tls(binds, [bridge]), " /api/": ""})
        running = running_haproxy(folder, configuration, port)
    with running as proxy:
        yield Front(proxy, Proxy(http_2, proxy.log))


def assert_others_are_answered(front: Front, name: str) -> None:
    """Whoever asks next, over a connection to the bridge that the proxy keeps, is answered what they asked."""
    with client_of(front.proxy.url) as client:
        for _ in range(2):
            assert client.post("/webhooks/shkeeper", content=b"{}").status_code == NOT_SIGNED, name
            answer = client.get("/socket.io/?EIO=3&transport=polling")
            assert (answer.status_code, answer.json()["code"]) == (OLD_PROTOCOL, 5), name


def test_nothing_is_read_through_a_proxy_that_nobody_asked(bridge: BridgeProcess, front: Front) -> None:
    for name, request in ODD.items():
        with Stranger(front.proxy) as stranger:
            stranger.send_what_is_taken(request + LAST)
            said = stranger.rest()
        assert said, name
        statuses = [int(status) for status in BEGINNING.findall(said) if status != b"100"]
        # Itself; what is behind it, as the request that it is; and the last.
        rows = 3 if name == "requests in a row" else 1
        assert set(statuses[rows:]) <= {SHUT, OLD_PROTOCOL}, (name, statuses)
        assert len(statuses) <= rows + 2, (name, statuses)
        assert_others_are_answered(front, name)
    assert published(bridge) == 0


def literal(text: bytes) -> bytes:
    """As HPACK has a string that is not compressed."""
    length = len(text)
    if length < 127:
        return bytes([length]) + text
    rest, length = [127], length - 127
    while length >= 128:
        rest.append(length % 128 + 128)
        length //= 128
    return bytes([*rest, length]) + text


def frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return len(content).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + content


def test_nothing_is_read_out_of_http_2_that_nobody_asked(bridge: BridgeProcess, front: Front) -> None:
    for name, (headers, body) in OF_HTTP_2.items():
        block = b"".join(b"\0" + literal(header) + literal(value) for header, value in headers.items())
        with Stranger(front.http_2) as stranger:
            stranger.send(
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                + frame(SETTINGS, 0, 0, b"")
                + frame(HEADERS_FRAME, END_HEADERS, 1, block)
                + frame(DATA_FRAME, END_STREAM, 1, body)
            )
            while not is_over(*stranger.frame()):
                pass
        assert_others_are_answered(front, name)
    assert published(bridge) == 0


def is_over(kind: int, flags: int) -> bool:
    return kind in (RST_STREAM, GOAWAY) or (kind in (HEADERS_FRAME, DATA_FRAME) and bool(flags & END_STREAM))
