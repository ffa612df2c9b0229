"""Questions to a running bridge, as commands ask them: where it is, with which token, and what its refusals mean."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.address import AddressError, bridge_url, reachable_url
from bridge.cli.console import on_one_line
from bridge.environment import TOKEN_VARIABLE, URL_VARIABLE
from coordinator.errors import BridgeError

if TYPE_CHECKING:
    import httpx

__all__ = [
    "By",
    "NotDoneError",
    "Place",
    "Url",
    "answered_otherwise",
    "bridge_in_use",
    "outcome_of",
    "sent",
    "token_remedy",
    "unanswered",
]

TIMEOUT_SECONDS = 30.0
# What routes take that commands have options for, by whose names refusals begin.
GIVEN_BY_OPTION = ("by", "note")

Url = Annotated[
    str | None,
    typer.Option(
        envvar=URL_VARIABLE, callback=bridge_url, help="The bridge (default: the one that these settings start)."
    ),
]
Place = tuple[str | None, Path | None]
"""Where the bridge is, if that is said, and the file of its settings, if one is named."""
By = Annotated[str | None, typer.Option(help="Who does it, where the bridge asks nobody for a token.")]


class NotDoneError(BridgeError):
    """The bridge did not do it, or was not reached."""


def bridge_in_use(url: str | None, config: Path | None) -> str:
    """Where the bridge is: where the command line or the environment says, or else where one with these settings
    listens. Raises AddressError."""
    if url is not None:
        return url
    from bridge.settings import SettingsError, load_settings

    otherwise = f"say where the bridge is, with --url or in {URL_VARIABLE}"
    try:
        settings = load_settings(config)
    except SettingsError as error:
        raise AddressError(f"{error}\nOr {otherwise}") from None
    if not settings.port:
        raise AddressError(f"port is 0, so a bridge takes any that is free: {otherwise}")
    return reachable_url(settings.host, settings.port)


def unanswered(url: str, reason: str) -> str:
    """That nobody is there, and what to do."""
    return (
        f"no bridge answers at {url} ({reason}); is it running? Start it with: bridge serve. Or say where it is, with"
        f" --url or in {URL_VARIABLE}"
    )


def answered_otherwise(said: str) -> str:
    """That something else is there."""
    return f"{said}, but not as a bridge does; does --url or {URL_VARIABLE} name one?"


def token_remedy(whose: str) -> str:
    """Where a token goes that is missing, and where one comes from."""
    return (
        f"put into {TOKEN_VARIABLE} {whose} (bridge token make prints one of a user or of staff, services_file has"
        " those of services)"
    )


def sent(url: str, method: str, path: str, content: Mapping[str, object] | None = None) -> "httpx.Response":
    """What the bridge answers, to the token of the environment if there is one. Raises NotDoneError where it does not
    answer."""
    import httpx

    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    if not (token.isascii() and token.isprintable()):  # whoever made a header of it would complain, and quote it
        raise NotDoneError(f"{TOKEN_VARIABLE} is no token, which is one line of plain ASCII characters")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        try:
            return client.request(method, path, json=content)
        except httpx.HTTPError as error:
            raise NotDoneError(unanswered(url, type(error).__name__)) from None


def outcome_of(answer: "httpx.Response", whose: str) -> dict[str, Any]:
    """What was done; `whose` token it takes. Raises NotDoneError if it was not."""
    try:
        found = answer.json()
    except ValueError:
        found = None
    content = found if isinstance(found, dict) else {}
    if answer.is_success and content:
        return content
    if answer.is_success:
        raise NotDoneError(answered_otherwise(f"{answer.url} answered {answer.status_code}"))
    said = on_one_line(str(content.get("detail", f"it answered {answer.status_code}")))
    if (name := said.partition(":")[0]) in GIVEN_BY_OPTION:
        said += f"; give it with --{name}"
    raise NotDoneError(f"not done: {said}" + (f"; {token_remedy(whose)}" if answer.status_code == 401 else ""))
