"""The catalogue: every event the server sends, by category and by name, each one model with its audience beside it.

Whatever checks, documents or types an event takes it from here. The events that the coordinator raises itself are
defined with it; the other services' are in this package. What clients send is in `client_events`.
"""

from collections.abc import Iterable, Mapping

from bridge.catalogue.access import AccessChanged
from bridge.catalogue.attention import AttentionUpdated
from bridge.catalogue.chat import (
    MessageDeleted,
    MessageEdited,
    MessagesRead,
    NewMessage,
    ParticipantRemoved,
    ParticipantsAdded,
    UserStatusChange,
    UserTyping,
)
from bridge.catalogue.marketplace import (
    BuyerConfirmedDelivery,
    DeliveryCodeGenerated,
    DeliveryConfirmed,
    DeliveryUpdate,
    NewOffer,
    NewPurchaseRequest,
    RequestCancelled,
    TransactionCompleted,
)
from bridge.catalogue.notifications import NewNotification, UnreadCountUpdate
from bridge.catalogue.points import LevelUp, ReferralReward, ReferralSignup
from bridge.catalogue.session import BridgeStopping, SessionEnded
from bridge.catalogue.system import SystemStatus
from coordinator.endpoints.endpoints import matches
from coordinator.events import Payload
from coordinator.payments.events.checkouts import (
    CheckoutPaymentConfirmed,
    CheckoutPaymentFailed,
    CheckoutPaymentPending,
)
from coordinator.payments.events.payments import (
    PaymentCreated,
    PaymentProgress,
    PaymentReceived,
    PaymentUpdate,
    PurchaseRequestUpdate,
    SellerOfferUpdate,
)
from coordinator.payouts.events import PayoutCompleted, PayoutCreated, PayoutProgress, PayoutUpdated
from coordinator.refunds.events import RefundOpened, RefundUpdated

__all__ = ["ADDITIONS", "CATEGORIES", "EVENTS", "FOR_STAFF", "JOURNALED", "journaled_events"]

CATEGORIES: Mapping[str, tuple[type[Payload], ...]] = {
    "marketplace": (
        NewPurchaseRequest,
        NewOffer,
        SellerOfferUpdate,
        PurchaseRequestUpdate,
        RequestCancelled,
        TransactionCompleted,
        DeliveryCodeGenerated,
        DeliveryUpdate,
        DeliveryConfirmed,
        BuyerConfirmedDelivery,
        CheckoutPaymentConfirmed,
        CheckoutPaymentPending,
        CheckoutPaymentFailed,
    ),
    "payment": (PaymentCreated, PaymentReceived, PaymentUpdate, PayoutCreated, PayoutCompleted, PayoutUpdated),
    "chat": (
        NewMessage,
        MessagesRead,
        MessageEdited,
        MessageDeleted,
        ParticipantsAdded,
        ParticipantRemoved,
        UserTyping,
        UserStatusChange,
    ),
    "notification": (NewNotification, UnreadCountUpdate),
    "points": (LevelUp, ReferralReward, ReferralSignup),
}
"""The specification's tables, in its order."""

EVENTS: Mapping[str, type[Payload]] = {model.event_name: model for models in CATEGORIES.values() for model in models}
"""Every event of the specification, by name: what may be published."""

ADDITIONS: tuple[type[Payload], ...] = (
    SessionEnded,
    BridgeStopping,
    AccessChanged,
    PaymentProgress,
    PayoutProgress,
    RefundOpened,
    RefundUpdated,
    AttentionUpdated,
    SystemStatus,
)
"""The product's own events beside the specification. Only the server itself raises them."""

_OWN_OF_MONEY = (PaymentProgress, PayoutProgress, RefundOpened, RefundUpdated)

FOR_STAFF: Mapping[str, frozenset[str]] = {
    "attention": frozenset({AttentionUpdated.event_name}),
    "access": frozenset({AccessChanged.event_name}),
}
"""The names of the events that tell staff of their work, by category. No service publishes one."""

JOURNALED: Mapping[str, frozenset[str]] = {
    **{
        category: frozenset(
            model.event_name for model in (*models, *(_OWN_OF_MONEY if category == "payment" else ()))
        )
        for category, models in CATEGORIES.items()
    },
    **FOR_STAFF,
}
"""The names of all events that the journal can hold, by category."""


def journaled_events(patterns: Iterable[str]) -> frozenset[str]:
    """Those of them that are meant by some patterns, in which `*` stands for anything."""
    names = frozenset[str]().union(*JOURNALED.values())
    return frozenset(name for pattern in patterns for name in names if matches(pattern, name))
