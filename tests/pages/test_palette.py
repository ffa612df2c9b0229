"""The console's palette: whatever there is to go to, found and opened by keys alone."""

import re

from playwright.sync_api import Page, expect

from tests.pages.browsing import PHONE
from tests.pages.test_accessibility import expect_no_violation
from tests.system.shkeeper.conftest import Marketplace

OPENED_AT_ONCE = """async () => {
    window.dispatchEvent(new KeyboardEvent("keydown", { key: "k", ctrlKey: true, cancelable: true }));
    for (let rendered = 0; rendered < 9; rendered += 1) await null;
    return document.activeElement.getAttribute("role");
}"""


def test_pages_payments_and_payouts_are_found_and_opened_by_keys_alone(
    console: Page, marketplace: Marketplace
) -> None:
    payment_id = marketplace.paid(buyerId="buyer-of-keys")
    [payout] = marketplace.pay_out(payment_id)
    dialog = console.get_by_role("dialog")
    marked = dialog.get_by_role("option", selected=True)
    console.keyboard.press("Control+k")
    expect(dialog.get_by_role("combobox")).to_be_focused()
    expect(marked).to_contain_text("Money")
    console.keyboard.type("connected access")
    expect(dialog.get_by_role("option")).to_have_count(1)
    console.keyboard.press("Enter")
    expect(console).to_have_url(re.compile("/ops/connections$"))
    expect(dialog).to_have_count(0)
    console.keyboard.press("Meta+k")
    console.keyboard.type(payment_id)
    expect(dialog.get_by_role("option")).to_have_count(2)
    expect_no_violation(console)
    console.set_viewport_size(PHONE)
    assert console.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(marked).to_contain_text(payout["payoutId"])
    console.keyboard.press("ArrowDown")
    expect(marked).to_contain_text("by buyer-of-keys")
    console.keyboard.press("Enter")
    expect(console).to_have_url(re.compile(f"/ops/payments/{payment_id}$"))
    expect(console.get_by_role("heading", level=1)).to_be_focused()
    console.keyboard.press("Control+k")
    console.keyboard.type("nothing of the kind")
    expect(dialog).to_contain_text("Nothing was found.")
    console.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(console.get_by_role("heading", level=1)).to_be_focused()


def test_the_keys_are_listed_unless_somebody_is_typing(console: Page) -> None:
    search = console.get_by_role("searchbox").or_(console.get_by_label("Search")).first
    search.focus()
    console.keyboard.press("?")
    expect(search).to_have_value("?")
    search.fill("")
    console.get_by_role("link", name="Books").focus()
    console.keyboard.press("?")
    expect(console.get_by_role("dialog")).to_contain_text("Ctrl K")
    expect_no_violation(console)
    console.keyboard.press("Escape")
    expect(console.get_by_role("link", name="Books")).to_be_focused()
    # Whoever presses it by mistake has it do nothing, and finds the keys by another way.
    console.get_by_role("button", name="Find").press("Enter")
    expect(console.get_by_role("dialog").get_by_role("combobox")).to_be_focused()
    console.get_by_role("button", name="Keys").press("Enter")
    console.get_by_role("checkbox", name="Answer to ?").press("Space")
    console.keyboard.press("Escape")
    expect(console.get_by_role("dialog")).to_have_count(0)
    console.keyboard.press("?")
    # Before the browser gets to anything else, such as the next letter of whoever types fast.
    assert console.evaluate(OPENED_AT_ONCE) == "combobox"
