"""What the routes are given by the composition root, by the names of their parameters."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from bridge.access import Principal
from bridge.http.front.service_tokens import Service
from bridge.journal import Journal
from bridge.workers.chain_followers import ChainFollowers
from bridge.workers.checks import Check
from bridge.workers.invoices import InvoiceOpener
from bridge.workers.payouts import PayoutSender
from bridge.workers.system_status import Pulse
from bridge.workers.vitals import Vitals
from coordinator.payments.agreements import Terms
from coordinator.payouts.approval import PayoutRules
from providers.contract import WebhookReaders

__all__ = [
    "GivenChains",
    "GivenConfidence",
    "GivenInvoiceOpener",
    "GivenJournal",
    "GivenPaymentExpiry",
    "GivenPaymentTerms",
    "GivenPayoutRules",
    "GivenPayoutSender",
    "GivenPresence",
    "GivenPrincipal",
    "GivenPulse",
    "GivenReadinessChecks",
    "GivenRefundAddressWait",
    "GivenService",
    "GivenUsualZone",
    "GivenVitals",
    "GivenWebhookReaders",
    "LookUpPresence",
    "ReadinessChecks",
]


class UserPresence(Protocol):
    """How a user stands."""

    @property
    def user_id(self) -> str: ...

    @property
    def is_online(self) -> bool: ...

    @property
    def last_seen(self) -> datetime | None: ...


LookUpPresence = Callable[[Sequence[str]], Sequence[UserPresence]]
"""How each of some users stands, in the same order."""

ReadinessChecks = Mapping[str, Check]
"""What must work for the bridge to do its work."""

GivenChains = NamedDependency[SkipValidation[ChainFollowers]]
GivenJournal = NamedDependency[SkipValidation[Journal]]
GivenWebhookReaders = NamedDependency[SkipValidation[WebhookReaders]]
GivenPaymentExpiry = NamedDependency[SkipValidation[timedelta | None]]
GivenPaymentTerms = NamedDependency[SkipValidation[Terms]]
GivenInvoiceOpener = NamedDependency[SkipValidation[InvoiceOpener]]
GivenPayoutRules = NamedDependency[SkipValidation[PayoutRules]]
GivenRefundAddressWait = NamedDependency[SkipValidation[timedelta]]
"""How long a buyer has to say where a refund goes."""
GivenUsualZone = NamedDependency[SkipValidation[ZoneInfo]]
"""The time zone of days, where a request names none."""
GivenPayoutSender = NamedDependency[SkipValidation[PayoutSender]]
GivenService = NamedDependency[SkipValidation[Service]]
"""The service that wants to write; the route is not run for anybody else."""
GivenPrincipal = NamedDependency[SkipValidation[Principal]]
"""Whoever wants to read; the route is not run for a token that is not good."""
GivenConfidence = NamedDependency[SkipValidation[bool]]
"""Whether events about money go to those concerned only."""
GivenPresence = NamedDependency[SkipValidation[LookUpPresence]]
GivenPulse = NamedDependency[SkipValidation[Pulse]]
GivenVitals = NamedDependency[SkipValidation[Vitals]]
GivenReadinessChecks = NamedDependency[SkipValidation[ReadinessChecks]]
