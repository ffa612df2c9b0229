"""Signed claims: what a JWT says, once its signature, its times, and whom it is of and for are found good. The
algorithm follows from the key, never from the token. No part of a token stands in an error.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import jwt

from bridge.access.key_sets import Key

__all__ = ["claims_in", "reason_of"]


def claims_in(
    token: str,
    keys: Sequence[Key],
    *,
    audience: str | None,
    issuer: str | None,
    leeway: timedelta,
    required: Sequence[str] = ("exp", "sub"),
) -> tuple[dict[str, Any], Key]:
    """What a token claims, and the key that it is signed with. Raises jwt.InvalidTokenError."""
    failure: jwt.InvalidTokenError = jwt.InvalidSignatureError()
    for key in _candidates(jwt.get_unverified_header(token), keys):
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm],
                audience=audience,
                issuer=issuer,
                leeway=leeway,
                options={"require": [*required]},
            )
        except jwt.InvalidSignatureError as error:
            failure = error
        else:
            return claims, key
    raise failure


def _candidates(header: dict[str, Any], keys: Sequence[Key]) -> Iterable[Key]:
    """The keys that the token may have been signed with: of its algorithm, and of its key id if both have one."""
    algorithm, key_id = header.get("alg"), header.get("kid")
    of_the_algorithm = [key for key in keys if key.algorithm == algorithm]
    if not of_the_algorithm:
        raise jwt.InvalidAlgorithmError
    return [key for key in of_the_algorithm if key_id is None or key.key_id is None or key.key_id == key_id]


def reason_of(error: jwt.InvalidTokenError) -> str:
    """Why a token does not hold, for a person to read."""
    match error:
        case jwt.ImmatureSignatureError():
            return "the token is not valid yet; do the clocks of its issuer and of the bridge agree?"
        case jwt.InvalidAudienceError():
            return "the token is for another audience"
        case jwt.InvalidIssuerError():
            return "the token is of another issuer"
        case jwt.MissingRequiredClaimError():
            return f"the token has no claim {error.claim}"
        case jwt.InvalidAlgorithmError():
            return "the token is signed with an algorithm that no key here is for"
        case jwt.InvalidSignatureError():
            return "the token's signature does not hold"
        case _:
            return "the token is not a JWT"
