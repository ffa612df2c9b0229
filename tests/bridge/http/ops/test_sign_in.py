"""The routes by which browsers sign in: where they are sent, which cookies they keep, and whose pages get tokens."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.asking import client_of
from tests.conftest import BridgeProcess, StartBridge
from tests.forging_provider import ForgingProvider, forging_provider
from tests.identity_provider import CLIENT_SECRET, oidc_settings
from tests.waiting import wait_until

PUBLIC_URL = "https://bridge.example"
FRONT_END = "https://shop.example"
SESSION, ATTEMPT = "__Host-bridge-session", "__Host-bridge-sign-in"


@pytest.fixture(scope="module")
def provider() -> Iterator[ForgingProvider]:
    with forging_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, provider: ForgingProvider) -> BridgeProcess:
    return make_bridge(
        BRIDGE_ACCESS="jwt",
        BRIDGE_PUBLIC_URL=PUBLIC_URL,
        FRONTEND_URL=FRONT_END,
        BRIDGE_OIDC=oidc_settings(provider.url),
        BRIDGE_OIDC_CLIENT_SECRET=CLIENT_SECRET,
    )


@pytest.fixture
def client(bridge: BridgeProcess) -> Iterator[httpx.Client]:
    with client_of(bridge.url) as client:
        yield client


def cookies_of(answer: httpx.Response) -> dict[str, str]:
    """Each cookie that is set, with its attributes, by its name."""
    return {one.partition("=")[0]: one.partition("=")[2] for one in answer.headers.get_list("set-cookie")}


def value_of(cookie: str) -> str:
    return cookie.partition(";")[0]


def asked_in(address: str) -> dict[str, str]:
    return {name: value for name, [value] in parse_qs(urlsplit(address).query).items()}


def signed_in(client: httpx.Client, provider: ForgingProvider, **begun: str) -> httpx.Response:
    """The answer to a browser that comes back."""
    answer = client.get("/ops/sign-in", params=begun)
    asked = asked_in(answer.headers["location"])
    provider.gives(provider.signs(nonce=asked["nonce"]))
    attempt = value_of(cookies_of(answer)[ATTEMPT])
    return client.get(
        "/ops/sign-in/return",
        params={"code": "c1", "state": asked["state"], "session_state": "x"},
        headers={"Cookie": f"{ATTEMPT}={attempt}"},
    )


def asked_for_token(client: httpx.Client, cookie: str, origin: str | None) -> httpx.Response:
    headers = {"Cookie": f"{SESSION}={cookie}", **({} if origin is None else {"Origin": origin})}
    return client.post("/ops/sign-in/session", json={}, headers=headers)


def test_where_the_provider_sends_browsers_back_to_is_never_what_a_request_calls_the_bridge(
    client: httpx.Client,
) -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    answer = client.get("/ops/sign-in", headers=headers)
    assert asked_in(answer.headers["location"])["redirect_uri"] == f"{PUBLIC_URL}/ops/sign-in/return"
    assert "evil" not in answer.headers["location"]


def test_cookies_are_for_this_host_alone_and_no_script_reads_them(
    client: httpx.Client, provider: ForgingProvider
) -> None:
    begun = client.get("/ops/sign-in")
    attempt = cookies_of(begun)[ATTEMPT].lower()
    assert {"httponly", "secure", "samesite=lax", "path=/", "max-age=600"} <= set(attempt.split("; "))
    assert "domain" not in attempt
    came_back = signed_in(client, provider)
    cookies = cookies_of(came_back)
    session = cookies[SESSION].lower()
    assert {"httponly", "secure", "samesite=strict", "path=/"} <= set(session.split("; "))
    assert "domain" not in session
    assert "max-age=0" in cookies[ATTEMPT].lower()
    for answer in (begun, came_back):
        assert answer.status_code == 303
        assert (answer.headers["referrer-policy"], answer.headers["cache-control"]) == ("no-referrer", "no-store")


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("/ops/payments/p-1?view=a&b=c", "/ops/payments/p-1?view=a&b=c"),
        ("https://evil.example/ops", "/ops"),
        ("//evil.example/ops", "/ops"),
        ("/\\evil.example", "/ops"),
        ("/ops\\..\\..//evil.example", "/ops"),
        ("/opsevil", "/ops"),
        ("/ops/../../evil", "/ops"),
        ("/ops/%2E%2e/evil", "/ops"),
        ("/ops@evil.example", "/ops"),
        ("javascript:alert(1)", "/ops"),
        ("/OPS/x", "/ops"),
        ("", "/ops"),
    ],
)
def test_whoever_comes_back_goes_to_a_page_of_the_console_and_nowhere_else(
    client: httpx.Client, provider: ForgingProvider, to: str, expected: str
) -> None:
    assert signed_in(client, provider, to=to).headers["location"] == expected


def test_a_page_of_another_origin_gets_no_token_by_the_cookie_and_ends_no_session(
    client: httpx.Client, provider: ForgingProvider
) -> None:
    cookie = value_of(cookies_of(signed_in(client, provider))[SESSION])
    for origin in (FRONT_END, "https://evil.example", "https://bridge.example.evil.example", "null", None):
        answer = asked_for_token(client, cookie, origin)
        assert (answer.status_code, "token" in answer.json()) == (403, False)
        headers = {"Cookie": f"{SESSION}={cookie}", **({} if origin is None else {"Origin": origin})}
        assert client.post("/ops/sign-in/end", json={}, headers=headers).status_code == 403
    answer = asked_for_token(client, cookie, PUBLIC_URL)
    said: dict[str, Any] = answer.json()
    assert (said["provider"], said["signInAt"]) == ("Example ID", f"{PUBLIC_URL}/ops/sign-in")
    assert "access-control-allow-origin" not in answer.headers
    token = {"Authorization": f"Bearer {said['token']}"}
    assert client.get("/api/ops/session", headers=token).json()["userId"] == "ada"
    # What the cookie is for is that question alone.
    assert client.get("/api/ops/session", headers={"Cookie": f"{SESSION}={cookie}"}).status_code == 401
    assert client.post(
        "/ops/sign-in/end", json={}, headers={"Cookie": f"{SESSION}={cookie}", "Origin": PUBLIC_URL}
    ).json() == {"next": None}
    wait_until(lambda: client.get("/api/ops/session", headers=token).json().get("code") == "token_revoked")
    answer = asked_for_token(client, cookie, PUBLIC_URL)
    assert (answer.json()["token"], answer.json()["refused"]) == (None, "session_revoked")
    assert "max-age=0" in cookies_of(answer)[SESSION].lower()


def test_whoever_has_no_role_and_whoever_is_a_stranger_are_told_so_and_keep_no_session(
    client: httpx.Client, provider: ForgingProvider, bridge: BridgeProcess
) -> None:
    usual = provider.claims
    provider.claims = lambda **changes: usual(**{**changes, "roles": ["x"]})  # type: ignore[method-assign]
    refused = signed_in(client, provider)
    provider.claims = usual  # type: ignore[method-assign]
    assert refused.headers["location"] == "/ops?refused=no_role"
    assert cookies_of(refused).keys() == {ATTEMPT}
    for query in ("", "?state=x", "?code=c2&state=x&state=y", "?error=%0d%0aSet-Cookie:x"):
        stranger = client.get(f"/ops/sign-in/return{query}")
        assert stranger.headers.get("location", "/ops?refused=begun_elsewhere") == "/ops?refused=begun_elsewhere"
        assert cookies_of(stranger) == {}
    figures = client.get("/metrics").text
    assert re.search(r'^bridge_sign_ins_total\{outcome="no_role"\} 1\.0$', figures, re.MULTILINE)
    log = bridge.log.read_text()
    assert log.count("gives ada a role here") == 1
    assert "used already, or too old" in log
    assert asked_for_token(client, "made-up", PUBLIC_URL).json()["refused"] == "session_over"
