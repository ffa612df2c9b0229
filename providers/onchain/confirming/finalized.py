"""What a chain itself calls finalized: two endpoints are asked for it where money depends on it, and the lower answer
counts. It is a block, and no number: where another one was followed at its height, nothing more is final.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from providers.onchain.chains import Chain
from providers.onchain.confirming.votes import majority
from providers.onchain.confirming.witnesses import Witnesses
from providers.onchain.matching.following import due
from providers.onchain.matching.position import Finality, Following
from providers.onchain.nodes.headers import Header
from providers.onchain.nodes.rpc import ChainRpc, ChainUnavailableError, RefusedByNodeError
from providers.onchain.steps import Step
from providers.onchain.store import Alarm

__all__ = ["FINALIZED_AWAITED_SECONDS", "Finalized", "standing_still"]

logger = logging.getLogger("bridge.onchain")

# How long money waits while the second of two endpoints does not say what is finalized, before the word of one
# counts.
FINALIZED_AWAITED_SECONDS = 60.0
# That word is not taken after fewer tries than this, however long they took.
TRIES = 3
# Without money, two are asked once so many more blocks are called finalized.
BLOCKS_BETWEEN = 32
# And anybody at all once the chain has grown by so many blocks; where money waits, by such a part of those that it
# waits for, if these are fewer. So one answer serves all blocks that become final meanwhile.
BLOCKS_BETWEEN_QUESTIONS = 8
SHARE_OF_THE_WAIT = 8
# Whoever calls nothing newer finalized than a block that is older by this than another one's stands still. On
# Ethereum it is a new one every six minutes, and a quarter of an hour old. One that is so old itself is held against
# another one's.
STANDS_STILL_AFTER = timedelta(minutes=30)
# So many of those that are stopped are named.
NAMED = 10


@dataclass(slots=True)
class _Waiting:
    """Since when no second endpoint has said it, and how often that was asked."""

    since: float
    tries: int = 0
    is_over: bool = False


@dataclass(slots=True)
class _Calls:
    """What endpoints call finalized, by their places."""

    headers: dict[int, Header] = field(default_factory=dict)
    against: dict[int, tuple[int, str]] = field(default_factory=dict)
    """Those that call another block so than was followed: its number, and what to say of it."""

    @property
    def highest(self) -> int:
        return max((header.number for header in self.headers.values()), default=0)

    def by_enough(self, endpoints: int) -> int | None:
        """The newest that two call so, or more than half of all where one calls another block so; None if there are
        not so many."""
        needed = majority(endpoints) if self.against else min(2, endpoints)
        ordered = sorted((header.number for header in self.headers.values()), reverse=True)
        return ordered[needed - 1] if len(ordered) >= needed else None


@dataclass(frozen=True, slots=True)
class _Stop:
    """What keeps anything from being final, which a person is called for if it lasts."""

    number: int
    """The block that an endpoint calls finalized."""
    said: str
    outcome: str
    since: float
    place: int | None = None
    """Of the endpoint, where that block is another one than was followed."""


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
    _apart: str | None = None
    """Who stands still, when endpoints were compared last."""
    _stop: _Stop | None = None
    """An endpoint that stands still, if that stops money, or is on a fork."""
    _is_compared: bool = False
    """Whether they were, since the start."""

    @property
    def waiting(self) -> str | None:
        """What is waited for, for a person to read."""
        if self._elsewhere is not None:
            return self._elsewhere
        if self._unsaid is not None:
            return f"no endpoint says what is finalized, and nothing more is final ({self._unsaid})"
        if self._waiting is None or self._waiting.is_over:
            return self._apart
        return "money waits for a second endpoint to say what is finalized"

    async def tell(self, step: Step) -> None:
        """Has a step call a person where money is stopped by an endpoint that stands still, or where nothing more is
        final by one on a fork, and once it is not so any more take that off the list."""
        told_at, stop = step.following.finality_apart_at, self._stop
        if stop is not None and told_at is None:
            if self.clock() < stop.since + FINALIZED_AWAITED_SECONDS:
                return  # a third one may be back in a moment
            said = stop.said
            if stop.place is not None:
                other = await self.witnesses.other_block(stop.number, besides=stop.place)
                said += "" if other is None else f"; {other[0]} has {other[1].hash} there"
            said = f"{said}; {stop.outcome}"
            logger.critical("%s: %s", self.chain.name, said)
            step.alarms.append(Alarm("contradicted", stop.number, said))
            step.following = replace(step.following, finality_apart_at=stop.number)
        elif stop is None and told_at is not None and self._is_compared:
            step.agreed_blocks.add(told_at)
            step.following = replace(step.following, finality_apart_at=None)

    async def finality(self, head: int, head_at: datetime | None, following: Following) -> Finality:
        """What is final now; nothing more than before while no endpoint says so. Raises ChainUnavailableError."""
        if self._last is not None and following.next_number > head - BLOCKS_BETWEEN_QUESTIONS:
            asked_at, finality = self._last
            if asked_at <= head < asked_at + self._pause_blocks(asked_at - finality.finalized, following):
                return finality
        finality = await self._asked(head, head_at, following)
        self._last = head, finality
        return finality

    def _pause_blocks(self, depth: int, following: Following) -> int:
        """After how many blocks it is asked again, where a block is final once it is so deep: none while money waits
        for an answer that nobody has given, or one endpoint alone."""
        if not following.awaited:
            return BLOCKS_BETWEEN_QUESTIONS
        is_by_one = len(self.rpc.endpoints) > 1 and self._by_one > self._by_two
        is_unanswered = self.waiting is not None and self.waiting != self._apart
        if is_unanswered or (is_by_one and due(following.awaited, self._by_one)):
            return 0
        return max(1, min(depth // SHARE_OF_THE_WAIT, BLOCKS_BETWEEN_QUESTIONS))

    def went_back(self, number: int) -> None:
        """After the chain is another one from this block on: whatever was called finalized of the other counts no
        more."""
        self._by_one, self._by_two = min(self._by_one, number - 1), min(self._by_two, number - 1)
        self._last = None
        self._believed = min(self._believed, number - 1)

    async def _asked(self, head: int, head_at: datetime | None, following: Following) -> Finality:
        finality = await self._said(head, head_at, following)
        self._believed = max(finality.finalized, self._believed)
        return finality

    async def _said(self, head: int, head_at: datetime | None, following: Following) -> Finality:
        calls, endpoints = _Calls(), len(self.rpc.endpoints)
        try:
            await self._take(calls, await self.rpc.finalized(head), following)
        except RefusedByNodeError as error:
            self._unsaid = str(error)
            return Finality(None, self._believed)
        self._unsaid = self._elsewhere = None
        if calls.against:
            self._contradict(calls, following)
            if endpoints < 3:
                return Finality(None, self._believed)
        number, awaited = calls.highest, following.awaited
        # Of three, one that calls too little finalized holds up nothing either.
        is_low = endpoints > 2 and (len(calls.against) > 0 or (len(awaited) > 0 and not due(awaited, number)))
        is_old = head_at is not None and self.made_at is not None and head_at - self.made_at > STANDS_STILL_AFTER
        if endpoints < 2 or (number <= self._by_two and not is_low and not is_old):
            return Finality(None, number)
        if is_low or is_old or due(awaited, number) or number >= self._by_two + BLOCKS_BETWEEN:
            await self._ask_others(calls, head, following)
        is_alone = self._waiting is not None and self._waiting.is_over
        return Finality(None, number if is_alone else self._by_two)

    async def _take(self, calls: _Calls, called: tuple[int, Header], following: Following) -> None:
        place, header = called
        unlike = await self._unlike(place, header, following)
        if unlike is not None:
            calls.against[place] = header.number, unlike
            return
        calls.headers[place] = header
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
        while len(asked := {*calls.headers, *calls.against}) < endpoints:
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
            for place, (_, said) in calls.against.items():
                self.rpc.distrust(said, place)
            self._waiting = self._elsewhere = None
            self._by_two = max(self._by_two, by_enough)
        elif calls.against:
            self._waiting = None
            self._contradict(calls, following)
            return
        else:
            self._wait(calls.highest, reason)
        self._compare({self.rpc.endpoints[place].host: one for place, one in calls.headers.items()}, following)

    def _compare(self, called: Mapping[str, Header], following: Following) -> None:
        """Finds out who stands still, of those that said what is finalized, and what that stops."""
        if len(called) < 2:
            return
        behind, since = standing_still(called), self._stopped_since()
        self._is_compared, self._apart, self._stop = True, None, None
        if not behind:
            return
        best = max(called, key=lambda host: called[host].number)
        shown = [f"{host} calls no block above {called[host].number} finalized" for host in sorted(behind)]
        self._apart = (
            f"{' and '.join(shown)}, and {best} calls {called[best].number} so, which was made"
            f" {_minutes(called, best, behind)} min later: one stands still, or is wrong"
        )
        stopped = self._whom_it_stops(called[best].number, following)
        if stopped:
            number = min(called[host].number for host in behind)
            self._stop = _Stop(number, self._apart, stopped, since)

    def _contradict(self, calls: _Calls, following: Following) -> None:
        """Nothing more is final while one calls another block so than was followed, and too few call that one so."""
        place, (number, said) = next(iter(calls.against.items()))
        stopped = self._whom_it_stops(max(number, calls.highest), following)
        self._elsewhere, self._is_compared = said, True
        self._stop = _Stop(number, said, stopped or "nothing more is final", self._stopped_since(), place)

    def _stopped_since(self) -> float:
        return self.clock() if self._stop is None else self._stop.since

    def _whom_it_stops(self, number: int, following: Following) -> str:
        """Whose money would be final if this block were; nothing if nobody's would."""
        awaited = due(following.awaited, number)
        names = sorted({one.subject.id for one in awaited if (one.sighting.block_number or 0) > self._by_two})
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        return f"it stops {', '.join(names[:NAMED])}{more}" if names else ""

    def _wait(self, number: int, reason: str) -> None:
        now = self.clock()
        waiting = self._waiting = self._waiting or _Waiting(now)
        waiting.tries += 1
        is_late = now >= waiting.since + FINALIZED_AWAITED_SECONDS and waiting.tries >= TRIES
        if waiting.is_over or not is_late or not self.chain.counts_by_one:
            return
        waiting.is_over = True
        logger.error(
            "%s: block %d is finalized by the word of one endpoint, since no other one says what is (%s)",
            self.chain.name,
            number,
            reason,
        )


def standing_still(called: Mapping[str, Header]) -> list[str]:
    """Who stands still, of those that call these blocks finalized."""
    newest = max((header.made_at for header in called.values()), default=None)
    return [host for host, header in called.items() if newest and newest - header.made_at > STANDS_STILL_AFTER]


def _minutes(called: Mapping[str, Header], best: str, behind: Collection[str]) -> int:
    """How much later the block of one was made than the oldest of some others."""
    return int((called[best].made_at - min(called[host].made_at for host in behind)).total_seconds()) // 60
