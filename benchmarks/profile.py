"""Where the bridge's time goes while it is under load: `make profile` prints the functions that cost most.

It is py-spy that looks, from outside, at whatever holds the interpreter; so what a function waits for does not count.
"""

import argparse
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.fanout import fan_out_plan, webhooks_plan
from benchmarks.servers import SERVERS, last_core, running

ROOT = Path(__file__).parent.parent
PY_SPY = Path(sys.executable).parent / "py-spy"
WEBHOOKS, ROUNDS = 8_000, 400
SAMPLES_PER_SECOND = 400
SHOWN = 30
STARTERS = ("(asyncio/runners.py)", "(threading.py)")
LINE_NUMBER = re.compile(r":\d+\)")


def stacks(plan: dict[str, Any]) -> list[tuple[list[str], int]]:
    """What stood on the stack how often while the plan was carried out, outermost first."""
    with running(SERVERS["bridge"]) as (pid, port), tempfile.TemporaryDirectory() as folder:
        begun, raw = Path(folder, "begun"), Path(folder, "stacks")
        given = json.dumps({**plan, "pid": pid, "port": port, "begun": str(begun)})
        loading = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.load"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            preexec_fn=last_core,
        )
        if loading.stdin is None:
            raise RuntimeError("the clients cannot be told what to do")
        loading.stdin.write(given)
        loading.stdin.close()
        while not begun.exists():
            if loading.poll() is not None:
                raise RuntimeError("the clients did not begin")
            time.sleep(0.05)
        options = f"--pid {pid} --gil --rate {SAMPLES_PER_SECOND} --format raw --duration 3600 --output {raw}"
        looking = subprocess.Popen([PY_SPY, "record", *options.split()], stdout=subprocess.DEVNULL)
        if loading.wait():
            raise RuntimeError("the clients failed")
        looking.send_signal(signal.SIGINT)
        looking.wait()
        lines = [line.rpartition(" ") for line in raw.read_text().splitlines()]
    return [(_inner(LINE_NUMBER.sub(")", stack).split(";")), int(count)) for stack, _, count in lines]


def _inner(stack: list[str]) -> list[str]:
    """Without what only started the loop or the thread."""
    starts = [place for place, function in enumerate(stack) if function.endswith(STARTERS)]
    return stack[starts[-1] :] if starts else stack


def print_costs(found: list[tuple[list[str], int]]) -> None:
    """Shares of the whole: what runs in a function itself, and what runs in it and in all that it calls."""
    whole = sum(count for _, count in found)
    itself: Counter[str] = Counter()
    with_calls: Counter[str] = Counter()
    for stack, count in found:
        itself[stack[-1]] += count
        with_calls.update(dict.fromkeys(stack, count))
    for title, costs in (("itself", itself), ("with what it calls", with_calls)):
        print(f"{title}")
        for function, count in costs.most_common(SHOWN):
            print(f"{count / whole:>7.1%}  {function}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("load", choices=("events", "webhooks"), nargs="?", default="events")
    options = parser.parse_args()
    server = SERVERS["bridge"]
    plans = {
        "events": lambda: fan_out_plan(server) | {"rounds": ROUNDS},
        "webhooks": lambda: webhooks_plan(server, WEBHOOKS),
    }
    print_costs(stacks(plans[options.load]()))


if __name__ == "__main__":
    main()
