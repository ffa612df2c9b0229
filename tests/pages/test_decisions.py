"""What staff decide about payments in the console: from the button to the event, and to the record of it."""

import time
from datetime import UTC, datetime
from typing import Any

from playwright.sync_api import Locator, Page, expect

from providers.shkeeper.simulator.notices import compact, signed_headers
from tests.asking import post
from tests.conftest import BridgeProcess
from tests.played_shkeeper import KEY
from tests.system.shkeeper.conftest import Document, Marketplace


def tell(bridge: BridgeProcess, payment: Document, came: str, **changes: Any) -> None:
    """The gateway's webhook, that so much has come, which it calls paid."""
    transaction = {
        "amount_crypto": came,
        "amount_fiat": came,
        "crypto": "ETH-USDT",
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
        "trigger": True,
        "txid": f"0x{time.monotonic_ns():x}",
    }
    fields = {
        "addr": "0x1",
        "balance_fiat": came,
        "crypto": "ETH-USDT",
        "external_id": payment["externalId"],
        "fiat": "USD",
        "status": "PAID",
        "transactions": [transaction],
    }
    body = compact({**fields, **changes})
    headers = signed_headers(KEY, body, datetime.now(UTC), with_key=False)
    post(f"{bridge.url}/webhooks/shkeeper", content=body, headers=headers).raise_for_status()


def short(marketplace: Marketplace, bridge: BridgeProcess, **changes: Any) -> Document:
    """A payment of 100 that the gateway calls paid with 92."""
    registered = {"coin": None, "externalId": f"order-{time.monotonic_ns()}", **changes}
    payment = marketplace.create(**registered)
    tell(bridge, payment, "92")
    return payment


def item_of(page: Page, payment: Document, kind: str) -> Locator:
    return page.locator(f".item[data-kind={kind}]").filter(
        has=page.locator(f"a[href='/ops/payments/{payment['paymentId']}']")
    )


def test_a_short_payment_is_accepted_by_somebody_who_was_asked_twice(
    console: Page, marketplace: Marketplace, bridge: BridgeProcess
) -> None:
    payment = short(marketplace, bridge, sellerId="seller-of-lamps")
    item = item_of(console, payment, "payment-short")
    expect(item).to_contain_text("shkeeper calls it paid with 92.00 of 100.00 USD")
    expect(item).to_contain_text("Accept it as paid if the seller agrees")
    item.get_by_role("button", name="Accept as paid").click()
    dialog = console.get_by_role("dialog")
    confirm = dialog.get_by_role("button", name="Accept as paid …")
    confirm.click()
    expect(dialog.get_by_role("alert")).to_have_text("Say why: it is kept with what you do.")
    dialog.get_by_label("Why").fill("The seller agrees")
    dialog.get_by_label("Your name").fill("Ada")
    confirm.click()
    expect(dialog.get_by_role("status")).to_contain_text("Are you sure?")
    assert marketplace.payment(payment["paymentId"])["status"] == "partially_paid"
    dialog.get_by_role("button", name="Yes, accept it as paid").click()
    expect(dialog).to_contain_text("Accepted as paid: The seller agrees; it is completed.")
    expect(dialog).to_contain_text("Recorded as done by Ada.")
    dialog.get_by_role("button", name="Close", exact=True).click()
    expect(item).to_have_count(0)

    console.goto(f"{bridge.url}/ops/payments/{payment['paymentId']}")
    history = console.get_by_role("region", name="What happened")
    for part in ("It was accepted as paid", "Somebody accepted it as paid", "Ada", "payment-received"):
        expect(history).to_contain_text(part)
    told = marketplace.client.get("/api/events", params={"room": "user-seller-of-lamps", "limit": 500}).json()[
        "events"
    ]
    assert "payment-received" in [one["event"] for one in told]


def test_what_was_not_counted_is_seen_and_settled_on_the_page_of_the_payment(
    console: Page, marketplace: Marketplace, bridge: BridgeProcess
) -> None:
    payment = marketplace.create(coin=None, externalId=f"order-{time.monotonic_ns()}")
    tell(bridge, payment, "100", fiat="EUR")
    console.goto(f"{bridge.url}/ops/payments/{payment['paymentId']}")
    facts = console.get_by_role("region", name="How it stands")
    expect(facts).to_contain_text("Other currency: 100 EUR, agreed USD")
    expect(facts.get_by_role("list")).to_contain_text("other currency: 100 EUR, agreed USD")
    facts.get_by_role("button", name="Settled elsewhere").click()
    dialog = console.get_by_role("dialog")
    dialog.get_by_label("Why").fill("Sent back to the buyer")
    dialog.get_by_label("Your name").fill("Bo")
    dialog.get_by_role("button", name="Record it").click()
    expect(dialog).to_contain_text("Settled elsewhere: Sent back to the buyer.")
    dialog.get_by_role("button", name="Close", exact=True).click()
    expect(console.get_by_role("region", name="What happened")).to_contain_text("Sent back to the buyer")
    facts.get_by_role("button", name="Cancel the payment").click()
    dialog.get_by_label("Why").fill("Nobody wants it")
    dialog.get_by_role("button", name="Cancel the payment …").click()
    dialog.get_by_role("button", name="Yes, cancel the payment").click()
    expect(dialog).to_contain_text("Cancelled: Nobody wants it; it is cancelled.")
    dialog.get_by_role("button", name="Close", exact=True).click()
    expect(facts).to_contain_text("cancelled")


def test_payments_are_filtered_by_what_is_wrong_with_them(
    console: Page, marketplace: Marketplace, bridge: BridgeProcess
) -> None:
    wrong = short(marketplace, bridge)
    right = marketplace.create(coin=None, externalId=f"order-{time.monotonic_ns()}")
    console.get_by_role("button", name="Payments").click()
    rows = {
        one["paymentId"]: console.get_by_role("row").filter(
            has=console.locator(f"a[href='/ops/payments/{one['paymentId']}']")
        )
        for one in (wrong, right)
    }
    expect(rows[right["paymentId"]]).to_be_visible()
    console.get_by_label("Problem").select_option("Too little")
    expect(rows[right["paymentId"]]).to_have_count(0)
    expect(rows[wrong["paymentId"]]).to_contain_text("8.00\u00a0USD missing")
    expect(console).to_have_url(f"{bridge.url}/ops?view=payments&problem=payment-short")
