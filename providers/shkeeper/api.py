"""SHKeeper's API: how it is asked, what its answers mean, when it is asked again and when not at all.

SHKeeper answers 200 with an error in the body; here that is an error. No key and no password ever stands in one.
"""

import logging
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, TypeVar

import httpx
from pydantic import ValidationError
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential
from tenacity.wait import wait_base

from providers.circuit import CircuitBreaker
from providers.contract import ProviderRefusedError, ProviderUnavailableError
from providers.shkeeper.wire import UnreadableError, Wire, faults, read_object

__all__ = ["SHOWN_CHARACTERS", "ShkeeperApi"]

logger = logging.getLogger("bridge.shkeeper")

Answer = TypeVar("Answer", bound=Wire)

TRIES = 3
# Long enough for a gateway that asks a wallet on another machine; a browser waits behind it.
TIMEOUT_SECONDS = 10.0
SHOWN_CHARACTERS = 300
NOT_FOUND = 404
BAD_KEY_MESSAGES = frozenset({"no api key", "bad api key"})

# Pauses between tries: what hiccups is back within a second or two, what is down is the reconciliation's business.
backoff = wait_random_exponential(multiplier=0.2, max=2)


class CircuitOpenError(ProviderUnavailableError):
    """SHKeeper failed so often that it is not asked for a while."""


class NotKnownError(ProviderRefusedError):
    """SHKeeper has no such thing in its books."""


class KeyRefusedError(ProviderRefusedError):
    """SHKeeper does not know the key."""


class ShkeeperApi:
    """One SHKeeper. Safe to share; close it with `aclose`."""

    def __init__(
        self,
        *,
        url: str,
        api_keys: Sequence[str],
        timeout_seconds: float = TIMEOUT_SECONDS,
        pauses: wait_base = backoff,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`url` is SHKeeper's, without `/api/v1`. Of several keys the first that it knows is used from then on.
        `pauses` are those between two tries."""
        base_url = f"{url.rstrip('/')}/api/v1/"
        certificates = httpx.create_ssl_context()  # reading them takes a while, so once
        self._http = httpx.AsyncClient(base_url=base_url, timeout=timeout_seconds, verify=certificates)
        # A connection that was kept may have been closed by the other side, and then nobody knows what arrived.
        unkept = httpx.Limits(max_keepalive_connections=0)
        self.once = httpx.AsyncClient(base_url=base_url, timeout=timeout_seconds, limits=unkept, verify=certificates)
        """For what must not be repeated: every request has a connection of its own."""
        self._api_keys = tuple(api_keys)
        self._pauses = pauses
        self._circuit = CircuitBreaker(clock)

    async def aclose(self) -> None:
        await self._http.aclose()
        await self.once.aclose()

    async def check(self) -> None:
        """Raises CircuitOpenError while SHKeeper is not asked."""
        if self._circuit.is_open:
            raise CircuitOpenError(f"SHKeeper is not asked for a while, after this: {self._circuit.reason}")

    async def ask(
        self,
        model: type[Answer],
        method: str,
        path: str,
        content: Mapping[str, Any] | None = None,
        *,
        operator: httpx.Auth | None = None,
    ) -> Answer:
        """Asks what is harmless to repeat, with a key or in the operator's name, until there is an answer or it has
        failed a few times. Raises ProviderError."""
        retrying = AsyncRetrying(
            stop=stop_after_attempt(TRIES),
            wait=self._pauses,
            retry=retry_if_exception(_may_pass),
            reraise=True,
        )
        request = self._http.build_request(method, path, json=content)
        if operator is not None:
            return await retrying(self._try, model, request, operator)
        return await retrying(self._try_keys, model, request)

    async def ask_for_known(self, model: type[Answer], path: str) -> Answer | None:
        """As `ask`, for what SHKeeper answers with 404 if it does not know it."""
        try:
            return await self.ask(model, "GET", path)
        except NotKnownError:
            return None

    async def _try_keys(self, model: type[Answer], request: httpx.Request) -> Answer:
        for number, key in enumerate(self._api_keys):
            try:
                answer = await self._try(model, request, _KeyAuth(key))
            except KeyRefusedError:
                if number == len(self._api_keys) - 1:
                    raise
            else:
                # While a key is being changed two are configured; the one that works comes first from now on.
                self._api_keys = (key, *(other for other in self._api_keys if other != key))
                return answer
        raise ProviderRefusedError("no key for SHKeeper is configured; set BRIDGE_SHKEEPER_API_KEYS")

    async def _try(self, model: type[Answer], request: httpx.Request, auth: httpx.Auth) -> Answer:
        await self.check()
        try:
            response = await self._http.send(request, auth=auth)
            answer = _read(model, response)
        except httpx.HTTPError as error:
            reason = f"SHKeeper was not reached ({type(error).__name__})"
            self._circuit.fail(reason)
            raise ProviderUnavailableError(reason) from None
        except ProviderUnavailableError as error:
            self._circuit.fail(str(error))
            raise
        except ProviderRefusedError:
            self._circuit.succeed()  # it answers, whatever it says
            raise
        self._circuit.succeed()
        return answer


class _KeyAuth(httpx.Auth):
    def __init__(self, key: str) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["X-Shkeeper-Api-Key"] = self._key
        yield request


def _may_pass(error: BaseException) -> bool:
    """Whether another try, a moment later, may succeed."""
    return isinstance(error, ProviderUnavailableError) and not isinstance(error, CircuitOpenError)


def _read(model: type[Answer], response: httpx.Response) -> Answer:
    """The answer. Raises ProviderUnavailableError and ProviderRefusedError."""
    if response.status_code == NOT_FOUND:
        raise NotKnownError("SHKeeper does not know this; or is shkeeper_url not the address of one?")
    if not response.is_success and response.status_code < 500:
        raise ProviderRefusedError(f"SHKeeper answered {response.status_code}; is shkeeper_url the address of one?")
    try:
        content = read_object(response.content)
    except UnreadableError as error:
        raise ProviderUnavailableError(f"SHKeeper's answer {error} (status {response.status_code})") from None
    if content.get("status") == "error" or response.status_code >= 500:
        raise _said_no(content, response.status_code)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise ProviderUnavailableError(f"SHKeeper's answer is not as expected: {faults(error)}") from None


def _said_no(content: Mapping[str, Any], status: int) -> ProviderRefusedError | ProviderUnavailableError:
    """Its message alone: there is a traceback beside it at times, which is nobody's business."""
    message = str(content.get("message", "without a reason"))[:SHOWN_CHARACTERS]
    if message.casefold() in BAD_KEY_MESSAGES:
        return KeyRefusedError("SHKeeper does not accept the key; is it the API key of its wallet?")
    if status >= 500:
        return ProviderUnavailableError(f"SHKeeper failed ({status}): {message}")
    return ProviderRefusedError(f"SHKeeper says: {message}")
