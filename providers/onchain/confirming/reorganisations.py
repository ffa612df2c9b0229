"""Reorganisations: what was followed and is not on the chain any more is taken back, and a person is called where it
was final. Then the chain that is there is followed, from the last block that both have."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal

from providers.onchain.blocks.canonical import BlockId
from providers.onchain.blocks.transfers import FAILED_STATUS
from providers.onchain.chains import Chain
from providers.onchain.confirming.finality_reversal import ReversalVerdict, judge_finality_reversal
from providers.onchain.confirming.witnesses import Witnesses
from providers.onchain.matching.following import begun_again, lowered, parted, taken_back
from providers.onchain.matching.position import Finality, Following
from providers.onchain.nodes.headers import Header
from providers.onchain.nodes.rpc import ChainRpc, ChainUnavailableError
from providers.onchain.steps import Step
from providers.onchain.store import Alarm, ChainStore

__all__ = ["Reorganisations"]

logger = logging.getLogger("bridge.onchain")

# A head below what was followed may be that of an endpoint that lags. For so many blocks' time it is waited for.
ROLLED_BACK_AFTER_BLOCKS = 10
# One below what was final is followed once it has gone on there for so long: of several backends behind one endpoint,
# one that is behind is noticed by then. Twice as long while a second endpoint does not answer.
BELOW_FINAL_SECONDS = 60.0
# How long the word of one endpoint waits for another's, that a block which was final is another now.
DOUBTED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Low:
    """A head that lies below what was followed, when it was shown first."""

    since: float
    block: BlockId


@dataclass(slots=True)
class Reorganisations:
    """Takes back what one chain does not have any more."""

    _chain: Chain
    _rpc: ChainRpc
    _store: ChainStore
    _witnesses: Witnesses
    _earliest: Callable[[], Awaitable[int]]
    """The block from which on anything may be that somebody waits for."""
    _clock: Callable[[], float]
    waiting: str | None = None
    """What is not certain of a head below what was followed, for a person to read."""
    _low: _Low | None = None
    _doubted: tuple[BlockId, float] | None = None
    """A block that was final, and since when one endpoint alone says that it is another now."""

    async def go_back(self, step: Step, head: int, depth: int) -> str | None:
        """Takes back the followed blocks that are not on the chain any more. Returns why it does not, where one was
        final and it is not certain that it is gone."""
        self._rpc.doubt()  # nothing goes back where an endpoint is of another chain by now
        followed, vanished = step.following, []
        for block in reversed(followed.canonical.blocks):
            present = (await self._rpc.block(block.number))["hash"] if block.number <= head else None
            if present == block.hash:
                break
            if block.number <= followed.final_number:
                verdict, said = await self._judge(step, block)
                if verdict is not ReversalVerdict.GONE:
                    return said or f"it is told in two ways whether block {block.number} is {block.hash}"
                await self._part(
                    step, block, head, depth, f"a reorganisation took back block {block.number}, which was final"
                )
                return None
            vanished.append(block)
        for block in vanished:
            logger.warning("%s: block %d is another now", self._chain.name, block.number)
            step.take(taken_back(step.following))
        if step.following.canonical.head is None:  # how far it goes back is not known, and nothing of it was final
            step.following = lowered(step.following, await self._earliest())
        return None

    async def below(self, following: Following, head: Header, finality: Finality) -> Step | None:
        """Takes back what lies above a head that has sunk below it and stays there: an endpoint that lags shows the
        same for a while, and one that is stuck shows what is old. What was final is taken back where another block is
        at the height of one that is remembered, where the head goes on below it for long, and where but one endpoint
        ever showed it, and none of those that there are does. None if there is nothing to say or to take back."""
        newest, self.waiting = following.next_number - 1, None
        if head.number >= newest:
            self._low = None
            return None
        step, final, now = Step(following), following.final_number, self._clock()
        low = self._low = self._low or _Low(now, head.id)
        # Where the head is below this, no step back leads there.
        lowest = following.canonical.blocks[0].number if following.canonical.blocks else newest + 1
        floor = max(final, lowest - 1)
        known = following.known_up_to(head.number) if head.number <= floor else None
        if known is not None and known != head.id:
            self._rpc.doubt()
            verdict, self.waiting = await self._judge(step, known)
            if verdict is ReversalVerdict.GONE:
                said = f"block {known.number}, which was final, is another now, and {head.number} is the newest"
                return await self._part(step, known, head.number, finality.depth, said)
        patience = ROLLED_BACK_AFTER_BLOCKS * self._chain.block_seconds
        if now < low.since + patience or await self._rpc.read_heads() > head.number:
            return step if step.has_news else None
        is_all = len(self._rpc.well()) >= min(2, len(self._rpc.endpoints))
        gone = following.canonical.head or BlockId(number=newest, hash="")
        if following.checked_number <= head.number < final and is_all:
            return await self._part(step, gone, head.number, finality.depth, f"block {newest} vanished")
        if head.number < floor:
            said = f"the newest block is {head.number}, below {newest}, up to which it was followed"
            self.waiting = self.waiting or f"{said}: its endpoints are behind, or the chain went back"
            is_over = now >= low.since + max(patience, BELOW_FINAL_SECONDS) * (1 if is_all else 2)
            if is_over and head.id != low.block:
                return await self._part(step, following.known_up_to(final) or gone, head.number, finality.depth, said)
        while (block := step.following.canonical.head) is not None and block.number > max(head.number, final):
            logger.warning("%s: block %d is not there any more", self._chain.name, block.number)
            step.take(taken_back(step.following))
        return step if step.has_news else None

    async def _judge(self, step: Step, block: BlockId) -> tuple[ReversalVerdict, str | None]:
        """Asks all endpoints for a block that was final, and doubts those that have another one as long as somebody
        has it. Returns what keeps it from being certain, for a person to read."""
        shown = await self._witnesses.shown_at(block.number)
        parting = judge_finality_reversal(block.hash, shown, len(self._rpc.endpoints))
        others, keepers = self._hosts(parting.others), self._hosts(parting.keepers)
        verdict, said = parting.verdict, None
        if verdict is ReversalVerdict.THERE and others:
            said = f"{others} shows another block {block.number} than {block.hash}, which was final and {keepers} has"
            for place in parting.others:
                self._rpc.distrust(said, place)
            if step.following.contradicted_number is None:  # it is said once
                step.following = replace(step.following, contradicted_number=block.number)
                step.alarms.append(Alarm("contradicted", block.number, f"{said}; money at {others} is not seen"))
                logger.critical("%s: %s", self._chain.name, said)
        if verdict is ReversalVerdict.DOUBTED:
            said = f"{others} shows another block {block.number} than {block.hash}, which was final; no other answers"
            if self._doubted is None or self._doubted[0] != block:
                self._doubted = block, self._clock()
                logger.critical("%s: %s", self._chain.name, said)
            if self._clock() >= self._doubted[1] + DOUBTED_SECONDS:
                verdict = ReversalVerdict.GONE
        return verdict, said

    def _hosts(self, places: tuple[int, ...]) -> str:
        return " and ".join(self._rpc.endpoints[place].host for place in places)

    async def _part(self, step: Step, gone: BlockId, head: int, depth: int, said: str) -> Step:
        """Writes down that a block vanished that was final, by whose word, and what it had completed; then follows
        the chain from the last block that both have."""
        await self._rpc.read_heads()  # what endpoints have shown before counts no more
        followed = step.following
        common = await self._common(followed, gone.number)
        if common is not None:
            step.take(parted(followed, common))
            where = f"it is followed anew from {common.number + 1} on, above the last known block that is there still"
        else:
            while step.following.canonical.head is not None:
                step.take(taken_back(step.following))
            step.following = begun_again(step.following, gone.number, depth, await self._earliest())
            where = (
                f"no block is known that is there still, and it is followed anew from {step.following.next_number} on"
            )
        lost = []
        for subject, tx_hash in await self._store.final_since(self._chain.name, step.following.next_number):
            receipt = await self._rpc.call("eth_getTransactionReceipt", tx_hash)
            if receipt is None or receipt.get("status") == FAILED_STATUS:
                lost.append(f"{subject.id} ({tx_hash})")
        by_two = followed.checked_number  # what lies above was read by one
        is_lone = min(gone.number, followed.final_number) > by_two and by_two <= head
        if is_lone and common is not None:
            is_lone = not any(common.number < one.number <= by_two for one in followed.known)
        if is_lone:
            said = (
                f"{gone.hash} was followed by the word of one endpoint alone, as were all from"
                f" {by_two + 1} on, and is not on the chain"
            )
        outcome = f"not on the chain any more: {', '.join(lost)}" if lost else "nothing that had completed is gone"
        kind: Literal["taken-back", "contradicted"] = "contradicted" if is_lone and not lost else "taken-back"
        message = f"{said}; {where}; {outcome}"
        step.alarms.append(Alarm(kind, gone.number, message))
        logger.critical("%s: block %d: %s", self._chain.name, gone.number, message)
        self._low = self._doubted = self.waiting = None
        return step

    async def _common(self, following: Following, above: int) -> BlockId | None:
        """The highest block below this one that is known and still there, by all who have a block there."""
        known = [one for one in following.known if one.number < above]
        low, high = 0, len(known)
        while low < high:
            middle = (low + high) // 2
            if await self._is_there(known[middle]):
                low = middle + 1
            else:
                high = middle
        return known[low - 1] if low else None

    async def _is_there(self, block: BlockId) -> bool:
        """Whether somebody has this block, and nobody another one. Raises ChainUnavailableError."""
        shown = await self._witnesses.shown_at(block.number)
        if not shown:
            raise ChainUnavailableError(f"{self._chain.name}: no endpoint shows how far the chain went back")
        said = set(shown.values()) - {None}
        return said == {block.hash}
