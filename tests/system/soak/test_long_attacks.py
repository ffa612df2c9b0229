"""Long attacks: one attacker of each kind after the other, beside a gateway that sends signed webhooks and a stock
client that hears of each. Nobody honest notices, the memory stays within its bounds, and nothing of it is left.

All kinds together take half of SOAK_MINUTES; without it, as in `make test`, one of them has two seconds.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.attackers import ATTACKS
from tests.conftest import BridgeProcess, StartBridge
from tests.system.attacks.strangers import figure, forget_peak, honest_traffic, memory_mb, peak_memory_mb
from tests.system.conftest import GATEWAY_KEY, Gateway, StartListener
from tests.waiting import wait_until

IS_LONG = "SOAK_MINUTES" in os.environ
KINDS = tuple(ATTACKS) if IS_LONG else ("heads of four addresses",)
SECONDS = 30 * float(os.environ["SOAK_MINUTES"]) / len(KINDS) if IS_LONG else 2.0
PROJECT = Path(__file__).parents[3]
# What one attacker may fill of what there is for all (32 MB of heads and bodies, 32 MB that is not read), and what
# Python needs beside it.
GROWTH_MB = 120


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge) -> Iterator[BridgeProcess]:
    bridge = make_bridge(BRIDGE_SHKEEPER_API_KEYS=GATEWAY_KEY)
    yield bridge
    bridge.kill()


@contextmanager
def attacked(bridge: BridgeProcess, kind: str) -> Iterator[None]:
    command = [sys.executable, "-m", "benchmarks.attackers", kind, str(bridge.port)]
    attacker = subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.DEVNULL)
    try:
        yield
        assert attacker.poll() is None
    finally:
        attacker.kill()
        attacker.wait()


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_honest_notices_an_attack_however_long_it_is(
    bridge: BridgeProcess, gateway: Gateway, listen: StartListener, kind: str
) -> None:
    forget_peak(bridge)
    before_mb = memory_mb(bridge)
    with honest_traffic(bridge, gateway, listen), attacked(bridge, kind):
        accepted = figure(bridge, "bridge_door_connections")
        wait_until(
            lambda: figure(bridge, "bridge_door_connections") > accepted or figure(bridge, "bridge_door_refused")
        )
        time.sleep(SECONDS)
    assert peak_memory_mb(bridge) - before_mb < GROWTH_MB
    wait_until(lambda: figure(bridge, "bridge_door_connections") <= 2)
    assert figure(bridge, "bridge_door_held_bytes") == 0
    assert "Traceback" not in bridge.log.read_text()
