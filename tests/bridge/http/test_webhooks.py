"""SHKeeper's webhooks: which are taken, what is kept of those that make no sense, and which leave nothing."""

import socket
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from bridge.http.webhooks import Accepted
from bridge.journal import Outcome
from tests.asking import client_of
from tests.bridge.http.exchanges import KEYS, NUMBERS, notice, problem, registration, signed, stored
from tests.waiting import GIVE_UP_SECONDS, wait_until

PostWebhook = Callable[[bytes, Mapping[str, str]], httpx.Response]


@pytest.fixture(params=["at-once", "in-pieces"])
def post_webhook(client: httpx.Client, request: pytest.FixtureRequest) -> PostWebhook:
    """Posts a webhook as gateways do; and in pieces without saying how much is to come, which goes the long way."""

    def post(body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        content = body if request.param == "at-once" else iter((body[:20], body[20:]))
        return client.post("/webhooks/shkeeper", content=content, headers=dict(headers))

    return post


@pytest.mark.parametrize("payment_id", [None, "pay_1", 'a "quoted" \\ one', "\u00e9\U0001f980"])
@pytest.mark.parametrize("outcome", Outcome)
def test_what_was_accepted_is_said_as_its_model_says_it(outcome: Outcome, payment_id: str | None) -> None:
    accepted = Accepted(outcome=outcome, payment_id=payment_id)
    assert accepted.as_json() == accepted.model_dump_json()


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
    assert (payment["status"], payment["escrowState"], payment["received"]) == ("completed", "funded", "49.90")
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


def test_while_all_that_the_gateway_signs_is_refused_for_its_clock_readiness_says_so(
    client: httpx.Client, post_webhook: PostWebhook
) -> None:
    hook = notice("of-another-time")
    problem(post_webhook(hook, signed(hook, age_seconds=400)), 401)
    answer = client.get("/health/ready")
    assert (answer.status_code, "degraded: shkeeper's are refused: " in answer.json()["checks"]["webhooks"]) == (
        200,
        True,
    )
    assert "s behind this machine's time" in answer.json()["checks"]["webhooks"]
    assert post_webhook(hook, signed(hook)).status_code == 202
    assert client.get("/health/ready").json()["checks"]["webhooks"] == "ok"


# Whole but for an id that looks like another one, or turns around what stands behind it.
UNSEEN = [notice(f"order{unseen}-1", addr="0xabc") for unseen in ("\u202e", "\u200b", "\U000e0041")]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b'{"status":"PAID"}', b'{"external_id":null}', *UNSEEN])
def test_a_signed_body_that_makes_no_sense_is_kept_and_refused(
    client: httpx.Client, post_webhook: PostWebhook, bridge: Any, body: bytes
) -> None:
    for _ in range(2):
        document = problem(post_webhook(body, signed(body)), 400)
        assert "stored" in document["detail"]
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
    with socket.create_connection(("127.0.0.1", bridge.port), timeout=GIVE_UP_SECONDS) as connection:
        connection.sendall("\r\n".join([f"POST {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode())
        connection.sendall(hook[:-1])
    assert client.get("/health/ready").status_code == 200
    assert stored(bridge, "SELECT 1 FROM observations WHERE external_id = 'never-whole'") == []
    assert f"POST {path}" not in bridge.log.read_text()


def test_what_cannot_be_committed_is_answered_503_and_taken_later(make_bridge: Any) -> None:
    bridge = make_bridge(BRIDGE_SHKEEPER_API_KEYS=KEYS[0])
    hook = notice("order-1")
    with client_of(bridge.url) as client:
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
        wait_until(lambda: client.get("/health/ready").status_code == 200)
