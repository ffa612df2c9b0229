"""Tokens: which signatures count, and what a token that holds says about whoever brings it.

RFC 7519 (JWT) with the algorithms HS256, RS256 and ES256 of RFC 7518. The algorithm follows from the key, never from
the token, so a public key can never serve as a secret. No token, and no part of one, ever stands in an error.
"""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from pydantic import ValidationError

from bridge.access.errors import KeysError, TokenError
from bridge.access.principals import Claims, Principal, principal_of

__all__ = ["TokenVerifier"]

logger = logging.getLogger("bridge.access")

# RFC 7518, section 3.2: a shorter secret can be guessed from one token.
SECRET_LEAST_BYTES = 32
# Room for a thousand ids; whatever is longer is not looked at.
TOKEN_LIMIT_CHARACTERS = 100_000

_CURVE_OF_ES256 = "P-256"
_PRIVATE_PARTS = {"d", "p", "q", "dp", "dq", "qi", "k"}


@dataclass(frozen=True, slots=True)
class _Key:
    algorithm: str
    key: Any
    key_id: str | None = None


class TokenVerifier:
    """Says who a token belongs to, by keys that it was made with. A JWKS file that changes is read again."""

    def __init__(
        self,
        *,
        secrets: Sequence[str] = (),
        jwks_file: Path | None = None,
        audience: str | None = None,
        issuer: str | None = None,
        leeway_seconds: float = 30,
    ) -> None:
        """Tokens need `aud` and `iss` where an audience and an issuer are named; `leeway_seconds` is how far the
        clocks of issuer and bridge may be apart. Raises KeysError."""
        self._secrets = [_secret_key(secret) for secret in secrets]
        self._jwks_file = jwks_file
        self._jwks_version = 0
        self._public_keys: list[_Key] = []
        self._audience = audience
        self._issuer = issuer
        self._leeway = timedelta(seconds=leeway_seconds)
        if jwks_file is not None:
            self._jwks_version, self._public_keys = _read_jwks(jwks_file)
        if not self._secrets and not self._public_keys:
            raise KeysError("there is neither a secret nor a JWKS file to verify tokens with")

    def describe_keys(self) -> str:
        """How many keys of which kind there are, for a person to read."""
        kinds = [key.algorithm for key in (*self._secrets, *self._public_keys)]
        counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
        return ", ".join(f"{count} {kind} key{'s' if count > 1 else ''}" for kind, count in counts.items())

    def principal(self, token: object) -> Principal:
        """The principal that a token proves. Raises TokenError."""
        if token is None or token == "":
            raise TokenError("token_missing", "this needs a token")
        if not isinstance(token, str) or len(token) > TOKEN_LIMIT_CHARACTERS:
            raise TokenError("token_invalid", "the token is not a JWT")
        try:
            header = jwt.get_unverified_header(token)
            claims = Claims.model_validate(self._claims(token, header))
            return principal_of(claims, datetime.fromtimestamp(claims.exp, UTC) + self._leeway)
        except jwt.ExpiredSignatureError:
            raise TokenError("token_expired", "the token has expired; get a new one") from None
        except jwt.InvalidTokenError as error:
            raise TokenError("token_invalid", _reason(error)) from None
        except ValidationError as error:
            names = ", ".join(sorted({str(fault["loc"][0]) for fault in error.errors()}))
            raise TokenError("token_invalid", f"the token's claims are not as they should be: {names}") from None
        except (ValueError, OverflowError, RecursionError, OSError):  # numbers and nesting that no token has
            raise TokenError("token_invalid", "the token is not a JWT") from None

    def _claims(self, token: str, header: dict[str, Any]) -> dict[str, Any]:
        failure: jwt.InvalidTokenError = jwt.InvalidSignatureError()
        for key in self._candidates(header):
            try:
                claims: dict[str, Any] = jwt.decode(
                    token,
                    key.key,
                    algorithms=[key.algorithm],
                    audience=self._audience,
                    issuer=self._issuer,
                    leeway=self._leeway,
                    options={"require": ["exp", "sub"]},
                )
            except jwt.InvalidSignatureError as error:
                failure = error
            else:
                return claims
        raise failure

    def _candidates(self, header: dict[str, Any]) -> Iterable[_Key]:
        """The keys that the token may have been signed with: of its algorithm, and of its key id if both have one."""
        self._read_changed_jwks()
        algorithm, key_id = header.get("alg"), header.get("kid")
        keys = [key for key in (*self._secrets, *self._public_keys) if key.algorithm == algorithm]
        if not keys:
            raise jwt.InvalidAlgorithmError
        return [key for key in keys if key_id is None or key.key_id is None or key.key_id == key_id]

    def _read_changed_jwks(self) -> None:
        if self._jwks_file is None:
            return
        try:
            if self._jwks_file.stat().st_mtime_ns != self._jwks_version:
                self._jwks_version, self._public_keys = _read_jwks(self._jwks_file)
                logger.info("read %s anew: %d keys", self._jwks_file, len(self._public_keys))
        except (OSError, KeysError) as error:
            logger.error("keeping the keys of before: %s", error)


def _secret_key(secret: str) -> _Key:
    key = secret.encode()
    if len(key) < SECRET_LEAST_BYTES:
        raise KeysError(f"a secret has {len(key)} bytes; HS256 needs at least {SECRET_LEAST_BYTES}")
    return _Key("HS256", key)


def _read_jwks(path: Path) -> tuple[int, list[_Key]]:
    """The version of the file, and the keys of a JWK set (RFC 7517). Raises KeysError."""
    try:
        version = path.stat().st_mtime_ns
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise KeysError(f"cannot read {path}: {error.strerror}") from None
    except ValueError:
        raise KeysError(f"{path} is not JSON in UTF-8") from None
    entries = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        raise KeysError(f'{path} is no JWK set: expected {{"keys": [...]}} with at least one key')
    return version, [_public_key(path, number, entry) for number, entry in enumerate(entries)]


def _public_key(path: Path, number: int, entry: object) -> _Key:
    where = f"{path}: key {number}"
    if not isinstance(entry, dict):
        raise KeysError(f"{where} is not an object")
    if _PRIVATE_PARTS & entry.keys():
        raise KeysError(f"{where} holds a private key or a secret; only public keys belong in this file")
    match entry.get("kty"), entry.get("crv"):
        case "RSA", _:
            algorithm = "RS256"
        case "EC", "P-256":
            algorithm = "ES256"
        case _:
            raise KeysError(f"{where} is neither an RSA key nor an EC key on {_CURVE_OF_ES256}")
    if entry.get("alg", algorithm) != algorithm:
        raise KeysError(f"{where} is for {entry['alg']}; tokens are verified with HS256, RS256 and ES256")
    try:
        key = jwt.PyJWK(entry, algorithm).key
    except jwt.PyJWTError:
        raise KeysError(f"{where} is not a well-formed {algorithm} key") from None
    key_id = entry.get("kid")
    return _Key(algorithm, key, key_id if isinstance(key_id, str) else None)


def _reason(error: jwt.InvalidTokenError) -> str:
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
