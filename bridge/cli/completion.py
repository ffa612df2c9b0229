"""`bridge completion`: the script that has a shell complete commands and options, and what that script asks for."""

from enum import StrEnum
from importlib import import_module
from typing import Annotated

import typer

# Its own --show-completion writes for the shell that it finds itself in.
from typer.completion import get_completion_script  # type: ignore[attr-defined]

from bridge.cli.commands import COMMANDS, COMPLETION_VARIABLE
from bridge.cli.console import say

__all__ = ["complete", "completion"]


class Shell(StrEnum):
    """Those that a script is written for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(shell: Annotated[Shell, typer.Argument(help="Which shell.")]) -> None:
    """Print the script that has a shell complete what one begins to type.

    Example: [bold]bridge completion bash > ~/.local/share/bash-completion/completions/bridge[/bold]
    """
    say(get_completion_script(prog_name="bridge", complete_var=COMPLETION_VARIABLE, shell=shell.value))


def complete() -> None:
    """Answers what such a script asks, which stands in the environment."""
    _all_commands()(prog_name="bridge")


def _all_commands() -> typer.Typer:
    """All commands as one, as Typer completes them."""
    app = typer.Typer(add_completion=True)
    for name in COMMANDS:
        command = getattr(import_module(f"bridge.cli.{name}"), name)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app
