"""Faults that befall bridges which share a journal, each with its end."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from providers.shkeeper.simulator.faults import Call, Happens, What
from tests.conftest import BridgeProcess
from tests.system.cut_line import CutLine
from tests.system.nodes.conftest import Bridges

__all__ = ["FAULTS", "IS_LONG", "Fault"]

Fault = Callable[[Bridges, random.Random], None]

IS_LONG = "SOAK_MINUTES" in os.environ
# Most are short, so that they fall into the work of others; one is longer than a lease lasts.
STANDSTILL_SECONDS = (0.1, 0.3, 1.0, *((11.0,) if IS_LONG else ()))


def _some(bridges: Bridges, chance: random.Random) -> BridgeProcess:
    return chance.choice(bridges.nodes)


def kill(bridges: Bridges, chance: random.Random) -> None:
    node = _some(bridges, chance)
    node.kill()
    node.start()


def kill_all_but_one(bridges: Bridges, chance: random.Random) -> None:
    gone = chance.sample(bridges.nodes, len(bridges.nodes) - 1)
    for node in gone:
        node.kill()
    for node in gone:
        node.start()


def replace(bridges: Bridges, chance: random.Random) -> None:
    node = _some(bridges, chance)
    node.stop()  # by itself, or ended where the machine is too slow for that: nothing is lost either way
    node.start()


def stand_still(bridges: Bridges, chance: random.Random) -> None:
    node = _some(bridges, chance)
    with _stopped(node):
        time.sleep(chance.choice(STANDSTILL_SECONDS))


@contextmanager
def _stopped(node: BridgeProcess) -> Iterator[None]:
    node.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        node.process.send_signal(signal.SIGCONT)


def cut_off_from_the_database(bridges: Bridges, chance: random.Random) -> None:
    """Ends every connection to PostgreSQL, again and again for a while."""
    for _ in range(chance.randint(1, 5)):
        bridges.cluster.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bridge'"
        )
        time.sleep(0.1)


def cut_off_one_connection(bridges: Bridges, _chance: random.Random) -> None:
    bridges.cluster.execute(
        "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE application_name = 'bridge'"
        " ORDER BY random() LIMIT 1) AS one"
    )


def cut_one_off(bridges: Bridges, chance: random.Random) -> None:
    """From PostgreSQL: what it says is refused."""
    _hold(chance.choice(bridges.lines), CutLine.cut, chance)


def cut_one_off_in_silence(bridges: Bridges, chance: random.Random) -> None:
    """From PostgreSQL: what it says arrives nowhere, and late."""
    _hold(chance.choice(bridges.lines), CutLine.fall_silent, chance)


def _hold(line: CutLine, end: Callable[[CutLine], None], chance: random.Random) -> None:
    end(line)
    try:
        time.sleep(chance.choice(STANDSTILL_SECONDS))
    finally:
        line.open()


def cut_one_off_from_the_balancer(bridges: Bridges, chance: random.Random) -> None:
    """Its clients lose their connections, and what HAProxy had begun to pass on to it may have been done."""
    _hold(chance.choice(bridges.doors), CutLine.cut, chance)


def cut_one_off_from_the_balancer_in_silence(bridges: Bridges, chance: random.Random) -> None:
    _hold(chance.choice(bridges.doors), CutLine.fall_silent, chance)


def freeze_the_database(bridges: Bridges, chance: random.Random) -> None:
    with bridges.cluster.frozen():
        time.sleep(chance.choice((0.1, 1.0, 3.0)))


def crash_the_database(bridges: Bridges, _chance: random.Random) -> None:
    bridges.cluster.crash()
    bridges.cluster.start(bridges.cluster.port)


def have_shkeeper_fail(bridges: Bridges, chance: random.Random) -> None:
    """The next orders or notices: it answers nothing, whether it has done what it was asked for or not, or says of
    money nothing, twice, or the wrong thing first."""
    call, what, happens = chance.choice(SHKEEPERS_FAULTS)
    bridges.shkeeper.goes_wrong(call, what, happens, times=chance.randint(1, 3), seconds=0.5)


def restart_the_database(bridges: Bridges, _chance: random.Random) -> None:
    bridges.cluster.stop()
    bridges.cluster.start(bridges.cluster.port)


SHKEEPERS_FAULTS = (
    *((Call.PAYOUT, What.TIMEOUT, happens) for happens in Happens),
    *((Call.PAYOUT, What.RESET, happens) for happens in Happens),
    (Call.PAYOUT_STATUS, What.ERROR_500, Happens.BEFORE),
    (Call.PAYMENT_REQUEST, What.RESET, Happens.AFTER),
    *((Call.NOTICE, what, Happens.BEFORE) for what in (What.LOST, What.NOT_NOTED, What.DUPLICATE, What.REORDERED)),
)

# How often each befalls them in comparison.
FAULTS: Mapping[Fault, int] = {
    kill: 6,
    kill_all_but_one: 2,
    replace: 4,
    stand_still: 5,
    cut_off_from_the_database: 3,
    cut_off_one_connection: 6,
    cut_one_off: 4,
    cut_one_off_in_silence: 4,
    cut_one_off_from_the_balancer: 4,
    cut_one_off_from_the_balancer_in_silence: 3,
    freeze_the_database: 2,
    crash_the_database: 2,
    have_shkeeper_fail: 8,
    restart_the_database: 1,
}
