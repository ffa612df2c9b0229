"""Approvals as the rest of the bridge has them written down: what second persons decide about payouts, and the lists
of where sellers may be paid without one."""

import functools
from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal

from bridge.journal.queries.addresses import OwnAddress, own_address
from bridge.journal.queries.prices import earlier_prices
from bridge.journal.queries.readers import Read
from bridge.journal.requests import approvals as approval_requests
from bridge.journal.requests.payments import IdempotencyKey
from bridge.journal.writing.payment_log import log_payout
from bridge.journal.writing.staged.actions import Action
from bridge.journal.writing.staged.destinations import AllowedDestination, allowed_destinations
from bridge.journal.writing.writer import Submit
from coordinator.payments.problems.coin_prices import EarlierPrice, usual_price
from coordinator.payouts.approval import Approver, PayoutRules
from coordinator.payouts.payouts import Payout

__all__ = ["ApprovalRecords"]


class ApprovalRecords:
    """Writes down what is decided about payouts that wait. Raises JournalUnavailableError."""

    def __init__(self, read: Read, submit: Submit) -> None:
        self._read = read
        self._submit = submit

    async def approve(self, payout_id: str, *, by: Approver, note: str | None) -> tuple[Payout, Action]:
        """Has a payout sent that awaited approval, once. Raises NothingToApproveError and SamePersonError."""
        payout, action = await self._submit(
            functools.partial(approval_requests.approve_payout, payout_id=payout_id, by=by, note=note)
        )
        log_payout(payout)
        return payout, action

    async def reject(self, payout_id: str, *, by: Approver, note: str) -> tuple[Payout, Action]:
        """Has a payout that nobody was asked to send fail. Raises NothingToApproveError and SamePersonError."""
        payout, action = await self._submit(
            functools.partial(approval_requests.reject_payout, payout_id=payout_id, by=by, note=note)
        )
        log_payout(payout)
        return payout, action

    async def withdraw(self, payout_id: str, *, by: Approver, note: str | None) -> tuple[Payout, Action]:
        """Has a payout that nobody was asked to send fail, at the word of who asked for it. Raises
        NothingToApproveError and NotTheirOwnError."""
        payout, action = await self._submit(
            functools.partial(approval_requests.withdraw_payout, payout_id=payout_id, by=by, note=note)
        )
        log_payout(payout)
        return payout, action

    async def destinations(self, seller_id: str) -> list[AllowedDestination]:
        """Where a seller may be paid without a second person, oldest first."""
        return await self._read(allowed_destinations, seller_id)

    async def own_address(
        self, provider: str, spellings: Collection[str], chains: Collection[str]
    ) -> OwnAddress | None:
        """What an address is for, however it is written, if it is our own."""
        return await self._read(own_address, provider, spellings, chains)

    async def earlier_prices(self, provider: str, coin: str, currency: str, now: datetime) -> Sequence[EarlierPrice]:
        """What one coin was worth in a provider's invoices of the days before."""
        return await self._read(earlier_prices, provider, coin, currency, now)

    async def usual_price(self, provider: str, coin: str, currency: str, now: datetime) -> Decimal | None:
        """What one coin was worth in them on most of those days; None if too few of them tell."""
        return usual_price(await self.earlier_prices(provider, coin, currency, now), now)

    async def allow_destination(
        self,
        seller_id: str,
        destination: str,
        *,
        coin: str,
        by: str,
        through: str,
        idempotency: IdempotencyKey | None = None,
    ) -> tuple[AllowedDestination, Action | None]:
        """Puts a destination on a seller's list. No action if it was there. Raises IdempotencyKeyReusedError, and
        DestinationRemovedError for a repeat of what was undone since."""
        return await self._submit(
            functools.partial(
                approval_requests.allow_destination,
                seller_id=seller_id,
                destination=destination,
                coin=coin,
                by=by,
                through=through,
                idempotency=idempotency,
            )
        )

    async def disallow_destination(
        self,
        seller_id: str,
        destination: str,
        *,
        by: str,
        rules: PayoutRules,
        idempotency: IdempotencyKey | None = None,
    ) -> approval_requests.Removal | None:
        """Takes a destination off a seller's list; what waits to go there awaits approval, where the rules say so.
        None if it was not there. A repeat takes nothing off. Raises IdempotencyKeyReusedError."""
        return await self._submit(
            functools.partial(
                approval_requests.disallow_destination,
                seller_id=seller_id,
                destination=destination,
                by=by,
                rules=rules,
                idempotency=idempotency,
            )
        )
