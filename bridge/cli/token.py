"""`bridge token`: makes a user's token with the configured secret, and says what one grants."""

import json
import os
import secrets
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.console import on_one_line, say
from bridge.cli.options import AsJson, Config, command_group
from bridge.environment import TOKEN_VARIABLE
from coordinator.errors import BridgeError

if TYPE_CHECKING:
    from bridge.settings import Settings

__all__ = ["token"]

HOURS_LIMIT = 24 * 366

token = command_group("Make a user's token, or read one.")


class NoTokenError(BridgeError):
    """A token can be neither made nor read."""


@token.callback()
def about() -> None:
    """Make a user's token, or read one.

    Users get theirs from the marketplace; one that is made here is for a person who tries something, or for an
    operator who has to act before anybody can sign in.
    """


@token.command()
def make(
    user: Annotated[str, typer.Option("--user", help="Whose it is: the claim sub.")],
    hours: Annotated[float, typer.Option("--hours", help="How long it holds.", min=0.01, max=HOURS_LIMIT)] = 1,
    request: Annotated[
        list[str] | None, typer.Option(help="A purchase request they take part in; may repeat.")
    ] = None,
    chat: Annotated[list[str] | None, typer.Option(help="A chat they are in; may be repeated.")] = None,
    checkout: Annotated[list[str] | None, typer.Option(help="A template checkout of theirs; may repeat.")] = None,
    role: Annotated[
        list[str] | None, typer.Option(help="Of staff: ops-view, ops-act, ops-approve; may be repeated.")
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Make a token, signed with the secret of the configuration, and print it.

    Example: [bold]BRIDGE_TOKEN=$(bridge token make --user ada --role ops-act) bridge payouts hold[/bold]
    """
    import jwt

    from bridge.access.principals import Claims, Role
    from bridge.settings import load_settings

    unknown = [name for name in role or () if name not in set(Role)]
    if unknown:
        raise typer.BadParameter(f"there is no role {unknown[0]!a}; those are {', '.join(Role)}", param_hint="--role")
    if not user.strip():
        raise typer.BadParameter("it is empty; name whose token it is", param_hint="--user")
    settings = load_settings(config)
    secret = _signing_secret(settings)
    now = datetime.now(UTC)
    expires = now + timedelta(hours=hours)
    claims: dict[str, Any] = {
        "sub": user,
        "iat": int(now.timestamp()),
        "exp": int(expires.timestamp()),
        "jti": secrets.token_hex(8),
        "aud": settings.jwt_audience or None,
        "iss": settings.jwt_issuer or None,
        "requests": request,
        "chats": chat,
        "checkouts": checkout,
        "roles": role,
    }
    named = {name: value for name, value in claims.items() if value}
    try:
        Claims.model_validate(named)
    except ValueError as error:
        raise NoTokenError(f"no token was made: {_first_fault(error)}") from None
    made = jwt.encode(named, secret, "HS256")
    shown = {"token": made, "user": user, "expires": expires.isoformat(timespec="seconds"), "id": claims["jti"]}
    say(json.dumps(shown, indent=2) if as_json else made)


@token.command()
def read(
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Say whether a token holds, and what it grants. It is taken from BRIDGE_TOKEN, or else from the standard input,
    so that it is in no list of processes. What was revoked only a running bridge knows.

    Example: [bold]bridge token read < token.txt[/bold]
    """
    from bridge.access.errors import TokenError
    from bridge.access.principals import described_token
    from bridge.settings import load_settings

    settings = load_settings(config)
    verifier = settings.verifier
    if verifier is None:
        raise NoTokenError('with access = "open" nobody is asked for a token, so no key tells whether one holds')
    given = os.environ.get(TOKEN_VARIABLE) or sys.stdin.read().strip()
    if not given:
        raise NoTokenError(f"there is no token to read: put it into {TOKEN_VARIABLE}, or into the standard input")
    try:
        principal = verifier.principal(given)
    except TokenError as error:
        raise NoTokenError(str(error)) from None
    shown = described_token(principal, timedelta(seconds=settings.jwt_leeway_seconds))
    if as_json:
        say(json.dumps(shown, indent=2))
        return
    for name, value in shown.items():
        say(f"{name:<8} {on_one_line(', '.join(value) if isinstance(value, list) else str(value))}")


def _signing_secret(settings: "Settings") -> str:
    """The secret that is used first. Raises NoTokenError where tokens are signed by somebody else."""
    for secret in settings.jwt_secrets:
        return secret.get_secret_value()
    from bridge.access.key_sets import secret_texts

    path = settings.file_of("jwt_secrets_file")
    for text in () if path is None else secret_texts(path.read_text(encoding="utf-8")):
        return text
    raise NoTokenError(
        "there is no secret to sign with: set BRIDGE_JWT_SECRETS or jwt_secrets_file. Where tokens are verified with"
        " public keys (jwt_jwks_file), whoever has the private key makes them"
    )


def _first_fault(error: ValueError) -> str:
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return str(error)
    fault = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
