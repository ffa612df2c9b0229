"""`/ops/endpoints`: what was sent where, tried, sent again, disabled and enabled by somebody with a name."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect
from standardwebhooks.webhooks import Webhook

from tests.answering_server import answering_requests
from tests.asking import client_of
from tests.conftest import BridgeProcess, StartBridge
from tests.pages.browsing import PHONE, Browsing
from tests.pages.test_accessibility import expect_no_violation
from tests.waiting import wait_until

TITLE = "A bicycle"
WISH = {"event": "new-purchase-request", "data": {"_id": "r1", "title": TITLE}}


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge) -> BridgeProcess:
    return make_bridge(BRIDGE_ENDPOINT_NETWORKS="127.0.0.0/8", BRIDGE_ENDPOINT_RETRY_SECONDS="3600")


def do(page: Page, button: str, confirmation: str, said: str) -> None:
    page.get_by_role("button", name=button).first.click()
    dialog = page.get_by_role("dialog")
    if dialog.get_by_label("Your name").input_value() == "":
        dialog.get_by_label("Your name").fill("Ada")
    dialog.get_by_role("button", name=confirmation).click()
    expect(dialog).to_contain_text(said)
    dialog.get_by_role("button", name="Close").click()


def expect_exchange(page: Page, of_body: str, answer: str) -> None:
    """What was sent and answered last, as the dialog of the one delivery there is shows it."""
    page.get_by_role("button", name="Request and answer").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Headers of the request")).to_contain_text("webhook-id: ")
    expect(dialog.get_by_label("Body of the request")).to_contain_text(of_body)
    expect(dialog.get_by_label("Answer")).to_have_text(answer)
    expect(dialog).not_to_contain_text("signature")
    expect_no_violation(page)
    dialog.get_by_role("button", name="Close").click()


def test_an_endpoint_is_looked_at_tried_disabled_and_sent_to_again(browsing: Browsing, bridge: BridgeProcess) -> None:
    statuses = [503]

    def answer(_: Any) -> tuple[int, Any]:
        return statuses[-1], {"said": "not now" if statuses[-1] == 503 else "thank you"}

    with answering_requests(answer) as url, client_of(bridge.url) as client:
        wanted = {"url": f"{url}/hook", "events": ["new-*"], "by": "ada"}
        endpoint = client.post("/api/endpoints", json=wanted).raise_for_status().json()["endpointId"]
        client.post("/api/events", json=WISH).raise_for_status()
        page = browsing.page()
        page.goto(f"{bridge.url}/ops/endpoints")
        row = page.get_by_role("row", name="/hook")
        expect(row).to_contain_text("failing since")
        expect_no_violation(page)
        row.get_by_role("link").click()
        sent = page.get_by_role("row", name="new-purchase-request")
        expect(sent).to_contain_text('503 {"said": "not now"}')
        expect_no_violation(page)
        expect_exchange(page, TITLE, '503 {"said": "not now"}')
        page.get_by_label("Status").select_option("delivered")
        expect(page.get_by_text("Nothing is delivered.")).to_be_visible()
        page.get_by_label("Status").select_option("all")

        statuses.append(200)
        do(page, "Replay new-purchase-request", "Send it again", "It is sent again.")
        expect(sent).to_contain_text("delivered")
        do(page, "Disable", "Disable it", "It is sent nothing any more.")
        expect(page.get_by_label("How it stands")).to_contain_text("disabled")
        page.get_by_role("button", name="All after it, new-purchase-request").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Send it").click()
        dialog.get_by_role("button", name="Yes, send it").click()
        expect(dialog).to_contain_text("What came after it is sent again.")
        dialog.get_by_role("button", name="Close").click()
        do(page, "New secret", "Make another", "whsec_")
        do(page, "Test", "Send it", "The test is on its way.")
        expect(page.get_by_role("row", name="endpoint-test")).to_contain_text("delivered")
        do(page, "Enable", "Enable it", "It is sent to again.")
        expect(page.get_by_label("How it stands")).to_contain_text("active")
        found = client.get("/api/ops/actions").json()["actions"]
        assert {one["by"] for one in found if one["action"] == "endpoint-enabled"} == {"Ada"}
        page.get_by_role("button", name="Remove").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Remove it").click()
        browsing.expect_trouble("404")
        dialog.get_by_role("button", name="Yes, remove it").click()
        expect(dialog).to_contain_text("It is removed.")
        assert client.get(f"/api/endpoints/{endpoint}").status_code == 404


def test_an_endpoint_is_registered_in_the_console_and_verifies_with_the_secret_that_is_shown_once(
    browsing: Browsing, bridge: BridgeProcess
) -> None:
    taken: list[Any] = []

    def verify(asked: Any) -> tuple[int, Any]:
        headers = {name.lower(): value for name, value in asked.headers.items()}
        taken.append(Webhook(secret).verify(asked.body, headers))
        return 200, {}

    with answering_requests(verify) as url, client_of(bridge.url) as client:
        page = browsing.page(PHONE)
        page.goto(f"{bridge.url}/ops/endpoints")
        page.get_by_role("button", name="Register one").click()
        dialog = page.get_by_role("dialog")
        expect_no_violation(page)
        dialog.get_by_label("Address").fill("http://10.0.0.1/hook")
        dialog.get_by_label("Events").fill("new-*, payment-*")
        dialog.get_by_label("Your name").fill("Ada")
        browsing.expect_trouble("400")
        dialog.get_by_role("button", name="Register it").click()
        expect(dialog.get_by_role("alert")).to_be_visible()
        dialog.get_by_label("Address").fill(f"{url}/of-the-console")
        dialog.get_by_role("button", name="Register it").click()
        expect(dialog).to_contain_text("It is shown only here")
        expect_no_violation(page)
        secret = dialog.locator("code").inner_text()
        dialog.get_by_role("button", name="Close").click()
        expect(page.get_by_role("row", name="/of-the-console")).to_contain_text("new-*, payment-*")
        client.post("/api/events", json=WISH).raise_for_status()
        wait_until(lambda: taken)
        assert taken[0]["type"] == WISH["event"]
        [mine] = [
            one for one in client.get("/api/endpoints").json()["endpoints"] if one["url"].endswith("/of-the-console")
        ]
        assert (mine["registeredBy"], "secret" in mine) == ("Ada", False)
