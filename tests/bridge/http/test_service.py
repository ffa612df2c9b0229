"""What holds for every route: health, pages of other origins, the log, the OpenAPI document; and no key is kept."""

import json
import re
from typing import Any

import httpx
import pytest

from tests.bridge.http.exchanges import KEYS, NUMBERS, notice, problem, registration, signed


def test_health(client: httpx.Client) -> None:
    assert client.get("/health/live").json() == {"status": "alive"}
    assert client.get("/health/ready").json() == {
        "status": "ready",
        "checks": dict.fromkeys(
            (
                *("connections", "journal", "dispatcher", "files", "disk", "descriptors", "loop", "unread"),
                *("webhooks", "presence", "dates"),
            ),
            "ok",
        ),
    }


def test_a_supervisor_may_ask_with_head(client: httpx.Client) -> None:
    for path in ("/health/live", "/health/ready"):
        answer = client.head(path)
        assert (answer.status_code, answer.content) == (200, b"")
        assert int(answer.headers["Content-Length"]) == len(client.get(path).content)
    refused = client.post("/health/live")
    assert (refused.status_code, set(refused.headers["Allow"].split(", "))) == (405, {"GET", "HEAD", "OPTIONS"})


def spelled_otherwise(path: str) -> set[str]:
    """What some servers take for the same path, and a rule of a proxy by its letters does not."""
    first, *others = path.removeprefix("/").removesuffix("/").split("/")
    encoded = f"/%{ord(first[0]):02x}{first[1:]}"
    spellings = {f"/{path}", f"{path}/", "/".join([encoded, *others]), f"/%2E{path}"}
    if others:
        spellings |= {f"/{first}//{'/'.join(others)}", f"/{first}%2F{'/'.join(others)}"}
    return spellings


@pytest.mark.parametrize(
    "path",
    [
        *("/metrics", "/health/live", "/health/ready", "/api/payments", "/api/ops/actions", "/webhooks/shkeeper"),
        *("/ops", "/ops/system", "/schema/openapi.json", "/socket.io/"),
    ],
)
def test_a_path_has_one_spelling(client: httpx.Client, path: str) -> None:
    def status_of(spelling: str, **headers: str) -> int:
        url = client.base_url.copy_with(raw_path=spelling.encode() + b"?EIO=4&transport=polling")
        return client.send(client.build_request("GET", url, headers=headers)).status_code

    assert status_of(path) in (200, 400, 405)  # the requests of those lack something, and the webhook is a POST
    assert {spelling: status_of(spelling) for spelling in spelled_otherwise(path)} == dict.fromkeys(
        spelled_otherwise(path), 404
    )
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    assert status_of(f"/{path}", **upgrade) in (403, 404)


def test_an_id_in_a_path_may_be_written_in_percents_where_it_has_to_be(client: httpx.Client) -> None:
    answer = client.get("/api/payments/caf%C3%A9%20%7E%3A")
    assert problem(answer, 404)["detail"] == "There is no payment 'café ~:'."


def test_a_parameter_that_a_route_does_not_have_is_refused_with_the_names_of_those_it_has(
    client: httpx.Client,
) -> None:
    paths = client.get("/schema/openapi.json").json()["paths"]
    routes = [
        (method, path, [one["name"] for one in route.get("parameters", ()) if one["in"] == "query"])
        for path, methods in paths.items()
        for method, route in methods.items()
        if path.startswith("/api/")
    ]
    for method, path, names in routes:
        answer = client.request(method, re.sub(r"\{.*?\}", "1", path), params={"statsu": "paid", "Limit": "1"})
        expected = f"expected some of {', '.join(sorted(names))}" if names else "none is taken here"
        message = f"there is no such parameter; {expected}"
        assert problem(answer, 400)["errors"] == [{"field": name, "message": message} for name in ("statsu", "Limit")]
    assert len(routes) > 60


def test_what_others_put_behind_the_addresses_of_pages_probes_and_webhooks_is_passed_over(
    client: httpx.Client,
) -> None:
    for path in ("/ops", "/health/live", "/metrics", "/schema/openapi.json", "/socket.io/"):
        asked = {"EIO": "4", "transport": "polling", "utm_source": "mail"}
        assert client.get(path, params=asked).status_code == 200
    body = notice(f"order-{next(NUMBERS)}")
    answer = client.post("/webhooks/shkeeper", params={"shop": "1"}, content=body, headers=signed(body))
    assert answer.status_code == 202


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
    assert client.get("/api/payments", params={"requestId": str(body["requestId"])}).json()["payments"] == []
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
    assert f"INFO    bridge.payments: {name} is pending: 0.00 of 49.90 USD received" in log
    assert f"{name} is completed: 49.80 of 49.90 USD received; that passes as paid" in log
    assert "WARNING bridge.payments: shkeeper never-registered is not registered" in log


def test_the_openapi_document_is_compressed_and_not_sent_twice(client: httpx.Client) -> None:
    plain = client.get("/schema/openapi.json", headers={"Accept-Encoding": "identity"})
    packed = client.get("/schema/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert ("Content-Encoding" in plain.headers, packed.headers["Content-Encoding"]) == (False, "gzip")
    assert packed.json() == plain.json()
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 8
    for answer, accepted in ((plain, "identity"), (packed, "gzip")):
        assert (answer.headers["Cache-Control"], answer.headers["Vary"]) == ("no-cache", "Accept-Encoding")
        had = {"Accept-Encoding": accepted, "If-None-Match": answer.headers["ETag"]}
        again = client.get("/schema/openapi.json", headers=had)
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", answer.headers["ETag"])
        told = client.head("/schema/openapi.json", headers={"Accept-Encoding": accepted})
        assert (told.headers["ETag"], told.headers["Content-Length"]) == (
            answer.headers["ETag"],
            answer.headers["Content-Length"],
        )
    assert client.get("/schema/other.json").status_code == 404


def test_the_openapi_document_describes_the_routes_with_examples(client: httpx.Client) -> None:
    document = client.get("/schema/openapi.json").json()
    assert set(document["paths"]) == {
        "/api/access",
        "/api/chains",
        "/api/chains/troubles",
        "/api/chats/{chat_id}/messages",
        "/api/endpoints",
        "/api/endpoints/{endpoint_id}",
        "/api/endpoints/{endpoint_id}/deliveries",
        "/api/endpoints/{endpoint_id}/deliveries/{message_id}",
        "/api/endpoints/{endpoint_id}/deliveries/{message_id}/replay",
        "/api/endpoints/{endpoint_id}/disabling",
        "/api/endpoints/{endpoint_id}/enabling",
        "/api/endpoints/{endpoint_id}/removal",
        "/api/endpoints/{endpoint_id}/replay",
        "/api/endpoints/{endpoint_id}/secrets",
        "/api/endpoints/{endpoint_id}/test",
        "/api/events",
        "/api/notifications/unread-count",
        "/api/ops/access",
        "/api/ops/actions",
        "/api/ops/attention",
        "/api/ops/attention/assignment",
        "/api/ops/attention/closure",
        "/api/ops/attention/dismissal",
        "/api/ops/attention/history",
        "/api/ops/attention/note",
        "/api/ops/attention/reopening",
        "/api/ops/attention/snooze",
        "/api/ops/connections",
        "/api/ops/entries.csv",
        "/api/ops/entries.xlsx",
        "/api/ops/histories",
        "/api/ops/hold",
        "/api/ops/network-fees",
        "/api/ops/network-fees.csv",
        "/api/ops/network-fees.xlsx",
        "/api/ops/payments",
        "/api/ops/payments.csv",
        "/api/ops/payments.xlsx",
        "/api/ops/payments/{payment_id}",
        "/api/ops/payments/{payment_id}/acceptance",
        "/api/ops/payments/{payment_id}/cancellation",
        "/api/ops/payments/{payment_id}/refund",
        "/api/ops/payments/{payment_id}/settlement",
        "/api/ops/payments/{payment_id}/story",
        "/api/ops/payments/{payment_id}/transaction",
        "/api/ops/payments/{payment_id}/waiting",
        "/api/ops/payouts",
        "/api/ops/payouts.csv",
        "/api/ops/payouts.xlsx",
        "/api/ops/payouts/{payout_id}",
        "/api/ops/payouts/{payout_id}/approval",
        "/api/ops/payouts/{payout_id}/cancellation",
        "/api/ops/payouts/{payout_id}/recheck",
        "/api/ops/payouts/{payout_id}/rejection",
        "/api/ops/payouts/{payout_id}/resolution",
        "/api/ops/payouts/{payout_id}/story",
        "/api/ops/refunds/{refund_id}/cancellation",
        "/api/ops/resumption",
        "/api/ops/session",
        "/api/ops/statement",
        "/api/ops/statement.csv",
        "/api/ops/statement.xlsx",
        "/api/ops/system",
        "/api/ops/totals",
        "/api/ops/totals.csv",
        "/api/ops/totals.xlsx",
        "/api/ops/transfers",
        "/api/ops/transfers.csv",
        "/api/ops/transfers.xlsx",
        "/api/ops/wallets",
        "/api/ops/reconciliation",
        "/api/ops/reconciliation.csv",
        "/api/ops/reconciliation.xlsx",
        "/api/ops/wallet-movements",
        "/api/ops/webhooks/{webhook_id}/replay",
        "/api/payments",
        "/api/payments/{payment_id}",
        "/api/payments/{payment_id}/cancellation",
        "/api/payments/{payment_id}/invoices",
        "/api/payments/{payment_id}/price",
        "/api/payments/{payment_id}/transaction",
        "/api/payouts",
        "/api/payouts/destinations",
        "/api/payouts/destinations/removal",
        "/api/payouts/hold",
        "/api/payouts/resumption",
        "/api/payouts/{payout_id}",
        "/api/payouts/{payout_id}/approval",
        "/api/payouts/{payout_id}/cancellation",
        "/api/payouts/{payout_id}/rejection",
        "/api/payouts/{payout_id}/resolution",
        "/api/payouts/{payout_id}/transaction",
        "/api/presence",
        "/api/purchase-requests/{request_id}",
        "/api/refunds",
        "/api/refunds/{refund_id}",
        "/api/refunds/{refund_id}/cancellation",
        "/api/refunds/{refund_id}/destination",
        "/api/refunds/{refund_id}/destination/check",
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
