"""Fan-out beside its peers: 1,000 WebSocket clients hear every event; the server is on one core, the clients on the
other. `make bench` installs the peers and prints medians of five, each with its ratio to the peers of the same run.

The bridge takes each event through `POST /api/events` and commits it to SQLite (FULL) before it is told; the peers store
nothing.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CLIENTS, RUNS, ROUNDS, BURST, PACED = 1_000, 5, 100, 16, 60
DATA = {
    "paymentId": "pay_65f1c0ffee0123456789abcd",
    "status": "completed",
    "escrowState": "funded",
    "txHash": "0x9fc76417374aa880d4449a1f7f31ec597f00b1f6f3dd2d66f4c9c6c445836d8b",
}
EVENT = {"event": "payment-update", "data": DATA}
EMIT = {"path": "/emit", "single": json.dumps({"data": DATA}), "burst": json.dumps({"times": BURST, "data": DATA})}
SERVERS: dict[str, tuple[Sequence[str], dict[str, str]]] = {
    "bridge": (
        (str(Path(sys.executable).parent / "bridge"), "serve"),
        {"path": "/api/events", "single": json.dumps(EVENT), "burst": json.dumps({"events": [EVENT] * BURST})},
    ),
    "Node": (("node", str(HERE / "peers" / "node.mjs")), EMIT),
    "uWebSockets": (("node", str(HERE / "peers" / "uws.mjs")), EMIT),
    "stock Python": ((sys.executable, str(HERE / "peers" / "stock.py")), EMIT),
}
# What is measured, in which unit, and what the bridge is to reach beside which peer.
FIGURES = (
    ("single_cpu_us", "CPU µs per delivery, one at a time", {"Node": 0.55, "uWebSockets": 1.1, "stock Python": 0.12}),
    ("burst_cpu_us", "CPU µs per delivery, 16 at once", {"Node": 0.1, "uWebSockets": 1.2}),
    ("connects_per_second", "connections accepted per second", {"Node": 1.5}),
    ("memory_kb", "KB per idle client", {"Node": 0.8}),
    ("p99_ms", "p99 ms from POST to socket, 30 events/s", {"Node": 1.0}),
)


@contextmanager
def running(command: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Starts a server on the first core; gives its process and its port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "BRIDGE_PORT": str(port),
            "BRIDGE_DATABASE_URL": f"sqlite:///{folder}/bridge.db",
            "BRIDGE_LOG_LEVEL": "warning",
            "BRIDGE_CHAINS_FILE": "",
        }
        arguments = [*command] if command[-1] == "serve" else [*command, str(port)]
        process = subprocess.Popen(
            arguments,
            cwd=folder if command[-1] == "serve" else HERE / "peers",
            env=environment,
            stdout=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, {0}),
        )
        try:
            give_up = time.monotonic() + 30
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    if process.poll() is not None or time.monotonic() > give_up:
                        raise RuntimeError(f"{' '.join(command)} did not start") from None
                    time.sleep(0.05)
            time.sleep(0.5)
            yield process.pid, port
        finally:
            process.kill()
            process.wait()


def measured(name: str) -> dict[str, float]:
    command, plan = SERVERS[name]
    with running(command) as (pid, port):
        whole = plan | {"pid": pid, "times": BURST, "rounds": ROUNDS, "paced": PACED}
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.load", str(port), str(CLIENTS), json.dumps(whole)],
            cwd=HERE.parent,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda: os.sched_setaffinity(0, {(os.cpu_count() or 2) - 1}),
        )
        if answer.returncode:
            raise RuntimeError(f"{name}: {answer.stderr}")
        found: dict[str, float] = json.loads(answer.stdout)
        return found


def main() -> None:
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in SERVERS}
    for number in range(RUNS):
        for name, found in runs.items():
            found.append(measured(name))
            print(f"run {number + 1} of {RUNS}: {name}", file=sys.stderr, flush=True)
    medians: dict[str, dict[str, float]] = {
        name: {key: statistics.median(run[key] for run in found) for key in found[0]} for name, found in runs.items()
    }
    print(f"{'':<44}" + "".join(f"{name:>14}" for name in SERVERS))
    for key, label, targets in FIGURES:
        print(f"{label:<44}" + "".join(f"{medians[name][key]:>14,.2f}" for name in SERVERS))
        ratios: list[Any] = []
        for peer, target in targets.items():
            ratio = medians["bridge"][key] / medians[peer][key]
            is_met = ratio >= target if key == "connects_per_second" else ratio <= target
            ratios.append(f"{ratio:.2f} × {peer} (target {target:g}{'' if is_met else ', missed'})")
        print(f"{'':<4}{'; '.join(ratios)}")


if __name__ == "__main__":
    main()
