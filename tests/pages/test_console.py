"""The console in a browser, through payouts that go well and payouts that do not, and what staff do about them."""

import csv
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from providers.shkeeper.simulator.books.payouts import Outcome
from providers.shkeeper.simulator.faults import Call, What
from providers.shkeeper.simulator.notices import signed_headers
from tests.asking import post
from tests.conftest import BridgeProcess
from tests.made_destinations import destination
from tests.pages.browsing import Browsing
from tests.played_shkeeper import KEY, PlayedShkeeper
from tests.system.shkeeper.conftest import Document, Marketplace


def row_of(page: Page, document: Document) -> Locator:
    """The line of a payout or payment in the table."""
    view = "payouts" if "payoutId" in document else "payments"
    identifier = document.get("payoutId") or document["paymentId"]
    return page.get_by_role("row").filter(has=page.locator(f"a[href='/ops/{view}/{identifier}']"))


def item_of(page: Page, payout: Document) -> Locator:
    """What the console says a person should do about a payout."""
    return page.locator(".item").filter(has=page.locator(f"a[href='/ops/payouts/{payout['payoutId']}']"))


def sign(page: Page, name: str) -> None:
    """Says who it is in an open dialog, as everybody has to once."""
    page.get_by_label("Your name").fill(name)


def test_a_payout_appears_and_completes_before_ones_eyes(
    console: Page, marketplace: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    payment_id = marketplace.paid(sellerId="seller-live")
    shkeeper.gateway.payouts.outcomes[destination("ETH-USDT", payment_id).lower()] = Outcome.UNCONFIRMED
    [payout] = marketplace.pay_out(payment_id)
    row = row_of(console, payout)
    expect(row).to_contain_text("broadcast")
    for part in ("seller-live", "98.00\u00a0ETH-USDT", "shkeeper", "not watched"):
        expect(row).to_contain_text(part)
    shkeeper.gateway.payouts.outcomes.clear()
    expect(row).to_contain_text("completed")
    expect(item_of(console, payout)).to_have_count(0)


def test_a_payout_that_fails_needs_a_person_until_another_is_made(
    console: Page, marketplace: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    payment_id = marketplace.paid()
    shkeeper.gateway.payouts.outcomes[destination("ETH-USDT", payment_id).lower()] = Outcome.FAILS
    [payout] = marketplace.pay_out(payment_id)
    expect(row_of(console, payout)).to_contain_text("failed")
    item = item_of(console, payout)
    expect(item).to_contain_text("Have not enough tokens on fee account")
    expect(item).to_contain_text("make another payout for it")
    shkeeper.gateway.payouts.outcomes.clear()
    [again] = marketplace.pay_out(payment_id)
    expect(row_of(console, again)).to_contain_text("completed")
    expect(item).to_have_count(0)


def test_an_ambiguous_payout_is_re_checked_and_resolved_by_somebody_with_a_name(
    console: Page, marketplace: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    payment_id = marketplace.paid()
    shkeeper.goes_wrong(Call.PAYOUT, What.RESET, times=1)
    [payout] = marketplace.pay_out(payment_id)
    item = item_of(console, payout)
    expect(item).to_contain_text("Ambiguous")

    item.get_by_role("button", name="Re-check").click()
    dialog = console.get_by_role("dialog")
    expect(dialog).to_contain_text("No money is sent by this")
    dialog.get_by_role("button", name="Re-check now").click()
    expect(dialog.get_by_role("alert")).to_have_text("Say who you are: it is kept with what you do.")
    sign(console, "Ada")
    dialog.get_by_role("button", name="Re-check now").click()
    expect(dialog).to_contain_text("Recorded as done by Ada.")
    dialog.get_by_role("button", name="Close", exact=True).click()
    expect(dialog).to_have_count(0)

    item.get_by_role("button", name="Resolve").click()
    dialog.get_by_role("button", name="Record it").click()
    expect(dialog.get_by_role("alert")).to_have_text("Choose what became of it.")
    dialog.get_by_label("It was sent").check()
    dialog.get_by_role("button", name="Record it").click()
    expect(dialog.get_by_role("alert")).to_have_text("Name the transaction that carries it.")
    dialog.get_by_label("It was not sent").check()
    expect(dialog.get_by_label("Your name")).to_have_value("Ada")
    dialog.get_by_label("How you found out").fill("The wallet's books have none")
    dialog.get_by_role("button", name="Record it").click()
    dialog.get_by_role("button", name="Yes, it was not sent").click()
    expect(dialog).to_contain_text("Recorded as done by Ada.")
    dialog.get_by_role("button", name="Close", exact=True).click()
    expect(row_of(console, payout)).to_contain_text("failed")

    row_of(console, payout).get_by_role("link").click()
    expect(console.get_by_role("heading", level=1)).to_contain_text(payout["payoutId"])
    history = console.get_by_role("region", name="What happened")
    for part in ("The payout was asked for", "Nobody knows whether the provider sent it", "It was re-checked", "Ada"):
        expect(history).to_contain_text(part)
    expect(history.locator(".is-event").last).to_contain_text("payout-updated")


def test_a_payout_whose_provider_is_stuck_stays_in_sight(
    console: Page, marketplace: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    payment_id = marketplace.paid()
    shkeeper.gateway.payouts.outcomes[destination("ETH-USDT", payment_id).lower()] = Outcome.STUCK
    [payout] = marketplace.pay_out(payment_id)
    expect(row_of(console, payout)).to_contain_text("created")
    console.locator(f"a[href='/ops/payouts/{payout['payoutId']}']").click()
    console.get_by_role("button", name="Re-check").click()
    sign(console, "Bob")
    console.get_by_role("button", name="Re-check now").click()
    expect(console.get_by_role("dialog")).to_contain_text("Recorded as done by Bob.")
    console.get_by_role("button", name="Close", exact=True).click()
    expect(console.get_by_role("button", name="Re-check")).to_be_focused()
    shkeeper.gateway.payouts.outcomes.clear()


def test_the_stop_button_holds_all_payouts_until_somebody_resumes_them(
    console: Page, marketplace: Marketplace, bridge: BridgeProcess
) -> None:
    payment_id = marketplace.paid()
    console.get_by_role("button", name="Hold all payouts").click()
    dialog = console.get_by_role("dialog")
    dialog.get_by_label("Why").fill("two sellers report strange payouts")
    sign(console, "Ada")
    dialog.get_by_role("button", name="Hold all payouts").click()
    expect(dialog).to_contain_text("No payout is sent until they are resumed.")
    expect(dialog).to_contain_text("Recorded as done by Ada.")
    dialog.get_by_role("button", name="Close", exact=True).click()
    item = console.locator(".item[data-kind=payouts-held]")
    expect(item).to_contain_text("Ada has held them: two sellers report strange payouts")
    expect(console.get_by_role("button", name="Hold all payouts")).to_have_count(0)
    # It stays on the list while it is so, and nobody is offered what the bridge refuses.
    expect(item.get_by_role("button", name="Note")).to_be_visible()
    for refused in ("Snooze", "Close"):
        expect(item.get_by_role("button", name=refused)).to_have_count(0)
    [payout] = marketplace.pay_out(payment_id)
    console.reload()  # nothing is told of a payout before its provider has taken it on
    expect(row_of(console, payout)).to_contain_text("created")
    assert marketplace.sent(payout["payoutId"]) == []
    for path in (f"payouts/{payout['payoutId']}", f"payments/{payment_id}", "books", "system", ""):
        console.goto(f"{bridge.url}/ops/{path}".rstrip("/"))
        sending = console.get_by_role("complementary", name="Sending of payouts")
        expect(sending).to_contain_text("Payouts are held by Ada since")
        expect(sending).to_contain_text("two sellers report strange payouts")
        expect(sending.get_by_role("button", name="Resume payouts")).to_be_visible()
    item.get_by_role("button", name="Resume").click()
    dialog.get_by_role("button", name="Resume payouts …").click()
    expect(dialog.get_by_role("status")).to_contain_text("All that waits leaves at once")
    expect(row_of(console, payout)).to_contain_text("created")
    dialog.get_by_role("button", name="Yes, resume payouts").click()
    expect(dialog).to_contain_text("Payouts are sent again.")
    dialog.get_by_role("button", name="Close", exact=True).click()
    expect(row_of(console, payout)).to_contain_text("completed")
    expect(item).to_have_count(0)
    # It is pressed wherever somebody watches money leave.
    console.goto(f"{bridge.url}/ops/payouts/{payout['payoutId']}")
    expect(sending).to_contain_text("Payouts are sent.")
    sending.get_by_role("button", name="Hold all payouts").click()
    dialog.get_by_role("button", name="Hold all payouts").click()
    dialog.get_by_role("button", name="Close", exact=True).click()
    expect(sending).to_contain_text("Payouts are held by Ada")
    # Whoever has another reason says so beside it.
    sending.get_by_role("button", name="Hold too").click()
    dialog.get_by_label("Why").fill("the bank called")
    sign(console, "Bo")
    dialog.get_by_role("button", name="Hold all payouts").click()
    expect(dialog).to_contain_text("They were held already, by Ada; what each has said is kept.")
    dialog.get_by_role("button", name="Close", exact=True).click()
    expect(sending).to_contain_text("; by Bo since")
    expect(sending).to_contain_text("the bank called")
    sending.get_by_role("button", name="Resume payouts").click()
    dialog.get_by_role("button", name="Resume payouts …").click()
    dialog.get_by_role("button", name="Yes, resume payouts").click()
    dialog.get_by_role("button", name="Close", exact=True).click()
    expect(sending).to_contain_text("Payouts are sent.")
    # That it came back has its payment paid out again: nobody says so with one press, or not how they know.
    console.goto(f"{bridge.url}/ops/payments/{payment_id}")
    console.locator(".history").get_by_role("link", name=payout["payoutId"]).first.click()
    console.get_by_role("button", name="Resolve").click()
    dialog.get_by_label("It came back").check()
    dialog.get_by_label("Transaction hash").fill(f"0x{'c0' * 32}")
    dialog.get_by_role("button", name="Record it").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Say how you found out that it came back")
    dialog.get_by_label("How you found out").fill("The exchange has closed the account")
    dialog.get_by_role("button", name="Record it").click()
    expect(dialog.get_by_role("status")).to_contain_text("Are you sure that it came back?")
    dialog.get_by_label("Transaction hash").fill(f"0x{'c1' * 32}")
    expect(dialog.get_by_role("status")).to_have_count(0)
    dialog.get_by_role("button", name="Record it").click()
    dialog.get_by_role("button", name="Yes, it came back").click()
    expect(dialog).to_contain_text(": The exchange has closed the account; it is returned.")


def test_a_webhook_that_nobody_understood_is_replayed_and_dismissed(console: Page, bridge: BridgeProcess) -> None:
    body = json.dumps({"external_id": "order-1", "what": "is this"}).encode()
    headers = signed_headers(KEY, body, datetime.now(UTC), with_key=False)
    answer = post(f"{bridge.url}/webhooks/shkeeper", content=body, headers=headers)
    assert answer.status_code == 400
    console.reload()
    item = console.locator(".item[data-kind=webhook-unreadable]").first
    expect(item).to_contain_text("could not be read")
    item.get_by_role("button", name="Replay").click()
    sign(console, "Ada")
    console.get_by_role("button", name="Replay now").click()
    expect(console.get_by_role("dialog")).to_contain_text("It still cannot be read")
    expect(console.get_by_role("dialog")).to_contain_text("Recorded as done by Ada.")
    console.get_by_role("button", name="Close", exact=True).click()

    item.get_by_role("button", name="Dismiss").click()
    expect(console.get_by_role("dialog")).to_contain_text("Nothing of what is kept changes")
    console.get_by_role("button", name="Dismiss", exact=True).click()
    expect(console.get_by_role("dialog")).to_contain_text("It is off the list.")
    console.get_by_role("button", name="Close", exact=True).click()
    expect(item).to_have_count(0)


def test_filters_stand_in_the_address_and_survive_a_reload(
    console: Page, marketplace: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    wanted = marketplace.pay_out(marketplace.paid(sellerId="seller-of-hats"))[0]
    other = marketplace.pay_out(marketplace.paid(sellerId="seller-of-shoes"))[0]
    marketplace.settle([wanted, other], "completed")
    expect(row_of(console, other)).to_be_visible()
    console.get_by_label("Search").fill("of-hats")
    console.locator("summary").click()
    console.get_by_label("completed", exact=True).check()
    console.keyboard.press("Escape")
    expect(console.locator("summary")).to_have_text("completed")
    console.get_by_label("Provider").select_option("shkeeper")
    expect(row_of(console, other)).to_have_count(0)
    expect(row_of(console, wanted)).to_be_visible()
    expect(console).to_have_url(f"{marketplace.bridge.url}/ops?status=completed&provider=shkeeper&search=of-hats")
    console.reload()
    expect(console.get_by_label("Search")).to_have_value("of-hats")
    expect(console.locator("summary")).to_have_text("completed")
    expect(row_of(console, wanted)).to_be_visible()
    expect(row_of(console, other)).to_have_count(0)
    # What does not fit the filters does not creep in when it moves.
    [late] = marketplace.pay_out(marketplace.paid(sellerId="seller-of-gloves"))
    [fitting] = marketplace.pay_out(marketplace.paid(sellerId="seller-of-hats"))
    marketplace.settle([late, fitting], "completed")
    expect(row_of(console, fitting)).to_be_visible()
    expect(row_of(console, late)).to_have_count(0)
    console.get_by_role("button", name="Payments").click()
    expect(console).to_have_url(f"{marketplace.bridge.url}/ops?view=payments&search=of-hats")
    expect(row_of(console, {"paymentId": wanted["paymentId"]})).to_contain_text("released")
    console.get_by_label("Search").fill("nobody at all")
    expect(console.get_by_text("Nothing fits these filters.")).to_be_visible()
    console.locator(".notice").get_by_role("button", name="Clear filters").click()
    expect(row_of(console, {"paymentId": other["paymentId"]})).to_be_visible()


def test_what_the_table_shows_is_exported(console: Page, marketplace: Marketplace, tmp_path: Path) -> None:
    payout = marketplace.pay_out(marketplace.paid(sellerId="=seller-of-formulas"))[0]
    marketplace.pay_out(marketplace.paid(sellerId="seller-of-nothing"))
    console.get_by_label("Search").fill("of-formulas")
    expect(row_of(console, payout)).to_be_visible()
    expect(console.get_by_text("1 payout", exact=True)).to_be_visible()
    with console.expect_download() as download:
        console.get_by_role("button", name="Export CSV").click()
    assert download.value.suggested_filename.startswith("payouts-")
    path = tmp_path / "payouts.csv"
    download.value.save_as(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        [row] = csv.DictReader(file)
    assert row["payoutId"] == payout["payoutId"]
    assert row["sellerId"].endswith("=seller-of-formulas")
    assert not row["sellerId"].startswith("=")
    expect(console.get_by_text("Exported.")).to_be_visible()


def test_totals_of_the_day_grow_and_are_a_table_too(console: Page, marketplace: Marketplace) -> None:
    def counted() -> str:
        days = marketplace.client.get("/api/ops/totals").json()["days"]
        return str(sum(day["salesCount"] for day in days if day["currency"] == "EUR"))

    marketplace.paid(amount="123", currency="EUR")
    expect(console.get_by_role("img", name="Sold, net of refunds, EUR: 123.00")).to_be_visible()
    console.get_by_role("button", name="As a table").click()
    number = console.get_by_role("region", name="Totals by day").locator("tr", has_text="EUR").locator("td").nth(1)
    expect(number).to_have_text(counted())
    marketplace.paid(amount="77", currency="EUR")
    assert counted() == "2"
    expect(number).to_have_text("2")


def test_everything_can_be_done_with_the_keyboard_alone(console: Page, marketplace: Marketplace) -> None:
    payouts = [marketplace.pay_out(marketplace.paid())[0] for _ in range(3)]
    marketplace.settle(payouts, "completed")
    expect(row_of(console, payouts[-1])).to_contain_text("completed")
    keyboard, focused = console.keyboard, console.locator(":focus-visible")
    console.reload()
    expect(row_of(console, payouts[-1])).to_contain_text("completed")
    keyboard.press("Tab")
    expect(focused).to_have_text("Skip to the content")
    keyboard.press("Enter")
    for _ in range(60):
        keyboard.press("Tab")
        if console.evaluate("document.activeElement.getAttribute('role')") == "grid":
            break
    expect(focused).to_have_attribute("role", "grid")
    keyboard.press("ArrowDown")
    active = console.locator(".grid-row.is-active")
    expect(active).to_contain_text(payouts[1]["payoutId"][-5:])
    row_id = active.get_attribute("id")
    assert row_id is not None
    expect(focused).to_have_attribute("aria-activedescendant", row_id)
    keyboard.press("Enter")
    heading = console.get_by_role("heading", level=1)
    expect(heading).to_contain_text(payouts[1]["payoutId"])
    expect(heading).to_be_focused()
    console.go_back()
    expect(active).to_contain_text(payouts[1]["payoutId"][-5:])


def test_the_browsers_own_steps_lead_through_the_console(console: Page, bridge: BridgeProcess) -> None:
    console.get_by_role("link", name="System").click()
    expect(console.get_by_role("heading", level=1)).to_have_text("System")
    expect(console.get_by_role("link", name="System")).to_have_attribute("aria-current", "page")
    console.go_back()
    expect(console.get_by_role("heading", name="Needs a person")).to_be_visible()
    console.goto(f"{bridge.url}/ops/nothing")
    expect(console.get_by_role("heading", name="There is no such page")).to_be_visible()


def test_a_payout_that_is_not_there_says_so(browsing: Browsing, bridge: BridgeProcess) -> None:
    browsing.expect_trouble("404")
    page = browsing.page()
    page.goto(f"{bridge.url}/ops/payouts/out_of_reach")
    expect(page.get_by_role("heading", name="There is no such payout")).to_be_visible()


def test_the_system_is_seen_live(browsing: Browsing, console: Page, marketplace: Marketplace) -> None:
    console.get_by_role("link", name="System").click()
    tiles = console.locator(".tiles")
    expect(tiles).to_contain_text("Connections")
    connections = console.locator(".tile").filter(has_text="Connections").locator(".tile-value")
    expect(connections).to_have_text("1")
    other = browsing.page()
    other.goto(f"{marketplace.bridge.url}/ops/system")
    expect(connections).to_have_text("2")
    expect(console.get_by_role("row").filter(has_text="shkeeper")).to_contain_text("ok")
    expect(tiles).to_contain_text("is delivered")


def test_a_row_that_cannot_be_read_is_named_above_the_others_and_on_the_list(
    browsing: Browsing, bridge: BridgeProcess, marketplace: Marketplace
) -> None:
    others, spoiled = marketplace.create(), marketplace.create()
    with closing(sqlite3.connect(bridge.database)) as database, database:
        of = [spoiled["paymentId"]]
        [(stored,)] = database.execute("SELECT facts FROM payments WHERE payment_id = ?", of)
        database.execute("UPDATE payments SET facts = '{' WHERE payment_id = ?", of)
    page = browsing.page()
    page.goto(f"{bridge.url}/ops?view=payments")
    said = f"What is stored of payment {spoiled['paymentId']} cannot be read"
    expect(page.get_by_role("list", name="What cannot be read")).to_contain_text(said)
    expect(row_of(page, others)).to_be_visible()
    expect(row_of(page, spoiled)).to_have_count(0)
    expect(page.locator(".attention").get_by_text(said)).to_be_visible()
    with closing(sqlite3.connect(bridge.database)) as database, database:
        database.execute("UPDATE payments SET facts = ? WHERE payment_id = ?", [stored, *of])
    expect(page.locator(".attention").get_by_text(said)).to_have_count(0)
    page.reload()
    expect(row_of(page, spoiled)).to_be_visible()
    expect(page.get_by_role("list", name="What cannot be read")).to_have_count(0)
