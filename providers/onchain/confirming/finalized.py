"""What a chain itself calls finalized: two endpoints are asked for it where money depends on it, and the lower answer
counts. It is a block, and no number: where another one was followed at its height, nothing more is final.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from providers.onchain.chains import Chain
from providers.onchain.confirming.votes import majority
from providers.onchain.confirming.witnesses import Witnesses
from providers.onchain.matching.following import due
from providers.onchain.matching.position import Finality, Following
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
# And anybody at all once the chain has grown by so many blocks; where money waits, by such a part of those that it
# waits for, if these are fewer. So one answer serves all blocks that become final meanwhile.
BLOCKS_BETWEEN_QUESTIONS = 8
SHARE_OF_THE_WAIT = 8


@dataclass(slots=True)
class _Waiting:
    """Since when no second endpoint has said it, and how often that was asked."""

    since: float
    tries: int = 0
    is_over: bool = False


@dataclass(slots=True)
class _Calls:
    """What endpoints call finalized, by their places."""

    numbers: dict[int, int] = field(default_factory=dict)
    against: dict[int, str] = field(default_factory=dict)
    """Those that call another block so than was followed, and what to say of it."""

    @property
    def highest(self) -> int:
        return max(self.numbers.values(), default=0)

    def by_enough(self, endpoints: int) -> int | None:
        """The newest that two call so, or more than half of all where one calls another block so; None if there are
        not so many."""
        needed = majority(endpoints) if self.against else min(2, endpoints)
        ordered = sorted(self.numbers.values(), reverse=True)
        return ordered[needed - 1] if len(ordered) >= needed else None


@dataclass(slots=True)
class Finalized:
    """Asks for it, and remembers what two have said."""

    chain: Chain
    rpc: ChainRpc
    witnesses: Witnesses
    clock: Callable[[], float]
    made_at: datetime | None = None
    """When the block was made that was called finalized last."""
    _by_one: int = 0
    """The newest that anybody called so last."""
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
        if self._last is not None and following.next_number > head - BLOCKS_BETWEEN_QUESTIONS:
            asked_at, finality = self._last
            if asked_at <= head < asked_at + self._pause_blocks(asked_at - finality.finalized, following):
                return finality
        finality = await self._asked(head, following)
        self._last = head, finality
        return finality

    def _pause_blocks(self, depth: int, following: Following) -> int:
        """After how many blocks it is asked again, where a block is final once it is so deep: none while money waits
        for an answer that nobody has given, or one endpoint alone."""
        if not following.awaited:
            return BLOCKS_BETWEEN_QUESTIONS
        is_by_one = len(self.rpc.endpoints) > 1 and self._by_one > self._by_two
        if self.waiting is not None or (is_by_one and due(following.awaited, self._by_one)):
            return 0
        return max(1, min(depth // SHARE_OF_THE_WAIT, BLOCKS_BETWEEN_QUESTIONS))

    def went_back(self, number: int) -> None:
        """After the chain is another one from this block on: whatever was called finalized of the other counts no
        more."""
        self._by_one, self._by_two = min(self._by_one, number - 1), min(self._by_two, number - 1)
        self._last = None
        self._believed = min(self._believed, number - 1)

    async def _asked(self, head: int, following: Following) -> Finality:
        finality = await self._said(head, following)
        self._believed = max(finality.finalized, self._believed)
        return finality

    async def _said(self, head: int, following: Following) -> Finality:
        calls, endpoints = _Calls(), len(self.rpc.endpoints)
        try:
            await self._take(calls, await self.rpc.finalized(head), following)
        except RefusedByNodeError as error:
            self._unsaid = str(error)
            return Finality(None, self._believed)
        self._unsaid, self._elsewhere = None, next(iter(calls.against.values()), None)
        if self._elsewhere is not None and endpoints < 3:
            return Finality(None, self._believed)
        number, awaited = calls.highest, following.awaited
        # Of three, one that calls too little finalized holds up nothing either.
        is_low = endpoints > 2 and (self._elsewhere is not None or (len(awaited) > 0 and not due(awaited, number)))
        if endpoints < 2 or (number <= self._by_two and not is_low):
            return Finality(None, number)
        if is_low or due(awaited, number) or number >= self._by_two + BLOCKS_BETWEEN:
            await self._ask_others(calls, head, following)
        is_alone = self._waiting is not None and self._waiting.is_over
        return Finality(None, number if is_alone else self._by_two)

    async def _take(self, calls: _Calls, called: tuple[int, Header], following: Following) -> None:
        place, header = called
        unlike = await self._unlike(place, header, following)
        if unlike is not None:
            calls.against[place] = unlike
            return
        calls.numbers[place] = header.number
        if header.number >= calls.highest:
            self._by_one, self.made_at = header.number, header.made_at
        self.witnesses.called_final[place] = header.id

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

    async def _ask_others(self, calls: _Calls, head: int, following: Following) -> None:
        """Asks another endpoint; of three or more, further ones as long as money waits for what one says alone."""
        endpoints, by_enough, reason = len(self.rpc.endpoints), None, ""
        while len(asked := {*calls.numbers, *calls.against}) < endpoints:
            try:
                await self._take(calls, await self.rpc.finalized(head, besides=asked), following)
            except (RefusedByNodeError, ChainUnavailableError) as error:
                reason = str(error)
                break
            by_enough = calls.by_enough(endpoints)
            if by_enough is not None and len(due(following.awaited, by_enough)) == len(
                due(following.awaited, calls.highest)
            ):
                break
        if by_enough is not None:
            for place, said in calls.against.items():
                self.rpc.distrust(said, place)
            self._waiting = self._elsewhere = None
            self._by_two = max(self._by_two, by_enough)
        elif calls.against:
            self._waiting, self._elsewhere = None, next(iter(calls.against.values()))
        else:
            self._wait(calls.highest, reason)

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
