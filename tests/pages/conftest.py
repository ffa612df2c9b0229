"""Pages in a real browser, of a real bridge beside the local SHKeeper."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import BridgeProcess, StartBridge
from tests.pages.browsing import WAIT_MS, Browsing, running_browser
from tests.played_shkeeper import PlayedShkeeper, played_shkeeper
from tests.system.shkeeper.conftest import Document, Marketplace, settings_for

expect.set_options(timeout=WAIT_MS)


REQUESTS = itertools.count(1)


class SalesApart(Marketplace):
    """A marketplace each of whose payments is for a purchase request of its own, unless a test says otherwise: what
    is paid twice needs a person, before all else."""

    def create(self, **changes: Any) -> Document:
        return super().create(**{"requestId": f"request-{next(REQUESTS)}", **changes})


# No longer than the tests of pages: while it runs, its loop keeps asynchronous tests from theirs.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture
def browsing(browser: Browser) -> Iterator[Browsing]:
    browsing = Browsing(browser)
    yield browsing
    browsing.close()


@pytest.fixture(scope="module")
def shkeeper() -> Iterator[PlayedShkeeper]:
    with played_shkeeper() as shkeeper:
        yield shkeeper


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, shkeeper: PlayedShkeeper) -> BridgeProcess:
    return make_bridge(**settings_for(shkeeper))


@pytest.fixture
def console(browsing: Browsing, bridge: BridgeProcess) -> Page:
    """The console, once it is live."""
    page = browsing.page()
    page.goto(f"{bridge.url}/ops")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    return page


@pytest.fixture
def marketplace(bridge: BridgeProcess, shkeeper: PlayedShkeeper) -> Iterator[Marketplace]:
    marketplace = SalesApart(bridge, shkeeper)
    yield marketplace
    marketplace.client.close()
    shkeeper.works_again()
    shkeeper.gateway.payouts.outcomes.clear()
