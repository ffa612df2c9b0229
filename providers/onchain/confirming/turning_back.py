"""Turning back: what was followed and is not on the chain any more is taken back, and a person is called where it was
final.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from providers.onchain.blocks.canonical import BlockId
from providers.onchain.blocks.transfers import FAILED_STATUS
from providers.onchain.chains import Chain
from providers.onchain.matching.following import Finality, Following, begun_again, taken_back
from providers.onchain.nodes.rpc import ChainRpc
from providers.onchain.steps import Step
from providers.onchain.store import Alarm, ChainStore

__all__ = ["TurningBack"]

logger = logging.getLogger("bridge.onchain")

# A head below what was followed may be that of an endpoint that lags. For so many blocks' time it is waited for.
ROLLED_BACK_AFTER_BLOCKS = 10


@dataclass(slots=True)
class TurningBack:
    """Takes back what one chain does not have any more."""

    _chain: Chain
    _rpc: ChainRpc
    _store: ChainStore
    _clock: Callable[[], float]
    _below_since: float | None = None
    """Since when the head is below what was followed."""

    async def go_back(self, step: Step, head: int, depth: int) -> None:
        """Takes back the followed blocks that are not on the chain any more."""
        followed = step.following
        while (block := step.following.canonical.head) is not None:
            present = (await self._rpc.block(block.number))["hash"] if block.number <= head else None
            if present == block.hash:
                return
            logger.warning("%s: block %d is another now", self._chain.name, block.number)
            step.take(taken_back(step.following))
            if block.number <= followed.final_number:
                await self._begin_again(step, followed, block, depth)
                return

    async def below(self, following: Following, head: int, finality: Finality) -> Step | None:
        """Takes back what lies above a head that has sunk below it and stays there: an endpoint that lags shows the
        same for a while, and one that is stuck shows what is old. What was final is taken back only where but one
        endpoint ever showed it, and none of those that there are does. None if there is nothing to take back."""
        followed = following.canonical.head
        if followed is None or head >= followed.number:
            self._below_since = None
            return None
        now = self._clock()
        self._below_since = now if self._below_since is None else self._below_since
        if now < self._below_since + ROLLED_BACK_AFTER_BLOCKS * self._chain.block_seconds:
            return None
        if await self._rpc.look_around() > head:
            return None
        step = Step(following)
        is_lone = following.final_number > max(head, following.checked_number)
        if is_lone and len(self._rpc.well()) >= min(2, len(self._rpc.endpoints)):
            await self._begin_again(step, following, followed, finality.depth)
            return step
        while (block := step.following.canonical.head) is not None:
            if block.number <= max(head, step.following.final_number):
                break
            logger.warning("%s: block %d is not there any more", self._chain.name, block.number)
            step.take(taken_back(step.following))
        return step

    async def _begin_again(self, step: Step, followed: Following, block: BlockId, depth: int) -> None:
        """Writes down that a block vanished that was final, by whose word, and what it had completed; then looks at
        the chain again from far below."""
        while step.following.canonical.head is not None:
            step.take(taken_back(step.following))
        step.following = begun_again(step.following, block.number, depth)
        gone = []
        for subject, tx_hash in await self._store.final_since(self._chain.name, step.following.next_number):
            receipt = await self._rpc.call("eth_getTransactionReceipt", tx_hash)
            if receipt is None or receipt.get("status") == FAILED_STATUS:
                gone.append(f"{subject.id} ({tx_hash})")
        message = f"a reorganisation took back block {block.number}, which was final"
        is_lone = block.number > followed.checked_number
        if is_lone:
            message = (
                f"{block.hash} was followed by the word of one endpoint alone, as were all from"
                f" {followed.checked_number + 1} on, and is not on the chain"
            )
        lost = f"; not on the chain any more: {', '.join(gone)}" if gone else "; nothing that had completed is gone"
        kind: Literal["taken-back", "contradicted"] = "contradicted" if is_lone and not gone else "taken-back"
        step.alarms.append(Alarm(kind, block.number, message + lost))
        logger.critical("%s: block %d: %s", self._chain.name, block.number, message + lost)
