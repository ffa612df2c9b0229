"""Retries of one call: when a repeat helps, how long to wait before it, when to give up. No I/O but the clock."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Generic, NoReturn, TypeVar

import httpx
from pydantic import SecretStr
from tenacity import RetryCallState, retry_if_exception_type, wait_random_exponential

from bridge.client.answers import Problem, read_problem, refusal
from bridge.client.calls import HEADER_TEXT, Call
from bridge.client.errors import BridgeUnavailableError, UnexpectedAnswerError

__all__ = ["Destination", "Retries"]

logger = logging.getLogger("bridge.client")

Result = TypeVar("Result")

# The bridge was busy or restarting, or a proxy could not reach it. After 500 it would fail on the same request again.
REPEATED_STATUSES = frozenset({429, 502, 503, 504})
REPEATED_FAILURES = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ProxyError)

# A restart of the bridge takes a second or two; the randomness keeps many services from coming back at one moment.
backoff = wait_random_exponential(multiplier=0.25, max=10)
"""How many seconds to wait, by the number of tries there were."""

SHORTEST_TRY_SECONDS = 0.1
# Some proxies give up an answer that takes half a minute.
LONGEST_WAIT_SECONDS = 25


class _RepeatableError(Exception):
    """A try failed in a way that a repeat may mend."""

    def __init__(self, reason: str, retry_after_seconds: int = 0) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class Destination:
    """Where the bridge is, who asks it, and how patiently."""

    def __init__(self, url: str, token: str | None, *, timeout_seconds: float, give_up_after_seconds: float) -> None:
        """Raises ValueError, which never shows the token."""
        self.url = _base_url(url)
        self._token = None if token is None else SecretStr(_usable_token(token))
        if timeout_seconds <= 0 or give_up_after_seconds < 0:
            raise ValueError("timeout_seconds must be more than 0 and give_up_after_seconds not less than 0")
        self.timeout_seconds = timeout_seconds
        self.give_up_after_seconds = give_up_after_seconds

    @property
    def wait_seconds(self) -> int:
        """How long the bridge may wait with an answer, so that it comes well before a try is given up."""
        return min(LONGEST_WAIT_SECONDS, int(self.timeout_seconds / 2))

    @property
    def secret(self) -> str | None:
        """The token in the clear, to be sent and never to be shown."""
        return None if self._token is None else self._token.get_secret_value()


class Retries(Generic[Result]):
    """One call on its way: makes each try's request, reads its answer, and holds tenacity's rules between them."""

    def __init__(
        self, destination: Destination, call: Call[Result], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._destination = destination
        self._call = call
        self._clock = clock
        self._began = clock()

    def request(self) -> httpx.Request:
        """The request of a try, the same each time."""
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Idempotency-Key": self._call.idempotency_key,
            "User-Agent": "bridge-client",
        }
        if self._destination.secret is not None:
            headers["Authorization"] = f"Bearer {self._destination.secret}"
        return httpx.Request(
            self._call.method,
            f"{self._destination.url}{self._call.path}",
            headers=headers,
            content=self._call.body,
            extensions={"timeout": httpx.Timeout(None).as_dict()},  # there is a deadline for all of it
        )

    @property
    def timeout_seconds(self) -> float:
        """How long the next try may take, from the connection to the end of the answer: no longer than is left."""
        timeout, total = self._destination.timeout_seconds, self._destination.give_up_after_seconds
        return min(timeout, max(total - self._elapsed, SHORTEST_TRY_SECONDS)) if total else timeout

    @contextmanager
    def sending(self) -> Iterator[None]:
        """To be held while a request is sent: says of each failure whether a repeat may mend it."""
        try:
            yield
        except TimeoutError:
            raise _RepeatableError("no answer in time") from None
        except REPEATED_FAILURES as error:
            raise _RepeatableError(_reason(error)) from None
        except httpx.RequestError:
            raise self._unexpected(None) from None

    def read(self, response: httpx.Response) -> Result:
        """The call's result. Raises what the answer means otherwise."""
        if response.is_success:
            try:
                return self._call.read(response.content)
            except ValueError:
                raise self._unexpected(response.status_code) from None
        problem = read_problem(response, self._destination.secret)
        if response.status_code in REPEATED_STATUSES:
            # In the standard's words; a server's own could be anything.
            words = f"{response.status_code} {HTTPStatus(response.status_code).phrase}"
            raise _RepeatableError(
                words if problem is None else f"{words}: {problem.detail}", _retry_after_seconds(response.headers)
            )
        error = refusal(response.status_code, problem)
        if error is not None:
            raise error
        raise self._unexpected(response.status_code, problem)

    def policy(self) -> Mapping[str, Any]:
        """When tenacity repeats a try, after how long, and what happens in the end."""
        return {
            "retry": retry_if_exception_type(_RepeatableError),
            "wait": self._wait_seconds,
            "stop": self._must_stop,
            "before_sleep": self._log_repeat,
            "retry_error_callback": self._give_up,
        }

    @property
    def _elapsed(self) -> float:
        return self._clock() - self._began

    def _wait_seconds(self, state: RetryCallState) -> float:
        return _failure(state).retry_after_seconds + backoff(state)

    def _must_stop(self, state: RetryCallState) -> bool:
        return self._elapsed + state.upcoming_sleep >= self._destination.give_up_after_seconds

    def _log_repeat(self, state: RetryCallState) -> None:
        logger.warning(
            "%s failed: %s; trying again in %.1f s", self._call.path, _failure(state), state.upcoming_sleep
        )

    def _give_up(self, state: RetryCallState) -> NoReturn:
        failure = _failure(state)
        reason = str(failure)
        if failure.retry_after_seconds:
            reason += f" (it asks to wait for {failure.retry_after_seconds} s)"
        raise BridgeUnavailableError(
            self._destination.url, self._elapsed, reason, self._call.idempotency_key
        ) from None

    def _unexpected(self, status: int | None, problem: Problem | None = None) -> UnexpectedAnswerError:
        # Of somebody else's page nothing is shown: nobody knows what it repeats of the request.
        words = "what the bridge does not say; is this its address?" if problem is None else problem.detail
        answered = "answered" if status is None else f"answered {status}"
        return UnexpectedAnswerError(
            f"{self._destination.url} {answered}: {words}", status, self._call.idempotency_key
        )


def _failure(state: RetryCallState) -> _RepeatableError:
    failure = state.outcome and state.outcome.exception()
    if not isinstance(failure, _RepeatableError):
        raise TypeError(f"{failure!r} is nothing that is repeated")
    return failure


def _reason(error: httpx.TransportError) -> str:
    """Why nothing was answered. Only where no connection was made the error's own words are safe to show."""
    if isinstance(error, httpx.ConnectError):
        return str(error) or "no connection"
    return f"the connection ended without an answer ({type(error).__name__})"


def _retry_after_seconds(headers: httpx.Headers) -> int:
    """The whole seconds of `Retry-After`; 0 for none, and for its other form, a date, which no bridge sends."""
    text = headers.get("retry-after", "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _base_url(text: str) -> str:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise ValueError("the bridge's url cannot be read") from None
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        raise ValueError("the bridge's url is like https://bridge.example, or with a path if a proxy adds one")
    if url.userinfo:
        raise ValueError("the bridge's url holds no user and password; the token says who asks")
    return str(url).rstrip("/")


def _usable_token(token: str) -> str:
    # A token that was read from a file often ends with its line.
    stripped = token.strip()
    if HEADER_TEXT.fullmatch(stripped) is None:
        raise ValueError("the token is empty or not printable ASCII; leave it out where the bridge asks for none")
    return stripped
