"""Second persons in the console: what waits is shown at once, and decided by somebody else than who asked for it."""

import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.conftest import BridgeProcess, StartBridge
from tests.pages.browsing import Browsing
from tests.played_shkeeper import PlayedShkeeper
from tests.system.shkeeper.conftest import Document, Marketplace, limits, settings_for

SECRET = "a secret of at least thirty-two bytes"
SERVICES = """
[shop]
token = "the-token-of-the-shop"
registers = ["payments", "payouts"]
"""


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, shkeeper: PlayedShkeeper) -> BridgeProcess:
    return make_bridge(**settings_for(shkeeper) | {"BRIDGE_PAYOUT_LIMITS": limits(per_payout=50)})


def item_of(page: Page, payout: Document) -> Locator:
    return page.locator(".item[data-kind=payout-awaiting-approval]").filter(
        has=page.locator(f"a[href='/ops/payouts/{payout['payoutId']}']")
    )


def row_of(page: Page, payout: Document) -> Locator:
    return page.get_by_role("row").filter(has=page.locator(f"a[href='/ops/payouts/{payout['payoutId']}']"))


def test_who_asked_is_refused_and_a_second_person_approves(
    browsing: Browsing, console: Page, marketplace: Marketplace
) -> None:
    [payout] = marketplace.pay_out(marketplace.paid(sellerId="seller-of-lamps"), amount="60", askedBy="Ada")
    # Nobody has reloaded the page.
    expect(row_of(console, payout).locator(".is-state")).to_have_text("awaiting approval")
    item = item_of(console, payout)
    expect(item).to_contain_text("It waits for a second person, and is not sent")
    expect(item).to_contain_text("60 USD are above 50 USD, the limit of one payout")
    item.get_by_role("button", name="Approve").click()
    dialog = console.get_by_role("dialog")
    for part in (
        "60.00\u00a0ETH-USDT",
        "60.00\u00a0USD",
        "seller-of-lamps",
        payout["destination"],
        "Ada",
        "60 USD are above 50 USD",
    ):
        expect(dialog.locator(".asked")).to_contain_text(part)
    dialog.get_by_label("Your name").fill("Ada")
    browsing.expect_trouble("403")
    dialog.get_by_role("button", name="Approve and send …").click()
    expect(dialog.get_by_role("status")).to_contain_text("The money leaves at once")
    assert marketplace.sent(payout["payoutId"]) == []
    approve = dialog.get_by_role("button", name="Yes, approve and send")
    approve.click()
    expect(dialog.get_by_role("alert")).to_have_text(
        "Ada asked for this payout; somebody else has to decide about it."
    )
    assert marketplace.sent(payout["payoutId"]) == []
    dialog.get_by_label("Your name").fill("Bo")
    dialog.get_by_label("Why").fill("Compared it with the sale")
    approve.click()
    expect(dialog).to_contain_text("Approved: Compared it with the sale.")
    expect(dialog).to_contain_text("Recorded as done by Bo.")
    dialog.get_by_role("button", name="Close", exact=True).click()
    expect(row_of(console, payout).locator(".is-state")).to_have_text("completed")
    expect(item).to_have_count(0)
    assert len(marketplace.sent(payout["payoutId"])) == 1


def test_a_payout_is_rejected_on_its_own_page_with_a_reason(
    console: Page, marketplace: Marketplace, bridge: BridgeProcess
) -> None:
    [payout] = marketplace.pay_out(marketplace.paid(), amount="60")
    console.goto(f"{bridge.url}/ops/payouts/{payout['payoutId']}")
    facts = console.get_by_role("region", name="How it stands")
    expect(facts).to_contain_text("Nothing is sent until a second person approves it")
    expect(facts.get_by_role("button", name="Re-check")).to_have_count(0)
    expect(facts.get_by_role("button", name="Resolve")).to_be_visible()  # somebody may have sent it by hand
    facts.get_by_role("button", name="Reject").click()
    dialog = console.get_by_role("dialog")
    dialog.get_by_label("Your name").fill("Bo")
    reject = dialog.get_by_role("button", name="Reject it")
    reject.click()
    expect(dialog.get_by_role("alert")).to_have_text("Say why: it is kept with what you do.")
    dialog.get_by_label("Why").fill("Not our seller's address")
    reject.click()
    expect(dialog).to_contain_text("Rejected: Not our seller's address.")
    dialog.get_by_role("button", name="Close", exact=True).click()
    expect(facts).to_contain_text("Bo rejected it: Not our seller's address")
    history = console.get_by_role("region", name="What happened")
    for part in ("It waits for somebody's approval", "It was rejected", "awaiting approval", "Bo"):
        expect(history).to_contain_text(part)


def test_what_waits_is_found_by_its_state(console: Page, marketplace: Marketplace, bridge: BridgeProcess) -> None:
    [waits] = marketplace.pay_out(marketplace.paid(), amount="60")
    [goes_on] = marketplace.pay_out(marketplace.paid(), amount="40")
    console.goto(f"{bridge.url}/ops?status=awaiting_approval")
    expect(row_of(console, waits)).to_be_visible()
    expect(row_of(console, goes_on)).to_have_count(0)


CUT = """(row) => {
    const table = row.closest(".grid").getBoundingClientRect();
    return [...row.querySelectorAll(".cell")]
        .filter((cell) => {
            const { left, right } = cell.getBoundingClientRect();
            const state = cell.querySelector(".state");
            const isCut = cell.scrollWidth > cell.clientWidth || cell.scrollHeight > cell.clientHeight;
            return left < table.left || right > table.right || (state !== null && isCut);
        })
        .map((cell) => cell.className);
}"""
WIDTHS = (320, 360, 600, 959, 960, 1024, 1279, 1280, 1360, 1366, 1440, 1920)


def test_a_row_fits_its_table_at_every_width_with_the_whole_state(
    console: Page, marketplace: Marketplace, bridge: BridgeProcess
) -> None:
    """Also beside the list of what needs a person, and where the longest of states has `stuck` behind it."""
    [payout] = marketplace.pay_out(marketplace.paid(sellerId="seller-of-lamps"), amount="60")
    console.goto(f"{bridge.url}/ops?status=awaiting_approval")
    row = row_of(console, payout)
    for said in ("awaiting approval", "awaiting approval · stuck"):
        expect(row.locator(".is-state")).to_have_text("awaiting approval")
        for width in WIDTHS:
            console.set_viewport_size({"width": width, "height": 900})
            expect(row).to_be_visible()
            cut = row.evaluate(f"""(row) => {{
                const state = row.querySelector(".state"), before = state.innerHTML;
                if ({str("stuck" in said).lower()}) state.innerHTML += '<span class="overdue"> · stuck</span>';
                const cut = ({CUT})(row);
                state.innerHTML = before;
                return cut;
            }}""")
            assert cut == [], (width, said)


def token(subject: str, **claims: Any) -> str:
    return jwt.encode({"sub": subject, "exp": time.time() + 86_400, **claims}, SECRET, "HS256")


def test_buttons_are_there_for_those_who_may_press_them(
    browsing: Browsing, make_bridge: StartBridge, shkeeper: PlayedShkeeper, tmp_path: Path
) -> None:
    services = tmp_path / "services.toml"
    services.write_text(SERVICES)
    more = {
        "BRIDGE_PAYOUT_LIMITS": limits(per_payout=50),
        "BRIDGE_ACCESS": "jwt",
        "BRIDGE_JWT_SECRETS": SECRET,
        "BRIDGE_SERVICES_FILE": str(services),
    }
    bridge = make_bridge(**settings_for(shkeeper) | more)
    shop = Marketplace(bridge, shkeeper, "the-token-of-the-shop")
    [payout] = shop.pay_out(shop.paid(), amount="60", askedBy="ada")
    for roles, buttons in (
        (["ops-view"], (0, 0)),
        (["ops-act"], (0, 1)),
        (["ops-approve"], (1, 0)),
        (["ops-act", "ops-approve"], (1, 1)),
    ):
        page = browsing.page()
        page.goto(f"{bridge.url}/ops")
        page.get_by_label("Token").fill(token("bo", roles=roles))
        page.get_by_role("button", name="Sign in").click()
        expect(item_of(page, payout)).to_be_visible()
        expect(item_of(page, payout).get_by_role("button", name="Approve")).to_have_count(buttons[0])
        expect(page.get_by_role("button", name="Hold all payouts")).to_have_count(buttons[1])
        expect(page.get_by_text("Payouts are sent.")).to_be_visible()
    # By their token, whatever they would say.
    page.goto(f"{bridge.url}/ops/payouts/{payout['payoutId']}")
    page.get_by_role("button", name="Approve").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Recorded as done by bo.")
    dialog.get_by_role("button", name="Approve and send …").click()
    dialog.get_by_role("button", name="Yes, approve and send").click()
    expect(dialog).to_contain_text("Approved.")
    shop.settle([payout], "completed")
    shop.client.close()
