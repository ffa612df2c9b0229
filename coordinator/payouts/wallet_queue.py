"""Wallet queue: which orders may be given now, where a wallet cannot send one before the last is in a block.

Such a wallet numbers its transactions by those that are in a block. If it sends two in quick succession both have the
same number, and the chain keeps one of them: the other never arrives, although the wallet reported it sent.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import timedelta

from coordinator.payments.observed.observations import Stage
from coordinator.payouts.payouts import Payout

__all__ = ["TURN_ENDS_AFTER", "has_turn", "sendable_orders"]

# Blocks come within seconds, and a provider reports them within two minutes. Nobody knows when one that is in no
# block by now will be, and the others have waited long enough.
TURN_ENDS_AFTER = timedelta(minutes=10)


def has_turn(payout: Payout, asked_ago: timedelta, ends_after: timedelta = TURN_ENDS_AFTER) -> bool:
    """Whether a payout was asked for, so long ago, and its wallet may not have it in a block yet."""
    facts = payout.facts
    if facts.attempts == len(facts.void_attempts) or payout.is_settled:
        return False
    came = (Stage.MINED, Stage.FINAL, Stage.FAILED, Stage.DROPPED)
    if facts.confirmed or facts.reverted_hashes or payout.sighted(*came):
        return False
    return asked_ago < ends_after


def sendable_orders(
    orders: Iterable[Sequence[Payout]],
    under_way: Iterable[Payout],
    *,
    wallet_of: Callable[[Payout], Hashable | None],
    asked_ago: Callable[[Payout], timedelta],
    ends_after: timedelta = TURN_ENDS_AFTER,
) -> list[Sequence[Payout]]:
    """The orders that may be given now, in their order: of each wallet the first, once nothing `under_way` has its
    turn. `wallet_of` is None for a payout whose wallet sends one after the other without waiting."""
    taken = {wallet_of(payout) for payout in under_way if has_turn(payout, asked_ago(payout), ends_after)} - {None}
    given = []
    for order in orders:
        wallet = wallet_of(order[0])
        if wallet in taken:
            continue
        if wallet is not None:
            taken.add(wallet)
        given.append(order)
    return given
