"""The client for services written in Python: publishes events and registers payments, each once, over any network.

It needs nothing of the server: importing it loads no routes, no sockets and no tables.
"""

from bridge.catalogue.publication import Fault
from bridge.client.answers import InvoiceToPay, RegisteredPayment
from bridge.client.calls import Publication
from bridge.client.clients import AsyncBridgeClient, BridgeClient
from bridge.client.errors import (
    BridgeUnavailableError,
    ClientError,
    IdempotencyKeyReusedError,
    NotAllowedError,
    PaymentConflictError,
    RequestRefusedError,
    TooLargeError,
    UnexpectedAnswerError,
)

__all__ = [
    "AsyncBridgeClient",
    "BridgeClient",
    "BridgeUnavailableError",
    "ClientError",
    "Fault",
    "IdempotencyKeyReusedError",
    "InvoiceToPay",
    "NotAllowedError",
    "PaymentConflictError",
    "Publication",
    "RegisteredPayment",
    "RequestRefusedError",
    "TooLargeError",
    "UnexpectedAnswerError",
]
