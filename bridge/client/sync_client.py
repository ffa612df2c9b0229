"""The client that blocks until the bridge has answered."""

# Made of async_client.py by `make blocking-client`: change that one.

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Any, Literal, TypeVar

from tenacity import Retrying

from bridge.client.answers import (
    CheckedDestination,
    PastEvent,
    RegisteredCheckout,
    RegisteredPayment,
    RequestedPayout,
    RequestedRefund,
)
from bridge.client.asking import AskingThread
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
from bridge.client.retries import Destination, Retries
from coordinator.events import Payload

__all__ = ["BridgeClient"]

Result = TypeVar("Result")


class BridgeClient:
    """Asks the bridge, and asks again while it or the network is down. Threads may share one.

    `url` is the bridge's, such as `https://bridge.example`; `token` the one that its services file has for this
    service, or None where it has none. A try takes `timeout_seconds` at most, from the connection to the end of the
    answer. Where a repeat can help, tries follow each other, after random waits that grow, or after as
    long as the bridge asks for, until `give_up_after_seconds` have passed in total; 0 means one try. Proxies are
    taken from the environment, as httpx does. Raises ValueError if one of these cannot be used.

    Every call has an idempotency key in all its tries, so it is done once, even if answers are lost. The key is a new
    one for each call; give your own, such as the id of your own record, to have it done once over restarts of your
    service too. Every call raises a ClientError: see `bridge.client.errors`.
    """

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
        self._asking = AskingThread()

    def publish(
        self,
        event: str | Payload,
        data: Mapping[str, Any] | None = None,
        *,
        target: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """Publishes one event, `publish("new-offer", {…})` or `publish(NewOffer(…))`, and returns its offset.

        The offset is the event's place in the journal, as a string. `data` and `target` are those of `Publication`.
        Raises ClientError; TypeError if there is no data, or twice.
        """
        return self._perform(publish_call(Publication(event, data, target), idempotency_key))

    def publish_all(self, publications: Sequence[Publication], *, idempotency_key: str | None = None) -> list[str]:
        """Publishes 1 to 500 events in their order, all of them or none, and returns their offsets.

        Raises ClientError; the `faults` of a RequestRefusedError count the events from 0, as in `events.3.data`.
        """
        return self._perform(publish_all_call(publications, idempotency_key))

    def register_payment(
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
        """Registers a payment that exists at the provider, or has one opened there, and returns it as it stands.

        `external_id` is the provider's id of one that exists; without it the bridge opens an invoice in `coin`, such
        as `"ETH-USDT"`, and the `invoices` of the result say where to pay. With the provider `"onchain"` it goes over
        a `chain` to the address `recipient`, in a token of the chain as `currency`, and only money of `payer` counts,
        if that is given. From the payment's page its buyer goes back to `return_url`. `amount` is exact,
        `Decimal("49.90")` or `"49.90"`, and a float is refused. Registered again with the same fields (or, without an
        `external_id`, with the same idempotency key) it is the same payment. Raises ClientError, among them
        PaymentConflictError if it is registered with other fields.
        """
        return self._perform(
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

    def cancel_payment(self, payment_id: str, *, note: str | None = None) -> RegisteredPayment:
        """Cancels a payment for good, such as that of a sale that does not come about, and returns it as it stands.

        What the buyer pays all the same completes nothing, but waits for a person; `note` tells them why. One that is
        cancelled already stays so. Raises ClientError, among them PaymentOverError if it is completed or refunded.
        """
        return self._perform(cancel_payment_call(payment_id, note=note))

    def register_checkout(
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
        """Registers a template checkout, one payment for several purchase requests, and returns it as it stands.

        It is of the sum of its `shares`. `checkout_id` is of your choice, or else the bridge makes one up; the other
        arguments are those of `register_payment`. Registered again with the same `checkout_id`, or with the same
        idempotency key, it is the same checkout. Raises ClientError, among them PaymentConflictError if it is
        registered with other fields.
        """
        return self._perform(
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

    def send_payouts(
        self,
        orders: Sequence[PayoutOrder],
        *,
        another: bool = False,
        asked_by: str | None = None,
        idempotency_key: str | None = None,
    ) -> list[RequestedPayout]:
        """Has 1 to 100 payouts sent, each once, all of them or none, and returns how they stand, in the same order.

        A payment is paid out once, unless `another` is true. A payout that is `awaiting_approval` is sent once
        somebody else than `asked_by`, the person who wants it if it is one, approves it. With the same idempotency
        key they are the same payouts, as they stand by then; how they go on, `payout-updated` tells. Raises
        ClientError, among them PayoutRefusedError for payments that are not completed, or paid out already.
        """
        return self._perform(
            send_payouts_call(orders, another=another, asked_by=asked_by, idempotency_key=idempotency_key)
        )

    def open_refund(
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
        """Opens a refund, money of a payment that goes back to its buyer, and returns it as it stands.

        `amount` is in the payment's currency; left out, it is all that can go back `of` what came for the goods, or
        of what came too much. The buyer reads the `reason`, and is asked on the payment's page where to send it.
        `seller_id` says out of whose share it is, where a completed payment has several; `coin` is the one that the
        buyer paid with unless another is named; `asked_by` is the person who wants it, if it is one. `sent` says how
        it was sent without the bridge, where that sends nothing back: it is only written down then. `besides` are the
        ids of the payment's other refunds that are known; without them none that is open may be there. With the same
        idempotency key it is the same refund, as it stands by then; how it goes on, `refund-updated` tells. Raises
        ClientError, among them RefundRefusedError if so much cannot go back, or others are there, and NotFoundError.
        """
        return self._perform(
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

    def get_refund(self, refund_id: str) -> RequestedRefund:
        """How a refund stands. Raises ClientError, among them NotFoundError."""
        return self._perform(get_refund_call(refund_id))

    def list_refunds(self, payment_id: str) -> list[RequestedRefund]:
        """The refunds of a payment, oldest first. Raises ClientError, among them NotFoundError."""
        return self._perform(list_refunds_call(payment_id))

    def check_refund_destination(self, refund_id: str, destination: str) -> CheckedDestination:
        """Whether a refund can be sent to an address, and what would be sent there now; nothing is written down.

        Raises ClientError, among them RequestRefusedError for what is no address of its coin.
        """
        return self._perform(check_refund_destination_call(refund_id, destination))

    def give_refund_destination(self, refund_id: str, destination: str) -> RequestedRefund:
        """Has a refund sent to an address that its buyer gave, once; it cannot be changed. Returns how it stands.

        Raises ClientError, among them RefundRefusedError if another address was given, or it was withdrawn.
        """
        return self._perform(give_refund_destination_call(refund_id, destination))

    def withdraw_refund(self, refund_id: str, *, note: str | None = None) -> RequestedRefund:
        """Withdraws a refund that no address was given for, and returns it; `note` is for the record.

        Raises ClientError, among them RefundRefusedError if an address was given, or it was withdrawn already.
        """
        return self._perform(withdraw_refund_call(refund_id, note=note))

    def events(self, *, after: str | None = None, follow: bool = True) -> Iterator[PastEvent]:
        """Every event of the bridge, whomever it went to, in order and each once: those after an offset, from the
        beginning without one, from this moment on after `"now"`.

        It waits for more when there are no more, and goes on where it was after a cut, or a restart of the bridge;
        unless it is to `follow`, it ends there. Keep the `offset` of the last event that you have dealt with, to go
        on after it. For services that read. Raises ClientError: OffsetGoneError for an offset that is not held any
        more, and BridgeUnavailableError only when nobody has answered for all of `give_up_after_seconds`.
        """
        is_over = False
        while not is_over:
            wait_seconds = self._destination.wait_seconds if follow else 0
            page = self._perform(events_call(after, wait_seconds=wait_seconds))
            yield from page.events
            after, is_over = page.next, not (follow or page.more)

    def close(self) -> None:
        """Closes the connections; so does the end of a `with` block."""
        self._asking.close()

    def __enter__(self) -> "BridgeClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"BridgeClient({self._destination.url!r})"

    def _perform(self, call: Call[Result]) -> Result:
        tries = Retries(self._destination, call)
        result: Result = Retrying(sleep=time.sleep, **tries.policy())(self._try, tries)
        return result

    def _try(self, tries: Retries[Result]) -> Result:
        with tries.sending():
            response = self._asking.ask(tries.request(), tries.timeout_seconds)
        return tries.read(response)
