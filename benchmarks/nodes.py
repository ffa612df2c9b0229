"""Two bridges that share a journal in PostgreSQL, beside one, and beside two Node processes that share a Redis. `make
bench-nodes` installs what that takes, and prints medians, each with its ratios of the same run.

The servers share the first core; PostgreSQL or Redis shares the other with the clients, and its CPU is said apart.
"""

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from benchmarks.attacks import on_core_of_clients
from benchmarks.fanout import at_least_one
from benchmarks.measuring import Bench, Measurement
from benchmarks.plans import Plan, Sizes, fan_out_plan, webhooks_plan
from benchmarks.processes import end_on_signals, on_last_core
from benchmarks.report import Figure, Found, closing, exit_code, how_to_read, table
from benchmarks.servers import PEERS, SERVERS, Server, ServerError, answers, free_port, running
from tests.postgresql import OWNER, Cluster, journal_cluster

LOAD = (sys.executable, "-m", "benchmarks.nodes_load")
ONE, TWO, NODE = "one bridge", "two bridges", "2 Node + Redis"
FIGURES = (
    Figure("single_cpu_us", "CPU µs per delivery, one event at a time", {ONE: 1.1, NODE: 0.5}),
    Figure("single_store_us", "CPU µs of the store per event"),
    Figure("burst_cpu_us", "CPU µs per delivery, 16 events at once", {ONE: None, NODE: None}),
    Figure("burst_store_us", "CPU µs of the store per 16 events"),
    Figure("p99_ms", "p99 ms from POST to socket, all of both", {NODE: 1.0}),
    Figure("here_p99_ms", "p99 ms to few, where it was published"),
    Figure("there_p99_ms", "p99 ms to few, at the other"),
    Figure("later_ms", "p99 ms, how much later at the other", at_most=10.0),
    Figure("webhook_cpu_us", "CPU µs per signed webhook, 16 connections", {ONE: 1.15}),
    Figure("webhook_store_us", "CPU µs of PostgreSQL per signed webhook"),
    Figure("idle_ms", "CPU ms per s of a bridge that has nothing to do", {ONE: None}),
    Figure("idle_store_ms", "CPU ms per s of PostgreSQL meanwhile"),
    Figure("connect_cpu_us", "CPU µs per client that connects"),
    Figure("connect_store_us", "CPU µs of PostgreSQL per client that connects"),
    Figure("join_cpu_us", "CPU µs per join of a room"),
    Figure("join_store_us", "CPU µs of PostgreSQL per join of a room"),
    Figure("return_cpu_us", "CPU µs per client that comes back, in three rooms"),
    Figure("return_store_us", "CPU µs of PostgreSQL per client that comes back"),
    Figure("room_memory_kb", "KB per client in five rooms", {NODE: 0.5}),
)
KILLED = (
    Figure("back_p50_ms", "ms from its return to all that it missed, p50"),
    Figure("back_p99_ms", "the same, p99"),
    Figure("all_back_s", "s from the kill until all are back"),
    Figure("return_cpu_us", "CPU µs of the other bridge per client"),
    Figure("recovered_share", "share of the clients that were recovered"),
    Figure("missed", "events that were missed", at_most=0.0),
    Figure("twice", "events that came twice", at_most=0.0),
)
# Which takes milliseconds.
REDIS_STARTS_WITHIN_SECONDS = 30.0


# With two, each takes half of the webhooks.
OF_ONE = Sizes(webhooks=3_200)


@dataclass(frozen=True, slots=True)
class NodeSizes:
    """How much of everything: for those at each server but where it says otherwise."""

    of_one: Sizes = OF_ONE
    few: int = 10
    rooms: int = 1_000
    visitors: int = 2_000
    """Clients of the one that is killed; and those who come, join and come back."""


SIZES = NodeSizes()
Servers = Callable[[Plan], AbstractContextManager[str]]
"""Servers that run while a plan is carried out, which is given the rest that the clients need to know."""


def main(arguments: Sequence[str], sizes: NodeSizes = SIZES) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=at_least_one, default=5, help="of which the medians are printed")
    parser.add_argument(
        "--only", choices=("tell", "later", "webhooks", "rooms", "killed", "comings"), help="one measurement"
    )
    options = parser.parse_args(arguments)
    end_on_signals()
    bench = Bench(options.runs)
    print(how_to_read(options.runs), flush=True)
    with ExitStack() as stack:
        with on_core_of_clients():
            cluster = stack.enter_context(journal_cluster())
        if options.only != "killed":
            print(beside_each_other(bench, cluster, sizes, options.only), flush=True)
        if options.only in (None, "killed"):
            print(after_a_kill(bench, cluster, sizes), flush=True)
    if bench.failures:
        print(closing(bench.failures), flush=True)
    return exit_code(bench.failures)


def beside_each_other(bench: Bench, cluster: Cluster, sizes: NodeSizes, only: str | None) -> str:
    columns: Mapping[str, Servers] = {
        ONE: lambda plan: bridges(1, cluster, plan),
        TWO: lambda plan: bridges(2, cluster, plan),
        NODE: node_and_redis,
    }
    runs_of: dict[str, list[Found]] = {name: [] for name in columns}
    for run in range(1, bench.runs + 1):
        for name, servers in columns.items():
            found: dict[str, float | None] = {}
            for what in _measurements(name, sizes):
                if only in (None, what.name):
                    ready = servers({**what.plan, "measure": what.name})
                    found.update(bench.carried_out(run, name, ready, what, is_ours=name != NODE))
            runs_of[name].append(found)
    return table("", TWO, FIGURES, runs_of)


def _measurements(name: str, sizes: NodeSizes) -> Iterator[Measurement]:
    server = REDIS_STREAMS if name == NODE else BRIDGE
    events = fan_out_plan(server, sizes.of_one) | {"few": sizes.few}
    keys = ["single_cpu_us", "single_store_us", "burst_cpu_us", "burst_store_us", "p99_ms"]
    yield Measurement("tell", events, keys, LOAD)
    if name != ONE:
        yield Measurement("later", events, ["here_p99_ms", "there_p99_ms", "later_ms"], LOAD)
        in_rooms = {"clients": sizes.rooms, "few": sizes.few}
        yield Measurement("rooms", in_rooms, ["room_memory_kb"], LOAD)
    if name != NODE:
        keys = [f"{what}_{of}_us" for what in ("connect", "join", "return") for of in ("cpu", "store")]
        yield Measurement("comings", {"clients": sizes.visitors, "path": BRIDGE.emits_at}, keys, LOAD)
        signed = webhooks_plan(server, sizes.of_one)
        yield Measurement(
            "webhooks", signed, ["webhook_cpu_us", "webhook_store_us", "idle_ms", "idle_store_ms"], LOAD
        )


def after_a_kill(bench: Bench, cluster: Cluster, sizes: NodeSizes) -> str:
    plan = {"measure": "killed", "visitors": sizes.visitors, "path": BRIDGE.emits_at}
    what = Measurement("killed", plan, [figure.key for figure in KILLED], LOAD)
    runs = [
        bench.carried_out(run, TWO, bridges(2, cluster, plan), what, is_ours=True) for run in range(1, bench.runs + 1)
    ]
    return table(f"{sizes.visitors:,} clients of the one that is killed", TWO, KILLED, {TWO: runs})


BRIDGE = SERVERS["bridge"]
REDIS_STREAMS = Server(("node", str(PEERS / "redis_streams.mjs")))
_DATABASES = itertools.count(1)


@contextmanager
def bridges(count: int, cluster: Cluster, plan: Plan) -> Iterator[str]:
    """So many bridges that share a journal of their own."""
    database = f"journal_{next(_DATABASES)}"
    try:
        cluster.execute(f"CREATE DATABASE {database} OWNER {OWNER}")
        [store, *_] = cluster.processes()
    except psycopg.Error as error:
        raise ServerError(f"PostgreSQL does not serve: {error}") from None
    server = replace(BRIDGE, environment={"BRIDGE_DATABASE_URL": cluster.journal_url(database)})
    with ExitStack() as stack:
        nodes = [stack.enter_context(running(server)) for _ in range(count)]
        yield _whole(server, plan, nodes, store)


@contextmanager
def node_and_redis(plan: Plan) -> Iterator[str]:
    """Two Node processes that share a Redis."""
    with running_redis() as (store, port), ExitStack() as stack:
        server = replace(REDIS_STREAMS, environment={"REDIS_URL": f"redis://127.0.0.1:{port}"})
        nodes = [stack.enter_context(running(server)) for _ in range(2)]
        yield _whole(server, plan, nodes, store)


def _whole(server: Server, plan: Plan, nodes: Sequence[tuple[int, int]], store: int) -> str:
    at: list[dict[str, Any]] = [{"pid": pid, "port": port} for pid, port in nodes]
    return json.dumps({**plan, "nodes": at, "store": store, "answer_seconds": server.answer_seconds})


@contextmanager
def running_redis() -> Iterator[tuple[int, int]]:
    """A Redis that stores nothing; its process and its port."""
    port = free_port()
    options = f"--port {port} --bind 127.0.0.1 --save --appendonly no".split()
    options.insert(options.index("--save") + 1, "")
    with tempfile.TemporaryDirectory() as folder:
        try:
            process = subprocess.Popen(
                ["redis-server", *options],  # noqa: S607 (wherever it is installed)
                cwd=folder,
                stdout=subprocess.DEVNULL,
                preexec_fn=on_last_core,
            )
        except OSError as error:
            raise ServerError(f"there is no Redis: {error}") from None
        try:
            give_up = time.monotonic() + REDIS_STARTS_WITHIN_SECONDS
            while not answers(port):
                if process.poll() is not None or time.monotonic() > give_up:
                    raise ServerError("its Redis did not start")
                time.sleep(0.05)
            yield process.pid, port
        finally:
            process.kill()
            process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
