"""A stranger, who writes to the bridge's port whatever bytes they like; and what goes on beside them."""

import contextlib
import hashlib
import math
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

import httpx

from tests.asking import client_of, post
from tests.conftest import BridgeProcess
from tests.proxies import Proxy
from tests.system.conftest import Gateway, Listener, StartListener
from tests.waiting import GIVE_UP_SECONDS, wait_until

__all__ = [
    "LIVE",
    "Answer",
    "Stranger",
    "figure",
    "forget_peak",
    "honest_traffic",
    "memory_mb",
    "own_address",
    "peak_memory_mb",
]

LIVE = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
"""A request that is answered 200, and that another may follow."""


@dataclass
class Answer:
    """One answer, as it came."""

    status: int
    headers: dict[str, str]
    body: bytes


class Stranger:
    """One connection. Nothing of it lasts longer than the tests are patient."""

    def __init__(
        self,
        bridge: BridgeProcess | Proxy,
        *,
        host: str = "127.0.0.1",
        source: str = "",
        receive_buffer_bytes: int = 0,
        preface: bytes = b"",
        tls: tuple[ssl.SSLContext, str] | None = None,
    ) -> None:
        """`source` is whose address it comes from, of those of the loopback; `preface` what it says before all else,
        also before TLS; `tls` whom it trusts, and with which name."""
        self._socket = socket.socket()
        if source:
            self._socket.bind((source, 0))
        if receive_buffer_bytes:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self._socket.settimeout(GIVE_UP_SECONDS)
        self._socket.connect((host, bridge.port))
        self._socket.sendall(preface)
        if tls:
            context, name = tls
            self._socket = context.wrap_socket(self._socket, server_hostname=name)
        self._unread = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # also for who reads at the side
        self._socket.close()

    def send(self, content: bytes) -> None:
        self._socket.sendall(content)

    def send_what_is_taken(self, content: bytes, *, seconds: float = 0.2) -> int:
        """How many of these bytes the bridge and the systems between take before they take no more for a while."""
        self._socket.settimeout(seconds)
        taken = 0
        try:
            while taken < len(content):
                taken += self._socket.send(content[taken : taken + 65_536])
        except (TimeoutError, ConnectionError):
            pass
        self._socket.settimeout(GIVE_UP_SECONDS)
        return taken

    def read_on(self) -> None:
        """Reads and forgets whatever comes, from now on and at the side."""
        ours = self._socket.dup()
        ours.settimeout(GIVE_UP_SECONDS)

        def read() -> None:
            with ours, contextlib.suppress(OSError):
                while ours.recv(65_536):
                    pass

        threading.Thread(target=read, daemon=True).start()

    def receive(self) -> bytes:
        """What comes next; nothing at the end."""
        try:
            return self._socket.recv(65_536)
        except ConnectionResetError:
            return b""

    def rest(self) -> bytes:
        """All that comes until the bridge closes the connection."""
        while content := self.receive():
            self._unread += content
        rest, self._unread = self._unread, b""
        return rest

    def answer(self, method: str = "GET") -> Answer:
        """The next answer."""
        line, *fields = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
        body = b""
        if method != "HEAD" and "transfer-encoding" in headers:
            while length := int(self._until(b"\r\n"), 16):
                body += self._take(length)
                self._take(2)
            self._take(2)
        elif method != "HEAD":
            body = self._take(int(headers.get("content-length", "0")))
        return Answer(int(line.split(" ")[1]), headers, body)

    def _until(self, end: bytes) -> bytes:
        while end not in self._unread:
            self._more()
        found, _, self._unread = self._unread.partition(end)
        return found

    def _take(self, length: int) -> bytes:
        while len(self._unread) < length:
            self._more()
        found, self._unread = self._unread[:length], self._unread[length:]
        return found

    def answers(self) -> list[int]:
        """The status of every answer until the bridge closes the connection."""
        self._unread = self.rest()
        found = []
        while self._unread:
            found.append(self.answer().status)
        return found

    def frame(self) -> tuple[int, int]:
        """The next frame of HTTP/2: its kind and its flags."""
        length, kind, flags = int.from_bytes(self._take(3)), *self._take(2)
        self._take(4 + length)
        return kind, flags

    def _more(self) -> None:
        content = self.receive()
        assert content, f"the bridge closed the connection after {self._unread!r}"
        self._unread += content

    def is_closed(self) -> bool:
        """Whether the bridge closes the connection, as it is now, without another word."""
        return self._unread == b"" and self.receive() == b""


def figure(bridge: BridgeProcess, name: str) -> float:
    """One of the bridge's figures, over all labels that the name leaves open."""
    with client_of(bridge.url) as client:
        lines = client.get("/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def memory_mb(bridge: BridgeProcess) -> float:
    return _memory_mb(bridge, "VmRSS")


def peak_memory_mb(bridge: BridgeProcess) -> float:
    """The most that it was since `forget_peak`."""
    return _memory_mb(bridge, "VmHWM")


def forget_peak(bridge: BridgeProcess) -> None:
    with open(f"/proc/{bridge.process.pid}/clear_refs", "w", encoding="ascii") as clearing:  # noqa: PTH123
        clearing.write("5")


def _memory_mb(bridge: BridgeProcess, kind: str) -> float:
    with open(f"/proc/{bridge.process.pid}/status", encoding="ascii") as status:  # noqa: PTH123 (no file of a disk)
        return int(next(line.split()[1] for line in status if line.startswith(kind))) / 1024


def own_address() -> str:
    """One of this machine's that is not its loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        any_socket.connect(("192.0.2.1", 9))  # which sends nothing
        address: str = any_socket.getsockname()[0]
        return address


@dataclass
class Traffic:
    """What was sent and heard beside an attack."""

    statuses: list[int] = field(default_factory=list)
    """Of each signed webhook."""


@contextmanager
def honest_traffic(
    bridge: BridgeProcess, gateway: Gateway, listen: StartListener, *, patience_seconds: float = math.inf
) -> Iterator[Traffic]:
    """A gateway that sends webhooks, one after the other, and a stock client that hears of each; neither may notice
    anything of what happens meanwhile. Where the bridge has less than the usual patience, a webhook that a slow
    machine held back for as long is sent again, as gateways do."""
    name = f"order-{time.monotonic_ns()}"
    registration = {
        "provider": "shkeeper",
        "externalId": name,
        "requestId": name,
        "buyerId": "buyer-1",
        "sellerId": "seller-1",
        "amount": "100000",
        "currency": "USD",
    }
    assert post(f"{bridge.url}/api/payments", json=registration).status_code == 201
    listener = listen(bridge.url, [["join-request-room", name]])
    traffic, is_over = Traffic(), threading.Event()

    def send() -> None:
        paid: list[tuple[str, int]] = []
        answered_at = time.monotonic()
        with client_of(bridge.url) as http:
            while not is_over.is_set():
                paid.append((f"0x{hashlib.sha256(f'{name}/{len(paid)}'.encode()).hexdigest()}", 1))
                body = gateway.invoice(name, paid[-20:], 100_000)
                status = _status_of(http, body, gateway.headers(body))
                pause_seconds, answered_at = time.monotonic() - answered_at, time.monotonic()
                if status in (0, 408) and pause_seconds > patience_seconds / 2:
                    paid.pop()  # and is sent again
                    continue
                traffic.statuses.append(status)
                is_over.wait(0.02)

    sending = threading.Thread(target=send, daemon=True)
    sending.start()
    wait_until(lambda: traffic.statuses)
    try:
        yield traffic
        done = len(traffic.statuses)
        wait_until(lambda: len(traffic.statuses) > done + 1)
    finally:
        is_over.set()
        sending.join(GIVE_UP_SECONDS)
    assert set(traffic.statuses) == {202}, traffic.statuses
    _hears_of(bridge, listener, name)


def _status_of(http: httpx.Client, body: bytes, headers: dict[str, str]) -> int:
    try:
        return http.post("/webhooks/shkeeper", content=body, headers=headers).status_code
    except httpx.HTTPError:
        return 0


def _hears_of(bridge: BridgeProcess, listener: Listener, name: str) -> None:
    listener.fence()
    heard = [content for event, content in listener.events if event == "payment-progress"]
    assert heard, f"a client that stayed has heard nothing of {name}"
    assert not [line for line in listener.heard if "disconnect" in line]
