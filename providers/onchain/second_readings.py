"""Second readings: blocks are read once more when the first of them is final, best by another endpoint, since an
answer that left something out has shown nothing of it.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from providers.onchain.assigning import unrecorded
from providers.onchain.chains import Chain
from providers.onchain.following import Finality, Following, joined
from providers.onchain.payees import Payees
from providers.onchain.rpc import ChainRpc, ChainUnavailableError, RefusedByNodeError
from providers.onchain.scanning import Seen, see_again
from providers.onchain.second_words import SecondWords
from providers.onchain.steps import Step
from providers.onchain.store import Alarm
from providers.onchain.transfers import MalformedError
from providers.onchain.watchlist import Watchlist
from providers.onchain.witnesses import Witnesses

__all__ = ["SecondReadings"]

logger = logging.getLogger("bridge.onchain")

# So many blocks at once at most; fewer where an endpoint refuses so many.
READ_AGAIN_AT_ONCE = 16


@dataclass(slots=True)
class SecondReadings:
    """Reads blocks of one chain again, and takes up what was missed."""

    _chain: Chain
    _rpc: ChainRpc
    _watchlist: Watchlist
    _payees: Payees
    _words: SecondWords
    _witnesses: Witnesses
    _at_once: int = READ_AGAIN_AT_ONCE
    _is_contradicted: bool = False
    """Whether the last block that was compared was another one at another endpoint. It is said once, not of each."""

    async def read(self, following: Following, finality: Finality) -> Step | None:
        """Reads some blocks again; None if none is due, or none can be read now."""
        followed, first = following.next_number - 1, following.checked_number + 1
        if first > min(finality.safe(followed), followed):
            return None
        spared = (self._chain.required_confirmations or 0) // 2
        last = min(max(followed - spared, first), first + self._at_once - 1)
        step = Step(following)
        try:
            seen = await see_again(self._rpc, self._chain, first, last, self._watchlist)
            await self._take_missed(step, [one for one in seen if self._is_followed(following, one)], finality)
            await self._compare(step, min(finality.safe(followed), last))
        except RefusedByNodeError as error:
            self._at_once = max(1, self._at_once // 2)
            if last > first:
                return await self.read(following, finality)
            logger.warning("%s: block %d cannot be read again: %s", self._chain.name, first, error)
        except (ChainUnavailableError, MalformedError) as error:
            logger.info("%s: blocks %d to %d cannot be read again now: %s", self._chain.name, first, last, error)
            return None
        step.following = replace(step.following, checked_number=last)
        return step

    def _is_followed(self, following: Following, seen: Seen) -> bool:
        block = seen.transfer.block
        return following.canonical.hash_at(block.number) in (None, block.hash)

    async def _take_missed(self, step: Step, seen: Sequence[Seen], finality: Finality) -> None:
        """Takes up what was not told of the first time."""
        recorded = await self._payees.recorded(step, [one.transfer for one in seen])
        new = {one.transfer_id for one in unrecorded([one.transfer for one in seen], recorded)}
        # What was nobody's may only have been so by the time that one endpoint gave.
        times = {one.transfer_id: one.mined_at for one in recorded if one.subject is None}
        new |= {one.transfer.transfer_id for one in seen if _is_of_another_time(one, times)}
        missed = [one for one in seen if one.transfer.transfer_id in new]
        paying = await self._payees.assign(step, missed, is_again=True)
        for one in paying:
            logger.warning("%s: %s was left out at first", self._chain.name, one.transfer.tx_hash)
        if paying:
            heard = await self._words.before_final(step, paying, finality, step.following.next_number - 1)
            step.take(joined(step.following, paying, heard))

    async def _compare(self, step: Step, number: int) -> None:
        """Asks another endpoint what its block of that height is: as it is, so are all before it."""
        ours = step.following.canonical.hash_at(number)
        if ours is None or not len(self._watchlist):
            return
        theirs = await self._witnesses.other_block(number)
        if theirs is None:
            return
        (host, other), was_contradicted = theirs, self._is_contradicted
        self._is_contradicted = other != ours
        if self._is_contradicted and not was_contradicted:
            message = f"{ours} was followed, and {host} has {other}; money in it may be missed"
            logger.critical("%s: block %d: %s", self._chain.name, number, message)
            step.alarms.append(Alarm("contradicted", number, message))


def _is_of_another_time(seen: Seen, times: Mapping[str, datetime | None]) -> bool:
    return times.get(seen.transfer.transfer_id) not in (None, seen.mined_at)
