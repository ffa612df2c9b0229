"""SHKeeper's refusals: whether an error in its answer is a no to the question, or the trouble of a coin's wallet.

It answers both alike, 200 with `"status": "error"`, and the words of a Python exception are all there is to tell them
apart. Nothing of a traceback is repeated, and nothing of an exception that may hold an address within its network.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from providers.answers import HttpAnswer

__all__ = [
    "SHOWN_CHARACTERS",
    "is_error",
    "is_passing",
    "leads_to_login",
    "reason_of",
    "shown",
    "subject_of",
    "trouble_of",
]

SHOWN_CHARACTERS = 300
# Of a megabyte that somebody says instead of a reason.
LOOKED_AT_CHARACTERS = 10_000

# What it says when a coin's daemon is not reached, is too slow, or answers something else than expected: exceptions
# of its HTTP client, and the names of fields that it looked for in vain (`'base58check_address'`).
_TROUBLES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"because of lagging", re.IGNORECASE), "it lags behind its chain, or is down"),
    (re.compile(r"timed? ?out|timeout", re.IGNORECASE), "it is too slow"),
    (
        re.compile(
            r"HTTPS?Connection|Connection (aborted|refused|reset)|ConnectionError|Max retries exceeded"
            r"|RemoteDisconnected|NewConnectionError|Name or service not known|\[Errno",
            re.IGNORECASE,
        ),
        "it is not reached",
    ),
    (re.compile(r"^Expecting value: |^(?:\w+ )?JSONDecode|object is not subscriptable"), "it answers nonsense"),
    (re.compile(r"^'[A-Za-z_][A-Za-z0-9_]*'$"), "it answers something else than expected"),
)
# Fields of the bridge's own question: if one of them is missing, that is no wallet's trouble.
_ASKED_WITH = frozenset({"'external_id'", "'fiat'", "'amount'", "'callback_url'"})
_LOGIN_IN_URL = re.compile(r"//[^/\s@]+@")
_KEY_IN_URL = re.compile(r"((?:api[-_]?key|token|secret|password)=)[^&\s'\"]+", re.IGNORECASE)
# Its own database, which several of its threads want at once.
_PASSING = re.compile(r"OperationalError|database is locked|sqlalchemy|Deadlock|Lost connection", re.IGNORECASE)
_SUBJECTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"exchange rate|\bfiat\b|currency", re.IGNORECASE), "currency"),
    (re.compile(r"payment gateway is unavailable|crypto", re.IGNORECASE), "coin"),
    (re.compile(r"amount|decimal", re.IGNORECASE), "amount"),
)


def leads_to_login(answer: HttpAnswer) -> bool:
    """Whether an answer is the way to the login page, as whoever brings no password is shown. A proxy sends people to
    other places for other reasons."""
    try:
        path = urlsplit(answer.location).path
    except ValueError:
        return False
    return answer.is_redirect and path.rstrip("/").endswith("/login")


def is_error(content: Mapping[str, Any]) -> bool:
    """Whether an answer says that something went wrong, in any of its forms."""
    return content.get("status") == "error" or bool(content.get("error"))


def reason_of(content: Mapping[str, Any]) -> str:
    """What an error says, on one line and not too long."""
    error = content.get("error")
    nested = error.get("message") if isinstance(error, Mapping) else error
    said = next((text for text in (content.get("message"), content.get("msg"), nested) if isinstance(text, str)), "")
    return shown(said) or "without a reason"


def shown(said: str) -> str:
    """Words of the gateway or a daemon as a person may read them: on one line, not too long, without a traceback, and
    without what lets others in, which stands in the addresses of nodes."""
    without_traceback = said[:LOOKED_AT_CHARACTERS].partition("Traceback (most recent call last)")[0]
    without_secrets = _KEY_IN_URL.sub(r"\1***", _LOGIN_IN_URL.sub("//***@", without_traceback))
    seen = "".join(letter if letter.isprintable() else " " for letter in without_secrets)
    return " ".join(seen.split())[:SHOWN_CHARACTERS]


def is_passing(reason: str) -> bool:
    """Whether an error is SHKeeper's own and says nothing about the question, which may be put again."""
    return _PASSING.search(reason) is not None


def trouble_of(reason: str) -> str | None:
    """What is wrong with a coin's wallet, if that is what an error is about; None for a refusal."""
    if reason in _ASKED_WITH:
        return None
    return next((trouble for pattern, trouble in _TROUBLES if pattern.search(reason)), None)


def subject_of(reason: str) -> str | None:
    """The field of a request for a payment that a refusal is about."""
    return next((subject for pattern, subject in _SUBJECTS if pattern.search(reason)), None)
