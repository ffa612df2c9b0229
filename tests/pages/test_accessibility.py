"""What axe-core finds on every page: nothing, in light and dark, on a desk and on a phone."""

from collections.abc import Callable
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from providers.shkeeper.simulator.faults import Call, What
from tests.made_destinations import destination
from tests.pages.browsing import DESKTOP, PHONE, TESTS, Browsing
from tests.played_shkeeper import PlayedShkeeper
from tests.system.shkeeper.conftest import Document, Marketplace

AXE = (TESTS / "javascript" / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
# What passed is many times as much as anybody reads here.
RUN = """([runOnly, without]) => axe.run({
        runOnly, resultTypes: ["violations"],
        rules: Object.fromEntries(without.map((rule) => [rule, { enabled: false }])),
    })
    .then(({ violations, passes }) => ({ violations, passes: passes.length }))"""
# Beside what the guidelines demand, what axe recommends as good practice.
ALL = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]
# In the dark a page has the same elements in other colours, and on a phone the same colours in another place. To
# measure colours takes longer than all else.
LOOKS: tuple[tuple[Literal["light", "dark"], ViewportSize, list[str], list[str]], ...] = (
    ("light", DESKTOP, ALL, []),
    ("light", PHONE, ALL, COLOURS),
    ("dark", DESKTOP, COLOURS, []),
)


# What of the panel of states lies beyond it, and which of its boxes are wider than a box is.
SPILLED = """() => {
  const panel = document.querySelector(".menu fieldset").getBoundingClientRect();
  const range = document.createRange();
  return [...document.querySelectorAll(".menu fieldset label")].filter((label) => {
    range.selectNodeContents(label);
    const box = label.querySelector("input").getBoundingClientRect();
    return box.width > 32 || range.getBoundingClientRect().right > panel.right + 1;
  }).map((label) => label.textContent);
}"""


def expect_no_violation(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")  # colours are measured when nothing moves any more
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    for scheme, size, rules, without in LOOKS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        found: Any = page.evaluate(RUN, [rules, without])
        violations = [
            f"{violation['id']}: {node['html'][:200]} ({node['failureSummary']})"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]
        assert not violations, f"{scheme}, {size['width']} px: " + "\n".join(violations)
        assert found["passes"], "nothing was looked at"


@pytest.fixture
def live(browsing: Browsing, marketplace: Marketplace) -> Callable[[str], Page]:
    def open_page(path: str) -> Page:
        page = browsing.page()
        page.goto(marketplace.bridge.url + path)
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        return page

    return open_page


def test_the_page_of_a_payment_through_its_life(
    live: Callable[[str], Page], marketplace: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    payment = marketplace.create()
    page, seller = live(f"/pay/{payment['paymentId']}"), live(f"/pay/{payment['paymentId']}?as=seller")
    expect_no_violation(page)
    expect_no_violation(seller)
    address = payment["invoices"][0]["address"]
    txid = shkeeper.transfer(address, "40", confirmed=False)
    expect(page.locator("[data-status=confirming]")).to_be_visible()
    expect_no_violation(page)
    shkeeper.confirm(txid)
    expect(page.locator("[data-status=partially_paid]")).to_be_visible()
    expect_no_violation(page)
    shkeeper.transfer(address)
    expect(page.locator("[data-status=completed]")).to_be_visible()
    expect_no_violation(page)
    expect_no_violation(seller)


def test_the_page_of_a_checkout(live: Callable[[str], Page], marketplace: Marketplace) -> None:
    checkout = {
        "checkoutId": "checkout-1",
        "provider": "shkeeper",
        "coin": "ETH-USDT",
        "buyerId": "b1",
        "currency": "USD",
        "shares": [{"requestId": f"r{number}", "sellerId": f"s{number}", "amount": "10"} for number in (1, 2)],
    }
    assert marketplace.client.post("/api/template-checkouts", json=checkout).status_code == 201
    expect_no_violation(live("/checkout/checkout-1"))


def test_the_question_where_a_refund_goes_and_the_dialog_that_opens_one(
    browsing: Browsing, live: Callable[[str], Page], marketplace: Marketplace
) -> None:
    browsing.expect_trouble("400")  # the address that is none
    payment_id = marketplace.paid()
    content = {"paymentId": payment_id, "amount": "10", "reason": "It arrived bent"}
    assert marketplace.client.post("/api/refunds", json=content).status_code == 201
    page = live(f"/pay/{payment_id}")
    expect_no_violation(page)
    field, check = page.get_by_label("Your address"), page.get_by_role("button", name="Check this address")
    field.fill("0x12")
    check.click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect_no_violation(page)
    field.fill(destination("ETH-USDT", payment_id))
    check.click()
    expect(page.get_by_role("heading", name="Is this your address")).to_be_visible()
    expect_no_violation(page)
    page.get_by_role("button", name="Yes, send it there").click()
    expect(page.get_by_role("heading", name="went back to you")).to_be_visible()
    expect_no_violation(page)
    console = live(f"/ops/payments/{payment_id}")
    console.get_by_role("button", name="Refund").click()
    expect(console.get_by_label("Amount in USD")).to_be_visible()
    expect_no_violation(console)


@pytest.fixture
def ambiguous(marketplace: Marketplace, shkeeper: PlayedShkeeper) -> Document:
    """A payout that needs a person, beside one that has arrived."""
    marketplace.settle(marketplace.pay_out(marketplace.paid()), "completed")
    payment_id = marketplace.paid()
    shkeeper.goes_wrong(Call.PAYOUT, What.RESET, times=1)
    [payout] = marketplace.pay_out(payment_id)
    marketplace.settle([payout], "ambiguous")
    return payout


def test_the_console_its_dialogs_a_story_and_the_system(
    live: Callable[[str], Page], marketplace: Marketplace, ambiguous: Document
) -> None:
    page = live("/ops")
    expect(page.locator(".item").first).to_be_visible()
    expect_no_violation(page)
    page.get_by_role("button", name="As a table").click()
    page.locator("summary").click()
    expect_no_violation(page)
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        spilled = page.evaluate(SPILLED)
        assert spilled == [], f"{size['width']} px: beyond the panel of states"
    page.keyboard.press("Escape")
    page.get_by_role("grid").focus()
    page.keyboard.press("ArrowDown")
    expect_no_violation(page)
    page.get_by_role("button", name="Payments").click()
    expect(page.get_by_role("columnheader", name="Escrow")).to_be_attached()
    expect_no_violation(page)
    page.locator(".item").first.get_by_role("button", name="Resolve").click()
    page.get_by_role("radio", name="It was sent").check()
    page.get_by_role("button", name="Record it").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_be_visible()
    expect_no_violation(page)
    for path in (f"/ops/payouts/{ambiguous['payoutId']}", f"/ops/payments/{ambiguous['paymentId']}"):
        story = live(path)
        expect(story.get_by_role("heading", name="What happened")).to_be_visible()
        expect_no_violation(story)
    system = live("/ops/system")
    expect(system.locator(".tile").first).to_be_visible()
    expect_no_violation(system)
    connections = live("/ops/connections")
    expect(connections.get_by_role("button", name="Disconnect").first).to_be_visible()
    expect_no_violation(connections)


def test_what_stands_in_place_of_what_is_not_there(
    browsing: Browsing, live: Callable[[str], Page], marketplace: Marketplace
) -> None:
    browsing.expect_trouble("404")
    for path in ("/pay/nothing", "/ops?search=nothing", "/ops/payouts/nothing", "/ops/nothing/at/all"):
        page = live(path)
        expect(page.locator(".notice")).to_be_visible()
        expect_no_violation(page)
