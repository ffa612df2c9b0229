"""Payments and payouts that tests put into a journal, and what is observed of them."""

from decimal import Decimal
from typing import Any

from bridge.journal import Journal
from coordinator.payments.observed.observations import InvoiceSnapshot, Observation, Standing, Transfer
from coordinator.payments.payments import Payment
from coordinator.payments.problems.problems import ProblemKind, problems_of
from coordinator.payouts.observations import PayoutObservation
from coordinator.payouts.payouts import Payout
from tests.bridge.journal.conftest import NOW


def payment(number: int, **changes: Any) -> Payment:
    fields: dict[str, Any] = {
        "payment_id": f"pay_{number}",
        "provider": "shkeeper",
        "external_id": f"order-{number}",
        "request_id": f"request-{number}",
        "buyer_id": f"buyer-{number % 3}",
        "seller_id": f"seller-{number % 2}",
        "amount": Decimal("10.10"),
        "currency": "USD",
        "created_at": NOW,
    }
    return Payment(**{**fields, **changes})


def snapshot(txid: str = "0xAbC", standing: Standing = Standing.PAID, currency: str = "USD") -> InvoiceSnapshot:
    transfer = Transfer(transfer_id=txid, asset="ETH-USDT", amount=Decimal("10.10"))
    return InvoiceSnapshot(standing=standing, currency=currency, received=Decimal("10.10"), transfers=(transfer,))


def payout(number: int, **changes: Any) -> Payout:
    fields: dict[str, Any] = {
        "payout_id": f"out_{number}",
        "provider": "shkeeper",
        "payment_id": f"pay_{number}",
        "seller_id": f"seller-{number % 2}",
        "destination": f"0xDe{number}",
        "coin": "ETH-USDT",
        "amount": Decimal("9.90"),
        "worth": Decimal("0.01"),
        "created_at": NOW,
    }
    return Payout(**{**fields, **changes})


async def observe(journal: Journal, number: int, key: str, observation: Observation) -> str:
    recorded = await journal.record_observation(
        provider="shkeeper", external_id=f"order-{number}", key=key, observation=observation
    )
    return recorded.outcome


async def paid(journal: Journal, number: int, **changes: Any) -> None:
    await journal.register_payment(payment(number, **changes))
    currency = changes.get("currency", "USD")
    await observe(journal, number, f"paid-{number}", snapshot(f"0xPaid{number}", currency=currency))


async def paid_out(journal: Journal, made: Payout, *observations: PayoutObservation, another: bool = False) -> None:
    await journal.payouts.register([made], another=another, rules=None)
    for number, observation in enumerate(observations):
        await journal.payouts.record_observation(made.payout_id, f"k{number}", observation)


async def stands(journal: Journal, number: int) -> Payment:
    """A payment as it is stored."""
    record = await journal.payment_record(f"pay_{number}")
    assert record is not None
    return record.payment


async def kinds(journal: Journal, number: int) -> list[ProblemKind]:
    """What is wrong with it."""
    return [problem.kind for problem in problems_of(await stands(journal, number))]
