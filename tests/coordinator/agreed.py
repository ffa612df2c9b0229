"""A payment of 100 USD through a gateway, and what a gateway can tell of it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from coordinator.events import Event
from coordinator.payments.agreed.agreements import Terms
from coordinator.payments.deciding.decisions import decide
from coordinator.payments.observed.observations import InvoiceSnapshot, Observation, Standing, Transfer, TransferSeen
from coordinator.payments.payments import Payment

__all__ = ["DEADLINE", "NOW", "PAYMENT", "judged", "looked_up", "notice", "play", "seen", "transfer"]

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
DEADLINE = NOW + timedelta(hours=1)
PAYMENT = Payment(
    payment_id="pay_1",
    provider="shkeeper",
    external_id="order-1",
    request_id="r1",
    buyer_id="b1",
    seller_id="s1",
    amount=Decimal(100),
    currency="USD",
    created_at=NOW,
    expires_at=DEADLINE,
    terms=Terms(tolerance_percent=Decimal(5), unconfirmed_grace_seconds=3600),
)


def judged(came: Decimal, amount: Decimal = PAYMENT.amount) -> Standing:
    """As SHKeeper judges with the limits that it has at first."""
    if not came:
        return Standing.NOTHING
    if came < amount * Decimal("0.95"):
        return Standing.PARTIAL
    return Standing.PAID if came < amount * Decimal("1.05") else Standing.OVERPAID


def transfer(name: str, value: object, **changes: Any) -> Transfer:
    amount = Decimal(str(value))
    fields = {"transfer_id": name, "asset": "ETH-USDT", "amount": amount, "value": amount, "occurred_at": NOW}
    return Transfer.model_validate(fields | changes)


def notice(standing: Standing, *transfers: Transfer, trigger: str | None = None, **changes: Any) -> InvoiceSnapshot:
    """What a webhook says about its trigger, the last transfer if none is named."""
    cause = trigger or transfers[-1].transfer_id
    fields = {
        "standing": standing,
        "currency": "USD",
        "received": sum((one.value or Decimal(0) for one in transfers), Decimal(0)),
        "transfers": transfers,
        "caused_by": cause,
        "coin": "ETH-USDT",
        "proven": frozenset({cause}),
        "settling_seconds": {"ETH-USDT": 264},
    }
    return InvoiceSnapshot.model_validate(fields | changes)


def looked_up(standing: Standing, *transfers: Transfer, **changes: Any) -> InvoiceSnapshot:
    """What a gateway says that is asked: without values, and from the first confirmation on."""
    bare = tuple(one.model_copy(update={"value": None, "occurred_at": None}) for one in transfers)
    received = sum((one.value or Decimal(0) for one in transfers), Decimal(0))
    fields: dict[str, Any] = {"coin": None, "received": received, "proven": frozenset(), "agreed": Decimal(100)}
    return notice(standing, *bare, **fields | changes)


def seen(name: str, amount: object = 100) -> TransferSeen:
    return TransferSeen(transfer=Transfer(transfer_id=name, asset="ETH-USDT", amount=Decimal(str(amount))))


def play(
    *told: Observation | tuple[Observation, datetime], payment: Payment = PAYMENT, siblings: Sequence[Payment] = ()
) -> tuple[Payment, list[Event]]:
    """A payment after all that, told now or at the moment that stands beside it."""
    events: list[Event] = []
    for one in told:
        observation, at = one if isinstance(one, tuple) else (one, NOW)
        decision = decide(payment, observation, at, siblings)
        payment = decision.payment
        events += decision.events
    return payment, events
