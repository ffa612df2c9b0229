"""Running `bridge …` as a person does: in a process of its own, with nothing in its environment but what is given."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import run_command

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs `bridge` in an empty folder and returns what it printed and its exit code."""

    def run_bridge(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return run_command(*arguments, cwd=tmp_path, env={"PATH": os.environ["PATH"], "COLUMNS": "100", **variables})

    return run_bridge
