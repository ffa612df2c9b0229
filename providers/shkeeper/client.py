"""SHKeeper's API: opening invoices and asking how they stand.

SHKeeper answers 200 with an error in the body; here that is an error. No key ever stands in one. Only what is
harmless to repeat is repeated: an invoice's identity is (external_id, callback_url, fiat), so asking again finds it.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import ValidationError
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from coordinator.invoices import InvoiceOpened, InvoiceWanted
from coordinator.money import Amount, format_amount
from providers.circuit import CircuitBreaker
from providers.contract import ProviderRefusedError, ProviderUnavailableError, Reading
from providers.shkeeper.lookups import InvoiceAnswer, readings
from providers.shkeeper.payment_uri import payment_uri
from providers.shkeeper.webhooks import PROVIDER
from providers.shkeeper.wire import Code, UnreadableError, Wire, faults, read_object

__all__ = ["Balance", "ShkeeperClient"]

logger = logging.getLogger("bridge.shkeeper")

Answer = TypeVar("Answer", bound=Wire)

TRIES = 3
# Long enough for a gateway that asks a wallet on another machine; a browser waits behind it.
TIMEOUT_SECONDS = 10.0
# What is there changes by an operator's hand, and SHKeeper itself keeps it for a minute.
COINS_SECONDS = 30.0
SHOWN_CHARACTERS = 300
BAD_KEY_MESSAGES = frozenset({"no api key", "bad api key"})

# Pauses between tries: what hiccups is back within a second or two, what is down is the reconciliation's business.
backoff = wait_random_exponential(multiplier=0.2, max=2)


class CircuitOpenError(ProviderUnavailableError):
    """SHKeeper failed so often that it is not asked for a while."""


class KeyRefusedError(ProviderRefusedError):
    """SHKeeper does not know the key."""


class CoinsAnswer(Wire):
    """`GET /crypto`."""

    crypto: tuple[Code, ...]


class PaymentRequestAnswer(Wire):
    """`POST /{crypto}/payment_request`."""

    amount: Amount
    wallet: str
    exchange_rate: Amount | None = None
    display_name: str | None = None


class Balance(Wire):
    """`GET /{crypto}/balance`: what the wallet of a coin holds."""

    amount_crypto: Amount
    amount_fiat: Amount | None = None
    server_status: str | None = None


class ShkeeperClient:
    """One SHKeeper. Safe to share; close it with `aclose`."""

    provider = PROVIDER

    def __init__(
        self,
        *,
        url: str,
        api_keys: Sequence[str],
        timeout_seconds: float = TIMEOUT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`url` is SHKeeper's, without `/api/v1`. Of several keys the first that it knows is used from then on."""
        self._http = httpx.AsyncClient(base_url=f"{url.rstrip('/')}/api/v1/", timeout=timeout_seconds)
        self._api_keys = tuple(api_keys)
        self._clock = clock
        self._circuit = CircuitBreaker(clock)
        self._coins: tuple[str, ...] = ()
        self._coins_at: float | None = None

    async def aclose(self) -> None:
        await self._http.aclose()

    async def check(self) -> None:
        if self._circuit.is_open:
            raise CircuitOpenError(f"SHKeeper is not asked for a while, after this: {self._circuit.reason}")

    async def coins(self) -> Sequence[str]:
        """What the operator has enabled, as of half a minute ago at most."""
        if self._coins_at is None or self._clock() > self._coins_at + COINS_SECONDS:
            answer = await self._ask(CoinsAnswer, "GET", "crypto")
            self._coins, self._coins_at = answer.crypto, self._clock()
        return self._coins

    async def open_invoice(self, wanted: InvoiceWanted) -> InvoiceOpened:
        request = {
            "external_id": wanted.external_id,
            "fiat": wanted.currency,
            "amount": format_amount(wanted.amount),
            "callback_url": wanted.callback_url,
        }
        answer = await self._ask(PaymentRequestAnswer, "POST", f"{quote(wanted.coin)}/payment_request", request)
        return InvoiceOpened(
            address=answer.wallet,
            coin_amount=answer.amount,
            exchange_rate=answer.exchange_rate,
            display_name=answer.display_name,
            payment_uri=payment_uri(wanted.coin, answer.wallet, answer.amount),
        )

    async def look_up(self, external_id: str) -> Sequence[Reading]:
        answer = await self._ask(InvoiceAnswer, "GET", f"invoices/{quote(external_id, safe='')}")
        return [reading for invoice in answer.invoices for reading in readings(invoice)]

    async def balance(self, coin: str) -> Balance:
        """What the wallet of a coin holds."""
        return await self._ask(Balance, "GET", f"{quote(coin)}/balance")

    async def _ask(
        self, model: type[Answer], method: str, path: str, content: Mapping[str, Any] | None = None
    ) -> Answer:
        """Asks until there is an answer or it has failed a few times."""
        retrying = AsyncRetrying(
            stop=stop_after_attempt(TRIES),
            wait=backoff,
            retry=retry_if_exception(_may_pass),
            reraise=True,
        )
        return await retrying(self._try_keys, model, method, path, content)

    async def _try_keys(
        self, model: type[Answer], method: str, path: str, content: Mapping[str, Any] | None
    ) -> Answer:
        for number, key in enumerate(self._api_keys):
            try:
                answer = await self._try(model, method, path, content, key)
            except KeyRefusedError:
                if number == len(self._api_keys) - 1:
                    raise
            else:
                # While a key is being changed two are configured; the one that works comes first from now on.
                self._api_keys = (key, *(other for other in self._api_keys if other != key))
                return answer
        raise ProviderRefusedError("no key for SHKeeper is configured; set BRIDGE_SHKEEPER_API_KEYS")

    async def _try(
        self, model: type[Answer], method: str, path: str, content: Mapping[str, Any] | None, key: str
    ) -> Answer:
        await self.check()
        try:
            response = await self._http.request(method, path, json=content, headers={"X-Shkeeper-Api-Key": key})
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


def _may_pass(error: BaseException) -> bool:
    """Whether another try, a moment later, may succeed."""
    return isinstance(error, ProviderUnavailableError) and not isinstance(error, CircuitOpenError)


def _read(model: type[Answer], response: httpx.Response) -> Answer:
    """The answer. Raises ProviderUnavailableError and ProviderRefusedError."""
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
