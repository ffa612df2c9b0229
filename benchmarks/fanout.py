"""Fan-out beside its peers: WebSocket clients hear every event; the server is on one core, the clients on another.
`make bench` installs the peers and prints medians, each with its ratio to the peers of the same run.

The bridge takes each event through `POST /api/events`, or as a webhook, and commits it to SQLite (FULL) before it is
told; the peers store nothing.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.servers import KEY, SERVERS, Server, last_core, more_files, running
from providers.shkeeper.simulator.scenarios import SCENARIOS, Invoice

CLIENTS, BURST, PACED, WEBHOOKS, POSTERS = 1_000, 16, 90, 1_600, 16
FEW, MANY, LEAVING = 200, 20_000, 150
DATA = {
    "paymentId": "pay_65f1c0ffee0123456789abcd",
    "status": "completed",
    "escrowState": "funded",
    "txHash": "0x9fc76417374aa880d4449a1f7f31ec597f00b1f6f3dd2d66f4c9c6c445836d8b",
}
EVENT = {"event": "payment-update", "data": DATA}
# What is measured, and what the bridge is to reach beside which peer.
FIGURES: tuple[tuple[str, str, Mapping[str, float]], ...] = (
    (
        "single_cpu_us",
        "CPU µs per delivery, one event at a time",
        {"Node": 0.55, "uWebSockets": 1.1, "stock Python": 0.12},
    ),
    ("burst_cpu_us", "CPU µs per delivery, 16 events at once", {"Node": 0.1, "uWebSockets": 1.2}),
    ("connects_per_second", "connections accepted per second", {"Node": 1.5}),
    ("connect_cpu_us", "CPU µs per connection", {}),
    ("memory_kb", "KB per idle client", {"Node": 0.8}),
    ("p99_ms", "p99 ms from POST to socket, 30 events/s", {"Node": 1.0}),
    ("webhook_cpu_us", "CPU µs per webhook, 16 connections, 1 client", {"Node": 1.0}),
)
MORE_IS_BETTER = {"connects_per_second"}


def load(plan: Mapping[str, Any]) -> dict[str, float]:
    """Runs the clients, in a process of their own."""
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        cwd=Path(__file__).parent.parent,
        input=json.dumps(plan),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=last_core,
    )
    if answer.returncode:
        raise RuntimeError(answer.stderr)
    found: dict[str, float] = json.loads(answer.stdout)
    return found


def fan_out_plan(server: Server) -> dict[str, Any]:
    """For the first six figures."""
    single: object = EVENT if server.is_ours else {"data": DATA}
    burst: object = {"events": [EVENT] * BURST} if server.is_ours else {"times": BURST, "data": DATA}
    return {
        "measure": "fan_out",
        "clients": CLIENTS,
        "path": server.emits_at,
        "single": json.dumps(single),
        "burst": json.dumps(burst),
        "times": BURST,
        "rounds": server.rounds,
        "paced": PACED,
    }


def webhooks_plan(server: Server, count: int = WEBHOOKS) -> dict[str, Any]:
    """Webhooks of payments that are registered: verified, committed and told; by the peer, only told."""
    now = datetime.now(UTC)
    registrations, deliveries = [], []
    for number in range(count):
        name = f"order-{number}"
        [delivery] = SCENARIOS["paid"](Invoice(name, Decimal("49.90"), "USD", now))
        deliveries.append((delivery.body.decode(), delivery.headers(KEY, now)))
        parties = {
            "requestId": f"request-{number}",
            "buyerId": "buyer-1",
            "sellerId": "seller-1",
            "offerId": "offer-1",
        }
        payment = {"provider": "shkeeper", "externalId": name, "amount": "49.90", "currency": "USD"}
        registrations.append(json.dumps(payment | parties))
    return {
        "measure": "webhooks",
        "register_at": "/api/payments" if server.is_ours else None,
        "registrations": registrations,
        "path": "/webhooks/shkeeper" if server.is_ours else "/webhook",
        "deliveries": deliveries,
        "posters": POSTERS,
    }


# Without a heartbeat that comes to some of the many while others leave.
CROWDED = replace(SERVERS["bridge"], environment={"BRIDGE_PING_INTERVAL_SECONDS": "3600"})


def crowd_plan(clients: int) -> dict[str, Any]:
    """What one departure, and one event for a room of two, cost the bridge among so many."""
    event = {"event": "new-message", "data": MESSAGE}
    return {
        "measure": "crowd",
        "clients": clients,
        "leaving": LEAVING,
        "join": ["join-chat-room", "chat-1"],
        "path": "/api/events",
        "event": json.dumps(event),
        "rounds": 300,
    }


def stalled_plan() -> dict[str, Any]:
    """What those who do not read take from those who do."""
    return {**fan_out_plan(SERVERS["bridge"]), "measure": "stalled", "fill": 60}


def measured(server: Server, plan: Mapping[str, Any]) -> dict[str, float]:
    with running(server) as (pid, port):
        try:
            return load({**plan, "pid": pid, "port": port})
        except RuntimeError as error:
            raise RuntimeError(f"{' '.join(server.command)}: {error}") from None


MESSAGE = {
    "chatId": "chat-1",
    "message": {
        "_id": "message-1",
        "content": "is it still to be had?",
        "senderId": "buyer-1",
        "createdAt": "2026-01-31T15:45:38Z",
    },
    "senderId": "buyer-1",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of which the medians are printed")
    parser.add_argument("--only", choices=("peers", "webhooks", "crowd", "stalled"), help="one of the tables")
    options = parser.parse_args()
    if options.only in (None, "peers", "webhooks"):
        beside_peers(options.runs, options.only)
    if options.only in (None, "crowd"):
        in_crowds(options.runs)
    if options.only in (None, "stalled"):
        beside_stalled(options.runs)


def beside_peers(runs: int, only: str | None) -> None:
    runs_of: dict[str, list[dict[str, float]]] = {name: [] for name in SERVERS}
    for number in range(runs):
        for name, server in SERVERS.items():
            found: dict[str, float] = {}
            if only != "webhooks":
                found |= measured(server, fan_out_plan(server))
            if only != "peers" and name in ("bridge", "Node"):
                found |= measured(server, webhooks_plan(server))
            runs_of[name].append(found)
            print(f"run {number + 1} of {runs}: {name} {_short(found)}", file=sys.stderr, flush=True)
    medians = {name: _medians(found) for name, found in runs_of.items()}
    print(f"{'':<46}" + "".join(f"{name:>14}" for name in SERVERS))
    for key, label, targets in FIGURES:
        if key not in medians["bridge"]:
            continue
        print(f"{label:<46}" + "".join(_cell(medians[name].get(key)) for name in SERVERS))
        ratios = []
        for peer, target in targets.items():
            ratio = statistics.median(
                ours[key] / theirs[key] for ours, theirs in zip(runs_of["bridge"], runs_of[peer], strict=True)
            )
            is_met = ratio >= target if key in MORE_IS_BETTER else ratio <= target
            ratios.append(f"{ratio:.2f} × {peer} (target {target:g}{'' if is_met else ', missed'})")
        if ratios:
            print(f"    {'; '.join(ratios)}")


def in_crowds(runs: int) -> None:
    many = min(MANY, more_files() - 500)
    sizes = (FEW, many)
    runs_of: dict[int, list[dict[str, float]]] = {size: [] for size in sizes}
    for number in range(runs):
        for size, found in runs_of.items():
            found.append(measured(CROWDED, crowd_plan(size)))
            print(f"run {number + 1} of {runs}: {size} clients {_short(found[-1])}", file=sys.stderr, flush=True)
    medians = {size: _medians(found) for size, found in runs_of.items()}
    print(f"{'the bridge, of how many clients':<46}" + "".join(f"{size:>14,}" for size in sizes) + f"{'ratio':>10}")
    for key, label in (("leave_cpu_us", "CPU µs per departure"), ("room_cpu_us", "CPU µs per event to a room of 2")):
        few, crowded = (medians[size][key] for size in sizes)
        print(f"{label:<46}{few:>14,.0f}{crowded:>14,.0f}{crowded / few:>10.2f}")


def beside_stalled(runs: int) -> None:
    found: list[dict[str, float]] = []
    for number in range(runs):
        found.append(measured(SERVERS["bridge"], stalled_plan()))
        print(f"run {number + 1} of {runs}: {_short(found[-1])}", file=sys.stderr, flush=True)
    medians = _medians(found)
    head = f"the bridge, {CLIENTS:,} that read"
    print(f"{head:<46}{'alone':>14}{'+ stalled':>14}{'ratio':>10}{'after':>14}")
    for label, keys in (
        ("CPU µs per delivery", ("alone_cpu_us", "beside_cpu_us", "after_cpu_us")),
        ("p99 ms from POST to socket, 30 events/s", ("alone_p99_ms", "beside_p99_ms")),
    ):
        alone, beside = (medians[key] for key in keys[:2])
        after = medians[keys[2]] if len(keys) > 2 else None
        print(f"{label:<46}{alone:>14,.2f}{beside:>14,.2f}{beside / alone:>10.2f}{_cell(after)}")
    print(f"    {medians['stalled']:,.0f} do not read; {medians['beside_memory_mb']:.1f} MB wait for all of them")


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def _short(found: Mapping[str, float]) -> str:
    return " ".join(f"{key}={value:.2f}" for key, value in found.items())


def _cell(value: float | None) -> str:
    return f"{'':>14}" if value is None else f"{value:>14,.2f}"


if __name__ == "__main__":
    main()
