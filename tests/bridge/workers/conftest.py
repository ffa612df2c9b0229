"""A real journal, and a SHKeeper that answers as a test has scripted it."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tenacity import wait_none

from bridge.journal import Journal
from coordinator.payments.observed.observations import InvoiceSnapshot, Standing, Transfer
from coordinator.payments.payments import Payment
from providers.shkeeper.asking.api import ShkeeperApi
from tests.anvil import Anvil, running_anvil
from tests.bridge.workers.chains.followed_chain import Follow, following
from tests.bridge.workers.payments.invoice_books import Books
from tests.clock import Clock
from tests.scripted_gateway import Gateway, scripted_gateway
from tests.waiting import GIVE_UP_SECONDS

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


@pytest.fixture
async def journal(tmp_path: Path, clock: Clock) -> AsyncIterator[Journal]:
    opened = await Journal.open(f"sqlite:///{tmp_path / 'journal.db'}", clock)
    yield opened
    await opened.close()


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with scripted_gateway() as gateway:
        yield gateway


@pytest.fixture
async def api(gateway: Gateway) -> AsyncIterator[ShkeeperApi]:
    # The circuit's own clock does not move: it stays closed or open for the whole of a test.
    api = ShkeeperApi(url=gateway.url, api_keys=["k"], timeout_seconds=GIVE_UP_SECONDS, pauses=wait_none())
    yield api
    await api.aclose()


@pytest.fixture
def anvil() -> Iterator[Anvil]:
    with running_anvil() as anvil:
        yield anvil


@pytest.fixture
def follow(anvil: Anvil, tmp_path: Path) -> Follow:
    """Follows the node's chain: over so many `endpoints` before it, and one before each other node that is named."""
    return lambda *others, **options: following(anvil, tmp_path, *others, **options)


@pytest.fixture
def books(gateway: Gateway) -> Books:
    return Books(gateway)


def payment(number: int = 1, *, created_at: datetime = START) -> Payment:
    return Payment(
        payment_id=f"pay_{number}",
        provider="shkeeper",
        external_id=f"pay_{number}",
        request_id=f"r{number}",
        buyer_id="b1",
        seller_id="s1",
        amount=Decimal(100),
        currency="USD",
        created_at=created_at,
        expires_at=created_at + timedelta(days=1),
    )


async def paid(journal: Journal, number: int = 1) -> str:
    """A payment that is completed, so that its escrow is funded."""
    await journal.register_payment(payment(number))
    await told_paid(journal, number)
    return f"pay_{number}"


async def told_paid(
    journal: Journal,
    number: int = 1,
    *,
    transfer_id: str = "t1",
    occurred_at: datetime | None = None,
    external_id: str | None = None,
) -> None:
    """Its provider tells that it is paid."""
    transfer = Transfer(transfer_id=transfer_id, asset="ETH-USDT", amount=Decimal(100), occurred_at=occurred_at)
    await journal.record_observation(
        provider="shkeeper",
        external_id=external_id or f"pay_{number}",
        key=f"paid-{number}",
        observation=InvoiceSnapshot(
            standing=Standing.PAID,
            currency="USD",
            received=Decimal(100),
            transfers=(transfer,),
            caused_by=transfer_id,
        ),
    )
