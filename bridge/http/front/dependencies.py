"""What the routes are given by the composition root, by the names of their parameters."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from bridge.access import Grants, Principal
from bridge.access.service_tokens import WatchedServices
from bridge.access.services import Service
from bridge.journal import Dispatcher, Journal
from bridge.workers.chains.followers import ChainFollowers
from bridge.workers.health.checks import Check
from bridge.workers.health.system_status import Pulse
from bridge.workers.health.vitals import Vitals
from bridge.workers.payments.invoices import InvoiceOpener
from bridge.workers.payouts.sender import PayoutSender
from bridge.workers.wallets.comparing import WalletComparisons
from coordinator.attention.items import Attention
from coordinator.attention.severities import Severities
from coordinator.endpoints.endpoints import EndpointRules
from coordinator.payments.agreed.agreements import Terms
from coordinator.payouts.approval import PayoutRules
from providers.contract import WebhookReaders

__all__ = [
    "GivenChains",
    "GivenConfidence",
    "GivenDispatcher",
    "GivenEndpointRules",
    "GivenGrants",
    "GivenInvoiceOpener",
    "GivenIsConnected",
    "GivenJournal",
    "GivenPaymentExpiry",
    "GivenPaymentTerms",
    "GivenPayoutRules",
    "GivenPayoutSender",
    "GivenPresence",
    "GivenPrincipal",
    "GivenProviderAlarms",
    "GivenPublicUrl",
    "GivenPulse",
    "GivenReadinessChecks",
    "GivenRefundAddressWait",
    "GivenService",
    "GivenServices",
    "GivenSeverities",
    "GivenUsualZone",
    "GivenVitals",
    "GivenWallets",
    "GivenWebhookReaders",
    "IsConnected",
    "LookUpPresence",
    "ReadinessChecks",
]


class ShownPresence(Protocol):
    """How a user stands."""

    @property
    def user_id(self) -> str: ...

    @property
    def is_online(self) -> bool: ...

    @property
    def last_seen(self) -> datetime | None: ...


IsConnected = Callable[[str], bool]
"""Whether a client is connected to this bridge, by its id."""

LookUpPresence = Callable[[Sequence[str]], Sequence[ShownPresence]]
"""How each of some users stands, in the same order."""

ReadinessChecks = Mapping[str, Check]
"""What must work for the bridge to do its work."""

GivenChains = NamedDependency[SkipValidation[ChainFollowers]]
GivenDispatcher = NamedDependency[SkipValidation[Dispatcher]]
GivenJournal = NamedDependency[SkipValidation[Journal]]
GivenWebhookReaders = NamedDependency[SkipValidation[WebhookReaders]]
GivenPaymentExpiry = NamedDependency[SkipValidation[timedelta | None]]
GivenPaymentTerms = NamedDependency[SkipValidation[Terms]]
GivenInvoiceOpener = NamedDependency[SkipValidation[InvoiceOpener]]
GivenEndpointRules = NamedDependency[SkipValidation[EndpointRules]]
GivenPayoutRules = NamedDependency[SkipValidation[PayoutRules]]
GivenRefundAddressWait = NamedDependency[SkipValidation[timedelta]]
"""How long a buyer has to say where a refund goes."""
GivenServices = NamedDependency[SkipValidation[WatchedServices]]
"""All services that are named at the moment."""
GivenSeverities = NamedDependency[SkipValidation[Severities]]
"""How bad each kind of what needs a person is."""
GivenUsualZone = NamedDependency[SkipValidation[ZoneInfo]]
"""The time zone of days, where a request names none."""
GivenPayoutSender = NamedDependency[SkipValidation[PayoutSender]]
GivenGrants = NamedDependency[SkipValidation[Grants | None]]
"""Where it is asked who may see what, beyond what tokens say."""
GivenService = NamedDependency[SkipValidation[Service]]
"""The service that wants to write; the route is not run for anybody else."""
GivenPrincipal = NamedDependency[SkipValidation[Principal]]
"""Whoever wants to read; the route is not run for a token that is not good."""
GivenConfidence = NamedDependency[SkipValidation[bool]]
"""Whether events about money go to those concerned only."""
GivenIsConnected = NamedDependency[SkipValidation[IsConnected]]
GivenPublicUrl = NamedDependency[SkipValidation[str]]
"""The bridge's address for others; empty where nobody has said it."""
GivenPresence = NamedDependency[SkipValidation[LookUpPresence]]
GivenPulse = NamedDependency[SkipValidation[Pulse]]
GivenVitals = NamedDependency[SkipValidation[Vitals]]
GivenProviderAlarms = NamedDependency[SkipValidation[Callable[[], Sequence[Attention]]]]
"""What waits at providers that are not set up, or cannot be asked."""
GivenWallets = NamedDependency[SkipValidation[WalletComparisons]]
GivenReadinessChecks = NamedDependency[SkipValidation[ReadinessChecks]]
