"""The client for services written in Python: publishes events, registers payments and template checkouts, has payouts
sent and money go back, each once, over any network.

It needs nothing of the server: importing it loads no routes, no sockets and no tables.
"""

from bridge.catalogue.publication import Fault
from bridge.client.answers import (
    CheckedDestination,
    InvoiceToPay,
    PastEvent,
    RegisteredCheckout,
    RegisteredPayment,
    RequestedPayout,
    RequestedRefund,
)
from bridge.client.async_client import AsyncBridgeClient
from bridge.client.calls import CheckoutShare, PayoutOrder, Publication, SentRefund
from bridge.client.errors import (
    BridgeUnavailableError,
    ClientError,
    IdempotencyKeyReusedError,
    NotAllowedError,
    NotFoundError,
    OffsetGoneError,
    PaymentConflictError,
    PaymentOverError,
    PayoutRefusedError,
    RefundRefusedError,
    RequestRefusedError,
    TooLargeError,
    UnexpectedAnswerError,
)
from bridge.client.sync_client import BridgeClient

__all__ = [
    "AsyncBridgeClient",
    "BridgeClient",
    "BridgeUnavailableError",
    "CheckedDestination",
    "CheckoutShare",
    "ClientError",
    "Fault",
    "IdempotencyKeyReusedError",
    "InvoiceToPay",
    "NotAllowedError",
    "NotFoundError",
    "OffsetGoneError",
    "PastEvent",
    "PaymentConflictError",
    "PaymentOverError",
    "PayoutOrder",
    "PayoutRefusedError",
    "Publication",
    "RefundRefusedError",
    "RegisteredCheckout",
    "RegisteredPayment",
    "RequestRefusedError",
    "RequestedPayout",
    "RequestedRefund",
    "SentRefund",
    "TooLargeError",
    "UnexpectedAnswerError",
]
