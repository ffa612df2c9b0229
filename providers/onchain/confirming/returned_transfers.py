"""Returned transfers: what the destination of a payout gave back within the transaction that paid it: what it is left
with is paid, by the word of two endpoints where two are configured."""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from coordinator.waits import backoff
from providers.onchain.blocks.transfers import MalformedError
from providers.onchain.chains import Chain, Token, token_amount
from providers.onchain.confirming.claims import OneEndpoint, examine_claim
from providers.onchain.confirming.votes import majority
from providers.onchain.confirming.witnesses import Word
from providers.onchain.matching.position import Doubt, Sighted
from providers.onchain.nodes.rpc import ChainRpc, FaultyError, RefusedByNodeError
from providers.onchain.store import Alarm
from providers.onchain.watchlist import Watchlist

__all__ = ["RETURNS_AWAITED_SECONDS", "ReturnChecks", "ReturnedTransfers"]

logger = logging.getLogger("bridge.onchain")

# How long a payout waits for the second of two endpoints, and how often that is asked at least, before the word of
# one counts.
RETURNS_AWAITED_SECONDS = 60.0
TRIES = 3
LONGEST_PAUSE_SECONDS = 60.0
UNREAD = "what its destination gave back in its transaction cannot be read yet"
DIFFERENT = "two endpoints say different things of what its destination gave back in its transaction"

_Key = tuple[str, str, str]
"""The transaction, who was paid by it, and in which token."""


@dataclass(frozen=True, slots=True)
class ReturnedTransfers:
    """What is known of it before payouts count as paid."""

    held: dict[str, str] = field(default_factory=dict)
    """Transfers of which it is not known yet, by their ids, and why."""
    undone: dict[str, str] = field(default_factory=dict)
    """Those that left less at their destination than they were to, and how much."""
    doubts: list[Doubt] = field(default_factory=list)
    """Those of which two endpoints say different things, also before the start."""
    alarms: list[Alarm] = field(default_factory=list)
    by_one: dict[str, str] = field(default_factory=dict)
    """Those of which one endpoint alone says that nothing was given back, while no other one answers, and which."""


@dataclass(frozen=True, slots=True)
class _Moved:
    """What moved in a transaction, in base units."""

    came: int
    back: int
    is_untraced: bool = field(default=False, compare=False)
    """Whether what contracts sent on of the chain's own coin is not among it, since it was not shown."""


@dataclass(slots=True)
class _Question:
    """What two endpoints have not said alike yet."""

    since: float
    next_at: float
    tries: int = 0
    has_differed: bool = False
    contradiction: str | None = None
    outvoted: str | None = None
    """What endpoints say, once most of them say the same, and that counts."""
    by_one: str | None = None
    """Whose word counts alone."""


@dataclass(slots=True)
class ReturnChecks:
    """Asks about the transactions of payouts. What contracts send on of the chain's own coin is known only where a
    node shows it."""

    chain: Chain
    rpc: ChainRpc
    watchlist: Watchlist
    clock: Callable[[], float]
    _questions: dict[_Key, _Question] = field(default_factory=dict)

    @property
    def waiting(self) -> str | None:
        """What payouts wait for, for a person to read."""
        said = [one.contradiction for one in self._questions.values() if one.contradiction is not None]
        if said:
            return f"two endpoints contradict each other: {said[0]}"
        if self._questions:
            return "a payout waits for two endpoints to say what its destination gave back"
        return None

    async def check(self, due: Iterable[Sighted], doubts: Iterable[Doubt]) -> ReturnedTransfers:
        """Asks about the payouts among what is about to be final."""
        found = ReturnedTransfers()
        doubted = {one.transfer_id: one.contradiction for one in doubts}
        groups = self._of_payouts(due)
        self._questions = {key: one for key, one in self._questions.items() if key in groups}
        for key, some in groups.items():
            await self._check(found, key, some, doubted)
        return found

    async def _check(
        self, found: ReturnedTransfers, key: _Key, some: Sequence[Sighted], doubted: Mapping[str, str | None]
    ) -> None:
        now, ids = self.clock(), [one.sighting.transfer.transfer_id for one in some]
        question = self._questions.setdefault(key, _Question(now, now))
        question.contradiction = question.contradiction or next(filter(None, map(doubted.get, ids)), None)
        question.has_differed = question.has_differed or question.contradiction is not None
        was_contradicted = question.contradiction is not None
        moved = await self._agreed(question, key, some) if now >= question.next_at else None
        token, asked_for = self.chain.token(key[2]), self._asked_for(some)
        if moved is not None and token is not None:
            del self._questions[key]
            if question.outvoted is not None:
                found.alarms.append(self._alarm(some, question.outvoted))
            if question.by_one is not None:
                found.by_one.update(dict.fromkeys(ids, question.by_one))
            if moved.back and moved.came - moved.back < asked_for:
                found.undone.update(dict.fromkeys(ids, _said(token, moved)))
            return
        found.held.update(dict.fromkeys(ids, DIFFERENT if question.has_differed else UNREAD))
        if question.contradiction is None:
            return
        number = some[0].sighting.block_number or 0
        found.doubts.extend(Doubt(one, number, question.contradiction) for one in ids)
        if not was_contradicted:
            found.alarms.append(self._alarm(some, question.contradiction))

    def _of_payouts(self, some: Iterable[Sighted]) -> Mapping[_Key, list[Sighted]]:
        groups: dict[_Key, list[Sighted]] = defaultdict(list)
        for one in some:
            watched = self.watchlist.get(one.subject)
            if one.subject.kind == "payout" and watched is not None:
                groups[one.sighting.transfer.tx_hash, watched.recipient, watched.symbol].append(one)
        return groups

    def _alarm(self, some: Sequence[Sighted], said: str) -> Alarm:
        number = some[0].sighting.block_number or 0
        logger.critical("%s: block %d: %s", self.chain.name, number, said)
        return Alarm("contradicted", number, said)

    def _asked_for(self, some: Sequence[Sighted]) -> int:
        subjects = {one.subject: self.watchlist.get(one.subject) for one in some}
        return sum(one.units for one in subjects.values() if one is not None)

    async def _agreed(self, question: _Question, key: _Key, some: Sequence[Sighted]) -> _Moved | None:
        """What two endpoints say alike, or most of them where they differ, or one where no other one answers for
        long; None if that is not known yet."""
        known: dict[str, _Moved] = {}
        needed = min(2, len(self.rpc.endpoints))
        for place in self.rpc.everybody():
            is_enough = len(known) >= needed and len(set(known.values())) == 1
            moved = None if is_enough else await self._moved(place, key)
            if moved is not None:
                known[self.rpc.endpoints[place].host] = moved
        now = self.clock()
        question.tries += 1
        question.next_at = now + backoff(self.chain.block_seconds, question.tries, LONGEST_PAUSE_SECONDS)
        if len(set(known.values())) > 1:  # who shows less says nothing against who shows more
            known = {host: one for host, one in known.items() if not one.is_untraced}
        if len(set(known.values())) > 1:
            return self._outvoting(question, key, known, some)
        first = next(iter(known.values()), None)
        if first is not None and len(known) >= needed:
            return first
        is_late = now >= question.since + RETURNS_AWAITED_SECONDS and question.tries >= TRIES
        # Whoever learns that it was not paid may pay again, so that two have to say so.
        is_enough = is_late and self.chain.counts_by_one
        if first is None or first.back or not is_enough or question.has_differed:
            return None
        why = (
            f"that nothing was given back in {key[0]} counts by the word of one endpoint, since no other one says it"
        )
        question.by_one = next(iter(known))
        logger.error("%s: %s; it is asked about again", self.chain.name, why)
        return first

    def _outvoting(
        self, question: _Question, key: _Key, known: Mapping[str, _Moved], some: Sequence[Sighted]
    ) -> _Moved | None:
        """What most endpoints say where they differ, and did when they were asked before; None if no such number
        does."""
        is_certain, question.has_differed = question.has_differed, True
        [(most, votes)] = Counter(known.values()).most_common(1)
        is_outvoting = votes >= majority(len(self.rpc.endpoints))
        if is_certain and is_outvoting:
            question.outvoted = f"{self._contradiction(key, known)}; what most say counts"
            return most
        if is_certain and question.contradiction is None and not is_outvoting:
            stopped = ", ".join(sorted({one.subject.id for one in some}))
            question.contradiction = f"{self._contradiction(key, known)}; it stops {stopped}"
        return None

    def _contradiction(self, key: _Key, known: Mapping[str, _Moved]) -> str:
        tx_hash, recipient, symbol = key
        token = self.chain.token(symbol)
        said = [
            f"{host} says that {token_amount(token, one.came):f} {symbol} came to {recipient}"
            f" and {token_amount(token, one.back):f} went back"
            for host, one in known.items()
            if token is not None
        ]
        return f"of {tx_hash} {'; '.join(said)}"

    async def word_of(self, place: int, some: Iterable[Sighted]) -> tuple[Word, str]:
        """What one endpoint says of what was given back of payouts that have counted. Raises nothing."""
        for key, of_key in self._of_payouts(some).items():
            moved, token = await self._moved(place, key), self.chain.token(key[2])
            if moved is None:
                return Word.SILENT, f"it does not show what was given back in {key[0]}"
            if token is not None and moved.back and moved.came - moved.back < self._asked_for(of_key):
                return Word.OTHERWISE, f"says that {_said(token, moved)}"
        return Word.AGREES, ""

    async def _moved(self, place: int, key: _Key) -> _Moved | None:
        """By this endpoint, to the recipient and from there; None if it cannot be read."""
        tx_hash, recipient, symbol = key
        try:
            lookup = await examine_claim(OneEndpoint(self.rpc, place), self.chain, tx_hash, symbol=symbol)
        except FaultyError as error:
            self.rpc.suspend(place, error)
            return None
        except (RefusedByNodeError, MalformedError) as error:
            logger.warning("%s: %s cannot be looked into: %s", self.chain.name, tx_hash, error)
            return None
        if lookup.block is None:
            return None
        of_token = [one for one in lookup.transfers if one.token.symbol == symbol]
        came = sum(one.units for one in of_token if one.recipient == recipient)
        back = sum(one.units for one in of_token if one.sender == recipient)
        return _Moved(came, back, lookup.is_untraced)


def _said(token: Token, moved: _Moved) -> str:
    left = token_amount(token, max(moved.came - moved.back, 0))
    return (
        f"its destination gave back {token_amount(token, moved.back):f} of {token_amount(token, moved.came):f}"
        f" {token.symbol} in the same transaction, which leaves {left:f}"
    )
