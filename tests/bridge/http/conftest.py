"""A running bridge that takes SHKeeper's webhooks, and a client for it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.asking import client_of
from tests.bridge.http.exchanges import KEYS, As


@pytest.fixture(scope="module")
def bridge(make_bridge: Any) -> Any:
    return make_bridge(BRIDGE_SHKEEPER_API_KEYS=", ".join(KEYS), BRIDGE_MAX_WEBHOOK_BYTES="4000")


@pytest.fixture
def client(bridge: Any) -> Iterator[httpx.Client]:
    with client_of(bridge.url) as client:
        yield client


@pytest.fixture
def as_(bridge: Any) -> Iterator[As]:
    """Clients with the token that each is given."""
    opened: list[httpx.Client] = []

    def client(token: str) -> httpx.Client:
        opened.append(client_of(bridge.url, headers={"Authorization": f"Bearer {token}"}))
        return opened[-1]

    yield client
    for one in opened:
        one.close()
