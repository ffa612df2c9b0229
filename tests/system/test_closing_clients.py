"""The stock client whose connection closes in the moment that it has read an event, as docs/front-end.md tells; and
one that is cut off."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import BridgeProcess, StartBridge
from tests.waiting import GIVE_UP_SECONDS

ROOT = Path(__file__).parents[2]
JAVASCRIPT = ROOT / "tests" / "javascript"


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge) -> Iterator[BridgeProcess]:
    bridge = make_bridge()
    yield bridge
    bridge.kill()


@pytest.mark.parametrize(
    ("options", "heard"),
    [([], ["first", "first", "second"]), (["remedy"], ["first", "second"])],
    ids=["as-it-is", "remedied"],
)
def test_what_it_has_read_and_not_handed_out_comes_twice_without_the_remedy(
    bridge: BridgeProcess, options: list[str], heard: list[str]
) -> None:
    command = ["node", "closing.mjs", bridge.url, *options]
    run = subprocess.run(command, cwd=JAVASCRIPT, capture_output=True, text=True, timeout=GIVE_UP_SECONDS)
    assert (run.returncode, run.stderr) == (0, "")
    assert json.loads(run.stdout) == heard


def test_one_that_is_cut_off_comes_back_and_can_say_why(bridge: BridgeProcess) -> None:
    command = ["node", "cut-off.mjs", bridge.url]
    run = subprocess.run(command, cwd=JAVASCRIPT, capture_output=True, text=True, timeout=GIVE_UP_SECONDS)
    assert (run.returncode, run.stderr) == (0, "")
    assert json.loads(run.stdout) == ["transport close", 4501, "no packet"]


def test_the_remedy_is_the_one_of_the_page() -> None:
    [line] = re.findall(
        r"^(socket\.io\.on\(.*receiveBuffer.*)$", (ROOT / "docs" / "front-end.md").read_text(), re.MULTILINE
    )
    assert line in (JAVASCRIPT / "closing.mjs").read_text()
