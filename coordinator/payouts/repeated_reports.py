"""Repeated reports: how often a provider says that it has paid one payout. Pure.

What it names together carries the payout together, and whoever names part of it again says nothing new. Transactions
that were never named together are payments of their own, each of the whole amount.
"""

from collections.abc import Collection, Iterator

from coordinator.payments.observed.transfers import transfer_key
from coordinator.payouts.facts import PayoutFacts

__all__ = ["payments_reported", "repeated_reports"]


def payments_reported(facts: PayoutFacts, *, but: Collection[str]) -> int:
    """How often the whole amount is said to have left: by transactions that have nothing to do with each other, `but`
    some that moved nothing, or by several records under one name."""
    of_one_name = max(map(len, facts.records.values()), default=0)
    return max(of_one_name, len(_apart(facts, frozenset(map(transfer_key, but)))))


def repeated_reports(facts: PayoutFacts, provider: str, times: int) -> Iterator[str]:
    """What a person reads of it, if it is told of more than once."""
    if times < 2:
        return
    by = ", ".join(sorted({tx_hash for report in facts.tellings for tx_hash in report}))
    records = ", ".join(sorted({record for some in facts.records.values() for record in some}))
    under = f", in its books as {records}" if records else ""
    yield f"{provider} says that it was paid {times} times, by {by}{under}"


def _apart(facts: PayoutFacts, nothing: frozenset[str]) -> list[frozenset[str]]:
    apart: list[frozenset[str]] = []
    for report in facts.tellings:
        keys = frozenset(map(transfer_key, report)) - nothing
        joined = keys.union(*(one for one in apart if one & keys))
        apart = [*(one for one in apart if not one & keys), *([joined] if joined else [])]
    return apart
