"""What finance ops do on a real, running bridge beside a local SHKeeper: it counts once, and is on record."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest

from providers.shkeeper.simulator.books.payouts import Outcome
from providers.shkeeper.simulator.faults import Call, Happens, What
from providers.shkeeper.simulator.notices import compact, signed_headers
from tests.asking import client_of
from tests.bridge.http.exchanges import write
from tests.clock import BOOKED_AT
from tests.made_destinations import destination
from tests.played_shkeeper import KEY, OPERATOR_PASSWORD, PlayedShkeeper, played_shkeeper
from tests.waiting import wait_until

SECRET = "a secret of at least thirty-two bytes"
BY = {"by": "Ada"}
LOOKED_UP_LATER = ("networkFee", "networkFeeUnknown", "updatedAt")


@pytest.fixture
def shkeeper() -> Iterator[PlayedShkeeper]:
    with played_shkeeper() as played:
        yield played


@pytest.fixture
def bridge(make_bridge: Any, shkeeper: PlayedShkeeper) -> Any:
    return make_bridge(
        BRIDGE_SHKEEPER_API_KEYS=KEY,
        BRIDGE_SHKEEPER_URL=shkeeper.url,
        BRIDGE_SHKEEPER_USER="admin",
        BRIDGE_SHKEEPER_PASSWORD=OPERATOR_PASSWORD,
    )


@pytest.fixture
def client(bridge: Any) -> Iterator[httpx.Client]:
    with client_of(bridge.url) as client:
        yield client


def ok(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, answer.text
    content: dict[str, Any] = answer.json()
    return content


def registered(client: httpx.Client, external_id: str = "order-1") -> str:
    content = {
        "provider": "shkeeper",
        "externalId": external_id,
        "requestId": "r1",
        "buyerId": "b1",
        "sellerId": "s1",
        "amount": "50.00",
        "currency": "USD",
    }
    payment_id: str = ok(client.post("/api/payments", json=content))["paymentId"]
    return payment_id


def notice(external_id: str, **changes: Any) -> bytes:
    transaction = {
        "amount_crypto": "50",
        "amount_fiat": "50",
        "crypto": "ETH-USDT",
        "date": BOOKED_AT,
        "trigger": True,
        "txid": "0xabc",
    }
    fields = {
        "addr": "0x1",
        "balance_fiat": "50",
        "crypto": "ETH-USDT",
        "external_id": external_id,
        "fiat": "USD",
        "status": "PAID",
        "transactions": [transaction],
    }
    return compact({**fields, **changes})


def post(client: httpx.Client, body: bytes) -> httpx.Response:
    return client.post("/webhooks/shkeeper", content=body, headers=signed_headers(KEY, body, datetime.now(UTC)))


def attention(client: httpx.Client) -> dict[str, dict[str, Any]]:
    """What needs a person, by its kind; there is one of each at most."""
    items = ok(client.get("/api/ops/attention"))["items"]
    by_kind = {item["kind"]: item for item in items}
    assert len(by_kind) == len(items)
    return by_kind


def stored_unreadable(bridge: Any, client: httpx.Client, body: bytes) -> str:
    """Keeps what an earlier version could not read: a webhook that makes no sense, whose body then turns out to."""
    assert post(client, notice("order-1", status="ON_HOLD")).status_code == 400
    item = attention(client)["webhook-unreadable"]
    assert item["actions"] == ["replay", "dismiss"]
    write(bridge, "UPDATE unreadable_webhooks SET body = ?", body)
    webhook_id: str = item["webhookId"]
    return webhook_id


def replay(client: httpx.Client, webhook_id: str, by: str = "Ada") -> dict[str, Any]:
    return ok(client.post(f"/api/ops/webhooks/{webhook_id}/replay", json={"by": by}))


def updates(client: httpx.Client) -> list[str]:
    told = ok(client.get("/api/events", params={"room": "request-r1", "limit": 500}))["events"]
    return [one["data"]["status"] for one in told if one["event"] == "payment-update"]


# Replay


def test_a_replayed_webhook_moves_its_payment_once(bridge: Any, client: httpx.Client) -> None:
    payment_id = registered(client)
    body = notice("order-1")
    webhook_id = stored_unreadable(bridge, client, body)
    with ThreadPoolExecutor(4) as pool:
        replays = list(pool.map(lambda number: replay(client, webhook_id, f"Ada {number}"), range(4)))
    assert sorted(one["outcome"] for one in replays) == ["applied", "duplicate", "duplicate", "duplicate"]
    assert post(client, body).json()["outcome"] == "duplicate"
    assert ok(client.get(f"/api/payments/{payment_id}"))["status"] == "completed"
    assert updates(client) == ["completed"]
    assert attention(client) == {}
    actions = ok(client.get("/api/ops/actions"))["actions"]
    assert {(one["action"], one["subject"]) for one in actions} == {("replay", webhook_id)}
    assert {one["by"] for one in actions} == {f"Ada {number}" for number in range(4)}
    assert [one["actionId"] for one in actions] == ["4", "3", "2", "1"]


def test_a_webhook_that_came_again_in_the_meantime_is_not_counted_by_its_replay(
    bridge: Any, client: httpx.Client
) -> None:
    registered(client)
    body = notice("order-1")
    webhook_id = stored_unreadable(bridge, client, body)
    assert post(client, body).json()["outcome"] == "applied"
    assert replay(client, webhook_id)["outcome"] == "duplicate"
    assert updates(client) == ["completed"]
    assert attention(client) == {}


def test_what_still_makes_no_sense_stays_for_a_person(client: httpx.Client) -> None:
    assert post(client, notice("order-1", status="ON_HOLD")).status_code == 400
    webhook_id = attention(client)["webhook-unreadable"]["webhookId"]
    replayed = replay(client, webhook_id)
    assert (replayed["outcome"], "status" in replayed["message"]) == ("unreadable", True)
    assert attention(client).keys() == {"webhook-unreadable"}
    assert replayed["action"] == ok(client.get("/api/ops/actions?limit=1"))["actions"][0]


def test_a_replayed_webhook_of_an_unknown_payment_waits_for_it(bridge: Any, client: httpx.Client) -> None:
    webhook_id = stored_unreadable(bridge, client, notice("order-1"))
    assert replay(client, webhook_id)["outcome"] == "kept"
    waiting = attention(client)["webhook-unmatched"]
    assert (waiting["actions"], "order-1" in waiting["detail"]) == (["dismiss"], True)
    assert replay(client, waiting["webhookId"])["outcome"] == "kept"
    registered(client)
    assert updates(client) == ["completed"]
    assert attention(client) == {}
    assert replay(client, waiting["webhookId"])["outcome"] == "duplicate"
    assert updates(client) == ["completed"]


def test_there_is_nothing_to_replay_of_what_was_not_kept_and_nobody_acts_without_a_name(client: httpx.Client) -> None:
    for webhook_id in ("webhook_99", "waiting_99", "webhook_x", "out_1", "1", "webhook_-1"):
        answer = client.post(f"/api/ops/webhooks/{webhook_id}/replay", json=BY)
        assert (webhook_id, answer.status_code) == (webhook_id, 404)
    for path in ("webhooks/webhook_1/replay", "payouts/out_1/recheck"):
        for content in ({}, {"by": ""}, {"by": " "}, {"by": "x" * 101}, {"by": "a\nb"}, {"by": 1}):
            answer = client.post(f"/api/ops/{path}", json=content)
            assert (content, answer.status_code, answer.json()["errors"][0]["field"]) == (content, 400, "by")
    assert ok(client.get("/api/ops/actions"))["actions"] == []


# Dismissal


def dismiss(client: httpx.Client, item: dict[str, Any]) -> httpx.Response:
    return client.post("/api/ops/attention/dismissal", json={"id": item["id"], "by": "Ada"})


def test_what_was_dismissed_stays_off_the_list_until_there_is_news_of_it(client: httpx.Client) -> None:
    assert post(client, notice("order-1", balance_fiat="1", status="PARTIAL")).json()["outcome"] == "kept"
    item = attention(client)["webhook-unmatched"]
    dismissed = ok(dismiss(client, item))
    assert "comes back" in dismissed["message"]
    assert attention(client) == {}
    assert dismiss(client, item).status_code == 404
    assert ok(client.get("/api/ops/actions"))["actions"] == [dismissed["action"]]
    assert (dismissed["action"]["subject"], dismissed["action"]["by"]) == (item["id"], "Ada")
    assert post(client, notice("order-1", balance_fiat="1", status="PARTIAL")).json()["outcome"] == "duplicate"
    assert attention(client) == {}
    assert post(client, notice("order-1")).json()["outcome"] == "kept"
    assert attention(client).keys() == {"webhook-unmatched"}
    registered(client)
    assert updates(client)[-1] == "completed"


def test_a_repeat_of_an_old_dismissal_takes_no_news_off_the_list(client: httpx.Client) -> None:
    assert post(client, notice("order-2", balance_fiat="1", status="PARTIAL")).json()["outcome"] == "kept"
    item = attention(client)["webhook-unmatched"]
    said = {"id": item["id"], "by": "Ada", "seen": item["mark"]}
    ok(client.post("/api/ops/attention/dismissal", json=said))
    assert post(client, notice("order-2")).json()["outcome"] == "kept"
    news = attention(client)["webhook-unmatched"]
    assert (news["id"], news["mark"] != item["mark"]) == (item["id"], True)
    repeated = client.post("/api/ops/attention/dismissal", json=said)
    assert (repeated.status_code, repeated.json()["code"]) == (409, "changed_since")
    assert attention(client)["webhook-unmatched"] == news
    ok(client.post("/api/ops/attention/dismissal", json={**said, "seen": news["mark"]}))
    assert attention(client) == {}


def test_what_is_critical_is_first_on_the_list_whatever_its_kind(make_bridge: Any) -> None:
    severities = {"webhook-unmatched": "critical", "payouts-held": "notice"}
    alerts = json.dumps({"severities": severities})
    with client_of(make_bridge(BRIDGE_SHKEEPER_API_KEYS=KEY, BRIDGE_ALERTS=alerts).url) as client:
        ok(client.post("/api/ops/hold", json=BY))
        post(client, notice("order-1", status="ON_HOLD"))
        post(client, notice("order-1", balance_fiat="1", status="PARTIAL"))
        items = ok(client.get("/api/ops/attention"))["items"]
    assert [one["kind"] for one in items] == ["webhook-unmatched", "webhook-unreadable", "payouts-held"]


def test_a_webhook_that_makes_no_sense_is_dismissed_for_good(client: httpx.Client) -> None:
    assert post(client, notice("order-1", status="ON_HOLD")).status_code == 400
    item = attention(client)["webhook-unreadable"]
    ok(dismiss(client, item))
    assert attention(client) == {}
    assert replay(client, item["webhookId"])["outcome"] == "unreadable"
    assert attention(client) == {}
    assert post(client, notice("order-2", status="ON_HOLD")).status_code == 400
    assert attention(client)["webhook-unreadable"]["webhookId"] != item["webhookId"]


def test_only_what_is_on_the_list_and_can_wait_for_ever_is_dismissed(
    client: httpx.Client, shkeeper: PlayedShkeeper
) -> None:
    for name in ("webhook-unmatched:waiting_99", "payout-failed:out_1", "x"):
        assert dismiss(client, {"id": name}).status_code == 404
    payout_id = payout(client, shkeeper, Outcome.FAILS)
    wait_until(lambda: row(client, payout_id)["status"] == "failed")
    # Nobody else is asked about its money any more.
    unsaid = dismiss(client, attention(client)["payout-failed"])
    assert (unsaid.status_code, unsaid.json()["errors"][0]["field"]) == (400, "note")
    assert attention(client).keys() == {"payout-failed"}
    nameless = client.post("/api/ops/attention/dismissal", json={"id": "x"})
    assert (nameless.status_code, nameless.json()["errors"][0]["field"]) == (400, "by")


# Payouts


def payout(client: httpx.Client, shkeeper: PlayedShkeeper, outcome: Outcome = Outcome.STUCK) -> str:
    """A payout of a payment that is completed."""
    payment_id = registered(client, f"order-{time.monotonic_ns()}")
    external_id = ok(client.get(f"/api/payments/{payment_id}"))["externalId"]
    assert post(client, notice(external_id)).json()["outcome"] == "applied"
    to = destination("ETH-USDT", f"{time.monotonic_ns()}")
    shkeeper.gateway.payouts.outcomes[to.lower()] = outcome
    made = {"paymentId": payment_id, "coin": "ETH-USDT", "amount": "49", "destination": to}
    payout_id: str = ok(client.post("/api/payouts", json={"payouts": [made]}))["payouts"][0]["payoutId"]
    return payout_id


def row(client: httpx.Client, payout_id: str) -> dict[str, Any]:
    return ok(client.get(f"/api/ops/payouts/{payout_id}"))


def name(client: httpx.Client, payout_id: str) -> str:
    """What SHKeeper calls a payout that it was asked for."""
    external_id: str = ok(client.get(f"/api/payouts/{payout_id}"))["externalId"]
    return external_id


def foreign_notice(external_id: str) -> bytes:
    fields = {"payout_id": 7, "external_id": external_id, "status": "SUCCESS", "tx_hash": "0xfeed"}
    return json.dumps(fields).encode()


def test_a_replayed_webhook_of_a_payout_moves_it_once(
    bridge: Any, client: httpx.Client, shkeeper: PlayedShkeeper
) -> None:
    payout_id = payout(client, shkeeper)
    wait_until(lambda: row(client, payout_id)["taskId"])
    assert post(client, foreign_notice("of-somebody-else")).json()["outcome"] == "kept"
    item = attention(client)["webhook-unmatched"]
    assert replay(client, item["webhookId"])["outcome"] == "kept"
    assert attention(client).keys() == {"webhook-unmatched"}
    write(bridge, "UPDATE unreadable_webhooks SET body = ?", foreign_notice(name(client, payout_id)))
    assert [replay(client, item["webhookId"])["outcome"] for _ in range(2)] == ["applied", "duplicate"]
    assert (row(client, payout_id)["status"], row(client, payout_id)["txHashes"]) == ("completed", ["0xfeed"])
    assert attention(client) == {}


def test_a_recheck_asks_the_provider_now_and_sends_nothing_again(
    bridge: Any, client: httpx.Client, shkeeper: PlayedShkeeper
) -> None:
    payout_id = payout(client, shkeeper)
    wait_until(lambda: row(client, payout_id)["taskId"])
    # A payout as old as this is looked after every ten minutes, so whatever is found now was asked for.
    old = (datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%d %H:%M:%S.%f")
    write(bridge, "UPDATE payouts SET created_at = ?, cleared_at = ?, overdue_at = ?", *[old] * 3)
    shkeeper.goes_wrong(Call.NOTICE, What.LOST)
    overdue = attention(client)["payout-overdue"]
    assert (overdue["payoutId"], overdue["actions"]) == (payout_id, ["recheck", "resolve"])
    nothing = ok(client.post(f"/api/ops/payouts/{payout_id}/recheck", json=BY))
    assert nothing["message"] == "Nothing new; it is created."
    assert nothing["payout"]["overdue"] is True

    asked_to_send = shkeeper.count(Call.PAYOUT)
    shkeeper.gateway.payouts.outcomes.clear()
    external_id = name(client, payout_id)
    wait_until(lambda: shkeeper.sent(external_id))
    [booked] = [one for one in shkeeper.gateway.payouts.payouts if one.external_id == external_id]
    wait_until(lambda: booked.status == "SUCCESS")
    found = ok(client.post(f"/api/ops/payouts/{payout_id}/recheck", json=BY))
    assert (found["payout"]["status"], found["message"]) == ("completed", "It is completed now.")
    # What the network took is looked up by and by.
    assert found["payout"] == row(client, payout_id) | {
        one: found["payout"][one] for one in LOOKED_UP_LATER if one in found["payout"]
    }
    assert found["action"] == ok(client.get("/api/ops/actions"))["actions"][0]
    assert (shkeeper.count(Call.PAYOUT), len(shkeeper.sent(external_id))) == (asked_to_send, 1)


def test_a_recheck_says_that_the_provider_does_not_answer(client: httpx.Client, shkeeper: PlayedShkeeper) -> None:
    payout_id = payout(client, shkeeper)
    wait_until(lambda: row(client, payout_id)["taskId"])
    shkeeper.goes_wrong(Call.ANY, What.ERROR_500)
    answer = ok(client.post(f"/api/ops/payouts/{payout_id}/recheck", json=BY))
    assert answer["message"].startswith("Nothing new; it is created; shkeeper does not say: ")
    shkeeper.works_again()


def test_a_payout_that_nobody_can_tell_about_is_resolved_by_a_person(
    client: httpx.Client, shkeeper: PlayedShkeeper
) -> None:
    shkeeper.goes_wrong(Call.PAYOUT, What.RESET, Happens.BEFORE, times=1)
    payout_id = payout(client, shkeeper, Outcome.ARRIVES)
    wait_until(lambda: row(client, payout_id)["status"] == "ambiguous")
    assert attention(client)["payout-ambiguous"]["actions"] == ["recheck", "resolve"]
    path = f"/api/ops/payouts/{payout_id}/resolution"
    unnamed = {"outcome": "sent", "note": "the wallet shows it", **BY}
    assert client.post(path, json=unnamed).json()["errors"][0]["field"] == "txHash"
    for named in (f"https://explorer.example/tx/0x{'1' * 64}", f" 0x{'1' * 64}", "0x\u04301"):
        refused = client.post(path, json={"outcome": "sent", "txHash": named, **BY}).json()
        assert refused["detail"].startswith("txHash: expected the transaction's hash alone")
    for named in (f"0x{'0' * 64}", "0" * 64, "0x0"):
        answer = client.post(path, json={"outcome": "sent", "txHash": named, **BY})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "txHash")
    assert client.post(path, json={"outcome": "lost", **BY}).status_code == 400
    # What nothing but their word confirms, also of a transaction that no chain is followed for.
    for word in ("not-sent", "arrived", "returned", "sent"):
        carried = {} if word == "not-sent" else {"txHash": f"0x{'1' * 64}"}
        unsaid = client.post(path, json={"outcome": word, **carried, **BY})
        assert (unsaid.status_code, unsaid.json()["errors"][0]["field"]) == (400, "note")
    not_sent = {"outcome": "not-sent", "note": "the wallet knows of none", **BY}
    resolved = ok(client.post(path, json=not_sent))
    assert resolved["payout"]["status"] == "failed"
    assert resolved["message"] == "Not-sent: the wallet knows of none; it is failed."
    assert resolved["payout"]["reasons"][0] == "Ada found that it was not sent: the wallet knows of none"
    again = client.post(path, json=not_sent)
    assert (again.status_code, again.json()["detail"]) == (409, "This payout is failed; there is nothing to settle.")
    assert attention(client).keys() == {"payout-failed"}
    assert shkeeper.sent(name(client, payout_id)) == []
    # Another payout for the same payment takes it off the list.
    payment_id = resolved["payout"]["paymentId"]
    another = {
        "paymentId": payment_id,
        "coin": "ETH-USDT",
        "amount": "49",
        "destination": destination("ETH-USDT", "b"),
    }
    [wanted] = ok(client.post("/api/payouts", json={"payouts": [another]}))["payouts"]
    item = attention(client).pop("payout-awaiting-approval")
    assert f"{payout_id} was not sent at the word of Ada" in item["detail"]
    approval = f"/api/ops/payouts/{wanted['payoutId']}/approval"
    refused = client.post(approval, json=BY)
    assert (refused.status_code, "hangs on what they said" in refused.json()["detail"]) == (403, True)
    ok(client.post(approval, json={"by": "Bo"}))
    assert attention(client) == {}


def test_staff_act_in_the_name_of_their_token_whatever_they_say(make_bridge: Any) -> None:
    bridge = make_bridge(
        BRIDGE_ACCESS="jwt",
        BRIDGE_JWT_SECRETS=SECRET,
        BRIDGE_SHKEEPER_API_KEYS=KEY,
    )
    token = jwt.encode({"sub": "finance-1", "exp": time.time() + 3600, "staff": True}, SECRET, "HS256")
    headers = {"Authorization": f"Bearer {token}"}
    with client_of(bridge.url, headers=headers) as client:
        assert post(client, notice("order-1", status="ON_HOLD")).status_code == 400
        for content in ({}, {"by": "somebody else"}):
            done = ok(client.post("/api/ops/webhooks/webhook_1/replay", json=content))
            assert done["action"]["by"] == "finance-1"
