"""Errors of providers: what can be wrong with a webhook, with what a provider is asked for, and with the provider."""

from coordinator.errors import BridgeError
from providers.destination_faults import DestinationFault

__all__ = [
    "AnswerUnusableError",
    "CoinUnavailableError",
    "CredentialsRefusedError",
    "NotPayableError",
    "ProviderError",
    "ProviderRefusedError",
    "ProviderUnavailableError",
    "RefusedTogetherError",
    "WebhookRefusedError",
    "WebhookUnreadableError",
]


class WebhookRefusedError(BridgeError):
    """The webhook does not prove that it comes from the provider. Nothing of it may be kept."""

    def __init__(self, reason: str, message: str, *, is_signed: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        """A short word for counting, such as `signature` or `timestamp`."""
        self.is_signed = is_signed
        """Whether it is signed with a key of ours all the same, so that the provider itself is refused."""


class WebhookUnreadableError(BridgeError):
    """The webhook comes from the provider, but its body makes no sense; it is kept for a person to look at."""


class ProviderError(BridgeError):
    """The provider did not do what it was asked for."""


class ProviderUnavailableError(ProviderError):
    """The provider was not reached, was too slow, or failed; the same can be asked again later."""


class CoinUnavailableError(ProviderUnavailableError):
    """The provider is there, but not what it needs for this coin, such as the coin's wallet or node."""

    def __init__(self, coin: str, message: str) -> None:
        super().__init__(message)
        self.coin = coin


class AnswerUnusableError(ProviderError):
    """The provider answered, and nothing can be done with it. It would say the same a moment later, and asking may
    cost it something each time, so it is asked again late and ever later."""


class ProviderRefusedError(ProviderError):
    """The provider said no; the message is in its words, for a person to read."""

    def __init__(self, message: str, *, about: str | None = None) -> None:
        super().__init__(message)
        self.about = about
        """The field of the request that it does not like, such as `currency`, if that can be told."""


class CredentialsRefusedError(ProviderRefusedError):
    """The provider does not know the bridge's key or password: no fault of the request that came first."""


class NotPayableError(BridgeError):
    """Something of the kind cannot be paid, or paid out, through the provider."""

    def __init__(self, field: str, message: str, fault: DestinationFault | None = None) -> None:
        super().__init__(message)
        self.field = field
        """What is wrong, by its name on the wire."""
        self.fault = fault
        """What is wrong with the destination, if that is what is wrong."""


class RefusedTogetherError(ProviderRefusedError):
    """The provider certainly refused an order of several payouts as a whole, and nothing says which of them is
    why."""
