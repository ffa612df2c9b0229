"""A payout that takes too long, which nothing tells: the console finds it by itself."""

import sqlite3
from contextlib import closing

from playwright.sync_api import expect

from providers.shkeeper.simulator.books.payouts import Outcome
from tests.conftest import StartBridge
from tests.made_destinations import destination
from tests.pages.browsing import Browsing
from tests.played_shkeeper import PlayedShkeeper
from tests.system.shkeeper.conftest import Marketplace, settings_for
from tests.waiting import wait_until


def test_a_payout_that_is_stuck_for_a_day_needs_a_person(
    browsing: Browsing, make_bridge: StartBridge, shkeeper: PlayedShkeeper
) -> None:
    bridge = make_bridge(**settings_for(shkeeper))
    marketplace = Marketplace(bridge, shkeeper)
    payment_id = marketplace.paid()
    shkeeper.gateway.payouts.outcomes[destination("ETH-USDT", payment_id).lower()] = Outcome.STUCK
    [payout] = marketplace.pay_out(payment_id)
    # Killed while it asks, the bridge would not know whether the payout was sent.
    wait_until(lambda: marketplace.client.get(f"/api/payouts/{payout['payoutId']}").json()["taskId"])
    marketplace.client.close()
    bridge.kill()
    with closing(sqlite3.connect(bridge.database)) as database, database:  # as if two days had passed
        changed = database.execute(
            "UPDATE payouts SET created_at = datetime(created_at, '-2 days') || '.000000',"
            " cleared_at = datetime(cleared_at, '-2 days') || '.000000',"
            " overdue_at = datetime(overdue_at, '-2 days') || '.000000',"
            " facts = json_set(facts, '$.askedAt', datetime(json_extract(facts, '$.askedAt'), '-2 days') || 'Z')"
            " WHERE payout_id = ?",
            (payout["payoutId"],),
        )
        assert changed.rowcount == 1
    database.close()
    bridge.start()
    page = browsing.page()
    page.goto(f"{bridge.url}/ops")
    item = page.locator(".item[data-kind=payout-overdue]")
    expect(item).to_contain_text("Stuck")
    expect(item).to_contain_text("It takes too long")
    row = page.get_by_role("row").filter(has=page.locator(f"a[href='/ops/payouts/{payout['payoutId']}']"))
    expect(row.locator(".is-state")).to_have_text("created · stuck")
    item.get_by_role("button", name="Resolve").click()
    page.get_by_role("radio", name="It was not sent").check()
    page.get_by_label("Your name").fill("Ada")
    dialog, record = page.get_by_role("dialog"), page.get_by_role("button", name="Record it")
    record.click()
    expect(dialog.get_by_role("alert")).to_contain_text("Say how you found out that it was not sent")
    page.get_by_label("How you found out").fill("The wallet's books have no such transaction")
    record.click()
    expect(dialog.get_by_role("status")).to_contain_text("Are you sure that it was not sent?")
    # Who thinks again is asked anew.
    page.get_by_role("radio", name="It came back").check()
    expect(dialog.get_by_role("status")).to_have_count(0)
    page.get_by_role("radio", name="It was not sent").check()
    record.click()
    expect(row.locator(".is-state")).to_have_text("created · stuck")
    page.get_by_role("button", name="Yes, it was not sent").click()
    expect(dialog).to_contain_text("Recorded as done by Ada.")
    expect(dialog).to_contain_text("Not-sent: The wallet's books have no such transaction; it is failed.")
    page.get_by_role("button", name="Close", exact=True).click()
    expect(row.locator(".is-state")).to_have_text("failed")
    expect(item).to_have_count(0)
