"""Votes: what the endpoints of a chain say together of money that is deep enough. Where all that are asked agree, two
words are enough; where one says otherwise, it takes more than half of all that there are. Who offers no traces has no
vote on what contracts sent on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from coordinator.money import format_amount
from providers.onchain.chains import Chain
from providers.onchain.confirming.witnesses import DueTransfer, Witnesses, Word
from providers.onchain.matching.position import Sighted
from providers.onchain.nodes.rpc import ChainRpc, FaultyError, RefusedByNodeError
from providers.onchain.reading.scanning import Seen

__all__ = ["AGAINST", "JointAnswer", "Votes", "majority", "spelt"]

# What is no word for it: another block or another time, something else in the block, or nothing of it.
AGAINST = frozenset({Word.DIFFERS, Word.OTHERWISE, Word.ABSENT})


@dataclass(frozen=True, slots=True)
class JointAnswer:
    """What those say who were asked."""

    word: Word
    said: str = ""
    """What was not the same, or why nobody says anything."""
    is_reported: bool = True
    """Whether anybody at all of those that there are tells of it."""
    outvoted: tuple[int, ...] = ()
    """Who says otherwise than most of them, which agree."""
    is_in_parts: bool = False
    """Whether somebody can tell of one part and not of another, as of what contracts sent on without traces, so that
    each is to be asked about by itself."""
    reported_by_alone: str | None = None
    """The host of the only one that tells of it, where nobody says anything else."""


@dataclass(frozen=True, slots=True)
class Votes:
    """Asks for them."""

    chain: Chain
    rpc: ChainRpc
    witnesses: Witnesses

    async def take(
        self, reported_by: int | None, some: Sequence[DueTransfer], reread: Mapping[str, Seen]
    ) -> JointAnswer:
        """What endpoints say; `reread` is what counts of what was read again. Where it is not known who reported it,
        two have to agree, or the only one that there is."""
        endpoints, places = self.rpc.endpoints, self.rpc.everybody()
        agreeing, untraced, silent, behind = list[str](), list[str](), list[str](), list[str]()
        is_in_parts = False
        against: dict[int, tuple[Word, str]] = {}
        needed = at_least = min(2, len(endpoints))
        number, block_hash = some[0].block
        for asked, place in enumerate(places, 1):
            host = endpoints[place].host
            is_teller = place == reported_by and at_least == 2  # who reported it is asked how deep it is there
            word, said = await self.of(place, number, () if is_teller else some, reread)
            if word in AGAINST:
                against[place] = word, f"{host} {said}"
                needed = max(at_least, majority(len(endpoints)))
            agreeing += [host] if word is Word.AGREES else []
            untraced += [f"{host}: {said}"] if word is Word.UNTRACED else []
            silent += [f"{host}: {said}"] if word in (Word.SILENT, Word.PARTLY) else []
            behind += [f"{host} {said}"] if word is Word.BEHIND else []
            is_in_parts = is_in_parts or word in (Word.UNTRACED, Word.PARTLY)
            if len(agreeing) >= needed or (against and len(agreeing) + len(places) - asked < needed):
                break
        teller = "what was read" if reported_by is None else endpoints[reported_by].host
        own = f"{teller} has {spelt([one.sighted for one in some])} in block {block_hash}"
        differing = "; ".join(said for _, said in against.values())
        is_reported = reported_by is not None or len(agreeing) > 0
        if len(agreeing) >= needed:
            said = f"{own}; {differing}; {' and '.join(agreeing)} have it, and it counts" if against else ""
            return JointAnswer(Word.AGREES, said, outvoted=tuple(against))
        if against:
            word = next((word for word, _ in against.values() if word is not Word.ABSENT), Word.ABSENT)
            return JointAnswer(word, f"{own}; {differing}", is_reported, is_in_parts=is_in_parts)
        if behind:
            return JointAnswer(Word.BEHIND, f"{own}; {behind[0]}", is_reported, is_in_parts=is_in_parts)
        if agreeing and untraced and not silent:
            return JointAnswer(Word.AGREES)  # whoever can tell of it does
        reported_by_alone = next(iter(agreeing), None) if reported_by is None else teller
        said = "; ".join((*silent, *untraced))
        return JointAnswer(
            Word.SILENT, said, is_reported, is_in_parts=is_in_parts, reported_by_alone=reported_by_alone
        )

    async def of(
        self, place: int, number: int, some: Sequence[DueTransfer], reread: Mapping[str, Seen] | None = None
    ) -> tuple[Word, str]:
        """What one endpoint says of money in that block, and of how deep it is."""
        not_deep = f"does not show it {self.chain.required_confirmations} deep"
        try:
            stood = await self.witnesses.stands_by(place, some, reread) if some and reread else None
            if stood is not None:
                return stood, "" if stood is Word.AGREES else not_deep
            word, said = await self.witnesses.word_of(place, some)
            if word in (Word.AGREES, Word.UNTRACED) and not await self.witnesses.is_deep(place, number):
                return Word.BEHIND, not_deep
            return word, said
        except FaultyError as error:
            self.rpc.suspend(place, error)
            return Word.SILENT, str(error)
        except RefusedByNodeError as error:
            return Word.SILENT, str(error)

    async def are_deep(self, places: Iterable[int], number: int) -> bool:
        """Whether each of these endpoints shows a block as deep as money in it has to be."""
        return all([(await self.of(place, number, ()))[0] is Word.AGREES for place in places])


def majority(endpoints: int) -> int:
    """More than half of them."""
    return endpoints // 2 + 1


def spelt(some: Iterable[Sighted]) -> str:
    """How much it is, and in which transactions."""
    transfers = (one.sighting.transfer for one in some)
    return ", ".join(f"{format_amount(one.amount)} {one.asset} ({one.tx_hash})" for one in transfers)
