"""A crowd that joins, leaves, comes back, stalls and vanishes at random, under a steady stream of events: each client
hears all that it has to, once and in order, and in the end the bridge is as it was before.

Two thousand clients for as many minutes as SOAK_MINUTES says; without it, as in `make test`, one hundred for seconds,
which have less patience, and larger documents to stall on. What is claimed is the same for both, and for each client:
only how much of it there is follows from how many clients there are and for how long. Where the machine is slow the
load goes on until there has been as much of it, so that no claim is about how fast anything is. SOAK_SEED repeats a
run.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.sockets.rooms.recent_events import EVENTS_LIMIT
from tests.asking import client_of, get
from tests.conftest import BridgeProcess, StartBridge
from tests.system.soak.clients import DEEDS, SELLERS
from tests.system.soak.load import RECOVERIES_EACH, event_of, events_each
from tests.system.soak.records import EVERYONE
from tests.waiting import GIVE_UP_SECONDS

IS_LONG = "SOAK_MINUTES" in os.environ
SECONDS = 60 * float(os.environ["SOAK_MINUTES"]) if IS_LONG else 3.0
SEED = int(os.environ.get("SOAK_SEED", time.time_ns() % 1_000_000))
CLIENTS = 2_000 if IS_LONG else 100
PAUSE_SECONDS = 25.0 if IS_LONG else 5.0
DOCUMENT_BYTES = 10_000 if IS_LONG else 40_000
WARMING_SECONDS = 8.0 if IS_LONG else 1.0
HELD = ("bridge_sockets_connections", "bridge_sockets_clients", "bridge_sockets_sessions", "bridge_tasks")
SHOWN = (*HELD, "process_open_fds", "process_resident_memory_bytes", "process_cpu_seconds_total")
# Python gives back what it had only roughly.
GROWTH_BYTES = 15_000_000
ROOMS_TOLD = [*(f"r{number}" for number in range(20)), SELLERS, SELLERS, EVERYONE]
AT_ONCE = 200
PROJECT = Path(__file__).parents[3]


@pytest.fixture
def bridge(make_bridge: StartBridge) -> Iterator[BridgeProcess]:
    # Whoever is silent is missed soon, and a backlog soon full.
    bridge = make_bridge(
        BRIDGE_PING_INTERVAL_SECONDS="5", BRIDGE_PING_TIMEOUT_SECONDS="5", BRIDGE_BACKLOG_LIMIT_BYTES="50000"
    )
    yield bridge
    bridge.kill()


def figures(bridge: BridgeProcess) -> dict[str, float]:
    text = get(f"{bridge.url}/metrics").text
    values = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in values}


def soaked(bridge: BridgeProcess, seed: int, seconds: float) -> dict[str, Any]:
    arguments = [bridge.url, *map(str, (seed, CLIENTS, seconds, PAUSE_SECONDS, DOCUMENT_BYTES))]
    load = subprocess.run(
        [sys.executable, "-m", "tests.system.soak.load", *arguments], cwd=PROJECT, capture_output=True, text=True
    )
    assert load.returncode == 0, load.stderr
    outcome: dict[str, Any] = json.loads(load.stdout)
    return outcome


def fill_memory(bridge: BridgeProcess) -> None:
    """Tells as much as is kept in memory of what was told, so that it does not grow by that any more."""
    with client_of(bridge.url) as client:
        for first in range(0, EVENTS_LIMIT, AT_ONCE):
            events = [
                event_of(number, ROOMS_TOLD[number % len(ROOMS_TOLD)]) for number in range(first, first + AT_ONCE)
            ]
            client.post("/api/events", json={"events": events}).raise_for_status()


def at_rest(bridge: BridgeProcess, before: dict[str, float]) -> dict[str, float]:
    """The figures, once the bridge holds no more than before; or, where it never does, whatever it holds."""
    give_up = time.monotonic() + GIVE_UP_SECONDS
    while True:
        now = figures(bridge)
        is_at_rest = all(now[name] <= before[name] for name in HELD) and not now["bridge_sockets_connections"]
        if is_at_rest or time.monotonic() > give_up:
            return now
        time.sleep(0.2)


def test_a_crowd_that_comes_and_goes_hears_all_and_leaves_nothing_behind(
    bridge: BridgeProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    start = figures(bridge)
    fill_memory(bridge)
    soaked(bridge, SEED + 1, WARMING_SECONDS)
    warm = at_rest(bridge, start)
    outcome = soaked(bridge, SEED, SECONDS)
    end = at_rest(bridge, start)
    report = [f"seed {SEED}, {json.dumps(outcome)}"] + [
        f"{name}: {start[name]:.0f} at first, {warm[name]:.0f} warm, {end[name]:.0f} in the end" for name in SHOWN
    ]
    report += [f"{name}: {end[name]:.0f}" for name in sorted(end) if name.startswith("bridge_sockets_closed_total")]
    with capsys.disabled():
        sys.stdout.write("".join(f"\nsoak: {line}" for line in report) + "\n")

    assert outcome["faults"] == []
    assert outcome["broken"] == []
    assert outcome["did not hear the end"] == []
    counts = outcome["counts"]
    assert counts["recoveries"] > CLIENTS * RECOVERIES_EACH
    # No record has a fault, so this is no news, but it is counted in another way: from what was published.
    assert counts["events heard"] >= counts["events to be heard"] > CLIENTS * events_each(SECONDS)
    assert all(counts.get(deed) for deed in DEEDS)
    for name in HELD:
        assert end[name] <= start[name], name
    assert end["process_open_fds"] <= warm["process_open_fds"] + 5  # SQLite opens files of its own as it goes
    assert end["process_resident_memory_bytes"] <= warm["process_resident_memory_bytes"] + GROWTH_BYTES
    assert "Traceback" not in bridge.log.read_text()
