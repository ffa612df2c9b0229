"""The client for asyncio: the same calls and the same tries as of the one that blocks, awaited."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Any, Literal, TypeVar

import httpx
from tenacity import AsyncRetrying

from bridge.client.answers import (
    CheckedDestination,
    PastEvent,
    RegisteredCheckout,
    RegisteredPayment,
    RequestedPayout,
    RequestedRefund,
)
from bridge.client.asking import ask
from bridge.client.calls import (
    Call,
    CheckoutShare,
    PayoutOrder,
    Publication,
    SentRefund,
    cancel_payment_call,
    check_refund_destination_call,
    events_call,
    get_refund_call,
    give_refund_destination_call,
    list_refunds_call,
    open_refund_call,
    publish_all_call,
    publish_call,
    register_checkout_call,
    register_payment_call,
    send_payouts_call,
    withdraw_refund_call,
)
from bridge.client.certificates import certificates
from bridge.client.retries import Destination, Retries
from coordinator.events import Payload

__all__ = ["AsyncBridgeClient"]

Result = TypeVar("Result")


class AsyncBridgeClient:
    """The same as `BridgeClient` for asyncio: every call is awaited, and any number may be under way at once."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        timeout_seconds: float = 10,
        give_up_after_seconds: float = 60,
    ) -> None:
        self._destination = Destination(
            url, token, timeout_seconds=timeout_seconds, give_up_after_seconds=give_up_after_seconds
        )
        self._http = httpx.AsyncClient(verify=certificates())

    async def publish(
        self,
        event: str | Payload,
        data: Mapping[str, Any] | None = None,
        *,
        target: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """As `BridgeClient.publish`."""
        return await self._perform(publish_call(Publication(event, data, target), idempotency_key))

    async def publish_all(
        self, publications: Sequence[Publication], *, idempotency_key: str | None = None
    ) -> list[str]:
        """As `BridgeClient.publish_all`."""
        return await self._perform(publish_all_call(publications, idempotency_key))

    async def register_payment(
        self,
        *,
        provider: str,
        request_id: str,
        buyer_id: str,
        seller_id: str,
        amount: Decimal | str,
        currency: str,
        external_id: str | None = None,
        coin: str | None = None,
        chain: str | None = None,
        recipient: str | None = None,
        payer: str | None = None,
        return_url: str | None = None,
        offer_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> RegisteredPayment:
        """As `BridgeClient.register_payment`."""
        return await self._perform(
            register_payment_call(
                provider=provider,
                external_id=external_id,
                coin=coin,
                chain=chain,
                recipient=recipient,
                payer=payer,
                return_url=return_url,
                request_id=request_id,
                buyer_id=buyer_id,
                seller_id=seller_id,
                offer_id=offer_id,
                amount=amount,
                currency=currency,
                idempotency_key=idempotency_key,
            )
        )

    async def cancel_payment(self, payment_id: str, *, note: str | None = None) -> RegisteredPayment:
        """As `BridgeClient.cancel_payment`."""
        return await self._perform(cancel_payment_call(payment_id, note=note))

    async def register_checkout(
        self,
        *,
        provider: str,
        buyer_id: str,
        currency: str,
        shares: Sequence[CheckoutShare],
        checkout_id: str | None = None,
        external_id: str | None = None,
        coin: str | None = None,
        chain: str | None = None,
        recipient: str | None = None,
        payer: str | None = None,
        return_url: str | None = None,
        idempotency_key: str | None = None,
    ) -> RegisteredCheckout:
        """As `BridgeClient.register_checkout`."""
        return await self._perform(
            register_checkout_call(
                provider=provider,
                checkout_id=checkout_id,
                external_id=external_id,
                coin=coin,
                chain=chain,
                recipient=recipient,
                payer=payer,
                return_url=return_url,
                buyer_id=buyer_id,
                currency=currency,
                shares=shares,
                idempotency_key=idempotency_key,
            )
        )

    async def send_payouts(
        self,
        orders: Sequence[PayoutOrder],
        *,
        another: bool = False,
        asked_by: str | None = None,
        idempotency_key: str | None = None,
    ) -> list[RequestedPayout]:
        """As `BridgeClient.send_payouts`."""
        return await self._perform(
            send_payouts_call(orders, another=another, asked_by=asked_by, idempotency_key=idempotency_key)
        )

    async def open_refund(
        self,
        payment_id: str,
        *,
        reason: str,
        amount: Decimal | str | None = None,
        of: Literal["goods", "excess"] = "goods",
        seller_id: str | None = None,
        coin: str | None = None,
        asked_by: str | None = None,
        sent: SentRefund | None = None,
        besides: Collection[str] | None = None,
        idempotency_key: str | None = None,
    ) -> RequestedRefund:
        """As `BridgeClient.open_refund`."""
        return await self._perform(
            open_refund_call(
                payment_id,
                amount=amount,
                idempotency_key=idempotency_key,
                of=of,
                reason=reason,
                seller_id=seller_id,
                coin=coin,
                asked_by=asked_by,
                sent=sent,
                besides=besides,
            )
        )

    async def get_refund(self, refund_id: str) -> RequestedRefund:
        """As `BridgeClient.get_refund`."""
        return await self._perform(get_refund_call(refund_id))

    async def list_refunds(self, payment_id: str) -> list[RequestedRefund]:
        """As `BridgeClient.list_refunds`."""
        return await self._perform(list_refunds_call(payment_id))

    async def check_refund_destination(self, refund_id: str, destination: str) -> CheckedDestination:
        """As `BridgeClient.check_refund_destination`."""
        return await self._perform(check_refund_destination_call(refund_id, destination))

    async def give_refund_destination(self, refund_id: str, destination: str) -> RequestedRefund:
        """As `BridgeClient.give_refund_destination`."""
        return await self._perform(give_refund_destination_call(refund_id, destination))

    async def withdraw_refund(self, refund_id: str, *, note: str | None = None) -> RequestedRefund:
        """As `BridgeClient.withdraw_refund`."""
        return await self._perform(withdraw_refund_call(refund_id, note=note))

    async def events(self, *, after: str | None = None, follow: bool = True) -> AsyncIterator[PastEvent]:
        """As `BridgeClient.events`."""
        is_over = False
        while not is_over:
            wait_seconds = self._destination.wait_seconds if follow else 0
            page = await self._perform(events_call(after, wait_seconds=wait_seconds))
            for event in page.events:
                yield event
            after, is_over = page.next, not (follow or page.more)

    async def aclose(self) -> None:
        """Closes the connections; so does the end of an `async with` block."""
        await self._http.aclose()

    async def __aenter__(self) -> "AsyncBridgeClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"AsyncBridgeClient({self._destination.url!r})"

    async def _perform(self, call: Call[Result]) -> Result:
        tries = Retries(self._destination, call)
        return await AsyncRetrying(sleep=asyncio.sleep, **tries.policy())(self._try, tries)

    async def _try(self, tries: Retries[Result]) -> Result:
        with tries.sending():
            response = await ask(self._http, tries.request(), tries.timeout_seconds)
        return tries.read(response)
