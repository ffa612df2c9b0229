"""What the routes are given by the composition root, by the names of their parameters."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Protocol

from litestar.params import Dependency

from bridge.access import Principal
from bridge.http.services import Service
from bridge.journal import Journal
from bridge.workers.chain_followers import ChainFollowers
from bridge.workers.invoices import InvoiceOpener
from bridge.workers.payouts import PayoutSender
from bridge.workers.system_status import Pulse
from bridge.workers.vitals import Vitals
from providers.contract import WebhookReaders

__all__ = [
    "GivenChains",
    "GivenConfidence",
    "GivenInvoiceOpener",
    "GivenJournal",
    "GivenPaymentExpiry",
    "GivenPayoutSender",
    "GivenPresence",
    "GivenPrincipal",
    "GivenPulse",
    "GivenReadinessChecks",
    "GivenService",
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

ReadinessChecks = Mapping[str, Callable[[], Awaitable[str | None]]]
"""What must work for the bridge to do its work: each check raises when it does not, and may say more when it does."""

GivenChains = Annotated[ChainFollowers, Dependency(skip_validation=True)]
GivenJournal = Annotated[Journal, Dependency(skip_validation=True)]
GivenWebhookReaders = Annotated[WebhookReaders, Dependency(skip_validation=True)]
GivenPaymentExpiry = Annotated[timedelta | None, Dependency(skip_validation=True)]
GivenInvoiceOpener = Annotated[InvoiceOpener, Dependency(skip_validation=True)]
GivenPayoutSender = Annotated[PayoutSender, Dependency(skip_validation=True)]
GivenService = Annotated[Service, Dependency(skip_validation=True)]
"""The service that wants to write; the route is not run for anybody else."""
GivenPrincipal = Annotated[Principal, Dependency(skip_validation=True)]
"""Whoever wants to read; the route is not run for a token that is not good."""
GivenConfidence = Annotated[bool, Dependency(skip_validation=True)]
"""Whether events about money go to those concerned only."""
GivenPresence = Annotated[LookUpPresence, Dependency(skip_validation=True)]
GivenPulse = Annotated[Pulse, Dependency(skip_validation=True)]
GivenVitals = Annotated[Vitals, Dependency(skip_validation=True)]
GivenReadinessChecks = Annotated[ReadinessChecks, Dependency(skip_validation=True)]
