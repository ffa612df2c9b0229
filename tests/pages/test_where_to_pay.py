"""A payment's page says where to pay and until when, what is left to pay, or where else: never a dead end."""

import re
import time
from collections.abc import Iterator
from decimal import Decimal

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.asking import client_of
from tests.bridge.http.exchanges import NUMBERS, notice, signed
from tests.clock import BOOKED_AT
from tests.conftest import BridgeProcess, StartBridge
from tests.made_destinations import lengthened, lightning
from tests.pages.browsing import DESKTOP, PHONE, Browsing
from tests.played_shkeeper import KEY
from tests.priced_gateway import PricedGateway, priced_gateway
from tests.system.cards.double import BridgeWithCards, CardsDouble, playing_cards
from tests.system.shkeeper.conftest import ORDER, Document
from tests.waiting import wait_until

AN_HOUR_OF_2017 = 1_496_314_658
SHOP = "http://127.0.0.1:9/orders/7"


def invoice_of(seed: bytes) -> str:
    """An invoice of Lightning that can be paid now."""
    return lightning(lengthened(seed), made_at=int(time.time()))


@pytest.fixture(scope="module")
def running() -> Iterator[PricedGateway]:
    with priced_gateway() as gateway:
        yield gateway


@pytest.fixture
def gateway(running: PricedGateway) -> PricedGateway:
    running.prices_at("DOGE", "339.32", exchange_rate="0.15", display_name="Dogecoin", recalculate_after=1)
    running.prices_at("BTC", "0.00083167", exchange_rate="60000")
    lapsed = lightning(lengthened(f"lapsed-{next(NUMBERS)}".encode()), made_at=AN_HOUR_OF_2017)
    running.prices_at("BTC-LIGHTNING", "0.00083167", exchange_rate="60000", wallet=lapsed)
    return running


@pytest.fixture(scope="module")
def cards() -> Iterator[CardsDouble]:
    with playing_cards() as double:
        yield double


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, running: PricedGateway, cards: CardsDouble) -> BridgeProcess:
    for coin in ("DOGE", "BTC", "BTC-LIGHTNING"):
        running.prices_at(coin, "1")
    own = {"BRIDGE_SHKEEPER_API_KEYS": KEY, "BRIDGE_SHKEEPER_URL": running.url}
    return make_bridge(BridgeWithCards, **own, **cards.variables)


@pytest.fixture
def client(bridge: BridgeProcess, gateway: PricedGateway) -> Iterator[httpx.Client]:
    with client_of(bridge.url) as client:
        yield client


def create(client: httpx.Client, **changes: object) -> Document:
    order = {**ORDER, "coin": "DOGE", "amount": "49.90", "requestId": f"request-{next(NUMBERS)}", **changes}
    if "externalId" in order:
        del order["coin"]
    answer = client.post("/api/payments", json=order)
    assert answer.status_code in (201, 202), answer.text
    document: Document = answer.json()
    return document


def opened(browsing: Browsing, bridge: BridgeProcess, payment: Document, query: str = "", **options: object) -> Page:
    page = browsing.page(**{"viewport": PHONE, **options})  # type: ignore[arg-type]
    page.goto(f"{bridge.url}/pay/{payment['paymentId']}{query}")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    return page


RATES = {"DOGE": Decimal("0.15"), "BTC": Decimal(60_000), "BTC-LIGHTNING": Decimal(60_000)}
# Which headings and amounts of the table are not there in full: beyond their cell, or above or below their row.
CUT_OFF = """() => [...document.querySelectorAll(".grid [role=columnheader], .grid .is-amount")].filter((cell) => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  const [text, box, row] = [range, cell, cell.parentElement].map((one) => one.getBoundingClientRect());
  if (row.height < 2) return false; // for who hears it alone
  const isBeside = text.left < box.left - 1 || text.right > box.right + 1;
  return isBeside || text.top < row.top - 1 || text.bottom > row.bottom + 1;
}).map((cell) => cell.textContent)"""
TWO_PERCENT = {"fee_policy": "PERCENT_FEE", "fee_percent": "2", "fee_fixed": "0"}


def receive(client: httpx.Client, payment: Document, *parts: str, status: str, **changes: str) -> None:
    """Has the gateway tell of transfers that are worth so much each, at the address where the payment is paid."""
    invoice = next(iter(payment["invoices"]), {"coin": "DOGE", "address": "where-the-shop-says"})
    coin, address = invoice["coin"], invoice["address"]
    transactions = [
        {
            "amount_crypto": str(round(Decimal(part) / RATES[coin], 8)),
            "amount_fiat": part,
            "crypto": coin,
            "date": BOOKED_AT,
            "trigger": part == parts[-1],
            "txid": f"{payment['paymentId']}-{place}",
        }
        for place, part in enumerate(parts)
    ]
    total = sum(map(Decimal, parts))
    hook = notice(
        payment["externalId"],
        addr=address,
        crypto=coin,
        balance_fiat=str(total),
        balance_crypto=str(round(total / RATES[coin], 8)),
        status=status,
        paid=status == "PAID",
        transactions=transactions,
        **changes,
    )
    assert client.post("/webhooks/shkeeper", content=hook, headers=signed(hook, KEY)).status_code == 202


def sentence(page: Page) -> str:
    return page.locator(".line-sentence").inner_text()


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP])
def test_a_payment_of_the_shops_own_leads_back_to_the_shop(
    browsing: Browsing, bridge: BridgeProcess, client: httpx.Client, viewport: object
) -> None:
    payment = create(client, externalId=f"order-{next(NUMBERS)}", returnUrl=SHOP)
    page = opened(browsing, bridge, payment, viewport=viewport)
    expect(page.locator(".line-sentence")).to_contain_text("This payment is paid on the shop's own page.")
    assert not re.search(r"[Ss]can|copy the address", page.locator("main").inner_text())
    expect(page.get_by_role("link", name="Back to the shop")).to_have_attribute("href", SHOP)
    expect(page.locator(".to-shop-host")).to_have_text("127.0.0.1:9")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth")
    receive(client, payment, "20", status="PARTIAL")
    expect(page.locator(".line-sentence")).to_contain_text(
        re.compile(r"Pay the missing 29\.90\sUSD on the shop's own page")
    )
    receive(client, payment, "20", "29.90", status="PAID")
    expect(page.locator("#line-headline")).to_have_text("Paid")
    expect(page.get_by_role("link", name="Back to the shop")).to_be_visible()


def test_the_configured_shop_is_the_way_back_of_a_payment_that_names_none(
    browsing: Browsing, make_bridge: StartBridge
) -> None:
    bridge = make_bridge(BRIDGE_SHKEEPER_API_KEYS=KEY, BRIDGE_BRAND='{"shop_url": "http://127.0.0.1:9/shop"}')
    with client_of(bridge.url) as client:
        page = opened(browsing, bridge, create(client, externalId=f"order-{next(NUMBERS)}"))
        expect(page.get_by_role("link", name="Back to the shop")).to_have_attribute("href", "http://127.0.0.1:9/shop")
        expect(page.locator(".to-shop-host")).to_have_text("127.0.0.1:9")


def test_without_a_way_back_it_says_so_plainly(
    browsing: Browsing, bridge: BridgeProcess, client: httpx.Client
) -> None:
    page = opened(browsing, bridge, create(client, externalId=f"order-{next(NUMBERS)}"))
    expect(page.get_by_role("region", name="Where to pay")).to_contain_text("The shop itself shows where to pay")
    expect(page.get_by_role("link", name="Back to the shop")).to_have_count(0)


def test_the_seller_is_not_sent_back_to_the_shop(
    browsing: Browsing, bridge: BridgeProcess, client: httpx.Client
) -> None:
    page = opened(browsing, bridge, create(client, returnUrl=SHOP), "?as=seller")
    expect(page.locator(".paid-to")).to_contain_text("DOGE (Dogecoin)")
    expect(page.get_by_role("link", name="Back to the shop")).to_have_count(0)


def test_the_page_says_how_long_the_price_holds_and_what_the_fee_is(
    browsing: Browsing, bridge: BridgeProcess, client: httpx.Client
) -> None:
    payment = create(client)
    page = opened(browsing, bridge, payment)
    expect(page.get_by_text(re.compile(r"This price holds for (1 hour|60 minutes|59 minutes)\."))).to_be_visible()
    fields = page.locator(".fields")
    expect(fields).to_contain_text(re.compile(r"339\.32\sDOGE"))
    expect(fields).to_contain_text(re.compile(r"49\.90\sUSD \+ 1\.00 fee"))
    receive(client, payment, "20.4", status="PARTIAL", **TWO_PERCENT)
    expect(fields).to_contain_text(re.compile(r"203\.32\sDOGE"))
    expect(fields).to_contain_text(re.compile(r"29\.90\sUSD \+ 0\.60 fee"))
    expect(page.get_by_role("link", name="Open in a wallet")).to_have_attribute(
        "href", f"dogecoin:{payment['invoices'][0]['address']}?amount=203.32"
    )
    story = browsing.page()
    unpaid = create(client)
    story.goto(f"{bridge.url}/ops/payments/{unpaid['paymentId']}")
    facts = story.get_by_role("region", name="How it stands")
    expect(facts.get_by_text(unpaid["invoices"][0]["address"], exact=True)).to_be_visible()
    # The console's table shows the same, whole, whatever room there is; and a long amount takes more lines.
    long = create(client, amount="123456789.12", currency="USD")
    receive(client, long, "23456789.12", status="PARTIAL", **TWO_PERCENT)
    console = browsing.page()
    for width in (1360, 1024, 360):
        console.set_viewport_size({"width": width, "height": 850})
        console.goto(f"{bridge.url}/ops?view=payments")
        table = console.get_by_role("grid")
        for words in (r"29\.90\sUSD \+ 0\.60\sfee missing", r"2\s009\s198\.74\sfee missing"):
            expect(table).to_contain_text(re.compile(words))
        assert console.evaluate(CUT_OFF) == [], f"{width} px"


def test_a_price_that_has_ended_hides_the_code_until_there_is_a_new_one(
    browsing: Browsing, bridge: BridgeProcess, client: httpx.Client, gateway: PricedGateway
) -> None:
    payment = create(client, coin="BTC-LIGHTNING")
    page, other = (opened(browsing, bridge, payment) for _ in range(2))
    for one in (page, other):
        expect(one.get_by_text("The price has ended: coins sent now")).to_be_visible()
        expect(one.get_by_role("img", name="QR code")).to_have_count(0)
        assert "Scan" not in sentence(one)
    gateway.prices_at(
        "BTC-LIGHTNING",
        "0.0009",
        exchange_rate="60000",
        wallet=invoice_of(b"anew"),
    )
    page.get_by_role("button", name="New price").click()
    for one in (page, other):  # the other hears of it
        expect(one.get_by_role("img", name="QR code")).to_be_visible()
        expect(one.locator(".fields")).to_contain_text(re.compile(r"0\.0009\sBTC-LIGHTNING"))
        expect(one.get_by_role("button", name="New price")).to_have_count(0)


def test_a_new_price_that_nobody_answers_is_still_on_its_way(
    browsing: Browsing, bridge: BridgeProcess, client: httpx.Client, gateway: PricedGateway
) -> None:
    payment = create(client, coin="BTC-LIGHTNING")
    page = opened(browsing, bridge, payment)
    gateway.is_down = True
    page.get_by_role("button", name="New price").click()
    expect(page.get_by_text("It is asked again until it does")).to_be_visible()
    gateway.prices_at("BTC-LIGHTNING", "0.0009", wallet=invoice_of(b"later"))
    gateway.is_down = False
    wait_until(lambda: client.post(f"/api/payments/{payment['paymentId']}/price").status_code == 200)
    expect(page.get_by_role("img", name="QR code")).to_be_visible()


def test_the_page_follows_when_the_shop_switches_the_coin(
    browsing: Browsing, bridge: BridgeProcess, client: httpx.Client
) -> None:
    payment = create(client)
    page = opened(browsing, bridge, payment)
    expect(page.locator(".fields")).to_contain_text("DOGE")
    answer = client.post(f"/api/payments/{payment['paymentId']}/invoices", json={"coin": "BTC"})
    assert answer.status_code == 200
    expect(page.locator(".fields")).to_contain_text(re.compile(r"0\.00083167\sBTC"))
    receive(client, answer.json(), "20", status="PARTIAL")
    client.post(f"/api/payments/{payment['paymentId']}/invoices", json={"coin": "BTC-LIGHTNING"})
    expect(page.locator(".line-sentence")).to_contain_text("cannot be paid with this coin")


def test_a_rest_that_this_coin_cannot_pay_is_the_shops_to_solve(
    browsing: Browsing, bridge: BridgeProcess, client: httpx.Client, gateway: PricedGateway
) -> None:
    gateway.prices_at("BTC-LIGHTNING", "0.0009", wallet=invoice_of(b"good"))
    payment = create(client, coin="BTC-LIGHTNING", returnUrl=SHOP)
    receive(client, payment, "20", status="PARTIAL")
    page = opened(browsing, bridge, payment)
    expect(page.get_by_role("region", name="Where to pay")).to_contain_text("cannot be paid with this coin")
    expect(page.get_by_role("img", name="QR code")).to_have_count(0)
    expect(page.get_by_role("link", name="Back to the shop")).to_be_visible()


def test_an_invoice_that_the_provider_cannot_open_says_so_and_what_happens_next(
    browsing: Browsing, bridge: BridgeProcess, client: httpx.Client, gateway: PricedGateway
) -> None:
    gateway.prices_at("DOGE", "339.32", wallet=None)  # as its wallet failed when it was asked first
    page = opened(browsing, bridge, create(client, returnUrl=SHOP))
    expect(page.locator("#line-headline")).to_have_text("No address yet")
    place = page.get_by_role("region", name="Where to pay")
    expect(place).to_contain_text("asked again now and then, and the address appears here by itself")
    expect(page.get_by_role("link", name="Back to the shop")).to_be_visible()


def test_a_payment_by_card_is_paid_at_its_checkout_and_all_are_told_what_its_buyers_bank_does(
    browsing: Browsing, bridge: BridgeProcess, client: httpx.Client, cards: CardsDouble
) -> None:
    payment = create(client, provider="cards", coin="USD", returnUrl=SHOP)
    buyer, seller = opened(browsing, bridge, payment), opened(browsing, bridge, payment, "?as=seller")
    assert sentence(buyer).startswith("This payment is paid on the payment provider's own page.")
    buyer.get_by_role("link", name="Pay by card").click()
    session = cards.session_at(buyer.url)
    cards.tell(cards.capture(session))
    buyer.go_back()
    expect(buyer.locator("#line-headline")).to_have_text("Paid")
    expect(buyer.get_by_role("link", name="Pay by card")).to_have_count(0)

    cards.tell(cards.refund(session, 990))
    cards.tell(cards.dispute(session, 4000))
    expect(buyer.get_by_text(re.compile(r"Your bank was asked to take 40\.00\sUSD back"))).to_be_visible()
    expect(seller.get_by_text("Nothing is paid out until it has decided.")).to_be_visible()
    console = browsing.page()
    console.goto(f"{bridge.url}/ops/payments/{payment['paymentId']}")
    stands = console.get_by_role("region", name="How it stands")
    told = re.compile(rf"40\.00\sUSD \(dp_{session['id']}: fraudulent\)")
    expect(stands.locator(".finding[data-kind=payment-disputed]")).to_contain_text(told)
    expect(stands.get_by_role("button")).to_have_text(["Settled elsewhere …"])
    expect(console.get_by_text("The provider gave money back by itself")).to_be_visible()

    cards.tell(cards.dispute(session, 4000, "lost"))
    for page, whom in ((buyer, "you"), (seller, "the buyer")):
        expect(page.locator(".line-sentence")).to_contain_text(f"was sent back to {whom}.")
    expect(stands.locator(".finding")).to_have_count(0)
    expect(stands).to_contain_text(re.compile(r"40\.00\sUSD, lost"))
