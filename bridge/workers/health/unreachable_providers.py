"""Providers that are set up and cannot be asked while something waits for what they say: a look now and then, by a
question about what waits, finds them, and a person is told once that has lasted."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.journal import Journal
from bridge.workers.logged_failures import logged_failures
from coordinator.attention.items import Attention
from coordinator.attention.unreachable import provider_unreachable
from providers.contract import InvoiceGateways, PayoutGateways
from providers.errors import CoinUnavailableError, CredentialsRefusedError, ProviderError, ProviderUnavailableError

__all__ = ["UnreachableProviders"]

logger = logging.getLogger("bridge.providers")

CHECK_INTERVAL_SECONDS = 10.0
# A restart of a gateway takes less, and payments are given a grace that is longer.
REPORTED_AFTER = timedelta(minutes=1)


@dataclass(slots=True)
class _Silence:
    """That a provider cannot be asked."""

    since: datetime
    unasked_since: datetime
    """When it answered last, as far as is known: what ended after that ended without having been asked about."""
    steadily_since: datetime
    signatures_refused: int
    """How many webhooks had been refused for their signature by then."""
    external_id: str | None
    coin: str | None
    """By which it is asked whether it is back, though nothing may wait any more."""


class UnreachableProviders:
    """Looks for them."""

    def __init__(
        self,
        journal: Journal,
        invoices: InvoiceGateways,
        payouts: PayoutGateways,
        *,
        signatures_refused: Callable[[str], int],
    ) -> None:
        """`signatures_refused` says how many webhooks of a provider were refused so far because their signature fits
        no key. Anybody can send some, so that they are told of only where the provider refuses the key as well."""
        self._journal = journal
        self._invoices = invoices
        self._payouts = payouts
        self._signatures_refused = signatures_refused
        self._silences: dict[str, _Silence] = {}
        self._began_at = journal.clock()
        self._answered_at: dict[str, datetime] = {}
        self.items: Sequence[Attention] = ()
        """What a person has to know of."""

    async def run(self) -> None:
        """Looks again and again until it is cancelled."""
        while True:
            await asyncio.sleep(CHECK_INTERVAL_SECONDS)
            with logged_failures(logger, "look whether providers can be asked"):
                await self.refresh()

    async def refresh(self) -> None:
        """Raises JournalUnavailableError."""
        found = await asyncio.gather(*map(self._silence_of, sorted({*self._invoices, *self._payouts})))
        self.items = [item for item in found if item is not None]

    async def _silence_of(self, provider: str) -> Attention | None:
        external_id, coin = await self._journal.console.something_waiting_at(provider)
        silence = self._silences.get(provider)
        if silence is not None:
            silence.external_id, silence.coin = external_id or silence.external_id, coin or silence.coin
            external_id, coin = silence.external_id, silence.coin
        asked_at, steadily = self._journal.clock(), self._journal.steady()
        error = await self._refusal(provider, external_id, coin)
        if error is None:
            self._silences.pop(provider, None)
            self._answered_at[provider] = asked_at
            return None
        if silence is None:
            silence = self._silences[provider] = _Silence(
                asked_at,
                self._answered_at.get(provider, self._began_at),
                steadily,
                self._signatures_refused(provider),
                external_id,
                coin,
            )
        if self._journal.steady() - silence.steadily_since < REPORTED_AFTER:
            return None
        return provider_unreachable(
            provider,
            str(error),
            silence.since,
            await self._journal.console.unasked_at(provider, silence.unasked_since),
            is_refused=isinstance(error, CredentialsRefusedError),
            signatures_refused=self._signatures_refused(provider) - silence.signatures_refused,
        )

    async def _refusal(self, provider: str, external_id: str | None, coin: str | None) -> ProviderError | None:
        """Why a provider cannot be asked; None if it can, or nobody has to."""
        invoices, payouts = self._invoices.get(provider), self._payouts.get(provider)
        try:
            if invoices is not None and external_id is not None:
                await invoices.look_up(external_id)
            if payouts is not None and coin is not None:
                await payouts.check(coin)
        except CoinUnavailableError:
            return None  # it is there
        except (CredentialsRefusedError, ProviderUnavailableError) as error:
            return error
        except ProviderError:
            return None  # it answers, whatever it says
        return None
