"""What the journal's writer does about network fees: it writes down what the network took for the transactions of a
payout, and of one that carried several payouts once."""

from collections.abc import Mapping

from bridge.journal.requests.payouts.recording import payout_of, record_payout_observation
from bridge.journal.writing.batch import Batch
from coordinator.money import ZERO
from coordinator.payments.observed.transfers import transfer_key
from coordinator.payouts.facts import NetworkFee
from coordinator.payouts.fees_taken import network_fee_is_due
from coordinator.payouts.observations import PayoutNetworkFee, PayoutNetworkFeeUnknown

__all__ = ["record_network_fees"]


def record_network_fees(batch: Batch, payout_id: str, reported: Mapping[str, NetworkFee] | str) -> None:
    """Writes down what was told of each transaction, or why nobody says; nothing of what is known already."""
    if isinstance(reported, str):
        if network_fee_is_due(payout_of(batch, payout_id)):
            unknown = PayoutNetworkFeeUnknown(reason=reported)
            record_payout_observation(batch, payout_id, "network-fee", unknown)
        return
    for tx_hash, fee in reported.items():
        key = transfer_key(tx_hash)
        others = (one for one in batch.payouts.known_by(tx_hash) if one.payout_id != payout_id)
        stands_elsewhere = any(key in one.facts.network_fees for one in others)
        once = fee.model_copy(update={"amount": ZERO}) if stands_elsewhere else fee
        record_payout_observation(
            batch, payout_id, f"network-fee:{key}"[:128], PayoutNetworkFee(tx_hash=tx_hash, fee=once)
        )
