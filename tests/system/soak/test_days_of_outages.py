"""A day of outages: one after the other befalls a bridge that is published to all the time, and in the end it is told
to stop in the midst of one. Nothing that was acknowledged is lost, readiness is right in and between all of them, and
every stop is within its time.

As many minutes as SOAK_MINUTES says; without it, as in `make test`, each outage once. SOAK_SEED repeats a run.
"""

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from bridge.workers.health.checks import CHECK_SECONDS
from tests.asking import client_of
from tests.conftest import BridgeProcess, StartBridge
from tests.postgresql import journal_cluster
from tests.system.outages import (
    MachineClock,
    MovedClockProcess,
    Outage,
    is_in_time,
    of_clocks,
    of_files,
    of_postgresql,
    small_disk,
)
from tests.system.publications import Publishing, commit_hours, published
from tests.waiting import wait_until

IS_LONG = "SOAK_MINUTES" in os.environ
# Half of it for each kind of journal.
SECONDS = 30 * float(os.environ.get("SOAK_MINUTES", 0))
SEED = int(os.environ.get("SOAK_SEED", time.time_ns() % 1_000_000))
STOP_SECONDS = 10.0
LONGEST_SECONDS = 30.0 if IS_LONG else 1.0

Watched = tuple[BridgeProcess, Sequence[Outage], str | Path]
"""A bridge, what may befall it, and its journal."""


@pytest.fixture(params=["postgresql", "sqlite"])
def watched(request: pytest.FixtureRequest, make_bridge: StartBridge, tmp_path: Path) -> Iterator[Watched]:
    clock = MachineClock(tmp_path / "clock")

    def start(database_url: str) -> BridgeProcess:
        return make_bridge(
            MovedClockProcess,
            BRIDGE_DATABASE_URL=database_url,
            BRIDGE_STOP_SECONDS=str(STOP_SECONDS),
            CLOCK_AHEAD_FILE=str(clock.file),
        )

    if request.param == "postgresql":
        with journal_cluster() as cluster:
            bridge = start(cluster.journal_url())
            yield bridge, [*of_postgresql(cluster, bridge), *of_clocks(clock)], cluster.journal_url()
            bridge.kill()
        return
    with small_disk(tmp_path, 200) as disk:
        database = disk / "bridge.db"
        bridge = start(f"sqlite:///{database}")
        yield bridge, [*of_files(disk, bridge), *of_clocks(clock)], database
        bridge.kill()


def is_ready(client: httpx.Client) -> bool:
    """What readiness says, which it does in time."""
    begun = time.monotonic()
    status = client.get("/health/ready").status_code
    assert is_in_time(time.monotonic() - begun, CHECK_SECONDS)
    return status == 200


def befall(client: httpx.Client, publishing: Publishing, outage: Outage, seconds: float) -> None:
    """Lets an outage last for a while: soon the bridge is not ready, stays so, and is again once it is over; or it is
    ready all the time, and goes on with what it is asked for."""
    with outage.lasts():
        if outage.is_worked_through:
            before = len(publishing.acknowledged)
            assert is_ready(client), outage.name
            wait_until(lambda: len(publishing.acknowledged) > before + 1)
        else:
            wait_until(lambda: not is_ready(client))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert is_ready(client) == outage.is_worked_through, outage.name
            time.sleep(0.3)
    if outage.is_worked_through:
        assert is_ready(client), f"after {outage.name}"
    wait_until(lambda: is_ready(client))


def stop_in(bridge: BridgeProcess, outage: Outage) -> float:
    """Tells it to stop in the midst of an outage. Returns how long that took."""
    with outage.lasts():
        begun = time.monotonic()
        bridge.stop()
        return time.monotonic() - begun


def test_a_day_of_outages_costs_nothing_that_was_acknowledged(
    watched: Watched, capsys: pytest.CaptureFixture[str]
) -> None:
    bridge, outages, database = watched
    chance, befallen, stops = random.Random(SEED), Counter[str](), Counter[str]()
    publishing, begun = Publishing(bridge.url), time.monotonic()
    waiting = list(outages)
    with publishing.going_on(), client_of(bridge.url) as client:
        while waiting or time.monotonic() - begun < SECONDS:
            outage = waiting.pop() if waiting else chance.choice(list(outages))
            befall(client, publishing, outage, chance.uniform(0, LONGEST_SECONDS))
            befallen[outage.name] += 1
            if IS_LONG and chance.random() < 0.3:
                outage = chance.choice(list(outages))
                assert is_in_time(stop_in(bridge, outage), STOP_SECONDS), outage.name
                stops[outage.name] += 1
                bridge.start()
        # And in the end it is told to stop in the midst of each.
        for outage in outages:
            assert is_in_time(stop_in(bridge, outage), STOP_SECONDS), outage.name
            stops[outage.name] += 1
            bridge.start()
    kept = published(database)
    counts = f"{len(publishing.acknowledged)} of {publishing.asked} acknowledged, {len(kept)} kept"
    with capsys.disabled():
        sys.stdout.write(f"\nsoak: seed {SEED}, {counts}; {dict(befallen)}; stopped in {dict(stops)}\n")
    assert publishing.unexpected == []
    assert set(kept) >= publishing.acknowledged
    assert len(set(kept)) == len(kept)
    assert publishing.acknowledged
    if isinstance(database, Path):  # the clock of several bridges is the server's
        assert len(commit_hours(database)) >= 3, "no clock was set"
    assert bridge.stop() == 0
