"""The tests' own way of running `bridge`: what it runs behaves as a process of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import COLD, PIPE, Command, run_command
from tests.waiting import wait_until

ENVIRONMENT = {"PATH": os.environ["PATH"]}
STARTER = """
import os, sys
from pathlib import Path
from tests.commands import Command
folder = Path(sys.argv[1])
bridge = Command("serve", "--port", "0", cwd=folder, env={"PATH": os.environ["PATH"]}, stdout=-1)
bridge.stdout.readline()
print(bridge.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    "arguments", [["--version"], ["nonsense"], ["serve", "--port", "x"], ["serve", "--config", "nowhere.toml"]]
)
def test_a_command_prints_and_ends_as_the_program_itself(tmp_path: Path, arguments: list[str]) -> None:
    warm = run_command(*arguments, cwd=tmp_path, env=ENVIRONMENT)
    cold = subprocess.run([COLD, *arguments], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True)
    assert (warm.returncode, warm.stdout, warm.stderr) == (cold.returncode, cold.stdout, cold.stderr)


def test_a_command_knows_its_own_folder_and_environment_alone(tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text("port = 1234\nnonsense = 1\n")
    for name in ("bridge.toml", "other.toml"):
        found = run_command("doctor", cwd=tmp_path, env={**ENVIRONMENT, "BRIDGE_CONFIG": name})
        assert ("nonsense" in found.stdout + found.stderr) == (name == "bridge.toml")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_a_command_and_how_it_ended_is_told(tmp_path: Path, number: int) -> None:
    with Command("serve", "--port", "0", cwd=tmp_path, env=ENVIRONMENT, stdout=PIPE) as bridge:
        assert bridge.stdout is not None
        assert bridge.stdout.readline().startswith("The bridge is ready")
        assert bridge.poll() is None
        bridge.send_signal(number)
        assert bridge.wait() == (-number if number == signal.SIGKILL else 0)


def test_commands_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, tmp_path],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as starter:
        assert starter.stdout is not None
        bridge = int(starter.stdout.readline())
        starter.kill()
    wait_until(lambda: not is_there(bridge))


def is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
