"""What the routes are given by the composition root, by the names of their parameters."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Annotated

from litestar.params import Dependency

from bridge.http.services import Services
from bridge.journal import Journal
from providers.contract import WebhookReaders

__all__ = [
    "GivenJournal",
    "GivenPaymentExpiry",
    "GivenReadinessChecks",
    "GivenServices",
    "GivenWebhookReaders",
    "ReadinessChecks",
]

ReadinessChecks = Mapping[str, Callable[[], Awaitable[None]]]
"""What must work for the bridge to do its work: each check raises when it does not."""

GivenJournal = Annotated[Journal, Dependency(skip_validation=True)]
GivenWebhookReaders = Annotated[WebhookReaders, Dependency(skip_validation=True)]
GivenPaymentExpiry = Annotated[timedelta | None, Dependency(skip_validation=True)]
GivenServices = Annotated[Services, Dependency(skip_validation=True)]
GivenReadinessChecks = Annotated[ReadinessChecks, Dependency(skip_validation=True)]
