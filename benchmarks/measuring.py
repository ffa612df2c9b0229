"""Measures on, whatever fails: a server that does not start, cuts clients off or falls silent costs its own figures
of that run, and nothing else.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import on_last_core
from benchmarks.report import Failure, Found, one_line
from benchmarks.servers import Server, ServerError, running

__all__ = ["LOAD", "MEASURE_SECONDS", "ROOT", "Bench", "Measurement", "of_server"]

ROOT = Path(__file__).parent.parent
LOAD = (sys.executable, "-m", "benchmarks.load")
MEASURE_SECONDS = 900.0
"""Of all waits of one measurement together, most of which take seconds: for the clients that never end themselves."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What the clients do with one server, once it runs."""

    name: str
    plan: Mapping[str, Any]
    keys: Sequence[str]
    """The figures that it finds."""
    program: Sequence[str] = LOAD
    """The clients."""


class Bench:
    """What is measured in so many runs, and what failed meanwhile."""

    def __init__(self, runs: int) -> None:
        self.runs = runs
        self.failures: list[Failure] = []

    def measured(self, run: int, who: str, server: Server, what: Measurement) -> Found:
        """The figures of one measurement of one server."""
        return self.carried_out(run, who, _running_alone(server, what.plan), what, is_ours=server.is_ours)

    def carried_out(
        self, run: int, who: str, ready: AbstractContextManager[str], what: Measurement, *, is_ours: bool
    ) -> Found:
        """The figures of one measurement, of what is running once it is `ready`, which gives the whole plan for the
        clients. Says what they are, or why they are not there, as soon as it is known."""
        found: dict[str, float] = {}
        failure = _tried(ready, what.program, found)
        if failure is not None:
            self.failures.append(Failure(who, run, what.name, failure, is_ours))
        words = [f"{key}={value:.2f}" for key, value in found.items()]
        if failure is not None:
            words.append(f"FAILED: {one_line(failure)}")
        print(f"run {run} of {self.runs}: {who}, {what.name}: {' '.join(words)}", file=sys.stderr, flush=True)
        return {key: found.get(key) for key in what.keys}


def of_server(server: Server, plan: Mapping[str, Any], pid: int, port: int) -> str:
    """A plan, for the clients of a server that runs."""
    return json.dumps({**plan, "pid": pid, "port": port, "answer_seconds": server.answer_seconds})


@contextmanager
def _running_alone(server: Server, plan: Mapping[str, Any]) -> Iterator[str]:
    with running(server) as (pid, port):
        yield of_server(server, plan, pid, port)


def _tried(ready: AbstractContextManager[str], program: Sequence[str], found: dict[str, float]) -> str | None:
    """Adds what was found; returns why no more was."""
    try:
        with ready as plan:
            failure = _load(program, plan, found)
            if failure is not None:
                raise ServerError(failure)
    except ServerError as error:
        return str(error)
    return None


def _load(program: Sequence[str], plan: str, found: dict[str, float]) -> str | None:
    """Runs the clients, in a process of their own; returns why they did not find all."""
    try:
        ended = subprocess.run(
            program,
            cwd=ROOT,
            input=plan,
            capture_output=True,
            text=True,
            check=False,
            timeout=MEASURE_SECONDS,
            preexec_fn=on_last_core,
        )
    except subprocess.TimeoutExpired:
        return f"its clients were not done within {MEASURE_SECONDS:g} s"
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ["they said nothing"])[-1]
        return f"its clients ended with exit code {ended.returncode}: {last}"
    answer = json.loads(ended.stdout)
    found.update(answer["found"])
    failure: str | None = answer["failure"]
    return failure
