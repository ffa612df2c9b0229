"""Tokens: which signatures count, and what a token that holds says about whoever brings it.

RFC 7519 (JWT) with the algorithms HS256, RS256 and ES256 of RFC 7518. The algorithm follows from the key, never from
the token, so a public key can never serve as a secret. No token, and no part of one, ever stands in an error.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from pydantic import ValidationError

from bridge.access.errors import KeysError, NoKeyServesError, TokenError
from bridge.access.key_sets import CONSOLE, Key, keys_of_set, secret_key, secret_texts
from bridge.access.principals import Claims, Principal, principal_of, signed_in_at_the_provider
from bridge.access.revocations import Revocations
from bridge.access.signed_claims import claims_in, reason_of
from bridge.access.watched_file import WatchedFile

__all__ = ["TokenVerifier"]

# Room for a thousand ids; whatever is longer is not looked at.
TOKEN_LIMIT_CHARACTERS = 100_000


class TokenVerifier:
    """Says who a token belongs to, by keys that it was made with. Files of keys are read again when they change."""

    def __init__(
        self,
        *,
        secrets: Sequence[str] = (),
        secrets_file: Path | None = None,
        jwks_file: Path | None = None,
        console_key: Key | None = None,
        audience: str | None = None,
        issuer: str | None = None,
        leeway_seconds: float = 30,
    ) -> None:
        """Tokens need `aud` and `iss` where an audience and an issuer are named; `leeway_seconds` is how far the
        clocks of issuer and bridge may be apart. With `console_key` the bridge itself has made tokens, for people
        who signed in at the identity provider. Raises KeysError."""
        self._console_keys = [] if console_key is None else [console_key]
        self._secrets = [secret_key(secret) for secret in secrets]
        self._files: list[WatchedFile[list[Key]]] = []
        if secrets_file is not None:
            self._files.append(
                WatchedFile(secrets_file, lambda content: _secrets_in(content, secrets_file), nothing=[])
            )
        if jwks_file is not None:
            where = str(jwks_file)
            self._files.append(WatchedFile(jwks_file, lambda content: keys_of_set(content, where), nothing=[]))
        self._audience = audience
        self._issuer = issuer
        self._leeway = timedelta(seconds=leeway_seconds)
        self.revocations = Revocations()
        """What is taken back of what tokens say."""
        if not self._keys() and not self._console_keys:
            raise KeysError("there is neither a secret nor a JWKS file to verify tokens with")

    def _keys(self) -> list[Key]:
        return [*self._secrets, *(key for file in self._files for key in file.value())]

    def key_names(self) -> frozenset[str]:
        """The keys that serve at the moment, by the names that principals have them under."""
        return frozenset(key.name for key in (*self._keys(), *self._console_keys))

    def trouble(self) -> str | None:
        """What is wrong with the files of keys; None if they can be read."""
        self._keys()
        return "; ".join(file.trouble for file in self._files if file.trouble is not None) or None

    def describe_keys(self) -> str:
        """How many keys of which kind there are, for a person to read."""
        kinds = [key.algorithm for key in self._keys()]
        counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
        return ", ".join(f"{count} {kind} key{'s' if count > 1 else ''}" for kind, count in counts.items())

    def principal(self, token: object) -> Principal:
        """The principal that a token proves, with what they are still granted at this moment. Raises TokenError."""
        return self.revocations.applied_to(self.proven(token))

    def proven(self, token: object) -> Principal:
        """The same with all that the token grants, also what is taken back. Raises TokenError."""
        if token is None or token == "":
            raise TokenError("token_missing", "this needs a token")
        if not isinstance(token, str) or len(token) > TOKEN_LIMIT_CHARACTERS:
            raise TokenError("token_invalid", "the token is not a JWT")
        try:
            content, key = self._claims(token)
            claims = Claims.model_validate(content)
            principal = principal_of(claims, datetime.fromtimestamp(claims.exp, UTC) + self._leeway)
            if key in self._console_keys:
                principal = signed_in_at_the_provider(principal)
            # An issuer's clock may be fast by so much: what it issued before must not pass for issued since.
            principal = replace(principal, issued_at=principal.issued_at and principal.issued_at - self._leeway)
            self.revocations.require_token(principal)
            return replace(principal, proven_by=key.name)
        except jwt.ExpiredSignatureError:
            raise TokenError("token_expired", "the token has expired; get a new one") from None
        except jwt.InvalidTokenError as error:
            raise TokenError("token_invalid", reason_of(error)) from None
        except ValidationError as error:
            names = ", ".join(sorted({str(fault["loc"][0]) for fault in error.errors()}))
            raise TokenError("token_invalid", f"the token's claims are not as they should be: {names}") from None
        except (ValueError, OverflowError, RecursionError, OSError):  # numbers and nesting that no token has
            raise TokenError("token_invalid", "the token is not a JWT") from None

    def _claims(self, token: str) -> tuple[dict[str, Any], Key]:
        if self._console_keys and jwt.get_unverified_header(token).get("kid") == CONSOLE:
            return claims_in(token, self._console_keys, audience=CONSOLE, issuer=CONSOLE, leeway=self._leeway)
        return claims_in(token, self._keys(), audience=self._audience, issuer=self._issuer, leeway=self._leeway)


def _secrets_in(content: bytes, path: Path) -> list[Key]:
    """Those of a file. Raises KeysError, and NoKeyServesError if there are none."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise KeysError(f"{path}, the file of secrets, is not a text file in UTF-8") from None
    secrets = [secret_key(secret) for secret in secret_texts(text)]
    if not secrets:
        raise NoKeyServesError(f"{path} holds no secret to verify tokens with; write one a line, or name no file")
    return secrets
