"""The routes of a real, running bridge: what they take, what they answer, and how they refuse."""

import hashlib
import hmac
import itertools
import json
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx
import pytest

KEYS = ("the-old-key-of-the-gateway", "the-new-key-of-the-gateway")
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def bridge(make_bridge: Any) -> Any:
    return make_bridge(BRIDGE_SHKEEPER_API_KEYS=", ".join(KEYS), BRIDGE_MAX_WEBHOOK_BYTES="4000")


@pytest.fixture
def client(bridge: Any) -> Iterator[httpx.Client]:
    with httpx.Client(verify=False, base_url=bridge.url, trust_env=False) as client:
        yield client


def registration(**changes: object) -> dict[str, object]:
    number = next(NUMBERS)
    fields: dict[str, object] = {
        "provider": "shkeeper",
        "externalId": f"order-{number}",
        "requestId": f"request-{number}",
        "buyerId": "b1",
        "sellerId": "s1",
        "offerId": "o1",
        "amount": "49.90",
        "currency": "USD",
    }
    return {name: value for name, value in {**fields, **changes}.items() if value is not ...}


def notice(external_id: object, **changes: object) -> bytes:
    fields: dict[str, object] = {
        "addr": "0xabc",
        "balance_crypto": "49.9",
        "balance_fiat": "49.9",
        "crypto": "ETH-USDT",
        "external_id": external_id,
        "fiat": "USD",
        "overpaid_fiat": "0.00",
        "paid": True,
        "status": "PAID",
        "transactions": [
            {
                "amount_crypto": "49.9",
                "amount_fiat": "49.9",
                "crypto": "ETH-USDT",
                "date": "2026-05-01 12:00:00",
                "trigger": True,
                "txid": "0x1",
            }
        ],
        **changes,
    }
    return json.dumps(fields, separators=(",", ":"), sort_keys=True).encode()


def signed(body: bytes, key: str = KEYS[0], *, age_seconds: int = 0) -> dict[str, str]:
    timestamp = str(int(time.time()) - age_seconds)
    signature = hmac.new(key.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Shkeeper-Timestamp": timestamp, "X-Shkeeper-Signature": signature}


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    document: dict[str, Any] = response.json()
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    return document


def stored(bridge: Any, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(bridge.database)) as connection:
        return connection.execute(statement, parameters).fetchall()


# Payments


def test_a_registered_payment_can_be_looked_up(client: httpx.Client) -> None:
    body = registration()
    answer = client.post("/api/payments", json=body)
    assert answer.status_code == 201
    payment = answer.json()
    assert {name: payment[name] for name in body} == body
    assert (payment["status"], payment["escrowState"], payment["received"]) == ("pending", "none", "0")
    assert (payment["missing"], payment["excess"], payment["late"]) == ("49.90", "0", False)
    assert [entry["observation"] for entry in payment["history"]] == ["registered"]
    assert client.get(f"/api/payments/{payment['paymentId']}").json() == payment
    found = client.get("/api/payments", params={"requestId": str(body["requestId"])})
    assert found.json() == {"payments": [payment]}


def test_registering_again_answers_with_the_same_payment(client: httpx.Client) -> None:
    body = registration()
    first = client.post("/api/payments", json=body)
    again = client.post("/api/payments", json={**body, "amount": "49.9"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


def test_concurrent_registrations_make_one_payment(client: httpx.Client) -> None:
    body = registration()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: client.post("/api/payments", json=body), range(32)))
    assert sorted({answer.status_code for answer in answers}) == [200, 201]
    assert len({answer.json()["paymentId"] for answer in answers}) == 1


def test_an_idempotency_key_stands_for_one_request(client: httpx.Client) -> None:
    body = registration()
    headers = {"Idempotency-Key": f"key-{body['externalId']}"}
    first = client.post("/api/payments", json=body, headers=headers)
    assert client.post("/api/payments", json=body, headers=headers).json() == first.json()
    reused = client.post("/api/payments", json=registration(), headers=headers)
    assert "send a new key" in problem(reused, 422)["detail"]


def test_an_external_id_with_other_fields_is_a_conflict_that_names_the_payment(client: httpx.Client) -> None:
    body = registration()
    first = client.post("/api/payments", json=body).json()
    conflict = problem(client.post("/api/payments", json={**body, "amount": "50"}), 409)
    assert conflict["paymentId"] == first["paymentId"]
    assert "another amount" in conflict["detail"]


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"buyerId": ...}, "buyerId", "required"),
        ({"buyerId": ""}, "buyerId", "at least 1 character"),
        ({"buyerId": "a" * 201}, "buyerId", "at most 200"),
        ({"buyerId": "a\nb"}, "buyerId", "pattern"),
        ({"buyerId": 5}, "buyerId", "string"),
        ({"amount": 49.9}, "amount", "a float would lose digits"),
        ({"amount": "-1"}, "amount", "non-negative"),
        ({"amount": "0.00"}, "amount", "more than zero"),
        ({"amount": "1e999"}, "amount", "at most 78 digits"),
        ({"currency": "U S D"}, "currency", "pattern"),
        ({"provider": "paypal"}, "provider", "known: shkeeper"),
        ({"colour": "red"}, "colour", "not permitted"),
    ],
)
def test_a_wrong_field_is_named(client: httpx.Client, changes: dict[str, object], field: str, message: str) -> None:
    document = problem(client.post("/api/payments", json=registration(**changes)), 400)
    assert [error["field"] for error in document["errors"]] == [field]
    assert message in document["detail"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(client: httpx.Client, body: bytes) -> None:
    problem(client.post("/api/payments", content=body, headers={"Content-Type": "application/json"}), 400)


def test_what_does_not_exist_is_not_found(client: httpx.Client) -> None:
    problem(client.get("/api/payments/pay_unknown"), 404)
    problem(client.get("/api/payments/%00"), 404)
    problem(client.get("/api/payments", params={"requestId": "\x00"}), 400)
    problem(client.get("/api/nothing"), 404)
    problem(client.delete("/api/payments"), 405)
    assert client.get("/api/payments", params={"requestId": "unknown"}).json() == {"payments": []}


def test_a_list_needs_its_request(client: httpx.Client) -> None:
    assert "requestId" in problem(client.get("/api/payments"), 400)["detail"]


# Webhooks

PostWebhook = Callable[[bytes, Mapping[str, str]], httpx.Response]


@pytest.fixture(params=["at-once", "in-pieces"])
def post_webhook(client: httpx.Client, request: pytest.FixtureRequest) -> PostWebhook:
    """Posts a webhook as gateways do; and in pieces without saying how much is to come, which goes the long way."""

    def post(body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        content = body if request.param == "at-once" else iter((body[:20], body[20:]))
        return client.post("/webhooks/shkeeper", content=content, headers=dict(headers))

    return post


@pytest.mark.parametrize("key", KEYS)
def test_a_webhook_signed_with_any_of_the_keys_moves_its_payment(
    client: httpx.Client, post_webhook: PostWebhook, key: str
) -> None:
    body = registration()
    payment_id = client.post("/api/payments", json=body).json()["paymentId"]
    hook = notice(body["externalId"])
    answer = post_webhook(hook, signed(hook, key))
    assert (answer.status_code, answer.json()) == (202, {"outcome": "applied", "paymentId": payment_id})
    payment = client.get(f"/api/payments/{payment_id}").json()
    assert (payment["status"], payment["escrowState"], payment["received"]) == ("completed", "funded", "49.9")
    assert payment["history"][-1]["txHash"] == "0x1"
    again = post_webhook(hook, signed(hook, key))
    assert (again.status_code, again.json()["outcome"]) == (202, "duplicate")


def test_a_webhook_for_an_unknown_payment_is_kept_for_it(client: httpx.Client, post_webhook: PostWebhook) -> None:
    body = registration()
    hook = notice(body["externalId"])
    answer = post_webhook(hook, signed(hook))
    assert (answer.status_code, answer.json()) == (202, {"outcome": "kept", "paymentId": None})
    assert client.post("/api/payments", json=body).json()["status"] == "completed"


def test_a_numeric_external_id_comes_back_as_text(client: httpx.Client, post_webhook: PostWebhook) -> None:
    number = 9_000_000 + next(NUMBERS)
    client.post("/api/payments", json=registration(externalId=str(number)))
    hook = notice(number)
    assert post_webhook(hook, signed(hook)).json()["outcome"] == "applied"


def counted(client: httpx.Client, outcome: str) -> float:
    name = f'bridge_webhooks_total{{outcome="{outcome}",provider="shkeeper"}} '
    lines = [line for line in client.get("/metrics").text.splitlines() if line.startswith(name)]
    return float(lines[0].removeprefix(name)) if lines else 0.0


def test_a_bad_signature_is_refused_counted_and_leaves_nothing(
    client: httpx.Client, post_webhook: PostWebhook, bridge: Any
) -> None:
    hook = notice("never-stored")
    before = counted(client, "refused-bad-signature")
    answer = post_webhook(hook, signed(hook, "another key"))
    problem(answer, 401)
    altered = post_webhook(hook + b" ", signed(hook))
    problem(altered, 401)
    assert counted(client, "refused-bad-signature") == before + 2
    problem(post_webhook(hook, signed(hook, age_seconds=301)), 401)
    problem(post_webhook(hook, {}), 401)
    problem(post_webhook(hook, {"X-Shkeeper-Api-Key": KEYS[0]}), 401)
    assert stored(bridge, "SELECT 1 FROM observations WHERE external_id = 'never-stored'") == []
    assert stored(bridge, "SELECT 1 FROM unreadable_webhooks WHERE body = ?", hook) == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b'{"status":"PAID"}', b'{"external_id":null}'])
def test_a_signed_body_that_makes_no_sense_is_kept_and_refused(
    client: httpx.Client, post_webhook: PostWebhook, bridge: Any, body: bytes
) -> None:
    for _ in range(2):
        document = problem(post_webhook(body, signed(body)), 400)
        assert "kept" in document["detail"]
    assert len(stored(bridge, "SELECT reason FROM unreadable_webhooks WHERE body = ?", body)) == 1


def test_webhooks_of_nobody_and_of_great_size_are_refused(client: httpx.Client, post_webhook: PostWebhook) -> None:
    assert "shkeeper" in problem(client.post("/webhooks/paypal", content=b"{}"), 404)["detail"]
    large = notice("x", addr="0" * 5000)
    before = counted(client, "refused-too-large")
    refused = problem(post_webhook(large, signed(large)), 413)
    assert "at most 4000 bytes" in refused["detail"]
    assert counted(client, "refused-too-large") == before + 1
    problem(client.get("/webhooks/shkeeper"), 405)


def test_money_in_another_currency_is_not_counted_and_stands_in_the_history(
    client: httpx.Client, post_webhook: PostWebhook
) -> None:
    body = registration()
    payment_id = client.post("/api/payments", json=body).json()["paymentId"]
    hook = notice(body["externalId"], fiat="EUR")
    assert post_webhook(hook, signed(hook)).json()["outcome"] == "other-currency"
    payment = client.get(f"/api/payments/{payment_id}").json()
    assert payment["status"] == "pending"
    assert payment["history"][-1]["effect"] == "other-currency"


def test_a_web_page_cannot_post_webhooks(client: httpx.Client) -> None:
    hook = notice("of-a-page")
    headers = signed(hook) | {"Origin": "https://elsewhere.example"}
    problem(client.post("/webhooks/shkeeper", content=hook, headers=headers), 403)


@pytest.mark.parametrize("path", ["/webhooks/shkeeper", "/api/payments"])
def test_who_leaves_before_all_is_said_leaves_nothing(client: httpx.Client, bridge: Any, path: str) -> None:
    hook = notice("never-whole")
    lines = [f"{name}: {value}" for name, value in (signed(hook) | {"Content-Length": str(len(hook))}).items()]
    with socket.create_connection(("127.0.0.1", bridge.port)) as connection:
        connection.sendall("\r\n".join([f"POST {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode())
        connection.sendall(hook[:-1])
    assert client.get("/health/ready").status_code == 200
    assert stored(bridge, "SELECT 1 FROM observations WHERE external_id = 'never-whole'") == []
    assert f"POST {path}" not in bridge.log.read_text()


def test_what_cannot_be_committed_is_answered_503_and_taken_later(make_bridge: Any) -> None:
    bridge = make_bridge(BRIDGE_SHKEEPER_API_KEYS=KEYS[0])
    hook = notice("order-1")
    with httpx.Client(verify=False, base_url=bridge.url, timeout=30, trust_env=False) as client:
        blocker = sqlite3.connect(bridge.database, isolation_level=None)
        blocker.execute("BEGIN EXCLUSIVE")
        refused = client.post("/webhooks/shkeeper", content=hook, headers=signed(hook))
        problem(refused, 503)
        assert refused.headers["retry-after"]
        readiness = client.get("/health/ready")
        assert (readiness.status_code, readiness.json()["status"]) == (503, "not ready")
        blocker.execute("ROLLBACK")
        blocker.close()
        assert client.post("/webhooks/shkeeper", content=hook, headers=signed(hook)).json()["outcome"] == "kept"
        assert client.get("/health/ready").status_code == 200


# The rest


def test_health(client: httpx.Client) -> None:
    assert client.get("/health/live").json() == {"status": "alive"}
    assert client.get("/health/ready").json() == {
        "status": "ready",
        "checks": {"journal": "ok", "dispatcher": "ok"},
    }


def test_only_the_front_end_may_read_answers_in_a_browser(client: httpx.Client) -> None:
    friend = client.get("/health/live", headers={"Origin": "http://localhost:3000"})
    assert friend.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert friend.headers["access-control-allow-credentials"] == "true"
    stranger = client.get("/health/live", headers={"Origin": "http://evil.example"})
    assert "access-control-allow-origin" not in stranger.headers
    preflight = client.options(
        "/api/payments",
        headers={
            "Origin": "http://localhost:3000",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type, idempotency-key",
        },
    )
    assert preflight.status_code == 204


def test_a_page_of_another_origin_can_change_nothing_even_without_asking_first(client: httpx.Client) -> None:
    simple = {"Origin": "http://evil.example", "Content-Type": "text/plain"}  # browsers send this without a preflight
    body = registration()
    document = problem(client.post("/api/payments", content=json.dumps(body), headers=simple), 403)
    assert "http://localhost:3000" in document["detail"]
    assert client.get("/api/payments", params={"requestId": str(body["requestId"])}).json() == {"payments": []}
    friend = {**simple, "Origin": "http://localhost:3000"}
    assert client.post("/api/payments", content=json.dumps(body), headers=friend).status_code == 201


def test_the_log_tells_how_payments_fare(client: httpx.Client, bridge: Any) -> None:
    body = registration()
    payment_id = client.post("/api/payments", json=body).json()["paymentId"]
    short = notice(body["externalId"], balance_fiat="49.8")
    assert client.post("/webhooks/shkeeper", content=short, headers=signed(short)).status_code == 202
    unknown = notice("never-registered")
    assert client.post("/webhooks/shkeeper", content=unknown, headers=signed(unknown)).status_code == 202
    log = bridge.log.read_text()
    name = f"{payment_id} (shkeeper {body['externalId']})"
    assert f"INFO    bridge.payments: {name} is pending: 0 of 49.90 USD received" in log
    assert f"{name} is completed: 49.8 of 49.90 USD received; the provider calls that paid" in log
    assert "WARNING bridge.payments: shkeeper never-registered is not registered" in log


def test_the_openapi_document_describes_the_routes_with_examples(client: httpx.Client) -> None:
    document = client.get("/schema/openapi.json").json()
    assert set(document["paths"]) == {
        "/api/chains",
        "/api/chains/troubles",
        "/api/chats/{chat_id}/messages",
        "/api/events",
        "/api/notifications/unread-count",
        "/api/ops/actions",
        "/api/ops/attention",
        "/api/ops/payments",
        "/api/ops/payments.csv",
        "/api/ops/payments/{payment_id}",
        "/api/ops/payments/{payment_id}/story",
        "/api/ops/payouts",
        "/api/ops/payouts.csv",
        "/api/ops/payouts/{payout_id}",
        "/api/ops/payouts/{payout_id}/recheck",
        "/api/ops/payouts/{payout_id}/resolution",
        "/api/ops/payouts/{payout_id}/story",
        "/api/ops/session",
        "/api/ops/system",
        "/api/ops/totals",
        "/api/ops/webhooks/{webhook_id}/replay",
        "/api/payments",
        "/api/payments/{payment_id}",
        "/api/payments/{payment_id}/invoices",
        "/api/payments/{payment_id}/transaction",
        "/api/payouts",
        "/api/payouts/{payout_id}",
        "/api/payouts/{payout_id}/resolution",
        "/api/payouts/{payout_id}/transaction",
        "/api/presence",
        "/api/purchase-requests/{request_id}",
        "/api/template-checkouts",
        "/api/template-checkouts/{checkout_id}",
        "/health/live",
        "/health/ready",
        "/webhooks/{provider}",
    }
    register = document["paths"]["/api/payments"]["post"]
    [example] = document["components"]["schemas"]["PaymentRequest"]["examples"]
    answer = client.post("/api/payments", json={**example, "externalId": f"example-{next(NUMBERS)}"})
    assert answer.status_code == 201
    for status in ("200", "201"):
        [shown] = register["responses"][status]["content"]["application/json"]["examples"].values()
        # Examples in the document show no field that is null.
        assert set(shown["value"]) == {name for name, value in answer.json().items() if value is not None}
    assert {"201", "400", "409", "422", "503"} <= set(register["responses"])
    webhook = document["paths"]["/webhooks/{provider}"]["post"]
    assert webhook["requestBody"]["content"]["application/json"]["examples"]
    assert {"202", "400", "401", "413", "503"} <= set(webhook["responses"])
    assert "8ab8671c214d48fc8ad8c79270d0be301ffa5a9aa90e44e570baaff3dd6d2501" in webhook["description"]


def test_no_key_is_ever_written_down(client: httpx.Client, bridge: Any) -> None:
    hook = notice("order-secret")
    client.post("/webhooks/shkeeper", content=hook, headers=signed(hook) | {"X-Shkeeper-Api-Key": KEYS[0]})
    client.post("/webhooks/shkeeper", content=hook, headers={"X-Shkeeper-Api-Key": KEYS[1]})
    log = bridge.log.read_text()
    assert "refused a webhook" in log
    for key in KEYS:
        assert key not in log
        assert key.encode() not in bridge.database.read_bytes()
