"""What a chain itself calls finalized: two endpoints are asked for it where money depends on it, and the lower answer
counts.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from providers.onchain.chains import Chain
from providers.onchain.matching.following import Finality, Following, due
from providers.onchain.nodes.rpc import ChainRpc, ChainUnavailableError, RefusedByNodeError

__all__ = ["FINALIZED_AWAITED_SECONDS", "Finalized"]

logger = logging.getLogger("bridge.onchain")

# How long money waits while no second endpoint says what is finalized, before it counts by the word of one.
FINALIZED_AWAITED_SECONDS = 60.0
# That word is not taken after fewer tries than this, however long they took.
TRIES = 3
# Without money, two are asked once so many more blocks are called finalized.
BLOCKS_BETWEEN = 32
# And anybody at all once the chain has grown by so many blocks.
BLOCKS_BETWEEN_QUESTIONS = 8


@dataclass(slots=True)
class _Waiting:
    """Since when no second endpoint has said it, and how often that was asked."""

    since: float
    tries: int = 0
    is_over: bool = False


@dataclass(slots=True)
class Finalized:
    """Asks for it, and remembers what two have said."""

    chain: Chain
    rpc: ChainRpc
    clock: Callable[[], float]
    made_at: datetime | None = None
    """When the block was made that was called finalized last."""
    _by_two: int = 0
    _last: tuple[int, Finality] | None = None
    """What was final by the last answer, and at which head it was asked."""
    _waiting: _Waiting | None = None

    @property
    def waiting(self) -> str | None:
        """What is waited for, for a person to read."""
        if self._waiting is None or self._waiting.is_over:
            return None
        return "money waits for a second endpoint to say what is finalized"

    async def finality(self, head: int, following: Following) -> Finality:
        """What is final now. Raises ChainUnavailableError, and RefusedByNodeError."""
        if (
            self._last is not None
            and not following.awaited
            and following.next_number > head - BLOCKS_BETWEEN_QUESTIONS
        ):
            asked_at, finality = self._last
            if asked_at <= head < asked_at + BLOCKS_BETWEEN_QUESTIONS:
                return finality
        finality = await self._asked(head, following)
        self._last = head, finality
        return finality

    def went_back(self, number: int) -> None:
        """After the chain is another one from this block on: whatever was called finalized of the other counts no
        more."""
        self._by_two, self._last = min(self._by_two, number - 1), None

    async def _asked(self, head: int, following: Following) -> Finality:
        place, header = await self.rpc.finalized(head)
        number, self.made_at = (0, None) if header is None else (header.number, header.made_at)
        if len(self.rpc.endpoints) < 2 or number <= self._by_two:
            return Finality(None, number)
        if due(following.awaited, number) or number >= self._by_two + BLOCKS_BETWEEN:
            await self._ask_another(place, number, head)
        is_alone = self._waiting is not None and self._waiting.is_over
        return Finality(None, number if is_alone else self._by_two)

    async def _ask_another(self, place: int, number: int, head: int) -> None:
        try:
            _, other = await self.rpc.finalized(head, besides={place})
        except (RefusedByNodeError, ChainUnavailableError) as error:
            self._wait(number, str(error))
        else:
            self._waiting = None
            self._by_two = max(self._by_two, min(number, 0 if other is None else other.number))

    def _wait(self, number: int, reason: str) -> None:
        now = self.clock()
        waiting = self._waiting = self._waiting or _Waiting(now)
        waiting.tries += 1
        if waiting.is_over or now < waiting.since + FINALIZED_AWAITED_SECONDS or waiting.tries < TRIES:
            return
        waiting.is_over = True
        logger.error(
            "%s: block %d is finalized by the word of one endpoint, since no other one says what is (%s)",
            self.chain.name,
            number,
            reason,
        )
