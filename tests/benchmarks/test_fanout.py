"""A benchmark that ends: a server that fails costs its own figures of that run, and nothing of it is left running."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.waiting import GIVE_UP_SECONDS, wait_until

ROOT = Path(__file__).parents[2]
# The benchmark with servers of a test's own: tiny, and patient with those that are to succeed.
PROGRAM = f"""
import sys
from dataclasses import replace
from benchmarks.fanout import main
from benchmarks.plans import Sizes
from benchmarks.servers import SERVERS, Server

patience = dict(rounds=2, start_seconds={GIVE_UP_SECONDS}, answer_seconds={GIVE_UP_SECONDS})
# With so small a limit those who do not read are soon cut off.
bridge = replace(SERVERS["bridge"], **patience, environment={{"BRIDGE_BACKLOG_LIMIT_BYTES": "100000"}})
stock = replace(SERVERS["stock Python"], **patience)

def program(name, **options):
    return Server((sys.executable, name), **(patience | options))

sizes = Sizes(clients=3, burst=100, paced=2, webhooks=3, posters=2, few=3, many=4, leaving=1, room_rounds=2, fill=1)
"""
LISTENS = """
import os, signal, socket, sys, time
listening = socket.create_server(("127.0.0.1", int(os.environ["BRIDGE_PORT"])))
"""
# The first connection only looks whether it is there.
ENDS_AFTER_ITS_FIRST_CONNECTIONS = LISTENS + "held = [listening.accept() for _ in range(3)]; os._exit(7)"
IS_KILLED = LISTENS + "held = [listening.accept() for _ in range(3)]; os.kill(os.getpid(), signal.SIGKILL)"
NEVER_STARTS = "raise SystemExit(3)"
NEVER_LISTENS = "import time; time.sleep(3600)"
NEVER_ANSWERS = LISTENS + "time.sleep(3600)"
STARTS_ONCE = """
import pathlib, runpy, sys
from benchmarks.servers import PEERS
started = pathlib.Path(__file__).with_suffix(".started")
if started.exists():
    raise SystemExit(3)
started.touch()
sys.argv[0] = str(PEERS / "stock.py")
runpy.run_path(sys.argv[0], run_name="__main__")
"""
Begin = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def begin(tmp_path: Path) -> Begin:
    """Begins a benchmark of servers, which are given as the words of a program, with options of `make bench`."""

    def begun(servers: str, *options: str) -> subprocess.Popen[str]:
        script = tmp_path / "benchmark.py"
        script.write_text(f"{PROGRAM}\nsys.exit(main(sys.argv[1:], {{{servers}}}, sizes))\n")
        return subprocess.Popen(
            [sys.executable, script, *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return begun


@pytest.fixture
def bench(begin: Begin) -> Callable[..., tuple[int, str, str]]:
    """Runs one to its end; gives its exit code, what it printed, and what it said meanwhile."""

    def run(servers: str, *options: str) -> tuple[int, str, str]:
        with begin(servers, *options) as process:
            try:
                # Every wait of its own has an end; all of them together take as long as the machine is busy.
                printed, said = process.communicate()
            finally:
                process.kill()
        return process.returncode, printed, said

    return run


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., str]:
    """A server of the test's own, in the words of a program."""

    def written(name: str, source: str, **options: float | str) -> str:
        path = tmp_path / f"{name}.py"
        path.write_text(source)
        return f"program({str(path)!r}, **{options!r})"

    return written


def cells(printed: str, label: str) -> list[str]:
    """What a table says of a figure, column by column."""
    [row] = [line for line in printed.splitlines() if line.startswith(label)]
    return re.split(r"  +", row.removeprefix(label).strip())


def test_peers_that_fail_are_said_to_have_failed_and_the_rest_goes_on(
    bench: Callable[..., tuple[int, str, str]], program: Callable[..., str]
) -> None:
    servers = {
        "ends": program("ends", ENDS_AFTER_ITS_FIRST_CONNECTIONS),
        "is killed": program("killed", IS_KILLED),
        "unstarted": program("unstarted", NEVER_STARTS),
        "deaf": program("deaf", NEVER_LISTENS, start_seconds=0.5),
        "unready": program("unready", NEVER_ANSWERS, start_seconds=0.5, ready_at="/ready"),
        "silent": program("silent", NEVER_ANSWERS, answer_seconds=0.5),
        "bridge": "bridge",
        "starts once": program("once", STARTS_ONCE),
        "Node": "stock",
    }
    words = ", ".join(f"{name!r}: {server}" for name, server in servers.items())
    code, printed, said = bench(words, "--runs", "2", "--only", "peers")
    assert code == 0, said
    for label in ("CPU µs per delivery, one event at a time", "connections accepted per second"):
        *failed, ours, once, node = cells(printed, label)
        assert failed == ["failed"] * 6
        assert re.fullmatch(r"[\d,.]+", ours)
        assert re.fullmatch(r"[\d,.]+ \(1 of 2\)", once), printed
        assert re.fullmatch(r"[\d,.]+", node)
    assert re.search(r"^    [\d.]+ × Node, [\d.]+ to [\d.]+; target 1\.5: ", printed, re.MULTILINE)
    _, _, failures = printed.partition("Failed, and left out of the medians:\n")
    reasons = {
        "ends": "the server ended with exit code 7; ",
        "is killed": "the server was ended by SIGKILL; ",
        "unstarted": "the server ended with exit code 3; it did not start",
        "deaf": "it was not there within 0.5 s",
        "unready": "it was not there within 0.5 s",
        "silent": "did not come within 0.5 s",
    }
    expected = [(f"    {who}, run {run}, fan-out: ", why) for run in (1, 2) for who, why in reasons.items()]
    expected.append(("    starts once, run 2, fan-out: ", "the server ended with exit code 3; it did not start"))
    assert len(failures.splitlines()) == len(expected)
    for line, (begins, why) in zip(failures.splitlines(), expected, strict=True):
        assert line.startswith(begins)
        assert why in line


def test_a_bridge_that_fails_fails_the_benchmark_and_its_peers_are_measured_all_the_same(
    bench: Callable[..., tuple[int, str, str]], program: Callable[..., str]
) -> None:
    ours = f"replace({program('ours', ENDS_AFTER_ITS_FIRST_CONNECTIONS)}, is_ours=True)"
    code, printed, said = bench(f"'bridge': {ours}, 'Node': stock", "--runs", "1", "--only", "peers")
    assert code == 1, said
    failed, node = cells(printed, "connections accepted per second")
    assert failed == "failed"
    assert re.fullmatch(r"[\d,.]+", node)
    assert "    no ratio to Node: no run measured both" in printed
    assert printed.endswith("The bridge failed itself, and so this benchmark did.\n")


def test_all_tables_of_a_bridge_that_works_come_out(bench: Callable[..., tuple[int, str, str]]) -> None:
    code, printed, said = bench("'bridge': bridge", "--runs", "1")
    assert code == 0, said
    assert "failed" not in printed + said.lower()
    assert re.fullmatch(r"[\d,.]+", cells(printed, "CPU µs per webhook, 16 connections, 1 client")[0])
    assert len(cells(printed, "CPU µs per departure")) == 2
    assert "    3 do not read; " in printed


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_what_a_benchmark_started_ends_with_it_when_it_is_interrupted(
    begin: Begin, program: Callable[..., str], how: signal.Signals
) -> None:
    with begin(f"'bridge': {program('silent', NEVER_ANSWERS)}", "--runs", "1", "--only", "peers") as process:
        try:
            started = wait_until(lambda: server_and_clients(process.pid))
            process.send_signal(how)
            process.communicate(timeout=GIVE_UP_SECONDS)
        finally:
            process.kill()
    assert process.returncode == (-how if how is signal.SIGKILL else 128 + how)
    wait_until(lambda: not any(runs(pid) for pid in started))


def server_and_clients(benchmark: int) -> list[int]:
    """The processes of both, once they are what they are to be; none until then."""
    children = [int(path.name) for path in Path("/proc").glob("[0-9]*") if parent(path) == benchmark]
    commands = [Path(f"/proc/{child}/cmdline").read_bytes() for child in children]
    both = [any(name in command for command in commands) for name in (b"silent.py", b"benchmarks.load")]
    return children if all(both) else []


def parent(process: Path) -> int | None:
    state = state_of(process)
    return int(state[1]) if state else None


def runs(pid: int) -> bool:
    """One that has ended may still wait for whoever inherited it to notice."""
    state = state_of(Path(f"/proc/{pid}"))
    return bool(state) and state[0] != "Z"


def state_of(process: Path) -> list[str]:
    """What follows a process's name in its `stat`: its state, its parent and more. Empty if there is none."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
