"""A payment's page in a browser, as its buyer and its seller watch it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from providers.shkeeper.simulator.faults import Call, What
from tests.conftest import StartBridge
from tests.pages.browsing import PHONE, Browsing, meanwhile
from tests.played_shkeeper import PlayedShkeeper
from tests.system.shkeeper.conftest import Document, Marketplace, settings_for
from tests.waiting import wait_until


def opened(browsing: Browsing, marketplace: Marketplace, payment: Document, query: str = "") -> Page:
    """The page of a payment, live."""
    page = browsing.page(PHONE)
    page.goto(f"{marketplace.bridge.url}/pay/{payment['paymentId']}{query}")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    return page


def headline(page: Page) -> Locator:
    return page.locator("#line-headline")


def current_step(page: Page) -> Locator:
    return page.locator("[aria-current=step]")


def expect_the_time_that_is_left(page: Page, payment: Document) -> None:
    """It shows what was left when it was last looked at, which is at most what was left at first."""
    expect(page.get_by_role("timer")).to_contain_text(re.compile(r"\d\d:\d\d:\d\d left to pay"))
    hours, minutes, seconds = map(int, page.get_by_role("timer").inner_text().split()[0].split(":"))
    shown = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    expires, created = (datetime.fromisoformat(payment[name]) for name in ("expiresAt", "createdAt"))
    second = timedelta(seconds=1)
    assert expires - datetime.now(UTC) - second <= shown <= expires - created + second


def says_copied(button: str) -> str:
    """Whether a button says so at the moment, in JavaScript."""
    return f"""document.querySelector("[aria-label='{button}']").textContent.includes("Copied")"""


def address_of(payment: Document) -> str:
    address: str = payment["invoices"][0]["address"]
    return address


def test_buyer_and_seller_watch_a_payment_from_creation_to_completion(
    browsing: Browsing, marketplace: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    payment = marketplace.create(amount="1249.90")
    buyer, seller = opened(browsing, marketplace, payment), opened(browsing, marketplace, payment, "?as=seller")
    expect(buyer.get_by_role("heading", level=1)).to_contain_text(re.compile(r"To pay\s*1\s249\.90\sUSD"))
    expect(headline(buyer)).to_have_text("Waiting for your payment")
    expect(headline(seller)).to_have_text("Waiting for the buyer to pay")
    expect(seller.get_by_role("img", name="QR code")).to_have_count(0)
    expect_the_time_that_is_left(buyer, payment)
    place = buyer.get_by_role("region", name="Where to pay")
    expect(place).to_contain_text("Only over Ethereum (ERC-20): what is sent over another network is lost.")
    expect(place.get_by_text("Only over")).to_have_css("display", "block")  # a sentence, not a row of its parts
    wallet = place.get_by_role("link", name="Open in a wallet")
    expect(wallet).to_have_attribute("href", re.compile(f"address={address_of(payment)}&uint256=1249900000$"))
    place.get_by_role("button", name="My wallet reads addresses only").click()
    expect(place.get_by_role("img", name=f"QR code of {address_of(payment)}")).to_be_visible()
    txid = shkeeper.transfer(address_of(payment), confirmed=False)
    expect(headline(buyer)).to_have_text("Payment seen")
    expect(headline(seller)).to_have_text("The buyer has paid; it is on its way")
    expect(current_step(buyer)).to_contain_text("Seen")
    expect(buyer.get_by_role("img", name="QR code")).to_have_count(0)
    shkeeper.confirm(txid)
    expect(headline(buyer)).to_have_text("Paid")
    expect(headline(seller)).to_have_text("The buyer has paid")
    expect(seller.locator(".line-sentence")).to_contain_text("held until the sale is settled")
    expect(buyer.locator(".transactions code")).to_have_attribute("title", txid)
    expect(buyer.get_by_role("button", name="Print the receipt")).to_be_visible()
    receipt = buyer.locator(".receipt")
    expect(receipt).to_be_hidden()
    buyer.emulate_media(media="print")
    expect(receipt).to_be_visible()
    expect(receipt).to_contain_text(txid)
    expect(headline(buyer)).to_be_hidden()
    buyer.emulate_media(media="screen")
    # A screen reader heard the same, in as many words.
    expect(buyer.locator(".line [role=status]")).to_contain_text("Paid.")
    marketplace.settle(marketplace.pay_out(payment["paymentId"]), "completed")
    expect(seller.locator(".line-sentence")).to_contain_text("It has been paid out to you")


def test_a_partial_payment_says_what_is_missing_and_asks_for_just_that(
    browsing: Browsing, marketplace: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    payment = marketplace.create(amount="49.90")
    page = opened(browsing, marketplace, payment)
    shkeeper.transfer(address_of(payment), "19.96")
    expect(headline(page)).to_have_text(re.compile(r"29\.94\sUSD still to pay"))
    expect(page.locator(".line-sentence")).to_have_text(
        re.compile(
            r"19\.96\sUSD of 49\.90\sUSD has arrived. Send the missing 29\.94\sUSD to the address shown here\."
        )
    )
    expect(page.locator(".fields")).to_contain_text(re.compile(r"29\.94\sETH-USDT"))
    expect(current_step(page)).to_contain_text(re.compile(r"Partly paid.*19\.96\sUSD of 49\.90\sUSD"))
    shkeeper.transfer(address_of(payment), "40")
    expect(headline(page)).to_have_text("Paid")
    expect(page.locator(".line-remark")).to_contain_text(re.compile(r"10\.06\sUSD more came than was asked for"))


def test_address_and_amount_are_copied_as_they_are(browsing: Browsing, marketplace: Marketplace) -> None:
    payment = marketplace.create(amount="1249.90")
    page = opened(browsing, marketplace, payment)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for name, copied in (("Copy the address", address_of(payment)), ("Copy the amount", "1249.9")):
        with meanwhile(page, says_copied(name)):
            page.get_by_role("button", name=name).click()
        assert page.evaluate("navigator.clipboard.readText()") == copied


def test_a_payment_whose_time_runs_out_says_so_and_asks_for_no_more_money(
    browsing: Browsing, make_bridge: StartBridge, shkeeper: PlayedShkeeper
) -> None:
    bridge = make_bridge(**settings_for(shkeeper), BRIDGE_PAYMENT_EXPIRY_SECONDS="3")
    marketplace = Marketplace(bridge, shkeeper)
    payment = marketplace.create()
    page = opened(browsing, marketplace, payment)
    expect(headline(page)).to_have_text("The time to pay has run out")
    expect(page.locator(".line-sentence")).to_contain_text("Nothing arrived in time. Do not send money any more")
    expect(page.get_by_role("img", name="QR code")).to_have_count(0)
    # SHKeeper tells the second of a transfer, without its fraction.
    over = datetime.fromisoformat(payment["expiresAt"]) + timedelta(seconds=1)
    wait_until(lambda: datetime.now(UTC) >= over)
    shkeeper.transfer(address_of(payment))  # late, and counted all the same
    expect(headline(page)).to_have_text("Paid")
    expect(page.locator(".line-remark")).to_contain_text("after the deadline")
    marketplace.client.close()


def test_an_address_that_is_not_known_yet_appears_by_itself(
    browsing: Browsing, make_bridge: StartBridge, shkeeper: PlayedShkeeper
) -> None:
    marketplace = Marketplace(make_bridge(**settings_for(shkeeper)), shkeeper)
    marketplace.create()  # so that the coins are known
    shkeeper.goes_wrong(Call.PAYMENT_REQUEST, What.RESET)
    payment = marketplace.create(status=202)
    page = opened(browsing, marketplace, payment)
    expect(headline(page)).to_have_text("Preparing the address")
    shkeeper.works_again()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    marketplace.client.close()


@pytest.mark.parametrize("path", ["/pay/pay_of_nobody", "/checkout/checkout_of_nobody"])
def test_a_page_of_nothing_says_what_to_do(browsing: Browsing, marketplace: Marketplace, path: str) -> None:
    browsing.expect_trouble("404")
    page = browsing.page()
    page.goto(marketplace.bridge.url + path)
    expect(page.get_by_role("heading", name="There is no such payment")).to_be_visible()
    expect(page.get_by_text("ask whoever gave it to you for a new one")).to_be_visible()


def test_the_page_is_of_use_with_the_keyboard_alone(browsing: Browsing, marketplace: Marketplace) -> None:
    payment = marketplace.create()
    page = opened(browsing, marketplace, payment)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.keyboard.press("Tab")
    focused = page.locator(":focus-visible")
    expect(focused).to_have_attribute("aria-label", "Copy the amount")
    page.keyboard.press("Tab")
    expect(focused).to_have_attribute("aria-label", "Copy the address")
    with meanwhile(page, says_copied("Copy the address")):
        page.keyboard.press("Enter")
    assert page.evaluate("navigator.clipboard.readText()") == address_of(payment)


def test_a_phone_needs_no_scrolling_sideways(browsing: Browsing, marketplace: Marketplace) -> None:
    payment = marketplace.create(
        coin="ETH", amount="123456789.12", currency="USD", requestId="r" * 60, sellerId="s" * 60
    )
    page = opened(browsing, marketplace, payment)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
