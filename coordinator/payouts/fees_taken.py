"""Network fees that were taken: which transactions of a payout cost one, what is known of them, and what is still to
be found out. Pure.
"""

from decimal import Decimal

from coordinator.money import ZERO, total
from coordinator.payments.observed.observations import Stage
from coordinator.payments.observed.transfers import transfer_key
from coordinator.payouts.facts import NetworkFee
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import PayoutStatus

__all__ = ["charged_hashes", "network_fee_is_due", "network_fee_unknown", "network_fees", "uncharged_hashes"]


def charged_hashes(payout: Payout) -> tuple[str, ...]:
    """Those of its transactions that are in a block for good: the network took its fee, whatever they moved."""
    return tuple(dict.fromkeys(one.transfer.tx_hash for one in payout.sighted(Stage.FINAL, Stage.FAILED)))


def uncharged_hashes(payout: Payout) -> tuple[str, ...]:
    """Those of them of which it is not known what the network took."""
    fees = payout.facts.network_fees
    return tuple(one for one in charged_hashes(payout) if transfer_key(one) not in fees)


def network_fee_unknown(payout: Payout) -> str | None:
    """Why nobody says what the network took for it, if that was found out."""
    is_known = bool(payout.facts.network_fees) and not uncharged_hashes(payout)
    return None if is_known else payout.facts.network_fee_unknown


def network_fee_is_due(payout: Payout) -> bool:
    """Whether it is still to be found out what the network took for it."""
    if not payout.is_settled or payout.facts.network_fee_unknown is not None:
        return False
    if charged_hashes(payout):
        return bool(uncharged_hashes(payout))
    return payout.status is PayoutStatus.COMPLETED and not payout.facts.network_fees


def network_fees(payout: Payout) -> tuple[NetworkFee, ...]:
    """What the network took for it, by the wallet and the coin."""
    found: dict[tuple[str, str], Decimal] = {}
    for fee in payout.facts.network_fees.values():
        of = fee.wallet, fee.coin
        found[of] = total([found.get(of, ZERO), fee.amount])
    return tuple(NetworkFee(wallet=of[0], coin=of[1], amount=amount) for of, amount in sorted(found.items()))
