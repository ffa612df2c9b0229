"""Goes over the transactions that are said to pay, again and again until the chain has settled each of them. Says
what it found; whoever follows the chain commits it.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from coordinator.money import ZERO
from coordinator.payments.observed.observations import Sighting, Stage, Transfer
from coordinator.payments.observed.transfers import Cause
from providers.onchain.blocks.transfers import ChainTransfer, MalformedError
from providers.onchain.chains import Chain, token_amount
from providers.onchain.confirming.claims import (
    ClaimFinding,
    ClaimVerdict,
    Lookup,
    OneEndpoint,
    examine_claim,
    judge_claim,
)
from providers.onchain.confirming.other_chains import FoundElsewhere, found_elsewhere
from providers.onchain.matching.matching import Subject, Watched
from providers.onchain.matching.position import SingleSource
from providers.onchain.nodes.rpc import ChainRpc, FaultyError, RefusedByNodeError
from providers.onchain.quantities import quantity

__all__ = ["Claim", "ClaimRounds", "News", "nothing_of"]

logger = logging.getLogger("bridge.onchain")

# A round costs at most so many looks, however many claims there are.
LOOKUPS_PER_ROUND = 20
# A new claim is looked at with every block, an old one less and less often.
AGE_SHARE = 8
# What is said of a transaction that moves nothing for whoever waits.
FOR_NOTHING = (Stage.FAILED, Stage.DROPPED)
# Of those that are told so by the word of one, so many of the newest are looked into again after a start.
SINGLE_SOURCE_LIMIT = 256
REPLACED = "another transaction of its sender took its place"
FORGOTTEN = "no node knows it any more"
MAY_STILL_COME = f"{FORGOTTEN}; it may be mined all the same until another of its sender has its nonce"


def nothing_of(
    watched: Watched,
    tx_hash: str,
    reason: str | None,
    cause: Cause | None,
    stage: Stage = Stage.FAILED,
    *,
    sender: str | None = None,
) -> Sighting:
    """What is told of a transaction that comes to nothing, and who signed it."""
    nothing = Transfer(transfer_id=tx_hash, asset=watched.symbol, amount=ZERO)
    return Sighting(transfer=nothing, stage=stage, view=0, reason=reason, cause=cause, sender=sender)


@dataclass(slots=True)
class Claim:
    """One transaction that is said to pay, and what was found out so far."""

    watched: Watched
    tx_hash: str
    since_block: int
    checked_block: int = -1
    known_at_block: int | None = None
    """When a node knew it last."""
    sender: str | None = None
    nonce: int = 0
    replaced_at_block: int | None = None
    """The newest block when another transaction of its sender was seen to have its place, on the chain as it is."""
    reported: Stage | None = None
    """What was told of it last."""

    def is_due(self, head: int) -> bool:
        wait = max(1, (self.checked_block - self.since_block) // AGE_SHARE)
        return self.checked_block < 0 or head >= self.checked_block + wait


@dataclass(frozen=True, slots=True)
class News:
    """What a look at a claim found that is worth telling, or that settles it."""

    claim: Claim
    finding: ClaimFinding
    lookup: Lookup
    sighting: Sighting | None = None
    """What is to be told of a transaction that no block holds, or that pays nothing."""
    is_certain: bool = True
    """Whether two endpoints find the same of it, if there are two."""
    elsewhere: FoundElsewhere | None = None
    """What it pays over another chain."""


@dataclass(slots=True)
class ClaimRounds:
    """All claims of one chain that are not settled."""

    rpc: ChainRpc
    chain: Chain
    forgotten_after_blocks: int
    others: Sequence[tuple[Chain, ChainRpc]] = ()
    """The other chains that are followed."""
    _claims: dict[tuple[Subject, str], Claim] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._claims)

    def add(self, watched: Watched, head: int) -> None:
        """Takes up what is claimed for somebody who waits."""
        for tx_hash in watched.claims:
            known_at_block = head if tx_hash in watched.seen else None
            claim = Claim(watched, tx_hash, since_block=head, known_at_block=known_at_block)
            self._claims.setdefault((watched.subject, tx_hash), claim)

    @property
    def single_source(self) -> tuple[SingleSource, ...]:
        """Those that come to nothing by the word of one, until two have said it."""
        found = (
            SingleSource(subject, tx_hash, claim.reported)
            for (subject, tx_hash), claim in self._claims.items()
            if claim.reported in FOR_NOTHING
        )
        return tuple(found)[-SINGLE_SOURCE_LIMIT:]

    def take_up(
        self, recorded: Iterable[SingleSource], watched: Callable[[Subject], Watched | None], head: int
    ) -> None:
        """After a start: those that came to nothing by the word of one are looked into again."""
        for one in recorded:
            waiting = watched(one.subject)
            if waiting is not None:
                claim = Claim(waiting, one.tx_hash, since_block=head, known_at_block=head, reported=one.stage)
                self._claims.setdefault((one.subject, one.tx_hash), claim)

    def reopen(self, watched: Watched, tx_hash: str, head: int) -> None:
        """Takes up a transaction whose block vanished."""
        self._claims[watched.subject, tx_hash] = Claim(watched, tx_hash, since_block=head, known_at_block=head)

    def retain(self, watched: Iterable[Watched]) -> None:
        """Forgets what is claimed for others than these."""
        subjects = {one.subject for one in watched}
        self._claims = {named: claim for named, claim in self._claims.items() if named[0] in subjects}

    def settle(self, claim: Claim) -> None:
        """Looks at it no more."""
        self._claims.pop((claim.watched.subject, claim.tx_hash), None)

    def due(self, head: int) -> Sequence[Claim]:
        """Those to look at now, the longest neglected first."""
        waiting = (claim for claim in self._claims.values() if claim.is_due(head))
        return sorted(waiting, key=lambda claim: claim.checked_block)[:LOOKUPS_PER_ROUND]

    def went_back(self, head: int) -> None:
        """After the chain was reorganised, or has gone back to this head: what took the place of a transaction may be
        gone, and what was seen above the head was never."""
        for claim in self._claims.values():
            claim.replaced_at_block = None
            claim.since_block = min(claim.since_block, head)
            claim.checked_block = min(claim.checked_block, head)
            if claim.known_at_block is not None:
                claim.known_at_block = min(claim.known_at_block, head)

    async def look(self, claim: Claim, head: int, safe: int) -> News | None:
        """Looks at one of them, where the chain has this head and is final up to `safe`. Raises
        ChainUnavailableError, RefusedByNodeError, and MalformedError."""
        claim.checked_block = head  # also if nothing comes of it: then the others are looked at before it
        lookup = await self._examined(claim)
        finding = judge_claim(claim.watched, lookup)
        if lookup.sender is not None:
            claim.known_at_block, claim.sender, claim.nonce = head, lookup.sender, lookup.nonce
        if finding.verdict is ClaimVerdict.UNKNOWN and claim.watched.subject.kind == "payment":
            elsewhere = await found_elsewhere(self.others, claim.watched, claim.tx_hash)
            if elsewhere is not None:
                nothing = nothing_of(claim.watched, claim.tx_hash, elsewhere.said, None)
                return News(claim, finding, lookup, nothing, elsewhere=elsewhere)
        sighting = await self._sighting(claim, finding, head, safe)
        is_certain = True
        if sighting is not None and sighting.stage in FOR_NOTHING:
            said = await self._said(claim, lookup)
            paid_by = next(
                (one for one in said if judge_claim(claim.watched, one).verdict is ClaimVerdict.PAYS), None
            )
            if paid_by is not None:  # what endpoints say of it together decides whether it counts
                claim.reported = None
                return News(claim, judge_claim(claim.watched, paid_by), paid_by)
            words = [judge_claim(claim.watched, one).verdict for one in said]
            is_certain = len(words) >= min(2, len(self.rpc.endpoints))
            is_payment = claim.watched.subject.kind == "payment"
            if any(verdict is not finding.verdict for verdict in words) or not (is_certain or is_payment):
                logger.info("%s: %s: one endpoint alone says it comes to nothing", self.chain.name, claim.tx_hash)
                return None
        if finding.verdict is not ClaimVerdict.PAYS and (sighting is None or sighting.stage is claim.reported):
            if sighting is not None and sighting.stage in FOR_NOTHING and is_certain:
                self.settle(claim)  # it was told by the word of one, and now there are two
            return None
        claim.reported = None if sighting is None else sighting.stage
        return News(claim, finding, lookup, sighting, is_certain)

    async def _examined(self, claim: Claim) -> Lookup:
        """What is known of a transaction: what one endpoint does not know, or has in no block, another one may."""
        lookup = await examine_claim(self.rpc, self.chain, claim.tx_hash, symbol=claim.watched.symbol)
        for place in self.rpc.well() if lookup.block is None and len(self.rpc.endpoints) > 1 else ():
            other = await self._examined_at(claim, place)
            if other is not None and (other.block is not None or lookup.sender is None):
                lookup = other
            if lookup.block is not None:
                break
        return lookup

    async def _said(self, claim: Claim, lookup: Lookup) -> list[Lookup]:
        """What endpoints know of a transaction that comes to nothing by the word of one: all of them of a payout,
        which may be sent again then, and those that are well of a payment."""
        if len(self.rpc.endpoints) < 2:
            return [lookup]
        is_payment = claim.watched.subject.kind == "payment"
        places = self.rpc.well() if is_payment else self.rpc.everybody()
        lookups = [await self._examined_at(claim, place) for place in places]
        return [one for one in lookups if one is not None and not one.is_untraced]

    async def _examined_at(self, claim: Claim, place: int) -> Lookup | None:
        """What one endpoint knows of a transaction; None if it says nothing."""
        one, symbol = OneEndpoint(self.rpc, place), claim.watched.symbol
        try:
            return await examine_claim(one, self.chain, claim.tx_hash, symbol=symbol)
        except FaultyError as error:
            self.rpc.suspend(place, error)
        except MalformedError as error:
            self.rpc.distrust(str(error), place)
        except RefusedByNodeError as error:
            logger.info("%s: %s: %s", self.chain.name, self.rpc.endpoints[place].host, error)
        return None

    async def _sighting(self, claim: Claim, finding: ClaimFinding, head: int, safe: int) -> Sighting | None:
        match finding.verdict:
            case ClaimVerdict.PENDING:
                return next(self._seen(claim, finding.transfers), None)
            case ClaimVerdict.FAILED:
                return nothing_of(claim.watched, claim.tx_hash, finding.reason, finding.cause, sender=claim.sender)
            case ClaimVerdict.UNKNOWN:
                reason = await self._gone(claim, head, safe)
                if reason is None:
                    return None
                cause = Cause.REPLACED if reason == REPLACED else Cause.FORGOTTEN
                return nothing_of(claim.watched, claim.tx_hash, reason, cause, Stage.DROPPED)
        return None

    def _seen(self, claim: Claim, transfers: Sequence[ChainTransfer]) -> Iterator[Sighting]:
        for transfer in transfers:
            amount = token_amount(transfer.token, transfer.units)
            reported = Transfer(transfer_id=claim.tx_hash, asset=transfer.token.symbol, amount=amount)
            yield Sighting(
                transfer=reported,
                stage=Stage.SEEN,
                view=0,
                required_confirmations=self.chain.required_confirmations,
                sender=transfer.sender,
            )

    async def _has_sent(self, sender: str) -> int:
        """How many transactions an account has sent, by whichever of two endpoints knows of fewer, if there are
        two."""
        reported = await self.rpc.call_with_source("eth_getTransactionCount", sender, "latest")
        counts = [reported.answer]
        for place in self.rpc.everybody():
            if place != reported.place and len(counts) < 2:
                try:
                    counts.append(await self.rpc.ask_at(place, "eth_getTransactionCount", sender, "latest"))
                except FaultyError as error:
                    self.rpc.suspend(place, error)
                except RefusedByNodeError:
                    continue
        try:
            return min(map(quantity, counts)) if len(counts) >= min(2, len(self.rpc.endpoints)) else 0
        except ValueError:
            raise MalformedError("the number of an account's transactions is malformed") from None

    async def _gone(self, claim: Claim, head: int, safe: int) -> str | None:
        """Why a transaction that was known will not come any more; None as long as it may. A payout is replaced only
        once that is final: its money may be sent again then."""
        if claim.known_at_block is None:
            return None
        is_payout = claim.watched.subject.kind == "payout"
        if claim.sender is not None and await self._has_sent(claim.sender) > claim.nonce:
            claim.replaced_at_block = head if claim.replaced_at_block is None else claim.replaced_at_block
            return None if is_payout and claim.replaced_at_block > safe else REPLACED
        claim.replaced_at_block = None
        if head - claim.known_at_block < self.forgotten_after_blocks:
            return None
        return MAY_STILL_COME if is_payout else FORGOTTEN
