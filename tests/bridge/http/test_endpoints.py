"""Endpoints over REST: who registers them, what is answered and what never again."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from standardwebhooks.webhooks import Webhook

from bridge.access.service_tokens import ServicesError, read_services
from tests.answering_server import Asked, answering_requests
from tests.bridge.http.exchanges import As
from tests.resuming import resume
from tests.waiting import wait_until

SECRET = "a secret of at least thirty-two bytes"
NEVER = 4_102_444_800
SHOP, CHAT, READER = "the-token-of-the-shop", "the-token-of-the-chat", "the-token-of-the-reader"
PAGER = "the-token-of-the-pager"
SERVICES = f"""
[shop]
token = "{SHOP}"
publishes = ["marketplace"]
receives = ["marketplace", "payment"]

[chat]
token = "{CHAT}"
receives = ["chat"]

[pager]
token = "{PAGER}"
receives = ["attention", "access-changed"]

[reader]
token = "{READER}"
reads = true
"""
ACTS = jwt.encode({"sub": "ada", "exp": NEVER, "roles": ["ops-act"]}, SECRET, "HS256")
VIEWS = jwt.encode({"sub": "bo", "exp": NEVER, "roles": ["ops-view"]}, SECRET, "HS256")
USER = jwt.encode({"sub": "u1", "exp": NEVER}, SECRET, "HS256")
HOOK = {"url": "https://shop.example/hook?key=of-the-owner", "events": ["payment-*", "refund-opened"]}


@pytest.fixture(scope="module")
def bridge(make_bridge: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    services: Path = tmp_path_factory.mktemp("services") / "services.toml"
    services.write_text(SERVICES)
    return make_bridge(
        BRIDGE_SERVICES_FILE=str(services),
        BRIDGE_ACCESS="jwt",
        BRIDGE_JWT_SECRETS=SECRET,
        BRIDGE_ENDPOINT_NETWORKS="127.0.0.0/8",
        BRIDGE_ENDPOINT_RETRY_SECONDS="0.05,3600",
    )


def registered(client: httpx.Client, **differs: Any) -> dict[str, Any]:
    found: dict[str, Any] = client.post("/api/endpoints", json=HOOK | differs).raise_for_status().json()
    return found


def test_a_service_registers_an_endpoint_once_and_is_told_its_secret_once(bridge: Any, as_: As) -> None:
    shop = as_(SHOP)
    first = shop.post("/api/endpoints", json=HOOK)
    assert first.status_code == 201
    endpoint = first.json()
    secret = endpoint.pop("secret")
    again = shop.post("/api/endpoints", json=HOOK)
    assert (again.status_code, again.json()) == (200, {**endpoint, "secret": None})
    changed = shop.post("/api/endpoints", json=HOOK | {"events": ["payment-update"], "ordered": False})
    assert changed.json() == {**endpoint, "events": ["payment-update"], "ordered": False, "secret": None}
    path = f"/api/endpoints/{endpoint['endpointId']}"
    assert secret not in shop.get(path).text + shop.get("/api/endpoints").text + bridge.log.read_text()
    assert "of-the-owner" not in bridge.log.read_text()
    other = shop.post(f"{path}/secrets", json={}).json()
    assert (other["secrets"], other["secret"] != secret) == (2, True)
    with closing(sqlite3.connect(bridge.database)) as connection:
        found = connection.execute(
            "SELECT outcome FROM actions WHERE subject = ?", [endpoint["endpointId"]]
        ).fetchall()
    assert [said for (said,) in found] == [
        "payment-*, refund-opened to shop.example",
        "payment-update to shop.example",
        "it has another secret",
    ]


def test_each_service_sees_its_own_and_staff_all(as_: As) -> None:
    mine = registered(as_(SHOP), url="https://shop.example/mine")["endpointId"]
    other = registered(as_(CHAT), url="https://chat.example/", events=["new-message"])["endpointId"]
    theirs = registered(as_(ACTS), url="https://shop.example/mine", events=["*"])
    assert (theirs["service"], theirs["registeredBy"]) == (None, "ada")
    shown = {
        token: {one["endpointId"] for one in as_(token).get("/api/endpoints").json()["endpoints"]}
        for token in (SHOP, CHAT, READER, VIEWS, USER)
    }
    assert mine in shown[SHOP] - shown[CHAT]
    assert other in shown[CHAT] - shown[SHOP]
    assert shown[READER] == shown[VIEWS] >= {mine, other, theirs["endpointId"]}
    assert shown[USER] == set()
    statuses = {
        token: as_(token).post(f"/api/endpoints/{other}/disabling", json={}).status_code
        for token in (SHOP, READER, VIEWS, USER, CHAT, ACTS)
    }
    assert statuses == {SHOP: 404, READER: 403, VIEWS: 403, USER: 403, CHAT: 200, ACTS: 200}
    assert as_(ACTS).post(f"/api/endpoints/{other}/removal", json={}).status_code == 200
    assert as_(CHAT).get(f"/api/endpoints/{other}").status_code == 404


@pytest.mark.parametrize(
    ("token", "differs", "status", "says"),
    [
        (CHAT, {}, 403, "the service chat does not receive payment-created"),
        (SHOP, {"events": ["*"]}, 403, "the service shop does not receive access-changed, attention-updated"),
        (SHOP, {"events": ["attention-*"]}, 403, "the service shop does not receive attention-updated"),
        (PAGER, {"events": ["a*", "level-up"]}, 403, "the service pager does not receive level-up"),
        (SHOP, {"events": ["no-such-*"]}, 400, "events.0: expected the name of an event"),
        (SHOP, {"events": []}, 400, "events"),
        (SHOP, {"url": "https://10.0.0.1/"}, 400, "url: 10.0.0.1 is no address that is sent to"),
        (SHOP, {"url": "http://10.0.0.1:3000/hook"}, 400, "set BRIDGE_ENDPOINT_NETWORKS=10.0.0.1 and restart"),
        (SHOP, {"url": "https://u:p@shop.example/"}, 400, "url: expected a URL without a user"),
        (SHOP, {"secret": "whsec_short"}, 400, "secret: expected whsec_ and 24 to 64 random bytes"),
    ],
)
def test_what_cannot_be_registered_is_refused_with_the_reason(
    as_: As, token: str, differs: dict[str, Any], status: int, says: str
) -> None:
    answer = as_(token).post("/api/endpoints", json=HOOK | differs)
    assert answer.status_code == status
    assert says in answer.json()["detail"]
    assert "whsec_short" not in answer.text


def test_what_was_sent_is_listed_with_request_and_answer_and_sent_again(as_: As) -> None:
    came: list[Asked] = []

    def answer(asked: Asked) -> tuple[int, Any]:
        came.append(asked)
        return (500, {"said": "not now"}) if len(came) < 3 else (200, {})

    shop = as_(SHOP)
    with answering_requests(answer) as url:
        endpoint = registered(shop, url=url, events=["delivery-*"])
        path = f"/api/endpoints/{endpoint['endpointId']}"
        event = {"event": "delivery-update", "data": {"requestId": "r1", "status": "shipped"}}
        [offset] = shop.post("/api/events", json=event).raise_for_status().json()["offsets"]

        def listed(**parameters: Any) -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = shop.get(f"{path}/deliveries", params=parameters).json()["deliveries"]
            return found

        [refused] = wait_until(lambda: [one for one in listed() if one["tries"] == 2])
        assert (refused["status"], refused["answerStatus"], refused["said"]) == (
            "pending",
            500,
            '{"said": "not now"}',
        )
        assert refused["offset"] == offset
        assert shop.get(path).json()["status"] == "failing"
        one = f"{path}/deliveries/{refused['messageId']}"
        assert shop.post(f"{one}/replay", json={}).status_code == 202
        [taken] = wait_until(lambda: listed(status="delivered"))
        details = shop.get(one).json()
        body = details["request"]["body"]
        assert {**taken, "request": details["request"]} == details
        headers = {name.lower(): value for name, value in came[-1].headers.items()}
        assert Webhook(endpoint["secret"]).verify(body, headers)["data"] == {"requestId": "r1", "status": "shipped"}
        assert headers["webhook-id"] == refused["messageId"]
        assert shop.post(f"{path}/replay", json={"after": offset}).status_code == 200
        assert shop.post(f"{path}/replay", json={"after": "x"}).status_code == 400
        test = shop.post(f"{path}/test", json={}).json()["messageId"]
        wait_until(lambda: [one for one in listed() if one["messageId"] == test and one["status"] == "delivered"])
        assert listed(limit=1, before=listed(limit=1)[0]["messageId"])[0]["messageId"] == refused["messageId"]
        shop.post(f"{path}/removal", json={}).raise_for_status()
    assert len({asked.headers["webhook-id"] for asked in came}) == 2


def test_one_that_is_given_up_is_an_alarm_and_what_somebody_disabled_is_none(as_: As) -> None:
    staff, statuses = as_(ACTS), [410]
    with answering_requests(lambda _: (statuses[-1], {})) as url:
        endpoint = registered(staff, url=url, events=["new-purchase-request"])["endpointId"]
        path = f"/api/endpoints/{endpoint}"
        wish = {"event": "new-purchase-request", "data": {"requestId": "r1"}}
        as_(SHOP).post("/api/events", json=wish).raise_for_status()

        def alarms() -> list[dict[str, Any]]:
            found = staff.get("/api/ops/attention").json()["items"]
            return [one for one in found if one["id"] == f"endpoint-disabled:{endpoint}"]

        [alarm] = wait_until(alarms)
        assert alarm["detail"].endswith("it answered 410: it wants nothing any more")
        assert 'bridge_attention{kind="endpoint-disabled"} 1.0' in staff.get("/metrics").text
        statuses.append(200)
        staff.post(f"{path}/enabling", json={}).raise_for_status()
        wait_until(lambda: staff.get(path).json()["behind"] == 0)
        staff.post(f"{path}/disabling", json={"note": "it moves"}).raise_for_status()
        # What it does not want is none of what it is behind.
        for event in ("new-purchase-request", "delivery-confirmed"):
            as_(SHOP).post("/api/events", json=wish | {"event": event}).raise_for_status()
        assert staff.get(path).json()["behind"] == 1
        assert staff.get(path).json()["disabledBecause"] == "it moves"
        assert alarms() == []


def test_a_service_is_sent_what_needs_a_person_and_whom_access_was_taken_from(as_: As) -> None:
    came: list[Asked] = []
    wanted = {"attention-updated", "access-changed"}

    def answer(asked: Asked) -> tuple[int, Any]:
        came.append(asked)
        return 200, {}

    staff, pager = as_(ACTS), as_(PAGER)
    with answering_requests(answer) as url:
        endpoint = registered(pager, url=url, events=["attention-*", "access-changed"])
        staff.post("/api/ops/hold", json={}).raise_for_status()
        noted = {"id": "payouts-held:payouts", "note": "until the wallet is counted"}
        staff.post("/api/ops/attention/note", json=noted).raise_for_status()
        revoked = {"change": "room_revoked", "userId": "u7", "room": "chat-1"}
        staff.post("/api/ops/access", json=revoked).raise_for_status()
        wait_until(lambda: {json.loads(asked.body)["type"] for asked in came} >= wanted)
        resume(staff, by=None).raise_for_status()
        pager.post(f"/api/endpoints/{endpoint['endpointId']}/removal", json={}).raise_for_status()
    verifying = Webhook(endpoint["secret"])
    told = {}
    for asked in came:
        headers = {name.lower(): value for name, value in asked.headers.items()}
        message = verifying.verify(asked.body, headers)
        told[message["type"]] = message["data"]
    assert told["attention-updated"]["kind"] == "payouts-held"
    assert told["access-changed"]["userId"] == "u7"


def test_what_a_service_receives_is_named_by_events_or_categories() -> None:
    services = read_services(SERVICES)
    assert services.received_by("shop") >= {"payment-update", "refund-opened", "new-offer"}
    assert "new-message" not in services.received_by("shop")
    assert services.received_by("reader") == services.received_by("nobody") == frozenset()
    with pytest.raises(ServicesError, match="'paymnt' is no event and no category"):
        read_services('[shop]\ntoken = "0123456789abcdef"\nreceives = ["paymnt"]')
