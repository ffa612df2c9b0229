"""Keys that tokens are verified with: secrets, and the public keys of a JWK set (RFC 7517). Which of them may serve
is decided here, and the algorithm of each follows from the key."""

import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from bridge.access.errors import KeysError, NoKeyServesError
from coordinator.json_text import NotJsonError, json_in

__all__ = ["CONSOLE", "KEY_SET_ALGORITHMS", "Key", "console_key", "keys_of_set", "secret_key", "secret_texts"]

logger = logging.getLogger("bridge.access")

# RFC 7518, section 3.2: a shorter secret can be guessed from one token.
SECRET_LEAST_BYTES = 32
# What somebody has typed with one finger is as short as what it repeats.
SECRET_LEAST_DIFFERENT = 8
# RFC 7518, section 3.3.
RSA_LEAST_BITS = 2048

KEY_SET_ALGORITHMS = ("RS256", "ES256")
"""What tokens may be signed with by keys of a set."""
CONSOLE = "bridge-console"
"""The issuer, the audience and the key's id of the tokens that the bridge makes for its own console."""

_PRIVATE_PARTS = frozenset({"d", "p", "q", "dp", "dq", "qi", "k"})


@dataclass(frozen=True, slots=True)
class Key:
    """One key, and what it is for."""

    algorithm: str
    key: Any
    name: str
    """A hash of it, by which it is known in memory, and nowhere else."""
    key_id: str | None = None


class _UnusableError(Exception):
    """A key of a set is none of those that serve here."""


def secret_key(secret: str) -> Key:
    """The key that a secret is. Raises KeysError, which does not show it."""
    key = secret.encode()
    if len(key) < SECRET_LEAST_BYTES:
        raise KeysError(
            f"a secret has {len(key)} bytes; HS256 needs at least {SECRET_LEAST_BYTES}: make one with openssl rand"
            " -hex 32"
        )
    if len(set(key)) < SECRET_LEAST_DIFFERENT:
        raise KeysError(
            "a secret repeats a few characters, and can be guessed from one token; make one that is random, such as"
            " with: openssl rand -hex 32"
        )
    return Key("HS256", key, hashlib.sha256(key).hexdigest())


def secret_texts(text: str) -> list[str]:
    """The secrets of a file, one a line or with commas between, as in a variable."""
    return [secret.strip() for line in text.splitlines() for secret in line.split(",") if secret.strip()]


def console_key(secret: bytes) -> Key:
    """The key of the tokens that the bridge makes for its own console."""
    return Key("HS256", secret, hashlib.sha256(secret).hexdigest(), CONSOLE)


def keys_of_set(content: bytes, where: str) -> list[Key]:
    """The keys of a JWK set that serve here. What else is in it is ignored, with a line each: an issuer has keys for
    others too. Raises KeysError if it is no set or holds a private key, and NoKeyServesError."""
    try:
        found = json_in(content)
    except NotJsonError as error:
        raise KeysError(f"{where} {error}") from None
    entries = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(entries, list):
        raise KeysError(f'{where} is no JWK set: expected {{"keys": [...]}}')
    keys, ignored = [], []
    for number, entry in enumerate(entries):
        try:
            keys.append(_public_key(entry, where, number))
        except _UnusableError as error:
            ignored.append(f"key {number} {error}")
    if not keys:
        raise NoKeyServesError(f"{where} has no key that serves here: {'; '.join(ignored) or 'it is empty'}")
    for line in ignored:
        logger.warning("%s: %s, and is ignored", where, line)
    return keys


def _public_key(entry: object, where: str, number: int) -> Key:
    if not isinstance(entry, dict):
        raise _UnusableError("is not an object")
    if _PRIVATE_PARTS & entry.keys():
        raise KeysError(
            f"{where}: key {number} holds a private key or a secret; only public keys belong in this file"
        )
    match entry.get("kty"), entry.get("crv"):
        case "RSA", _:
            algorithm, parts = "RS256", ("n", "e")
        case "EC", "P-256":
            algorithm, parts = "ES256", ("x", "y")
        case _:
            raise _UnusableError("is neither an RSA key nor an EC key on P-256")
    _require_purpose(entry, algorithm)
    try:
        key = jwt.PyJWK(entry, algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        raise _UnusableError(f"is not a well-formed {algorithm} key") from None
    if algorithm == "RS256" and key.key_size < RSA_LEAST_BITS:
        raise _UnusableError(f"has {key.key_size} bits; RS256 needs at least {RSA_LEAST_BITS}")
    key_id = entry.get("kid")
    return Key(algorithm, key, _name(algorithm, (entry[part] for part in parts)), _text(key_id))


def _require_purpose(entry: Mapping[str, Any], algorithm: str) -> None:
    if entry.get("alg", algorithm) != algorithm:
        raise _UnusableError(f"is for {_text(entry['alg'])}; tokens are verified with HS256, RS256 and ES256")
    if entry.get("use", "sig") != "sig":
        raise _UnusableError("is not for signatures, by its use")
    operations = entry.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise _UnusableError("is not to verify with, by its key_ops")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _name(algorithm: str, parts: Iterable[object]) -> str:
    return hashlib.sha256("\n".join([algorithm, *map(str, parts)]).encode()).hexdigest()
