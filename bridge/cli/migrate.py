"""`bridge migrate`: brings a journal's schema up to date, or says what that will do and how long it takes."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.console import say
from bridge.cli.options import AsJson, Config

if TYPE_CHECKING:
    from bridge.journal.migrating import MigrationPlan

__all__ = ["migrate"]


def migrate(
    check: Annotated[bool, typer.Option("--check", help="Only say what it will do; changes nothing.")] = False,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Bring the journal's schema up to date, which the next start of the bridge does by itself otherwise. With
    --check say what that will be, tried on a copy of an SQLite journal, and estimated of one in PostgreSQL.

    Example: [bold]bridge migrate --check[/bold]
    """
    from bridge.journal.migrating import migrate as migrate_journal
    from bridge.journal.migrating import planned_migration
    from bridge.settings import load_settings

    url = load_settings(config).database_url
    plan = planned_migration(url, datetime.now(UTC)) if check else migrate_journal(url)
    if as_json:
        say(json.dumps(_as_json(plan), indent=2))
    elif check:
        _show_plan(plan)
    else:
        _show_done(plan)


def _as_json(plan: "MigrationPlan") -> dict[str, object]:
    return {
        "place": plan.place,
        "version": plan.version,
        "newest": plan.newest,
        "steps": [{"version": step.version, "what": step.what} for step in plan.steps],
        "rows": dict(plan.rows),
        "mayGoOn": plan.may_go_on,
        "seconds": plan.trial.seconds,
        "estimatedSeconds": plan.trial.estimated_seconds,
        "notTriedBecause": plan.trial.why_not or None,
    }


def _show_plan(plan: "MigrationPlan") -> None:
    if plan.version is None:
        say(f"There is no journal at {plan.place} yet; the first start makes one of version {plan.newest}.")
        return
    rows = ", ".join(f"{count:,} {name}" for name, count in plan.rows.items())
    say(f"The journal {plan.place} has version {plan.version}, and {rows}.")
    if not plan.steps:
        say("It is up to date: there is nothing to do.")
        return
    _show_steps(plan)
    if plan.may_go_on:
        say("Bridges that run now can go on meanwhile, and afterwards: replace them one after another.")
    else:
        say("Bridges that run now could not go on: stop all of them, and start the new ones then.")
    if plan.trial.seconds is None:
        say(f"How long it takes was not tried: {plan.trial.why_not}.")
        if plan.trial.estimated_seconds is not None:
            about = max(1, round(plan.trial.estimated_seconds))
            say(
                f"By the rows of the tables that it touches it takes some {about} s; that is an estimate, and mostly"
                " too high."
            )
    else:
        say(
            f"On a copy it took {plan.trial.seconds:.1f} s, beside whatever else this machine does. Back it up first."
        )


def _show_done(plan: "MigrationPlan") -> None:
    if plan.version is None:
        say(f"The journal {plan.place} is made, of version {plan.newest}.")
    elif not plan.steps:
        say(f"The journal {plan.place} is up to date: it has version {plan.version}.")
    else:
        _show_steps(plan)
        say(f"Done in {plan.trial.seconds or 0:.1f} s: it had version {plan.version}, and has {plan.newest}.")


def _show_steps(plan: "MigrationPlan") -> None:
    for step in plan.steps:
        say(f"  {step.version}  {step.what}")
