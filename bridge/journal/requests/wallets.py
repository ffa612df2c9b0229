"""What the journal's writer does about wallets: it writes down what came of comparing them with the books, and what
people say has moved besides."""

from collections.abc import Sequence
from decimal import Decimal

from bridge.journal.requests.payments import ONE_ID, IdempotencyKey, made_before, remember
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.staged.actions import Action
from coordinator.books.wallets import (
    MovementDoubtedError,
    Should,
    WalletCoin,
    WalletComparison,
    WalletSums,
    movement_doubt,
    with_noted,
)
from coordinator.money import format_amount
from coordinator.payouts.holds import THE_BRIDGE

__all__ = ["MOVEMENT", "keep_sums", "note_movement", "record_comparisons"]

MOVEMENT = "wallet-movement"
"""What it is called in the record when somebody notes what moved without the bridge."""
OPENING = "there when the wallet was compared with the books for the first time"


def record_comparisons(batch: Batch, day: str, comparisons: Sequence[WalletComparison]) -> None:
    """Writes down what came of comparing. What another bridge has compared since then stays as it is."""
    for one in comparisons:
        found = batch.wallets.last(one.of)
        known = None if found is None else found[1]
        if known is not None and (known.compared_at > one.compared_at or (one.opening and known.is_opened)):
            continue
        batch.wallets.put(day, one)
        if one.opening is not None:
            batch.wallets.add_movement(one.of, one.opening, OPENING, by=THE_BRIDGE)


def keep_sums(batch: Batch, found: WalletSums) -> None:
    """Keeps what entries come to, unless another bridge has added up more of them."""
    if found.through > batch.wallets.summed_through():
        batch.wallets.keep_sums(found)


def note_movement(
    batch: Batch,
    of: WalletCoin,
    amount: Decimal,
    reason: str,
    *,
    by: str,
    idempotency: IdempotencyKey | None = None,
    doubted_by: Should | None = None,
) -> Action | None:
    """Notes what moved without the bridge: the last comparison takes it into account at once. None for a repeat,
    which notes nothing. `doubted_by` is what the books say, unless nobody is to doubt it. Raises
    MovementDoubtedError and IdempotencyKeyReusedError."""
    if made_before(batch, idempotency, ONE_ID) is not None:
        return None
    found = batch.wallets.last(of)
    if doubted_by is not None:
        doubt = movement_doubt(of, None if found is None else found[1], doubted_by, amount)
        if doubt is not None:
            raise MovementDoubtedError(doubt)
    batch.wallets.add_movement(of, amount, reason, by=by)
    remember(batch, idempotency, of.wallet)
    if found is not None:
        day, known = found
        batch.wallets.put(day, with_noted(known, amount))
    words = f"{format_amount(amount)} {of.coin}: {reason}"
    return batch.actions.add(MOVEMENT, of.wallet, words, by=by, concerns=None)
