"""What following a chain, block by block and back again, makes of the transfers that pay. Pure.

Every step raises the view, so that whoever hears of two steps in the wrong order knows which is right.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from coordinator.observations import Sighting, Stage, Transfer
from providers.onchain.canonical import BlockId, Canonical
from providers.onchain.chains import token_amount
from providers.onchain.transfers import ChainTransfer

__all__ = ["Following", "Paying", "Sighted", "taken_back", "went_on"]

BLOCK_VANISHED = "the block that held it is not part of the chain any more"


@dataclass(frozen=True, slots=True)
class Paying:
    """A transfer that pays a payment."""

    payment_id: str
    transfer: ChainTransfer
    mined_at: datetime
    """When its block was made."""


@dataclass(frozen=True, slots=True)
class Sighted:
    """What is to be told of a payment."""

    payment_id: str
    sighting: Sighting


@dataclass(frozen=True, slots=True)
class Following:
    """Where a chain is followed to, and the transfers on it that are not final yet."""

    view: int = 0
    canonical: Canonical = field(default_factory=Canonical)
    awaited: tuple[Sighted, ...] = ()
    """Those that a block of `canonical` holds and that may still be taken back."""


def went_on(
    following: Following, block: BlockId, paying: Sequence[Paying], *, confirmations: int, finalized: int = 0
) -> tuple[Following, tuple[Sighted, ...]]:
    """After a block was added, with the transfers in it that pay.

    What has `confirmations` blocks, its own included, is final; and so is what is in the block `finalized` or below,
    where the chain itself says what is. Returns what is to be told: each new transfer, and each that has come deeper.
    """
    view = following.view + 1
    known = [one for one in following.awaited if one.sighting.block_number is not None]
    told = [
        replace(one, sighting=_deepened(one.sighting, block.number, view, confirmations, finalized)) for one in known
    ]
    told += [
        Sighted(one.payment_id, _deepened(_first(one, confirmations), block.number, view, confirmations, finalized))
        for one in paying
    ]
    awaited = tuple(one for one in told if one.sighting.stage is Stage.MINED)
    # As many hashes are kept as a reorganisation can be deep without taking back what is final.
    canonical = following.canonical.extended(block, depth=confirmations + 1)
    return Following(view, canonical, awaited), tuple(told)


def taken_back(following: Following) -> tuple[Following, tuple[Sighted, ...]]:
    """After the newest block turned out not to be part of the chain any more. Returns what is to be told: that the
    transfers in it are gone, and that the others have one block less."""
    head = following.canonical.head
    if head is None:
        return following, ()
    view = following.view + 1
    told = []
    for one in following.awaited:
        changes: dict[str, object] = {"view": view, "confirmations": one.sighting.confirmations - 1}
        if one.sighting.block_number == head.number:
            changes = {
                "view": view,
                "confirmations": 0,
                "stage": Stage.REORGANISED,
                "block_number": None,
                "reason": BLOCK_VANISHED,
            }
        told.append(replace(one, sighting=one.sighting.model_copy(update=changes)))
    awaited = tuple(one for one in told if one.sighting.stage is Stage.MINED)
    return Following(view, following.canonical.cut_back(), awaited), tuple(told)


def _first(paying: Paying, confirmations: int) -> Sighting:
    transfer = paying.transfer
    return Sighting(
        transfer=Transfer(
            transfer_id=transfer.transfer_id,
            asset=transfer.token.symbol,
            amount=token_amount(transfer.token, transfer.units),
            occurred_at=paying.mined_at,
        ),
        stage=Stage.MINED,
        view=0,
        required_confirmations=confirmations,
        block_number=transfer.block.number,
    )


def _deepened(sighting: Sighting, head: int, view: int, confirmations: int, finalized: int) -> Sighting:
    number = sighting.block_number or 0
    depth = head - number + 1
    is_final = depth >= confirmations or number <= finalized
    changes = {"view": view, "confirmations": depth, "stage": Stage.FINAL if is_final else Stage.MINED}
    return sighting.model_copy(update=changes)
