"""A bridge that is killed under an open page: the page says so, and goes on by itself when the bridge is back."""

import sqlite3
from contextlib import closing

from playwright.sync_api import Page, WebSocketRoute, expect

from tests.conftest import StartBridge
from tests.pages.browsing import Browsing
from tests.played_shkeeper import PlayedShkeeper
from tests.system.shkeeper.conftest import Marketplace, settings_for

# What the browser says of a bridge that ends while it answers, and of every try to connect to it then.
GONE = (
    r"ERR_CONNECTION_(REFUSED|RESET|CLOSED|ABORTED)|ERR_SOCKET_NOT_CONNECTED|ERR_EMPTY_RESPONSE"
    r"|ERR_CONTENT_LENGTH_MISMATCH|WebSocket connection to .* failed"
)


def test_open_pages_say_that_they_are_offline_and_catch_up_without_a_reload(
    browsing: Browsing, make_bridge: StartBridge, shkeeper: PlayedShkeeper
) -> None:
    browsing.expect_trouble(GONE)
    bridge = make_bridge(**settings_for(shkeeper))
    marketplace = Marketplace(bridge, shkeeper)
    payment = marketplace.create()
    [payout] = marketplace.pay_out(marketplace.paid())
    marketplace.settle([payout], "completed")
    pay, console = browsing.page(), browsing.page()
    pay.goto(f"{bridge.url}/pay/{payment['paymentId']}")
    console.goto(f"{bridge.url}/ops?view=payments")
    row = console.get_by_role("row").filter(has=console.locator(f"a[href='/ops/payments/{payment['paymentId']}']"))
    for page in (pay, console):
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        mark(page)
    expect(row).to_contain_text("pending")

    meanwhile = (("40", "partly paid", "60.00\u00a0USD still to pay"), (None, "completed", "Paid"))
    for amount, status, headline in meanwhile:
        bridge.kill()
        for page in (pay, console):
            expect(page.get_by_text("Offline", exact=True)).to_be_visible()
            expect(page.get_by_text("what you see is from before")).to_be_visible()
        shkeeper.transfer(payment["invoices"][0]["address"], amount)  # what happens meanwhile is not lost
        bridge.start()
        for page in (pay, console):
            expect(page.get_by_text("Live", exact=True)).to_be_visible()
            expect(page.get_by_text("what you see is from before")).to_have_count(0)
        expect(pay.locator("#line-headline")).to_have_text(headline)
        expect(row).to_contain_text(status)
    assert is_marked(pay)
    assert is_marked(console)
    marketplace.client.close()


def test_a_page_that_cannot_be_told_what_it_missed_looks_it_up_and_says_so(
    browsing: Browsing, make_bridge: StartBridge, shkeeper: PlayedShkeeper
) -> None:
    browsing.expect_trouble(GONE)
    bridge = make_bridge(**settings_for(shkeeper))
    marketplace = Marketplace(bridge, shkeeper)
    payment = marketplace.create()
    page = browsing.page()
    page.goto(f"{bridge.url}/pay/{payment['paymentId']}")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    shkeeper.transfer(payment["invoices"][0]["address"], "40")
    expect(page.locator("#line-headline")).to_have_text("60.00\u00a0USD still to pay")
    bridge.kill()
    expect(page.get_by_text("Offline", exact=True)).to_be_visible()
    # A restored backup calls itself another journal, so that no offset from before means anything.
    with closing(sqlite3.connect(bridge.database)) as database, database:
        database.execute("UPDATE journal SET epoch = ?, secret = ?", ("0" * 16, "1" * 64))
    database.close()
    shkeeper.transfer(payment["invoices"][0]["address"])
    page.route("**/api/payments/*", lambda route: None)  # what is asked there is not answered for now
    bridge.start()
    expect(page.get_by_text("Catching up", exact=True)).to_be_visible()
    expect(page.get_by_text("looking up what happened meanwhile")).to_be_visible()
    marketplace.wait_for(payment["paymentId"], "completed")
    page.unroute("**/api/payments/*")  # which lets go of what it held
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page.locator("#line-headline")).to_have_text("Paid")
    marketplace.client.close()


def test_a_page_that_is_not_let_into_its_rooms_in_time_asks_again(
    browsing: Browsing, marketplace: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    payment = marketplace.create()
    page = browsing.page()
    swallowed: list[str | bytes] = []

    def swallow_answers(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            if isinstance(message, str) and message.startswith("43") and len(swallowed) < 2:
                swallowed.append(message)
            else:
                route.send(message)

        server.on_message(pass_on)

    page.route_web_socket("**/socket.io/**", swallow_answers)
    page.goto(f"{marketplace.bridge.url}/pay/{payment['paymentId']}")
    # After the ten seconds that it waits for an answer, which pass by themselves.
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    assert len(swallowed) == 2
    shkeeper.transfer(payment["invoices"][0]["address"])
    expect(page.locator("#line-headline")).to_have_text("Paid")


def mark(page: Page) -> None:
    """Leaves something that a reload would take away."""
    page.evaluate("window.wasHereBefore = true")


def is_marked(page: Page) -> bool:
    return bool(page.evaluate("window.wasHereBefore === true"))
