"""`bridge backup`: a consistent copy of a journal, while the bridge runs or not."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.console import say
from bridge.cli.options import Config

__all__ = ["backup"]


def backup(
    path: Annotated[Path, typer.Argument(help="The file to write, which must not be there yet.")],
    config: Config = None,
) -> None:
    """Make a consistent copy of an SQLite journal, while the bridge runs or not.

    Example: [bold]bridge backup /backups/bridge-2026-05-01.db[/bold]
    """
    from bridge.journal.maintenance import back_up
    from bridge.settings import load_settings

    back_up(load_settings(config).database_url, path, datetime.now(UTC))
    say(f"The journal is backed up in {path}.")
