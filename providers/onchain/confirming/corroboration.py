"""Corroboration: before money counts as final, another endpoint than the one that told of it is asked what it has at
that height. Who says something else stops it, unless most endpoints outvote them; who says nothing delays it, but not
for ever.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from coordinator.waits import backoff
from providers.onchain.chains import Chain
from providers.onchain.confirming.returned_transfers import ReturnChecks
from providers.onchain.confirming.second_words import COUNTED_BY_ONE_LIMIT, SecondWords
from providers.onchain.confirming.votes import AGAINST, JointAnswer, Votes
from providers.onchain.confirming.witnesses import DueTransfer, Word
from providers.onchain.matching.following import disowned, due, joined
from providers.onchain.matching.position import CountedByOne, Doubt, Finality, Paying, Sighted
from providers.onchain.nodes.rpc import ChainRpc
from providers.onchain.reading.scanning import Seen
from providers.onchain.steps import Step
from providers.onchain.store import Alarm
from providers.onchain.watchlist import Watchlist

__all__ = [
    "ABSENCE_BELIEVED_SECONDS",
    "CORROBORATION_AWAITED_SECONDS",
    "TOLD_AGAIN_SECONDS",
    "Corroboration",
    "WitnessAnswers",
]

logger = logging.getLogger("bridge.onchain")

# How long money waits for the second of two endpoints while it does not answer, before the word of one counts.
CORROBORATION_AWAITED_SECONDS = 60.0
# An endpoint that has the block and tells no such transfer may still be reading it. After so long it means that.
ABSENCE_BELIEVED_SECONDS = 60.0
# Who did not agree is asked again after a block, then ever later, but no later than this.
LONGEST_PAUSE_SECONDS = 60.0
# One word is not taken for want of a second after fewer tries than this, however long they took.
TRIES = 3
# What is told again after all took it back stays for so long at least, and twice as long each time, up to a day: an
# endpoint that tells of it in one answer and not in another would have it come and go.
TOLD_AGAIN_SECONDS, TOLD_AGAIN_LONGEST_SECONDS = 600.0, 86_400.0
# Of so many it is remembered that all took them back.
DISOWNED_LIMIT = 1_000
WAITS = "it waits for the word of a second endpoint"
CONTRADICTED = "two endpoints contradict each other"
NO_SOURCE = "nobody tells of it any more, and it does not count"


@dataclass(frozen=True, slots=True)
class WitnessAnswers:
    """What became of those that are due."""

    held: Mapping[str, str]
    """Those that are not final yet, by their ids, and why."""
    alarms: tuple[Alarm, ...] = ()
    disowned: frozenset[str] = frozenset()
    """Those of which nobody tells any more, whoever told of them."""
    doubts: tuple[Doubt, ...] = ()
    """Those of which somebody says something else, also before the start."""


_Key = tuple[int, str, int | None, str]
"""What is asked about at once: a block by its number and its hash, which endpoint told of it, if one alone did, and
which transfer in it, where each is asked about by itself."""


@dataclass(slots=True)
class _Question:
    """One question that was not answered in the affirmative yet."""

    since: float
    next_at: float
    tries: int = 0
    absent_since: float | None = None
    """Since when somebody has not had it, nor anybody a word against it."""
    otherwise: str | None = None
    """What was said last that was not the same."""
    unsaid: str | None = None
    """Why nobody said anything of it last, if nobody did."""
    has_differed: bool = False
    """Whether a word was another. While a chain is reorganised two endpoints differ for a moment."""
    is_doubted: bool = False
    """Whether anybody ever said anything else: then silence is no consent."""
    contradiction: str | None = None
    outvoted: str | None = None
    """What was said that was not the same, once most endpoints say that it is, and it counts."""
    is_plain: bool = True
    """Whether nobody said anything but that it is not there yet, or not as deep."""


@dataclass(slots=True)
class Corroboration:
    """Asks for them, and remembers what was said."""

    chain: Chain
    rpc: ChainRpc
    watchlist: Watchlist
    votes: Votes
    returns: ReturnChecks
    second_words: SecondWords
    clock: Callable[[], float]
    _reported_by: dict[str, int] = field(default_factory=dict)
    """Which endpoint told all of a transfer; not known of what was read before the start, or told of by several."""
    _reread: dict[str, Seen] = field(default_factory=dict)
    """What an endpoint told of a transfer that read its block once more."""
    _agreed: set[str] = field(default_factory=set)
    _apart: set[str] = field(default_factory=set)
    """Those that are asked about by themselves, since what was said of all in their block is not true of each."""
    _questions: dict[_Key, _Question] = field(default_factory=dict)
    _by_one: dict[str, str | None] = field(default_factory=dict)
    """Those that count by the word of one, and whose."""
    _disowned: dict[str, int] = field(default_factory=dict)
    """How often all took back what they had told of."""

    @property
    def waiting(self) -> str | None:
        """What is waited for now, or what contradicts, for a person to read."""
        if not self._questions:
            return self.returns.waiting
        key, question = min(self._questions.items(), key=lambda one: (one[0][0], one[1].contradiction is None))
        number = key[0]
        if question.contradiction is not None:
            return f"two endpoints contradict each other about block {number}: {question.contradiction}"
        why = "" if question.unsaid is None else f" ({question.unsaid})"
        waits = f"money in block {number} waits for the word of a second endpoint{why}"
        if self.second_words.has_room(self._by_one):
            return waits
        return f"{waits}, since {COUNTED_BY_ONE_LIMIT} transfers have counted by the word of one"

    def note_source(self, transfer_id: str, place: int | None) -> None:
        """Remembers who told all of a transfer; None if several told parts of it."""
        self._reported_by.pop(transfer_id, None)
        if place is not None:
            self._reported_by[transfer_id] = place

    def source_of(self, transfer_id: str) -> int | None:
        """Who told all of a transfer, if that is known and one did alone."""
        return self._reported_by.get(transfer_id)

    def note_again(self, place: int, blocks: range, seen: Iterable[Seen]) -> None:
        """Remembers all that an endpoint told of what is awaited in blocks that it read once more."""
        self._reread = {
            name: one
            for name, one in self._reread.items()
            if one.reported_by != place or one.transfer.block.number not in blocks
        }
        self._reread |= {one.transfer.transfer_id: one for one in seen}

    def agree(self, transfer_ids: Iterable[str]) -> None:
        """Remembers that two endpoints have told of transfers."""
        self._agreed |= set(transfer_ids)

    def forget_others(self, transfer_ids: Iterable[str]) -> None:
        """Forgets all transfers but these."""
        retained = set(transfer_ids)
        self._reported_by = {name: place for name, place in self._reported_by.items() if name in retained}
        self._reread = {name: one for name, one in self._reread.items() if name in retained}
        self._agreed &= retained
        self._by_one = {name: host for name, host in self._by_one.items() if name in retained}
        self._apart &= retained

    async def before_final(self, step: Step, paying: Sequence[Paying], finality: Finality, head: int) -> Finality:
        """Asks about the money that is deep enough at this head: what is awaited, and what is about to be. Returns
        what is final with it, and has the step raise the alarm where two endpoints contradict each other."""
        new = joined(step.following, paying, finality)[1]
        to = {one.transfer.transfer_id: one.transfer.recipient for one in paying}
        deep = due((*step.following.awaited, *new), finality.safe(head))
        dues = [DueTransfer(one, self._recipient(one, to)) for one in deep]
        answers = await self.ask_witnesses(dues, step.following.doubts)
        step.alarms += answers.alarms
        step.take(disowned(step.following, answers.disowned))
        step.forgotten |= answers.disowned
        counting = [one for one in deep if one.sighting.transfer.transfer_id not in answers.held]
        back = await self.returns.check(counting, step.following.doubts)
        step.alarms += back.alarms
        by_one = {**back.by_one, **self._by_one}
        step.counted_by_one += [
            CountedByOne(one.sighted, one.recipient, by_one[one.transfer_id])
            for one in dues
            if one.transfer_id in by_one and one.transfer_id not in {*answers.held, *back.held, *back.undone}
        ]
        doubts = (*answers.doubts, *back.doubts)
        self._retain_doubts(step, dues, doubts, oldest=head - finality.depth)
        return replace(finality, held={**answers.held, **back.held}, undone=back.undone)

    def _retain_doubts(self, step: Step, dues: Sequence[DueTransfer], new: Sequence[Doubt], *, oldest: int) -> None:
        """Keeps the doubts with how far the chain is followed, so that they outlive a restart and a change of the
        configuration; the list of a person loses what they agree about now."""
        asked = {one.transfer_id for one in dues}
        awaited = {one.sighting.transfer.transfer_id for one in step.following.awaited}
        others = [
            one
            for one in step.following.doubts
            if one.transfer_id not in asked and (one.transfer_id in awaited or one.block_number > oldest)
        ]
        was_contradicted = {one.block_number for one in step.following.doubts if one.contradiction is not None}
        doubts = (*others, *new)
        disputed = {one.block_number for one in doubts} | {one.block_number for one in step.alarms}
        disputed |= set(self.second_words.alarms)
        agreed = {number for one in dues if one.transfer_id in self._agreed for number in one.block[:1]}
        step.agreed_blocks |= (was_contradicted & agreed) - disputed
        step.following = replace(step.following, doubts=doubts)

    def _recipient(self, sighted: Sighted, to: Mapping[str, str]) -> str | None:
        watched = self.watchlist.get(sighted.subject)
        return to.get(sighted.sighting.transfer.transfer_id, None if watched is None else watched.recipient)

    async def ask_witnesses(self, deep: Sequence[DueTransfer], doubts: Sequence[Doubt] = ()) -> WitnessAnswers:
        """Asks about those that nobody has agreed to yet, with one question for what one endpoint told of a block, or
        one for each of them where that is not what the other one has."""
        self.votes.witnesses.traced.begin()
        doubted = {one.transfer_id: one for one in doubts}
        open_ones = [one for one in deep if not self._is_certain(one, doubted)]
        held: dict[str, str] = {}
        gone: set[str] = set()
        answers: dict[int, list[str]] = {}
        news: set[int] = set()
        retained: list[Doubt] = []
        asked = set()
        groups = deque(list(group) for _, group in groupby(sorted(open_ones, key=self._sorting), key=self._key))
        while groups:
            some = groups.popleft()
            key = self._key(some[0])
            asked.add(key)
            question = self._question(key, [doubted[one.transfer_id] for one in some if one.transfer_id in doubted])
            before = question.contradiction
            if self.clock() >= question.next_at:
                has_differed = question.has_differed
                if not await self._put(question, key, some):
                    self._apart |= {one.transfer_id for one in some}
                    groups.extend([one] for one in some)
                    continue
                if has_differed and question.has_differed and await self._is_disowned(question, some):
                    gone |= {one.transfer_id for one in some}
                    self._note_disowned(some)
                    if question.contradiction is not None:
                        answers.setdefault(key[0], []).append(f"{question.contradiction}; {NO_SOURCE}")
                        news.add(key[0])
                    self._questions.pop(key, None)
                if question.outvoted is not None:
                    answers.setdefault(key[0], []).append(question.outvoted)
                    news.add(key[0])
            if key not in self._questions:
                continue
            if question.is_doubted:
                said = question.contradiction
                retained += [Doubt(one.transfer_id, key[0], said) for one in some]
            if question.contradiction is not None:
                held |= dict.fromkeys((one.transfer_id for one in some), CONTRADICTED)
                answers.setdefault(key[0], []).append(_stopping(question.contradiction, some))
                news |= {key[0]} if before is None else set()
            else:
                held |= dict.fromkeys((one.transfer_id for one in some), WAITS)
        self._questions = {key: one for key, one in self._questions.items() if key in asked}
        alarms = tuple(self._alarm(number, answers[number]) for number in sorted(news))
        return WitnessAnswers(held, alarms, frozenset(gone), tuple(retained))

    def _is_certain(self, due: DueTransfer, doubted: Mapping[str, Doubt]) -> bool:
        """Whether nobody has to be asked: two have said it, or the only one that there is, since it was started."""
        if due.transfer_id in self._agreed:
            return True
        is_only = len(self.rpc.endpoints) == 1 and due.transfer_id in self._reported_by
        return is_only and due.transfer_id not in doubted

    def _question(self, key: _Key, doubts: Sequence[Doubt]) -> _Question:
        """What is asked about them, as it was left when they were asked about last."""
        contradiction = next((one.contradiction for one in doubts if one.contradiction is not None), None)
        question = self._questions.setdefault(key, _Question(self.clock(), self.clock()))
        question.is_plain = question.is_plain and (question.is_doubted or not doubts)
        question.is_doubted = question.is_doubted or bool(doubts)
        question.has_differed = question.has_differed or contradiction is not None
        question.contradiction = question.contradiction or contradiction
        return question

    async def _is_disowned(self, question: _Question, some: Sequence[DueTransfer]) -> bool:
        """Whether all endpoints that can tell of it say something else, also the one that told of it. What they took
        back before, and was told again, is not believed to be gone so soon."""
        times = max(self._disowned.get(one.transfer_id, 0) for one in some)
        if times and self.clock() < question.since + backoff(TOLD_AGAIN_SECONDS, times, TOLD_AGAIN_LONGEST_SECONDS):
            return False
        number, _ = some[0].block
        words = {(await self.votes.of(place, number, some))[0] for place in self.rpc.everybody()} - {Word.UNTRACED}
        return len(words) > 0 and words <= AGAINST

    def _note_disowned(self, some: Sequence[DueTransfer]) -> None:
        for one in some:
            self._disowned[one.transfer_id] = self._disowned.pop(one.transfer_id, 0) + 1
        for oldest in list(self._disowned)[:-DISOWNED_LIMIT]:
            del self._disowned[oldest]

    def _key(self, due: DueTransfer) -> _Key:
        alone = due.transfer_id if due.transfer_id in self._apart else ""
        return *due.block, self._reported_by.get(due.transfer_id), alone

    def _sorting(self, due: DueTransfer) -> tuple[int, str, int, str]:
        number, block_hash, place, alone = self._key(due)
        return number, block_hash, -1 if place is None else place, alone

    async def _put(self, question: _Question, key: _Key, some: Sequence[DueTransfer]) -> bool:
        """Asks about them. Returns whether they can be asked about together: what is wrong with one of them is no
        reason to stop the others."""
        number, _, reported_by, _ = key
        reread = self._reread if question.is_plain and question.tries < TRIES else {}
        answer = await self.votes.take(reported_by, some, reread)
        word, said = answer.word, answer.said
        has_parts = word in (Word.OTHERWISE, Word.ABSENT) or answer.is_in_parts
        if has_parts and len(some) > 1:
            return False
        question.is_plain = question.is_plain and word is Word.BEHIND
        question.unsaid = (said or None) if word is Word.SILENT else None
        now = self.clock()
        question.tries += 1
        question.next_at = now + backoff(self.chain.block_seconds, question.tries, LONGEST_PAUSE_SECONDS)
        if word is Word.AGREES:
            self._take_up(answer, question, key, some)
            return True
        is_late = now >= question.since + CORROBORATION_AWAITED_SECONDS and question.tries >= TRIES
        if word is not Word.SILENT:
            question.is_doubted, question.otherwise = True, said
        if word in (Word.ABSENT, Word.BEHIND):
            question.absent_since = now if question.absent_since is None else question.absent_since
            if now >= question.absent_since + self._patience_seconds(word):
                word, question.has_differed = Word.DIFFERS, True
        if word is Word.SILENT and is_late and question.is_doubted and question.contradiction is None:
            question.contradiction = question.otherwise or f"something else was said before; {said}"
        if word in (Word.DIFFERS, Word.OTHERWISE):
            question.contradiction = said if question.has_differed else question.contradiction
            question.has_differed = True
        may_count = self.chain.counts_by_one and self.second_words.has_room(self._by_one)
        if word is Word.SILENT and is_late and may_count and answer.is_reported and not question.is_doubted:
            why = f"money in block {number} counts by the word of one endpoint, since no other one answers ({said})"
            logger.error("%s: %s; it is asked about again", self.chain.name, why)
            self._by_one |= {one.transfer_id: answer.reported_by_alone for one in some}
            self._count(key, some)
        return True

    def _take_up(self, answer: JointAnswer, question: _Question, key: _Key, some: Sequence[DueTransfer]) -> None:
        """After enough have agreed: at once, but where somebody is outvoted once that was said twice, since endpoints
        differ for a moment while a chain is reorganised."""
        if answer.outvoted and not question.has_differed:
            question.has_differed = True
            return
        for place in answer.outvoted:
            question.outvoted = answer.said
            self.rpc.distrust(answer.said, place)
        self._count(key, some)

    def _count(self, key: _Key, some: Sequence[DueTransfer]) -> None:
        self.agree(one.transfer_id for one in some)
        del self._questions[key]

    def _patience_seconds(self, word: Word) -> float:
        """How long an endpoint may not have what another one tells of, before it means that."""
        depth = self.chain.required_confirmations or 1
        return ABSENCE_BELIEVED_SECONDS + (depth * self.chain.block_seconds if word is Word.BEHIND else 0)

    def _alarm(self, number: int, answers: Sequence[str]) -> Alarm:
        """All that endpoints contradict each other in about a block."""
        message = "; ".join((*answers, *self.second_words.alarms.get(number, ())))
        logger.critical("%s: block %d: %s", self.chain.name, number, message)
        return Alarm("contradicted", number, message)


def _stopping(contradiction: str, some: Sequence[DueTransfer]) -> str:
    subjects = ", ".join(sorted({one.sighted.subject.id for one in some}))
    return f"{contradiction}; it stops {subjects}"
