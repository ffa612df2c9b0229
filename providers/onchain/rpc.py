"""Asks the nodes of one chain: the best endpoint first, another when it fails, throttles, lags or lies.

Shows endpoints by their hosts only, since their URLs may hold keys.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential
from tenacity.wait import wait_base

from providers.contract import ProviderUnavailableError
from providers.onchain.bloom import may_contain
from providers.onchain.canonical import BlockId
from providers.onchain.chains import Chain, ChainsError
from providers.onchain.endpoints import Endpoint, Fault, after_answer, after_fault, choose, lags
from providers.onchain.node import FaultyError, Node, RefusedByNodeError, number_in
from providers.onchain.transfers import TRANSFER_TOPIC, MalformedError, topic_of

__all__ = ["ChainRpc", "ChainUnavailableError", "RefusedByNodeError"]

logger = logging.getLogger("bridge.onchain")

Answer = TypeVar("Answer")

TIMEOUT_SECONDS = 10.0
TRIES = 3
# How long the chain waits for an endpoint that shows what contracts send, before it goes on without.
TRACES_AWAITED_SECONDS = 60.0

backoff = wait_random_exponential(multiplier=0.2, max=2)


class ChainUnavailableError(ProviderUnavailableError):
    """No endpoint of the chain gives a good answer."""


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
        self._nodes = [Node(url, chain, timeout_seconds=timeout_seconds) for url in urls]
        self.endpoints = tuple(Endpoint(node.host) for node in self._nodes)
        self._without_traces: set[int] = set()
        """The endpoints that do not show what contracts send."""
        self._untraced_since: float | None = None

    async def start(self) -> None:
        """Asks every endpoint which chain it is of. Raises ChainsError if one is of another; one that does not answer
        is set aside, and asked when it does."""
        await asyncio.gather(*(self._ask(place, "eth_blockNumber") for place in range(len(self._nodes))))
        for endpoint in self.endpoints:
            if endpoint.last_fault is Fault.WRONG_CHAIN:
                raise ChainsError(
                    f"{endpoint.host}: {endpoint.last_reason}, not of {self._chain.name} ({self._chain.chain_id});"
                    " set its endpoints right"
                )

    async def aclose(self) -> None:
        for node in self._nodes:
            await node.aclose()

    async def head(self) -> int:
        """The number of the newest block, by the endpoint that is asked first. Raises ChainUnavailableError."""

        async def newest(place: int) -> int:
            number = number_in(await self._nodes[place].ask("eth_blockNumber"))
            self._replace(place, replace(self.endpoints[place], head=number))
            if lags(self.endpoints, place, self._clock()):
                raise FaultyError(Fault.LAGGING, f"it is at {number}")
            return number

        return await self._first_good(newest)

    async def look_around(self) -> int:
        """Asks all endpoints in good standing for their chain and their heads, so that one that lags or has changed
        sides is noticed. Returns the best head."""
        now = self._clock()
        places = [place for place, endpoint in enumerate(self.endpoints) if not endpoint.is_aside(now)]
        for place in places:
            self._nodes[place].doubt()
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
        return 0 if block is None else number_in(block["number"])

    async def block(self, number: int, *, with_transactions: bool = False) -> Mapping[str, Any]:
        """The block of that number, which must be there. Raises ChainUnavailableError."""

        async def there(place: int) -> Mapping[str, Any]:
            block = await self._nodes[place].ask("eth_getBlockByNumber", hex(number), with_transactions)
            if block is None:
                raise FaultyError(Fault.LAGGING, f"it has no block {number}")
            if not isinstance(block, dict) or number_in(block.get("number")) != number:
                raise FaultyError(Fault.INCONSISTENT, f"its block {number} is none")
            return block

        return await self._first_good(there)

    async def logs(
        self, block: BlockId, bloom: str, addresses: Sequence[str], recipients: Sequence[str] | None
    ) -> Any:
        """The Transfer logs of one block, all of its own. An empty answer is asked of another endpoint, if the bloom
        filter of the block allows for logs and there is one. Raises ChainUnavailableError."""
        question = {"blockHash": block.hash, **_filter(addresses, recipients)}

        async def consistent(place: int) -> tuple[int, list[Any]]:
            try:
                logs = await self._nodes[place].ask("eth_getLogs", question)
            except RefusedByNodeError as error:  # the logs of one block are not too many: it does not have the block
                raise FaultyError(Fault.LAGGING, str(error)) from None
            if not isinstance(logs, list) or any(log.get("blockHash") != block.hash for log in logs):
                raise FaultyError(Fault.INCONSISTENT, f"its logs of block {block.number} are of another")
            return place, logs

        asked, logs = await self._first_good(consistent)
        if logs or not _may_hold(bloom, addresses, recipients):
            return logs
        other = next((place for place in choose(self.endpoints, self._clock()) if place != asked), None)
        if other is None:
            return logs
        try:
            _, logs = await consistent(other)
        except FaultyError as error:
            self._set_aside(other, error.fault, str(error))
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
            logs = await self._nodes[place].ask("eth_getLogs", question)
            if not isinstance(logs, list):
                raise FaultyError(Fault.INCONSISTENT, "its logs are none")
            return place, logs

        first_place, logs = await self._first_good(asked)
        other = next((place for place in choose(self.endpoints, self._clock()) if place != first_place), None)
        if other is None or self.endpoints[other].is_aside(self._clock()):
            return logs
        try:
            _, others = await asked(other)
        except FaultyError as error:
            self._set_aside(other, error.fault, str(error))
        except RefusedByNodeError:
            pass  # its limits are narrower
        else:
            if _places(logs) != _places(others):
                raise RefusedByNodeError(0, f"two endpoints tell different logs of blocks {first} to {last}")
        return logs

    async def call(self, method: str, *parameters: Any) -> Any:
        """What a method answers. Raises ChainUnavailableError, and RefusedByNodeError."""
        return await self._first_good(lambda place: self._nodes[place].ask(method, *parameters))

    async def traces(self, block: BlockId) -> Sequence[tuple[str, Mapping[str, Any]]] | None:
        """The calls of each transaction of a block; None if no endpoint offers that. One that does is waited for when
        it is away, but not for long. Raises ChainUnavailableError, and MalformedError."""

        async def traced(place: int) -> Any:
            if place in self._without_traces:
                raise RefusedByNodeError(0, "it shows no traces")
            try:
                return await self._nodes[place].ask("debug_traceBlockByHash", block.hash, {"tracer": "callTracer"})
            except RefusedByNodeError as error:
                if error.is_for_good:
                    self._without_traces.add(place)
                raise

        none_before = len(self._without_traces) == len(self._nodes)
        try:
            traces = None if none_before else await self._first_good(traced)
        except RefusedByNodeError as error:
            if len(self._without_traces) < len(self._nodes):
                self._wait_for_traces(block, str(error))
            else:
                logger.warning("%s: no endpoint shows what contracts send on (%s)", self._chain.name, error)
            return None
        if traces is None:
            return None
        self._untraced_since = None
        try:
            return [(trace["txHash"], trace["result"]) for trace in traces]
        except (KeyError, TypeError):
            raise MalformedError("a trace is malformed") from None

    def _wait_for_traces(self, block: BlockId, reason: str) -> None:
        """Raises ChainUnavailableError until it has been waited for long enough."""
        now = self._clock()
        self._untraced_since = now if self._untraced_since is None else self._untraced_since
        if now < self._untraced_since + TRACES_AWAITED_SECONDS:
            raise ChainUnavailableError(
                f"{self._chain.name}: no endpoint shows at the moment what contracts send in block {block.number}"
            )
        logger.error(
            "%s: block %d is gone over without what contracts send in it, since no endpoint shows it (%s); name the"
            " transaction of a payment that is missed",
            self._chain.name,
            block.number,
            reason,
        )

    async def subscribed(self, wake: Callable[[], None]) -> None:
        """Calls `wake` at each new block that an endpoint with a WebSocket tells of; returns if there is none, or
        when its connection ends."""
        for place, node in enumerate(self._nodes):
            if node.is_websocket and not self.endpoints[place].is_aside(self._clock()):
                await node.heads(wake)

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
            except FaultyError as error:
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
            return await self._nodes[place].ask(method)
        except (FaultyError, RefusedByNodeError) as error:
            self._set_aside(place, getattr(error, "fault", Fault.UNREACHABLE), str(error))
            return None

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
        before, now = self.endpoints[place], self._clock()
        self._replace(place, after_fault(before, fault, reason, now))
        self._nodes[place].doubt()
        # While all are away each is asked again and again, and fails as before.
        is_news = not before.is_aside(now) or (before.last_fault, before.last_reason) != (fault, reason)
        level = logging.WARNING if is_news else logging.DEBUG
        logger.log(level, "%s: %s is set aside: %s (%s)", self._chain.name, before.host, fault, reason)

    def _replace(self, place: int, endpoint: Endpoint) -> None:
        self.endpoints = (*self.endpoints[:place], endpoint, *self.endpoints[place + 1 :])


def _filter(addresses: Sequence[str], recipients: Sequence[str] | None) -> dict[str, Any]:
    topics: list[Any] = [TRANSFER_TOPIC]
    if recipients is not None:
        topics += [None, [topic_of(recipient) for recipient in recipients]]
    return {"address": list(addresses), "topics": topics}


def _may_hold(bloom: str, addresses: Sequence[str], recipients: Sequence[str] | None) -> bool:
    """Whether a block with this bloom filter may hold transfers of these tokens to these recipients."""
    if not any(may_contain(bloom, address, TRANSFER_TOPIC) for address in addresses):
        return False
    return recipients is None or any(may_contain(bloom, topic_of(recipient)) for recipient in recipients)


def _places(logs: Sequence[Mapping[str, Any]]) -> set[tuple[Any, Any]]:
    return {(log.get("blockHash"), log.get("logIndex")) for log in logs}
