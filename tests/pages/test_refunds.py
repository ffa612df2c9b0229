"""Money back in a browser: opened in the console, asked of the buyer on the payment's page, followed to its end."""

import re

from playwright.sync_api import Locator, Page, expect

from providers.shkeeper.simulator.books.payout_tasks import Outcome
from tests.conftest import BridgeProcess
from tests.made_destinations import destination
from tests.pages.browsing import PHONE, Browsing
from tests.pages.test_decisions import item_of
from tests.played_shkeeper import PlayedShkeeper
from tests.system.shkeeper.conftest import Document, Marketplace
from tests.waiting import wait_until


def overpaid(marketplace: Marketplace, shkeeper: PlayedShkeeper) -> Document:
    """A payment of 100 for which 120 came."""
    payment = marketplace.create()
    shkeeper.transfer(payment["invoices"][0]["address"], "120")
    return marketplace.wait_for(payment["paymentId"], "completed")


def buyers_page(browsing: Browsing, bridge: BridgeProcess, payment: Document, query: str = "") -> Page:
    page = browsing.page(PHONE)
    page.goto(f"{bridge.url}/pay/{payment['paymentId']}{query}")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    return page


def refund_on(page: Page) -> Locator:
    return page.get_by_role("region", name="Refund", exact=True)


def opened(marketplace: Marketplace, payment: Document, **wanted: str) -> str:
    content = {"paymentId": payment["paymentId"], "reason": "It arrived bent", **wanted}
    answer = marketplace.client.post("/api/refunds", json=content)
    assert answer.status_code == 201, answer.text
    refund_id: str = answer.json()["refundId"]
    return refund_id


def test_what_came_too_much_goes_from_the_list_to_the_buyer_and_back_on_their_wallet(
    console: Page, browsing: Browsing, marketplace: Marketplace, bridge: BridgeProcess, shkeeper: PlayedShkeeper
) -> None:
    browsing.expect_trouble("400")  # the address that is none
    payment = overpaid(marketplace, shkeeper)
    page = buyers_page(browsing, bridge, payment)
    expect(page.locator(".line-remark")).to_contain_text("Ask the shop to send it back")
    item = item_of(console, payment, "payment-over")
    item.get_by_role("button", name="Refund").click()
    dialog = console.get_by_role("dialog")
    expect(dialog.get_by_label("Of what")).to_have_value("1")
    amount = dialog.get_by_label("Amount in USD")
    expect(amount).to_have_value("20")
    amount.fill("20.01")
    dialog.get_by_label("Why").fill("You paid 20 too much")
    dialog.get_by_label("Your name").fill("Ada")
    dialog.get_by_role("button", name="Open the refund").click()
    expect(dialog.get_by_role("alert")).to_have_text(re.compile(r"No more than 20\.00\sUSD can go back\."))
    amount.fill("20")
    dialog.get_by_role("button", name="Open the refund").click()
    expect(dialog).to_contain_text("the buyer is asked on the payment's page where to send them")
    expect(dialog).to_contain_text("Recorded as done by Ada.")
    dialog.get_by_role("button", name="Close", exact=True).click()
    expect(item).to_have_count(0)

    refund = refund_on(page)
    expect(refund.get_by_role("heading", name=re.compile(r"20\.00\sUSD can go back to you"))).to_be_visible()
    expect(refund).to_contain_text("You paid 20 too much")
    expect(page.locator(".line-remark")).to_have_count(0)
    field = refund.get_by_label("Your address for ETH-USDT")
    check = refund.get_by_role("button", name="Check this address")
    for wrong, said in (("", "Paste the address here."), (destination("USDT", "b")[:-1], "0x")):
        field.fill(wrong)
        check.click()
        expect(refund.get_by_role("alert")).to_contain_text(said)
        expect(field).to_be_focused()
    address = destination("ETH-USDT", f"buyer of {payment['paymentId']}")
    field.fill(f" {address} ")
    check.click()
    expect(refund.get_by_role("heading", name="Is this your address")).to_be_focused()
    shown = refund.locator("code.address")
    expect(shown).to_have_attribute("aria-label", address)
    assert "".join(shown.locator("span").all_inner_texts()) == address
    expect(refund).to_contain_text(re.compile(r"20\sETH-USDT go there"))
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    # A second thought, and then for good.
    refund.get_by_role("button", name="Change it").click()
    expect(field).to_have_value(f" {address} ")
    check.click()
    assert marketplace.payment(payment["paymentId"])["refunds"][0]["status"] == "awaiting_address"
    refund.get_by_role("button", name="Yes, send it there").click()
    expect(refund.get_by_role("status").first).to_contain_text(re.compile(r"20\.00\sUSD went back to you"))
    expect(refund.get_by_role("status").first).to_contain_text(re.compile(r"It has arrived: 20\sETH-USDT"))
    [done] = marketplace.payment(payment["paymentId"])["refunds"]
    expect(refund.locator(".refund-hash code")).to_have_attribute("title", done["txHash"])
    expect(page.locator(".line-remark")).to_have_text(re.compile(r"20\.00\sUSD went back to you\."))
    [payout] = [one for one in shkeeper.gateway.payouts.sent if one.txid == done["txHash"]]
    assert len(shkeeper.sent(payout.external_id or "")) == 1

    console.goto(f"{bridge.url}/ops/payments/{payment['paymentId']}")
    facts = console.get_by_role("region", name="How it stands")
    expect(facts.locator("[data-refund]")).to_contain_text("completed")
    history = console.get_by_role("region", name="What happened")
    for part in ("Somebody opened a refund", "You paid 20 too much", "Told as refund-updated"):
        expect(history).to_contain_text(part)
    assert address not in console.locator("main").inner_text()


def test_a_refund_is_opened_and_withdrawn_on_the_page_of_the_payment(
    console: Page, browsing: Browsing, marketplace: Marketplace, bridge: BridgeProcess, shkeeper: PlayedShkeeper
) -> None:
    payment = marketplace.payment(marketplace.paid())
    page = buyers_page(browsing, bridge, payment)
    console.goto(f"{bridge.url}/ops/payments/{payment['paymentId']}")
    facts = console.get_by_role("region", name="How it stands")
    facts.get_by_role("button", name="Refund").click()
    dialog = console.get_by_role("dialog")
    dialog.get_by_label("Amount in USD").fill("12.50")
    dialog.get_by_label("Why").fill("The bell is missing")
    dialog.get_by_label("Your name").fill("Bo")
    # Its answer is lost on the way, and the button is pressed again.
    browsing.expect_trouble("ERR_FAILED|409|422")
    console.route("**/refund", lambda route: route.abort() if route.fetch().ok else None, times=1)
    dialog.get_by_role("button", name="Open the refund").click()
    expect(dialog.get_by_role("alert")).to_have_text("The bridge cannot be reached.")
    dialog.get_by_label("Amount in USD").fill("12.51")
    dialog.get_by_role("button", name="Open the refund").click()
    expect(dialog.get_by_role("alert")).to_contain_text("It was done already, as you said it first.")
    dialog.get_by_label("Amount in USD").fill("12.50")
    dialog.get_by_role("button", name="Open the refund").click()
    expect(dialog).to_contain_text("It was opened already; nothing was opened once more.")
    assert len(marketplace.payment(payment["paymentId"])["refunds"]) == 1
    dialog.get_by_role("button", name="Close", exact=True).click()
    expect(facts.locator("[data-refund]")).to_contain_text("awaiting an address")
    expect(refund_on(page)).to_be_visible()
    facts.get_by_role("button", name="Withdraw the refund").click()
    dialog.get_by_role("button", name="Withdraw it").click()
    expect(dialog).to_contain_text("It is withdrawn, and its money is there again.")
    dialog.get_by_role("button", name="Close", exact=True).click()
    expect(facts.locator("[data-refund]")).to_contain_text("cancelled")
    expect(refund_on(page)).to_have_count(0)
    # Somebody sends it from another wallet, and has the figures right.
    facts.get_by_role("button", name="Refund").click()
    dialog.get_by_label("Amount in USD").fill("12.50")
    dialog.get_by_label("Why").fill("The bell is missing")
    dialog.get_by_label("It was sent already").check()
    expect(dialog.get_by_role("heading")).to_have_text("Write down what was sent back?")
    dialog.get_by_role("button", name="Write it down").click()
    expect(dialog.get_by_role("alert")).to_have_text("Name the transaction that carries it.")
    tx_hash = f"0x{payment['paymentId'].encode().hex():0>64}"[:66]
    dialog.get_by_label("Transaction hash").fill(tx_hash)
    dialog.get_by_label("Where it went").fill(destination("ETH-USDT", f"buyer of {payment['paymentId']}"))
    dialog.get_by_role("button", name="Write it down").click()
    dialog.get_by_role("button", name="Yes, it was sent").click()
    expect(dialog).to_contain_text(f"12.50 USD are written down as sent back by {tx_hash}")
    expect(refund_on(page)).to_contain_text(re.compile(r"12\.50\sUSD went back to you"))
    assert marketplace.payment(payment["paymentId"])["refunded"] in ("12.5", "12.50")
    # Two open one at the same time: the second is told so, and decides. Whoever is quick asks while a dialog closes.
    asking = facts.get_by_role("button", name="Refund").element_handle()
    both = "(close, asking) => { close.click(); asking.click(); }"
    dialog.get_by_role("button", name="Close", exact=True).evaluate(both, asking)
    expect(dialog).to_contain_text(re.compile(r"Opened before: 12\.50\sUSD"))
    dialog.get_by_label("Amount in USD").fill("10")
    dialog.get_by_label("Why").fill("The bell is missing")
    other = opened(marketplace, payment, amount="10")
    dialog.get_by_role("button", name="Open the refund").click()
    expect(dialog.get_by_role("alert")).to_contain_text(f"opened {other} at")
    expect(dialog).to_contain_text(re.compile(r"Opened before: 10\.00\sUSD"))
    dialog.get_by_role("button", name="Open the refund").click()
    expect(dialog).to_contain_text("10 USD are reserved")
    dialog.get_by_role("button", name="Close", exact=True).click()
    # What one transaction did is told of another refund only by who has seen that.
    facts.get_by_role("button", name="Refund …").click()
    dialog.get_by_label("Amount in USD").fill("5")
    dialog.get_by_label("Why").fill("The bell is missing")
    dialog.get_by_label("It was sent already").check()
    dialog.get_by_label("Transaction hash").fill(tx_hash)
    dialog.get_by_label("Where it went").fill(destination("ETH-USDT", f"other of {payment['paymentId']}"))
    dialog.get_by_role("button", name="Write it down").click()
    dialog.get_by_role("button", name="Yes, it was sent").click()
    expect(dialog.get_by_role("alert")).to_contain_text("'s already, a refund of payment")
    dialog.get_by_role("button", name="Yes, it is for both").click()
    # Nor that it went elsewhere than the one before.
    expect(dialog.get_by_role("alert")).to_contain_text("of this payment was to go")
    dialog.get_by_role("button", name="Yes, the buyer gave it").click()
    expect(dialog).to_contain_text(f"5 USD are written down as sent back by {tx_hash}")


def test_a_partly_paid_payment_is_cancelled_and_sent_back_and_says_so_to_both_sides(
    browsing: Browsing, marketplace: Marketplace, bridge: BridgeProcess, shkeeper: PlayedShkeeper
) -> None:
    payment = marketplace.create()
    shkeeper.transfer(payment["invoices"][0]["address"], "40")
    marketplace.wait_for(payment["paymentId"], "partially_paid")
    page, seller = (buyers_page(browsing, bridge, payment, query) for query in ("", "?as=seller"))
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    opened(marketplace, payment)
    expect(page.locator("#line-headline")).to_have_text("The payment was cancelled")
    expect(page.get_by_role("img", name="QR code")).to_have_count(0)
    expect(refund_on(seller)).to_contain_text("The buyer is asked where to send it.")
    expect(seller.get_by_label("Your address")).to_have_count(0)
    refund = refund_on(page)
    refund.get_by_label("Your address").fill(destination("ETH-USDT", payment["paymentId"]))
    refund.get_by_role("button", name="Check this address").click()
    refund.get_by_role("button", name="Yes, send it there").click()
    expect(page.locator("#line-headline")).to_have_text("The payment was refunded")
    expect(refund).to_contain_text(re.compile(r"40\.00\sUSD went back to you"))
    expect(refund_on(seller)).to_contain_text(re.compile(r"40\.00\sUSD went back to the buyer"))


def test_a_refund_that_failed_is_on_the_list_and_the_buyer_is_asked_anew(
    console: Page, browsing: Browsing, marketplace: Marketplace, bridge: BridgeProcess, shkeeper: PlayedShkeeper
) -> None:
    payment = marketplace.payment(marketplace.paid())
    refund_id = opened(marketplace, payment, amount="30")
    bad = destination("ETH-USDT", f"bad of {payment['paymentId']}")
    shkeeper.gateway.payouts.outcomes[bad.lower()] = Outcome.FAILS
    answer = marketplace.client.post(f"/api/refunds/{refund_id}/destination", json={"destination": bad})
    payout_id = answer.json()["payoutId"]
    page = buyers_page(browsing, bridge, payment)
    expect(refund_on(page)).to_contain_text(re.compile(r"30\.00\sUSD could not be sent back"))
    console.get_by_role("button", name=re.compile("^Show all")).or_(console.locator(".attention h2")).first.click()
    item = console.locator(".item[data-kind=payout-failed]").filter(
        has=console.locator(f"a[href='/ops/payouts/{payout_id}']")
    )
    expect(item).to_contain_text("A refund failed, and the buyer has nothing yet")
    item.get_by_role("button", name=re.compile("^Refund")).click()
    dialog = console.get_by_role("dialog")
    dialog.get_by_label("Amount in USD").fill("30")
    dialog.get_by_label("Why").fill("Once more")
    dialog.get_by_label("Your name").fill("Ada")
    dialog.get_by_role("button", name="Open the refund").click()
    dialog.get_by_role("button", name="Close", exact=True).click()
    expect(item).to_have_count(0)
    refund = refund_on(page).filter(has_text="Once more")
    refund.get_by_label("Your address").fill(destination("ETH-USDT", f"good of {payment['paymentId']}"))
    refund.get_by_role("button", name="Check this address").click()
    refund.get_by_role("button", name="Yes, send it there").click()
    expect(refund).to_contain_text(re.compile(r"30\.00\sUSD went back to you"))
    wait_until(lambda: marketplace.payment(payment["paymentId"])["refunded"] == "30")
