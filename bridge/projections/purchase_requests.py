"""A purchase request as those in its room know it: the document, its last update, its delivery."""

from collections.abc import Iterable
from typing import Any

from bridge.catalogue.marketplace import (
    DeliveryCodeGenerated,
    DeliveryConfirmed,
    DeliveryUpdate,
    NewPurchaseRequest,
    RequestCancelled,
)
from coordinator.events import Document, Event, Text
from coordinator.ids import Id
from coordinator.models import FrozenModel
from coordinator.payments.events.payments import PurchaseRequestUpdate

__all__ = ["SOURCE_EVENTS", "Delivery", "PurchaseRequestState", "purchase_request"]

SOURCE_EVENTS = tuple(
    model.event_name
    for model in (
        NewPurchaseRequest,
        PurchaseRequestUpdate,
        RequestCancelled,
        DeliveryCodeGenerated,
        DeliveryUpdate,
        DeliveryConfirmed,
    )
)
"""The events that say how a purchase request stands."""


class Delivery(FrozenModel):
    """How a delivery stands. What was never told is None."""

    code: str | None = None
    status: str | None = None
    carrier: str | None = None
    tracking_number: str | None = None
    confirmed: bool = False


class PurchaseRequestState(FrozenModel):
    """A purchase request. What was never told is None."""

    request_id: Id
    document: Document | None = None
    """The `PurchaseRequest`, as it was published."""
    type: str | None = None
    """What happened last, as the last `purchase-request-update` calls it."""
    status: str | None = None
    payment_id: str | None = None
    tx_hash: str | None = None
    provider: str | None = None
    delivery: Delivery | None = None
    cancelled: bool = False
    cancel_reason: Text | None = None


def purchase_request(request_id: str, events: Iterable[Event]) -> PurchaseRequestState | None:
    """What events about a purchase request amount to; None if there are none."""
    state: dict[str, Any] = {}
    delivery: dict[str, Any] = {}
    for event in events:
        payload = event.payload
        match event.name:
            case NewPurchaseRequest.event_name:
                state["document"] = payload
            case PurchaseRequestUpdate.event_name:
                if payload.get("paymentId", state.get("paymentId")) != state.get("paymentId"):
                    state.pop("txHash", None)  # the transaction was of another payment
                state |= {name: value for name, value in payload.items() if name != "requestId"}
            case RequestCancelled.event_name:
                state |= {"cancelled": True, "cancelReason": payload["reason"]}
            case DeliveryCodeGenerated.event_name:
                delivery["code"] = payload["deliveryCode"]
            case DeliveryUpdate.event_name:
                delivery |= {name: value for name, value in payload.items() if name != "requestId"}
            case DeliveryConfirmed.event_name:
                delivery["confirmed"] = True
    if not state and not delivery:
        return None
    return PurchaseRequestState.model_validate({"requestId": request_id, **state, "delivery": delivery or None})
