"""`bridge completion`: what a shell is told when somebody presses the tabulator."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.commands import COLD


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("bridge mi", {"migrate"}), ("bridge token m", {"make"}), ("bridge migrate --ch", {"--check"})],
)
def test_bash_is_told_what_may_come_next(run: Any, tmp_path: Path, typed: str, offered: set[str]) -> None:
    script = tmp_path / "bridge.bash"
    script.write_text(run("completion", "bash").stdout)
    words = " ".join(f"'{word}'" for word in typed.split())
    asking = (
        f"source {script}; COMP_WORDS=({words}); COMP_CWORD={len(typed.split()) - 1};"
        f" _bridge_completion {COLD}; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    answered = subprocess.run(["bash", "-c", asking], capture_output=True, text=True, check=True)
    assert set(answered.stdout.split()) == offered, answered.stderr


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_a_script_too(run: Any, shell: str) -> None:
    said = run("completion", shell)
    assert (said.returncode, f"_BRIDGE_COMPLETE=complete_{shell}" in said.stdout) == (0, True)


def test_a_shell_that_is_not_known_is_refused(run: Any) -> None:
    said = run("completion", "tcl")
    assert (said.returncode, "'tcl'" in said.stderr) == (2, True)
