"""The part of a batch that is about unusable prices: the coins whose prices a provider tells so that nothing can be
reckoned by them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

from bridge.journal.tables.schema import unusable_prices
from bridge.journal.writing.statements import Row, Writing, insert_into
from coordinator.attention.prices import UnusablePrice

__all__ = ["StagedPrices", "known_unusable"]

_GONE = delete(unusable_prices).where(
    unusable_prices.c.provider == bindparam("by_provider"),
    unusable_prices.c.coin == bindparam("by_coin"),
    unusable_prices.c.currency == bindparam("by_currency"),
)


def known_unusable(connection: Connection) -> list[UnusablePrice]:
    """Those that are noted, the first first."""
    columns = unusable_prices.c
    rows = connection.execute(select(unusable_prices).order_by(columns.since, columns.coin, columns.currency))
    return [UnusablePrice(**row) for row in rows.mappings()]


class StagedPrices:
    """Staged writes about unusable prices, within one transaction."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        self._now = now
        self._known = {(one.provider, one.coin, one.currency): one for one in known_unusable(connection)}
        self._changed: set[tuple[str, str, str]] = set()

    @property
    def writes(self) -> int:
        """How many changes are staged."""
        return len(self._changed)

    def note(self, provider: str, coin: str, currency: str, fault: str, reason: str) -> None:
        """What is wrong with a price, in place of what was wrong with it before; the same again is no news."""
        of = provider, coin, currency
        known = self._known.get(of)
        if known is None or known.fault != fault:
            self._known[of] = UnusablePrice(provider, coin, currency, fault, reason, self._now)
            self._changed.add(of)

    def settle(self, provider: str, coin: str, currency: str) -> None:
        """A price can be used again, or nobody asks for it any more."""
        if self._known.pop((provider, coin, currency), None) is not None:
            self._changed.add((provider, coin, currency))

    def statements(self) -> Sequence[tuple[Writing, Sequence[Row]]]:
        """What is staged: what was there goes, and what was noted last comes."""
        gone = [
            {"by_provider": provider, "by_coin": coin, "by_currency": currency}
            for provider, coin, currency in self._changed
        ]
        come = [asdict(self._known[of]) for of in self._changed if of in self._known]
        return ((_GONE, gone), (insert_into(unusable_prices), come))
