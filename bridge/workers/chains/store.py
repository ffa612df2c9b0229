"""Stores the followers' records in the journal: what they see is committed together with what it changes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from pydantic import TypeAdapter

from bridge.journal import ChainCommit, Journal, StagedTransfer, UnreadableRowError
from bridge.workers.chains.last_checks import PAGE, LastChecks
from coordinator.batched import batched
from coordinator.money import base_units
from coordinator.payments.observed.observations import Sighting, Stage
from coordinator.payments.observed.transfers import transfer_key
from coordinator.payments.payments import OPEN_STATUSES, Payment
from coordinator.payouts.payouts import Payout
from providers.onchain.chains import Chain, token_amount
from providers.onchain.matching.matching import FITS_ANOTHER, NOBODYS_BEFORE, Subject, Watched
from providers.onchain.matching.payment_requests import PROVIDER
from providers.onchain.matching.position import Following
from providers.onchain.store import Assigned, ChainStep, RecordedTransfer

__all__ = ["JournalChainStore", "watched_payment", "watched_payout"]

# Whoever came so long before the last look is looked at once more: the clocks of those that share a journal differ by
# milliseconds, and that of a machine may be set back.
ASKED_TWICE_FOR = timedelta(seconds=90)
_FOLLOWING = TypeAdapter(Following)
SETTLED_BY_BLOCKS = (Stage.MINED, Stage.FINAL, Stage.FAILED, Stage.DROPPED)
# Reasons why a transaction counts for nothing although a person may still assign it to its payment.
REPORTED_BY_A_PERSON = (FITS_ANOTHER, NOBODYS_BEFORE)


def watched_payment(chain: Chain, payment: Payment) -> Watched | None:
    """What a follower knows of a payment; None if the payment waits for nothing on the chain."""
    token = chain.token(payment.currency)
    if payment.direct is None or token is None:
        return None
    claims, seen = _claims(payment.facts.hints, payment.facts.sightings, payment.facts.found_hints)
    return Watched(
        subject=Subject("payment", payment.payment_id),
        recipient=payment.direct.recipient,
        symbol=token.symbol,
        units=base_units(payment.amount, token.decimals),
        since=payment.created_at,
        payer=payment.direct.payer,
        hints=payment.facts.hints,
        given=payment.facts.found_hints,
        claims=claims,
        seen=seen,
        is_open=payment.status in OPEN_STATUSES,
        transfers=len(payment.facts.sightings),
    )


def watched_payout(chain: Chain, payout: Payout) -> Watched | None:
    """What a follower knows of a payout; None if its coin is not on the chain."""
    is_own = payout.provider == PROVIDER  # the marketplace's own wallet calls coins as the chain does
    token = chain.token(payout.coin) if is_own else chain.token_of(payout.provider, payout.coin)
    if token is None:
        return None
    # Providers write hashes in capitals, or without the prefix that marks them as hexadecimal.
    hashes = frozenset(f"0x{transfer_key(tx_hash)}" for tx_hash in payout.facts.tx_hashes)
    claims, seen = _claims(hashes, payout.facts.sightings)
    return Watched(
        subject=Subject("payout", payout.payout_id),
        recipient=payout.destination,
        symbol=token.symbol,
        units=base_units(payout.amount, token.decimals),
        since=payout.created_at,
        payer=payout.sender,
        hints=hashes,
        claims=claims,
        seen=seen,
        is_open=not payout.is_settled,
        senders=_senders(payout),
    )


def _senders(payout: Payout) -> frozenset[str]:
    """The wallets that are to send a payout, or whose transfers carry it."""
    carrying = payout.sighted(Stage.MINED, Stage.FINAL)
    return frozenset(one for one in (payout.sender, *(sighting.sender for sighting in carrying)) if one is not None)


def _claims(
    hints: frozenset[str], sightings: Sequence[Sighting], given: frozenset[str] = frozenset()
) -> tuple[frozenset[str], frozenset[str]]:
    """Which transactions are still to be examined, and which of them were seen once. One that only a person could
    decide is examined again once a person has decided."""
    reported = {one.transfer.transfer_id.partition("@")[0] for one in sightings}
    found = {one.partition("#")[0] for one in given}
    refused = {one.transfer.transfer_id for one in sightings if one.reason not in (None, *REPORTED_BY_A_PERSON)}
    still_given = {one.partition("#")[0] for one in given if "#" in one and one not in reported} - refused
    settled = {
        one.transfer.tx_hash
        for one in sightings
        if one.stage in SETTLED_BY_BLOCKS
        and not (one.reason in REPORTED_BY_A_PERSON and one.transfer.tx_hash in found)
    }
    lost = {one.transfer.tx_hash for one in sightings} - settled
    return frozenset((hints - settled) | lost | still_given), frozenset(lost)


@dataclass(slots=True)
class _Reading:
    """What was looked at last of a chain."""

    told: str = ""
    """The moves of payments, as the journal told of them."""
    payouts: LastChecks = field(default_factory=LastChecks)


class JournalChainStore:
    """The store of all followers. What has ended is watched for some days more, since money may still come for it."""

    def __init__(self, journal: Journal, chains: Mapping[str, Chain], *, days: int) -> None:
        self._journal = journal
        self._chains = chains
        self._watched_on = timedelta(days=days)
        self._left: dict[str, str | None] = {}
        """Where each chain is followed to, as it was read or written here."""
        self._asked_at: dict[str, datetime] = {}
        """When it was last asked who waits on each."""
        self._readings: defaultdict[str, _Reading] = defaultdict(_Reading)

    async def following(self, chain: str) -> Following | None:
        found = self._left[chain] = await self._journal.chains.following(chain)
        return None if found is None else _FOLLOWING.validate_json(found)

    async def watched(self, chain: str) -> Sequence[Watched]:
        now, of = self._journal.clock(), self._chains[chain]
        since = now - self._watched_on
        # Before those who wait are read: what moves meanwhile is news.
        anew = _Reading((await self._journal.chains.news(chain, since=now - ASKED_TWICE_FOR)).told)
        found = []
        for some in batched(await self._journal.chains.payments_waiting(chain, moved_since=since), PAGE):
            found += [watched_payment(of, one) for one in await self._journal.chains.payments_named(some)]
        payouts = await self._journal.chains.payouts_waiting(chain, moved_since=since)
        of_payouts = await anew.payouts.again(payouts, partial(self._payouts, of))
        self._asked_at[chain], self._readings[chain] = now, anew
        return [*(one for one in found if one is not None), *of_payouts]

    async def news(self, chain: str) -> Sequence[Watched]:
        now, of, reading = self._journal.clock(), self._chains[chain], self._readings[chain]
        # The machine's clock may have been set back meanwhile.
        since = min(self._asked_at.get(chain, now), now) - ASKED_TWICE_FOR
        found = await self._journal.chains.news(chain, since=since, told=reading.told)
        await reading.payouts.again(found.payouts, partial(self._payouts, of))  # the last that may fail: it says once
        reading.told, self._asked_at[chain] = found.told, now
        moved = [watched_payment(of, one) for one in found.payments]
        return [*(one for one in moved if one is not None), *reading.payouts.all]

    async def _payouts(self, chain: Chain, payout_ids: Sequence[str]) -> dict[str, Watched | None]:
        found = await self._journal.chains.payouts_named(payout_ids)
        return {payout.payout_id: watched_payout(chain, payout) for payout in found}

    async def waiting_at(self, chain: str, recipients: Sequence[str]) -> Sequence[Watched]:
        records, since = self._journal.chains, self._journal.clock() - self._watched_on
        of = self._chains[chain]
        payments, payouts = await records.waiting_at(chain, recipients, moved_since=since)
        paying = [watched_payment(of, one) for one in payments]
        paid_out = [(watched_payout(of, one), await self._owed_since(one)) for one in payouts]
        of_payouts = [replace(watched, not_before=since) for watched, since in paid_out if watched is not None]
        return [*(one for one in paying if one is not None), *of_payouts]

    async def _owed_since(self, payout: Payout) -> datetime | None:
        """When the payment that a payout pays was registered; None if the journal has forgotten it, or it cannot be
        read."""
        try:
            record = await self._journal.payment_record(payout.payment_id)
        except UnreadableRowError:
            return None
        return None if record is None else record.payment.created_at

    async def recorded(self, chain: str, tx_hashes: Sequence[str]) -> Sequence[RecordedTransfer]:
        found = await self._journal.chains.transfers(chain, tx_hashes)
        return [
            RecordedTransfer(one.tx_hash, one.transfer_id, one.symbol, one.recipient, _subject(one), one.mined_at)
            for one in found
        ]

    async def final_since(self, chain: str, block_number: int) -> Sequence[tuple[Subject, str]]:
        found = await self._journal.chains.transfers_since(chain, block_number)
        of_somebody = [(subject, one) for one in found if (subject := _subject(one)) is not None]
        return [(subject, one.tx_hash) for subject, one in of_somebody]

    async def record(self, chain: str, step: ChainStep) -> None:
        of_payments = [(one.subject.id, one.sighting) for one in step.sighted if one.subject.kind == "payment"]
        of_payouts = [(one.subject.id, one.sighting) for one in step.sighted if one.subject.kind == "payout"]
        following = _FOLLOWING.dump_json(step.following).decode()
        commit = ChainCommit(
            chain=chain,
            following=following,
            after=self._left.get(chain),
            payments=tuple(of_payments),
            payouts=tuple(of_payouts),
            transfers=tuple(_row(chain, one) for one in step.transfers),
            forgotten=step.forgotten,
            alarms=tuple((alarm.kind, alarm.block_number, alarm.message) for alarm in step.alarms),
            agreed_blocks=step.agreed_blocks,
        )
        await self._journal.chains.record_step(commit)
        self._left[chain] = following


def _subject(transfer: StagedTransfer) -> Subject | None:
    if transfer.payment_id is not None:
        return Subject("payment", transfer.payment_id)
    return None if transfer.payout_id is None else Subject("payout", transfer.payout_id)


def _row(chain: str, assigned: Assigned) -> StagedTransfer:
    transfer, subject = assigned.transfer, assigned.subject
    return StagedTransfer(
        chain=assigned.chain or chain,
        transfer_id=transfer.transfer_id,
        symbol=transfer.token.symbol,
        recipient=transfer.recipient,
        sender=transfer.sender,
        amount=token_amount(transfer.token, transfer.units),
        tx_hash=transfer.tx_hash,
        block_number=transfer.block.number,
        block_hash=transfer.block.hash,
        mined_at=assigned.mined_at,
        payment_id=subject.id if subject is not None and subject.kind == "payment" else None,
        payout_id=subject.id if subject is not None and subject.kind == "payout" else None,
        reason=assigned.reason,
    )
