"""Holds of payouts in the console: what a resumption would end is shown, a hold that came meanwhile ends nothing, and
going on without the comparison of the books is a word of its own."""

from playwright.sync_api import Page, expect

from bridge.journal.clocks import utc_now
from bridge.journal.maintenance import declare_restored
from providers.shkeeper.simulator.faults import Call, What
from tests.conftest import BridgeProcess
from tests.pages.browsing import Browsing
from tests.played_shkeeper import PlayedShkeeper
from tests.resuming import resume
from tests.system.shkeeper.conftest import Marketplace


def placed(marketplace: Marketplace, by: str, note: str) -> None:
    marketplace.client.post("/api/ops/hold", json={"by": by, "note": note}).raise_for_status()


def resumed_as(page: Page, name: str, button: str, again: str) -> None:
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Your name").fill(name)
    dialog.get_by_role("button", name=button).click()
    dialog.get_by_role("button", name=again).click()


def test_the_dialog_shows_what_it_ends_and_a_hold_that_came_meanwhile_ends_nothing(
    browsing: Browsing, console: Page, marketplace: Marketplace
) -> None:
    browsing.expect_trouble("409")
    sending = console.get_by_role("complementary", name="Sending of payouts")
    placed(marketplace, "Ada", "strange payouts")
    console.reload()
    sending.get_by_role("button", name="Resume payouts").click()
    dialog = console.get_by_role("dialog")
    ended = dialog.get_by_role("list", name="Holds that end").get_by_role("listitem")
    expect(ended).to_have_count(1)
    expect(ended).to_contain_text("strange payouts")
    placed(marketplace, "Cy", "the bank called")
    resumed_as(console, "Bo", "Resume payouts …", "Yes, resume payouts")
    expect(dialog.get_by_role("alert")).to_contain_text("nothing was resumed")
    expect(ended).to_have_count(2)
    expect(ended.nth(1)).to_contain_text("New: Cy since")
    assert len(marketplace.client.get("/api/payouts/hold").json()["holds"]) == 2
    # It is asked anew, twice as always.
    dialog.get_by_role("button", name="Resume payouts …").click()
    dialog.get_by_role("button", name="Yes, resume payouts").click()
    expect(dialog).to_contain_text("Payouts are sent again.")
    dialog.get_by_role("button", name="Close", exact=True).click()
    expect(sending).to_contain_text("Payouts are sent.")


def test_to_go_on_without_the_comparison_is_a_button_of_its_own(
    browsing: Browsing, bridge: BridgeProcess, marketplace: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    marketplace.paid()
    placed(marketplace, "Ada", "strange payouts")
    bridge.stop()
    declare_restored(f"sqlite:///{bridge.database}", bridge.database.with_name("bridge.db.mark"), "it was", utc_now())
    shkeeper.goes_wrong(Call.ANY, What.RESET)
    bridge.start()
    page = browsing.page()
    page.goto(f"{bridge.url}/ops")
    sending = page.get_by_role("complementary", name="Sending of payouts")
    expect(sending).to_contain_text("the bridge since")
    sending.get_by_role("button", name="Resume payouts").click()
    dialog = page.get_by_role("dialog")
    ended = dialog.get_by_role("list", name="Holds that end").get_by_role("listitem")
    expect(ended).to_have_count(1)
    resumed_as(page, "Bo", "Resume payouts …", "Yes, resume payouts")
    expect(dialog).to_contain_text("payouts are still held by the bridge")
    dialog.get_by_role("button", name="Close", exact=True).click()
    expect(sending.get_by_role("button", name="Resume payouts")).to_have_count(0)
    refused = resume(marketplace.client)
    assert (refused.status_code, refused.json()["code"]) == (409, "comparison_open")
    sending.get_by_role("button", name="Resume without the comparison").click()
    expect(dialog).to_contain_text("is sent once more then")
    dialog.get_by_role("button", name="Resume without the comparison …").click()
    dialog.get_by_role("button", name="Yes, resume without it").click()
    expect(dialog).to_contain_text("Payouts are sent again.")
    dialog.get_by_role("button", name="Close", exact=True).click()
    expect(sending).to_contain_text("Payouts are sent.")
    [last] = marketplace.client.get("/api/ops/actions", params={"limit": 1}).json()["actions"]
    assert (last["by"], "without the comparison of the books" in last["outcome"]) == ("Bo", True)
