"""The catalogue: every event the server sends, by category and by name, each one model with its audience beside it.

Whatever checks, documents or types an event takes it from here. The events that the coordinator raises itself are
defined with it; the other services' are in this package. What clients send is in `client_events`.
"""

from collections.abc import Mapping

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
from bridge.catalogue.session import SessionEnded
from bridge.catalogue.system import SystemStatus
from coordinator.events import Payload
from coordinator.payments.checkout_events import (
    CheckoutPaymentConfirmed,
    CheckoutPaymentFailed,
    CheckoutPaymentPending,
)
from coordinator.payments.events import (
    PaymentCreated,
    PaymentProgress,
    PaymentReceived,
    PaymentUpdate,
    PurchaseRequestUpdate,
    SellerOfferUpdate,
)
from coordinator.payouts.events import PayoutCompleted, PayoutCreated, PayoutProgress, PayoutUpdated
from coordinator.refunds.events import RefundOpened, RefundUpdated

__all__ = ["ADDITIONS", "CATEGORIES", "EVENTS"]

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
    PaymentProgress,
    PayoutProgress,
    RefundOpened,
    RefundUpdated,
    AttentionUpdated,
    SystemStatus,
)
"""The product's own events beside the specification. Only the server itself raises them."""
