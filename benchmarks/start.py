"""What a start costs: `bridge --help`, and `bridge serve` until it answers that it is ready, beside an empty Python
and beside the libraries that a bridge stands on, imported alone. `make bench-start` prints medians, with their ratios
to the others of the same run.

CPU is that of the process; for a bridge until its first good answer.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks.processes import end_on_signals, ends_with_us
from benchmarks.report import Figure, Found, how_to_read, table
from benchmarks.servers import free_port

BRIDGE = Path(sys.executable).parent / "bridge"
LIBRARIES = "import litestar, pydantic_settings, socketio, sqlalchemy, uvicorn"
START_SECONDS = 60.0
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def until_its_end(*command: str | Path) -> Found:
    """Of a command that ends by itself."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, preexec_fn=ends_with_us)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"cpu_ms": (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000}


def until_ready(folder: str) -> Found:
    """Of a bridge with its journal in a folder."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "BRIDGE_PORT": str(port),
        "BRIDGE_DATABASE_URL": f"sqlite:///{folder}/bridge.db",
        "BRIDGE_LOG_LEVEL": "error",
    }
    with subprocess.Popen(
        [BRIDGE, "serve"],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=ends_with_us,
    ) as process:
        try:
            _await_ready(process, port)
            return _figures(process.pid)
        finally:
            process.kill()


def _await_ready(process: subprocess.Popen[bytes], port: int) -> None:
    give_up = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=START_SECONDS):
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError("the bridge did not start") from None
            time.sleep(0.02)


def _figures(pid: int) -> Found:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text()
    memory_kb = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return {
        "cpu_ms": (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND * 1000,
        "memory_mb": int(memory_kb) / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="of which the medians are printed")
    runs = parser.parse_args().runs
    end_on_signals()
    helps: dict[str, list[Found]] = {"--help": [], "python -c pass": []}
    serves: dict[str, list[Found]] = {"serve, new": [], "serve, again": [], "its libraries": [], "python -c pass": []}
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            empty = until_its_end(sys.executable, "-c", "pass")
            helps["--help"].append(until_its_end(BRIDGE, "--help"))
            helps["python -c pass"].append(empty)
            serves["serve, new"].append(until_ready(folder))
            serves["serve, again"].append(until_ready(folder))
            serves["its libraries"].append(until_its_end(sys.executable, "-c", LIBRARIES))
            serves["python -c pass"].append(empty)
    print(how_to_read(runs))
    print(table("", "--help", [Figure("cpu_ms", "CPU ms", {"python -c pass": 4.0})], helps))
    beside = {"its libraries": 1.08, "python -c pass": None}
    print(
        table(
            "",
            "serve, new",
            [Figure("cpu_ms", "CPU ms until ready", beside), Figure("memory_mb", "MB", at_most=100)],
            serves,
        )
    )


if __name__ == "__main__":
    main()
