"""Restored wallets: whether money may have left a wallet that nobody has written down, once a journal was restored,
rewound, copied or promoted. Pure.

A provider that sent money and did not write it down, and a journal that has forgotten that it asked, both know
nothing of it. What the wallet holds shows it: whether that is what the books explain, counted from its last
comparison of before.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from coordinator.books.wallets import Held, Should, Tolerances, WalletCoin, WalletComparison
from coordinator.money import ZERO, difference, format_amount, total

__all__ = ["ExamineWallets", "WalletFindings", "doubt_about_wallet"]


class WalletFindings(NamedTuple):
    """What a comparison of the books finds in wallets, a sentence for each coin."""

    doubts: Sequence[str] = ()
    """What a person has to look at."""
    unknown: Sequence[str] = ()
    """Of which wallets nobody says what they hold, so that they are asked again."""


ExamineWallets = Callable[[Collection[str], datetime], Awaitable[WalletFindings]]
"""Examines the wallets of some providers, by what was noted of them before a history began."""


def doubt_about_wallet(
    of: WalletCoin,
    known: WalletComparison | None,
    said: Sequence[Should],
    held: Held,
    tolerances: Tolerances,
    began_at: datetime,
) -> str | None:
    """Why money may have left a wallet unseen; None if it holds what the books explain. `known` is its last
    comparison, and `said` what the books said before and after it was asked. Of the tolerances only the coin's own
    counts: a percentage of a large wallet is more than many payouts."""
    most = max(one.most for one in said)
    noted_before = known is not None and known.is_opened and known.compared_at <= began_at
    if known is None or not noted_before:
        if not (held.amount or any(any(one) for one in said)):
            return None  # and nothing can be sent from it
        return (
            f"{of.wallet} holds {format_amount(held.amount)} {of.coin}, where the books explain"
            f" {format_amount(most)}, and no comparison from before says what it held besides: nobody can tell"
            " whether money left that neither has written down"
        )
    # What was missing or too much before the backup was taken is on another list.
    before = known.difference if known.difference is not None else known.last_difference or ZERO
    # Unlike in the daily comparison, what came lately is no excuse: it would hide as much that has left.
    least = total([min(difference(total([one.booked, one.noted]), one.leaving) for one in said), before])
    most = total([most, before])
    tolerance = tolerances.by_coin.get(of.coin, ZERO)
    if held.amount < difference(least, tolerance):
        return _missing(of, held.amount, least, said[-1].gathering)
    if held.amount > total([most, tolerance]):
        return (
            f"{of.wallet} holds {format_amount(held.amount)} {of.coin}, where the books explain"
            f" {format_amount(most)}: {format_amount(difference(held.amount, most))} came that they do not know, and"
            " may hide what left"
        )
    return None


def _missing(of: WalletCoin, held: Decimal, least: Decimal, gathering: Decimal) -> str:
    ungathered = (
        f", of which {format_amount(gathering)} came lately and may lie where they were paid to" if gathering else ""
    )
    return (
        f"{of.wallet} holds {format_amount(held)} {of.coin}, where the books explain {format_amount(least)}:"
        f" {format_amount(difference(least, held))} are missing{ungathered}. Money may have left that neither"
        f" {of.wallet} nor the journal has written down: look for it on the chain before you resume payouts"
    )
