"""Running `bridge …` as a person does: in a process of its own, with nothing in its environment but what is given."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.waiting import GIVE_UP_SECONDS

BRIDGE = Path(sys.executable).parent / "bridge"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs `bridge` in an empty folder and returns what it printed and its exit code."""

    def run_bridge(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BRIDGE, *arguments],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "COLUMNS": "100", **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=GIVE_UP_SECONDS,
        )

    return run_bridge
