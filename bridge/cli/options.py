"""Options that several commands take, and groups of commands as all of them are."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["AsJson", "Config", "command_group"]

Config = Annotated[Path | None, typer.Option(help="Configuration file (default: config/bridge.toml)")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for a program.")]


def command_group(about: str) -> typer.Typer:
    """A command that has commands of its own; without one it shows its help."""
    return typer.Typer(
        help=about,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
