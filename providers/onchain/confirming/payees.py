"""Payees: for whom the transfers of blocks are, with what cannot be told kept for a person."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from coordinator.payments.observed.transfers import Cause
from providers.onchain.blocks.transfers import ChainTransfer
from providers.onchain.chains import Chain
from providers.onchain.confirming.assignments import Assignments, unrecorded
from providers.onchain.confirming.claim_rounds import nothing_of
from providers.onchain.confirming.corroboration import Corroboration
from providers.onchain.matching.following import joined, sighted
from providers.onchain.matching.matching import DUST, MANY_TRANSFERS, OLDER, Watched, is_dust, is_older
from providers.onchain.matching.position import Finality, Paying
from providers.onchain.reading.scanning import Seen
from providers.onchain.steps import Step
from providers.onchain.store import Assigned, ChainStore, RecordedTransfer

__all__ = ["Payees"]

logger = logging.getLogger("bridge.onchain")


class Payees:
    """Finds them by what is recorded of those who wait."""

    def __init__(self, chain: Chain, store: ChainStore, words: Corroboration) -> None:
        self._chain = chain
        self._store = store
        self._words = words

    async def recorded(self, step: Step, transfers: Iterable[ChainTransfer]) -> list[RecordedTransfer]:
        hashes = sorted({one.tx_hash for one in transfers})
        known = await self._store.recorded(self._chain.name, hashes) if hashes else ()
        return [*known, *step.recorded]

    async def assign(self, step: Step, found: Sequence[Seen], *, is_again: bool = False) -> list[Paying]:
        """Finds out what transfers are for, and keeps what cannot be told for a person. `is_again`: in blocks that
        were read before, when some of those who wait did not wait yet."""
        if not found:
            return []
        name = self._chain.name
        waiting = list(await self._store.waiting_at(name, sorted({seen.transfer.recipient for seen in found})))
        assigning = Assignments(
            [seen.transfer for seen in found], await self.recorded(step, (seen.transfer for seen in found))
        )
        taken = Counter(one.subject for one in step.transfers.values())
        paying = []
        for seen in found:
            transfer = seen.transfer
            candidates = [one for one in waiting if one.recipient == transfer.recipient]
            matched = assigning.assign(transfer, seen.mined_at, candidates)
            subject, reason = matched.subject, matched.reason
            to = next((one for one in candidates if one.subject == subject), None)
            if to is not None and not assigning.is_known(transfer) and is_dust(transfer, to, taken[to.subject]):
                subject, reason = None, DUST
            taken[subject] += 1
            if is_again and reason == OLDER:
                continue
            if subject is not None:
                paying.append(Paying(subject, transfer, seen.mined_at))
                self._words.note_source(transfer.transfer_id, seen.reported_by)
                # A payout that was told by its sender alone has its transfer now.
                waiting = [one for one in waiting if one.subject != subject or subject.kind == "payment" or one.hints]
            else:
                logger.warning("%s: %s to %s is nobody's: %s", name, transfer.tx_hash, transfer.recipient, reason)
                self._report_other_token(step, seen, candidates)
            step.assign(Assigned(transfer, seen.mined_at, subject, reason))
        return paying

    async def missed(self, step: Step, seen: Sequence[Seen]) -> list[Seen]:
        """What was not told of when its block was followed."""
        recorded = await self.recorded(step, [one.transfer for one in seen])
        new = {one.transfer_id for one in unrecorded([one.transfer for one in seen], recorded)}
        # What was nobody's may only have been so by the time that one endpoint gave.
        times = {one.transfer_id: one.mined_at for one in recorded if one.subject is None}
        new |= {one.transfer.transfer_id for one in seen if _is_of_another_time(one, times)}
        return [one for one in seen if one.transfer.transfer_id in new]

    async def take_up(self, step: Step, missed: Sequence[Seen], finality: Finality) -> None:
        """Takes up what was not told of when its block was followed."""
        paying = await self.assign(step, missed, is_again=True)
        for one in paying:
            logger.warning("%s: %s was left out at first", self._chain.name, one.transfer.tx_hash)
        if paying:
            confirmed = await self._words.before_final(step, paying, finality, step.following.next_number - 1)
            step.take(joined(step.following, paying, confirmed))

    def store_for_review(
        self,
        step: Step,
        found: Sequence[ChainTransfer],
        mined_at: datetime,
        recorded: Sequence[RecordedTransfer],
        reason: str,
    ) -> None:
        """Keeps what cannot be told, as far as it was not written down."""
        for one in unrecorded(found, recorded):
            step.assign(Assigned(one, mined_at, None, reason))

    def _report_other_token(self, step: Step, seen: Seen, candidates: Sequence[Watched]) -> None:
        """Tells a payment of money that can only have been meant for it, in a token that it does not take."""
        transfer = seen.transfer
        opened = [
            one
            for one in candidates
            if one.is_open
            and one.transfers < MANY_TRANSFERS
            and one.payer in (None, transfer.sender)
            and not is_older(seen.mined_at, one)
        ]
        if len(opened) == 1 and opened[0].subject.kind == "payment" and opened[0].symbol != transfer.token.symbol:
            reason = f"it carries {transfer.token.symbol}, but {opened[0].symbol} is waited for"
            other = nothing_of(opened[0], transfer.tx_hash, reason, Cause.OTHER_COIN)
            step.take(sighted(step.following, opened[0].subject, other))


def _is_of_another_time(seen: Seen, times: Mapping[str, datetime | None]) -> bool:
    return times.get(seen.transfer.transfer_id) not in (None, seen.mined_at)
