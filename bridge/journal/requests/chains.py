"""What can be asked of the journal's writer about chains: one step along a chain, all of it or nothing."""

import hashlib
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

from bridge.journal.errors import ChainFollowedElsewhereError
from bridge.journal.requests.payments import record_observation
from bridge.journal.requests.payouts.recording import RecordedPayout, record_payout_observation
from bridge.journal.tables.unreadable_rows import UnreadableRowError
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.outcomes import Outcome, Recorded
from bridge.journal.writing.staged.chains import StagedTransfer
from coordinator.payments.observed.observations import Sighting, TransferSighted
from coordinator.payouts.observations import PayoutSighted

__all__ = ["UNFOLLOWED", "ChainCommit", "CommittedStep", "record_chain_step", "record_unfollowed"]

CONTRADICTED = "contradicted"
UNFOLLOWED = "unfollowed"
# It is about no block.
NO_BLOCK = 0


@dataclass(frozen=True, slots=True)
class ChainCommit:
    """What a step along a chain showed, and where it ended."""

    chain: str
    following: str
    """Where the chain is followed to; what it says is the follower's own business."""
    after: str | None = None
    """Where it was followed to before, as its follower read or wrote it; None if it never was."""
    payments: tuple[tuple[str, Sighting], ...] = ()
    """What was seen of which payment."""
    payouts: tuple[tuple[str, Sighting], ...] = ()
    transfers: tuple[StagedTransfer, ...] = ()
    forgotten: tuple[str, ...] = ()
    """Transfers that are not to be known any more, by their ids."""
    alarms: tuple[tuple[str, int, str], ...] = ()
    """Of what kind, of which block, and what went wrong."""
    agreed_blocks: tuple[int, ...] = ()
    """Those about which endpoints contradict each other no more."""


@dataclass(frozen=True, slots=True)
class CommittedStep:
    """What a step moved."""

    payments: tuple[Recorded, ...]
    payouts: tuple[RecordedPayout, ...]


def record_chain_step(batch: Batch, step: ChainCommit) -> CommittedStep:
    """Writes down a step along a chain, and moves the payments and payouts that it tells of. Raises
    ChainFollowedElsewhereError if it does not begin where the chain is followed to."""
    if batch.chains.following(step.chain) != step.after:
        raise ChainFollowedElsewhereError(f"another bridge has followed {step.chain} meanwhile")
    payments, payouts = [], []
    for payment_id, sighting in step.payments:
        with suppress(UnreadableRowError):  # the chain is followed on, for all others
            payments.append(_record_sighting(batch, payment_id, _key(step.chain, payment_id, sighting), sighting))
    for payout_id, sighting in step.payouts:
        key = _key(step.chain, payout_id, sighting)
        with suppress(UnreadableRowError):
            payouts.append(record_payout_observation(batch, payout_id, key, PayoutSighted(sighting=sighting)))
    for transfer_id in step.forgotten:
        batch.chains.forget(step.chain, transfer_id)
    for transfer in step.transfers:
        batch.chains.transfer(transfer)
    for block_number in step.agreed_blocks:
        batch.chains.forget_alarm(step.chain, CONTRADICTED, block_number)
    for kind, block_number, message in step.alarms:
        batch.chains.alarm(step.chain, kind, block_number, message)
    batch.chains.checkpoint(step.chain, step.following)
    moved = tuple(recorded for recorded in payments if recorded.outcome is Outcome.APPLIED)
    return CommittedStep(moved, tuple(recorded for recorded in payouts if recorded.moved))


def _record_sighting(batch: Batch, payment_id: str, key: str, sighting: Sighting) -> Recorded:
    payment = batch.payments.get(payment_id)
    if payment is None:
        raise LookupError(f"payment {payment_id} is gone")
    return record_observation(
        batch,
        provider=payment.provider,
        external_id=payment.external_id,
        key=key,
        observation=TransferSighted(sighting=sighting),
    )


def record_unfollowed(batch: Batch, said: Mapping[str, str], over: Collection[str]) -> None:
    """Writes down on which chains somebody waits for coins that are not followed, and on which that is over."""
    for chain in over:
        batch.chains.forget_alarm(chain, UNFOLLOWED, NO_BLOCK)
    for chain, message in said.items():
        batch.chains.alarm(chain, UNFOLLOWED, NO_BLOCK, message)


def _key(chain: str, subject_id: str, sighting: Sighting) -> str:
    """Names a sighting: of one transfer there is one with each view."""
    named = f"{chain} {subject_id} {sighting.transfer.transfer_id} {sighting.view}"
    return f"sighting:{hashlib.sha256(named.encode()).hexdigest()}"
