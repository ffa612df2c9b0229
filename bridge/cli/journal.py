"""`bridge journal`: the word that it was restored, what the books say since, and its size."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.console import bold, on_one_line, say, warn
from bridge.cli.options import AsJson, Config, command_group

if TYPE_CHECKING:
    from bridge.journal import HistoryRecord

__all__ = ["journal"]

journal = command_group("Say that the journal was restored, see what it has forgotten, and make its file smaller.")


@journal.callback()
def about() -> None:
    """Say that the journal was restored, see what it has forgotten, and make its file smaller."""


@journal.command()
def restored(
    note: Annotated[str | None, typer.Option("--note", help="What was restored, for the record.")] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Say that the journal was restored, before the bridge is started on it.

    Clients begin anew then, and no payout is sent until somebody resumes them. Most restores are noticed without it.
    """
    from bridge.journal.maintenance import declare_restored
    from bridge.settings import load_settings

    settings, said = load_settings(config), "somebody said that it was restored"
    said = said if note is None else f"{said}: {note}"
    epoch = declare_restored(settings.database_url, settings.mark_file, said, datetime.now(UTC))
    if as_json:
        say(json.dumps({"epoch": epoch}, indent=2))
        return
    say(
        f"A new history begins, with the epoch {epoch}. Start the bridge: it compares the books, and holds payouts"
        " until you resume them."
    )


@journal.command(hidden=True)
def backup(
    path: Annotated[Path, typer.Argument(help="The file to write, which must not be there yet.")],
    config: Config = None,
) -> None:
    """Make a copy of an SQLite journal, as `bridge backup` does: by the name that it had in 0.1.0."""
    from bridge.cli.backup import backup as back_up

    warn("bridge journal backup is called bridge backup now; write that, since this name will go")
    back_up(path, config)


@journal.command()
def compact(config: Config = None, as_json: AsJson = False) -> None:
    """Write an SQLite journal anew, before the bridge is started, so that its file is as small as what it holds.

    From then on it gets smaller by itself as old events are forgotten. A journal of an earlier version needs that
    once; one that is new does not.
    """
    from bridge.journal.maintenance import compact as compact_journal
    from bridge.settings import load_settings

    before, after = compact_journal(load_settings(config).database_url)
    if as_json:
        say(json.dumps({"bytesBefore": before, "bytes": after}, indent=2))
        return
    say(f"The journal has {after / 10**6:.1f} MB; it had {before / 10**6:.1f} MB.")


@journal.command()
def report(
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show each history of the journal: since when, why, and what was compared, the present one first."""
    from bridge.journal.maintenance import histories_of
    from bridge.settings import load_settings

    records = histories_of(load_settings(config).database_url)
    if as_json:
        say(json.dumps([_as_json(record) for record in records], indent=2))
        return
    for record in records:
        _show(record)


def _as_json(record: "HistoryRecord") -> dict[str, object]:
    last, compared = record.last_commit_at, record.compared_at
    return {
        "epoch": record.epoch,
        "beganAt": record.began_at.isoformat(),
        "beginning": record.beginning,
        "evidence": list(record.evidence),
        "lastCommitAt": last and last.isoformat(),
        "comparison": None if record.comparison is None else list(record.comparison.lines()),
        "comparedAt": compared and compared.isoformat(),
    }


def _show(record: "HistoryRecord") -> None:
    say(bold(f"{record.epoch}: {record.beginning}, {record.began_at:%Y-%m-%d %H:%M:%S} UTC"))
    for evidence in record.evidence:
        say(f"  noticed    {on_one_line(evidence)}")
    if record.beginning != "new":
        last = record.last_commit_at
        say(f"  missing    {'everything' if last is None else f'maybe what came after {last:%Y-%m-%d %H:%M:%S} UTC'}")
    if record.comparison is not None:
        state = "compared" if record.compared_at is not None else "so far"
        for line in record.comparison.lines():
            say(f"  {state:<10} {on_one_line(line)}")
    elif record.is_to_be_compared:
        say("  compared   not yet; a bridge that runs does it")
