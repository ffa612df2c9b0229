"""A SHKeeper that answers as a test has scripted it, and a client for it that does not pause between tries."""

from collections.abc import AsyncIterator

import pytest
from tenacity import wait_none

from providers.shkeeper.asking.api import ShkeeperApi
from tests.scripted_gateway import Gateway, scripted_gateway
from tests.waiting import GIVE_UP_SECONDS

KEY = "wallet-key"


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with scripted_gateway() as gateway:
        yield gateway


@pytest.fixture
async def api(gateway: Gateway) -> AsyncIterator[ShkeeperApi]:
    api = ShkeeperApi(url=gateway.url, api_keys=[KEY], timeout_seconds=GIVE_UP_SECONDS, pauses=wait_none())
    yield api
    await api.aclose()
