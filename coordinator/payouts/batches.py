"""Batches of payouts: which are asked for in one order. Pure."""

from collections.abc import Callable, Collection, Iterable

from coordinator.payouts.payouts import Payout

__all__ = ["TOGETHER_AT_MOST", "batches"]

TOGETHER_AT_MOST = 10
"""How many are asked for in one order. Of an order whose task fails nobody knows which were sent, and a person has to
look at each."""


def batches(
    payouts: Iterable[Payout],
    *,
    sent_together: Callable[[Payout], bool] = lambda _: True,
    spellings: Callable[[Payout], Collection[str]] = lambda payout: (payout.destination,),
) -> list[list[Payout]]:
    """Groups payouts into requests: those of one batch in one coin together, so many at most, unless two go to the
    same address, by any of its `spellings`, or one has to be asked for alone. Some providers tell the parts of a
    request apart by their addresses alone, as they write them; some coins cannot be `sent_together` at all."""
    together: list[list[Payout]] = []
    for payout in payouts:
        may_join = not payout.goes_alone and sent_together(payout)
        fitting = (
            batch
            for batch in together
            if may_join
            and not batch[0].goes_alone
            and len(batch) < TOGETHER_AT_MOST
            and (batch[0].batch_id, batch[0].provider, batch[0].coin)
            == (payout.batch_id, payout.provider, payout.coin)
            and all(_places(payout, spellings).isdisjoint(_places(other, spellings)) for other in batch)
        )
        batch = next(fitting, None)
        if batch is None:
            together.append([payout])
        else:
            batch.append(payout)
    return together


def _places(payout: Payout, spellings: Callable[[Payout], Collection[str]]) -> set[str]:
    return {one.casefold() for one in (payout.destination, *spellings(payout))}
