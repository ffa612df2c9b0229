"""The page of a template checkout: one payment for several purchases."""

import re

from playwright.sync_api import expect

from tests.pages.browsing import PHONE, Browsing
from tests.played_shkeeper import PlayedShkeeper
from tests.system.shkeeper.conftest import Marketplace

CHECKOUT = {
    "checkoutId": "checkout-12",
    "provider": "shkeeper",
    "coin": "ETH-USDT",
    "buyerId": "b1",
    "currency": "USD",
    "shares": [
        {"requestId": "request-77", "sellerId": "seller-9", "amount": "49.90"},
        {"requestId": "request-78", "sellerId": "seller-4", "amount": "20.00"},
    ],
}


def test_a_checkout_shows_each_share_and_completes_live(
    browsing: Browsing, marketplace: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    answer = marketplace.client.post("/api/template-checkouts", json=CHECKOUT)
    assert answer.status_code == 201, answer.text
    page = browsing.page(PHONE)
    page.goto(f"{marketplace.bridge.url}/checkout/checkout-12")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"To pay for 2 purchases\s*69\.90\sUSD"))
    shares = page.get_by_role("table")
    expect(shares.get_by_role("row", name=re.compile(r"request-77 seller-9 49\.90"))).to_be_visible()
    expect(shares.get_by_role("row", name=re.compile(r"request-78 seller-4 20\.00"))).to_be_visible()
    shkeeper.transfer(answer.json()["payment"]["invoices"][0]["address"], "10")
    expect(page.locator("#line-headline")).to_have_text(re.compile(r"59\.90\sUSD still to pay"))
    shkeeper.transfer(answer.json()["payment"]["invoices"][0]["address"])
    expect(page.locator("#line-headline")).to_have_text("Paid")
