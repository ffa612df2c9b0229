"""Who may see the console, who may act in it, and from which pages: those of the bridge itself, and of no stranger
who has a name lead to it."""

import time
from pathlib import Path
from typing import Any

import jwt
import pytest
import websockets

from tests.asking import client_of, get, post, request
from tests.resuming import resume

SECRET = "a secret of at least thirty-two bytes"
SERVICES = """
[ledger]
token = "the-token-of-the-ledger"
reads = true

[shop]
token = "the-token-of-the-shop"
registers = ["payments", "payouts"]
"""
READS = [
    "session",
    "payouts",
    "payments",
    "payouts.csv",
    "payments.csv",
    "attention",
    "totals",
    "payouts/out_1",
    "payments/pay_1",
    "payouts/out_1/story",
    "payments/pay_1/story",
    "actions",
    "system",
]
WRITES = [
    "webhooks/1/replay",
    "payouts/out_1/recheck",
    "payouts/out_1/resolution",
    "payouts/out_1/approval",
    "payouts/out_1/rejection",
    "payouts/out_1/cancellation",
    "payments/pay_1/acceptance",
    "payments/pay_1/cancellation",
    "payments/pay_1/waiting",
    "payments/pay_1/settlement",
    "payments/pay_1/transaction",
    "attention/dismissal",
]


def token(user_id: str, **claims: Any) -> str:
    return jwt.encode({"sub": user_id, "exp": time.time() + 3600, **claims}, SECRET, "HS256")


def content_of(path: str) -> dict[str, object]:
    more: dict[str, dict[str, object]] = {
        "resolution": {"outcome": "not-sent", "note": "a reason"},
        "rejection": {"note": "a reason"},
        "acceptance": {"note": "a reason"},
        "cancellation": {"note": "a reason"},
        "waiting": {"hours": 1},
        "settlement": {"note": "a reason"},
        "transaction": {"txHash": "0x" + "1" * 64},
        "dismissal": {"id": "webhook-unmatched:waiting_1"},
    }
    return {"by": "me"} | more.get(path.rpartition("/")[2], {})


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


@pytest.fixture(scope="module")
def asking(make_bridge: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A bridge that asks everybody who they are."""
    services: Path = tmp_path_factory.mktemp("services") / "services.toml"
    services.write_text(SERVICES)
    return make_bridge(
        BRIDGE_ACCESS="jwt",
        BRIDGE_JWT_SECRETS=SECRET,
        BRIDGE_SERVICES_FILE=str(services),
        BRIDGE_PUBLIC_URL="https://bridge.example/behind/a/proxy",
    )


@pytest.fixture(scope="module")
def trusting(make_bridge: Any) -> Any:
    """A bridge that asks nobody."""
    return make_bridge(BRIDGE_SHKEEPER_API_KEYS="the-key-of-the-gateway")


def test_staff_are_known_by_their_token(asking: Any) -> None:
    answer = get(f"{asking.url}/api/ops/session", headers=bearer(token("f1", staff=True)))
    assert answer.json() == {"access": "jwt", "userId": "f1", "mayAct": True, "mayApprove": True}


@pytest.mark.parametrize(
    ("roles", "acts", "approves"),
    [
        (["ops-view"], False, False),
        (["ops-act"], True, False),
        (["ops-approve"], False, True),
        (["ops-act", "ops-approve"], True, True),
    ],
)
def test_roles_grant_parts_of_what_staff_may(asking: Any, roles: list[str], acts: bool, approves: bool) -> None:
    headers = bearer(token("f1", roles=[*roles, "of another program"]))
    session = get(f"{asking.url}/api/ops/session", headers=headers).json()
    assert (session["mayAct"], session["mayApprove"]) == (acts, approves)
    for path in READS:
        assert get(f"{asking.url}/api/ops/{path}", headers=headers).status_code in (200, 404), path
    for path in [*WRITES, "hold"]:
        answer = post(f"{asking.url}/api/ops/{path}", headers=headers, json=content_of(path))
        may = approves if path.endswith(("approval", "rejection")) else acts
        assert (answer.status_code == 403) != may, (path, answer.text)
    if acts:
        with client_of(asking.url, headers=headers) as client:
            assert resume(client, by=None).status_code == 200


@pytest.mark.parametrize("roles", [["view", "admin"], "ops-act", {"ops-act": True}, [["ops-act"]], None, []])
def test_roles_of_other_programs_grant_nothing_and_do_no_harm(asking: Any, roles: Any) -> None:
    answer = get(f"{asking.url}/api/ops/session", headers=bearer(token("u1", roles=roles)))
    assert (answer.status_code, "only staff" in answer.json()["detail"]) == (403, True)


def test_a_service_that_reads_sees_the_console_but_cannot_act(asking: Any) -> None:
    headers = bearer("the-token-of-the-ledger")
    answer = get(f"{asking.url}/api/ops/session", headers=headers)
    assert answer.json() == {"access": "jwt", "userId": None, "mayAct": False, "mayApprove": False}
    for path in WRITES:
        refused = post(f"{asking.url}/api/ops/{path}", headers=headers, json=content_of(path))
        assert (path, refused.status_code) == (path, 403)


@pytest.mark.parametrize("headers", [{}, bearer("nonsense"), bearer(token("f1", staff=True)[:-4])])
def test_without_a_good_token_there_is_no_console(asking: Any, headers: dict[str, str]) -> None:
    for method, path in [*(("GET", path) for path in READS), *(("POST", path) for path in WRITES)]:
        answer = request(method, f"{asking.url}/api/ops/{path}", headers=headers)
        assert (path, answer.status_code) == (path, 401)


@pytest.mark.parametrize(
    "given", [token("u1"), token("u1", requests=["r1"], checkouts=["c1"]), "the-token-of-the-shop"]
)
def test_users_and_services_that_only_write_are_refused(asking: Any, given: str) -> None:
    for method, path in [*(("GET", path) for path in READS), *(("POST", path) for path in WRITES)]:
        content = content_of(path) if method == "POST" else None
        answer = request(method, f"{asking.url}/api/ops/{path}", headers=bearer(given), json=content)
        assert (path, answer.status_code) == (path, 403)


def test_where_nobody_is_asked_anybody_may_act(trusting: Any) -> None:
    answer = get(f"{trusting.url}/api/ops/session")
    assert answer.json() == {"access": "open", "userId": None, "mayAct": True, "mayApprove": True}


def test_where_services_are_named_nobody_acts_without_a_token(
    make_bridge: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    services: Path = tmp_path_factory.mktemp("services") / "services.toml"
    services.write_text(SERVICES)
    url = make_bridge(BRIDGE_SERVICES_FILE=str(services)).url
    session = get(f"{url}/api/ops/session").json()
    assert session == {"access": "open", "userId": None, "mayAct": False, "mayApprove": False}
    refused = post(f"{url}/api/ops/payouts/out_1/recheck", json={"by": "anybody"})
    assert (refused.status_code, "jwt" in refused.json()["detail"]) == (403, True)


# Pages and where they come from


def own_origins(bridge: Any) -> list[str]:
    return [f"http://{host}:{bridge.port}" for host in ("127.0.0.1", "localhost", "[::1]")]


STRANGERS = ["https://elsewhere.example", "http://127.0.0.1:1", "null"]


def test_the_bridges_own_pages_may_write_and_strangers_may_not(trusting: Any) -> None:
    # A name of a stranger's that leads to loopback is what the browser then names in both headers.
    rebound = f"http://rebound.example:{trusting.port}"
    answered = {
        origin: post(
            f"{trusting.url}/api/payments",
            json={},
            headers={"Origin": origin, "Host": origin.partition("://")[2] or "null"},
        ).status_code
        for origin in [*own_origins(trusting), *STRANGERS, rebound]
    }
    assert answered == dict.fromkeys(own_origins(trusting), 400) | dict.fromkeys([*STRANGERS, rebound], 403)


@pytest.mark.parametrize("path", ["/api/payments/pay_1", "/api/ops/payouts", "/metrics", "/ops"])
def test_a_page_cannot_read_by_a_name_that_its_owner_has_lead_to_loopback(trusting: Any, path: str) -> None:
    hosts = {
        "127.0.0.1": True,
        f"127.0.0.1:{trusting.port}": True,
        f"[::1]:{trusting.port}": True,
        f"localhost:{trusting.port}": True,
        "shop.localhost": True,
        "localhost.": False,
        f"rebound.example:{trusting.port}": False,
        "127.0.0.1.rebound.example": False,
        "rebound.example:nonsense": False,
        "[::1": False,
    }
    answers = {host: get(f"{trusting.url}{path}", headers={"Host": host}) for host in hosts}
    assert {host: answer.status_code != 403 for host, answer in answers.items()} == hosts
    assert "public_url" in answers["localhost."].json()["detail"]


def test_a_bridge_that_asks_for_tokens_can_be_read_by_any_name(asking: Any) -> None:
    for host in ("bridge.example", "bridge.internal:8000"):
        answer = get(f"{asking.url}/api/ops/session", headers={"Host": host, **bearer(token("f1", staff=True))})
        assert answer.status_code == 200


async def connects(bridge: Any, origin: str) -> bool:
    """Whether a page of an origin gets a socket, whose address is then what it calls the bridge."""
    name = origin.partition("://")[2] or "localhost"
    try:
        async with websockets.connect(
            f"ws://{name}/socket.io/?EIO=4&transport=websocket",
            origin=websockets.Origin(origin),
            host="127.0.0.1",
            port=bridge.port,
            proxy=None,
        ) as connection:
            return str(await connection.recv()).startswith("0{")
    except websockets.InvalidStatus:
        return False


async def test_the_bridges_own_pages_may_connect_and_strangers_may_not(trusting: Any) -> None:
    rebound = f"http://rebound.example:{trusting.port}"
    origins = [*own_origins(trusting), *STRANGERS, rebound]
    connected = {origin: await connects(trusting, origin) for origin in origins}
    assert connected == {origin: origin in own_origins(trusting) for origin in origins}


async def test_pages_at_the_public_address_may_connect(asking: Any) -> None:
    assert await connects(asking, "https://bridge.example")
    assert not await connects(asking, "http://bridge.example")
    assert not await connects(asking, "https://bridge.example.elsewhere.example")
