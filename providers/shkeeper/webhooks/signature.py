"""SHKeeper's signature: is this webhook from somebody who holds one of our keys, and is it fresh?

Pure functions over bytes (SHKeeper: services/webhook_hmac.py): HMAC-SHA256 under the wallet's API key of the
timestamp, a full stop and the raw body, in lowercase hex.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache

from providers.errors import WebhookRefusedError

__all__ = ["API_KEY_HEADER", "SIGNATURE_HEADER", "TIMESTAMP_HEADER", "require_headers", "sign", "verify"]

SIGNATURE_HEADER = "x-shkeeper-signature"
TIMESTAMP_HEADER = "x-shkeeper-timestamp"
API_KEY_HEADER = "x-shkeeper-api-key"

BLOCK_BYTES = 64
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
# Unix seconds have ten digits until the year 2286.
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


def sign(key: str, timestamp: str, body: bytes) -> str:
    """The signature of a body sent at `timestamp`, Unix seconds in decimal."""
    inner, outer = _keyed(key)
    inner = inner.copy()
    inner.update(b"%b.%b" % (_bytes(timestamp), body))
    outer = outer.copy()
    outer.update(inner.digest())
    return outer.hexdigest()


@lru_cache(maxsize=64)
def _keyed(key: str) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    """The two hashes of HMAC, inner and outer, once they have taken the key in (RFC 2104): to copy them for each
    signature costs a fraction of what `hmac.digest` does."""
    content = _bytes(key)
    block = (hashlib.sha256(content).digest() if len(content) > BLOCK_BYTES else content).ljust(BLOCK_BYTES, b"\0")
    inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in block)) for pad in (0x36, 0x5C))
    return inner, outer


def verify(
    headers: Mapping[str, str],
    body: bytes,
    *,
    keys: Sequence[str],
    now: datetime,
    window_seconds: int = 300,
    accept_api_key_only: bool = False,
) -> None:
    """Returns if the webhook is signed with one of `keys` and its time is within `window_seconds` of `now`.

    `headers` have lowercase names. With `accept_api_key_only` a webhook without any signature may carry one of the
    keys itself, as old gateways do; a wrong signature is never made good by that. Raises WebhookRefusedError.
    """
    require_headers(headers, keys=keys, accept_api_key_only=accept_api_key_only)
    signature = headers.get(SIGNATURE_HEADER)
    if signature is None:
        return
    timestamp = headers[TIMESTAMP_HEADER]
    # In a time that tells neither which one fits nor how well: every key is tried before the answer is known.
    matches = [hmac.compare_digest(signature, sign(key, timestamp, body)) for key in keys if key.strip()]
    if not any(matches):
        raise WebhookRefusedError(
            "bad-signature",
            "X-Shkeeper-Signature is not made with a configured key over this time and body;"
            " compare the keys, and see that no proxy changes the body",
        )
    # Looked at last, so that what is refused for its time alone is known to come from the gateway.
    behind_seconds = now.timestamp() - int(timestamp)
    if abs(behind_seconds) > window_seconds:
        side = "behind" if behind_seconds > 0 else "ahead of"
        raise WebhookRefusedError(
            "stale-timestamp",
            f"X-Shkeeper-Timestamp is {abs(behind_seconds):.0f} s {side} this machine's time, and {window_seconds} s"
            " are allowed (shkeeper_signature_window_seconds); compare the clocks",
            is_signed=True,
        )


def require_headers(headers: Mapping[str, str], *, keys: Sequence[str], accept_api_key_only: bool = False) -> None:
    """Returns if a webhook may be signed well by its headers, whatever its body is, which need not have come. Raises
    WebhookRefusedError."""
    # Anyone can sign with an empty key, so one that slipped through the configuration must not count.
    if not any(map(str.strip, keys)):
        raise WebhookRefusedError(
            "no-keys", "no SHKeeper key is configured; set BRIDGE_SHKEEPER_API_KEYS to the wallet's API key"
        )
    signature, timestamp = headers.get(SIGNATURE_HEADER), headers.get(TIMESTAMP_HEADER)
    if signature is None:
        _verify_without_signature(headers, keys, accept_api_key_only=accept_api_key_only)
        return
    if timestamp is None:
        raise WebhookRefusedError("missing-timestamp", "X-Shkeeper-Timestamp is missing; a signature needs its time")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise WebhookRefusedError("bad-timestamp", "X-Shkeeper-Timestamp is not a number of Unix seconds")
    if not _SIGNATURE.fullmatch(signature):
        raise WebhookRefusedError("bad-signature", "X-Shkeeper-Signature is not 64 lowercase hexadecimal digits")


def _verify_without_signature(headers: Mapping[str, str], keys: Sequence[str], *, accept_api_key_only: bool) -> None:
    api_key = headers.get(API_KEY_HEADER)
    if not accept_api_key_only:
        hint = (
            "; the gateway sends its bare API key, the older form: update it, or set shkeeper_accept_api_key_only"
            if api_key is not None
            else ""
        )
        raise WebhookRefusedError("missing-signature", f"X-Shkeeper-Signature is missing{hint}")
    if api_key is None:
        raise WebhookRefusedError("missing-signature", "X-Shkeeper-Signature and X-Shkeeper-Api-Key are both missing")
    # Bytes, because a header may hold any Latin-1 letter, which compare_digest does not take in text.
    matches = [hmac.compare_digest(_bytes(api_key), _bytes(key)) for key in keys if key.strip()]
    if not any(matches):
        raise WebhookRefusedError("bad-api-key", "X-Shkeeper-Api-Key is not a configured key; compare the keys")


def _bytes(text: str) -> bytes:
    # A lone surrogate, as os.environ makes of a byte that is not UTF-8, would otherwise end in a UnicodeEncodeError.
    return text.encode(errors="surrogatepass")
