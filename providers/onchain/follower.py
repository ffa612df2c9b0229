"""Follows one chain: block by block at its head, in long ranges when there is much to catch up with, and back where
it is reorganised. Each step is committed before the next, so a crash loses nothing and repeats nothing that counts.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from coordinator.payments.observed.observations import Stage
from providers.onchain.blocks.canonical import judge
from providers.onchain.blocks.transfers import MalformedError
from providers.onchain.chains import Chain
from providers.onchain.confirming.backfill import Backfill
from providers.onchain.confirming.block_rereads import BlockRereads
from providers.onchain.confirming.claim_reports import ClaimReports
from providers.onchain.confirming.claim_rounds import ClaimRounds
from providers.onchain.confirming.corroboration import Corroboration
from providers.onchain.confirming.finalized import Finalized
from providers.onchain.confirming.payees import Payees
from providers.onchain.confirming.range_rereads import RangeRereads
from providers.onchain.confirming.reorganisations import Reorganisations
from providers.onchain.confirming.returned_transfers import ReturnChecks
from providers.onchain.confirming.second_words import SecondWords
from providers.onchain.confirming.standstill import Standstill
from providers.onchain.confirming.start_block import StartBlock
from providers.onchain.confirming.traced_later import TracedLater
from providers.onchain.confirming.traced_words import TracedWords
from providers.onchain.confirming.votes import Votes
from providers.onchain.confirming.witnesses import Witnesses
from providers.onchain.late_tokens import LateTokens
from providers.onchain.leaps import Leaps
from providers.onchain.matching.following import brought_up, due, settled, went_on
from providers.onchain.matching.matching import Subject, Watched
from providers.onchain.matching.position import Finality, Following
from providers.onchain.matching.untraced import with_number
from providers.onchain.nodes.endpoints import apart
from providers.onchain.nodes.headers import Header
from providers.onchain.nodes.rpc import ChainRpc, ChainUnavailableError, RefusedByNodeError
from providers.onchain.nodes.side_by_side import side_by_side
from providers.onchain.reading.ranges import shallow_blocks
from providers.onchain.reading.scanning import see_block
from providers.onchain.reading.traces import Traces
from providers.onchain.steps import Step
from providers.onchain.store import ChainStore
from providers.onchain.watchlist import Watchlist

__all__ = ["ChainFollower"]

# Blocks that are read at the same time when there are several to catch up with; what they show is one step.
BLOCKS_AT_ONCE = 16
# With fewer blocks to catch up with than this, beyond those that are not final, they are read one by one.
RANGE_WORTH_BLOCKS = 32
# How often all endpoints are asked how far they are, so that one that lags is noticed.
ROUNDS_BETWEEN_COMPARISONS = 8
CLAIMS_FORGOTTEN_AFTER_DEPTHS = 4
# How often a round goes back. A chain is reorganised less often; the blocks of whoever goes on do not fit together.
TURNS_BACK = 3


class ChainFollower:
    """Follows one chain for whoever waits on it. `round` goes as far as the chain goes at this moment."""

    def __init__(
        self,
        chain: Chain,
        rpc: ChainRpc,
        store: ChainStore,
        clock: Callable[[], float] = time.monotonic,
        others: Sequence[tuple[Chain, ChainRpc]] = (),
    ) -> None:
        """`others`: the other chains that are followed."""
        self.chain = chain
        self.head = 0
        """The newest block that a node has shown."""
        self.head_at: datetime | None = None
        """When it was made."""
        self._rpc = rpc
        self._store = store
        self._clock = clock
        self._following: Following | None = None
        self._has_begun = False
        self._rounds = 0
        self._turns_back = 0  # in this round
        self._added: dict[Subject, Watched] = {}
        """Who came since everybody was read last."""
        self._watchlist = Watchlist(chain)
        self._traces = Traces(chain, rpc, clock)
        self._witnesses = witnesses = Witnesses(chain, rpc, TracedWords(rpc))
        self._finalized = Finalized(chain, rpc, witnesses, clock)
        returns = ReturnChecks(chain, rpc, self._watchlist, clock)
        votes = Votes(chain, rpc, witnesses)
        self._second_words = SecondWords(chain, rpc, votes, returns, clock)
        self._words = words = Corroboration(chain, rpc, self._watchlist, votes, returns, self._second_words, clock)
        self._payees = Payees(chain, store, self._words)
        self._readings = BlockRereads(chain, rpc, self._traces, self._watchlist, self._payees, words, witnesses)
        self._leaps = Leaps(chain, rpc, self._watchlist, self._payees, words, votes, witnesses, self._readings)
        self._beginning, self._standstill = StartBlock(chain, rpc), Standstill(chain, clock)
        stretches = (chain, rpc, self._traces, self._watchlist, self._payees)
        self._late_tokens = LateTokens(chain, Backfill(*stretches), self._watchlist, self._beginning)
        self._rereading = RangeRereads(chain, Backfill(*stretches))
        self._traced_later = TracedLater(*stretches, clock)
        self._reorganisations = Reorganisations(chain, rpc, store, witnesses, self._earliest, clock)
        forgotten = CLAIMS_FORGOTTEN_AFTER_DEPTHS * Finality(chain.required_confirmations).depth
        self._claims = ClaimRounds(rpc, chain, forgotten, others)
        self._claim_reports = ClaimReports(chain, store, self._claims, self._payees, self._words)

    @property
    def followed(self) -> int | None:
        """The newest block that was followed; None before the first round."""
        return None if self._following is None else self._following.next_number - 1

    @property
    def blocks_behind(self) -> int | None:
        """How many blocks are still to be followed; None before the first round, and while the newest that is shown
        lies below those that were."""
        followed = self.followed
        return None if followed is None or self.head < followed else self.head - followed

    @property
    def waiting(self) -> str | None:
        """What money waits for that is deep enough, what contradicts about it or about the chain, and what was gone
        over or left out, all of it: one hides no other. None if nothing was or does."""
        reasons = (
            self._reorganisations.waiting,
            self._words.waiting,
            self._finalized.waiting,
            self._second_words.waiting,
            self._late_tokens.waiting,
            self._rereading.waiting,
            self._traced_later.waiting,
            self._traces.passed,
            self._rpc.unreadable_logs.said,
        )
        return "; ".join(one for one in reasons if one is not None) or self._difference

    @property
    def _difference(self) -> str | None:
        """In what endpoints differ, whether money depends on it or not; None if in nothing."""
        number = None if self._following is None else self._following.contradicted_number
        if number is not None:
            return f"two endpoints have different blocks, of which one is {number}"
        return apart(self._rpc.endpoints, self._clock(), self.chain.block_seconds)

    @property
    def finalized_at(self) -> datetime | None:
        """When the block was made that the chain calls finalized, where that is what counts."""
        return self._finalized.made_at

    @property
    def watched(self) -> int:
        """How many payments and payouts are waited for."""
        return len(self._watchlist)

    def watch(self, watched: Watched) -> None:
        """Takes up somebody who waits, or what is newly claimed for them."""
        self._watchlist.add(watched)
        self._added[watched.subject] = watched
        self._claims.add(watched, self.head)

    def _learn(self, watched: Watched) -> None:
        """Takes up somebody who moved lately. What is claimed for them and was looked into is no news."""
        known = self._watchlist.get(watched.subject)
        is_awaited = watched.subject.kind == "payout" and watched.is_open
        if known is None or is_awaited or (known.hints, known.given) != (watched.hints, watched.given):
            self.watch(watched)
        else:
            self._watchlist.add(watched)

    async def refresh(self) -> None:
        """Reads anew who waits."""
        self._added = {}
        everybody = [*await self._store.watched(self.chain.name), *self._added.values()]
        self._watchlist.replace(everybody)
        self._claims.retain(everybody)
        for watched in everybody:
            self._claims.add(watched, self.head)

    async def round(self) -> None:
        """Follows the chain to its head, and looks into what is claimed. Raises ChainUnavailableError; what was
        followed by then is committed."""
        try:
            await self._rpc.by_who_is_left(self._go_round)
        except ChainUnavailableError as error:
            step = self._standstill.failed(self._following, error)
            if step is not None:
                await self._commit(step)
            raise

    async def _go_round(self) -> None:
        try:
            if self._rounds % ROUNDS_BETWEEN_COMPARISONS == 0:
                await self._rpc.read_heads()
            self._rounds += 1
            self._turns_back = 0
            head = await self._rpc.head(with_transactions=self._watchlist.wants_own_coin)
            self.head, self.head_at = head.number, head.made_at
            if self._following is None or not self._has_begun:
                stored = await self._store.following(self.chain.name)
                await self.refresh()
                # Where it begins for the first time is not certain before the first step is committed.
                self._has_begun = stored is not None
                began = await self._beginning.find(self._watchlist.open_since()) if stored is None else stored
                self._following = brought_up(began, self.chain.tokens)
                self._claims.take_up(began.single_source, self._watchlist.get, self.head)
                self._second_words.take_up(began.counted_by_one)
            for watched in await self._store.news(self.chain.name):
                self._learn(watched)
            finality = await self._below(self._following, head)
            if self._rounds % ROUNDS_BETWEEN_COMPARISONS == 1:
                await self._compare_lagging(self._following, finality)
            if due(self._following.awaited, finality.finalized):
                # What another endpoint tells of money before that counts is its word, and is not asked for once more.
                await self._read_all_again(self._following, finality)
            while self._following.next_number <= self.head:
                finality = await self._advance(self._following, finality, head)
            await self._settle(self._following, finality)
            await self._read_all_again(self._following, finality)
            await self._read_late(self._following, finality)
            await self._check_claims(finality)
            await self._look_back(self._following)
            self._words.forget_others(one.sighting.transfer.transfer_id for one in self._following.awaited)
        except MalformedError as error:
            self._rpc.distrust(str(error), error.reported_by)
            raise ChainUnavailableError(f"{self.chain.name}: {error}") from None
        except RefusedByNodeError as error:
            raise ChainUnavailableError(f"{self.chain.name}: no endpoint answers a question: {error}") from None

    async def _finality(self, following: Following) -> Finality:
        """What is final now, by depth or by the chain's own word."""
        confirmations = self.chain.required_confirmations
        if confirmations is not None:
            return Finality(confirmations)
        return await self._finalized.finality(self.head, self.head_at, following)

    async def _below(self, following: Following, head: Header) -> Finality:
        """Takes back what a head has sunk below. Returns what is final after that. Raises ChainUnavailableError where
        whoever showed it was set aside for it, and others are in good standing."""
        finality = await self._finality(following)
        sunk = await self._reorganisations.below(following, head, finality)
        if sunk is not None:
            finality = await self._turn(sunk)
        why_not, well = self._reorganisations.waiting, self._rpc.well()
        if why_not is not None and well and head.shown_by not in well:
            raise ChainUnavailableError(f"{self.chain.name}: {why_not}")
        return finality

    async def _turn(self, step: Step) -> Finality:
        """Commits that blocks were taken back. Returns what is final after that."""
        await self._commit(step)
        self._claims.went_back(self.head)
        self._readings.went_back(step.following.next_number)
        self._finalized.went_back(step.following.next_number)
        return await self._finality(step.following)

    async def _earliest(self) -> int:
        """The block from which on anything may be that somebody waits for."""
        return (await self._beginning.find(self._watchlist.open_since())).next_number

    async def _compare_lagging(self, following: Following, finality: Finality) -> None:
        """Compares the blocks of endpoints that lag too, which are read again only once they are there."""
        step = await self._readings.compare_lagging(following, finality)
        if step is not None:
            await self._commit(step)

    async def _advance(self, following: Following, finality: Finality, head: Header) -> Finality:
        """Goes on. Returns what is final after that."""
        step, turns_back = Step(following), self._turns_back
        # Whoever is behind tells of nothing in the newest blocks of a range, which proves nothing.
        safe = min(finality.safe(self.head), self.head - shallow_blocks(self.chain.block_seconds))
        is_far = safe - following.next_number >= RANGE_WORTH_BLOCKS
        are_deep = len(due(following.awaited, safe)) == len(following.awaited)
        if is_far and are_deep and not self._watchlist.wants_own_coin:
            if await self._read_again(following, finality, self.head):
                return finality  # what was followed before is read a second time before it is far behind
            first = following.next_number
            has_leapt = await self._leaps.leap(step, finality, safe, self.head)
            why_not = None if has_leapt else await self._go_on(step, finality, range(first, first + 1))
        else:
            last = min(following.next_number + BLOCKS_AT_ONCE - 1, self.head)
            why_not = await self._go_on(step, finality, range(following.next_number, last + 1), head)
        if why_not is not None:
            await self._commit(step)
            raise ChainUnavailableError(f"{self.chain.name}: {why_not}")
        if self._turns_back > turns_back:
            return await self._turn(step)
        await self._commit(step)
        return finality

    async def _read_all_again(self, following: Following, finality: Finality) -> None:
        """Reads all blocks a second time that are due for it. No endpoint reads a block twice for that: a round ends,
        whatever they say meanwhile."""
        blocks = following.next_number - 1 - following.checked_number
        for _ in range(blocks * len(self._rpc.endpoints)):
            if not await self._read_again(following, finality):
                return
            following = self._following or following

    async def _read_again(self, following: Following, finality: Finality, head: int | None = None) -> bool:
        """Reads some blocks a second time that were followed. Returns whether there were any."""
        again = await self._readings.read(following, finality, head)
        if again is None:
            return False
        if again.has_news:
            await self._commit(again)
        self._following = again.following  # how far it was read again alone is committed with the next block
        return True

    async def _read_late(self, following: Following, finality: Finality) -> None:
        """Reads on for a token that came into the configuration later, ranges once more that are deep by now, and
        what contracts sent while nobody showed it."""
        for read in (self._late_tokens.read, self._rereading.read, self._traced_later.read):
            late = await read(following, finality)
            if late is not None and late.has_news:
                await self._commit(late)
            following = following if late is None else late.following
        self._following = following  # what nothing came of is committed with the next block

    async def _commit(self, step: Step) -> None:
        counted, single_source = self._second_words.after(step), self._claims.single_source
        step.following = replace(step.following, single_source=single_source, counted_by_one=counted)
        await self._store.record(self.chain.name, step.finished())
        self._following, self._has_begun = step.following, True
        self._second_words.take_up(counted)
        for one in step.reported.values():
            watched = self._watchlist.get(one.subject)
            if one.sighting.stage is Stage.REORGANISED and watched is not None:
                # It may come back, in another block or not at all.
                self._claims.reopen(watched, one.sighting.transfer.tx_hash, self.head)

    # At the head

    async def _go_on(self, step: Step, finality: Finality, numbers: range, head: Header | None = None) -> str | None:
        """Follows blocks one by one. Returns why it cannot go on, nor back."""
        blocks = await side_by_side(
            see_block(
                self._rpc,
                self._traces,
                self.chain,
                number,
                self._watchlist,
                shown=head if head is not None and head.number == number else None,
            )
            for number in numbers
        )
        for seen in blocks:
            self._witnesses.ancestry.note(seen.block, seen.header)
            if judge(step.following.canonical, seen.block.number, seen.parent_hash).kind == "reorganised":
                self._turns_back += 1
                if self._turns_back > TURNS_BACK:
                    raise MalformedError(f"block {seen.block.number} does not go on where the one before it ends")
                # The blocks after it were read for nothing.
                return await self._reorganisations.go_back(step, self.head, finality.depth)
            paying = await self._payees.assign(step, seen.transfers)
            confirmed = await self._words.before_final(step, paying, finality, seen.block.number)
            step.take(went_on(step.following, seen.block, paying, confirmed))
            if seen.is_untraced:
                untraced = with_number(step.following.untraced, seen.block.number)
                step.following = replace(step.following, untraced=untraced)
            self._readings.note_source([seen.block.number], seen.reported_by)
        return None

    # Before it counts

    async def _settle(self, following: Following, finality: Finality) -> None:
        """Asks again about money that was held back, also while no block comes."""
        if not due(following.awaited, finality.safe(following.next_number - 1)):
            return
        step = Step(following)
        confirmed = await self._words.before_final(step, (), finality, following.next_number - 1)
        step.take(settled(step.following, confirmed))
        before = {(one.subject, one.sighting.transfer.transfer_id): one.sighting for one in following.awaited}
        after = {
            key: one.sighting.model_copy(update={"view": before[key].view}) for key, one in step.reported.items()
        }
        has_doubts = step.following.doubts != following.doubts
        if step.alarms or has_doubts or any(after[key] != before[key] for key in after):
            await self._commit(step)

    # What a person has to hear of

    async def _look_back(self, following: Following) -> None:
        """Asks other endpoints about what counted by the word of one, and calls a person where one stands still."""
        step = Step(following)
        self._standstill.went_through(step)
        await self._finalized.tell(step)
        await self._second_words.ask(step)
        if step.has_news:
            await self._commit(step)

    # What is claimed

    async def _check_claims(self, finality: Finality) -> None:
        """Looks into each claim that is due."""
        for claim in self._claims.due(self.head):
            if self._following is not None:
                step = await self._claim_reports.look(claim, self._following, finality, self.head)
                if step is not None:
                    await self._commit(step)
