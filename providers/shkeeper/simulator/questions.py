"""Questions to the local SHKeeper and its answers, as plain values, and who may ask: no I/O.

SHKeeper's errors come in several shapes, and most of them with 200; each has its function here.
"""

import hmac
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from providers.shkeeper.simulator.gateway import Configuration

__all__ = [
    "Allows",
    "NotJsonError",
    "PlayedAnswer",
    "Question",
    "anyone",
    "crashed",
    "error",
    "key_holder",
    "login",
    "operator",
]

TRACEBACK = "Traceback (most recent call last): …"
LOGIN_PAGE = (
    '<!doctype html>\n<html lang=en>\n<title>Redirecting...</title>\n<h1>Redirecting...</h1>\n<a href="/login">'
)


class NotJsonError(Exception):
    """The body of a question is no JSON."""


@dataclass(frozen=True, slots=True)
class Question:
    """What SHKeeper is asked. `path` is what follows `/api/v1`, in parts; names of headers are in lower case."""

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def content(self) -> Any:
        """Raises NotJsonError."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise NotJsonError from None


@dataclass(frozen=True, slots=True)
class PlayedAnswer:
    """What is answered, and how many seconds it takes."""

    content: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    """Of a page, the content is its text."""
    seconds: float = 0

    @property
    def body(self) -> bytes:
        """As SHKeeper writes it, with sorted fields."""
        if self.content_type == "application/json":
            return f"{json.dumps(self.content, sort_keys=True)}\n".encode()
        return str(self.content).encode()


def error(message: str, status: int = 200, *, has_traceback: bool = False, seconds: float = 0) -> PlayedAnswer:
    """The usual error; some have a traceback beside it."""
    traceback = {"traceback": TRACEBACK} if has_traceback else {}
    return PlayedAnswer({"status": "error", "message": message} | traceback, status, seconds=seconds)


def crashed(status: int = 500, words: str = "Internal Server Error", seconds: float = 0) -> PlayedAnswer:
    """The error of the web framework, without a reason."""
    return PlayedAnswer({"code": status, "status": words}, status, seconds=seconds)


def login() -> PlayedAnswer:
    """The way to the login page, for whoever brings nothing."""
    return PlayedAnswer(LOGIN_PAGE, 302, {"Location": "/login"}, "text/html")


# Who may ask. SHKeeper: auth.py api_key_required, basic_auth_optional and login_required.

Allows = Callable[[Configuration, Question], PlayedAnswer | None]
"""What is answered instead, if somebody may not ask."""


def anyone(configuration: Configuration, question: Question) -> PlayedAnswer | None:
    return None


def key_holder(configuration: Configuration, question: Question) -> PlayedAnswer | None:
    key = question.headers.get("x-shkeeper-api-key")
    if key is None:
        return error("No API key")
    if not hmac.compare_digest(key.encode(), configuration.api_key.encode()):
        return error("Bad API key")
    return None


def operator(configuration: Configuration, question: Question) -> PlayedAnswer | None:
    credentials = question.headers.get("authorization")
    if credentials is None:
        if "x-shkeeper-api-key" in question.headers:
            return error("This endpoint doesn't accept X-Shkeeper-Api-Key auth")
        return login()
    user_and_password = f"{configuration.user}:{configuration.password}"
    expected = f"Basic {b64encode(user_and_password.encode()).decode()}"
    if not hmac.compare_digest(credentials.encode(), expected.encode()):
        return error("Bad HTTP Basic Auth credentials")
    return None
