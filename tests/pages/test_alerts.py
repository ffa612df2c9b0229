"""What needs a person finds one: by mail and in a chat, and in the console with the keyboard alone."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from providers.shkeeper.simulator.notices import compact, signed_headers
from tests.answering_server import Asked, answering_requests
from tests.asking import client_of, post
from tests.conftest import BridgeProcess, StartBridge
from tests.mail_sink import MailSink, running_mail_sink
from tests.pages.browsing import Browsing
from tests.pages.test_accessibility import expect_no_violation
from tests.resuming import resume
from tests.waiting import wait_until

ADA = "ada@shop.example"
HELD = "No payout is sent, payouts-held:payouts"
KEY = "the key of a SHKeeper that is not there"


class Sinks:
    """Who is told, by mail and in a chat."""

    def __init__(self, mail: MailSink) -> None:
        self.mail = mail
        self.texts: list[str] = []

    def answer(self, asked: Asked) -> tuple[int, Any]:
        self.texts.append(json.loads(asked.body)["text"])
        return 200, "ok"


@pytest.fixture(scope="module")
def sinks() -> Iterator[Sinks]:
    with running_mail_sink() as mail:
        mail.greylisted[ADA] = 1
        yield Sinks(mail)


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, sinks: Sinks) -> Iterator[BridgeProcess]:
    with answering_requests(sinks.answer) as url:
        finance = {"kind": "mail", "host": "127.0.0.1", "port": sinks.mail.port, "security": "none"}
        channels = {
            "finance": {**finance, "sender": "bridge@shop.example", "to": [ADA], "warning": "at-once"},
            "ops-chat": {"kind": "chat", "warning": "at-once"},
        }
        alerts = {"look_seconds": 0.1, "pause_seconds": 0, "retry_seconds": 0.1, "channels": channels}
        yield make_bridge(
            BRIDGE_ALERTS=json.dumps(alerts),
            BRIDGE_ALERT_SECRET_OPS_CHAT=f"{url}/services/secret",
            BRIDGE_PUBLIC_URL="https://bridge.example",
            BRIDGE_SHKEEPER_API_KEYS=KEY,
        )


def tab_to(page: Page, name: str) -> None:
    """Goes on with the tabulator key until the button of that name has the focus."""
    button = page.get_by_role("button", name=name, exact=True)
    expect(button).to_be_visible()
    for _ in range(60):
        if button.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} is not reached by the keyboard")


def do(page: Page, button: str, *typed: str) -> None:
    """Presses a button of the list, fills in what its dialog asks for, and confirms it."""
    tab_to(page, button)
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    for text in typed:
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("heading", name="Done")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def send_stray_webhook(bridge: BridgeProcess) -> None:
    """Has somebody tell of what nobody can read."""
    fields = {"external_id": "order-1", "crypto": "ETH-USDT", "addr": "0x1", "fiat": "USD", "balance_fiat": "50"}
    body = compact({**fields, "status": "ON_HOLD", "transactions": []})
    with client_of(bridge.url) as client:
        signed = signed_headers(KEY, body, datetime.now(UTC))
        assert client.post("/webhooks/shkeeper", content=body, headers=signed).status_code == 400


def test_alerts_arrive_and_are_assigned_noted_on_snoozed_and_closed_with_the_keyboard_alone(
    browsing: Browsing, bridge: BridgeProcess, sinks: Sinks
) -> None:
    page, other = browsing.page(), browsing.page()
    for one in (page, other):
        one.goto(f"{bridge.url}/ops")
        expect(one.get_by_text("Live", exact=True)).to_be_visible()
    assert post(f"{bridge.url}/api/payouts/hold", json={"note": "<!channel>\u2028forged"}).is_success
    [mail], [text] = wait_until(lambda: sinks.mail.to(ADA)), wait_until(lambda: sinks.texts)
    assert mail["Subject"] == "[warning] No payout is sent"
    assert "https://bridge.example/ops" in mail.get_content()
    assert "<!channel>" not in text

    item, elsewhere = page.locator(".item"), other.locator(".item")
    expect(item).to_have_count(1)  # which the event brings to every console
    expect(elsewhere).to_have_count(1)
    do(page, f"Assign to me: {HELD}", "Ada")
    expect(elsewhere).to_contain_text("Ada sees to it")
    do(page, f"Note: {HELD}", "asked the wallet's people")
    tab_to(page, f"History: {HELD}")
    page.keyboard.press("Enter")
    expect(page.locator(".steps")).to_contain_text("Ada: asked the wallet's people")
    expect(page.locator(".steps")).to_contain_text(f"told finance {ADA}")
    expect_no_violation(page)
    # Whoever is quick asks for the next while a dialog closes.
    asking = item.get_by_role("button", name=f"Note: {HELD}").element_handle()
    both = "(close, asking) => { close.click(); asking.click(); }"
    page.get_by_role("dialog").get_by_role("button", name="Close", exact=True).evaluate(both, asking)
    expect(page.get_by_role("dialog")).to_contain_text("What are others to know?")
    page.keyboard.press("Escape")

    # That payouts are held stays on the list for as long as it is so; what a webhook says may be put off.
    with client_of(bridge.url) as client:
        assert resume(client).is_success
    expect(item).to_have_count(0)
    send_stray_webhook(bridge)
    expect(item).to_have_count(1)
    asked = item.get_by_role("button", name="Assign to me: ")
    stray = (asked.get_attribute("aria-label") or "").removeprefix("Assign to me: ")
    do(page, f"Assign to me: {stray}", "")  # whose name is there from before
    expect(elsewhere).to_contain_text("Ada sees to it")
    do(page, f"Snooze: {stray}", "", "until they are back")
    expect(item).to_have_count(0)
    expect(elsewhere).to_have_count(0)
    tab_to(page, "Snoozed (1)")
    page.keyboard.press("Enter")
    expect(item).to_contain_text("snoozed until")
    do(page, f"Close: {stray}", "known to all")
    tab_to(page, "Closed (1)")
    page.keyboard.press("Enter")
    expect(item).to_contain_text("closed by Ada: known to all")
    do(page, f"Reopen: {stray}", "not so")
    expect(elsewhere).to_have_count(1)
    tab_to(page, "Open (1)")
    page.keyboard.press("Enter")
    tab_to(page, "Mine")
    page.keyboard.press("Enter")
    expect(item).to_contain_text("Ada sees to it")
    expect(page.get_by_role("button", name=f"Unassign: {stray}")).to_be_visible()
