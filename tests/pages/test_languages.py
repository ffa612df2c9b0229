"""The pages of buyers and sellers in other languages: by the address, by what was chosen, or by the browser."""

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.conftest import BridgeProcess, StartBridge
from tests.made_destinations import destination
from tests.pages.browsing import Browsing
from tests.pages.test_accessibility import expect_no_violation
from tests.played_shkeeper import PlayedShkeeper
from tests.system.shkeeper.conftest import Document, Marketplace, settings_for

NARROW: ViewportSize = {"width": 320, "height": 640}
# What a page takes before anything is looked up, its language among it.
WIRE_LIMIT_BYTES = 60_000
LANGUAGES = ["en", "es", "pt", "tr", "fa", "ru", "zh"]

# What of the page reaches beyond its sides, but for what is hidden from sight.
BEYOND = """() => [...document.body.querySelectorAll("*:not(.unseen)")].filter((one) => {
    const { left, right, width } = one.getBoundingClientRect();
    return width > 0 && (left < -0.5 || right > innerWidth + 0.5);
}).map((one) => one.outerHTML.slice(0, 120))"""
TAKEN = """() => performance.getEntries()
    .filter(({ transferSize }) => transferSize !== undefined)
    .map(({ name, transferSize }) => [name, transferSize])"""


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, shkeeper: PlayedShkeeper) -> BridgeProcess:
    return make_bridge(**settings_for(shkeeper), BRIDGE_BRAND='{"name": "Kites & Co"}')


def opened(browsing: Browsing, marketplace: Marketplace, path: str, **options: object) -> Page:
    page = browsing.page(**{"viewport": NARROW, **options})  # type: ignore[arg-type]
    page.goto(marketplace.bridge.url + path)
    expect(page.locator(".connection.is-live")).to_be_visible()
    return page


def headline(page: Page) -> Locator:
    return page.locator("#line-headline")


def chooser(page: Page) -> Locator:
    return page.get_by_role("combobox")


def address_of(payment: Document) -> str:
    address: str = payment["invoices"][0]["address"]
    return address


@pytest.mark.parametrize(
    ("language", "locale", "waiting", "paid", "copy"),
    [
        ("fa", "fa", "در انتظار پرداخت شما", "پرداخت شد", "کپی آدرس"),
        ("es", "es", "A la espera de su pago", "Pagado", "Copiar la dirección"),
        ("ru", "ru", "Ждём вашу оплату", "Оплачено", "Копировать адрес"),
    ],
)
def test_a_payment_is_told_as_it_happens_in_the_language_of_the_address(
    browsing: Browsing,
    marketplace: Marketplace,
    shkeeper: PlayedShkeeper,
    language: str,
    locale: str,
    waiting: str,
    paid: str,
    copy: str,
) -> None:
    payment = marketplace.create(amount="1249.90")
    page = opened(browsing, marketplace, f"/pay/{payment['paymentId']}?lang={language}")
    expect(page.locator("html")).to_have_attribute("lang", locale)
    expect(headline(page)).to_have_text(waiting)
    expect(page.get_by_text("Kites & Co")).to_be_visible()
    expect(page.get_by_role("button", name=copy)).to_be_visible()
    expect(page.locator(".field-value")).to_have_text("1\u202f249.90\u00a0ETH-USDT")
    assert page.evaluate(BEYOND) == []
    expect_no_violation(page)
    shkeeper.transfer(address_of(payment))
    expect(headline(page)).to_have_text(paid)
    assert "Paid" not in page.locator("main").inner_text()


def test_from_right_to_left_the_page_is_mirrored_and_what_is_copied_is_not(
    browsing: Browsing, marketplace: Marketplace
) -> None:
    payment = marketplace.create()
    path = f"/pay/{payment['paymentId']}"
    page, english = (opened(browsing, marketplace, f"{path}?lang={code}") for code in ("fa", "en"))
    expect(page.locator("html")).to_have_attribute("dir", "rtl")

    def left(one: Page, selector: str) -> float:
        box = one.locator(selector).first.bounding_box()
        assert box is not None
        return box["x"]

    for first, second in ((".pay-title", ".connection"), (".field-value", ".copy"), (".step-mark", ".step-name")):
        assert left(english, first) < left(english, second)
        assert left(page, first) > left(page, second)
    for selector in (".amount", ".field-value", "code.address", ".reference code"):
        expect(page.locator(selector).first).to_have_css("direction", "ltr")
    drawn = english.locator(".qr path").get_attribute("d")
    assert drawn
    expect(page.locator(".qr path")).to_have_attribute("d", drawn)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="کپی آدرس").press("Enter")
    expect(page.locator(".copy [role=status]").last).to_have_text("کپی شد")
    assert page.evaluate("navigator.clipboard.readText()") == address_of(payment)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_payment_fits_a_narrow_phone_and_loads_one_language_in_few_bytes(
    browsing: Browsing, marketplace: Marketplace, language: str
) -> None:
    payment_id = marketplace.create()["paymentId"]
    page = opened(browsing, marketplace, f"/pay/{payment_id}?lang={language}")
    taken = {name.rpartition("/")[2]: size for name, size in page.evaluate(TAKEN)}
    assert 0 < sum(taken.values()) <= WIRE_LIMIT_BYTES
    assert [name[:2] for name in taken if re.match(rf"({'|'.join(LANGUAGES)})-", name)] == [language]
    assert page.evaluate(BEYOND) == []


# The longest words, and those from the right.
@pytest.mark.parametrize("language", ["ru", "fa"])
def test_the_other_pages_fit_a_narrow_phone(browsing: Browsing, marketplace: Marketplace, language: str) -> None:
    page = browsing.page(NARROW)
    for path, shown in (
        ("/sales?sellerId=nobody&", ".own-none"),
        ("/orders?buyerId=nobody&", ".own-none"),
        ("/orders?", ".whose"),
        ("/?", ".own-list"),
    ):
        page.goto(f"{marketplace.bridge.url}{path}lang={language}")
        expect(page.locator(shown).first).to_be_visible()
        assert page.evaluate(BEYOND) == [], path


def test_the_language_is_the_browsers_until_another_is_chosen_by_keys_which_stays(
    browsing: Browsing, marketplace: Marketplace
) -> None:
    page = opened(browsing, marketplace, "/orders?buyerId=buyer-of-words", locale="pt-PT")
    expect(page.get_by_role("heading", level=1)).to_have_text("Seus pedidos")
    chooser(page).focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("heading", level=1)).to_have_text("Siparişleriniz")
    expect(page.locator("html")).to_have_attribute("lang", "tr")
    expect(page).to_have_title("Siparişleriniz")
    expect(chooser(page)).to_be_focused()
    payment_id = marketplace.create(buyerId="buyer-of-words")["paymentId"]
    expect(page.locator(f"[data-id='{payment_id}']")).to_contain_text("Ödemeniz bekleniyor")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Siparişleriniz")
    browsing.expect_trouble("ERR_FAILED")
    page.route("**/assets/ru-*.js", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        chooser(page).select_option("ru")
    expect(chooser(page)).to_have_value("tr")
    # What the shop's link asks for goes before, on the next page too, until another one is chosen there.
    page.goto(f"{marketplace.bridge.url}/orders?buyerId=buyer-of-words&lang=zh")
    expect(page.get_by_role("heading", level=1)).to_have_text("您的订单")
    page.locator(f"[data-id='{payment_id}'] a").press("Enter")
    expect(headline(page)).to_have_text("等待您付款")
    chooser(page).select_option("es")
    expect(headline(page)).to_have_text("A la espera de su pago")
    expect(page).to_have_url(re.compile(r"\?lang=es$"))
    page.reload()
    expect(headline(page)).to_have_text("A la espera de su pago")
    # The console speaks English whatever is chosen.
    page.goto(f"{marketplace.bridge.url}/ops")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()


def test_whoever_says_who_they_are_goes_on_in_their_language(browsing: Browsing, marketplace: Marketplace) -> None:
    page = browsing.page()
    page.goto(f"{marketplace.bridge.url}/?lang=ru")
    page.get_by_role("link", name="Ваши продажи").click()
    page.get_by_label("Идентификатор продавца").fill("продавец & co")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Вы пока ничего не продали.")).to_be_visible()
    assert page.url.endswith(f"/sales?sellerId={quote('продавец')}+%26+co&lang=ru")


def test_what_is_wrong_with_an_address_is_told_in_the_language_of_the_page(
    browsing: Browsing, marketplace: Marketplace
) -> None:
    browsing.expect_trouble("400")
    payment_id = marketplace.paid()
    content = {"paymentId": payment_id, "amount": "10", "reason": "It arrived bent"}
    assert marketplace.client.post("/api/refunds", json=content).status_code == 201
    page = opened(browsing, marketplace, f"/pay/{payment_id}?lang=es")
    field = page.get_by_label("Su dirección para ETH-USDT")
    for wrong, told in (
        ("0x12", "No es una dirección de esta moneda."),
        (destination("USDT", "b"), "Es una dirección de otra moneda o red."),
        ("0x6f2Fa34BC0ee4C9B53c1D9e6c2C7e2a1d1a1b2c4", "La dirección tiene un error"),
    ):
        field.fill(wrong)
        page.get_by_role("button", name="Comprobar la dirección").click()
        expect(page.get_by_role("alert")).to_contain_text(told)
    field.fill(destination("ETH-USDT", payment_id))
    page.get_by_role("button", name="Comprobar la dirección").click()
    expect(page.get_by_role("heading", name="¿Es esta su dirección para ETH-USDT")).to_be_focused()
    assert page.evaluate(BEYOND) == []
    page.get_by_role("button", name="Sí, enviar allí").click()
    expect(page.locator(".refund h3")).to_have_text(re.compile(r"Se le han devuelto 10\.00\sUSD"))
