"""The pages of what is one's own: a seller's sales and payouts, a buyer's orders, live; and where to go from `/`."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from providers.shkeeper.simulator.faults import Call, What
from tests.pages.browsing import PHONE, Browsing
from tests.pages.test_accessibility import expect_no_violation
from tests.played_shkeeper import PlayedShkeeper
from tests.system.shkeeper.conftest import Marketplace


def live_page(browsing: Browsing, marketplace: Marketplace, path: str, **options: Any) -> Page:
    page = browsing.page(**options)
    page.goto(marketplace.bridge.url + path)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    return page


def section(page: Page, title: str) -> Locator:
    return page.locator("section").filter(has=page.get_by_role("heading", name=title, exact=True))


def entry(place: Page | Locator, identifier: str) -> Locator:
    return place.locator(f"[data-id='{identifier}']")


def test_a_seller_sees_a_sale_its_payout_and_what_is_on_its_way_as_it_happens(
    browsing: Browsing, marketplace: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    page = live_page(browsing, marketplace, "/sales?sellerId=seller-of-kites")
    expect(page.get_by_text("You have not sold anything yet.")).to_be_visible()
    payment = marketplace.create(sellerId="seller-of-kites", buyerId="buyer-of-kites")
    payment_id = payment["paymentId"]
    sale = entry(section(page, "Sales"), payment_id)
    expect(sale).to_contain_text("Waiting for the buyer to pay")
    marketplace.create(sellerId="somebody-else")
    shkeeper.transfer(payment["invoices"][0]["address"])
    expect(sale).to_contain_text("The buyer has paid")
    marketplace.wait_for(payment_id, "completed")
    [payout] = marketplace.pay_out(payment_id)
    expect(entry(section(page, "Payouts"), payout["payoutId"])).to_be_visible()
    marketplace.settle([payout], "completed")
    expect(entry(section(page, "Payouts"), payout["payoutId"])).to_contain_text("Arrived")
    expect(section(page, "On its way to you")).to_contain_text("Nothing is on its way.")
    expect(section(page, "Sales").locator("li")).to_have_count(1)
    second = marketplace.paid(sellerId="seller-of-kites")
    shkeeper.goes_wrong(Call.PAYOUT, What.RESET, times=1)
    [doubted] = marketplace.pay_out(second)
    expect(entry(section(page, "On its way to you"), doubted["payoutId"])).to_contain_text("Being looked into")
    expect_no_violation(page)
    sale.get_by_role("link").press("Enter")
    expect(page).to_have_url(re.compile(f"/pay/{payment_id}\\?as=seller$"))


def test_a_seller_turns_the_pages_with_the_keyboard_on_a_phone(browsing: Browsing, marketplace: Marketplace) -> None:
    for number in range(22):
        fields = {"externalId": f"of-many-{number}", "coin": None, "sellerId": "seller-of-many"}
        marketplace.register(201, **fields)
    page = live_page(browsing, marketplace, "/sales?sellerId=seller-of-many", viewport=PHONE)
    sales = section(page, "Sales").locator("li")
    expect(sales).to_have_count(20)
    page.get_by_role("button", name="Show more").press("Enter")
    expect(sales).to_have_count(22)
    expect(sales.nth(20).get_by_role("link")).to_be_focused()
    expect(page.get_by_role("button", name="Show more")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_ids_without_a_break_fit_on_a_phone(browsing: Browsing, marketplace: Marketplace) -> None:
    ids = {"buyerId": "b" * 110, "sellerId": "s" * 110, "requestId": "r" * 110}
    marketplace.register(201, externalId="long-ids", coin=None, **ids)
    for path in (f"/sales?sellerId={ids['sellerId']}", f"/orders?buyerId={ids['buyerId']}"):
        page = live_page(browsing, marketplace, path, viewport=PHONE)
        expect(page.locator(".own-list li")).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_buyer_sees_their_orders_and_is_asked_where_a_refund_goes(
    browsing: Browsing, marketplace: Marketplace
) -> None:
    page = live_page(browsing, marketplace, "/orders?buyerId=buyer-of-lamps")
    expect(page.get_by_text("You have not bought anything yet.")).to_be_visible()
    payment_id = marketplace.paid(buyerId="buyer-of-lamps")
    order = entry(page, payment_id)
    expect(order).to_contain_text("Paid")
    content = {"paymentId": payment_id, "amount": "10", "reason": "It arrived bent"}
    assert marketplace.client.post("/api/refunds", json=content).status_code == 201
    asked = order.get_by_role("link", name="Say where your refund goes")
    expect(asked).to_be_visible()
    expect_no_violation(page)
    asked.press("Enter")
    expect(page.get_by_label("Your address")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "field", "path"), [("Your sales", "Seller's id", "sales"), ("Your orders", "Buyer's id", "orders")]
)
def test_from_the_bridges_address_everybody_is_shown_where_to_go(
    browsing: Browsing, marketplace: Marketplace, name: str, field: str, path: str
) -> None:
    page = browsing.page()
    page.goto(marketplace.bridge.url)
    expect(page.get_by_role("heading", name="The bridge")).to_be_visible()
    expect_no_violation(page)
    page.get_by_role("link", name=name).press("Enter")
    expect(page.get_by_label(field)).to_be_visible()
    expect_no_violation(page)
    page.get_by_label(field).fill("nobody yet")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/{path}\?\w+Id=nobody\+yet$"))
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect_no_violation(page)
