"""A back end that verifies webhooks with the stock library, and a bridge that is killed: each event comes once or
more, in order where that is promised, and none is missing. In `make soak` ten thousand of them, and more kills."""

import os
import queue
import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.asking import client_of
from tests.conftest import BridgeProcess
from tests.system.conftest import Line, Script
from tests.waiting import GIVE_UP_SECONDS, wait_until

IS_LONG = "SOAK_MINUTES" in os.environ
EVENTS = 10_000 if IS_LONG else 300
KILLS = 20 if IS_LONG else 1
AT_ONCE = 50
PATHS: Mapping[str, Mapping[str, Any]] = {
    "/good": {"refuses": 0, "holdsMs": 0, "ordered": True},
    "/failing": {"refuses": 40, "holdsMs": 0, "ordered": True},
    "/slow": {"refuses": 0, "holdsMs": 1, "ordered": False},
    "/both": {"refuses": 10, "holdsMs": 1, "ordered": False},
}


class BackEnd:
    """The receiver of all endpoints, and what it took at each."""

    def __init__(self) -> None:
        self._lines: queue.Queue[Line | None] = queue.Queue()
        self._script = Script("receiver.mjs", take=self._take)
        self.taken: dict[str, list[int]] = {path: [] for path in PATHS}
        self.ids: dict[str, dict[int, set[str]]] = {path: {} for path in PATHS}
        self.wrong: list[str] = []
        first = self._lines.get(timeout=GIVE_UP_SECONDS)
        assert first is not None
        self.url = f"http://127.0.0.1:{first['port']}"

    def _take(self, line: Line | None) -> None:
        if line is None or "port" in line:
            self._lines.put(line)
        elif "wrong" in line:
            self.wrong.append(line["wrong"])
        else:
            self.taken[line["path"]].append(line["number"])
            self.ids[line["path"]].setdefault(line["number"], set()).add(line["id"])

    def expect(self, path: str, secret: str) -> None:
        behaviour = {name: PATHS[path][name] for name in ("refuses", "holdsMs")}
        self._script.tell({"path": path, "secret": secret, **behaviour})

    def close(self) -> None:
        self._script.close()


@pytest.fixture
def back_end() -> Iterator[BackEnd]:
    one = BackEnd()
    yield one
    one.close()


@pytest.fixture
def bridge(make_bridge: Any) -> Any:
    return make_bridge(BRIDGE_ENDPOINT_NETWORKS="127.0.0.0/8", BRIDGE_ENDPOINT_RETRY_SECONDS=",".join(["0.05"] * 50))


def first_comings(numbers: list[int]) -> list[int]:
    return list(dict.fromkeys(numbers))


def is_in_order_but_for_steps_back(numbers: list[int]) -> bool:
    """Whether nothing came before something that comes before it: what came twice begins again somewhere, and goes
    on from there without a gap."""
    reached = 0
    for before, now in zip([0, *numbers], numbers, strict=False):
        if now > reached + 1 or (now <= reached and now > before + 1):
            return False
        reached = max(reached, now)
    return True


def test_every_event_comes_through_kills_slow_answers_and_refusals(bridge: BridgeProcess, back_end: BackEnd) -> None:
    random_moments = random.Random(int(os.environ.get("SOAK_SEED", "1")))
    kills = sorted(random_moments.sample(range(1, EVENTS // AT_ONCE), KILLS))
    secrets = {}
    with client_of(bridge.url) as client:
        for path, behaviour in PATHS.items():
            wanted = {"url": back_end.url + path, "events": ["purchase-*"], "ordered": behaviour["ordered"]}
            answer = client.post("/api/endpoints", json=wanted).raise_for_status()
            secrets[path] = answer.json()["secret"]
            back_end.expect(path, secrets[path])
        for batch in range(EVENTS // AT_ONCE):
            numbers = range(batch * AT_ONCE + 1, (batch + 1) * AT_ONCE + 1)
            events = [
                {"event": "purchase-request-update", "data": {"type": str(number), "requestId": "r1"}}
                for number in numbers
            ]
            key = {"Idempotency-Key": f"batch-{batch}"}
            client.post("/api/events", json={"events": events}, headers=key).raise_for_status()
            if batch in kills:
                # In the middle of it: some have come since the last one.
                wait_until(lambda: len(set(back_end.taken["/good"])) > (batch - 1) * AT_ONCE)  # noqa: B023
                bridge.kill()
                bridge.start()
    everything = set(range(1, EVENTS + 1))
    for path in PATHS:
        wait_until(lambda: set(back_end.taken[path]) == everything)  # noqa: B023
    assert back_end.wrong == []
    for path, behaviour in PATHS.items():
        if behaviour["ordered"]:
            assert first_comings(back_end.taken[path]) == sorted(everything)
            assert is_in_order_but_for_steps_back(back_end.taken[path])
    ids = {number: set().union(*(of[number] for of in back_end.ids.values())) for number in everything}
    assert {len(one) for one in ids.values()} == {1}
    assert len(set().union(*ids.values())) == EVENTS
    log = bridge.log.read_text()
    assert not any(secret in log for secret in secrets.values())
    assert "Traceback" not in log
