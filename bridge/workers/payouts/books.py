"""Payout books of a provider: which of a payment's payouts it has that the journal has forgotten, after a restore,
rewind, copy or promotion. The names of each share are asked for in order, in every coin.

A comparison asks for the payments that it knows of. Whatever it left out, and whatever was registered again since, is
asked for before the first payout of that payment leaves.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bridge.journal import Journal
from coordinator.histories import Beginning
from coordinator.payments.observed.dates import WIDEST
from coordinator.payments.payments import Payment
from coordinator.payouts.comparisons import ForgottenPayout
from coordinator.payouts.payouts import Payout
from coordinator.payouts.provider_names import NamedShare, is_known_here, share_of
from providers.contract import BookedPayout, PayoutGateway

__all__ = ["LONG_SETTLED", "AskedShare", "PayoutBooks"]

Find = Callable[[Callable[[], Awaitable[BookedPayout | None]]], Awaitable[BookedPayout | None]]

# A small remainder of a payment that was paid out longer ago stays.
LONG_SETTLED = timedelta(days=30)
# SHKeeper has 16 threads for all that is asked of it.
AT_ONCE = 4
KNOWN_AT_LEAST = BookedPayout("and no more is said of it", None, None, ())


@dataclass(frozen=True, slots=True)
class AskedShare:
    """What was asked of a share, and what the journal had forgotten of it."""

    payment_id: str
    seller_id: str | None
    """None for the buyer."""
    coins: frozenset[str]
    known: Mapping[str, bool]
    """Of its names, whether the provider knows them."""
    forgotten: tuple[ForgottenPayout, ...]

    @property
    def questions(self) -> int:
        return len(self.known) * len(self.coins)


async def _at_once(ask: Callable[[], Awaitable[BookedPayout | None]]) -> BookedPayout | None:
    return await ask()


class PayoutBooks:
    """The books of one provider, and what was asked of them since the bridge was started."""

    def __init__(self, journal: Journal, gateway: PayoutGateway) -> None:
        self._journal = journal
        self._gateway = gateway
        self._stored: dict[tuple[str, str | None], AskedShare] = {}
        """What need not be asked again of each share, by payment and seller."""
        self._compared: dict[str, frozenset[str]] = {}
        """In which coins each payment was searched for completely."""
        self._used: frozenset[str] | None = None
        self._forgetful_since: datetime | None = None
        self._is_looked_up = False

    async def coins(self) -> frozenset[str]:
        """The coins that are compared: those that the provider offers now, and those of the journal's invoices and
        payouts. Raises ProviderError."""
        if self._used is None:
            self._used = await self._journal.history.coins_used(self._gateway.provider)
        self._used = self._used.union(await self._gateway.coins())
        return self._used

    async def ask(
        self, share: NamedShare, payouts: Sequence[Payout], coins: Collection[str], throttled: Find = _at_once
    ) -> AskedShare:
        """Asks for the names of a share that follow the names of the journal's payouts, in some coins. Raises
        ProviderError."""
        before = self._stored.get((share.payment.payment_id, share.seller_id))
        known: dict[str, bool] = {}
        forgotten: list[ForgottenPayout] = []
        while (name := share.next_to_ask(payouts, known)) is not None:
            booked = await self._find(share, name, sorted(coins), throttled)
            forgotten += booked
            known[name] = bool(booked) or (before is not None and before.known.get(name, False))
        return AskedShare(share.payment.payment_id, share.seller_id, frozenset(coins), known, tuple(forgotten))

    def store(self, asked: AskedShare) -> None:
        """Notes that the findings are stored, so that they need not be asked for again before a payout leaves."""
        key = (asked.payment_id, asked.seller_id)
        before = self._stored.get(key)
        if before is not None:
            asked = replace(asked, coins=before.coins | asked.coins, known={**before.known, **asked.known})
        self._stored[key] = replace(asked, forgotten=())

    async def compare_before_sending(self, payment_id: str) -> None:
        """Asks for all payouts of a payment that the journal may have forgotten and stores what is found, so that
        nothing more of it leaves before a person has seen that. Raises ProviderError."""
        since = await self._since()
        if since is None:
            return
        # A coin that is switched off, or lags, is not offered, but payouts sent in it are in the books.
        coins = (await self.coins()).union(self._gateway.coins_ever)
        if self._compared.get(payment_id) == coins:
            return
        record = await self._journal.payment_record(payment_id)
        if record is not None and _may_be_forgotten(record.payment, since):
            payouts = await self._journal.history.payouts_of([payment_id])
            for seller_id in (*record.payment.seller_ids, None):
                share = NamedShare(record.payment, seller_id, self._journal.history.installation)
                stored = self._stored.get((payment_id, seller_id))
                left = coins if stored is None else coins - stored.coins
                if left:
                    asked = await self.ask(share, share.of(payouts), left)
                    await self._journal.history.add_forgotten(asked.forgotten)
                    self.store(asked)
        self._compared[payment_id] = coins

    async def note_unasked(self, payout: Payout, name: str) -> None:
        """Stores what the provider has under a name by which nobody here has asked for anything: who did is for a
        person to find out. Raises ProviderError."""
        record = await self._journal.payment_record(payout.payment_id)
        if record is None:
            raise LookupError(f"payment {payout.payment_id} of payout {payout.payout_id} is gone")
        share = share_of(record.payment, payout, self._journal.history.installation)
        found = await self._find(share, name, [payout.coin], _at_once)
        # The provider knows it, and may say no more of it.
        said = found[0] if found else self._booked(share, name, payout.coin, KNOWN_AT_LEAST)
        is_unexplained = await self._since() is None
        await self._journal.history.add_forgotten([said.model_copy(update={"is_unexplained": is_unexplained})])

    async def _since(self) -> datetime | None:
        """When the present history began, if the journal may have forgotten something then. It is the same for as
        long as the bridge runs."""
        if not self._is_looked_up:
            present = (await self._journal.history.all())[0]
            self._forgetful_since = None if present.beginning is Beginning.NEW else present.began_at
            self._is_looked_up = True
        return self._forgetful_since

    async def _find(
        self, share: NamedShare, name: str, coins: Sequence[str], throttled: Find
    ) -> list[ForgottenPayout]:
        """What the provider has under a name; the same name may be in the books of several coins."""
        booked: list[ForgottenPayout] = []
        places = asyncio.Semaphore(AT_ONCE)

        async def ask(coin: str) -> None:
            async with places:
                one = await throttled(lambda: self._gateway.find_payout(name, coin))
            if one is not None:
                booked.append(self._booked(share, name, coin, one))

        results = await asyncio.gather(*(ask(coin) for coin in coins), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        # Meanwhile somebody may have had it paid out again, which is not a forgotten payout.
        by_now = await self._journal.history.payouts_of([share.payment.payment_id]) if booked else []
        return [one for one in booked if not is_known_here(one, by_now)]

    def _booked(self, share: NamedShare, name: str, coin: str, one: BookedPayout) -> ForgottenPayout:
        return ForgottenPayout(
            external_id=name,
            provider=self._gateway.provider,
            payment_id=share.payment.payment_id,
            payee_id=share.payee_id,
            coin=coin,
            amount=one.amount,
            destination=one.destination,
            status=one.status,
            tx_hashes=one.tx_hashes,
            is_plainly_named=share.is_plain(name),
        )


def _may_be_forgotten(payment: Payment, since: datetime) -> bool:
    """Whether payouts of a payment may have been made before a history began. What the bridge has opened since
    then has a name that was not used before. A payment whose invoice was made elsewhere is registered again under
    its old name, however late; it can have been paid out before only if its money had come by then."""
    if payment.created_at <= since:
        return True
    came = [transfer.occurred_at for transfer in payment.counted]
    return not payment.is_opened_here and any(at is None or at <= since + WIDEST for at in came)
