"""`bridge restore`: puts a backup in the place of the journal, while the bridge is stopped."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.console import say
from bridge.cli.options import AsJson, Config

__all__ = ["restore"]


def restore(
    path: Annotated[Path, typer.Argument(help="The backup, as bridge backup has written it.")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup in the place of the journal, while the bridge is stopped.

    An SQLite journal that was there is kept beside it, under another name. Into PostgreSQL it is read with its
    pg_restore, on the PATH or in BRIDGE_POSTGRESQL_BIN, and the database has to be empty. The next start begins a
    new history: clients begin anew, and no payout is sent until somebody resumes them.

    Example: [bold]bridge restore /backups/bridge-2026-05-01.db[/bold]
    """
    from bridge.journal.database.engines import journal_place
    from bridge.journal.restoring import restore as restore_journal
    from bridge.settings import load_settings

    url = load_settings(config).database_url
    replaced = restore_journal(url, path, datetime.now(UTC))
    if as_json:
        kept = None if replaced is None else str(replaced)
        restored = {"backup": str(path.absolute()), "journal": journal_place(url), "replaced": kept}
        say(json.dumps(restored, indent=2))
        return
    what_was = "" if replaced is None else f" What was there is in {replaced}."
    say(f"The journal in {journal_place(url)} is restored from {path}.{what_was}")
    say("Start the bridge: it begins a new history, compares the books, and holds payouts until you resume them.")
