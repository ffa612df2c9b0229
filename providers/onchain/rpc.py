"""Asks the nodes of one chain: the best endpoint first, another when it fails, throttles, lags or lies.

Shows endpoints by their hosts only, since their URLs may hold keys.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from prometheus_client import Counter
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential
from tenacity.wait import wait_base

from providers.contract import ProviderUnavailableError
from providers.onchain.bloom import may_contain
from providers.onchain.canonical import BlockId
from providers.onchain.chains import Chain, ChainsError, host_of
from providers.onchain.endpoints import Endpoint, Fault, after_answer, after_fault, choose, lags
from providers.onchain.http_provider import HttpProvider
from providers.onchain.transfers import TRANSFER_TOPIC, MalformedError, topic_of
from providers.onchain.web3_library import (
    AsyncWeb3,
    RPCEndpoint,
    Web3RPCError,
    WebSocketProvider,
)

__all__ = ["ChainRpc", "ChainUnavailableError", "RefusedByNodeError"]

logger = logging.getLogger("bridge.onchain")

Answer = TypeVar("Answer")

TIMEOUT_SECONDS = 10.0
TRIES = 3
# What nodes and their proxies answer to too many questions: JSON-RPC error codes, and HTTP statuses in the message.
THROTTLING_CODES = frozenset({-32005, -32029, 429})
SHOWN_CHARACTERS = 200
QUESTIONS = Counter("bridge_chain_questions", "Questions to the nodes of a chain", ["chain", "method"])

backoff = wait_random_exponential(multiplier=0.2, max=2)


class ChainUnavailableError(ProviderUnavailableError):
    """No endpoint of the chain gives a good answer."""


class RefusedByNodeError(Exception):
    """A node that is well does not answer this question, such as one for too many blocks."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class _FaultyError(Exception):
    def __init__(self, fault: Fault, reason: str) -> None:
        super().__init__(reason)
        self.fault = fault


class ChainRpc:
    """The nodes of one chain. Open it with `start`, close it with `aclose`."""

    def __init__(
        self,
        chain: Chain,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        pauses: wait_base = backoff,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._chain = chain
        self._timeout_seconds = timeout_seconds
        self._pauses = pauses
        self._clock = clock
        urls = [endpoint.get_secret_value() for endpoint in chain.endpoints]
        self._nodes = [_node(url, timeout_seconds) for url in urls]
        self._connecting = [asyncio.Lock() for _ in urls]
        self.endpoints = tuple(Endpoint(host_of(url)) for url in urls)
        self._traces: bool | None = None

    async def start(self) -> None:
        """Asks every endpoint which chain it is of. Raises ChainsError if one is of another; one that does not answer
        is set aside."""
        answers = await asyncio.gather(*(self._ask(place, "eth_chainId") for place in range(len(self._nodes))))
        for endpoint, answer in zip(self.endpoints, answers, strict=True):
            if isinstance(answer, str) and int(answer, 16) != self._chain.chain_id:
                raise ChainsError(
                    f"{endpoint.host} is a node of chain {int(answer, 16)}, not of {self._chain.name}"
                    f" ({self._chain.chain_id}); set its endpoints right"
                )

    async def aclose(self) -> None:
        for node in self._nodes:
            await node.provider.disconnect()

    async def head(self) -> int:
        """The number of the newest block, by the endpoint that is asked first. Raises ChainUnavailableError."""

        async def newest(place: int) -> int:
            number = _number(await self._question(place, "eth_blockNumber"))
            self._replace(place, replace(self.endpoints[place], head=number))
            if lags(self.endpoints, place, self._clock()):
                raise _FaultyError(Fault.LAGGING, f"it is at {number}")
            return number

        return await self._first_good(newest)

    async def look_around(self) -> int:
        """Asks all endpoints in good standing for their heads, so that one that lags is noticed. Returns the best."""
        now = self._clock()
        places = [place for place, endpoint in enumerate(self.endpoints) if not endpoint.is_aside(now)]
        answers = await asyncio.gather(*(self._ask(place, "eth_blockNumber") for place in places))
        told = {place: int(head, 16) for place, head in zip(places, answers, strict=True) if isinstance(head, str)}
        for place, head in told.items():
            self._replace(place, replace(self.endpoints[place], head=head))
        for place, head in told.items():
            if lags(self.endpoints, place, now):
                self._set_aside(place, Fault.LAGGING, f"it is at {head}")
        return max(told.values(), default=0)

    async def finalized(self) -> int:
        """The number of the newest block that the chain calls finalized. Raises ChainUnavailableError."""
        block = await self.call("eth_getBlockByNumber", "finalized", False)
        return 0 if block is None else _number(block["number"])

    async def block(self, number: int, *, with_transactions: bool = False) -> Mapping[str, Any]:
        """The block of that number, which must be there. Raises ChainUnavailableError."""

        async def there(place: int) -> Mapping[str, Any]:
            block = await self._question(place, "eth_getBlockByNumber", hex(number), with_transactions)
            if block is None:
                raise _FaultyError(Fault.LAGGING, f"it has no block {number}")
            if not isinstance(block, dict) or _number(block.get("number")) != number:
                raise _FaultyError(Fault.INCONSISTENT, f"its block {number} is none")
            return block

        return await self._first_good(there)

    async def logs(
        self, block: BlockId, bloom: str, addresses: Sequence[str], recipients: Sequence[str] | None
    ) -> Any:
        """The Transfer logs of one block, all of its own. An empty answer is asked of another endpoint, if the bloom
        filter of the block allows for logs and there is one. Raises ChainUnavailableError."""
        question = {"blockHash": block.hash, **_filter(addresses, recipients)}

        async def consistent(place: int) -> tuple[int, list[Any]]:
            logs = await self._question(place, "eth_getLogs", question)
            if not isinstance(logs, list) or any(log.get("blockHash") != block.hash for log in logs):
                raise _FaultyError(Fault.INCONSISTENT, f"its logs of block {block.number} are of another")
            return place, logs

        asked, logs = await self._first_good(consistent)
        if logs or not any(may_contain(bloom, address, TRANSFER_TOPIC) for address in addresses):
            return logs
        other = next((place for place in choose(self.endpoints, self._clock()) if place != asked), None)
        if other is None:
            return logs
        try:
            _, logs = await consistent(other)
        except (_FaultyError, RefusedByNodeError) as error:
            self._set_aside(other, getattr(error, "fault", Fault.UNREACHABLE), str(error))
            return []
        if logs:
            self._set_aside(asked, Fault.INCONSISTENT, f"it left out logs of block {block.number}")
        return logs

    async def logs_between(
        self, first: int, last: int, addresses: Sequence[str], recipients: Sequence[str] | None
    ) -> Any:
        """The Transfer logs of a range of blocks, of which two endpoints say the same, if there are two. Raises
        ChainUnavailableError, and RefusedByNodeError if the range is too large for the node, or they disagree."""
        question = {"fromBlock": hex(first), "toBlock": hex(last), **_filter(addresses, recipients)}

        async def asked(place: int) -> tuple[int, list[Any]]:
            logs = await self._question(place, "eth_getLogs", question)
            if not isinstance(logs, list):
                raise _FaultyError(Fault.INCONSISTENT, "its logs are none")
            return place, logs

        first_place, logs = await self._first_good(asked)
        other = next((place for place in choose(self.endpoints, self._clock()) if place != first_place), None)
        if other is None or self.endpoints[other].is_aside(self._clock()):
            return logs
        try:
            _, others = await asked(other)
        except _FaultyError as error:
            self._set_aside(other, error.fault, str(error))
        except RefusedByNodeError:
            pass  # its limits are narrower
        else:
            if _places(logs) != _places(others):
                raise RefusedByNodeError(0, f"two endpoints tell different logs of blocks {first} to {last}")
        return logs

    async def call(self, method: str, *parameters: Any) -> Any:
        """What a method answers. Raises ChainUnavailableError, and RefusedByNodeError."""
        return await self._first_good(lambda place: self._question(place, method, *parameters))

    async def traces(self, block: BlockId) -> Sequence[tuple[str, Mapping[str, Any]]] | None:
        """The calls of each transaction of a block; None if no endpoint offers that. Raises ChainUnavailableError."""
        if self._traces is False:
            return None
        try:
            traces = await self.call("debug_traceBlockByHash", block.hash, {"tracer": "callTracer"})
        except RefusedByNodeError as error:
            logger.warning("%s: no endpoint shows what contracts send on (%s)", self._chain.name, error)
            self._traces = False
            return None
        return [(trace["txHash"], trace["result"]) for trace in traces]

    async def subscribed(self, wake: Callable[[], None]) -> None:
        """Calls `wake` at each new block that an endpoint with a WebSocket tells of; returns if there is none, or
        when its connection ends."""
        for place, node in enumerate(self._nodes):
            if not isinstance(node.provider, WebSocketProvider) or self.endpoints[place].is_aside(self._clock()):
                continue
            await self._question(place, "eth_blockNumber")  # connects
            await node.eth.subscribe("newHeads")
            async for _ in node.socket.process_subscriptions():
                wake()

    async def _first_good(self, ask: Callable[[int], Awaitable[Answer]]) -> Answer:
        """The first good answer. Each endpoint in turn, and all of them again a few times."""
        retrying = AsyncRetrying(
            stop=stop_after_attempt(TRIES),
            wait=self._pauses,
            retry=retry_if_exception_type(ChainUnavailableError),
            reraise=True,
        )
        return await retrying(self._round, ask)

    async def _round(self, ask: Callable[[int], Awaitable[Answer]]) -> Answer:
        reasons = []
        refusal = None
        for place in choose(self.endpoints, self._clock()):
            try:
                answer = await ask(place)
            except _FaultyError as error:
                self._set_aside(place, error.fault, str(error))
                reasons.append(f"{self.endpoints[place].host}: {error}")
            except RefusedByNodeError as error:
                refusal = error
            else:
                self._good(place)
                return answer
        if refusal is not None:
            raise refusal
        raise ChainUnavailableError(f"{self._chain.name}: no endpoint answers ({'; '.join(reasons)})")

    async def _ask(self, place: int, method: str) -> Any:
        """As `_question`; None if it fails."""
        try:
            return await self._question(place, method)
        except (_FaultyError, RefusedByNodeError) as error:
            self._set_aside(place, getattr(error, "fault", Fault.UNREACHABLE), str(error))
            return None

    async def _question(self, place: int, method: str, *parameters: Any) -> Any:
        node = self._nodes[place]
        QUESTIONS.labels(self._chain.name, method).inc()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                if isinstance(node.provider, WebSocketProvider):
                    async with self._connecting[place]:
                        if not await node.provider.is_connected():
                            await node.provider.connect()
                return await node.manager.coro_request(RPCEndpoint(method), list(parameters))
        except Web3RPCError as error:
            raise _refusal(error) from None
        except (OSError, TimeoutError, ValueError, MalformedError) as error:
            raise _FaultyError(Fault.UNREACHABLE, type(error).__name__) from None
        except Exception as error:
            # The libraries below have errors of their own for each transport, and their texts repeat the URL.
            fault = Fault.THROTTLED if getattr(error, "status", None) == 429 else Fault.UNREACHABLE
            raise _FaultyError(fault, type(error).__name__) from None

    @property
    def good_endpoints(self) -> int:
        """How many endpoints are in good standing."""
        now = self._clock()
        return sum(not endpoint.is_aside(now) for endpoint in self.endpoints)

    def distrust(self, reason: str) -> None:
        """Sets the endpoint aside that is asked first, because its answers make no sense."""
        self._set_aside(choose(self.endpoints, self._clock())[0], Fault.INCONSISTENT, reason)

    def _good(self, place: int) -> None:
        self._replace(place, after_answer(self.endpoints[place]))

    def _set_aside(self, place: int, fault: Fault, reason: str) -> None:
        endpoint = after_fault(self.endpoints[place], fault, self._clock())
        self._replace(place, endpoint)
        logger.warning("%s: %s is set aside: %s (%s)", self._chain.name, endpoint.host, fault, reason)

    def _replace(self, place: int, endpoint: Endpoint) -> None:
        self.endpoints = (*self.endpoints[:place], endpoint, *self.endpoints[place + 1 :])


def _node(url: str, timeout_seconds: float) -> "AsyncWeb3[Any]":
    # Without middleware the answers are the nodes' own, in hexadecimal: all that is needed, at the least cost.
    if url.startswith("ws"):
        return AsyncWeb3(WebSocketProvider(url, request_timeout=timeout_seconds), middleware=[])
    return AsyncWeb3(HttpProvider(url, timeout_seconds=timeout_seconds), middleware=[])


def _filter(addresses: Sequence[str], recipients: Sequence[str] | None) -> dict[str, Any]:
    topics: list[Any] = [TRANSFER_TOPIC]
    if recipients is not None:
        topics += [None, [topic_of(recipient) for recipient in recipients]]
    return {"address": list(addresses), "topics": topics}


def _places(logs: Sequence[Mapping[str, Any]]) -> set[tuple[Any, Any]]:
    return {(log.get("blockHash"), log.get("logIndex")) for log in logs}


def _number(value: Any) -> int:
    try:
        return int(value, 16)
    except (TypeError, ValueError):
        raise _FaultyError(Fault.INCONSISTENT, "a number is none") from None


def _refusal(error: Web3RPCError) -> Exception:
    said: Any = (error.rpc_response or {}).get("error", {})
    code, message = (said.get("code"), said.get("message")) if isinstance(said, dict) else (0, said)
    if code in THROTTLING_CODES:
        return _FaultyError(Fault.THROTTLED, "too many questions")
    return RefusedByNodeError(code if isinstance(code, int) else 0, str(message)[:SHOWN_CHARACTERS])
