"""`bridge restore`: puts a backup in the place of the journal, while the bridge is stopped."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.console import say
from bridge.cli.options import Config

__all__ = ["restore"]


def restore(
    path: Annotated[Path, typer.Argument(help="The backup, as bridge backup has written it.")],
    config: Config = None,
) -> None:
    """Put a backup in the place of an SQLite journal, while the bridge is stopped.

    The journal that was there is kept beside it, under another name. The next start begins a new history: clients
    begin anew, and no payout is sent until the books were compared.

    Example: [bold]bridge restore /backups/bridge-2026-05-01.db[/bold]
    """
    from bridge.journal.maintenance import restore as restore_journal
    from bridge.settings import load_settings

    replaced = restore_journal(load_settings(config).database_url, path, datetime.now(UTC))
    say(f"The journal is restored from {path}." + ("" if replaced is None else f" What was there is in {replaced}."))
    say("Start the bridge: it begins a new history, and compares the books before it pays out.")
