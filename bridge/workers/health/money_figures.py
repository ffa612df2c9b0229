"""Figures of the money that is under way, for Prometheus: how many payments and payouts there are in each state that
they do not stay in."""

from prometheus_client import Gauge

from bridge.journal import Journal
from coordinator.payments.statuses import OPEN_STATUSES
from coordinator.payouts.statuses import UNSETTLED_STATUSES

__all__ = ["measure_money"]

PAYMENTS = Gauge("bridge_payments", "Payments that wait for money, by status", ["status"])
PAYOUTS = Gauge("bridge_payouts", "Payouts that something is still to be found out about, by status", ["status"])


async def measure_money(journal: Journal) -> None:
    """Sets the figures, whichever bridge has brought it about. Raises JournalUnavailableError."""
    counted = await journal.console.under_way()
    for payment_status in OPEN_STATUSES:
        PAYMENTS.labels(payment_status).set(counted.payments.get(payment_status, 0))
    for payout_status in UNSETTLED_STATUSES:
        PAYOUTS.labels(payout_status).set(counted.payouts.get(payout_status, 0))
