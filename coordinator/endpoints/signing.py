"""Signatures of Standard Webhooks (https://www.standardwebhooks.com): HMAC-SHA256 of the id, the time and the body,
by every secret that is valid at the moment."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime

__all__ = ["new_secret", "require_secret", "signed_headers"]

PREFIX = "whsec_"
# What the specification allows.
SHORTEST_BYTES, LONGEST_BYTES = 24, 64


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SHORTEST_BYTES)).decode()


def require_secret(text: str) -> str:
    """Returns a secret that somebody has chosen. Raises ValueError, which does not show it, if it is none."""
    try:
        size = len(_key(text))
    except (binascii.Error, ValueError):
        size = 0
    if not text.startswith(PREFIX) or not SHORTEST_BYTES <= size <= LONGEST_BYTES:
        raise ValueError(f"expected {PREFIX} and {SHORTEST_BYTES} to {LONGEST_BYTES} random bytes in Base64")
    return text


def signed_headers(message_id: str, at: datetime, body: bytes, keys: Iterable[str]) -> dict[str, str]:
    """The headers of one try."""
    timestamp = str(int(at.timestamp()))
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(_key(key), signed, hashlib.sha256)).decode() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
