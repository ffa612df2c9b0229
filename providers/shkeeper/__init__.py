"""SHKeeper, the self-hosted crypto gateway: its signature, its webhooks, and a simulation of both for trying out."""

from providers.shkeeper.signature import sign, verify
from providers.shkeeper.webhooks import ShkeeperWebhooks

__all__ = ["ShkeeperWebhooks", "sign", "verify"]
