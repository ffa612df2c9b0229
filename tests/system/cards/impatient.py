"""Imported beside a bridge: it knows the provider of cards, and tells of a provider that cannot be asked within a
moment, and not only after a minute."""

from datetime import timedelta

import tests.system.cards.provider  # noqa: F401  (which registers it)
from bridge.workers.health import unreachable_providers

unreachable_providers.CHECK_INTERVAL_SECONDS = 0.1
unreachable_providers.REPORTED_AFTER = timedelta(seconds=0.5)
