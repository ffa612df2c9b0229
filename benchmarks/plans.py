"""What the clients of a benchmark are to do with a server, and how much of it."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from benchmarks.servers import KEY, Server
from providers.shkeeper.simulator.scenarios import SCENARIOS, Invoice

__all__ = ["SIZES", "Plan", "Sizes", "crowd_plan", "fan_out_plan", "stalled_plan", "webhooks_plan"]

Plan = dict[str, Any]
"""As `benchmarks/load.py` reads it."""
CLOSE_SECONDS = 300.0
"""For those who do not read to be cut off, which takes some four megabytes of events for each of them."""
DATA = {
    "paymentId": "pay_65f1c0ffee0123456789abcd",
    "status": "completed",
    "escrowState": "funded",
    "txHash": "0x9fc76417374aa880d4449a1f7f31ec597f00b1f6f3dd2d66f4c9c6c445836d8b",
}
EVENT = {"event": "payment-update", "data": DATA}
MESSAGE = {
    "chatId": "chat-1",
    "message": {
        "_id": "message-1",
        "content": "is it still to be had?",
        "senderId": "buyer-1",
        "createdAt": "2026-01-31T15:45:38Z",
    },
    "senderId": "buyer-1",
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    clients: int = 1_000
    burst: int = 16
    paced: int = 90
    """Events that come one after the other, each timed."""
    webhooks: int = 1_600
    posters: int = 16
    few: int = 200
    many: int = 20_000
    leaving: int = 150
    room_rounds: int = 300
    """Events to a room of two."""
    fill: int = 60
    """Bursts until the system takes no more for those who do not read."""


SIZES = Sizes()


def fan_out_plan(server: Server, sizes: Sizes = SIZES) -> Plan:
    """Events to everyone: one at a time, many at once, and at a steady pace."""
    single: object = EVENT if server.is_ours else {"data": DATA}
    burst: object = {"events": [EVENT] * sizes.burst} if server.is_ours else {"times": sizes.burst, "data": DATA}
    return {
        "measure": "fan_out",
        "clients": sizes.clients,
        "path": server.emits_at,
        "single": json.dumps(single),
        "burst": json.dumps(burst),
        "times": sizes.burst,
        "rounds": server.rounds,
        "paced": sizes.paced,
    }


def webhooks_plan(server: Server, sizes: Sizes = SIZES) -> Plan:
    """Webhooks of payments that are registered: verified, committed and told; by the peer, only told."""
    now = datetime.now(UTC)
    registrations, deliveries = [], []
    for number in range(sizes.webhooks):
        name = f"order-{number}"
        [delivery] = SCENARIOS["paid"](Invoice(name, Decimal("49.90"), "USD", now))
        deliveries.append((delivery.body.decode(), delivery.headers(KEY, now)))
        parties = {
            "requestId": f"request-{number}",
            "buyerId": "buyer-1",
            "sellerId": "seller-1",
            "offerId": "offer-1",
        }
        payment = {"provider": "shkeeper", "externalId": name, "amount": "49.90", "currency": "USD"}
        registrations.append(json.dumps(payment | parties))
    return {
        "measure": "webhooks",
        "register_at": "/api/payments" if server.is_ours else None,
        "registrations": registrations,
        "path": server.webhooks_at,
        "deliveries": deliveries,
        "posters": sizes.posters,
    }


def crowd_plan(clients: int, sizes: Sizes = SIZES) -> Plan:
    """What one departure, and one event for a room of two, cost the bridge among so many."""
    event = {"event": "new-message", "data": MESSAGE}
    return {
        "measure": "crowd",
        "clients": clients,
        "leaving": sizes.leaving,
        "join": ["join-chat-room", "chat-1"],
        "path": "/api/events",
        "event": json.dumps(event),
        "rounds": sizes.room_rounds,
    }


def stalled_plan(server: Server, sizes: Sizes = SIZES) -> Plan:
    """What those who do not read take from those who do."""
    more = {"measure": "stalled", "fill": sizes.fill, "close_seconds": CLOSE_SECONDS}
    return fan_out_plan(server, sizes) | more
