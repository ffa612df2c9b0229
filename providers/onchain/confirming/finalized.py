"""What a chain itself calls finalized: two endpoints are asked for it where money depends on it, and the lower answer
counts. It is a block, and no number: where another one was followed at its height, nothing more is final.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from providers.onchain.chains import Chain
from providers.onchain.matching.following import Finality, Following, due
from providers.onchain.nodes.headers import Header
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
    _believed: int = 0
    """The newest that counted."""
    _last: tuple[int, Finality] | None = None
    """What was final by the last answer, and at which head it was asked."""
    _waiting: _Waiting | None = None
    _elsewhere: str | None = None
    """What was called finalized last that is another block than was followed, and by whom."""
    _unsaid: str | None = None
    """Why nobody said what is finalized when that was asked last."""

    @property
    def waiting(self) -> str | None:
        """What is waited for, for a person to read."""
        if self._elsewhere is not None:
            return self._elsewhere
        if self._unsaid is not None:
            return f"no endpoint says what is finalized, and nothing more is final ({self._unsaid})"
        if self._waiting is None or self._waiting.is_over:
            return None
        return "money waits for a second endpoint to say what is finalized"

    async def finality(self, head: int, following: Following) -> Finality:
        """What is final now; nothing more than before while no endpoint says so. Raises ChainUnavailableError."""
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
        self._believed = min(self._believed, number - 1)

    async def _asked(self, head: int, following: Following) -> Finality:
        finality = await self._said(head, following)
        self._believed = max(finality.finalized, self._believed)
        return finality

    async def _said(self, head: int, following: Following) -> Finality:
        try:
            place, header = await self.rpc.finalized(head)
        except RefusedByNodeError as error:
            self._unsaid = str(error)
            return Finality(None, self._believed)
        self._unsaid, self._elsewhere = None, await self._unlike(place, header, following)
        if self._elsewhere is not None:
            return Finality(None, self._believed)
        number, self.made_at = header.number, header.made_at
        if len(self.rpc.endpoints) < 2 or number <= self._by_two:
            return Finality(None, number)
        if due(following.awaited, number) or number >= self._by_two + BLOCKS_BETWEEN:
            await self._ask_another(place, number, head, following)
        is_alone = self._waiting is not None and self._waiting.is_over
        return Finality(None, number if is_alone else self._by_two)

    async def _unlike(self, place: int, header: Header, following: Following) -> str | None:
        """What to say of it where another block was followed at its height, or is about to be; None if none was, as
        far as is known. Raises ChainUnavailableError."""
        followed = following.canonical.hash_at(header.number)
        if header.number >= following.next_number:
            shown = await self.rpc.block_if_there(header.number)
            followed = "none" if shown is None else shown.hash
        if followed in (None, header.hash):
            return None
        host = self.rpc.endpoints[place].host
        return f"{host} calls block {header.hash} finalized, and at its height, {header.number}, is {followed}"

    async def _ask_another(self, place: int, number: int, head: int, following: Following) -> None:
        try:
            place, other = await self.rpc.finalized(head, besides={place})
        except (RefusedByNodeError, ChainUnavailableError) as error:
            self._wait(number, str(error))
        else:
            self._waiting, self._elsewhere = None, await self._unlike(place, other, following)
            if self._elsewhere is not None:
                return
            self._by_two = max(self._by_two, min(number, other.number))

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
