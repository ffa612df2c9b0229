"""docs/operations.md to the letter: whoever copies its commands has done what it says, and stock clients are told."""

import re
import shlex
import subprocess
from pathlib import Path

from tests.asking import post
from tests.commands import run_command
from tests.conftest import BridgeProcess, StartBridge
from tests.documented import blocks_of, chapters_of
from tests.system.conftest import GATEWAY_KEY, Listener, StartListener

FEW = {"PATH": "/usr/bin:/bin", "BRIDGE_SHKEEPER_API_KEYS": GATEWAY_KEY}


def blocks(name: str) -> list[list[str]]:
    """The commands of a chapter, those in a row together."""
    return [block.text.splitlines() for block in blocks_of("operations.md", name)]


def run(commands: list[str], bridge: BridgeProcess, folder: Path) -> None:
    """Runs commands in the bridge's folder, and has the backups in another."""
    for command in commands:
        name, *words = shlex.split(command.replace("/backups", str(folder)), comments=True)
        if name != "bridge":
            subprocess.run([name, *words], cwd=bridge.log.parent, check=True)
        elif words == ["serve"]:
            bridge.start()
        else:
            done = run_command(*words, cwd=bridge.log.parent, env=FEW)
            assert done.returncode == 0, done


def publish(bridge: BridgeProcess, reason: str) -> None:
    event = {"event": "template-checkout-payment-failed", "data": {"checkoutId": "c1", "reason": reason}}
    assert post(f"{bridge.url}/api/events", json=event).status_code == 202


def ready(listener: Listener) -> bool:
    recovered: bool = listener.wait_for(lambda line: "ready" in line)["recovered"]
    return recovered


def test_an_sqlite_journal_is_backed_up_and_restored_by_the_commands_that_are_written_there(
    make_bridge: StartBridge, listen: StartListener, tmp_path: Path
) -> None:
    back_up, restore = blocks("SQLite")
    bridge = make_bridge(BRIDGE_DATABASE_URL="sqlite:///var/bridge.db", BRIDGE_SHKEEPER_API_KEYS=GATEWAY_KEY)
    listener = listen(bridge.url, [["join-template-checkout-room", "c1"]])
    publish(bridge, "kept")
    run(back_up, bridge, tmp_path)
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600]
    publish(bridge, "lost")
    listener.fence()
    bridge.stop()
    run(restore, bridge, tmp_path)
    [said] = re.findall(r"The log\s+says\s+`(.+?)`", chapters_of("operations.md")["SQLite"])
    assert said in bridge.log.read_text()
    # One of whom nothing is missing is told so too: it may have heard what is gone.
    assert ready(listener) is False
    publish(bridge, "kept")
    listener.fence()
    assert [content[0]["reason"] for _, content in listener.events] == ["kept", "lost", "kept"]

    [say_so] = blocks("When you know better")
    bridge.stop()
    run([*say_so, "bridge serve"], bridge, tmp_path)
    assert ready(listener) is False
    # Before an upgrade, while it runs.
    [before_upgrade] = blocks("Upgrading")
    run(before_upgrade, bridge, tmp_path)
    assert (tmp_path / "before-upgrade.db").exists()
    bridge.stop()
    [compact] = blocks("Retention")
    run([*compact, "bridge serve"], bridge, tmp_path)
    assert ready(listener) is True
