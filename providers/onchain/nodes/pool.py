"""Endpoint pools: the endpoints of one chain, asked one after the other until one answers well. One that fails,
throttles, lags or lies is set aside, and another one is asked.

Shows endpoints by their hosts only, since their URLs may hold keys.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential
from tenacity.wait import wait_base

from providers.errors import ProviderUnavailableError
from providers.onchain.chains import Chain, ChainsError
from providers.onchain.nodes.endpoints import Fault, NodeEndpoint, after_answer, after_fault, after_seconds, choose
from providers.onchain.nodes.node import FaultyError, Node, NotItsBlockError, RefusedByNodeError
from providers.onchain.nodes.unreadable_logs import UnreadableLogs

__all__ = ["ChainUnavailableError", "EndpointPool", "EndpointsDisagreeError"]

logger = logging.getLogger("bridge.onchain")

Answer = TypeVar("Answer")

TIMEOUT_SECONDS = 10.0
TRIES = 3

backoff = wait_random_exponential(multiplier=0.2, max=2)


class ChainUnavailableError(ProviderUnavailableError):
    """No endpoint of the chain gives a good answer."""


class EndpointsDisagreeError(ChainUnavailableError):
    """Endpoints show different chains, and nobody can tell which of them is right."""


class EndpointPool:
    """The endpoints of one chain. Open it with `start`, close it with `aclose`."""

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
        self.endpoints = tuple(NodeEndpoint(node.host) for node in self._nodes)
        self.unreadable_logs = UnreadableLogs(chain.name, clock)

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

    async def ask_at(self, place: int, method: str, *parameters: Any) -> Any:
        """What just this endpoint answers. Raises FaultyError, for which it is to be `suspend`, and
        RefusedByNodeError."""
        began_at = self._clock()
        answer = await self._nodes[place].ask(method, *parameters)
        self._took(place, began_at)
        return answer

    async def first_good(self, ask: Callable[[int], Awaitable[Answer]]) -> Answer:
        """The first good answer to what is asked of one place after the other, and of all of them again a few times.
        Raises ChainUnavailableError, and RefusedByNodeError if that is all there is."""
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
            faults = self.endpoints[place].faults_in_a_row
            began_at = self._clock()
            try:
                answer = await ask(place)
                self._took(place, began_at)
            except FaultyError as error:
                self._suspend(place, error.fault, str(error))
                reasons.append(f"{self.endpoints[place].host}: {error}")
            except NotItsBlockError as error:
                reasons.append(f"{self.endpoints[place].host}: {error}")
            except RefusedByNodeError as error:
                refusal = error
            else:
                if self.endpoints[place].faults_in_a_row == faults:  # nothing was wrong with it in the meantime
                    self._good(place)
                return answer
        if refusal is not None:
            raise refusal
        raise ChainUnavailableError(f"{self._chain.name}: no endpoint answers ({'; '.join(reasons)})")

    async def by_who_is_left(self, go: Callable[[], Awaitable[None]]) -> None:
        """Goes, and once more each time that this fails and sets somebody aside, while others are in good standing:
        next time whoever was set aside may be back, and tell the same. Raises ChainUnavailableError."""
        for tries_left in reversed(range(len(self.endpoints))):
            before = self.well()
            try:
                await go()
            except ChainUnavailableError as error:
                left = self.well()
                if not (tries_left and left and set(before) - set(left)):
                    raise
                logger.info("%s; the others are asked", error)
            else:
                return

    async def _ask(self, place: int, method: str) -> Any:
        """What one endpoint answers; None if it fails."""
        try:
            return await self.ask_at(place, method)
        except (FaultyError, RefusedByNodeError) as error:
            self._suspend(place, getattr(error, "fault", Fault.UNREACHABLE), str(error))
            return None

    def doubt(self) -> None:
        """Has every endpoint say anew of which chain it is, before it is asked anything else."""
        for node in self._nodes:
            node.doubt()

    def suspend(self, place: int, error: FaultyError) -> None:
        """Asks an endpoint nothing for a while, because something is wrong with it."""
        self._suspend(place, error.fault, str(error))

    def well(self) -> list[int]:
        """The endpoints in good standing, in the order in which they are asked."""
        now = self._clock()
        return [place for place in choose(self.endpoints, now) if not self.endpoints[place].is_suspended(now)]

    def everybody(self) -> list[int]:
        """All endpoints, those in good standing first."""
        well = self.well()
        return well + [place for place in range(len(self.endpoints)) if place not in well]

    @property
    def good_endpoints(self) -> int:
        """How many endpoints are in good standing."""
        now = self._clock()
        return sum(not endpoint.is_suspended(now) for endpoint in self.endpoints)

    def distrust(self, reason: str, place: int | None = None) -> None:
        """Sets an endpoint aside because its answers make no sense: that which is asked first, where it is not known
        whose they are."""
        first = choose(self.endpoints, self._clock())[0]
        self._suspend(first if place is None else place, Fault.INCONSISTENT, reason)

    def _took(self, place: int, began_at: float) -> None:
        self._replace(place, after_seconds(self.endpoints[place], self._clock() - began_at))

    def _good(self, place: int) -> None:
        self._replace(place, after_answer(self.endpoints[place]))

    def _suspend(self, place: int, fault: Fault, reason: str) -> None:
        before, now = self.endpoints[place], self._clock()
        self._replace(place, after_fault(before, fault, reason, now))
        self._nodes[place].doubt()
        # While all are away each is asked again and again, and fails as before.
        is_news = not before.is_suspended(now) or (before.last_fault, before.last_reason) != (fault, reason)
        level = logging.WARNING if is_news else logging.DEBUG
        logger.log(level, "%s: %s is suspended: %s (%s)", self._chain.name, before.host, fault, reason)

    def _replace(self, place: int, endpoint: NodeEndpoint) -> None:
        self.endpoints = (*self.endpoints[:place], endpoint, *self.endpoints[place + 1 :])
