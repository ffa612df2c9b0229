"""Second words: what counted by the word of one endpoint while no other one answered is asked about again, ever
later, until another one says the same, or says otherwise and a person is called.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from coordinator.waits import backoff
from providers.onchain.chains import Chain
from providers.onchain.confirming.returned_transfers import ReturnChecks
from providers.onchain.confirming.votes import AGAINST, Votes, spelt
from providers.onchain.confirming.witnesses import DueTransfer, Word
from providers.onchain.matching.position import CountedByOne
from providers.onchain.nodes.rpc import ChainRpc
from providers.onchain.steps import Step
from providers.onchain.store import Alarm

__all__ = ["COUNTED_BY_ONE_LIMIT", "SecondWords", "joint_word"]

logger = logging.getLogger("bridge.onchain")

# So many transfers count by the word of one; those after them wait. They are written down with each block, and
# whoever makes money up while others are away makes up no more than these.
COUNTED_BY_ONE_LIMIT = 500
# A round costs questions about so many blocks at most.
BLOCKS_PER_ROUND = 8
# An endpoint that answers, and does not tell, is asked ever later, but no later than this.
LONGEST_PAUSE_SECONDS = 3600.0
# One that has the block, and tells of no such money in it, may still be reading it. After so long it means that.
ABSENCE_BELIEVED_SECONDS = 60.0

_Key = tuple[int, str, str, str]
"""What is asked about at once: a block by its number and its hash, who reported it, and which transfer in it, where
each is asked about by itself."""


@dataclass(slots=True)
class _Question:
    """What no other endpoint has agreed to yet."""

    next_at: float
    tries: int = 0
    unsaid: str | None = None
    """Why nobody said anything of it last."""
    absent_since: float | None = None
    has_differed: bool = False
    """Whether the last word was another. While a chain is reorganised two endpoints differ for a moment."""


@dataclass(slots=True)
class SecondWords:
    """Asks for them, and knows what waits for one."""

    chain: Chain
    rpc: ChainRpc
    votes: Votes
    returns: ReturnChecks
    clock: Callable[[], float]
    counted: tuple[CountedByOne, ...] = ()
    """What waits, as it is written down with where the chain is followed to."""
    alarms: dict[int, list[str]] = field(default_factory=dict)
    """What was said to a person of which block: an alarm about it takes the place of the one before."""
    _questions: dict[_Key, _Question] = field(default_factory=dict)
    _apart: set[str] = field(default_factory=set)
    """Those that are asked about by themselves, since what was said of all in their block is not true of each."""

    @property
    def waiting(self) -> str | None:
        """How much waits, for a person to read; None if nothing does, or there is nobody to ask."""
        some = [one for one in self.counted if self._hosts_besides(one.reported_by)]
        if not some:
            return None
        first = min(some, key=self._key)
        others = [one for one in self.rpc.endpoints if one.host in self._hosts_besides(first.reported_by)]
        away = [f"{one.host}: {one.last_reason}" for one in others if one.last_reason]
        question = self._questions.get(self._key(first))
        why = (question.unsaid if question is not None else None) or "; ".join(away)
        are = "transfer has" if len(some) == 1 else "transfers have"
        return (
            f"{len(some)} {are} counted by the word of one endpoint, the first in block {self._key(first)[0]}, and"
            f" no other one has said the same yet{f' ({why})' if why else ''}; set it right, or name another endpoint"
        )

    def has_room(self, besides: Collection[str]) -> bool:
        """Whether more may count by the word of one, `besides` these, which are about to."""
        return len({one.transfer_id for one in self.counted} | set(besides)) < COUNTED_BY_ONE_LIMIT

    def after(self, step: Step) -> tuple[CountedByOne, ...]:
        """What waits once a step is committed."""
        known = {(one.sighted.subject, one.transfer_id): one for one in (*self.counted, *step.counted_by_one)}
        return tuple(one for one in known.values() if one.transfer_id not in step.answered)

    def take_up(self, counted: Iterable[CountedByOne]) -> None:
        """After that was committed, or read at the start."""
        self.counted = tuple(counted)

    async def ask(self, step: Step) -> None:
        """Asks about what is due for it. Has the step know what waits no more, and raise the alarm where another
        endpoint says otherwise."""
        self.votes.witnesses.traced.begin()
        groups = {key: list(some) for key, some in groupby(sorted(self.counted, key=self._key), key=self._key)}
        now = self.clock()
        self._questions = {key: self._questions.get(key) or _Question(now) for key in groups}
        others = {key: self._others(key[2]) for key in groups}
        due = [key for key, question in self._questions.items() if others[key] and now >= question.next_at]
        news = set()
        for key in sorted(due, key=lambda one: self._questions[one].next_at)[:BLOCKS_PER_ROUND]:
            contradiction = await self._ask(step, key, groups[key], others[key])
            if contradiction is not None:
                logger.critical("%s: block %d: %s", self.chain.name, key[0], contradiction)
                self.alarms.setdefault(key[0], []).append(contradiction)
                news.add(key[0])
        step.alarms += [Alarm("contradicted", number, "; ".join(self.alarms[number])) for number in sorted(news)]
        self._apart &= {one.transfer_id for one in self.counted}

    def _hosts_besides(self, reported_by: str | None) -> set[str]:
        return {endpoint.host for endpoint in self.rpc.endpoints} - {reported_by}

    def _key(self, one: CountedByOne) -> _Key:
        sighting = one.sighted.sighting
        alone = one.transfer_id if one.transfer_id in self._apart else ""
        return sighting.block_number or 0, sighting.block_hash or "", one.reported_by or "", alone

    def _others(self, reported_by: str) -> list[int]:
        """Who is to be asked: not who reported it, and nobody who is away."""
        return [place for place in self.rpc.well() if self.rpc.endpoints[place].host != reported_by]

    async def _ask(self, step: Step, key: _Key, some: Sequence[CountedByOne], others: Sequence[int]) -> str | None:
        """Asks about what was reported of a block. Returns what contradicts, once that is certain."""
        question, now = self._questions[key], self.clock()
        dues = [DueTransfer(one.sighted, one.recipient) for one in some]
        words, said, unsaid = list[Word](), list[str](), list[str]()
        hosts = self._hosts_besides(key[2])
        needed = 1 if key[2] else min(2, len(hosts))
        for place in others:
            word, why = await self.votes.of(place, key[0], dues)
            if word is Word.AGREES:
                word, why = await self.returns.word_of(place, [one.sighted for one in some])
            words.append(word)
            said += [f"{self.rpc.endpoints[place].host} {why}"] if word in AGAINST else []
            unsaid += [f"{self.rpc.endpoints[place].host}: {why}"] if why and word not in AGAINST else []
            if words.count(Word.AGREES) >= needed:
                break
        word = joint_word(words, needed, len(hosts))
        if word is Word.AGREES:
            step.answered |= {one.transfer_id for one in some}
            return None
        if (word in AGAINST or Word.PARTLY in words) and len(some) > 1:
            self._apart |= {one.transfer_id for one in some}
            return None
        if word is Word.ABSENT:
            question.absent_since = now if question.absent_since is None else question.absent_since
            question.has_differed = now >= question.absent_since + ABSENCE_BELIEVED_SECONDS
        if word in AGAINST and question.has_differed:
            step.answered |= {one.transfer_id for one in some}
            return _contradiction(key, some, "; ".join(said))
        question.unsaid = "; ".join(unsaid) or None
        question.has_differed = word in (Word.DIFFERS, Word.OTHERWISE)
        if any(not self.rpc.endpoints[place].is_suspended(now) for place in others):
            question.tries += 1  # who went away meanwhile is asked as soon as it is back
        longest = ABSENCE_BELIEVED_SECONDS if word in AGAINST else LONGEST_PAUSE_SECONDS
        question.next_at = now + backoff(self.chain.block_seconds, question.tries + 1, longest)
        return None


def joint_word(words: Sequence[Word], needed: int, others: int) -> Word:
    """What some endpoints say together of money that has counted, where `needed` have to agree and there are so many
    `others` than the one that reported it. Who offers no traces has no vote on what contracts sent on."""
    if words.count(Word.AGREES) >= needed:
        return Word.AGREES
    for word in (Word.DIFFERS, Word.OTHERWISE, Word.ABSENT):
        if word in words:
            return word
    if Word.UNTRACED in words and set(words) <= {Word.AGREES, Word.UNTRACED} and len(words) == others:
        return Word.AGREES  # whoever can tell of it does
    return Word.BEHIND if Word.BEHIND in words else Word.SILENT


def _contradiction(key: _Key, some: Sequence[CountedByOne], said: str) -> str:
    """Both answers, and whose money it is."""
    _, block_hash, reported_by, _ = key
    subjects = ", ".join(sorted({one.sighted.subject.id for one in some}))
    return (
        f"{reported_by or 'what was read'} had {spelt([one.sighted for one in some])} in block {block_hash}; {said};"
        f" it has counted already, by that word alone while no other endpoint answered, for {subjects}"
    )
