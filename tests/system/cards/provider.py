"""A provider of cards: money of banks, checkouts instead of addresses, payouts that may come back. It stands for all
providers that are no gateway to a chain."""

import asyncio
from collections.abc import Iterator, Sequence

from pydantic import BaseModel

from coordinator.errors import BridgeError
from providers import known
from providers.contract import Connected, Surroundings, WebhookDescription
from providers.findings import Finding
from tests.system.cards.settings import CardSettings
from tests.system.cards.wire import PROVIDER

__all__ = ["Cards"]


class Cards:
    name = PROVIDER
    settings = CardSettings
    webhook = WebhookDescription(
        text="\nThe provider of cards signs by Standard Webhooks.\n",
        example={"id": "evt_1", "type": "checkout.captured", "shop": "shop_1", "data": {"reference": "pay_1"}},
    )
    coins_of_chains = None
    how_to_open_invoices = "is cards_url set?"
    how_to_send_payouts = "is cards_url set, and cards_pays_out?"

    def network_of(self, coin: str) -> str | None:
        return None

    def connect(self, settings: BaseModel, surroundings: Surroundings) -> Connected:
        own = CardSettings.of(settings)
        if not own.cards_url:
            return Connected()
        from tests.system.cards.api import CardsApi
        from tests.system.cards.gateways import CardCheckouts, CardPayouts
        from tests.system.cards.webhooks import CardWebhooks

        api = CardsApi(own.cards_url, own.cards_key.get_secret_value())
        secrets = tuple(secret.get_secret_value() for secret in own.cards_webhook_secrets)
        reader = CardWebhooks(api, shop=own.cards_shop, secrets=secrets)
        payouts = CardPayouts(api) if own.cards_pays_out else None
        return Connected(reader, CardCheckouts(api), payouts, close=api.aclose)

    def opens_invoices(self, settings: BaseModel) -> bool:
        return bool(CardSettings.of(settings).cards_url)

    def sends_payouts(self, settings: BaseModel) -> bool:
        own = CardSettings.of(settings)
        return bool(own.cards_url) and own.cards_pays_out

    def takes_webhooks(self, settings: BaseModel) -> bool:
        own = CardSettings.of(settings)
        return bool(own.cards_url and own.cards_webhook_secrets)

    def doubts(self, settings: BaseModel) -> Iterator[str]:
        if CardSettings.of(settings).cards_url and not self.takes_webhooks(settings):
            yield "no secret of the provider of cards is configured; set BRIDGE_CARDS_WEBHOOK_SECRETS"

    def findings(self, settings: BaseModel, surroundings: Surroundings) -> Iterator[Finding]:
        own = CardSettings.of(settings)
        if not own.cards_url:
            return
        for doubt in self.doubts(settings):
            yield Finding("warning", doubt)
        try:
            currencies = asyncio.run(_currencies(own))
        except BridgeError:
            yield Finding("warning", f"nobody answers for cards on {own.cards_url}; no checkout is opened until then")
        else:
            yield Finding(
                "ok", f"cards are taken in {', '.join(currencies)}, with news to {surroundings.callback_url}"
            )


async def _currencies(own: CardSettings) -> Sequence[str]:
    from tests.system.cards.api import CardsApi

    api = CardsApi(own.cards_url, own.cards_key.get_secret_value())
    try:
        return await api.currencies()
    finally:
        await api.aclose()


known.PROVIDERS = (*known.PROVIDERS, Cards())
