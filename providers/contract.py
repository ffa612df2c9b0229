"""What every provider offers the bridge: a reader that verifies a webhook and says what was observed.

A new provider is one new folder that fulfils `WebhookReader` and one line of registration in `bridge.app`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from coordinator.errors import BridgeError
from coordinator.observations import Observation

__all__ = ["Reading", "WebhookReader", "WebhookReaders", "WebhookRefusedError", "WebhookUnreadableError"]


class WebhookRefusedError(BridgeError):
    """The webhook does not prove that it comes from the provider. Nothing of it may be kept."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        """A short word for counting, such as `signature` or `timestamp`."""


class WebhookUnreadableError(BridgeError):
    """The webhook comes from the provider, but its body makes no sense; it is kept for a person to look at."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one webhook says: which payment, and what was seen of it."""

    external_id: str
    """The provider's name for the payment."""
    observation: Observation
    key: str
    """Equal for two deliveries of the same message, however often the provider repeats it."""


class WebhookReader(Protocol):
    """Verifies and reads the webhooks of one provider."""

    @property
    def provider(self) -> str:
        """The provider's name, as in `/webhooks/{provider}` and in the events."""

    def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Reading:
        """Reads one webhook. `headers` have lowercase names; `body` is what came over the wire, untouched.

        Raises WebhookRefusedError before anything of the body is looked at, WebhookUnreadableError after.
        """


WebhookReaders = Mapping[str, WebhookReader]
"""The reader of each provider, by the provider's name."""
