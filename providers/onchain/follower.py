"""Follows one chain: block by block at its head, in long ranges when there is much to catch up with, and back where
it is reorganised. Each step is committed before the next, so a crash loses nothing and repeats nothing that counts.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from coordinator.observations import Stage
from providers.onchain.canonical import BlockId, judge
from providers.onchain.chains import Chain
from providers.onchain.claim_rounds import ClaimRounds, News, nothing_of
from providers.onchain.claims import Verdict
from providers.onchain.following import (
    Finality,
    Following,
    Paying,
    Sighted,
    Told,
    joined,
    leapt,
    sighted,
    taken_back,
    went_on,
)
from providers.onchain.matching import Subject, Watched, is_older, match
from providers.onchain.ranges import BlockRange
from providers.onchain.rpc import ChainRpc, ChainUnavailableError, RefusedByNodeError
from providers.onchain.scanning import Seen, see_block, see_range
from providers.onchain.store import Alarm, Assigned, ChainStep, ChainStore, TransferKey, key_of
from providers.onchain.transfers import MalformedError
from providers.onchain.watchlist import Watchlist

__all__ = ["ChainFollower"]

logger = logging.getLogger("bridge.onchain")

# Blocks that are read at the same time when there are several to catch up with; what they show is one step.
BLOCKS_AT_ONCE = 16
# With fewer blocks to catch up with than this, beyond those that are not final, they are read one by one.
RANGE_WORTH_BLOCKS = 32
# How much deeper it is looked again when what was final is gone.
LOOKED_AGAIN_DEPTHS = 10
# How often all endpoints are asked how far they are, so that one that lags is noticed.
ROUNDS_BETWEEN_COMPARISONS = 8
CLAIMS_FORGOTTEN_AFTER_DEPTHS = 4


@dataclass(slots=True)
class _Step:
    """What is committed next."""

    following: Following
    told: dict[tuple[Subject, str], Sighted] = field(default_factory=dict)
    transfers: dict[TransferKey, Assigned] = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)

    def take(self, told: Told) -> None:
        self.following, sightings = told
        # Of several sightings of one transfer the last is enough.
        self.told |= {(one.subject, one.sighting.transfer.transfer_id): one for one in sightings}

    def finished(self) -> ChainStep:
        return ChainStep(
            self.following, tuple(self.told.values()), tuple(self.transfers.values()), tuple(self.alarms)
        )


class ChainFollower:
    """Follows one chain for whoever waits on it. `round` goes as far as the chain goes at this moment."""

    def __init__(self, chain: Chain, rpc: ChainRpc, store: ChainStore) -> None:
        self.chain = chain
        self.head = 0
        """The newest block that a node has told of."""
        self._rpc = rpc
        self._store = store
        self._following: Following | None = None
        self._span = BlockRange()
        self._rounds = 0
        self._added: dict[Subject, Watched] = {}
        """Who came since everybody was read last."""
        self._watchlist = Watchlist(chain)
        forgotten = CLAIMS_FORGOTTEN_AFTER_DEPTHS * Finality(chain.required_confirmations).depth
        self._claims = ClaimRounds(rpc, chain, forgotten)

    @property
    def blocks_behind(self) -> int | None:
        """How many blocks are still to be followed; None before the first round."""
        following = self._following
        return None if following is None else max(self.head + 1 - following.next_number, 0)

    @property
    def watched(self) -> int:
        """How many payments and payouts are waited for."""
        return len(self._watchlist)

    def watch(self, watched: Watched) -> None:
        """Takes up somebody who waits, or what is newly claimed for them."""
        self._watchlist.add(watched)
        self._added[watched.subject] = watched
        self._claims.add(watched, self.head)

    async def refresh(self) -> None:
        """Reads anew who waits."""
        self._added = {}
        everybody = [*await self._store.watched(self.chain.name), *self._added.values()]
        self._watchlist.replace(everybody)
        self._claims.keep(everybody)
        for watched in everybody:
            self._claims.add(watched, self.head)

    async def round(self) -> None:
        """Follows the chain to its head, and looks into what is claimed. Raises ChainUnavailableError; what was
        followed by then is committed."""
        try:
            if self._rounds % ROUNDS_BETWEEN_COMPARISONS == 0:
                await self._rpc.look_around()
            self._rounds += 1
            self.head = await self._rpc.head()
            finality = await self._finality()
            if self._following is None:
                self._following = await self._store.following(self.chain.name) or Following(self.head)
                await self.refresh()
            for payout in await self._store.unsettled_payouts(self.chain.name):
                self.watch(payout)
            while self._following.next_number <= self.head:
                await self._advance(self._following, finality)
            await self._look_into_claims(finality)
        except MalformedError as error:
            self._rpc.distrust(str(error))
            raise ChainUnavailableError(f"{self.chain.name}: {error}") from None
        except RefusedByNodeError as error:
            raise ChainUnavailableError(f"{self.chain.name}: no endpoint answers a question: {error}") from None

    async def _finality(self) -> Finality:
        confirmations = self.chain.required_confirmations
        return Finality(confirmations, 0 if confirmations is not None else await self._rpc.finalized())

    async def _advance(self, following: Following, finality: Finality) -> None:
        step = _Step(following)
        safe = min(finality.safe(self.head), self.head)
        is_far = safe - following.next_number >= RANGE_WORTH_BLOCKS
        if is_far and not following.awaited and not self._watchlist.wants_own_coin:
            await self._leap(step, finality, safe)
        else:
            last = min(following.next_number + BLOCKS_AT_ONCE - 1, self.head)
            await self._go_on(step, finality, range(following.next_number, last + 1))
        await self._commit(step)

    async def _commit(self, step: _Step) -> None:
        await self._store.record(self.chain.name, step.finished())
        self._following = step.following
        for one in step.told.values():
            watched = self._watchlist.get(one.subject)
            if one.sighting.stage is Stage.REORGANISED and watched is not None:
                # It may come back, in another block or not at all.
                self._claims.reopen(watched, one.sighting.transfer.tx_hash, self.head)

    # Far behind the head

    async def _leap(self, step: _Step, finality: Finality, safe: int) -> None:
        """Follows a range of blocks that are all final, if it goes on where the followed ones end."""
        first = step.following.next_number
        last = min(first + self._span.size - 1, safe)
        try:
            if not await self._goes_on(step.following):
                await self._go_on(step, finality, range(first, first + 1))  # finds out how far back it is another
                return
            logs, found = await see_range(self._rpc, self.chain, first, last, self._watchlist)
        except (RefusedByNodeError, ChainUnavailableError) as error:
            logger.info("%s: blocks %d to %d cannot be had at once: %s", self.chain.name, first, last, error)
            if last == first:  # one block can be checked by its bloom filter
                await self._go_on(step, finality, range(first, first + 1))
            self._span = self._span.failed()
            return
        end = await self._rpc.block(last)
        self._span = self._span.succeeded(logs)
        paying = await self._assign(step, found)
        step.take(leapt(step.following, BlockId(number=last, hash=end["hash"]), paying, finality, self.head))

    async def _goes_on(self, following: Following) -> bool:
        head = following.canonical.head
        return head is None or (await self._rpc.block(head.number))["hash"] == head.hash

    # At the head

    async def _go_on(self, step: _Step, finality: Finality, numbers: range) -> None:
        blocks = await asyncio.gather(
            *(see_block(self._rpc, self.chain, number, self._watchlist) for number in numbers)
        )
        for seen in blocks:
            if judge(step.following.canonical, seen.block.number, seen.parent_hash).kind == "reorganised":
                await self._go_back(step, finality.depth)
                return  # the blocks after it were read for nothing
            paying = await self._assign(step, seen.transfers)
            step.take(went_on(step.following, seen.block, paying, finality))

    async def _go_back(self, step: _Step, depth: int) -> None:
        """Takes back the followed blocks that are not on the chain any more."""
        while (block := step.following.canonical.head) is not None:
            present = (await self._rpc.block(block.number))["hash"] if block.number <= self.head else None
            if present == block.hash:
                return
            logger.warning("%s: block %d is another now", self.chain.name, block.number)
            step.take(taken_back(step.following))
            if block.number <= step.following.final_number:
                await self._sound_the_alarm(step, depth, block.number)
                return

    async def _sound_the_alarm(self, step: _Step, depth: int, number: int) -> None:
        """Writes down that a block vanished that was final, and what it had completed; then looks at the chain again
        from far below."""
        while step.following.canonical.head is not None:
            step.take(taken_back(step.following))
        again = max(number - LOOKED_AGAIN_DEPTHS * depth, 0)
        step.following = Following(again, step.following.view)
        gone = []
        for subject, tx_hash in await self._store.final_since(self.chain.name, again):
            receipt = await self._rpc.call("eth_getTransactionReceipt", tx_hash)
            if receipt is None or receipt.get("status") == "0x0":
                gone.append(f"{subject.id} ({tx_hash})")
        message = f"a reorganisation took back block {number}, which was final"
        lost = f"; not on the chain any more: {', '.join(gone)}" if gone else "; nothing that had completed is gone"
        step.alarms.append(Alarm(number, message + lost))
        logger.critical("%s: %s", self.chain.name, message + lost)

    # Who is paid

    async def _assign(self, step: _Step, found: Sequence[Seen]) -> list[Paying]:
        """Finds out what transfers are for, and keeps what cannot be told for a person."""
        if not found:
            return []
        name = self.chain.name
        waiting = list(await self._store.waiting_at(name, sorted({seen.transfer.recipient for seen in found})))
        known = dict(await self._store.assigned(name, [seen.transfer for seen in found]))
        known |= {key: one.subject for key, one in step.transfers.items()}
        paying = []
        for seen in found:
            transfer = seen.transfer
            candidates = [one for one in waiting if one.recipient == transfer.recipient]
            subject, reason = known.get(key_of(transfer)), None
            if subject is None:
                matched = match(transfer, seen.mined_at, candidates)
                subject, reason = matched.subject, matched.reason
            if subject is not None:
                paying.append(Paying(subject, transfer, seen.mined_at))
                # A payout that was told by its sender alone has its transfer now.
                waiting = [one for one in waiting if one.subject != subject or subject.kind == "payment" or one.hints]
            else:
                logger.warning("%s: %s to %s is nobody's: %s", name, transfer.tx_hash, transfer.recipient, reason)
                self._tell_of_another_token(step, seen, candidates)
            step.transfers[key_of(transfer)] = Assigned(transfer, seen.mined_at, subject, reason)
        return paying

    def _tell_of_another_token(self, step: _Step, seen: Seen, candidates: Sequence[Watched]) -> None:
        """Tells a payment of money that can only have been meant for it, in a token that it does not take."""
        transfer = seen.transfer
        opened = [
            one
            for one in candidates
            if one.is_open and one.payer in (None, transfer.sender) and not is_older(seen.mined_at, one)
        ]
        if len(opened) == 1 and opened[0].subject.kind == "payment" and opened[0].symbol != transfer.token.symbol:
            reason = f"it carries {transfer.token.symbol}, but {opened[0].symbol} is waited for"
            step.take(sighted(step.following, opened[0].subject, nothing_of(opened[0], transfer.tx_hash, reason)))

    # What is claimed

    async def _look_into_claims(self, finality: Finality) -> None:
        for claim in self._claims.due(self.head):
            news = await self._claims.look(claim, self.head)
            if news is not None and self._following is not None:
                step = _Step(self._following)
                await self._tell(step, news, finality)
                if step.told:
                    await self._commit(step)

    async def _tell(self, step: _Step, news: News, finality: Finality) -> None:
        subject, block = news.claim.watched.subject, news.looked.block
        if news.finding.verdict is Verdict.PAYS:
            if block is None or block.number >= step.following.next_number:
                return  # it is told of when its block is followed
            await self._join(step, news, finality)
            self._claims.settle(news.claim)
        elif news.sighting is not None:
            is_final = block is not None and block.number <= finality.safe(self.head)
            if subject.kind == "payout" and news.sighting.stage is Stage.FAILED and not is_final:
                news.claim.told = None
                return  # a payout is not what was asked for only once that is certain
            step.take(sighted(step.following, subject, news.sighting))
            if news.sighting.stage is not Stage.SEEN:
                self._claims.settle(news.claim)

    async def _join(self, step: _Step, news: News, finality: Finality) -> None:
        """Takes up transfers in blocks that were followed before anybody claimed them."""
        watched, made_at = news.claim.watched, news.looked.mined_at
        subject = watched.subject
        if made_at is None:
            return
        known: Mapping[TransferKey, Subject | None] = await self._store.assigned(
            self.chain.name, news.finding.transfers
        )
        free = [one for one in news.finding.transfers if known.get(key_of(one)) in (None, subject)]
        reason = "it was counted for something else before"
        if free and subject.kind == "payout":  # several may be sent in one transaction
            waiting = await self._store.waiting_at(self.chain.name, [watched.recipient])
            free = [one for one in free if match(one, made_at, waiting).subject == subject]
            reason = "what it pays fits another payout, or none of those that name it alone"
        if not free:
            step.take(sighted(step.following, subject, nothing_of(watched, news.claim.tx_hash, reason)))
            return
        followed = {(one.subject, one.sighting.transfer.transfer_id) for one in step.following.awaited}
        paying = [Paying(subject, one, made_at) for one in free if (subject, one.transfer_id) not in followed]
        for one in paying:
            step.transfers[key_of(one.transfer)] = Assigned(one.transfer, made_at, subject)
        if paying:
            step.take(joined(step.following, paying, finality))
