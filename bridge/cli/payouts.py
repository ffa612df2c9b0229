"""`bridge payouts`: the stop button of payouts, and the word of a second person about one, from a terminal."""

import json
import os
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from bridge.cli.address import DEFAULT_URL, TOKEN_VARIABLE, bridge_url
from bridge.cli.console import say
from bridge.cli.options import AsJson, command_group
from coordinator.errors import BridgeError

if TYPE_CHECKING:
    import httpx

__all__ = ["payouts"]

TIMEOUT_SECONDS = 30.0
NOT_LET_IN = (401, 403)

payouts = command_group("Hold all payouts, have them sent again, or approve or reject one.")

Url = Annotated[str, typer.Option(help="The bridge.", callback=bridge_url)]
By = Annotated[str | None, typer.Option(help="Who does it, where the bridge asks nobody for a token.")]
PayoutId = Annotated[str, typer.Argument(help="The payout, such as out_….")]
Why = Annotated[str | None, typer.Option("--note", help="Why, for the record.")]


class NotDoneError(BridgeError):
    """The bridge did not do it, or was not reached."""


@payouts.callback()
def about() -> None:
    """Hold all payouts, have them sent again, or approve or reject one.

    The token of staff is taken from the environment: BRIDGE_TOKEN. To hold and resume them, that of a service which
    may have payouts sent will do.
    """


@payouts.command()
def hold(url: Url = DEFAULT_URL, by: By = None, note: Why = None, as_json: AsJson = False) -> None:
    """Have no payout sent from now on. Those that are asked for wait."""
    _do(url, "hold", by, note, as_json=as_json)


@payouts.command()
def resume(url: Url = DEFAULT_URL, by: By = None, note: Why = None, as_json: AsJson = False) -> None:
    """Have payouts sent again, those that wait first."""
    _do(url, "resumption", by, note, as_json=as_json)


@payouts.command()
def approve(
    payout_id: PayoutId, url: Url = DEFAULT_URL, by: By = None, note: Why = None, as_json: AsJson = False
) -> None:
    """Have a payout sent that awaits approval and that somebody else asked for."""
    _do(url, f"payouts/{quote(payout_id, safe='')}/approval", by, note, as_json=as_json, only_as_staff=True)


@payouts.command()
def reject(
    payout_id: PayoutId,
    note: Annotated[str, typer.Option("--note", help="Why. Its seller can read it.")],
    url: Url = DEFAULT_URL,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Have a payout fail that somebody else asked for, as long as nobody was asked to send it."""
    _do(url, f"payouts/{quote(payout_id, safe='')}/rejection", by, note, as_json=as_json, only_as_staff=True)


def _do(
    url: str, action: str, by: str | None, note: str | None, *, as_json: bool, only_as_staff: bool = False
) -> None:
    import httpx

    token = os.environ.get(TOKEN_VARIABLE)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        try:
            # A name makes it somebody's doing, which only the console's route takes.
            as_staff = only_as_staff or by is not None
            answer = _as_staff(client, action, by, note) if as_staff else _as_service(client, action, note)
            if answer.status_code in NOT_LET_IN and not as_staff:
                answer = _as_staff(client, action, by, note)
        except httpx.HTTPError as error:
            raise NotDoneError(
                f"no bridge answers at {url} ({type(error).__name__}); is it running? Start it with: bridge serve. Or"
                " name another with --url"
            ) from None
    content = _content(answer)
    if not answer.is_success:
        detail = content.get("detail", f"it answered {answer.status_code}")
        raise NotDoneError(f"not done: {detail}")
    say(json.dumps(content, indent=2) if as_json else str(content.get("message", "done")))


def _as_service(client: "httpx.Client", action: str, note: str | None) -> "httpx.Response":
    return client.post(f"/api/payouts/{action}", json={"note": note})


def _as_staff(client: "httpx.Client", action: str, by: str | None, note: str | None) -> "httpx.Response":
    return client.post(f"/api/ops/{action}", json={"by": by, "note": note})


def _content(answer: "httpx.Response") -> dict[str, Any]:
    try:
        content = answer.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
