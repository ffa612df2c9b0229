"""Payments and payouts over a real chain: confirmations, a block that vanishes, a payout that pays something else."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.anvil import Anvil, running_anvil
from tests.conftest import BridgeProcess, StartBridge
from tests.pages.browsing import PHONE, Browsing
from tests.system.onchain.conftest import CONFIRMATIONS, Contracts, Market, address, chains_file, deploy


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with running_anvil() as anvil:
        yield anvil


@pytest.fixture(scope="module")
def contracts(anvil: Anvil) -> Contracts:
    return deploy(anvil)


@pytest.fixture(scope="module")
def bridge(
    make_bridge: StartBridge, anvil: Anvil, contracts: Contracts, tmp_path_factory: pytest.TempPathFactory
) -> BridgeProcess:
    chains = chains_file(tmp_path_factory.mktemp("chains"), contracts)
    return make_bridge(BRIDGE_CHAINS_FILE=str(chains), BRIDGE_ENDPOINTS_ANVIL=anvil.websocket_url)


@pytest.fixture(scope="module")
def market(bridge: BridgeProcess, anvil: Anvil, contracts: Contracts) -> Iterator[Market]:
    market = Market(bridge, anvil, contracts)
    market.follow()
    yield market
    market.client.close()


def opened(browsing: Browsing, market: Market, name: str) -> tuple[Page, dict[str, str]]:
    payment = market.create(name)
    page = browsing.page(PHONE)
    page.goto(f"{market.bridge.url}/pay/{payment['paymentId']}")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    return page, payment


def test_a_payment_is_seen_before_its_block_and_confirmed_block_by_block(browsing: Browsing, market: Market) -> None:
    page, payment = opened(browsing, market, "page-counts")
    headline = page.locator("#line-headline")
    expect(page.get_by_role("link", name="Open in a wallet")).to_have_attribute("href", re.compile("^ethereum:"))
    tx_hash = market.pay("usdt", address("page-counts"), 100)
    market.hint(payment, tx_hash)
    expect(headline).to_have_text("Payment seen")
    link = page.locator(f"a[href='https://explorer.example/tx/{tx_hash}']")
    expect(link).to_be_visible()
    for block in range(1, CONFIRMATIONS):
        market.mine()
        expect(headline).to_have_text(f"Confirming: {block} of {CONFIRMATIONS}")
        expect(page.locator(".blocks .is-there")).to_have_count(block)
    market.mine()
    expect(headline).to_have_text("Paid")
    expect(link).to_be_visible()


def test_a_block_that_vanishes_takes_the_payment_back_and_says_so(
    browsing: Browsing, market: Market, anvil: Anvil
) -> None:
    page, _ = opened(browsing, market, "page-reorganised")
    headline = page.locator("#line-headline")
    market.pay("usdt", address("page-reorganised"), 100)
    market.mine()
    market.mine()
    expect(headline).to_have_text(f"Confirming: 2 of {CONFIRMATIONS}")
    anvil.reorganise(2)
    market.mine()
    expect(headline).to_have_text("The network took the block back")
    expect(page.locator(".line-sentence")).to_contain_text("do not pay twice")
    market.pay("usdt", address("page-reorganised"), 100)
    market.mine(CONFIRMATIONS)
    expect(headline).to_have_text("Paid")


def test_a_payout_that_pays_something_else_is_a_mismatch_until_a_person_settles_it(
    browsing: Browsing, market: Market
) -> None:
    payment = market.create("page-mismatch")
    market.pay("usdt", address("page-mismatch"), 100)
    market.mine()
    market.settle(payment)
    page = browsing.page()
    page.goto(f"{market.bridge.url}/ops")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page.locator(".all-well")).to_have_text("Nothing. All goes its way.")
    tx_hash = market.pay("usdt", address("seller mismatch"), 89)
    item = {
        "paymentId": payment["paymentId"],
        "chain": "anvil",
        "coin": "USDT",
        "amount": "90",
        "destination": address("seller mismatch"),
        "txHash": tx_hash,
    }
    [payout] = market.post("/api/payouts", {"payouts": [item]}, 202)["payouts"]
    row = page.get_by_role("row").filter(has=page.locator(f"a[href='/ops/payouts/{payout['payoutId']}']"))
    expect(row).to_contain_text("broadcast")
    market.mine()
    expect(row).to_contain_text(f"1 of {CONFIRMATIONS}")
    market.mine(CONFIRMATIONS)
    expect(row.locator(".is-state")).to_have_text("mismatch")
    expect(row.locator(".is-chain")).to_have_text("mismatch")
    attention = page.locator(".item[data-kind=payout-mismatch]")
    expect(attention).to_contain_text("pays 89 USDT of 90")
    expect(attention.get_by_role("link", name="Explorer")).to_have_attribute(
        "href", f"https://explorer.example/tx/{tx_hash}"
    )
    attention.get_by_role("button", name="Resolve").click()
    page.get_by_label("It has arrived").check()
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("How you found out").fill("The seller has the missing cent too")
    page.get_by_role("button", name="Record it").click()
    page.get_by_role("button", name="Yes, it has arrived").click()
    expect(page.get_by_role("dialog")).to_contain_text("Recorded as done by Ada.")
    page.get_by_role("button", name="Close", exact=True).click()
    expect(row.locator(".is-state")).to_have_text("completed")
    expect(attention).to_have_count(0)
    expect(page.locator(".all-well")).to_have_text("Nothing. All goes its way.")


def test_one_transfer_of_a_batch_that_fits_nothing_is_given_to_the_payment_that_a_person_names(
    browsing: Browsing, market: Market, anvil: Anvil
) -> None:
    shared = address("page-batch")
    payment, _ = (market.create(f"page-batch-{amount}", amount, recipient=shared) for amount in ("31", "32"))
    wallet = anvil.deploy("Wallet")
    market.pay("usdt", wallet, 11)
    calls = [anvil.call_data("Token", "transfer", shared, units * 10**6) for units in (6, 5)]
    batch = anvil.send(wallet, data=anvil.call_data("Wallet", "execute", [market.contracts.usdt] * 2, [0] * 2, calls))
    market.mine(CONFIRMATIONS)
    page = browsing.page()
    page.goto(f"{market.bridge.url}/ops")
    items = page.locator(".item[data-kind=transfer-unmatched]")
    expect(items).to_have_count(2)
    items.filter(has_text="5 USDT").get_by_role("button", name="Give to a payment").click()
    page.get_by_label("Its id, or the address of its page").fill(
        f"{market.bridge.url}/ops/payments/{payment['paymentId']}"
    )
    page.get_by_label("Your name").fill("Ada")
    page.get_by_role("button", name="Give it to the payment …").click()
    page.get_by_role("button", name="Yes, give it to the payment").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"of {batch}; it is pending.")
    expect(page.get_by_role("dialog")).to_contain_text("Recorded as done by Ada.")
    market.follow()
    market.wait_for(payment, status="partially_paid", missing="26")
    page.get_by_role("button", name="Close", exact=True).click()
    page.reload()
    expect(items).to_have_count(1)
    expect(items).to_contain_text("6 USDT")
