"""The path of one webhook: `make webhook-path` sends one to a running bridge and lists, in docs/architecture.md, the
modules that it enters, in order, and how many calls of our own functions it makes in each. From the first byte that
arrives to the frames that a subscriber is sent.
"""

import http.client
import json
import os
import re
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from websockets.sync.client import ClientConnection, connect

from benchmarks.servers import KEY, free_port
from providers.shkeeper.simulator.scenarios import SCENARIOS, Invoice

__all__ = ["with_list"]

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- make webhook-path -->", "<!-- end -->"
OURS = tuple(f"{ROOT / name}{os.sep}" for name in ("bridge", "providers", "coordinator"))
# Besides the webhook's path: what runs once a second.
BESIDE = ("bridge/workers/health/checks.py",)
WARM_UPS = 3
SETTLE_SECONDS = 0.5  # for what is left of the one before
# For what is left of the one that is recorded; in half a second what others do now and then would come in.
LAST_SECONDS = 0.05


class Recorder:
    """Counts calls of our own functions by module, in whatever thread, while it is switched on."""

    def __init__(self) -> None:
        self.is_on = False
        self.calls: Counter[str] = Counter()
        # Frames are kept, so that a coroutine that goes on is not counted anew.
        self._seen: dict[int, FrameType] = {}

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if not self.is_on or event != "call" or id(frame) in self._seen:
            return
        module = module_of(frame.f_code)
        if module is not None and module not in BESIDE:
            self._seen[id(frame)] = frame
            self.calls[module] += 1


def module_of(code: CodeType) -> str | None:
    """The path of one of our own modules; None for anybody else's code."""
    return code.co_filename.removeprefix(f"{ROOT}{os.sep}") if code.co_filename.startswith(OURS) else None


def send_webhooks(port: int, recorder: Recorder) -> None:
    """Has a few payments paid, the last of them recorded, while their buyer listens."""
    rest = _when_it_answers(port)
    address = f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"
    with connect(address, additional_headers={"Origin": "http://localhost:3000"}) as socket:
        _join(socket)
        for number in range(WARM_UPS):
            _pay(rest, socket, f"order-{number}")
        _pay(rest, socket, "order-recorded", recorder)


def write_list(port: int, recorder: Recorder) -> None:
    """Sends the webhooks, writes the list, and ends the bridge."""
    try:
        send_webhooks(port, recorder)
        PAGE.write_text(with_list(PAGE.read_text(), recorder.calls, f"{datetime.now(UTC):%d %B %Y}"))
        print(f"{len(recorder.calls)} modules, {recorder.calls.total()} calls; {PAGE.relative_to(ROOT)} lists them")
    finally:
        os.kill(os.getpid(), signal.SIGTERM)


def _when_it_answers(port: int) -> http.client.HTTPConnection:
    while True:
        rest = http.client.HTTPConnection("127.0.0.1", port)
        try:
            rest.request("GET", "/health/live")
            rest.getresponse().read()
        except OSError:
            time.sleep(0.1)
        else:
            return rest


def _join(socket: ClientConnection) -> None:
    socket.recv()
    socket.send("40")
    socket.recv()
    socket.send('420["join-user-room","buyer-1"]')
    socket.recv()


def _pay(
    rest: http.client.HTTPConnection, socket: ClientConnection, name: str, recorder: Recorder | None = None
) -> None:
    order = {"provider": "shkeeper", "externalId": name, "amount": "49.90", "currency": "USD", "offerId": "offer-1"}
    parties = {"requestId": f"request-{name}", "buyerId": "buyer-1", "sellerId": "seller-1"}
    _post(rest, "/api/payments", json.dumps(order | parties), {"Content-Type": "application/json"}, 201)
    now = datetime.now(UTC)
    [webhook] = SCENARIOS["paid"](Invoice(name, Decimal("49.90"), "USD", now))
    time.sleep(SETTLE_SECONDS)
    if recorder is not None:
        recorder.is_on = True
    _post(rest, "/webhooks/shkeeper", webhook.body, webhook.headers(KEY, now), 202)
    while "payment-progress" not in str(socket.recv()):
        pass
    if recorder is not None:
        time.sleep(LAST_SECONDS)
        recorder.is_on = False


def _post(
    rest: http.client.HTTPConnection, path: str, body: str | bytes, headers: dict[str, str], status: int
) -> None:
    rest.request("POST", path, body, headers)
    answer = rest.getresponse()
    said = answer.read()
    if answer.status != status:
        raise SystemExit(f"{path} was answered {answer.status}: {said.decode()}")


def with_list(page: str, calls: Counter[str], day: str) -> str:
    """A page with the list in its place: between the two marks."""
    rows = [f"| `{module}` | {count} |" for module, count in calls.items()]
    said = f"{len(calls)} modules, {calls.total()} calls ({day}):"
    text = "\n".join([BEGIN, "", said, "", "| module | calls |", "| --- | --- |", *rows, "", END])
    return re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: text, page, count=1, flags=re.DOTALL)


def main() -> None:
    port, recorder = free_port(), Recorder()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "BRIDGE_PORT": str(port),
            "BRIDGE_DATABASE_URL": f"sqlite:///{folder}/bridge.db",
            "BRIDGE_LOG_LEVEL": "error",
            "BRIDGE_SHKEEPER_API_KEYS": KEY,
        }
        threading.Thread(target=write_list, args=(port, recorder), daemon=True).start()
        threading.setprofile(recorder)
        sys.setprofile(recorder)
        from bridge.cli import main as bridge  # after the environment is set, and under the recorder

        sys.argv = ["bridge", "serve"]
        bridge()


if __name__ == "__main__":
    main()
