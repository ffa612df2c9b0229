"""Fan-out beside its peers: WebSocket clients hear every event; the server is on one core, the clients on another.
`make bench` installs the peers and prints medians, each with its ratio to the peers of the same run. What fails is
said and left out; the exit code is 1 if it was the bridge.

The bridge takes each event through `POST /api/events`, or as a webhook, and commits it to SQLite (FULL) before it is
told; the peers store nothing.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from benchmarks.limits import LIMITS, limits_of
from benchmarks.measuring import Bench, Measurement
from benchmarks.plans import SIZES, Sizes, crowd_plan, fan_out_plan, stalled_plan, webhooks_plan
from benchmarks.processes import end_on_signals, more_files
from benchmarks.report import Figure, Found, closing, exit_code, how_to_read, table
from benchmarks.servers import SERVERS, Server

OURS = "bridge"
# What is measured, and what the bridge is to reach beside which peer.
FAN_OUT = (
    Figure(
        "single_cpu_us",
        "CPU µs per delivery, one event at a time",
        {"Node": 0.55, "uWebSockets": 1.1, "stock Python": 0.12},
    ),
    Figure("burst_cpu_us", "CPU µs per delivery, 16 events at once", {"Node": 0.1, "uWebSockets": 1.2}),
    Figure("connects_per_second", "connections accepted per second", {"Node": 1.5}, more_is_better=True),
    Figure("connect_cpu_us", "CPU µs per connection", {"Node": 0.67}),
    Figure("memory_kb", "KB per idle client", {"Node": 0.8}),
    Figure("p99_ms", "p99 ms from POST to socket, 30 events/s", {"Node": 1.0}),
)
WEBHOOKS = (
    Figure(
        "webhook_cpu_us",
        "CPU µs per webhook, 16 connections, 1 client",
        {"Node": 1.0, **dict.fromkeys(LIMITS)},
    ),
)
# The peers register nothing.
REGISTRATIONS = (Figure("registration_cpu_us", "CPU µs per registration, 16 connections, 1 client"),)
CROWD = (("leave_cpu_us", "CPU µs per departure"), ("room_cpu_us", "CPU µs per event to a room of 2"))
STALLED = (
    Figure("cpu_us", "CPU µs per delivery", {"alone": None}),
    Figure("p99_ms", "p99 ms from POST to socket, 30 events/s", {"alone": None}),
)
STALLED_COLUMNS = {
    "alone": {"cpu_us": "alone_cpu_us", "p99_ms": "alone_p99_ms"},
    "+ stalled": {"cpu_us": "beside_cpu_us", "p99_ms": "beside_p99_ms"},
    "after": {"cpu_us": "after_cpu_us"},
}


def main(arguments: Sequence[str], servers: Mapping[str, Server] = SERVERS, sizes: Sizes = SIZES) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=at_least_one, default=5, help="of which the medians are printed")
    parser.add_argument("--only", choices=("peers", "webhooks", "crowd", "stalled"), help="one of the tables")
    options = parser.parse_args(arguments)
    end_on_signals()
    bench = Bench(options.runs)
    print(how_to_read(options.runs), flush=True)
    if options.only in (None, "peers", "webhooks"):
        print(beside_peers(bench, servers, sizes, options.only), flush=True)
    if options.only in (None, "crowd"):
        print(in_crowds(bench, servers[OURS], sizes), flush=True)
    if options.only in (None, "stalled"):
        print(beside_stalled(bench, servers[OURS], sizes), flush=True)
    if bench.failures:
        print(closing(bench.failures), flush=True)
    return exit_code(bench.failures)


def at_least_one(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError
    return number


def beside_peers(bench: Bench, servers: Mapping[str, Server], sizes: Sizes, only: str | None) -> str:
    runs_of: dict[str, list[Found]] = {name: [] for name in servers}
    for run in range(1, bench.runs + 1):
        for name, server in servers.items():
            found: dict[str, float | None] = {}
            for measurement in _of_peers(server, sizes, only):
                found.update(bench.measured(run, name, server, measurement))
            runs_of[name].append(found)
        if only == "webhooks":
            for name, limit in limits_of(bench, run, servers[OURS], sizes).items():
                runs_of.setdefault(name, []).append(limit)
    return table("", OURS, FAN_OUT + WEBHOOKS + REGISTRATIONS, runs_of)


def _of_peers(server: Server, sizes: Sizes, only: str | None) -> Iterator[Measurement]:
    if only != "webhooks":
        yield Measurement("fan-out", fan_out_plan(server, sizes), [figure.key for figure in FAN_OUT])
    if only != "peers" and server.webhooks_at is not None:
        figures = WEBHOOKS + REGISTRATIONS if server.is_ours else WEBHOOKS
        yield Measurement("webhooks", webhooks_plan(server, sizes), [figure.key for figure in figures])


def in_crowds(bench: Bench, bridge: Server, sizes: Sizes) -> str:
    # Without a heartbeat that comes to some of the many while others leave.
    crowded = replace(bridge, environment={**bridge.environment, "BRIDGE_PING_INTERVAL_SECONDS": "3600"})
    few, many = sizes.few, min(sizes.many, more_files() - 500)
    runs_of: dict[str, list[Found]] = {f"{clients:,}": [] for clients in (few, many)}
    for run in range(1, bench.runs + 1):
        for clients in (few, many):
            column = f"{clients:,}"
            measurement = Measurement(f"{column} clients", crowd_plan(clients, sizes), [key for key, _ in CROWD])
            runs_of[column].append(bench.measured(run, OURS, crowded, measurement))
    figures = [Figure(key, label, {f"{few:,}": None}) for key, label in CROWD]
    return table("the bridge, of how many clients", f"{many:,}", figures, runs_of)


def beside_stalled(bench: Bench, bridge: Server, sizes: Sizes) -> str:
    keys = [key for column in STALLED_COLUMNS.values() for key in column.values()] + ["stalled", "beside_memory_mb"]
    measurement = Measurement("stalled", stalled_plan(bridge, sizes), keys)
    runs = [bench.measured(run, OURS, bridge, measurement) for run in range(1, bench.runs + 1)]
    runs_of = {
        column: [{figure: run[key] for figure, key in figures.items()} for run in runs]
        for column, figures in STALLED_COLUMNS.items()
    }
    lines = [table(f"the bridge, {sizes.clients:,} that read", "+ stalled", STALLED, runs_of)]
    waiting = [(run["stalled"], run["beside_memory_mb"]) for run in runs]
    known = [(clients, mb) for clients, mb in waiting if clients is not None and mb is not None]
    if known:
        clients, mb = (statistics.median(values) for values in zip(*known, strict=True))
        lines.append(f"    {clients:,.0f} do not read; {mb:.1f} MB wait for all of them")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
