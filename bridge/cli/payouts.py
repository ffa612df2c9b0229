"""`bridge payouts`: the stop button of payouts, and the word of a second person about one, from a terminal."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from bridge.cli.asking import By, Place, Url, bridge_in_use, outcome_of, sent
from bridge.cli.console import on_one_line, say
from bridge.cli.options import AsJson, Config, command_group

if TYPE_CHECKING:
    import httpx

__all__ = ["payouts"]

NOT_LET_IN = (401, 403)
WHOSE = "the token of staff, or of a service that registers payouts"

payouts = command_group("Hold all payouts, have them sent again, or approve or reject one.")

PayoutId = Annotated[str, typer.Argument(help="The payout, such as out_….")]
Why = Annotated[str | None, typer.Option("--note", help="Why, for the record.")]


@payouts.callback()
def about() -> None:
    """Hold all payouts, have them sent again, or approve or reject one.

    The token of staff is taken from the environment: BRIDGE_TOKEN. To hold and resume them, that of a service which
    may have payouts sent will do.
    """


@payouts.command()
def hold(url: Url = None, by: By = None, note: Why = None, config: Config = None, as_json: AsJson = False) -> None:
    """Have no payout sent from now on. Those that are asked for wait."""
    _do((url, config), "hold", by, note, as_json=as_json)


@payouts.command()
def resume(
    url: Url = None,
    by: By = None,
    note: Why = None,
    without_comparison: Annotated[
        bool,
        typer.Option(
            "--without-comparison",
            help="Also while the books are being compared after a restore: what was sent before may be sent again.",
        ),
    ] = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """End the holds that are shown, and have payouts sent again once none is left.

    Staff end all of them, a service those that it placed itself.
    """
    place = (bridge_in_use(url, config), None)
    holds = outcome_of(sent(place[0], "GET", "/api/payouts/hold"), WHOSE).get("holds", [])
    if not as_json:
        for hold in holds:
            say(_described(hold))
    said: dict[str, object] = {"seen": [hold["holdId"] for hold in holds]}
    if without_comparison:
        said["withoutComparison"] = True
    _do(place, "resumption", by, note, said, as_json=as_json, only_as_staff=without_comparison)


@payouts.command()
def approve(
    payout_id: PayoutId,
    url: Url = None,
    by: By = None,
    note: Why = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Have a payout sent that awaits approval and that somebody else asked for, for the reasons that are shown."""
    place = (bridge_in_use(url, config), None)
    payout = outcome_of(sent(place[0], "GET", f"/api/{_path(payout_id)}"), WHOSE)
    reasons = payout.get("approval", {}).get("reasons", [])
    if not as_json:
        for reason in reasons:
            say(on_one_line(f"it waits: {reason}"))
    said = {"reasons": reasons}
    _do(place, f"{_path(payout_id)}/approval", by, note, said, as_json=as_json, only_as_staff=True)


@payouts.command()
def reject(
    payout_id: PayoutId,
    note: Annotated[str, typer.Option("--note", help="Why. Its seller can read it.")],
    url: Url = None,
    by: By = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Have a payout fail that somebody else asked for, as long as nobody was asked to send it."""
    _do((url, config), f"{_path(payout_id)}/rejection", by, note, as_json=as_json, only_as_staff=True)


def _described(hold: Mapping[str, Any]) -> str:
    note, missing = hold.get("note"), hold.get("missingDecisions")
    line = f"held by {hold['heldBy']} since {hold['heldAt']}" + (f": {note}" if note else "")
    if hold.get("comparison") == "open":  # afterwards the note says what is missing
        line += " (the books are being compared)"
        line += f"; decisions of people that are missing: {missing}" if missing else ""
    return on_one_line(line)


def _path(payout_id: str) -> str:
    return f"payouts/{quote(payout_id, safe='')}"


def _do(
    place: Place,
    action: str,
    by: str | None,
    note: str | None,
    said: Mapping[str, object] | None = None,
    *,
    as_json: bool,
    only_as_staff: bool = False,
) -> None:
    url = bridge_in_use(*place)
    # A name makes it somebody's doing, which only the console's route takes.
    as_staff = only_as_staff or by is not None
    as_service = {"note": note, **(said or {})}
    as_person = {"by": by, **as_service}
    answer = _as_staff(url, action, as_person) if as_staff else _as_service(url, action, as_service)
    if answer.status_code in NOT_LET_IN and not as_staff and not _is_told(answer, "held_by_others"):
        answer = _as_staff(url, action, as_person)
    content = outcome_of(answer, WHOSE)
    say(json.dumps(content, indent=2) if as_json else str(content.get("message", "done")))


def _is_told(answer: "httpx.Response", code: str) -> bool:
    """Whether a refusal is of that kind, and not that the token is not good for it."""
    try:
        found = answer.json()
    except ValueError:
        return False
    return isinstance(found, dict) and found.get("code") == code


def _as_service(url: str, action: str, content: Mapping[str, object]) -> "httpx.Response":
    return sent(url, "POST", f"/api/payouts/{action}", content)


def _as_staff(url: str, action: str, content: Mapping[str, object]) -> "httpx.Response":
    return sent(url, "POST", f"/api/ops/{action}", content)
