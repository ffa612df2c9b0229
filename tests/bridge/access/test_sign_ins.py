"""Signing in at the identity provider: every way in which what comes back may not be its answer to this browser."""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from pydantic import ValidationError

from bridge.access import Role, TokenError
from bridge.access.errors import SignInError
from bridge.access.identity_provider import LEEWAY, QUESTIONS_AT_ONCE, WAITING_LIMIT, IdentityProvider
from bridge.access.key_sets import console_key
from bridge.access.oidc_settings import OidcClient, OidcSettings
from bridge.access.refused_sign_ins import RefusedSignIns
from bridge.access.sign_ins import Signed, SignIns
from bridge.access.tokens import TokenVerifier
from coordinator.endpoints.signing import new_secret
from providers.settings import SettingsError
from tests.forging_provider import FORGED_KEY, OWN_KEY, ForgingProvider, forging_provider, key_set
from tests.waiting import GIVE_UP_SECONDS, until

SECRET = "a client secret of thirty-two bytes or more"
REDIRECT_URI = "https://bridge.example/ops/sign-in/return"
ROLES = {"ops-view": ("finance",), "ops-approve": ("directors",)}
CODE = "the-code-of-the-provider"


@pytest.fixture(scope="module")
def running() -> Iterator[ForgingProvider]:
    with forging_provider() as provider:
        yield provider


@pytest.fixture
def provider(running: ForgingProvider) -> ForgingProvider:
    running.begin_anew()
    return running


def client_of(provider: ForgingProvider, **settings: Any) -> OidcClient:
    usual = {"issuer": provider.url, "client_id": "bridge", "roles": ROLES}
    made = OidcSettings(**{**usual, **settings}).model_copy(update={"timeout_seconds": GIVE_UP_SECONDS})
    client = made.client(SECRET)
    assert client is not None
    return client


class Clock:
    """That of the bridge, which a test moves; the provider's, and that of tokens, is the machine's."""

    later_seconds = 0.0

    def __call__(self) -> float:
        return time.time() + self.later_seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


Make = Callable[..., SignIns]


@pytest.fixture
async def make(provider: ForgingProvider, clock: Clock) -> AsyncIterator[Make]:
    made: list[IdentityProvider] = []

    def sign_ins(secret: str = SECRET, **settings: Any) -> SignIns:
        client = OidcClient(client_of(provider, **settings).settings, secret)
        asks = IdentityProvider(client)
        made.append(asks)
        verifier = TokenVerifier(console_key=console_key(client.console_secret), leeway_seconds=GIVE_UP_SECONDS)
        return SignIns(asks, client, verifier, redirect_uri=REDIRECT_URI, clock=clock)

    yield sign_ins
    for one in made:
        await one.aclose()


class Browser:
    """One that is on its way."""

    def __init__(self, sign_ins: SignIns, address: str, cookie: str) -> None:
        self.sign_ins = sign_ins
        self.cookie = cookie
        self.asked = {name: value for name, [value] in parse_qs(urlsplit(address).query).items()}

    @classmethod
    async def on_its_way(cls, sign_ins: SignIns, to: str = "/ops") -> "Browser":
        return cls(sign_ins, *await sign_ins.begin(to))

    async def comes_back(self, **given: str | None) -> Signed:
        said = {"code": CODE, "state": self.asked["state"], **given}
        return await self.sign_ins.come_back(
            {name: value for name, value in said.items() if value is not None}, self.cookie
        )


async def refusal(coming: Any) -> str:
    with pytest.raises(SignInError) as caught:
        await coming
    assert CODE not in str(caught.value)
    return caught.value.code


async def test_somebody_who_comes_back_with_a_good_answer_is_signed_in(
    provider: ForgingProvider, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    sign_ins = make(user_claim="preferred_username", roles_claim="realm_access.roles")
    browser = await Browser.on_its_way(sign_ins, "/ops/system")
    asked = browser.asked
    assert (asked["redirect_uri"], asked["response_type"], asked["scope"]) == (REDIRECT_URI, "code", "openid")
    claims: dict[str, Any] = {"preferred_username": "ada@shop", "realm_access": {"roles": ["x", "finance"]}}
    provider.gives(provider.signs(nonce=asked["nonce"], **claims), refresh_token="refresh-1")
    signed = await browser.comes_back()
    assert signed.to == "/ops/system"
    [form] = provider.said_to("/token")
    proof = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
    assert (form["code"], form["redirect_uri"], proof) == (CODE, REDIRECT_URI, asked["code_challenge"])
    assert asked["code_challenge_method"] == "S256"
    [question] = [one for one in provider.asked if one.path == "/token"]
    given = base64.b64decode(question.headers["Authorization"].removeprefix("Basic ")).decode()
    assert given == "bridge:" + SECRET.replace(" ", "+")
    state_of = await sign_ins.state_of(signed.cookie)
    principal = sign_ins._verifier.principal(state_of.token)
    assert (principal.user_id, principal.roles) == ("ada@shop", frozenset({Role.VIEW}))
    assert CODE not in caplog.text
    assert "refresh-1" not in caplog.text + signed.cookie
    assert "ada@shop signed in to the console as ops-view" in caplog.text


async def test_somebody_of_the_staff_is_no_user_of_the_marketplace_whose_id_is_the_same(
    provider: ForgingProvider, make: Make
) -> None:
    sign_ins = make()
    browser = await Browser.on_its_way(sign_ins)
    provider.gives(provider.signs(nonce=browser.asked["nonce"], sub="buyer-1"))
    principal = sign_ins._verifier.principal((await sign_ins.state_of((await browser.comes_back()).cookie)).token)
    assert principal.may_see_console
    assert not principal.is_user("buyer-1")
    assert not principal.may_say_where(buyer_id="buyer-1", opened_through=None)
    assert not principal.may_speak_for("buyer-1")
    assert principal.rooms == frozenset()


async def test_an_answer_to_another_attempt_or_to_another_browser_signs_nobody_in(
    provider: ForgingProvider, make: Make
) -> None:
    sign_ins = make()
    browser, other = [await Browser.on_its_way(sign_ins) for _ in range(2)]
    provider.gives(provider.signs(nonce=browser.asked["nonce"]))
    for state in (None, "", "forged", other.asked["state"], "\ud800"):
        assert await refusal(browser.comes_back(state=state)) == "begun_elsewhere"
    # Who is made to come back with somebody else's code has no attempt, or one of their own.
    state = browser.asked["state"]
    for cookie in (None, "", "forged", other.cookie, browser.cookie[:-4] + "AAA="):
        assert await refusal(sign_ins.come_back({"code": CODE, "state": state}, cookie)) == "begun_elsewhere"
    assert provider.said_to("/token") == []
    assert (await browser.comes_back()).to == "/ops"


async def test_an_attempt_is_over_after_ten_minutes(provider: ForgingProvider, make: Make, clock: Clock) -> None:
    browser = await Browser.on_its_way(make())
    clock.later_seconds = 601
    assert await refusal(browser.comes_back()) == "begun_elsewhere"


async def test_a_code_that_was_used_signs_nobody_in(provider: ForgingProvider, make: Make) -> None:
    browser = await Browser.on_its_way(make())
    provider.tokens = 400, {"error": "invalid_grant"}
    assert await refusal(browser.comes_back()) == "begun_elsewhere"


async def test_what_another_issuer_answers_signs_nobody_in(provider: ForgingProvider, make: Make) -> None:
    browser = await Browser.on_its_way(make())
    provider.gives(provider.signs(nonce=browser.asked["nonce"]))
    for issuer in ("https://other.example", f"{provider.url}/", ""):
        assert await refusal(browser.comes_back(iss=issuer)) == "provider_wrong"
    assert (await browser.comes_back(iss=provider.url)).to == "/ops"
    provider.about = {"authorization_response_iss_parameter_supported": True}
    browser = await Browser.on_its_way(make())
    assert await refusal(browser.comes_back()) == "provider_wrong"
    assert len(provider.said_to("/token")) == 1


def by_hand(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def public_pem() -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return OWN_KEY.public_key().public_bytes(serialization.Encoding.PEM, form)


def signed_by_hand(provider: ForgingProvider, secret: bytes, nonce: str) -> str:
    header, claims = {"alg": "HS256", "kid": "own"}, provider.claims(nonce=nonce)
    body = by_hand(header, claims).rpartition(".")[0]
    return by_hand(header, claims, hmac.digest(secret, body.encode(), "sha256"))


FORGED: dict[str, Callable[[ForgingProvider, str], object]] = {
    "for another audience": lambda provider, nonce: provider.signs(nonce=nonce, aud="shop"),
    "for nobody": lambda provider, nonce: provider.signs(nonce=nonce, aud=None),
    "for others too": lambda provider, nonce: provider.signs(nonce=nonce, aud=["bridge", "shop"]),
    "for others too, issued to one": lambda provider, nonce: provider.signs(
        nonce=nonce, aud=["bridge", "shop"], azp="shop"
    ),
    "issued to another": lambda provider, nonce: provider.signs(nonce=nonce, azp="shop"),
    "of another issuer": lambda provider, nonce: provider.signs(nonce=nonce, iss="https://other.example"),
    "of nobody": lambda provider, nonce: provider.signs(nonce=nonce, iss=None),
    "about nobody": lambda provider, nonce: provider.signs(nonce=nonce, sub=None),
    "for another attempt": lambda provider, _: provider.signs(nonce="another"),
    "for no attempt": lambda provider, _: provider.signs(),
    "a nonce that is no text": lambda provider, nonce: provider.signs(nonce=[nonce]),
    "expired": lambda provider, nonce: provider.signs(nonce=nonce, exp=int(time.time()) - 3600),
    "for ever": lambda provider, nonce: provider.signs(nonce=nonce, exp=None),
    "until beyond all time": lambda provider, nonce: provider.signs(nonce=nonce, exp=10**30),
    "not yet": lambda provider, nonce: provider.signs(nonce=nonce, nbf=int(time.time()) + 3600),
    "issued later": lambda provider, nonce: provider.signs(nonce=nonce, iat=int(time.time()) + 3600),
    "never issued": lambda provider, nonce: provider.signs(nonce=nonce, iat=None),
    "of another key": lambda provider, nonce: provider.signs(FORGED_KEY, nonce=nonce),
    "of a key that nobody knows": lambda provider, nonce: provider.signs(FORGED_KEY, kid="new", nonce=nonce),
    "of another algorithm": lambda provider, nonce: provider.signs(algorithm="RS512", nonce=nonce),
    "alg: none": lambda provider, nonce: by_hand({"alg": "none"}, provider.claims(nonce=nonce)),
    "alg: nOnE": lambda provider, nonce: by_hand({"alg": "nOnE", "kid": "own"}, provider.claims(nonce=nonce)),
    "signed with the client's secret": lambda provider, nonce: jwt.encode(
        provider.claims(nonce=nonce), SECRET, "HS256", headers={"kid": "own"}
    ),
    "signed with the public key": lambda provider, nonce: signed_by_hand(provider, public_pem(), nonce),
    "no token": lambda *_: "no token",
    "none": lambda *_: None,
    "a list": lambda *_: ["a"],
    "too long": lambda provider, nonce: provider.signs(nonce=nonce, more="x" * 100_000),
}


@pytest.mark.parametrize("forged", FORGED)
async def test_an_id_token_that_is_not_the_providers_word_to_this_attempt_signs_nobody_in(
    provider: ForgingProvider, make: Make, forged: str, caplog: pytest.LogCaptureFixture
) -> None:
    browser = await Browser.on_its_way(make())
    token = FORGED[forged](provider, browser.asked["nonce"])
    provider.gives(token)
    assert await refusal(browser.comes_back()) == "provider_wrong"
    assert not isinstance(token, str) or len(token) < 10 or token not in caplog.text


async def test_clocks_may_differ_by_the_leeway_and_by_no_more(provider: ForgingProvider, make: Make) -> None:
    sign_ins, now = make(), int(time.time())
    slack = int(LEEWAY.total_seconds())
    near, far = now + slack // 2, now + 10 * slack
    times: list[tuple[dict[str, Any], bool]] = [
        ({"iat": near}, True),
        ({"nbf": near}, True),
        ({"iat": far}, False),
        ({"nbf": far}, False),
        ({"exp": now - 10 * slack}, False),
    ]
    for claims, is_good in times:
        browser = await Browser.on_its_way(sign_ins)
        provider.gives(provider.signs(nonce=browser.asked["nonce"], **claims))
        if is_good:
            assert (await browser.comes_back()).to == "/ops"
        else:
            assert await refusal(browser.comes_back()) == "provider_wrong"


async def test_a_key_that_is_new_is_looked_up_and_one_that_is_gone_does_not_serve(
    provider: ForgingProvider, make: Make
) -> None:
    sign_ins = make()
    for key, kid, expected in ((OWN_KEY, "own", None), (FORGED_KEY, "new", None), (OWN_KEY, "own", "provider_wrong")):
        if kid == "new":
            provider.keys = key_set(new=FORGED_KEY)
        browser = await Browser.on_its_way(sign_ins)
        provider.gives(provider.signs(key, kid=kid, nonce=browser.asked["nonce"]))
        if expected is None:
            assert (await browser.comes_back()).to == "/ops"
        else:
            assert await refusal(browser.comes_back()) == expected


@pytest.mark.parametrize(
    ("settings", "claims", "expected"),
    [
        ({}, {"roles": []}, "no_role"),
        ({}, {"roles": None}, "no_role"),
        ({}, {"roles": {"finance": True}}, "no_role"),
        ({}, {"roles": "finance directors"}, "no_role"),
        ({}, {"roles": [["finance"], 1, None]}, "no_role"),
        ({}, {"roles": "finance"}, {Role.VIEW}),
        ({}, {"roles": ["finance", "directors", "x"]}, {Role.VIEW, Role.APPROVE}),
        ({"roles_claim": "a.b"}, {"a.b": ["finance"]}, {Role.VIEW}),
        ({"roles_claim": "a.b"}, {"a": ["finance"]}, "no_role"),
        ({"roles_claim": "a.b"}, {"a": {"b": {"c": ["finance"]}}}, "no_role"),
        ({"user_claim": "oid"}, {}, "provider_wrong"),
        ({"user_claim": "oid"}, {"oid": ""}, "provider_wrong"),
        ({"user_claim": "oid"}, {"oid": 5}, "provider_wrong"),
        ({"user_claim": "oid"}, {"oid": "a\nb"}, "provider_wrong"),
        ({"user_claim": "email"}, {"email": "ada@shop.example"}, "provider_wrong"),
        ({"user_claim": "email"}, {"email": "ada@shop.example", "email_verified": "true"}, "provider_wrong"),
        ({"user_claim": "email"}, {"email": "ada@shop.example", "email_verified": True}, {Role.VIEW}),
        ({"roles_claim": "email", "roles": {"ops-act": ("a@b.example",)}}, {"email": "a@b.example"}, "no_role"),
    ],
)
async def test_roles_come_from_the_claim_that_is_named_and_nobody_without_is_let_in(
    provider: ForgingProvider, make: Make, settings: dict[str, Any], claims: dict[str, Any], expected: object
) -> None:
    sign_ins = make(**settings)
    browser = await Browser.on_its_way(sign_ins)
    provider.gives(provider.signs(nonce=browser.asked["nonce"], **claims))
    if isinstance(expected, str):
        assert await refusal(browser.comes_back()) == expected
    else:
        state_of = await sign_ins.state_of((await browser.comes_back()).cookie)
        assert sign_ins._verifier.principal(state_of.token).roles == expected


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ({"issuer": "https://other.example"}, "provider_wrong"),
        ({"authorization_endpoint": "http://shop.example/authorize"}, "provider_wrong"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "provider_wrong"),
        ({"token_endpoint": "http://shop.example/token"}, "provider_wrong"),
        ({"jwks_uri": None}, "provider_wrong"),
        ({"more": "x" * 500_000}, "provider_away"),
    ],
)
async def test_a_provider_that_says_of_itself_what_cannot_be_believed_is_sent_nobody(
    provider: ForgingProvider, make: Make, about: dict[str, Any], expected: str
) -> None:
    provider.about = about
    assert await refusal(make().begin("/ops")) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"error": "access_denied"}, "not_signed_in"),
        ({"error": "login_required", "code": CODE}, "not_signed_in"),
        ({"error": "temporarily_unavailable"}, "provider_away"),
        ({"error": "<script>", "error_description": "x"}, "not_signed_in"),
        ({}, "not_signed_in"),
    ],
)
async def test_an_error_of_the_provider_signs_nobody_in(
    provider: ForgingProvider, make: Make, said: dict[str, str], expected: str
) -> None:
    browser = await Browser.on_its_way(make())
    assert await refusal(browser.comes_back(**{"code": None, **said})) == expected
    assert provider.said_to("/token") == []


def test_nobody_fills_the_log_with_what_they_make_up_and_somebody_without_a_role_is_told_of_each_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = 0.0
    refused = RefusedSignIns(lambda: now)
    for _ in range(3):
        refused.note(SignInError("begun_elsewhere", "the attempt is another's"))
        refused.note(SignInError("not_signed_in", "it gives no code"))
        refused.note(SignInError("no_role", "nothing gives ada a role"))
    now = 61.0
    refused.note(SignInError("begun_elsewhere", "the attempt is another's"))
    said = [one.getMessage().removeprefix("somebody was not signed in to the console: ") for one in caplog.records]
    assert said == [
        *("the attempt is another's", "it gives no code"),
        *["nothing gives ada a role"] * 3,
        "the attempt is another's (2 more since this was last said)",
    ]


async def test_a_crowd_takes_turns_at_the_provider_and_whoever_is_too_many_is_told_so(
    provider: ForgingProvider, make: Make
) -> None:
    sign_ins = make()
    browser = await Browser.on_its_way(sign_ins)
    provider.may_answer.clear()
    coming = [asyncio.create_task(refusal(browser.comes_back())) for _ in range(QUESTIONS_AT_ONCE + WAITING_LIMIT)]
    await until(lambda: len(provider.said_to("/token")) == QUESTIONS_AT_ONCE)
    with pytest.raises(SignInError, match="too many sign in at once"):
        await browser.comes_back()
    assert len(provider.said_to("/token")) == QUESTIONS_AT_ONCE
    provider.may_answer.set()
    assert set(await asyncio.gather(*coming)) == {"begun_elsewhere"}


async def signed_in(provider: ForgingProvider, sign_ins: SignIns, **given: Any) -> str:
    browser = await Browser.on_its_way(sign_ins)
    provider.gives(provider.signs(nonce=browser.asked["nonce"]), **given)
    return (await browser.comes_back()).cookie


async def test_a_session_is_renewed_when_half_of_it_is_over_and_keeps_its_beginning(
    provider: ForgingProvider, make: Make, clock: Clock
) -> None:
    sign_ins = make()
    cookie = await signed_in(provider, sign_ins, refresh_token="refresh-1")
    first = await sign_ins.state_of(cookie)
    assert len(provider.said_to("/token")) == 1
    clock.later_seconds = 400
    provider.gives(provider.signs(roles=["finance", "directors"], exp=int(clock()) + 600), refresh_token="refresh-2")
    second = await sign_ins.state_of(first.cookie)
    assert provider.said_to("/token")[-1] == {"grant_type": "refresh_token", "refresh_token": "refresh-1"}
    before, after = (sign_ins._verifier.principal(one.token) for one in (first, second))
    assert (after.roles, after.token_id, after.issued_at) == (
        frozenset({Role.VIEW, Role.APPROVE}),
        before.token_id,
        before.issued_at,
    )
    clock.later_seconds = 800
    await sign_ins.state_of(second.cookie)
    assert provider.said_to("/token")[-1]["refresh_token"] == "refresh-2"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sub": "eve"}, "session_over"),
        ({"aud": "shop"}, "provider_wrong"),
        ({"iss": "https://other.example"}, "provider_wrong"),
        ({"roles": ["x"]}, "no_role"),
    ],
)
async def test_a_session_that_is_renewed_for_somebody_else_or_without_a_role_is_over(
    provider: ForgingProvider, make: Make, clock: Clock, changes: dict[str, Any], expected: str
) -> None:
    sign_ins = make()
    cookie = await signed_in(provider, sign_ins, refresh_token="refresh-1")
    clock.later_seconds = 400
    provider.gives(provider.signs(**changes))
    state_of = await sign_ins.state_of(cookie)
    assert (state_of.token, state_of.cookie, state_of.refused) == (None, None, expected)


async def test_while_the_provider_is_away_a_session_lasts_as_long_as_its_word(
    provider: ForgingProvider, make: Make, clock: Clock
) -> None:
    sign_ins = make()
    cookie = await signed_in(provider, sign_ins, refresh_token="refresh-1")
    provider.tokens = None
    clock.later_seconds = 400
    state_of = await sign_ins.state_of(cookie)
    assert state_of.token is not None
    clock.later_seconds = 601
    assert (await sign_ins.state_of(state_of.cookie)).refused == "provider_away"
    provider.gives(provider.signs(exp=int(clock()) + 600))
    assert (await sign_ins.state_of(state_of.cookie)).token is not None


async def test_no_session_outlives_what_the_provider_has_said_or_its_hours(
    provider: ForgingProvider, make: Make, clock: Clock
) -> None:
    without = make()
    cookie = await signed_in(provider, without)
    clock.later_seconds = 601
    assert (await without.state_of(cookie)).refused == "session_over"
    clock.later_seconds = 0
    short = make(session_hours=0.1)
    cookie = await signed_in(provider, short, refresh_token="refresh-1")
    for clock.later_seconds, renewals in ((100, 0), (200, 1)):
        provider.gives(provider.signs(exp=int(clock()) + 600), refresh_token="refresh-1")
        state_of = await short.state_of(cookie)
        assert len([one for one in provider.said_to("/token") if "refresh_token" in one]) == renewals
        assert state_of.cookie is not None
        cookie = state_of.cookie
    clock.later_seconds = 361
    assert (await short.state_of(cookie)).refused == "session_over"
    unrenewed = make(session_hours=0.1)
    clock.later_seconds = 0
    cookie = await signed_in(provider, unrenewed)
    clock.later_seconds = 300
    cookie = (await unrenewed.state_of(cookie)).cookie or ""
    clock.later_seconds = 361
    assert (await unrenewed.state_of(cookie)).refused == "session_over"


async def test_a_session_that_is_revoked_is_neither_renewed_nor_given_a_token(
    provider: ForgingProvider, make: Make, clock: Clock
) -> None:
    sign_ins = make()
    cookie = await signed_in(provider, sign_ins, refresh_token="refresh-1")
    principal = sign_ins._verifier.principal((await sign_ins.state_of(cookie)).token)
    sign_ins._verifier.revocations.revoke_token(principal.token_id or "")
    for clock.later_seconds in (0, 400):
        assert (await sign_ins.state_of(cookie)).refused == "session_revoked"
    assert [one for one in provider.said_to("/token") if "refresh_token" in one] == []


async def test_a_session_is_known_at_every_bridge_and_by_its_own_secret_alone(
    provider: ForgingProvider, make: Make
) -> None:
    cookie = await signed_in(provider, make())
    state_of = await make().state_of(cookie)
    other = make(secret=new_secret())
    assert (await other.state_of(cookie)).refused == "session_over"
    with pytest.raises(TokenError):
        other._verifier.principal(state_of.token)
    with pytest.raises(TokenError):
        TokenVerifier(secrets=[SECRET]).principal(state_of.token)
    for nothing in (None, ""):
        assert (await other.state_of(nothing)).refused is None


async def test_a_refresh_token_that_has_no_room_in_a_cookie_is_not_kept(
    provider: ForgingProvider, make: Make, clock: Clock
) -> None:
    sign_ins = make()
    cookie = await signed_in(provider, sign_ins, refresh_token="x" * 4_000)
    assert len(cookie) < 4_000
    assert (await sign_ins.state_of(cookie)).renew_after is None


async def test_whoever_signs_out_is_signed_out_at_the_provider_where_it_can(
    provider: ForgingProvider, make: Make
) -> None:
    back_to = "https://bridge.example/ops"
    sign_ins = make()
    cookie = await signed_in(provider, sign_ins, refresh_token="refresh-1")
    assert await sign_ins.end(sign_ins.session_in(cookie), back_to=back_to) is None
    assert provider.said_to("/revoke") == []
    provider.about = {
        "end_session_endpoint": f"{provider.url}/end?realm=r",
        "revocation_endpoint": f"{provider.url}/revoke",
    }
    sign_ins = make()
    cookie = await signed_in(provider, sign_ins, refresh_token="refresh-1")
    address = await sign_ins.end(sign_ins.session_in(cookie), back_to=back_to)
    asked = {name: value for name, [value] in parse_qs(urlsplit(address or "").query).items()}
    assert asked == {"realm": "r", "client_id": "bridge", "post_logout_redirect_uri": back_to}
    assert provider.said_to("/revoke") == [{"token": "refresh-1"}]


async def test_a_client_that_the_provider_does_not_know_is_told_apart_from_a_code_that_is_none(
    provider: ForgingProvider, make: Make
) -> None:
    asks = make().provider
    await asks.require_good_secret()
    provider.tokens = 401, {"error": "invalid_client"}
    assert await refusal(asks.require_good_secret()) == "provider_wrong"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"issuer": "http://id.example"}, "begins with https://"),
        ({"issuer": "https://id.example?x"}, "begins with https://"),
        ({"issuer": "https://id.example", "client_id": ""}, "needs client_id"),
        ({"issuer": "https://id.example", "roles": {}}, "nobody could sign in"),
        ({"issuer": "https://id.example", "roles": {"ops-view": ()}}, "nobody could sign in"),
        ({"issuer": "https://id.example", "scopes": "profile"}, "openid"),
        ({"issuer": "https://id.example", "roles": {"ops-all": ("finance",)}}, "ops-view"),
    ],
)
def test_settings_by_which_nobody_or_anybody_could_sign_in_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        OidcSettings(**{"client_id": "bridge", "roles": ROLES, **settings})


@pytest.mark.parametrize("secret", ["", "  ", "short"])
def test_a_client_without_a_good_secret_is_none(secret: str) -> None:
    settings = OidcSettings(issuer="https://id.example", client_id="bridge", roles=ROLES)
    with pytest.raises(SettingsError, match="client secret"):
        settings.client(secret)
    assert OidcSettings().client(secret) is None
