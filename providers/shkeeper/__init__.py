"""SHKeeper, the self-hosted crypto gateway: its signature, its webhooks, its API, and a simulation for trying out."""

from providers.shkeeper.client import ShkeeperClient
from providers.shkeeper.signature import sign, verify
from providers.shkeeper.webhooks import ShkeeperWebhooks

__all__ = ["ShkeeperClient", "ShkeeperWebhooks", "sign", "verify"]
