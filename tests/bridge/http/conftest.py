"""A running bridge that takes SHKeeper's webhooks, and a client for it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.asking import client_of
from tests.bridge.http.exchanges import KEYS


@pytest.fixture(scope="module")
def bridge(make_bridge: Any) -> Any:
    return make_bridge(BRIDGE_SHKEEPER_API_KEYS=", ".join(KEYS), BRIDGE_MAX_WEBHOOK_BYTES="4000")


@pytest.fixture
def client(bridge: Any) -> Iterator[httpx.Client]:
    with client_of(bridge.url) as client:
        yield client
