"""`bridge payouts`: the stop button of payouts, and the word of a second person about one, from a terminal."""

import json
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from bridge.cli.asking import By, Place, Url, bridge_in_use, outcome_of, sent
from bridge.cli.console import say
from bridge.cli.options import AsJson, Config, command_group

if TYPE_CHECKING:
    import httpx

__all__ = ["payouts"]

NOT_LET_IN = (401, 403)

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
def resume(url: Url = None, by: By = None, note: Why = None, config: Config = None, as_json: AsJson = False) -> None:
    """Have payouts sent again, those that wait first."""
    _do((url, config), "resumption", by, note, as_json=as_json)


@payouts.command()
def approve(
    payout_id: PayoutId,
    url: Url = None,
    by: By = None,
    note: Why = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Have a payout sent that awaits approval and that somebody else asked for."""
    _do((url, config), f"{_path(payout_id)}/approval", by, note, as_json=as_json, only_as_staff=True)


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


def _path(payout_id: str) -> str:
    return f"payouts/{quote(payout_id, safe='')}"


def _do(
    place: Place, action: str, by: str | None, note: str | None, *, as_json: bool, only_as_staff: bool = False
) -> None:
    url = bridge_in_use(*place)
    # A name makes it somebody's doing, which only the console's route takes.
    as_staff = only_as_staff or by is not None
    answer = _as_staff(url, action, by, note) if as_staff else _as_service(url, action, note)
    if answer.status_code in NOT_LET_IN and not as_staff:
        answer = _as_staff(url, action, by, note)
    content = outcome_of(answer, "the token of staff, or of a service that registers payouts")
    say(json.dumps(content, indent=2) if as_json else str(content.get("message", "done")))


def _as_service(url: str, action: str, note: str | None) -> "httpx.Response":
    return sent(url, "POST", f"/api/payouts/{action}", {"note": note})


def _as_staff(url: str, action: str, by: str | None, note: str | None) -> "httpx.Response":
    return sent(url, "POST", f"/api/ops/{action}", {"by": by, "note": note})
