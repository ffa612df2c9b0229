"""Block rereads: blocks are read once more when the first of them is final, best by another endpoint, since an
answer that left something out has shown nothing of it.
"""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from providers.onchain.blocks.canonical import BlockId
from providers.onchain.blocks.transfers import MalformedError
from providers.onchain.chains import Chain
from providers.onchain.confirming.corroboration import Corroboration
from providers.onchain.confirming.payees import Payees
from providers.onchain.confirming.votes import majority
from providers.onchain.confirming.witnesses import Witnesses
from providers.onchain.matching.position import Finality, Following
from providers.onchain.nodes.endpoints import Fault
from providers.onchain.nodes.headers import Header, header_of
from providers.onchain.nodes.rpc import ChainRpc, ChainUnavailableError, FaultyError, RefusedByNodeError
from providers.onchain.reading.scanning import Seen, require_shown, see_again
from providers.onchain.reading.traces import Traces
from providers.onchain.steps import Step
from providers.onchain.store import Alarm
from providers.onchain.watchlist import Watchlist

__all__ = ["BlockRereads"]

logger = logging.getLogger("bridge.onchain")

# So many blocks at once at most; fewer where an endpoint refuses so many.
READ_AGAIN_AT_ONCE = 16
# So many blocks wait for another endpoint to read them, before the oldest are left as one has told of them.
BLOCKS_LIMIT = 5_000


@dataclass(frozen=True, slots=True)
class _Reading:
    """Blocks that an endpoint is to read again."""

    place: int
    teller: int | None
    """Which one told of them at first, where one did alone and that is known."""
    blocks: range
    final: int
    """The newest block that is final by its depth."""
    is_alone: bool
    """Whether it is no second one: the teller itself, for want of another, or one without traces where another may
    offer them."""


@dataclass(slots=True)
class BlockRereads:
    """Reads blocks of one chain again, and takes up what was missed."""

    _chain: Chain
    _rpc: ChainRpc
    _traces: Traces
    _watchlist: Watchlist
    _payees: Payees
    _words: Corroboration
    _witnesses: Witnesses
    _at_once: int = READ_AGAIN_AT_ONCE
    _reported_by: dict[int, int] = field(default_factory=dict)
    """Which endpoint told of a block; not known of what was read before the start, or told of by several."""
    _read_alone: int = -1
    """The newest block that was read again by no second endpoint, for want of one."""
    _left_from: int | None = None
    """The first of the blocks that are left as one endpoint has told of them, while no other one answers."""

    def note_source(self, blocks: Iterable[int], place: int | None) -> None:
        """Remembers who told of blocks; None if several did."""
        for block in blocks:
            self._reported_by.pop(block, None)
            if place is not None:
                self._reported_by[block] = place

    def went_back(self, number: int) -> None:
        """After the chain is another one from this block on, which nobody has read again."""
        self._read_alone = min(self._read_alone, number - 1)

    async def compare_lagging(self, following: Following, finality: Finality) -> Step | None:
        """Compares what endpoints have that are set aside because they lag with what was followed at their height;
        None if nothing comes of it."""
        step = Step(following)
        for place, endpoint in enumerate(self._rpc.endpoints):
            number = min(finality.safe(following.next_number - 1), endpoint.head)
            is_asked = endpoint.last_fault is Fault.LAGGING and step.following.contradicted_number is None
            if not is_asked or number < 0:
                continue
            theirs = await self._witnesses.block_at(place, number)
            if theirs is not None:
                # What was followed there is not remembered where many blocks were followed at once.
                ours = _known(following, number) or (await self._rpc.block(number))["hash"]
                await self._compare(step, endpoint.host, theirs, ours)
        return step if step.has_news else None

    async def read(self, following: Following, finality: Finality, head: int | None = None) -> Step | None:
        """Reads some blocks again; None if none is due, or none can be read now. With a `head` that is far away, all
        that are followed are due."""
        followed, first = following.next_number - 1, following.checked_number + 1
        final = min(finality.safe(followed if head is None else head), followed)
        spared = (self._chain.required_confirmations or 0) // 2 if head is None else 0
        source = self._reported_by.get(first)
        # Where nobody offers traces it has told all that anybody tells.
        teller = None if self._lacks_traces(source, None) else source
        place = self._reader(teller)
        # What another endpoint tells of money before it is due is its word, and is not asked for once more.
        is_early = place != teller and spared > 1 and _holds_money(following, first)
        if is_early:
            spared -= 1
        if first > min(final + is_early, followed):
            self._forget_below(first)
            return None
        is_alone = (place == teller and len(self._rpc.endpoints) > 1) or self._lacks_traces(place, teller)
        if is_alone:
            first = max(first, self._read_alone + 1)
        if place is None or first > min(final + is_early, followed):
            return self._given_up(following, followed)
        last = min(max(followed - spared, first), first + self._at_once - 1)
        last = next((one - 1 for one in range(first + 1, last + 1) if self._reported_by.get(one) != source), last)
        reading = _Reading(place, teller, range(first, last + 1), final, is_alone)
        try:
            step = await self._read(following, finality, reading)
        except RefusedByNodeError as error:
            self._at_once = max(1, self._at_once // 2)
            if last > first:
                return await self.read(following, finality, head)
            logger.warning("%s: block %d cannot be read again: %s", self._chain.name, first, error)
            return self._done(Step(following), reading)
        except (FaultyError, MalformedError) as error:
            self._blame(place, error)
            return None
        except ChainUnavailableError as error:
            logger.info("%s: blocks %d to %d cannot be read again now: %s", self._chain.name, first, last, error)
            return None
        return step or self._given_up(following, followed)

    async def _read(self, following: Following, finality: Finality, reading: _Reading) -> Step | None:
        """Reads these blocks, as far as the endpoint has them; None if it has none yet. Raises what asking raises."""
        step, place, end = Step(following), reading.place, None
        if place != reading.teller:
            end = await self._end(following, reading)
            if end is None:
                return None
            reading = replace(reading, blocks=range(reading.blocks[0], end.number + 1))
            await self._compare(step, self._rpc.endpoints[place].host, end.id)
        awaited = {one.sighting.transfer.transfer_id: one.sighting.block_hash for one in following.awaited}
        own = {name: block_hash for name, block_hash in awaited.items() if self._words.source_of(name) == place}
        seen = await see_again(
            self._rpc,
            self._traces,
            self._chain,
            reading.blocks,
            self._watchlist,
            place=place,
            already_seen=own,
            shown=end,
        )
        if self._lacks_traces(place, reading.teller):  # it may have said so only now
            reading = replace(reading, is_alone=True)
        already_seen = [one for one in seen if one.transfer.transfer_id in awaited]
        self._words.note_again(place, reading.blocks, already_seen)
        missed = await self._payees.missed(step, [one for one in seen if self._is_followed(following, one)])
        if len(self._rpc.endpoints) == 1:
            unknown = [one for one in missed if following.canonical.hash_at(one.transfer.block.number) is None]
            await require_shown(self._rpc, place, unknown)
        await self._payees.take_up(step, missed, finality)
        if reading.is_alone and place == reading.teller:
            await self._compare_with_another(step, place, min(reading.final, reading.blocks[-1]))
        return self._done(step, reading)

    def _done(self, step: Step, reading: _Reading) -> Step:
        """Remembers by whom blocks were read, or that two have read them."""
        last = reading.blocks[-1]
        self._at_once = min(2 * self._at_once, READ_AGAIN_AT_ONCE)
        if reading.is_alone:
            self._read_alone = last
        elif reading.teller is None and len(self._rpc.endpoints) > 1:
            self.note_source(reading.blocks, reading.place)  # by another one next
        else:
            self._leave_no_more(step)
            step.following = replace(step.following, checked_number=last)
        return step

    def _blame(self, place: int, error: FaultyError | MalformedError) -> None:
        if isinstance(error, FaultyError):
            self._rpc.suspend(place, error)
        else:
            self._rpc.distrust(str(error), place)

    def _reader(self, teller: int | None) -> int | None:
        """Who is to read again what this endpoint told of: another one, best one that offers traces if they are
        needed, and not the one that is asked first; itself if no other is well; None if nobody is."""
        well = self._rpc.well()
        others = sorted((place for place in (*well[1:], *well[:1]) if place != teller), key=self._is_without_traces)
        return next(iter((*others, *well)), None)

    def _lacks_traces(self, place: int | None, teller: int | None) -> bool:
        """Whether this endpoint cannot tell what contracts sent, and another one may that has not told of it."""
        others = (one for one in range(len(self._rpc.endpoints)) if one not in (place, teller))
        return self._is_without_traces(place) and not all(map(self._is_without_traces, others))

    def _is_without_traces(self, place: int | None) -> bool:
        """Whether this endpoint cannot tell what contracts sent of a coin that somebody waits for."""
        is_wanted = self._chain.own_coin is not None and self._watchlist.wants_own_coin
        return is_wanted and place is not None and not self._traces.may_be_offered_by(place)

    def _given_up(self, following: Following, followed: int) -> Step | None:
        """Leaves the oldest blocks as one endpoint has told of them, where too many wait for another one."""
        last = followed - BLOCKS_LIMIT
        if last <= following.checked_number:
            return None
        step = Step(replace(following, checked_number=last))
        if self._left_from is None:  # it is said once
            self._left_from = following.checked_number + 1
            said = f"from {self._left_from} on blocks are read by one endpoint alone, since no other answers"
            self._warn(step, self._left_from, said)
        self._forget_below(last)
        return step

    def _leave_no_more(self, step: Step) -> None:
        """Says which blocks were left, once another endpoint reads them again."""
        if self._left_from is not None:
            last = step.following.checked_number
            said = f"blocks {self._left_from} to {last} were read by one endpoint alone, since no other answered"
            self._warn(step, self._left_from, said)
            self._left_from = None

    def _warn(self, step: Step, number: int, said: str) -> None:
        message = f"{said}; money in them may be missed"
        logger.error("%s: %s", self._chain.name, message)
        step.alarms.append(Alarm("unread", number, message))

    def _forget_below(self, number: int) -> None:
        self._reported_by = {block: place for block, place in self._reported_by.items() if block >= number}

    def _is_followed(self, following: Following, seen: Seen) -> bool:
        block = seen.transfer.block
        return following.canonical.hash_at(block.number) in (None, block.hash)

    async def _end(self, following: Following, reading: _Reading) -> Header | None:
        """The last of these blocks that an endpoint has. Where it has another one than was followed, the last that is
        final: those above may be others for a moment. Whoever has none tells nothing of it either."""
        first, last, final = reading.blocks[0], reading.blocks[-1], reading.final
        candidates = {last, min(last, final), min(last, self._rpc.endpoints[reading.place].head)}
        is_read_whole = self._chain.own_coin is not None and self._watchlist.wants_own_coin
        for number in sorted((one for one in candidates if one >= first), reverse=True):
            block = await self._rpc.ask_at(reading.place, "eth_getBlockByNumber", hex(number), is_read_whole)
            if block is not None:
                end = header_of(block)
                if number <= final or end.hash == following.canonical.hash_at(number):
                    return end
        return None

    async def _compare_with_another(self, step: Step, place: int, number: int) -> None:
        """Asks another endpoint than this what its block of that height is, well or not."""
        if len(self._watchlist):
            theirs = await self._witnesses.other_block(number, besides=place)
            if theirs is not None:
                await self._compare(step, *theirs)

    async def _compare(self, step: Step, host: str, theirs: BlockId, ours: str | None = None) -> None:
        """Compares another endpoint's block with that which was followed: as it is, so are all before it."""
        number, ours = theirs.number, ours or _known(step.following, theirs.number)
        if ours is None:
            return
        if theirs.hash != ours:
            await self._outvote(number, ours)
        contradicted = step.following.contradicted_number
        if theirs.hash == ours and contradicted is not None and await self._witnesses.is_undisputed(theirs):
            # As this block is, so are all before it; money in them may still be doubted.
            doubted = {one.block_number for one in step.following.doubts}
            step.agreed_blocks |= {contradicted} - doubted
            step.following = replace(step.following, contradicted_number=None)
        elif theirs.hash != ours and contradicted is None:  # it is said once
            step.following = replace(step.following, contradicted_number=number)
            message = f"{ours} was followed, and {host} has {theirs.hash}; money in it may be missed"
            logger.critical("%s: block %d: %s", self._chain.name, number, message)
            step.alarms.append(Alarm("contradicted", number, message))

    async def _outvote(self, number: int, ours: str) -> None:
        """Sets aside those that show a block which was followed, where most endpoints have another one there."""
        endpoints = len(self._rpc.endpoints)
        shown = await self._witnesses.shown_at(number) if endpoints > 2 else {}
        others = Counter(block_hash for block_hash in shown.values() if block_hash not in (None, ours))
        if max(others.values(), default=0) >= majority(endpoints):
            for place in [place for place, block_hash in shown.items() if block_hash == ours]:
                self._rpc.distrust(f"most endpoints have another block {number} than its {ours}", place)


def _known(following: Following, number: int) -> str | None:
    """What the block of that height is called that was followed, if it is remembered."""
    known = following.known_up_to(number)
    return known.hash if known is not None and known.number == number else None


def _holds_money(following: Following, number: int) -> bool:
    """Whether money in this block is not final yet."""
    return any(one.sighting.block_number == number for one in following.awaited)
