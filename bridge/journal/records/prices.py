"""Unusable prices as the rest of the bridge has them written down: the coins of which a provider's prices contradict
themselves, or are those of something else."""

from collections.abc import Sequence

from bridge.journal.queries.readers import Read
from bridge.journal.writing.staged.prices import known_unusable
from bridge.journal.writing.writer import Submit
from coordinator.attention.prices import UnusablePrice

__all__ = ["PriceRecords"]


class PriceRecords:
    """Prices that cannot be used. Raises JournalUnavailableError."""

    def __init__(self, read: Read, submit: Submit) -> None:
        self._read = read
        self._submit = submit

    async def unusable(self) -> Sequence[UnusablePrice]:
        """Those that are noted, the first first."""
        return await self._read(known_unusable)

    async def note(self, provider: str, coin: str, currency: str, fault: str, reason: str) -> None:
        """Notes what is wrong with a price, unless that is known."""
        known = await self._of(provider, coin, currency)
        if known is None or known.fault != fault:
            await self._submit(lambda batch: batch.prices.note(provider, coin, currency, fault, reason))

    async def settle(self, provider: str, coin: str, currency: str) -> None:
        """Forgets that a price could not be used."""
        if await self._of(provider, coin, currency) is not None:
            await self._submit(lambda batch: batch.prices.settle(provider, coin, currency))

    async def _of(self, provider: str, coin: str, currency: str) -> UnusablePrice | None:
        of = provider, coin, currency
        return next((one for one in await self.unusable() if (one.provider, one.coin, one.currency) == of), None)
