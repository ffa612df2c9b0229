"""The client for services written in Python: publishes events, registers payments and template checkouts, and has
payouts sent, each once, over any network.

It needs nothing of the server: importing it loads no routes, no sockets and no tables.
"""

from bridge.catalogue.publication import Fault
from bridge.client.answers import InvoiceToPay, RegisteredCheckout, RegisteredPayment, RequestedPayout
from bridge.client.calls import CheckoutShare, PayoutOrder, Publication
from bridge.client.clients import AsyncBridgeClient, BridgeClient
from bridge.client.errors import (
    BridgeUnavailableError,
    ClientError,
    IdempotencyKeyReusedError,
    NotAllowedError,
    PaymentConflictError,
    PaymentOverError,
    PayoutRefusedError,
    RequestRefusedError,
    TooLargeError,
    UnexpectedAnswerError,
)

__all__ = [
    "AsyncBridgeClient",
    "BridgeClient",
    "BridgeUnavailableError",
    "CheckoutShare",
    "ClientError",
    "Fault",
    "IdempotencyKeyReusedError",
    "InvoiceToPay",
    "NotAllowedError",
    "PaymentConflictError",
    "PaymentOverError",
    "PayoutOrder",
    "PayoutRefusedError",
    "Publication",
    "RegisteredCheckout",
    "RegisteredPayment",
    "RequestRefusedError",
    "RequestedPayout",
    "TooLargeError",
    "UnexpectedAnswerError",
]
