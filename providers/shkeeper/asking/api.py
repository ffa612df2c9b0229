"""SHKeeper's API: how it is asked, what its answers mean, when it is asked again and when not at all.

SHKeeper answers 200 with an error in the body; here that is an error. No key and no password ever stands in one.
"""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from secrets import token_hex
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

import httpx
from pydantic import ValidationError
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential
from tenacity.wait import wait_base

from coordinator.json_text import PARTS_LIMIT
from providers.answers import HttpAnswer, NeighbourError, NotReachedError, TooLateError, ask, neighbour
from providers.availability import UnansweredError
from providers.errors import (
    AnswerUnusableError,
    CoinUnavailableError,
    CredentialsRefusedError,
    ProviderRefusedError,
    ProviderUnavailableError,
)
from providers.question_spans import ASKED
from providers.shkeeper.asking.circuits import ALL_WALLETS, Blamed, Circuits, Failure, Put, suspected_coin
from providers.shkeeper.asking.refusals import is_error, is_passing, leads_to_login, reason_of, subject_of, trouble_of
from providers.shkeeper.wire import UnreadableError, Wire, faults, read_object

__all__ = ["LIST_LIMIT_BYTES", "UNKNOWN_ID", "UP_TO_DATE", "ShkeeperApi"]

Answer = TypeVar("Answer", bound=Wire)

TRIES = 3
# SHKeeper gives a wallet ten seconds and then says so: longer than that, to hear it say so.
TIMEOUT_SECONDS = 12.0
# An answer is a few hundred bytes, or a few thousand where an invoice has many transactions; that which lists all
# invoices has as many for each.
ANSWER_LIMIT_BYTES = 4_000_000
LIST_LIMIT_BYTES = 64_000_000
# How long a harmless question may take that is to show whether somebody is there.
HARMLESS_SECONDS = 5.0
# An invoice has one in some thirty bytes.
LIST_PARTS_LIMIT = 2_000_000
NOT_FOUND = 404
BAD_KEY_MESSAGES = frozenset({"no api key", "bad api key"})
BAD_PASSWORD_MESSAGE = "bad http basic auth credentials"  # noqa: S105 (what is said of a wrong one)
BAD_KEY = "SHKeeper does not accept the key; is it the API key of its wallet?"
BAD_PASSWORD = "SHKeeper does not accept the operator's user and password"  # noqa: S105 (the same)

UP_TO_DATE = "synced"
"""What SHKeeper says of a coin whose node is well."""

UNKNOWN_ID = "bridge-asks-whether-it-may"
"""Of no invoice and no task: asking about it is harmless."""

# Pauses between tries: what hiccups is back within a second or two, what is down is the workers' business.
backoff = wait_random_exponential(multiplier=0.2, max=2)


class NotKnownError(ProviderRefusedError):
    """SHKeeper has no such thing in its books."""


class _FailedError(ProviderUnavailableError):
    """How a try failed, before it is known whose trouble that is."""

    def __init__(self, failure: Failure, message: str) -> None:
        super().__init__(message)
        self.failure = failure
        self.may_pass = True
        """Whether another try, a moment later, may succeed."""


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
        `timeout_seconds` is how long a try may take as a whole, `pauses` are those between two."""
        base_url = f"{url.rstrip('/')}/api/v1/"
        self._timeout_seconds = timeout_seconds
        # Each coin has a few questions under way at most, so that no number of hanging coins takes all connections.
        self._http = neighbour(base_url)
        # A connection that was kept may have been closed by the other side, and then nobody knows what arrived.
        self._unkept = neighbour(base_url, keepalive_connections=0)
        self._api_keys = tuple(api_keys)
        self._pauses = pauses
        self._circuits = Circuits(clock, self._is_there)
        self.refuses_keys = False
        """Whether SHKeeper knew none of the keys when it was asked with them last."""

    async def aclose(self) -> None:
        await self._circuits.aclose()
        await self._http.aclose()
        await self._unkept.aclose()

    async def check(self) -> None:
        """Raises CircuitOpenError while SHKeeper is not asked. One coin's trouble is none of this."""
        self._circuits.check()

    def troubles(self) -> Mapping[str, str]:
        """The coins whose wallets failed last, each with the reason."""
        return self._circuits.troubles()

    async def ask(
        self,
        model: type[Answer],
        method: str,
        path: str,
        content: Mapping[str, Any] | None = None,
        *,
        coin: str | None = None,
        operator: httpx.Auth | None = None,
        limit_bytes: int = ANSWER_LIMIT_BYTES,
    ) -> Answer:
        """Asks what is harmless to repeat, with a key or in the operator's name, until there is an answer or it has
        failed a few times. `coin` is that whose wallet SHKeeper asks in turn. Raises ProviderError."""
        retrying = AsyncRetrying(
            stop=stop_after_attempt(TRIES),
            wait=self._pauses,
            retry=retry_if_exception(_may_pass),
            reraise=True,
        )
        request = self._http.build_request(method, path, json=content, extensions={ASKED: path})
        question = _Question(request, coin, limit_bytes)
        async with self._circuits.place(coin):
            put = self._circuits.admit(coin)
            try:
                if operator is not None:
                    return await retrying(self._try, model, question, operator)
                return await retrying(self._try_keys, model, question)
            except _FailedError as error:
                raise await self._blamed(error, coin, put) from None

    async def ask_once(self, path: str, content: object, operator: httpx.Auth) -> HttpAnswer:
        """Puts what must not be repeated, over a connection of its own. Raises NeighbourError."""
        request = self._unkept.build_request("POST", path, json=content, extensions={ASKED: path})
        return await self._put(self._unkept, request, operator, ANSWER_LIMIT_BYTES)

    async def _put(
        self, http: httpx.AsyncClient, request: httpx.Request, auth: httpx.Auth, limit_bytes: int
    ) -> HttpAnswer:
        return await ask(http, request, auth=auth, deadline_seconds=self._timeout_seconds, limit_bytes=limit_bytes)

    async def ask_for_known(self, model: type[Answer], path: str) -> Answer | None:
        """As `ask`, for what SHKeeper answers with 404 if it does not know it."""
        try:
            return await self.ask(model, "GET", path)
        except NotKnownError:
            return None

    async def _try_keys(self, model: type[Answer], question: "_Question") -> Answer:
        for number, key in enumerate(self._api_keys):
            try:
                answer = await self._try(model, question, _KeyAuth(key))
            except CredentialsRefusedError:
                if number == len(self._api_keys) - 1:
                    self.refuses_keys = True
                    raise
            else:
                self.refuses_keys = False
                # While a key is being changed two are configured; the one that works comes first from now on.
                self._api_keys = (key, *(other for other in self._api_keys if other != key))
                return answer
        raise CredentialsRefusedError("no key for SHKeeper is configured; set BRIDGE_SHKEEPER_API_KEYS")

    async def _try(self, model: type[Answer], question: "_Question", auth: httpx.Auth) -> Answer:
        try:
            answer = await self._answer(model, question, auth)
        except _FailedError as error:
            error.may_pass = self._circuits.fail(error.failure, question.coin, str(error))
            raise
        except (ProviderRefusedError, AnswerUnusableError):
            self._circuits.succeed(question.coin)  # it answers, whatever it says
            raise
        self._circuits.succeed(question.coin)
        return answer

    async def _answer(self, model: type[Answer], question: "_Question", auth: httpx.Auth) -> Answer:
        try:
            answer = await self._put(self._http, question.request, auth, question.limit_bytes)
        except NotReachedError as error:
            raise _FailedError(Failure.NOT_REACHED, f"SHKeeper was not reached ({error})") from None
        except TooLateError as error:
            raise _FailedError(Failure.TOO_SLOW, f"SHKeeper was too slow ({error})") from None
        except NeighbourError as error:
            raise _FailedError(Failure.BROKEN, f"no whole answer came from SHKeeper ({error})") from None
        return _read(model, answer, question)

    async def _blamed(self, error: _FailedError, coin: str | None, put: Put) -> ProviderUnavailableError:
        """The same error, once it is known whose trouble it is."""
        match await self._circuits.blame(error.failure, coin, put):
            case Blamed.QUESTION:
                return UnansweredError(str(error))
            case Blamed.COIN if (blamed := suspected_coin(error.failure, coin)) is not None and blamed != ALL_WALLETS:
                return CoinUnavailableError(blamed, f"{blamed}: {error}")
        return ProviderUnavailableError(str(error))

    async def _is_there(self, coin: str | None) -> bool:
        """Whether a coin's wallet or, without a coin, SHKeeper itself answers a question that is about no payment."""
        # A name of its own each time, so that no one place in the books decides.
        path = f"invoices/{UNKNOWN_ID}-{token_hex(4)}" if coin is None else f"{quote(coin)}/balance"
        request = self._unkept.build_request("GET", path, extensions={ASKED: path})
        auth = _KeyAuth(self._api_keys[0]) if self._api_keys else None
        deadline = min(HARMLESS_SECONDS, self._timeout_seconds)
        try:
            answer = await ask(
                self._unkept, request, auth=auth, deadline_seconds=deadline, limit_bytes=ANSWER_LIMIT_BYTES
            )
            if not answer.is_success:
                return coin is None and answer.status < 500
            content = read_object(answer.content)
        except (NeighbourError, UnreadableError):
            return False
        return coin is None or _is_well(content)

    async def accepts_key(self) -> bool | None:
        """Whether SHKeeper knows one of the keys; None if that cannot be told now."""
        said = [
            await self._accepts(f"invoices/{UNKNOWN_ID}", _KeyAuth(key), BAD_KEY_MESSAGES) for key in self._api_keys
        ]
        if True in said:
            self.refuses_keys = False
        return True if True in said else None if None in said else False

    async def accepts_operator(self, operator: httpx.Auth, coin: str) -> bool | None:
        """Whether SHKeeper knows the operator and the password; None if that cannot be told now."""
        return await self._accepts(f"{coin}/task/{UNKNOWN_ID}", operator, frozenset({BAD_PASSWORD_MESSAGE}))

    async def _accepts(self, path: str, auth: httpx.Auth, refusals: frozenset[str]) -> bool | None:
        """Asks once, whatever the circuits say, and whatever comes of it tells them nothing."""
        try:
            answer = await self._put(self._unkept, self._unkept.build_request("GET", path), auth, ANSWER_LIMIT_BYTES)
            if answer.status == 401 or leads_to_login(answer):
                return False
            content = read_object(answer.content)
        except (NeighbourError, UnreadableError):
            return None
        if reason_of(content).casefold() in refusals:
            return False
        # A coin whose wallet is down makes it a 500, which says nothing about a password.
        return True if answer.is_success and not is_error(content) else None


class _Question(NamedTuple):
    request: httpx.Request
    coin: str | None
    limit_bytes: int

    @property
    def parts_limit(self) -> int:
        return PARTS_LIMIT if self.limit_bytes <= ANSWER_LIMIT_BYTES else LIST_PARTS_LIMIT


class _KeyAuth(httpx.Auth):
    def __init__(self, key: str) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["X-Shkeeper-Api-Key"] = self._key
        yield request


def _may_pass(error: BaseException) -> bool:
    """Whether another try, a moment later, may succeed."""
    # After what took as long as that nobody waits as long again.
    waited = (Failure.TOO_SLOW, Failure.WALLET)
    return isinstance(error, _FailedError) and error.may_pass and error.failure not in waited


def _is_well(balance: Mapping[str, Any]) -> bool:
    """Whether a coin's balance is that of a wallet which is there: of one that is not SHKeeper makes 0."""
    status = balance.get("server_status")
    return not is_error(balance) and isinstance(status, str) and status.strip().casefold() == UP_TO_DATE


def _read(model: type[Answer], answer: HttpAnswer, question: _Question) -> Answer:
    """What the answer says. Raises ProviderError."""
    if answer.status == NOT_FOUND:
        raise NotKnownError("SHKeeper does not know this; or is shkeeper_url not the address of one?")
    if not answer.is_success and answer.status < 500:
        raise ProviderRefusedError(f"SHKeeper answered {answer.status}; is shkeeper_url the address of one?")
    failure = Failure.SERVER_ERROR if answer.status >= 500 else Failure.BROKEN
    try:
        content = read_object(answer.content, parts_limit=question.parts_limit)
    except UnreadableError as error:
        raise _FailedError(failure, f"SHKeeper's answer {error} (status {answer.status})") from None
    if is_error(content) or answer.status >= 500:
        raise _said_no(content, answer.status, question.coin)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise AnswerUnusableError(f"SHKeeper's answer is not as expected: {faults(error)}") from None


def _said_no(content: Mapping[str, Any], status: int, coin: str | None) -> ProviderRefusedError | _FailedError:
    """Its message alone: there is a traceback beside it at times, which is nobody's business."""
    reason = reason_of(content)
    if reason.casefold() in BAD_KEY_MESSAGES:
        return CredentialsRefusedError(BAD_KEY)
    if reason.casefold() == BAD_PASSWORD_MESSAGE:
        return CredentialsRefusedError(BAD_PASSWORD)
    trouble = trouble_of(reason)
    if trouble is not None:
        return _FailedError(Failure.WALLET, f"SHKeeper cannot use the coin's wallet: {trouble}")
    if status >= 500:
        return _FailedError(Failure.SERVER_ERROR, f"SHKeeper failed ({status}): {reason}")
    if is_passing(reason):
        return _FailedError(Failure.OWN, f"SHKeeper failed: {reason}")
    return ProviderRefusedError(f"SHKeeper says: {reason}", about=subject_of(reason))
