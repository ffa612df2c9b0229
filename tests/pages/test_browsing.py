"""That the tests of the pages notice what goes wrong: each of these would fail its test if it came unexpected."""

import re

import pytest
from playwright.sync_api import expect

from tests.pages.browsing import Browsing
from tests.pages.test_accessibility import expect_no_violation
from tests.system.shkeeper.conftest import Marketplace
from tests.waiting import wait_until


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ("console.error('it broke')", "it broke"),
        ("setTimeout(() => { throw new Error('it was thrown') })", "it was thrown"),
        ("document.head.append(Object.assign(document.createElement('script'), { text: '1' }))", "Content Security"),
        ("document.body.setAttribute('style', 'color: red')", "Content Security"),
        ("fetch('http://127.0.0.1:9/').catch(() => undefined)", "Content Security"),
    ],
)
def test_what_goes_wrong_on_a_page_is_heard(
    browsing: Browsing, marketplace: Marketplace, wrong: str, complaint: str
) -> None:
    browsing.expect_trouble(complaint)
    page = browsing.page()
    page.goto(f"{marketplace.bridge.url}/ops")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    assert browsing.troubles == []
    page.evaluate(f"() => {{ {wrong} }}")

    def is_heard() -> bool:
        page.evaluate("0")  # while this process only sleeps, it hears nothing
        return any(re.search(complaint, one) for one in browsing.troubles)

    wait_until(is_heard)


def test_a_colour_too_faint_to_read_is_a_violation(browsing: Browsing, marketplace: Marketplace) -> None:
    page = browsing.page()
    page.goto(f"{marketplace.bridge.url}/ops")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.evaluate("() => { document.documentElement.style.setProperty('--ink-soft', '#ccc'); }")
    with pytest.raises(AssertionError, match="color-contrast"):
        expect_no_violation(page)
