"""`bridge backup`: a consistent copy of a journal, while the bridge runs or not."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.console import say
from bridge.cli.options import AsJson, Config

__all__ = ["backup"]


def backup(
    path: Annotated[Path, typer.Argument(help="The file to write, which must not be there yet.")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Make a consistent copy of the journal, while the bridge runs or not: of one in PostgreSQL with its pg_dump, on
    the PATH or in BRIDGE_POSTGRESQL_BIN.

    Example: [bold]bridge backup /backups/bridge-2026-05-01.db[/bold]
    """
    from bridge.journal.database.engines import journal_place
    from bridge.journal.maintenance import back_up
    from bridge.settings import load_settings

    url = load_settings(config).database_url
    back_up(url, path, datetime.now(UTC))
    if as_json:
        say(json.dumps({"backup": str(path.absolute()), "journal": journal_place(url)}, indent=2))
    else:
        say(f"The journal is backed up in {path}.")
