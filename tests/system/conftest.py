"""Real clients for the real bridge: the stock JavaScript Socket.IO client in Node, and a gateway that signs."""

import hashlib
import hmac
import json
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

JAVASCRIPT = Path(__file__).parents[1] / "javascript"
HEARING_SECONDS = 20.0

Line = dict[str, Any]


class FrontEnd:
    """A script of `tests/javascript` in a process of its own, and all that it printed."""

    def __init__(self, script: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            ["node", script, *arguments],
            cwd=JAVASCRIPT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.Queue[Line | None] = queue.Queue()
        self.heard: list[Line] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(json.loads(line))
        self._lines.put(None)

    def wait_for(self, wanted: Callable[[Line], bool]) -> Line:
        """Reads on until a wanted line comes; everything up to it has then been heard."""
        give_up = time.monotonic() + HEARING_SECONDS
        while True:
            try:
                line = self._lines.get(timeout=max(0.01, give_up - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"not heard in time; heard so far: {self.heard}") from None
            if line is None:
                raise AssertionError(f"the client ended; heard so far: {self.heard}")
            self.heard.append(line)
            if wanted(line):
                return line

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()


class Listener(FrontEnd):
    """One front end: `tests/javascript/listener.mjs`, connected and in its rooms, or refused."""

    def __init__(self, url: str, joins: list[list[str]], tokens: list[str]) -> None:
        super().__init__("listener.mjs", url, json.dumps(joins), json.dumps(tokens))
        self.wait_for(lambda line: "ready" in line or "connectError" in line)

    def fence(self) -> None:
        """Waits until everything that the server has sent to this client so far is heard."""
        assert self._process.stdin is not None
        self._process.stdin.write("fence\n")
        self._process.stdin.flush()
        self.wait_for(lambda line: "fence" in line)

    @property
    def refused(self) -> dict[str, str]:
        """The error code of each join that was refused, by the event and its argument."""
        return {
            " ".join(line["refused"]): line["answer"]["error"]["code"] for line in self.heard if "refused" in line
        }

    @property
    def events(self) -> list[tuple[str, list[Any]]]:
        """What was heard, without the offsets that journaled events end with, and without the system's own pulse."""
        return [
            (line["event"], line["args"][:-1] if isinstance(line["args"][-1], str) else line["args"])
            for line in self.heard
            if "event" in line and line["event"] != "system-status"
        ]

    @property
    def offsets(self) -> list[str]:
        """Those of the journaled events that were heard."""
        return [line["args"][-1] for line in self.heard if "event" in line and isinstance(line["args"][-1], str)]


StartListener = Callable[..., Listener]


@pytest.fixture
def listen() -> Iterator[StartListener]:
    """Starts front ends, each connected and in its rooms, or refused, when it is returned."""
    listeners: list[Listener] = []

    def start(url: str, joins: list[list[str]], *tokens: str) -> Listener:
        listener = Listener(url, joins, list(tokens))
        listeners.append(listener)
        return listener

    yield start
    for listener in listeners:
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
            "addr": "0x6f2Fa34bC0EE4C9b53c1D9e6c2C7e2a1D1a1b2C3",
            "balance_crypto": str(balance),
            "balance_fiat": str(balance),
            "crypto": "ETH-USDT",
            "external_id": external_id,
            "fee_fixed": "0",
            "fee_percent": "2",
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
                    "date": "2026-05-01 12:00:00",
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

    async def post(self, client: httpx.AsyncClient, body: bytes) -> int | None:
        """Delivers a webhook; returns the answer's status, or None if there was no answer."""
        try:
            response = await client.post("/webhooks/shkeeper", content=body, headers=self.headers(body))
        except httpx.TransportError:
            return None
        return response.status_code


GATEWAY_KEY = "a-key-for-tests-only-0123456789"


@pytest.fixture
def gateway() -> Gateway:
    return Gateway(GATEWAY_KEY)
