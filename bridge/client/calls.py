"""What a service can ask the bridge for, each as one request that stays the same in every try. No I/O."""

import json
import re
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote, urlencode

from pydantic.alias_generators import to_camel

from bridge.catalogue.publication import Fault
from bridge.client.answers import (
    CheckedDestination,
    EventPage,
    RegisteredCheckout,
    RegisteredPayment,
    RequestedPayout,
    RequestedRefund,
    offsets_of,
    payouts_of,
    refunds_of,
)
from bridge.client.errors import RequestRefusedError
from coordinator.events import Payload
from coordinator.money import AmountUnreadableError, format_amount, parse_amount

__all__ = [
    "HEADER_TEXT",
    "Call",
    "CheckoutShare",
    "PayoutOrder",
    "Publication",
    "SentRefund",
    "cancel_payment_call",
    "check_refund_destination_call",
    "events_call",
    "get_refund_call",
    "give_refund_destination_call",
    "list_refunds_call",
    "open_refund_call",
    "publish_all_call",
    "publish_call",
    "register_checkout_call",
    "register_payment_call",
    "send_payouts_call",
    "withdraw_refund_call",
]

Result = TypeVar("Result")

HEADER_TEXT = re.compile(r"[!-~]([ -~]*[!-~])?")
"""What HTTP carries unchanged as the value of a header."""
KEY_LIMIT_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Publication:
    """One event: `Publication("new-offer", {…})`, or a payload of `bridge.catalogue`, which knows its own name.

    `data` is the event's payload as a JSON object, with the field names of the catalogue. `target` holds the ids that
    the event's rooms are made of and its data does not hold: `{"buyerId": "buyer-5"}`.
    """

    event: str | Payload
    data: Mapping[str, Any] | None = None
    target: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.event, Payload):
            if self.data is not None:
                raise TypeError(f"{type(self.event).__name__} is the data already; leave data out")
        elif not isinstance(self.data, Mapping):
            raise TypeError("an event is its name and its data, a mapping; or one payload of bridge.catalogue")

    def to_json(self, prefix: str = "") -> str:
        """As the bridge reads it; the same for the same content. Raises RequestRefusedError for what is no JSON."""
        try:
            content = (
                {"event": self.event.event_name, "data": self.event.model_dump(mode="json")}
                if isinstance(self.event, Payload)
                else {"event": self.event, "data": dict(self.data or {})}
            )
            if self.target is not None:
                content["target"] = dict(self.target)
            return _json(content)
        except (TypeError, ValueError, RecursionError) as error:
            raise RequestRefusedError.of(Fault(f"{prefix}data", f"cannot be written as JSON: {error}")) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutShare:
    """What a template checkout pays for one purchase request."""

    request_id: str
    seller_id: str
    amount: Decimal | str
    offer_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRefund:
    """How money was sent back without the bridge."""

    tx_hash: str
    """The transaction that carries it."""
    destination: str
    """Where it went."""
    coin_amount: Decimal | str | None = None
    """How much of the coin it was, where that is not just the amount."""
    for_several: bool = False
    """Whether somebody has seen that the transaction is for another payout or refund too, which is known by it."""
    other_address: bool = False
    """Whether the buyer gave this address, though another refund of the payment was to go elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutOrder:
    """A payout to the seller of a completed payment.

    `amount` is of the `coin`, such as `"ETH-USDT"`; `destination` is the seller's address. `fee`, for the network, is
    only for `BTC`, `LTC`, `DOGE` and `FIRO`, in their smallest units for each byte of the transaction. Where a
    template checkout has several sellers, `seller_id` says which. With a `chain` the marketplace's own wallet sends
    it, in a token of the chain as `coin`, and the bridge follows the transaction `tx_hash`, or a transfer of just
    this amount by `sender`.
    """

    payment_id: str
    coin: str
    amount: Decimal | str
    destination: str
    seller_id: str | None = None
    fee: Decimal | str | None = None
    chain: str | None = None
    tx_hash: str | None = None
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class Call(Generic[Result]):
    """One request, and how its answer is read."""

    path: str
    body: bytes
    idempotency_key: str
    """The caller's, or a random one, so that every call may be repeated."""
    read: Callable[[bytes], Result]
    """Reads the body of a 2xx. Raises ValueError if it is not what the bridge sends."""
    method: Literal["GET", "POST"] = "POST"


def publish_call(publication: Publication, idempotency_key: str | None) -> Call[str]:
    """Publishes one event; the result is its offset. Raises RequestRefusedError."""
    return Call(
        "/api/events",
        publication.to_json().encode(),
        _usable_key(idempotency_key),
        lambda body: offsets_of(body, 1)[0],
    )


def publish_all_call(publications: Sequence[Publication], idempotency_key: str | None) -> Call[list[str]]:
    """Publishes several events, all or none; the result is their offsets. Raises RequestRefusedError."""
    events = ",".join(one.to_json(f"events.{number}.") for number, one in enumerate(publications))
    count = len(publications)
    return Call(
        "/api/events",
        f'{{"events":[{events}]}}'.encode(),
        _usable_key(idempotency_key),
        lambda body: offsets_of(body, count),
    )


def events_call(after: str | None, *, wait_seconds: int) -> Call[EventPage]:
    """Some of all events, after an offset or from the beginning; waits so long where there are none."""
    query = {"all": "true", "limit": "500", "wait": str(wait_seconds)} | ({} if after is None else {"after": after})
    return _asking(f"/api/events?{urlencode(query)}", EventPage.model_validate_json)


def register_payment_call(
    *, amount: Decimal | str, idempotency_key: str | None, **ids: str | None
) -> Call[RegisteredPayment]:
    """Registers a payment; `ids` are the other fields by their names in Python. Raises RequestRefusedError."""
    body = _object({**ids, "amount": _exact(amount, "amount")})
    return _registering("/api/payments", body, idempotency_key, RegisteredPayment.model_validate_json)


def cancel_payment_call(payment_id: str, *, note: str | None) -> Call[RegisteredPayment]:
    """Cancels a payment for good; the result is how it stands. Raises RequestRefusedError."""
    path = f"/api/payments/{quote(payment_id, safe='')}/cancellation"
    return _registering(path, _object({"note": note}), None, RegisteredPayment.model_validate_json)


def register_checkout_call(
    *, shares: Sequence[CheckoutShare], idempotency_key: str | None, **ids: str | None
) -> Call[RegisteredCheckout]:
    """Registers a template checkout; `ids` are the other fields by their names in Python. Raises
    RequestRefusedError."""
    listed = [
        _object({**asdict(share), "amount": _exact(share.amount, f"shares.{number}.amount")})
        for number, share in enumerate(shares)
    ]
    body = {**_object(ids), "shares": listed}
    return _registering("/api/template-checkouts", body, idempotency_key, RegisteredCheckout.model_validate_json)


def send_payouts_call(
    orders: Sequence[PayoutOrder], *, another: bool, asked_by: str | None, idempotency_key: str | None
) -> Call[list[RequestedPayout]]:
    """Has payouts sent, all or none; the result is how they stand, in the same order. Raises RequestRefusedError."""
    listed = [
        _object(
            {
                **asdict(order),
                "amount": _exact(order.amount, f"payouts.{number}.amount"),
                "fee": None if order.fee is None else _exact(order.fee, f"payouts.{number}.fee"),
            }
        )
        for number, order in enumerate(orders)
    ]
    count = len(orders)
    return _registering(
        "/api/payouts",
        {"payouts": listed, "another": another} | ({} if asked_by is None else {"askedBy": asked_by}),
        idempotency_key,
        lambda body: payouts_of(body, count),
    )


def open_refund_call(
    payment_id: str,
    *,
    amount: Decimal | str | None,
    sent: SentRefund | None,
    besides: Collection[str] | None,
    idempotency_key: str | None,
    **fields: str | None,
) -> Call[RequestedRefund]:
    """Opens a refund; `fields` are the others by their names in Python. Raises RequestRefusedError."""
    exact = None if amount is None else _exact(amount, "amount")
    sent_json = None
    if sent is not None:
        coins = None if sent.coin_amount is None else _exact(sent.coin_amount, "sent.coinAmount")
        sent_json = _object({**asdict(sent), "coin_amount": coins})
    seen = None if besides is None else list(besides)
    body = _object({**fields, "payment_id": payment_id, "amount": exact, "sent": sent_json, "besides": seen})
    return _registering("/api/refunds", body, idempotency_key, RequestedRefund.model_validate_json)


def get_refund_call(refund_id: str) -> Call[RequestedRefund]:
    return _asking(_refund(refund_id), RequestedRefund.model_validate_json)


def list_refunds_call(payment_id: str) -> Call[list[RequestedRefund]]:
    return _asking(f"/api/refunds?paymentId={quote(payment_id, safe='')}", refunds_of)


def check_refund_destination_call(refund_id: str, destination: str) -> Call[CheckedDestination]:
    """Raises RequestRefusedError."""
    path, body = f"{_refund(refund_id)}/destination/check", {"destination": destination}
    return _registering(path, body, None, CheckedDestination.model_validate_json)


def give_refund_destination_call(refund_id: str, destination: str) -> Call[RequestedRefund]:
    """Raises RequestRefusedError."""
    path, body = f"{_refund(refund_id)}/destination", {"destination": destination}
    return _registering(path, body, None, RequestedRefund.model_validate_json)


def withdraw_refund_call(refund_id: str, *, note: str | None) -> Call[RequestedRefund]:
    """Raises RequestRefusedError."""
    path = f"{_refund(refund_id)}/cancellation"
    return _registering(path, _object({"note": note}), None, RequestedRefund.model_validate_json)


def _refund(refund_id: str) -> str:
    return f"/api/refunds/{quote(refund_id, safe='')}"


def _asking(path: str, read: Callable[[bytes], Result]) -> Call[Result]:
    return Call(path, b"", _usable_key(None), read, method="GET")


def _exact(amount: Decimal | str, field: str) -> str:
    """An amount as the bridge reads it. Raises RequestRefusedError, which names the field, for one that is none."""
    try:
        return format_amount(parse_amount(amount))
    except AmountUnreadableError as error:
        raise RequestRefusedError.of(Fault(field, str(error))) from None


def _object(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields, by their names in Python, as the bridge reads them; what is None is left out."""
    return {to_camel(name): value for name, value in fields.items() if value is not None}


def _registering(
    path: str, body: dict[str, Any], idempotency_key: str | None, read: Callable[[bytes], Result]
) -> Call[Result]:
    try:
        text = _json(body)
    except (TypeError, ValueError) as error:
        raise RequestRefusedError.of(Fault("body", f"cannot be written as JSON: {error}")) from None
    return Call(path, text.encode(), _usable_key(idempotency_key), read)


def _json(content: object) -> str:
    # Sorted, because the bridge compares requests with one idempotency key byte by byte.
    return json.dumps(content, allow_nan=False, sort_keys=True, separators=(",", ":"))


def _usable_key(key: str | None) -> str:
    if key is None:
        return uuid.uuid4().hex
    if len(key) > KEY_LIMIT_CHARACTERS or HEADER_TEXT.fullmatch(key) is None:
        message = f"expected 1 to {KEY_LIMIT_CHARACTERS} printable ASCII characters, without blanks around them"
        raise RequestRefusedError.of(Fault("Idempotency-Key", message))
    return key
