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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measuring import LOAD, MEASURE_SECONDS, ROOT, of_server
from benchmarks.plans import Plan, Sizes, fan_out_plan, webhooks_plan
from benchmarks.processes import end_on_signals, ends_with_us, on_last_core
from benchmarks.servers import SERVERS, ServerError, running

PY_SPY = str(Path(sys.executable).parent / "py-spy")
WEBHOOKS, ROUNDS = 8_000, 400
SAMPLES_PER_SECOND = 400
POLL_SECONDS = 120.0  # for py-spy to write down what it saw
SHOWN = 30
STARTERS = ("(asyncio/runners.py)", "(threading.py)")
LINE_NUMBER = re.compile(r":\d+\)")


def stacks(plan: Plan) -> list[tuple[list[str], int]]:
    """What stood on the stack how often while the plan was carried out, outermost first. Raises ServerError."""
    server = SERVERS["bridge"]
    with running(server) as (pid, port), tempfile.TemporaryDirectory() as name:
        begun, raw, given, answer = (Path(name, file) for file in ("begun", "stacks", "given", "answer"))
        given.write_text(of_server(server, plan | {"begun": str(begun)}, pid, port))
        with given.open() as reads, answer.open("w") as writes:
            clients = subprocess.Popen(LOAD, cwd=ROOT, stdin=reads, stdout=writes, preexec_fn=on_last_core)
        with _ended_whatever_happens(clients):
            _await_begin(begun, clients)
            options = f"--pid {pid} --gil --rate {SAMPLES_PER_SECOND} --format raw --duration 3600 --output {raw}"
            command = [PY_SPY, "record", *options.split()]
            with _ended_whatever_happens(
                subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=ends_with_us)
            ) as py_spy:
                _await_end(clients, "the clients", MEASURE_SECONDS)
                py_spy.send_signal(signal.SIGINT)
                _await_end(py_spy, "py-spy", POLL_SECONDS)
        if (failure := json.loads(answer.read_text())["failure"]) is not None:
            raise ServerError(failure)
        lines = [line.rpartition(" ") for line in raw.read_text().splitlines()]
    return [(_inner(LINE_NUMBER.sub(")", stack).split(";")), int(count)) for stack, _, count in lines]


@contextmanager
def _ended_whatever_happens(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _await_begin(begun: Path, clients: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + MEASURE_SECONDS
    while not begun.exists():
        if clients.poll() is not None or time.monotonic() > give_up:
            raise ServerError("its clients did not begin")
        time.sleep(0.05)


def _await_end(process: subprocess.Popen[bytes], who: str, seconds: float) -> None:
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        raise ServerError(f"{who} did not end within {seconds:g} s") from None
    if code:
        raise ServerError(f"{who} ended with exit code {code}")


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
    end_on_signals()
    server = SERVERS["bridge"]
    plans = {
        "events": lambda: fan_out_plan(server) | {"rounds": ROUNDS},
        "webhooks": lambda: webhooks_plan(server, Sizes(webhooks=WEBHOOKS)),
    }
    try:
        found = stacks(plans[options.load]())
    except ServerError as error:
        sys.exit(f"Nothing was profiled: {error}")
    print_costs(found)


if __name__ == "__main__":
    main()
