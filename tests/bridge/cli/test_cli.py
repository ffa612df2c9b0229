"""The command line as its users meet it: help, versions, exit codes and clear words."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.asking import get
from tests.commands import COLD, PIPE, Command
from tests.waiting import GIVE_UP_SECONDS

KEY = "a-key-for-tests-only-0123456789"


@pytest.fixture(scope="module")
def bridge(make_bridge: Any) -> Any:
    return make_bridge(BRIDGE_SHKEEPER_API_KEYS=KEY)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_help_is_printed_and_names_every_command(run: Any) -> None:
    helped = run("--help")
    assert helped.returncode == 0
    for command in ("serve", "simulate", "listen", "doctor"):
        assert command in helped.stdout
    assert "\x1b[" not in helped.stdout
    for words in (["serve"], ["simulate", "shkeeper"], ["simulate", "transfer"], ["listen"], ["doctor"]):
        page = run(*words, "--help")
        assert page.returncode == 0
        assert "Example: " in page.stdout


def test_the_version_is_printed(run: Any) -> None:
    assert run("--version").stdout.startswith("bridge 0.")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "there is no command"),
        (["serv"], "there is no command 'serv'; is it serve?"),
        (["--version", "extra"], "--version stands alone, without 'extra'"),
        (["serve", "--port", "x"], "--port"),
        (["simulate", "shkeeper", "--scenario", "nonsense"], "out-of-order"),
        (["simulate", "shkeeper", "--payment-amount", "1.5e"], "decimal string"),
        (["simulate", "shkeeper", "--payment-amount", "0"], "more than zero"),
        (["listen", "--count", "0"], "--count"),
    ],
)
def test_wrong_usage_is_explained_and_exits_with_2(run: Any, arguments: list[str], words: str) -> None:
    wrong = run(*arguments)
    assert wrong.returncode == 2
    assert words in wrong.stderr


# serve


def test_serve_says_where_it_listens_and_ends_cleanly(tmp_path: Path) -> None:
    with subprocess.Popen(
        [COLD, "serve", "--port", "0"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "BRIDGE_SHKEEPER_API_KEYS": KEY, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        url = first.split()[-1]
        assert first.startswith("The bridge is ready on http://127.0.0.1:")
        pages = process.stdout.readline().split()
        assert pages == ["pages", f"{url}/ops", f"{url}/ops/system", f"{url}/pay/PAYMENT_ID"]
        assert [get(page).headers["content-type"] for page in pages[1:]] == ["text/html; charset=utf-8"] * 3
        assert get(f"{url}/health/ready").json()["status"] == "ready"
        process.send_signal(signal.SIGTERM)
        said = process.stdout.read()
        missing = f"there is no {tmp_path}/config/bridge.toml, and --config names none"
        assert f"\n  settings  of no file: {missing}\n" in said
        assert process.wait(timeout=GIVE_UP_SECONDS) == 0
    assert (tmp_path / "var" / "bridge.db").exists()


def test_serve_says_how_to_try_it_if_it_is_asked_to(run: Any, tmp_path: Path) -> None:
    with Command(
        *("serve", "--port", "0", "--how-to-try"),
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "BRIDGE_SHKEEPER_API_KEYS": KEY, "PYTHONUNBUFFERED": "1"},
        stdout=PIPE,
    ) as process:
        assert process.stdout is not None
        lines = [line.split() for line in iter(process.stdout.readline, "  Ctrl-C stops it.\n")]
        [simulate] = [words[1:] for words in lines if "simulate" in words]
        assert run(*simulate, "--pause", "0", BRIDGE_SHKEEPER_API_KEYS=KEY).returncode == 0
        [listen] = [words[1:] for words in lines if "listen" in words]
        assert run(*listen, "--for", "0.1").returncode == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=GIVE_UP_SECONDS) == 0


def assert_explained(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode == 1, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


def test_serve_explains_why_it_cannot_start(run: Any, bridge: Any, taken_port: int, tmp_path: Path) -> None:
    taken = run("serve", "--port", str(taken_port))
    assert_explained(taken, "cannot listen on 127.0.0.1", "Address already in use", "BRIDGE_PORT=", "--port ")
    both = run("serve", "--port", str(taken_port), "--with-shkeeper", BRIDGE_SHKEEPER_API_KEYS=KEY)
    assert_explained(both, "cannot listen on 127.0.0.1")
    assert both.stdout == ""
    assert_explained(
        run("serve", "--port", "0", BRIDGE_DATABASE_URL=f"sqlite:///{bridge.database}"), "another bridge"
    )
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no database at all, " * 100)
    assert_explained(run("serve", "--port", "0", BRIDGE_DATABASE_URL=f"sqlite:///{broken}"), "not a database")
    assert_explained(run("serve", "--port", "0", BRIDGE_DATABASE_URL="sqlite:////proc/x/y.db"), "/proc/x/y.db cannot")
    assert_explained(run("serve", BRIDGE_PORT="x"), "port: ", "BRIDGE_PORT")
    assert_explained(run("serve", "--port", "99999"), "port: ", "(set with --port)")
    assert_explained(run("serve", BRIDGE_HOST="0.0.0.0"), "open_to_network")
    assert_explained(run("serve", FRONTEND_URL="*"), "frontend_url")
    assert_explained(run("serve", "--config", "nowhere.toml"), "nowhere.toml")


def test_serve_warns_of_a_missing_key(run: Any, taken_port: int) -> None:
    assert "BRIDGE_SHKEEPER_API_KEYS" in run("serve", "--port", str(taken_port)).stderr


def test_serve_and_doctor_warn_of_secrets_that_others_can_read_or_guess(
    run: Any, taken_port: int, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o755)
    for name, value in (("BRIDGE_SHKEEPER_API_KEYS", "k"), ("BRIDGE_SHKEEPER_PASSWORD", "hunter2hunter2")):
        (folder / name).write_text(value)
        (folder / name).chmod(0o600)
    (folder / "BRIDGE_SHKEEPER_API_KEYS").chmod(0o644)
    place = {"BRIDGE_SECRETS_DIR": str(folder), "BRIDGE_PORT": str(taken_port), "COLUMNS": "500"}
    for said in (run("serve", **place).stderr, run("doctor", **place).stdout):
        assert f"can read {folder}/BRIDGE_SHKEEPER_API_KEYS; run: chmod 600" in said
        assert "can read" not in said.replace(f"{folder}/BRIDGE_SHKEEPER_API_KEYS", "", 1).partition("can read ;")[2]
        assert "is shorter than 16 characters: it can be guessed" in said
        assert "BRIDGE_SHKEEPER_PASSWORD is set without shkeeper_user" in said
    folder.chmod(0o700)
    assert "can read" not in run("serve", **place).stderr


@pytest.mark.parametrize("command", ["serve", "doctor"])
def test_a_slip_in_a_name_that_would_open_the_door_stops_the_start(run: Any, command: str) -> None:
    ended = run(command, BRIDGE_ACESS="jwt")
    assert ended.returncode == 1
    assert "BRIDGE_ACESS is set and is no setting of the bridge; is it BRIDGE_ACCESS?" in ended.stdout + ended.stderr


def test_what_an_orchestrator_injects_is_ignored_in_one_line(run: Any, taken_port: int) -> None:
    injected = {"BRIDGE_PORT": "tcp://10.0.0.1:8000", "BRIDGE_SERVICE_HOST": "10.0.0.1"}
    ended = run("serve", "--port", str(taken_port), **injected)
    told = [line for line in ended.stderr.splitlines() if "orchestrator" in line]
    assert len(told) == 1
    assert "BRIDGE_PORT, BRIDGE_SERVICE_HOST" in told[0]
    assert str(taken_port) in ended.stderr  # it is this port that is taken
    assert (
        "BRIDGE_PORT, BRIDGE_SERVICE_HOST" in run("doctor", BRIDGE_DATABASE_URL="sqlite:///x.db", **injected).stdout
    )


# simulate


@pytest.mark.parametrize(
    ("scenario", "ends"),
    [
        ("life", "completed"),
        ("unconfirmed", "confirming"),
        ("partial", "partially_paid"),
        ("paid", "completed"),
        ("overpaid", "completed"),
        ("duplicate", "completed"),
        ("out-of-order", "completed"),
        ("bad-signature", "pending"),
    ],
)
def test_simulate_plays_every_scenario(run: Any, bridge: Any, scenario: str, ends: str) -> None:
    for _ in range(2):  # it can be run again and again
        played = run(
            "simulate", "shkeeper", "--url", bridge.url, "--scenario", scenario, "--pause", "0",
            BRIDGE_SHKEEPER_API_KEYS=KEY,
        )  # fmt: skip
        assert played.returncode == 0, played.stdout + played.stderr
        assert f"Its status is {ends}" in played.stdout
        assert "✗" not in played.stdout
        assert KEY not in played.stdout + played.stderr


def test_simulate_fails_when_an_answer_is_wrong(run: Any, bridge: Any) -> None:
    played = run("simulate", "shkeeper", "--url", bridge.url, "--pause", "0", "--key", "wrong", "--scenario", "paid")
    assert played.returncode == 1
    assert "expected 202, got 401" in played.stdout
    assert "1 of 1 webhooks" in played.stderr


def test_simulate_explains_what_is_missing(run: Any, bridge: Any) -> None:
    assert_explained(run("simulate", "shkeeper", "--url", bridge.url), "BRIDGE_SHKEEPER_API_KEYS")
    nobody = run("simulate", "shkeeper", "--url", "http://127.0.0.1:9", "--key", "k")
    assert_explained(nobody, "no bridge answers at http://127.0.0.1:9", "Start it with: bridge serve")
    taken = ["--external-id", "taken", "--pause", "0", "--scenario", "paid", "--key", KEY, "--url", bridge.url]
    assert run("simulate", "shkeeper", *taken).returncode == 0
    assert_explained(run("simulate", "shkeeper", *taken, "--payment-amount", "7"), "is registered as pay_")


# listen


def test_listen_shows_events_of_its_rooms(bridge: Any, run: Any, tmp_path: Path) -> None:
    with Command(
        *("listen", "--url", bridge.url, "--json", "--user", "listened", "--ops", "--count", "4"),
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        stdout=PIPE,
        stderr=PIPE,
    ) as listener:
        assert listener.stdout is not None
        assert listener.stderr is not None
        assert "everyone, user-listened, ops" in listener.stderr.readline()
        played = run(
            *("simulate", "shkeeper", "--url", bridge.url, "--scenario", "paid", "--pause", "0"),
            *("--seller-id", "listened", "--key", KEY),
        )
        assert played.returncode == 0
        heard = [json.loads(line) for line in listener.stdout]
        assert listener.wait(timeout=GIVE_UP_SECONDS) == 0
    assert [line["event"] for line in heard] == [
        "payment-created",
        "payment-update",
        "payment-received",
        "seller-offer-update",
    ]
    assert heard[2]["data"]["amount"] == "49.90"


def test_listen_writes_a_readable_line_and_stops_in_time(bridge: Any, run: Any) -> None:
    silent = run("listen", "--url", bridge.url, "--for", "0.2")
    assert silent.returncode == 0
    assert "listening to" in silent.stderr


def test_listen_explains_a_refused_join_and_a_missing_server(bridge: Any, run: Any) -> None:
    assert_explained(run("listen", "--url", bridge.url, "--user", "x" * 201), "join-user-room was refused")
    nobody = run("listen", "--url", "http://127.0.0.1:9")
    assert_explained(nobody, "no bridge answers at http://127.0.0.1:9")
    assert "Unclosed" not in nobody.stderr


def test_listen_knows_another_program_from_one_that_does_not_run(run: Any) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        other = run("listen", "--url", f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()
    assert_explained(other, "answered 501", "does --url or BRIDGE_URL name one?")
    assert "bridge serve" not in other.stderr


@pytest.mark.parametrize("arguments", ["--help", "--version", "listen --help", "contract --format typescript"])
def test_a_full_disk_under_the_output_is_explained(arguments: str) -> None:
    command = [str(COLD), *arguments.split()]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, stdout=full, stderr=PIPE, text=True, check=False, timeout=GIVE_UP_SECONDS)
    assert (ended.returncode, ended.stderr) == (1, "error: cannot write the output: No space left on device\n")


# doctor


def test_doctor_is_content_with_the_defaults_and_a_key(run: Any) -> None:
    examined = run("doctor", BRIDGE_SHKEEPER_API_KEYS=KEY, BRIDGE_PORT="0")
    assert examined.returncode == 0, examined.stdout
    assert "✗" not in examined.stdout
    assert "!" not in examined.stdout


def test_doctor_sees_the_bridge_that_is_running(run: Any, bridge: Any) -> None:
    examined = run(
        "doctor",
        BRIDGE_PORT=str(bridge.port),
        BRIDGE_DATABASE_URL=f"sqlite:///{bridge.database}",
        BRIDGE_SHKEEPER_API_KEYS=KEY,
    )
    assert examined.returncode == 0
    assert "it is ready" in examined.stdout
    assert "a bridge is writing to it" in examined.stdout


def test_doctor_warns_without_failing(run: Any, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("short\nshort\n")
    keys.chmod(0o644)
    examined = run(
        "doctor",
        BRIDGE_PORT="0",
        FRONTEND_URL="http://shop.example",
        BRIDGE_SHKEEPER_API_KEYS_FILE=str(keys),
        BRIDGE_SHKEEPER_ACCEPT_API_KEY_ONLY="true",
        BRIDGE_HOST="0.0.0.0",
        BRIDGE_OPEN_TO_NETWORK="true",
    )
    assert examined.returncode == 0, examined.stdout
    for words in (
        "not encrypted",
        "anyone who reaches 0.0.0.0",
        "anybody may write",
        "named twice",
        "shorter than 16",
        "chmod 600",
        "bare API key",
    ):
        assert f"! {words}" in examined.stdout or words in examined.stdout
    assert examined.stdout.count("\n! ") + examined.stdout.startswith("! ") == 7


def test_doctor_names_what_would_stop_the_bridge(run: Any, taken_port: int, tmp_path: Path) -> None:
    wrong = run("doctor", BRIDGE_PORT="70000", BRIDGE_PING_TIMEOUT_SECONDS="soon")
    assert wrong.returncode == 1
    assert "✗ port: " in wrong.stdout
    assert "✗ ping_timeout_seconds: " in wrong.stdout
    port = run("doctor", BRIDGE_PORT=str(taken_port))
    assert port.returncode == 1
    assert "or BRIDGE_PORT=" in port.stdout
    (tmp_path / "file").write_text("")
    for url in (f"sqlite:///{tmp_path}", f"sqlite:///{tmp_path}/file/bridge.db", "mysql://u:secret@h/d"):
        database = run("doctor", BRIDGE_PORT="0", BRIDGE_DATABASE_URL=url)
        assert database.returncode == 1
        assert "✗ database_url: " in database.stdout
        assert "secret" not in database.stdout + database.stderr


def test_doctor_refuses_a_journal_of_a_newer_bridge(run: Any, make_bridge: Any) -> None:
    bridge = make_bridge()
    assert bridge.stop() == 0
    with closing(sqlite3.connect(bridge.database, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("UPDATE journal SET oldest_beside = '9999'")
    examined = run("doctor", BRIDGE_PORT="0", BRIDGE_DATABASE_URL=f"sqlite:///{bridge.database}")
    assert examined.returncode == 1
    assert "newer than this bridge" in examined.stdout
    assert_explained(
        run("serve", "--port", "0", BRIDGE_DATABASE_URL=f"sqlite:///{bridge.database}"), "newer than this bridge"
    )
