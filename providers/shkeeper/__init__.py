"""SHKeeper, the self-hosted crypto gateway: its signature, its webhooks, its API, and a simulation for trying out."""

from providers.shkeeper.api import ShkeeperApi
from providers.shkeeper.invoices import ShkeeperInvoices
from providers.shkeeper.payouts import ShkeeperPayouts
from providers.shkeeper.signature import sign, verify
from providers.shkeeper.webhooks import ShkeeperWebhooks

__all__ = ["ShkeeperApi", "ShkeeperInvoices", "ShkeeperPayouts", "ShkeeperWebhooks", "sign", "verify"]
