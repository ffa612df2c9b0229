"""What every provider offers the bridge: a reader that verifies a webhook and says what was observed; and, if it
opens invoices or sends payouts itself, gateways that do so and can be asked how they stand.

A new provider is one new folder with a class that fulfils `Provider`, and one line in `providers/known.py`. Its
settings, what its webhooks look like, what its payouts need and prove, and the words for its trouble are its own.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from pydantic import BaseModel

from coordinator.payments.agreed.invoices import InvoiceOpened, InvoiceWanted
from coordinator.payments.deciding.evidence import LookedUpInvoice
from coordinator.payments.observed.observations import Observation
from coordinator.payouts.observations import PayoutObservation
from coordinator.payouts.payouts import Payout
from providers.findings import Finding
from providers.settings import ProviderSettings
from providers.wallet_keepers import WalletKeeper

__all__ = [
    "AskFirst",
    "BookedPayout",
    "Connected",
    "InvoiceGateway",
    "InvoiceGateways",
    "NoneOfOurs",
    "PayoutGateway",
    "PayoutGateways",
    "PayoutOrder",
    "PayoutReading",
    "Provider",
    "Reading",
    "Surroundings",
    "UnzonedDates",
    "WebhookDescription",
    "WebhookReader",
    "WebhookReaders",
    "WebhookReading",
]


@dataclass(frozen=True, slots=True)
class PayoutOrder:
    """What is to be paid out, and where to."""

    coin: str
    destination: str
    amount: Decimal
    fee: Decimal | None = None
    """What the sender sets for the network, in the unit that the coin's wallet counts in."""


@dataclass(frozen=True, slots=True)
class BookedPayout:
    """A payout as a provider has it in its books."""

    status: str
    """In the provider's own words."""
    amount: Decimal | None
    destination: str | None
    tx_hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PayoutReading:
    """What one message says of a payout."""

    external_id: str | None
    """The provider's name for it, by which it was asked for; None for a payout that the bridge did not ask for."""
    coin: str | None
    """As far as the message says it."""
    observations: tuple[PayoutObservation, ...]
    key: str
    """Equal for two deliveries of the same message, however often the provider repeats it."""


class Reading(NamedTuple):
    """What one message says: which payment, and what was seen of it."""

    external_id: str
    """The provider's name for the payment."""
    observation: Observation
    key: str
    """Equal for two deliveries of the same message, however often the provider repeats it."""


@dataclass(frozen=True, slots=True)
class NoneOfOurs:
    """A message that the provider has signed, and that is about nothing this bridge has to do with: about another
    shop of the same account, say, or of a kind that moves no money. It is no fault, and nothing of it is kept."""


WebhookReading = Reading | PayoutReading | NoneOfOurs
"""What a message says, if it is about anything here."""


@dataclass(frozen=True, slots=True)
class AskFirst:
    """A message that the provider has signed, and that only says where there is news. Asking twice is harmless."""

    ask: Callable[[], Awaitable[WebhookReading]]
    """What the provider says there. Raises ProviderError, and the message has to come again; and
    WebhookUnreadableError."""


class WebhookReader(Protocol):
    """Verifies and reads the webhooks of one provider."""

    @property
    def provider(self) -> str:
        """The provider's name, as in `/webhooks/{provider}` and in the events."""

    def require(self, headers: Mapping[str, str]) -> None:
        """Raises WebhookRefusedError by the headers of a webhook alone, before its body has come."""

    def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> WebhookReading | AskFirst:
        """Reads one webhook. `headers` have lowercase names; `body` is what came over the wire, untouched.

        Raises WebhookRefusedError before anything of the body is looked at, WebhookUnreadableError after.
        """

    def read_again(self, body: bytes) -> WebhookReading | AskFirst:
        """Reads the body of a webhook that was verified when it came. Raises WebhookUnreadableError."""


class UnzonedDates(Protocol):
    """The dates in one provider's messages, which do not name the zone that they are in."""

    def settling_seconds(self, coin: str) -> int:
        """How long after it dated a transfer the provider may hold its message about it, at most."""

    def correct_dates(self, ahead: timedelta) -> None:
        """Has its messages read as dated so far ahead of UTC from now on."""


class InvoiceGateway(Protocol):
    """Opens invoices at one provider, and asks how they stand. Every method raises ProviderError."""

    @property
    def provider(self) -> str: ...

    async def coins(self) -> Sequence[str]:
        """What can be paid with at this moment."""

    async def open_invoice(self, wanted: InvoiceWanted) -> InvoiceOpened:
        """Opens an invoice, or finds it opened before: asking again is harmless."""

    async def look_up(self, external_id: str) -> Sequence[LookedUpInvoice]:
        """The invoices that it has under a name, whosever they are, and how they stand; nothing if there is none."""

    async def names(self) -> Sequence[str]:
        """The provider's names of all payments that it has an invoice for, this bridge's or another's."""

    async def check(self) -> None:
        """Raises ProviderUnavailableError while the provider is not being asked, because it failed too often."""

    async def examine(self) -> None:
        """Raises ProviderError with all that is wrong at this moment, a single coin's trouble or a key that is not
        accepted too. Answers at once, from what is known."""

    async def trouble_with(self, coin: str) -> str | None:
        """What at this moment keeps invoices in a coin from being opened, as far as that is known: its own trouble or
        the provider's as a whole, but not another coin's. Answers at once."""

    def troubles(self) -> Mapping[str, str]:
        """The coins that cannot be used at this moment, each with the reason."""


class PayoutGateway(Protocol):
    """Sends payouts through one provider, and asks what became of them."""

    @property
    def provider(self) -> str: ...

    @property
    def pays_buyers(self) -> bool:
        """Whether a refund can go where its buyer says. Where it cannot, the provider itself gives money back, as it
        came, and tells of it."""

    async def check(self, coin: str) -> None:
        """Raises ProviderError if no payout in a coin should be asked for now: the provider is not reached, does not
        let the bridge in, or the coin's wallet does not answer."""

    async def read_order(self, order: PayoutOrder, now: datetime) -> PayoutOrder:
        """An order as it can be given, before anything of it is written down. Raises NotPayableError."""

    def spellings(self, order: PayoutOrder) -> Collection[str]:
        """The ways to write the destination of an order that was read: whoever has one of them has it."""

    async def worth(self, order: PayoutOrder, currency: str) -> Decimal:
        """What the amount of an order counts for in a currency, at least. Raises PriceUnknownError."""

    def is_worth_itself(self, coin: str, currency: str) -> bool:
        """Whether a coin counts for as much of a currency as there is of it, whatever anybody says."""

    def network_fee(self, order: PayoutOrder) -> Decimal | None:
        """About what of its coin the network gets on top of the amount; None where that is left to the wallet."""

    def payment_hash(self, order: PayoutOrder) -> str | None:
        """What names the payment of an order that was read, if its destination can be paid once and no more, as an
        invoice of Lightning; None of an address."""

    async def coins_for(self, amount: Decimal, currency: str, coin: str) -> Decimal:
        """How much of a coin an amount of a currency comes to now, rounded down to the coin's decimals. Raises
        PriceUnknownError; NotPayableError if nothing can be sent in the coin."""

    async def read_sent(self, order: PayoutOrder) -> PayoutOrder:
        """What somebody says to have sent without the bridge, in the form of an order. Raises NotPayableError."""

    def transaction_expected(self, coin: str, name: str) -> str | None:
        """What was expected of what cannot name a transaction in a coin; None if it can, or nobody knows."""

    def sends_together(self, coin: str) -> bool:
        """Whether several payouts in a coin can be asked for at once."""

    def wallet_in_turn(self, coin: str) -> str | None:
        """The wallet of a coin, if it may be given an order only when a block holds what it sent before."""

    async def knows_payout(self, external_id: str, coin: str) -> bool:
        """Whether the provider has a payout of this name in its books. Raises ProviderError."""

    async def coins(self) -> Sequence[str]:
        """What can be paid out at this moment. Raises ProviderError."""

    @property
    def coins_ever(self) -> Collection[str]:
        """What the provider may have paid out at any time, whether it offers it at this moment or not."""

    async def find_payout(self, external_id: str, coin: str) -> BookedPayout | None:
        """What the provider has in its books under a name. Raises ProviderError."""

    async def send_payouts(self, payouts: Sequence[Payout]) -> Sequence[PayoutObservation]:
        """Asks the provider to send payouts in one coin to different addresses, once and each by its `external_id`,
        and says what its answer proves of each of them.

        Raises ProviderError only if the question certainly did not reach the provider, or was turned away at its
        door; RefusedTogetherError only if it certainly did none of several. Whatever else goes wrong is an
        observation, PayoutUnclear.
        """

    async def look_up_payout(self, payout: Payout, now: datetime) -> Sequence[PayoutObservation]:
        """What the provider knows of a payout now. That it knows nothing proves nothing. Raises ProviderError."""


PayoutGateways = Mapping[str, PayoutGateway]
"""The gateway of each provider that sends payouts, by the provider's name."""

WebhookReaders = Mapping[str, WebhookReader]
"""The reader of each provider, by the provider's name."""

InvoiceGateways = Mapping[str, InvoiceGateway]
"""The gateway of each provider that opens invoices itself, by the provider's name."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What of the bridge a provider is told."""

    callback_url: str
    """Where it is to send its webhooks."""
    rate_margin_percent: Decimal
    """How much worse than its own rate a payout is counted."""


@dataclass(frozen=True, slots=True)
class Connected:
    """A provider as it was set up: what it does not do, or is not set up for, is None."""

    reader: WebhookReader | None = None
    invoices: InvoiceGateway | None = None
    payouts: PayoutGateway | None = None
    wallets: WalletKeeper | None = None
    dates: UnzonedDates | None = None
    close: Callable[[], Awaitable[None]] | None = None
    """Lets go of what it holds open."""


@dataclass(frozen=True, slots=True)
class WebhookDescription:
    """How a provider's webhooks are signed and what they look like, for whoever reads the description of the API."""

    text: str
    example: Mapping[str, Any]


class Provider(Protocol):
    """All that is a provider's own."""

    @property
    def name(self) -> str:
        """As in `/webhooks/{provider}`, in the events and in front of its settings."""

    @property
    def settings(self) -> type[ProviderSettings]: ...

    @property
    def webhook(self) -> WebhookDescription: ...

    @property
    def coins_of_chains(self) -> Mapping[str, Mapping[str, str]] | None:
        """What tokens of chains are called there, by the chain's name and theirs; None if no other names exist."""

    def network_of(self, coin: str) -> str | None:
        """What people call the network that a coin is sent over; None if it is not known, or there is none."""

    @property
    def how_to_open_invoices(self) -> str:
        """What may be missing where it is not set up to."""

    @property
    def how_to_send_payouts(self) -> str:
        """What may be missing where it is not set up to."""

    def connect(self, settings: BaseModel, surroundings: Surroundings) -> Connected:
        """Sets it up. Nothing is asked of it yet."""

    def opens_invoices(self, settings: BaseModel) -> bool: ...

    def sends_payouts(self, settings: BaseModel) -> bool:
        """Whether it is set up to, as the others."""

    def takes_webhooks(self, settings: BaseModel) -> bool:
        """Whether it is set up so that some can be verified."""

    def doubts(self, settings: BaseModel) -> Iterator[str]:
        """What `bridge serve` is to warn of, as far as it can be seen without asking anybody: such as why no webhook
        of it can be verified, and what to do. Nothing if nobody means to use it."""

    def findings(self, settings: BaseModel, surroundings: Surroundings) -> Iterator[Finding]:
        """What `bridge doctor` is to say of it."""
