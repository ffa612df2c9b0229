"""Signing in to the console at an identity provider, a certified one, in a browser."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.asking import get
from tests.conftest import StartBridge
from tests.identity_provider import (
    CLIENT_SECRET,
    BridgeWithProvider,
    IdentityProvider,
    oidc_settings,
    running_provider,
)
from tests.pages.browsing import Browsing
from tests.pages.test_accessibility import expect_no_violation
from tests.waiting import wait_until

WHO = {"ada": ["finance", "finance-leads"], "bob": ["the kitchen"]}


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, provider: IdentityProvider) -> BridgeWithProvider:
    # Its clock is this machine's: what has expired has expired at once.
    made = make_bridge(BridgeWithProvider, BRIDGE_OIDC=oidc_settings(provider.issuer), BRIDGE_JWT_LEEWAY_SECONDS="0")
    assert isinstance(made, BridgeWithProvider)
    provider.tell(bridge=made.url, secret=CLIENT_SECRET, roles=WHO)
    return made


@pytest.fixture(autouse=True)
def _as_always(provider: IdentityProvider) -> None:
    provider.tell(away=None, refreshes=True, idTokenSeconds=3600, roles=WHO)


SIGN_IN = re.compile("^Sign in with Example ID")


def go_to_provider(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("link", name=SIGN_IN).press("Enter")
    expect(page.get_by_label("Account")).to_be_visible()


def sign_in(page: Page, url: str, account: str = "ada") -> None:
    """By the keyboard alone."""
    go_to_provider(page, url)
    page.keyboard.type(account)
    page.keyboard.press("Enter")


def held_token(page: Page) -> str:
    """Empty where the tab holds none."""
    token: str = page.evaluate("sessionStorage.getItem('bridge.token') ?? ''")
    return token


def said_by(bridge: BridgeWithProvider, outcome: str) -> float:
    figures = get(f"{bridge.url}/metrics").text
    found = re.search(rf'^bridge_sign_ins_total{{outcome="{outcome}"}} (\S+)$', figures, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_staff_sign_in_by_the_keyboard_and_are_brought_to_the_page_that_they_wanted(
    browsing: Browsing, bridge: BridgeWithProvider
) -> None:
    page = browsing.page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.url} {request.headers.get('referer')}"))
    before = said_by(bridge, "signed_in")
    sign_in(page, f"{bridge.url}/ops/system?a=b")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page).to_have_url(f"{bridge.url}/ops/system?a=b")
    expect(page.locator(".signed-in")).to_contain_text("ada")
    assert said_by(bridge, "signed_in") == before + 1
    log = bridge.log.read_text()
    assert "ada signed in to the console as ops-act, ops-view" in log
    token = held_token(page)
    [code] = [one.split("code=")[1].split("&")[0] for one in asked if "/ops/sign-in/return?" in one]
    for secret in (token, code, CLIENT_SECRET):
        assert secret not in log
    # What came back from the provider stands in one address alone, and no other is told of it.
    assert [one for one in asked if token in one] == []
    assert len([one for one in asked if code in one]) == 1
    cookies = {one["name"]: one for one in page.context.cookies(bridge.url)}
    session = cookies["bridge-session"]
    assert (session["httpOnly"], session["sameSite"], token in str(session)) == (True, "Strict", False)
    assert "bridge-sign-in" not in cookies


def test_a_code_serves_once_also_with_the_cookie_of_its_attempt_and_nobody_is_signed_in_by_somebody_elses(
    browsing: Browsing, bridge: BridgeWithProvider
) -> None:
    page = browsing.page()
    came_back: list[str] = []
    page.on("request", lambda one: came_back.append(one.url) if "/ops/sign-in/return?" in one.url else None)
    go_to_provider(page, f"{bridge.url}/ops")
    attempt = [one for one in page.context.cookies(bridge.url) if one["name"] == "bridge-sign-in"]
    page.keyboard.type("ada")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    [address] = came_back
    for cookies in (attempt, []):
        stranger = browsing.page()
        stranger.context.add_cookies(cookies)  # type: ignore[arg-type]
        stranger.goto(address)
        expect(stranger.get_by_role("alert")).to_contain_text("was begun in another browser or tab, was used already")
        assert "bridge-session" not in {one["name"] for one in stranger.context.cookies(bridge.url)}


def test_another_tab_is_signed_in_by_itself_and_no_cookie_authorises_the_api(
    browsing: Browsing, bridge: BridgeWithProvider
) -> None:
    page = browsing.page()
    sign_in(page, f"{bridge.url}/ops")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    tab = page.context.new_page()
    tab.goto(f"{bridge.url}/ops/system")
    expect(tab.get_by_text("Live", exact=True)).to_be_visible()
    statuses = tab.evaluate(
        """async (paths) => (await Promise.all(paths.map((path) => fetch(path)))).map(({ status }) => status)""",
        ["/api/ops/session", "/api/ops/actions"],
    )
    assert statuses == [401, 401]
    browsing.expect_trouble("401")


def test_who_has_no_role_is_told_so_and_may_be_somebody_else(browsing: Browsing, bridge: BridgeWithProvider) -> None:
    page = browsing.page()
    sign_in(page, f"{bridge.url}/ops", "bob")
    expect(page.get_by_role("alert")).to_contain_text("your account has no role for this console")
    expect(page).to_have_url(f"{bridge.url}/ops")
    expect_no_violation(page)
    page.get_by_role("link", name="as somebody else").press("Enter")
    page.get_by_label("Account").fill("ada")
    page.get_by_label("Account").press("Enter")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()


def test_who_turns_back_is_told_so_and_a_token_serves_beside(browsing: Browsing, bridge: BridgeWithProvider) -> None:
    page = browsing.page()
    go_to_provider(page, f"{bridge.url}/ops")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("alert")).to_contain_text("You did not sign in with Example ID")
    page.get_by_text("Sign in with a token").press("Enter")
    page.get_by_label("Token").fill("no token")
    page.get_by_role("button", name="Sign in", exact=True).press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The bridge does not accept that token")
    expect_no_violation(page)


def test_a_provider_that_is_away_is_said_to_be_and_serves_again(
    browsing: Browsing, bridge: BridgeWithProvider, provider: IdentityProvider
) -> None:
    page = browsing.page()
    go_to_provider(page, f"{bridge.url}/ops")
    page.keyboard.type("ada")
    provider.tell(away="/token")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Example ID does not answer")
    assert get(f"{bridge.url}/health/ready").json()["checks"]["sign-in"].startswith("degraded: nobody can sign in")
    provider.tell(away=None)
    page.get_by_role("link", name=SIGN_IN).click()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    assert get(f"{bridge.url}/health/ready").json()["checks"]["sign-in"] == "ok"


def test_keys_that_the_provider_has_changed_are_looked_up(
    browsing: Browsing, bridge: BridgeWithProvider, provider: IdentityProvider
) -> None:
    for _ in range(2):
        page = browsing.page()
        sign_in(page, f"{bridge.url}/ops")
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        provider.tell(rotate=True)


def test_a_session_is_renewed_without_anybody_noticing_and_with_the_roles_of_the_moment(
    browsing: Browsing, bridge: BridgeWithProvider, provider: IdentityProvider
) -> None:
    provider.tell(idTokenSeconds=10)
    page = browsing.page()
    sign_in(page, f"{bridge.url}/ops")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    tab = page.context.new_page()
    tab.goto(f"{bridge.url}/ops/system")
    before = said_by(bridge, "renewed")
    for one in (page, tab):  # which ask at one moment, with what serves once
        expect(one.get_by_text("Live", exact=True)).to_be_visible()
        held = held_token(one)
        wait_until(lambda: held_token(one) != held)  # noqa: B023
        expect(one.get_by_text("Live", exact=True)).to_be_visible()
    assert said_by(bridge, "renewed") > before
    provider.tell(roles={"ada": ["the kitchen"]})
    for one in (page, tab):
        expect(one.get_by_role("alert")).to_contain_text(re.compile("has no role for this console|session is over"))


def test_who_comes_back_when_the_providers_word_is_over_is_signed_in_again_by_the_refresh_token(
    browsing: Browsing, bridge: BridgeWithProvider, provider: IdentityProvider
) -> None:
    provider.tell(idTokenSeconds=4)
    page = browsing.page()
    sign_in(page, f"{bridge.url}/ops")
    expect(page).to_have_url(f"{bridge.url}/ops")
    wait_until(lambda: held_token(page) != "")
    token = held_token(page)
    bearer = {"Authorization": f"Bearer {token}"}
    tab = page.context.new_page()
    page.close()  # nobody renews it
    wait_until(lambda: get(f"{bridge.url}/api/ops/session", headers=bearer).json().get("code") == "token_expired")
    provider.tell(idTokenSeconds=3600)
    tab.goto(f"{bridge.url}/ops")
    expect(tab.get_by_text("Live", exact=True)).to_be_visible()


def test_a_session_that_nobody_renews_ends_with_what_the_provider_has_said(
    browsing: Browsing, bridge: BridgeWithProvider, provider: IdentityProvider
) -> None:
    browsing.expect_trouble("401")
    provider.tell(refreshes=False, idTokenSeconds=4)
    page = browsing.page()
    sign_in(page, f"{bridge.url}/ops")
    expect(page.get_by_role("alert")).to_contain_text("Your session is over")


def test_whoever_signs_out_is_out_at_the_provider_too_and_with_every_copy(
    browsing: Browsing, bridge: BridgeWithProvider
) -> None:
    browsing.expect_trouble("401")
    page = browsing.page()
    sign_in(page, f"{bridge.url}/ops")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    copy = page.context.cookies(bridge.url)
    token = held_token(page)
    page.get_by_role("button", name="Sign out").press("Enter")
    page.get_by_role("button", name="Yes, sign me out").press("Enter")
    expect(page.get_by_role("link", name=SIGN_IN)).to_be_visible()
    expect(page).to_have_url(f"{bridge.url}/ops")
    expect_no_violation(page)
    bearer = {"Authorization": f"Bearer {token}"}
    wait_until(lambda: get(f"{bridge.url}/api/ops/session", headers=bearer).json().get("code") == "token_revoked")
    page.get_by_role("link", name=SIGN_IN).press("Enter")
    expect(page.get_by_label("Account")).to_be_visible()  # nobody is signed in there any more
    thief = browsing.page()
    thief.context.add_cookies([one for one in copy if one["name"] == "bridge-session"])  # type: ignore[misc]
    thief.goto(f"{bridge.url}/ops")
    expect(thief.get_by_role("alert")).to_contain_text("Your session was ended")
    assert "ada signed out of the console" in bridge.log.read_text()


def test_a_session_that_is_revoked_ends_at_once_and_is_not_renewed(
    browsing: Browsing, bridge: BridgeWithProvider
) -> None:
    browsing.expect_trouble("401")
    page, other = browsing.page(), browsing.page()
    for one in (page, other):
        sign_in(one, f"{bridge.url}/ops")
        expect(one.get_by_text("Live", exact=True)).to_be_visible()
    done = other.evaluate(
        """async () => (await fetch("/api/ops/access", {
            method: "POST",
            headers: {
                "Content-Type": "application/json",
                Authorization: `Bearer ${sessionStorage.getItem("bridge.token")}`,
            },
            body: JSON.stringify({ change: "tokens_revoked", userId: "ada" }),
        })).status"""
    )
    assert done == 200
    expect(page.get_by_role("alert")).to_contain_text("Your session was ended")
    page.reload()
    expect(page.get_by_role("link", name=SIGN_IN)).to_be_visible()
