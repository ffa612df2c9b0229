"""ID tokens: whether the identity provider has said so, to this bridge and in answer to this attempt, and whom it
names with which roles. Plain values, no I/O (OpenID Connect Core 1.0, sections 2, 3.1.3.7 and 12.2).
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from bridge.access.errors import SignInError
from bridge.access.key_sets import Key
from bridge.access.oidc_settings import OidcSettings
from bridge.access.principals import Role
from bridge.access.signed_claims import claims_in, reason_of
from coordinator.ids import is_id

__all__ = ["OtherKeyError", "Person", "is_same", "person_in"]

REQUIRED = ("iss", "sub", "aud", "exp", "iat")
TOKEN_LIMIT_CHARACTERS = 100_000
# An address of mail that nobody has verified is whatever somebody wrote there.
MAIL = "email"


class OtherKeyError(Exception):
    """None of the keys has signed the token; the provider may have newer ones."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signed in, as the provider knows them."""

    subject: str
    """Their id at the provider, which never becomes somebody else's."""
    user_id: str
    """Their id in the bridge's record."""
    roles: frozenset[Role]
    until: datetime
    """When what the provider has said does not hold any more."""


def person_in(
    token: object, keys: Sequence[Key], settings: OidcSettings, *, nonce: str | None, leeway: timedelta
) -> Person:
    """Whom an ID token names. One of a renewal has no `nonce` to compare. Raises OtherKeyError and SignInError."""
    if not isinstance(token, str) or len(token) > TOKEN_LIMIT_CHARACTERS:
        raise _wrong("there is no ID token in its answer")
    try:
        claims, _ = claims_in(
            token, keys, audience=settings.client_id, issuer=settings.issuer, leeway=leeway, required=REQUIRED
        )
        until = datetime.fromtimestamp(claims["exp"], UTC)
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError) as error:
        raise OtherKeyError(reason_of(error)) from None
    except jwt.ExpiredSignatureError:
        raise _wrong("its ID token has expired; do the clocks of the provider and of the bridge agree?") from None
    except jwt.InvalidTokenError as error:
        raise _wrong(f"its ID token is not accepted: {reason_of(error)}") from None
    except (ValueError, OverflowError, RecursionError, OSError, TypeError):
        raise _wrong("its ID token is not accepted: it is not a JWT") from None
    _require_for_us(claims, settings.client_id)
    if nonce is not None and not is_same(claims.get("nonce"), nonce):
        raise _wrong("its ID token answers another attempt to sign in")
    user_id = _user_id(claims, settings.user_claim)
    return Person(claims["sub"], user_id, _roles(claims, settings, user_id), until)


def _require_for_us(claims: Mapping[str, Any], client_id: str) -> None:
    audience, party = claims["aud"], claims.get("azp")
    is_shared = isinstance(audience, list) and len(audience) > 1
    if party != client_id and (is_shared or party is not None):
        raise _wrong("its ID token was issued to another client")


def is_same(given: object, expected: str) -> bool:
    """Whether somebody brings the secret that is expected: compared in constant time."""
    return isinstance(given, str) and hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _user_id(claims: Mapping[str, Any], name: str) -> str:
    user_id = _claim(claims, name)
    if not isinstance(user_id, str) or not is_id(user_id):
        verified = ", and email_verified with it" if name == MAIL else ""
        raise _wrong(f"its ID token says nobody's id: the claim {name!r} has to be a text{verified}")
    return user_id


def _roles(claims: Mapping[str, Any], settings: OidcSettings, user_id: str) -> frozenset[Role]:
    said = _claim(claims, settings.roles_claim)
    listed = said if isinstance(said, list) else [said]
    held = {one for one in listed if isinstance(one, str)}
    roles = frozenset(role for role, names in settings.roles.items() if held.intersection(names))
    if not roles:
        raise SignInError("no_role", f"nothing in the claim {settings.roles_claim!r} gives {user_id} a role here")
    return roles


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """The claim of that name or, where there is none, the one that lies deeper, by names with dots between."""
    if name == MAIL and claims.get("email_verified") is not True:
        return None
    found: Any = claims
    for part in [name] if name in claims else name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _wrong(message: str) -> SignInError:
    return SignInError("provider_wrong", message)
