"""Real clients for the real bridge: the stock JavaScript Socket.IO client in Node, and a gateway that signs."""

import hashlib
import hmac
import json
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.clock import BOOKED_AT
from tests.waiting import GIVE_UP_SECONDS

JAVASCRIPT = Path(__file__).parents[1] / "javascript"

Line = dict[str, Any]


class Hearing:
    """What a client prints, read line by line."""

    def __init__(self) -> None:
        self.lines: queue.Queue[Line | None] = queue.Queue()
        """What it has printed and nobody has waited for yet; None once it has ended."""
        self.heard: list[Line] = []

    def wait_for(self, wanted: Callable[[Line], bool]) -> Line:
        """Reads on until a wanted line comes; everything up to it has then been heard."""
        give_up = time.monotonic() + GIVE_UP_SECONDS
        while True:
            try:
                line = self.lines.get(timeout=max(0.01, give_up - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"not heard in time; heard so far: {self.heard}") from None
            if line is None:
                raise AssertionError(f"the client ended; heard so far: {self.heard}")
            self.heard.append(line)
            if wanted(line):
                return line


class Script:
    """A script of `tests/javascript` in a process of its own, which prints JSON lines."""

    def __init__(self, script: str, *arguments: str, take: Callable[[Line | None], None]) -> None:
        """`take` is handed each line in a thread of its own, and None in the end."""
        self._process = subprocess.Popen(
            ["node", script, *arguments],
            cwd=JAVASCRIPT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._take = take
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._take(json.loads(line))
        self._take(None)

    def tell(self, line: Line) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=GIVE_UP_SECONDS)
        self._reading.join()
        self._process.stdout.close()

    def kill(self) -> None:
        """Ends it, whatever it is at; there is nothing to do if it has ended."""
        assert self._process.stdin is not None
        self._process.kill()
        with suppress(BrokenPipeError):  # of what it has not read
            self._process.stdin.close()
        self.close()


class Listeners:
    """The process of all front ends, each of which has a connection of its own: `tests/javascript/listener.mjs`."""

    def __init__(self) -> None:
        self._hearing: list[Hearing] = []
        self._script: Script | None = None

    def add(self, hearing: Hearing) -> int:
        self._hearing.append(hearing)
        return len(self._hearing) - 1

    def tell(self, client: int, **deed: Any) -> None:
        if self._script is None:
            self._script = Script("listener.mjs", take=self._take)
        self._script.tell({"client": client, **deed})

    def _take(self, line: Line | None) -> None:
        if line is not None:
            self._hearing[line.pop("client")].lines.put(line)
            return
        for hearing in self._hearing:
            hearing.lines.put(None)

    def close(self) -> None:
        if self._script is not None:
            self._script.close()


class Listener(Hearing):
    """One front end, connected and in its rooms, or refused."""

    def __init__(
        self,
        listeners: Listeners,
        url: str,
        joins: list[list[str]],
        tokens: list[str],
        transports: str,
        session_of: "Listener | None",
        asking: dict[str, str] | None,
    ) -> None:
        super().__init__()
        self._listeners, self._number = listeners, listeners.add(self)
        self._is_open = True
        front_end = {
            "url": url,
            "joins": joins,
            "tokens": tokens,
            "transports": transports.split(","),
            "sessionOf": None if session_of is None else session_of._number,
            "asking": asking,
        }
        self._tell(open=front_end)
        self.wait_for(lambda line: "ready" in line or "connectError" in line)

    def _tell(self, **deed: Any) -> None:
        self._listeners.tell(self._number, **deed)

    def fence(self) -> None:
        """Waits until everything is heard that the server had journaled for this client, or sent to it, so far."""
        self._tell(fence=True)
        self.wait_for(lambda line: "fence" in line)

    def join(self, event: str, argument: str | Line) -> None:
        """Joins another room, or says that somebody types; what is answered is heard as `asked`."""
        self._tell(join=[event, argument])

    def come_again(self) -> None:
        """Says goodbye and connects anew."""
        self._tell(again=True)

    def close_engine(self) -> None:
        """Ends the connection as a client does whose poll has failed."""
        self._tell(closeEngine=True)

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._tell(close=True)
            self.wait_for(lambda line: "closed" in line)

    @property
    def refused(self) -> dict[str, str]:
        """The error code of each join that was refused, by the event and its argument."""
        return {
            " ".join(line["refused"]): line["answer"]["error"]["code"] for line in self.heard if "refused" in line
        }

    @property
    def events(self) -> list[tuple[str, list[Any]]]:
        """What was heard, without the offsets that journaled events end with, and what is of the bridge itself."""
        return [
            (line["event"], line["args"][:-1] if isinstance(line["args"][-1], str) else line["args"])
            for line in self.heard
            if "event" in line and line["event"] not in ("system-status", "bridge-stopping")
        ]

    @property
    def offsets(self) -> list[str]:
        """Those of the journaled events that were heard."""
        return [line["args"][-1] for line in self.heard if "event" in line and isinstance(line["args"][-1], str)]


StartListener = Callable[..., Listener]


@pytest.fixture(scope="session")
def listeners() -> Iterator[Listeners]:
    listeners = Listeners()
    yield listeners
    listeners.close()


@pytest.fixture
def listen(listeners: Listeners) -> Iterator[StartListener]:
    """Starts front ends, each connected and in its rooms, or refused, when it is returned."""
    started: list[Listener] = []

    def start(
        url: str,
        joins: list[list[str]],
        *tokens: str,
        transports: str = "websocket",
        session_of: Listener | None = None,
        asking: dict[str, str] | None = None,
    ) -> Listener:
        listener = Listener(listeners, url, joins, list(tokens), transports, session_of, asking)
        started.append(listener)
        return listener

    yield start
    for listener in started:
        listener.close()


class Gateway:
    """Signs as SHKeeper does; written from the description of its algorithm, apart from the bridge's own code."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def invoice(self, external_id: str, paid: list[tuple[str, int]], amount: int) -> bytes:
        """The notice after the last of some transactions, each a hash and what it is worth."""
        balance = sum(value for _, value in paid)
        status = "PARTIAL" if balance < amount else "PAID" if balance == amount else "OVERPAID"
        notice = {
            "addr": "0x6f2Fa34BC0ee4C9B53c1D9e6c2C7e2a1d1a1b2c3",
            "balance_crypto": str(balance),
            "balance_fiat": str(balance),
            "crypto": "ETH-USDT",
            "external_id": external_id,
            "fee_fixed": "0",
            "fee_percent": "0",
            "fee_policy": "PERCENT_FEE",
            "fiat": "USD",
            "overpaid_fiat": str(max(balance - amount, 0)),
            "paid": balance >= amount,
            "status": status,
            "transactions": [
                {
                    "amount_crypto": str(value),
                    "amount_fiat": str(value),
                    "amount_fiat_without_fee": str(value),
                    "crypto": "ETH-USDT",
                    "date": BOOKED_AT,
                    "fee_fiat": "0",
                    "trigger": number == len(paid) - 1,
                    "txid": txid,
                }
                for number, (txid, value) in enumerate(paid)
            ],
        }
        return json.dumps(notice, separators=(",", ":"), sort_keys=True).encode()

    def headers(self, body: bytes) -> dict[str, str]:
        timestamp = str(int(time.time()))
        signature = hmac.new(self._key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json",
            "X-Shkeeper-Timestamp": timestamp,
            "X-Shkeeper-Signature": signature,
        }

    async def post(self, http: aiohttp.ClientSession, body: bytes) -> int | None:
        """Delivers a webhook; returns the answer's status, or None if there was no answer."""
        try:
            async with http.post("/webhooks/shkeeper", data=body, headers=self.headers(body)) as answer:
                await answer.read()
                return answer.status
        except aiohttp.ClientError:
            return None


GATEWAY_KEY = "a-key-for-tests-only-0123456789"


@pytest.fixture
def gateway() -> Gateway:
    return Gateway(GATEWAY_KEY)
