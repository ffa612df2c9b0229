"""What is installed without the extras that not everybody uses: all that a bridge needs that follows no chain, and it
says what is missing."""

import os
import re
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import httpx
import pytest
from packaging.requirements import Requirement

from benchmarks.servers import free_port
from tests.asking import client_of
from tests.waiting import GIVE_UP_SECONDS, wait_until

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages: the bridge's, and what its server requires, as pip would install it."""
    folder = tmp_path_factory.mktemp("bare")
    for name in ("bridge", "coordinator", "providers"):
        (folder / name).symlink_to(ROOT / name)
    wanted, installed = [Requirement("bridge[server]")], set()
    while wanted:
        requirement = wanted.pop()
        extras = {"", *requirement.extras}
        for extra in extras:
            if (requirement.name, extra) in installed:
                continue
            installed.add((requirement.name, extra))
            try:
                found = distribution(requirement.name)
            except PackageNotFoundError:  # of another system
                continue
            needed = map(Requirement, found.requires or ())
            wanted += [one for one in needed if one.marker is None or one.marker.evaluate({"extra": extra})]
            for top in {path.parts[0] for path in found.files or () if path.parts[0] != ".."}:
                if not (folder / top).exists():
                    (folder / top).symlink_to(Path(str(found.locate_file(top))))
    assert not list(folder.glob("web3*"))
    assert not list(folder.glob("opentelemetry*"))
    return folder


def started(bare: Path, folder: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    """`bridge`, with nothing beside the standard library but what is in the folder."""
    return subprocess.Popen(
        [sys.executable, "-S", "-c", "from bridge.cli import main; main()", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(bare), "COLUMNS": "200", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_bridge_that_follows_no_chain_needs_no_extra(bare: Path, tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with started(bare, tmp_path, "serve", BRIDGE_PORT=str(port)) as bridge, client_of(url) as ask:

        def is_ready() -> bool:
            assert bridge.poll() is None, bridge.stdout and bridge.stdout.read()
            with suppress(httpx.TransportError):
                return ask.get("/health/ready").is_success
            return False

        wait_until(is_ready)
        bridge.terminate()
        assert bridge.wait(GIVE_UP_SECONDS) == 0


def test_one_that_is_to_follow_a_chain_says_what_is_missing_and_how_to_get_it(bare: Path, tmp_path: Path) -> None:
    for command in ("serve", "doctor"):
        with started(bare, tmp_path, command, BRIDGE_PORT="0", BRIDGE_ENDPOINTS_BASE="http://127.0.0.1:9") as bridge:
            said, _ = bridge.communicate(timeout=GIVE_UP_SECONDS)
        assert bridge.returncode == 1
        assert "base has endpoints, and web3, which asks them, is not installed: pip install './bridge-" in (
            re.sub(r"\s+", " ", said)
        )
        assert "Traceback" not in said


def test_one_that_is_to_trace_says_what_is_missing_and_how_to_get_it(bare: Path, tmp_path: Path) -> None:
    with started(bare, tmp_path, "serve", BRIDGE_PORT="0", BRIDGE_TRACES="true") as bridge:
        said, _ = bridge.communicate(timeout=GIVE_UP_SECONDS)
    assert bridge.returncode == 1
    assert "traces: " in said
    assert "is not installed: pip install './bridge-" in re.sub(r"\s+", " ", said)
    assert "Traceback" not in said
