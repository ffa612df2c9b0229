"""Money that waits, in a browser: a refund without an address is withdrawn from the list."""

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import BridgeProcess, StartBridge
from tests.pages.test_decisions import item_of
from tests.pages.test_refunds import opened
from tests.played_shkeeper import PlayedShkeeper
from tests.system.shkeeper.conftest import Marketplace, settings_for


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, shkeeper: PlayedShkeeper) -> BridgeProcess:
    """One that waits for no buyer's address."""
    return make_bridge(**settings_for(shkeeper) | {"BRIDGE_REFUND_ADDRESS_WAIT_HOURS": "0"})


def test_a_refund_without_an_address_is_withdrawn_from_the_list(console: Page, marketplace: Marketplace) -> None:
    payment = marketplace.payment(marketplace.paid())
    refund_id = opened(marketplace, payment, amount="30")
    item = item_of(console, payment, "refund-without-address")
    expect(item).to_contain_text("A buyer does not say where money goes back to")
    item.get_by_role("button", name="Withdraw").click()
    dialog = console.get_by_role("dialog")
    dialog.get_by_label("Your name").fill("Ada")
    dialog.get_by_role("button", name="Withdraw").click()
    dialog.get_by_role("button", name="Close", exact=True).click()
    expect(item).to_have_count(0)
    assert marketplace.client.get(f"/api/refunds/{refund_id}").json()["status"] == "cancelled"
