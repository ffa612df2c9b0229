"""The webhooks of the provider of cards, which are signed by Standard Webhooks."""

from collections.abc import Mapping
from datetime import datetime

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from providers.contract import AskFirst, NoneOfOurs, Reading, WebhookReading
from providers.errors import WebhookRefusedError, WebhookUnreadableError
from tests.system.cards.api import CardsApi
from tests.system.cards.wire import PROVIDER, Event

__all__ = ["CardWebhooks"]

SIGNED_WITH = ("webhook-id", "webhook-timestamp", "webhook-signature")


class CardWebhooks:
    provider = PROVIDER

    def __init__(self, api: CardsApi, *, shop: str, secrets: tuple[str, ...]) -> None:
        self._api = api
        self._shop = shop
        self._webhooks = [Webhook(secret) for secret in secrets]

    def require(self, headers: Mapping[str, str]) -> None:
        for name in SIGNED_WITH:
            if not headers.get(name):
                raise WebhookRefusedError("missing-signature", f"{name} is missing")

    def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> WebhookReading | AskFirst:
        self.require(headers)
        reasons = {reason for webhook in self._webhooks for reason in [_refusal(webhook, headers, body)]}
        if None not in reasons:
            raise WebhookRefusedError("bad-signature", "; ".join(sorted(map(str, reasons))) or "there is no secret")
        return self.read_again(body)

    def read_again(self, body: bytes) -> WebhookReading | AskFirst:
        event = Event.read(body)
        if event.shop != self._shop:
            return NoneOfOurs()
        if event.type == "dispute.changed":
            return AskFirst(lambda: self._disputed(event))
        return event.told() or NoneOfOurs()

    async def _disputed(self, event: Event) -> WebhookReading:
        """Such a message names the dispute and nothing else, and is about what has become of that by now: what is
        told again at another time may be news, so its key says what it was about."""
        name = event.data.get("dispute")
        if not isinstance(name, str):
            raise WebhookUnreadableError("a dispute without a name")
        dispute = await self._api.dispute(name)
        if dispute is None:
            return NoneOfOurs()
        return Reading(dispute.reference, dispute.seen(), f"{event.id}:{dispute.status}")


def _refusal(webhook: Webhook, headers: Mapping[str, str], body: bytes) -> str | None:
    try:
        webhook.verify(body, dict(headers), json_parse=False)
    except WebhookVerificationError as error:
        return str(error)
    except ValueError:  # what is no base64, no pair, or no text
        return "the signature or the body makes no sense"
    return None
