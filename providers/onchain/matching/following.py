"""What following a chain, block by block and back again, makes of the transfers that are waited for. Pure.

Every step raises the view, so that whoever hears of two steps in the wrong order knows which is right.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from coordinator.payments.observed.observations import Sighting, Stage, Transfer
from providers.onchain.blocks.canonical import BlockId, Canonical
from providers.onchain.blocks.checkpoints import left_behind
from providers.onchain.chains import Token, token_amount
from providers.onchain.matching.followed_tokens import cut_back, reconciled
from providers.onchain.matching.matching import Subject
from providers.onchain.matching.position import Finality, Following, Paying, Sighted
from providers.onchain.matching.untraced import within

__all__ = [
    "begun_again",
    "brought_up",
    "disowned",
    "due",
    "joined",
    "leapt",
    "lowered",
    "parted",
    "read_in_rereading",
    "settled",
    "sighted",
    "taken_back",
    "went_on",
]

BLOCK_VANISHED = "the block that held it is not part of the chain any more"
NO_SOURCE = "no endpoint tells of it any more"
# How much deeper it is looked again when what was final is gone.
REREAD_DEPTHS = 10


def brought_up(following: Following, tokens: Iterable[Token]) -> Following:
    """With the tokens of the configuration as it is now; also as a bridge wrote it that read no block a second
    time."""
    following = replace(following, tokens=reconciled(following.tokens, tokens, following.next_number))
    if following.checked_number >= 0:
        return following
    return replace(following, checked_number=max(following.final_number, following.next_number - 1))


Progress = tuple[Following, tuple[Sighted, ...]]


def went_on(following: Following, block: BlockId, paying: Sequence[Paying], finality: Finality) -> Progress:
    """After a block was added, with the transfers in it that are waited for. Returns what is to be told: each new
    transfer, and each that has come deeper."""
    view = following.view + 1
    reported = [
        replace(one, sighting=_deepened(one.sighting, block.number, view, finality)) for one in following.awaited
    ]
    reported += [_reported_of(one, block.number, view, finality) for one in paying]
    # As many hashes are kept as a reorganisation can be deep without taking back what is final.
    canonical = following.canonical.extended(block, depth=finality.depth)
    final_number = max(following.final_number, finality.safe(block.number))
    moved = replace(
        following,
        next_number=block.number + 1,
        view=view,
        canonical=canonical,
        awaited=_mined(reported),
        final_number=final_number,
        landmarks=left_behind(following.landmarks, following.canonical, canonical),
        in_ranges=_in_ranges_up_to(following, block.number),
    )
    return moved, tuple(reported)


def leapt(
    following: Following, block: BlockId, paying: Sequence[Paying], finality: Finality, head: int, *, is_checked: bool
) -> Progress:
    """After many blocks at once, up to one that is final itself, while none is awaited that is less deep: all in them
    is final, but for what is held. `is_checked`: they do not have to be read again."""
    are_all_checked = is_checked and following.checked_number >= following.next_number - 1
    view = following.view + 1
    reported = [replace(one, sighting=_deepened(one.sighting, head, view, finality)) for one in following.awaited]
    reported += [_reported_of(one, head, view, finality) for one in paying]
    canonical = Canonical(blocks=(block,))
    moved = replace(
        following,
        next_number=block.number + 1,
        view=view,
        canonical=canonical,
        awaited=_mined(reported),
        final_number=max(following.final_number, block.number),
        checked_number=block.number if are_all_checked else following.checked_number,
        landmarks=left_behind(following.landmarks, following.canonical, canonical),
        in_ranges=_in_ranges_up_to(following, block.number),
    )
    return moved, tuple(reported)


def settled(following: Following, finality: Finality) -> Progress:
    """After more became known of those that are awaited, without another block."""
    view, head = following.view + 1, following.next_number - 1
    reported = [replace(one, sighting=_deepened(one.sighting, head, view, finality)) for one in following.awaited]
    return replace(following, view=view, awaited=_mined(reported)), tuple(reported)


def disowned(following: Following, transfer_ids: Collection[str]) -> Progress:
    """After nobody tells any more of transfers that were told of. Their blocks are to be read again."""
    view = following.view + 1
    gone = [one for one in following.awaited if one.sighting.transfer.transfer_id in transfer_ids]
    if not gone:
        return following, ()
    changes = {"view": view, "confirmations": 0, "stage": Stage.REORGANISED, "reason": NO_SOURCE}
    reported = tuple(replace(one, sighting=one.sighting.model_copy(update=changes)) for one in gone)
    first = min(one.sighting.block_number or 0 for one in gone)
    left = tuple(one for one in following.awaited if one not in gone)
    return replace(
        following, view=view, awaited=left, checked_number=min(following.checked_number, first - 1)
    ), reported


def joined(following: Following, paying: Sequence[Paying], finality: Finality) -> Progress:
    """After transfers turned out to be waited for that are in blocks which were followed before."""
    view, head = following.view + 1, following.next_number - 1
    reported = [_reported_of(one, head, view, finality) for one in paying]
    return replace(following, view=view, awaited=(*following.awaited, *_mined(reported))), tuple(reported)


def sighted(following: Following, subject: Subject, sighting: Sighting) -> Progress:
    """After something was found out about a transfer that no followed block holds."""
    view = following.view + 1
    return replace(following, view=view), (Sighted(subject, sighting.model_copy(update={"view": view})),)


def taken_back(following: Following) -> Progress:
    """After the newest block turned out not to be part of the chain any more. Returns what is to be told: that the
    transfers in it are gone, and that the others have one block less."""
    head = following.canonical.head
    if head is None:
        return following, ()
    view = following.view + 1
    canonical = following.canonical.cut_back()
    reported = []
    for one in following.awaited:
        changes: dict[str, object] = {"view": view, "confirmations": one.sighting.confirmations - 1}
        # Without a hash that is left nothing below is certain either.
        if canonical.head is None or (one.sighting.block_number or 0) >= head.number:
            changes = _vanished(view)
        reported.append(replace(one, sighting=one.sighting.model_copy(update=changes)))
    moved = replace(
        following,
        next_number=head.number,
        view=view,
        canonical=canonical,
        awaited=_mined(reported),
        checked_number=min(following.checked_number, head.number - 1),
        tokens=cut_back(following.tokens, head.number),
        in_ranges=_in_ranges_below(following, head.number),
        untraced=within(following.untraced, head.number - 1),
    )
    return moved, tuple(reported)


def parted(following: Following, common: BlockId) -> Progress:
    """After the chain turned out to be another one above a block that both have: goes on from there. Returns what is
    to be told: that the transfers above it are gone, and that the others are less deep."""
    view, number = following.view + 1, common.number
    reported = []
    for one in following.awaited:
        changes: dict[str, object] = {"view": view, "confirmations": number - (one.sighting.block_number or 0) + 1}
        if (one.sighting.block_number or 0) > number:
            changes = _vanished(view)
        reported.append(replace(one, sighting=one.sighting.model_copy(update=changes)))
    among = tuple(one for one in following.canonical.blocks if one.number <= number)
    return replace(
        following,
        next_number=number + 1,
        view=view,
        canonical=Canonical(blocks=among or (common,)),
        awaited=_mined(reported),
        final_number=min(following.final_number, number),
        checked_number=min(following.checked_number, number),
        doubts=tuple(one for one in following.doubts if one.block_number <= number),
        tokens=cut_back(following.tokens, number + 1),
        landmarks=tuple(one for one in following.landmarks if one.number < number),
        in_ranges=_in_ranges_below(following, number + 1),
        untraced=within(following.untraced, number),
    ), tuple(reported)


def lowered(following: Following, number: int) -> Following:
    """After all blocks that are remembered were taken back, so that nothing says how far the chain went back: goes on
    from this block, if not from one below it already."""
    again = min(following.next_number, number)
    return replace(
        following,
        next_number=again,
        checked_number=min(following.checked_number, again - 1),
        tokens=cut_back(following.tokens, again),
        landmarks=tuple(one for one in following.landmarks if one.number < again),
        in_ranges=_in_ranges_below(following, again),
        untraced=within(following.untraced, again - 1),
    )


def begun_again(following: Following, gone_number: int, depth: int, earliest: int) -> Following:
    """After a block vanished that was final, and none is known that is still there: from far below it, and below what
    two endpoints have read, and where another one's chain parted from the one that was followed, since nothing on
    that one has counted. In any case from the `earliest` that somebody waits for."""
    contradicted = following.contradicted_number
    parted_number = min(gone_number, following.checked_number + 1)
    parted_number = parted_number if contradicted is None else min(parted_number, contradicted)
    again = min(max(parted_number - REREAD_DEPTHS * depth, 0), earliest)
    return Following(
        again,
        following.view,
        checked_number=again - 1,
        contradicted_number=contradicted,
        finality_apart_at=following.finality_apart_at,
        stands_at=following.stands_at,
        tokens=cut_back(following.tokens, again),
        in_ranges=_in_ranges_below(following, again),
        untraced=within(following.untraced, again - 1),
    )


def read_in_rereading(following: Following, last: int) -> Following:
    """After the blocks up to this one were read in ranges once more."""
    return replace(following, in_ranges=_in_order(last + 1, following.in_ranges and following.in_ranges[1]))


def _in_ranges_up_to(following: Following, number: int) -> tuple[int, int]:
    """What is to be read once more, with the blocks that follow up to this one."""
    return following.next_number if following.in_ranges is None else following.in_ranges[0], number


def _in_ranges_below(following: Following, number: int) -> tuple[int, int] | None:
    """What is left to be read once more where the chain is another one from this block on, and is read anew."""
    known = following.in_ranges
    return None if known is None else _in_order(known[0], min(known[1], number - 1))


def _in_order(first: int, last: int | None) -> tuple[int, int] | None:
    return None if last is None or first > last else (first, last)


def due(sighted: Iterable[Sighted], safe: int) -> list[Sighted]:
    """Those that are final by their depth, if that is how far it reaches."""
    return [one for one in sighted if (one.sighting.block_number or 0) <= safe]


def _vanished(view: int) -> dict[str, object]:
    """What changes of a sighting whose block is gone."""
    return {
        "view": view,
        "confirmations": 0,
        "stage": Stage.REORGANISED,
        "block_number": None,
        "reason": BLOCK_VANISHED,
    }


def _mined(reported: Sequence[Sighted]) -> tuple[Sighted, ...]:
    return tuple(one for one in reported if one.sighting.stage is Stage.MINED)


def _reported_of(paying: Paying, head: int, view: int, finality: Finality) -> Sighted:
    return Sighted(paying.subject, _deepened(_first(paying, finality), head, view, finality), paying.transfer.sender)


def _first(paying: Paying, finality: Finality) -> Sighting:
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
        required_confirmations=finality.confirmations,
        block_number=transfer.block.number,
        block_hash=transfer.block.hash,
        sender=transfer.sender,
    )


def _deepened(sighting: Sighting, head: int, view: int, finality: Finality) -> Sighting:
    number = sighting.block_number or 0
    is_deep = number <= finality.safe(head)
    held = finality.held.get(sighting.transfer.transfer_id) if is_deep else None
    undone = finality.undone.get(sighting.transfer.transfer_id) if is_deep and held is None else None
    deep_stage = Stage.FINAL if undone is None else Stage.FAILED
    changes = {
        "view": view,
        "confirmations": head - number + 1,
        "stage": deep_stage if is_deep and held is None else Stage.MINED,
        "reason": held or undone,
    }
    return sighting.model_copy(update=changes)
