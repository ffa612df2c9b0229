"""Reports of claims: what becomes of whoever waits, once a transaction that is said to pay was looked into."""

import logging
from dataclasses import dataclass

from coordinator.payments.observed.observations import Stage
from providers.onchain.blocks.transfers import MalformedError
from providers.onchain.chains import Chain
from providers.onchain.confirming.assignments import CAUSES, claimed
from providers.onchain.confirming.claim_rounds import Claim, ClaimRounds, News, nothing_of
from providers.onchain.confirming.claims import ClaimVerdict
from providers.onchain.confirming.corroboration import Corroboration
from providers.onchain.confirming.other_chains import FoundElsewhere
from providers.onchain.confirming.payees import Payees
from providers.onchain.matching.following import joined, sighted
from providers.onchain.matching.matching import FITS_ANOTHER
from providers.onchain.matching.position import Finality, Following, Paying
from providers.onchain.nodes.rpc import RefusedByNodeError
from providers.onchain.steps import Step
from providers.onchain.store import Assigned, ChainStore

__all__ = ["ClaimReports"]

logger = logging.getLogger("bridge.onchain")


@dataclass(frozen=True, slots=True)
class ClaimReports:
    """Takes up what claims on one chain turn out to be."""

    _chain: Chain
    _store: ChainStore
    _claims: ClaimRounds
    _payees: Payees
    _words: Corroboration

    async def look(self, claim: Claim, following: Following, finality: Finality, head: int) -> Step | None:
        """Looks into a claim that is due. Returns what is to be told; None if nothing is. What is wrong with one is
        no reason to leave out the others."""
        try:
            news = await self._claims.look(claim, head, finality.safe(head))
        except (MalformedError, RefusedByNodeError) as error:
            logger.warning("%s: %s cannot be looked into: %s", self._chain.name, claim.tx_hash, error)
            return None
        if news is None:
            return None
        step = Step(following)
        await self._report(step, news, finality, head)
        return step if step.has_news else None

    async def _report(self, step: Step, news: News, finality: Finality, head: int) -> None:
        """Has a step tell what a look at a claim found, where the chain has this head."""
        subject, block = news.claim.watched.subject, news.lookup.block
        if news.finding.verdict is ClaimVerdict.PAYS:
            if block is None or block.number >= step.following.next_number:
                return  # it is told of when its block is followed
            if step.following.canonical.hash_at(block.number) not in (None, block.hash):
                return  # it is in another block than that which is followed
            await self._join(step, news, finality)
            self._claims.settle(news.claim)
        elif news.sighting is not None:
            is_final = block is not None and block.number <= finality.safe(head)
            if subject.kind == "payout" and news.sighting.stage is Stage.FAILED and not is_final:
                news.claim.reported = None
                return  # a payout is not what was asked for only once that is certain
            step.take(sighted(step.following, subject, news.sighting))
            if news.elsewhere is not None:
                await self._list(step, news.elsewhere, subject.id)
            if news.sighting.stage is not Stage.SEEN and news.is_certain:
                self._claims.settle(news.claim)

    async def _list(self, step: Step, found: FoundElsewhere, payment_id: str) -> None:
        """Keeps for a person what came over another chain, unless that has it written down itself."""
        hashes = [one.tx_hash for one in found.transfers]
        known = {one.transfer_id for one in await self._store.recorded(found.chain.name, hashes)}
        reason = f"it came over {found.chain.name}, and {payment_id} is to be paid over {self._chain.name}"
        for one in found.transfers:
            if one.transfer_id not in known:
                step.assign(Assigned(one, found.made_at, None, reason, chain=found.chain.name))

    async def _join(self, step: Step, news: News, finality: Finality) -> None:
        """Takes up transfers in blocks that were followed before anybody claimed them."""
        watched, made_at, found = news.claim.watched, news.lookup.mined_at, news.finding.transfers
        subject = watched.subject
        if made_at is None:
            return
        waiting = await self._store.waiting_at(self._chain.name, [watched.recipient])
        recorded = await self._payees.recorded(step, found)
        free, reason = claimed(watched, found, made_at, waiting, recorded)
        if not free:
            if reason == FITS_ANOTHER:
                self._payees.store_for_review(step, found, made_at, recorded, reason)
            reported = nothing_of(watched, news.claim.tx_hash, reason, CAUSES[reason], sender=news.lookup.sender)
            step.take(sighted(step.following, subject, reported))
            return
        followed = {(one.subject, one.sighting.transfer.transfer_id) for one in step.following.awaited}
        paying = [Paying(subject, one, made_at) for one in free if (subject, one.transfer_id) not in followed]
        for one in paying:
            step.assign(Assigned(one.transfer, made_at, subject))
            self._words.note_source(one.transfer.transfer_id, news.lookup.reported_by)
        if paying:
            confirmed = await self._words.before_final(step, paying, finality, step.following.next_number - 1)
            step.take(joined(step.following, paying, confirmed))
