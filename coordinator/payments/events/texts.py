"""Event texts: the events of one change of a payment, as JSON has them. What they say was checked when the payment
was registered and the observation read, so it is put into the text as it is; the models beside it say what that
looks like, and to whom it goes.
"""

from collections.abc import Iterator
from decimal import Decimal
from json.encoder import encode_basestring as quoted

from coordinator import rooms
from coordinator.events import Event, audience_of, event_of
from coordinator.money import ZERO, excess_over, total
from coordinator.payments.agreed.agreements import Share
from coordinator.payments.events.payments import (
    PaymentProgress,
    PaymentReceived,
    PaymentUpdate,
    PurchaseRequestUpdate,
    SellerOfferUpdate,
)
from coordinator.payments.observed.observations import Observation, TransferSighted
from coordinator.payments.observed.reversals import PaymentDisputed
from coordinator.payments.parts.part_statuses import cancelled_apart, standing_of_part
from coordinator.payments.parts.shown import Scale, shown
from coordinator.payments.payments import Payment
from coordinator.payments.statuses import PaymentStatus

__all__ = ["EventTexts"]

_UPDATE, _RECEIVED, _PROGRESS = PaymentUpdate.event_name, PaymentReceived.event_name, PaymentProgress.event_name
_REQUEST_UPDATE, _OFFER_UPDATE = PurchaseRequestUpdate.event_name, SellerOfferUpdate.event_name


class EventTexts:
    """What all events of one change say."""

    __slots__ = ("_buyer_room", "_payment", "_payment_id", "_request_rooms", "_seller_rooms", "_subject", "_tx_hash")

    def __init__(self, payment: Payment, tx_hash: str | None) -> None:
        self._payment = payment
        self._payment_id = quoted(payment.payment_id)
        self._tx_hash = None if tx_hash is None else quoted(tx_hash)
        self._buyer_room = rooms.user(payment.buyer_id)
        self._seller_rooms = tuple(map(rooms.user, payment.seller_ids))
        self._subject = payment.request_id if payment.checkout is None else None
        """The purchase request that all of it is about; None where there are several."""
        self._request_rooms = tuple(rooms.request(share.request_id) for share in payment.shares)

    def update(self) -> Event:
        """That its status changed, or that more money was seen or received."""
        payment = self._payment
        tx_hash = "" if self._tx_hash is None else f',"txHash":{self._tx_hash}'
        said = (
            f'{{"paymentId":{self._payment_id},"status":"{payment.status}"'
            f',"escrowState":"{payment.escrow_state}"{tx_hash}}}'
        )
        request_rooms, seller_rooms = self._request_rooms, self._seller_rooms
        if payment.facts.cancelled_requests:
            # For those whose purchase requests are cancelled it is not paid, whatever it is for the others.
            cancelled = cancelled_apart(payment)
            left = [share for share in payment.shares if share.request_id not in cancelled]
            request_rooms = tuple(rooms.request(share.request_id) for share in left)
            seller_rooms = tuple(rooms.user(share.seller_id) for share in left)
        parties = _each_once(*request_rooms, self._buyer_room, *seller_rooms)
        return event_of((_UPDATE, audience_of((True, parties)), said, self._subject))

    def received(self, share: Share) -> Event:
        """That a share of it was paid."""
        payment = self._payment
        said = (
            f'{{"purchaseRequestId":{quoted(share.request_id)},"amount":"{share.amount:f}"'
            f',"currency":{quoted(payment.currency)},"buyerId":{quoted(payment.buyer_id)}}}'
        )
        return event_of((_RECEIVED, audience_of((False, (rooms.user(share.seller_id),))), said, share.request_id))

    def request_update(self, share: Share, happened: str, status: PaymentStatus | None = None) -> Event:
        """What happened to the purchase request of a share, which stands as the payment if no `status` is said."""
        payment = self._payment
        tx_hash = "" if self._tx_hash is None else f',"txHash":{self._tx_hash}'
        said = (
            f'{{"type":"{happened}","requestId":{quoted(share.request_id)},"status":"{status or payment.status}"'
            f',"paymentId":{self._payment_id}{tx_hash},"provider":{quoted(payment.provider)}}}'
        )
        audience = audience_of((False, (rooms.request(share.request_id),)))
        return event_of((_REQUEST_UPDATE, audience, said, share.request_id))

    def offer_update(self, share: Share) -> Event:
        """That the offer of a share was paid."""
        offer_id = "null" if share.offer_id is None else quoted(share.offer_id)
        tx_hash = "" if self._tx_hash is None else f',"transactionHash":{self._tx_hash}'
        said = (
            f'{{"sellerId":{quoted(share.seller_id)},"requestId":{quoted(share.request_id)}'
            f',"eventType":"payment-completed","data":{{"offerId":{offer_id},"isSelected":true'
            f',"paymentId":{self._payment_id}{tx_hash}}}}}'
        )
        audience = audience_of((True, (rooms.seller(share.seller_id),)))
        return event_of((_OFFER_UPDATE, audience, said, share.request_id))

    def progress(self, observation: Observation | None) -> Iterator[Event]:
        """How far it has come, and what was seen last. Each of several sellers is told of their own part."""
        payment, checkout = self._payment, self._payment.checkout
        figures = shown(payment)
        of_fee = f',"fee":"{figures.fee:f}","missingFee":"{figures.missing_fee:f}"' if payment.has_fee else ""
        sums = f',"received":"{figures.received:f}","missing":"{figures.missing:f}"{of_fee}'
        about = self._request_rooms if checkout is None else (rooms.template_checkout(checkout.checkout_id),)
        is_of_one = len(self._seller_rooms) == 1
        receivers = _each_once(rooms.OPS, *about, self._buyer_room, *(self._seller_rooms if is_of_one else ()))
        yield self._progress(payment.status, sums, observation, receivers)
        if is_of_one:
            return
        for seller_id, room in zip(payment.seller_ids, self._seller_rooms, strict=True):
            if room not in receivers:
                status, agreed = standing_of_part(payment, (seller_id,)), _agreed_with(payment, seller_id)
                came = payment.came_for(seller_id)
                missing = ZERO if status is PaymentStatus.COMPLETED else excess_over(agreed, came)
                own = Scale(payment, agreed).figures(came, missing, ZERO, ZERO, ZERO)
                sums = f',"received":"{own.received:f}","missing":"{own.missing:f}"'
                yield self._progress(status, sums, observation, (room,))

    def _progress(
        self, status: PaymentStatus, sums: str, observation: Observation | None, receivers: tuple[str, ...]
    ) -> Event:
        payment, awaited = self._payment, self._payment.awaited
        tx_hash = reason = ""
        confirmations = required = None
        if awaited is not None:
            confirmations, required = awaited.confirmations, awaited.required_confirmations
        if self._tx_hash is not None:
            tx_hash = f',"txHash":{self._tx_hash}'
        if (why := _reason(observation)) is not None:
            reason = f',"reason":{quoted(why)}'
        said = (
            f'{{"paymentId":{self._payment_id},"status":"{status}"{sums}'
            f',"currency":{quoted(payment.currency)}'
            f',"late":{"true" if payment.late else "false"}'
            f',"confirmations":{"null" if confirmations is None else confirmations}'
            f',"requiredConfirmations":{"null" if required is None else required}{tx_hash}{reason}}}'
        )
        return event_of((_PROGRESS, audience_of((False, receivers)), said, self._subject))


def _agreed_with(payment: Payment, seller_id: str) -> Decimal:
    return total(share.amount for share in payment.shares if share.seller_id == seller_id)


def _each_once(*names: str) -> tuple[str, ...]:
    """Rooms in their order: one that two ids make is one room."""
    return tuple(dict.fromkeys(names))


def _reason(observation: Observation | None) -> str | None:
    """What the parties are to know of an observation beside the figures."""
    match observation:
        case TransferSighted(sighting=sighting):
            return sighting.reason
        case PaymentDisputed(outcome=outcome):
            return outcome
    return None
