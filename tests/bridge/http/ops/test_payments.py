"""What people decide about payments on a real, running bridge: it moves them once, is told, and is on record."""

import csv
import io
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.asking import client_of
from tests.bridge.http.exchanges import KEYS, notice, problem, registration, signed, stored, write
from tests.waiting import wait_until

ADA = {"by": "Ada"}
NOTE = {"note": "The seller agrees", **ADA}
# Of payments that something comes for first, and that expire then.
EXPIRY_SECONDS = 5


@pytest.fixture
def client(bridge: Any) -> Iterator[httpx.Client]:
    with client_of(bridge.url) as client:
        yield client


def ok(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, answer.text
    content: dict[str, Any] = answer.json()
    return content


def registered(client: httpx.Client, **changes: object) -> dict[str, Any]:
    return ok(client.post("/api/payments", json=registration(amount="50.00", **changes)))


def tell(
    client: httpx.Client, payment: dict[str, Any], came: str = "20", txid: str | None = None, **changes: object
) -> str:
    """The gateway's webhook, that so much has come."""
    transaction = {
        "amount_crypto": came,
        "amount_fiat": came,
        "crypto": "ETH-USDT",
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
        "trigger": True,
        "txid": txid or f"0x{time.monotonic_ns():x}",
    }
    fields = {"balance_fiat": came, "status": "PARTIAL", "paid": False, "transactions": [transaction], **changes}
    body = notice(payment["externalId"], **fields)
    outcome: str = ok(client.post("/webhooks/shkeeper", content=body, headers=signed(body)))["outcome"]
    return outcome


def rule(client: httpx.Client, payment: dict[str, Any], what: str, **content: object) -> httpx.Response:
    return client.post(f"/api/ops/payments/{payment['paymentId']}/{what}", json=content)


def attention(client: httpx.Client, payment: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What of a payment needs a person, by its kind."""
    items = ok(client.get("/api/ops/attention"))["items"]
    return {item["kind"]: item for item in items if item["paymentId"] == payment["paymentId"]}


def row(client: httpx.Client, payment: dict[str, Any]) -> dict[str, Any]:
    return ok(client.get(f"/api/ops/payments/{payment['paymentId']}"))


def story(client: httpx.Client, payment: dict[str, Any]) -> dict[str, Any]:
    return ok(client.get(f"/api/ops/payments/{payment['paymentId']}/story"))


def done(client: httpx.Client, payment: dict[str, Any]) -> list[tuple[str, str]]:
    """What people did about a payment, as its story tells it."""
    steps = story(client, payment)["steps"]
    return [(step["title"], step["detail"]["by"]) for step in steps if step["kind"] == "action"]


def told(client: httpx.Client, payment: dict[str, Any]) -> list[tuple[str, str | None]]:
    steps = story(client, payment)["steps"]
    return [(step["event"], step.get("status")) for step in steps if step["kind"] == "event"]


def short(client: httpx.Client) -> dict[str, Any]:
    """A payment that the gateway calls paid with too little."""
    payment = registered(client)
    assert tell(client, payment, "46", status="PAID", paid=True) == "applied"
    assert row(client, payment)["status"] == "partially_paid"
    return payment


# Acceptance


def test_a_short_payment_is_accepted_and_everybody_is_told_as_if_it_were_whole(client: httpx.Client) -> None:
    payment = short(client)
    item = attention(client, payment)["payment-short"]
    assert item["actions"] == ["accept", "wait", "cancel", "settle"]
    assert "46.00 of 50.00 USD" in item["detail"]
    accepted = ok(rule(client, payment, "acceptance", **NOTE))
    assert accepted["message"] == "Accepted as paid: The seller agrees; it is completed."
    assert accepted["payment"] == row(client, payment)
    assert (accepted["payment"]["status"], accepted["payment"]["problems"]) == ("completed", [])
    assert attention(client, payment) == {}
    assert ("payment-update", "completed") in told(client, payment)
    assert "payment-received" in [event for event, _ in told(client, payment)]
    assert done(client, payment) == [("Somebody accepted it as paid", "Ada")]


def test_what_was_decided_twice_with_the_same_words_counts_once(client: httpx.Client) -> None:
    payment = short(client)
    first = ok(rule(client, payment, "acceptance", **NOTE))
    again = ok(rule(client, payment, "acceptance", **NOTE))
    assert again["action"] == first["action"]
    assert len(done(client, payment)) == 1
    assert [event for event, _ in told(client, payment)].count("payment-received") == 1
    other = problem(rule(client, payment, "acceptance", note="Otherwise", **ADA), 409)
    assert other["detail"] == "This payment is completed already."


def test_what_came_in_another_currency_is_accepted_by_hand(client: httpx.Client) -> None:
    payment = registered(client)
    assert tell(client, payment, "50", fiat="EUR", status="PAID") == "other-currency"
    item = attention(client, payment)["payment-other-currency"]
    assert "50 EUR, agreed USD" in item["detail"]
    assert story(client, payment)["misfits"] == [{"kind": "other-currency", "detail": "50 EUR, agreed USD"}]
    assert [one["kind"] for one in story(client, payment)["problems"]] == ["payment-other-currency"]
    assert ok(rule(client, payment, "acceptance", **NOTE))["payment"]["status"] == "completed"
    # Which was the decision about that, until there is news.
    assert attention(client, payment) == {}
    assert tell(client, payment, "60", fiat="EUR", status="PAID") == "other-currency"
    assert attention(client, payment).keys() == {"payment-other-currency"}


# Cancellation


def test_a_cancelled_payment_is_not_completed_by_money_that_comes_all_the_same(client: httpx.Client) -> None:
    payment = registered(client)
    cancelled = ok(rule(client, payment, "cancellation", **NOTE))
    assert (cancelled["payment"]["status"], cancelled["action"]["by"]) == ("cancelled", "Ada")
    assert told(client, payment)[-2:] == [("payment-update", "cancelled"), ("purchase-request-update", "cancelled")]
    assert tell(client, payment, "50", status="PAID", paid=True) == "applied"
    assert row(client, payment)["status"] == "cancelled"
    item = attention(client, payment)["payment-paid-after-cancellation"]
    assert item["actions"] == ["accept", "settle"]
    assert problem(rule(client, payment, "cancellation", note="Again", **ADA), 409)["detail"] == (
        "This payment is cancelled already."
    )
    assert ok(rule(client, payment, "acceptance", **NOTE))["payment"]["status"] == "completed"
    assert problem(rule(client, payment, "cancellation", note="No", **ADA), 409)["detail"] == (
        "This payment is completed; it cannot be cancelled any more."
    )


def test_a_service_withdraws_a_sale_once(bridge: Any, client: httpx.Client) -> None:
    payment = registered(client)
    path = f"/api/payments/{payment['paymentId']}/cancellation"
    cancelled = ok(client.post(path, json={"note": "sold elsewhere"}))
    assert cancelled["status"] == "cancelled"
    assert cancelled["history"][-1]["observation"] == "payment-withdrawn"
    assert ok(client.post(path, json={})) == ok(client.get(f"/api/payments/{payment['paymentId']}"))
    assert [event for event, _ in told(client, payment)].count("payment-update") == 1
    [step] = [one for one in story(client, payment)["steps"] if one["title"] == "It was cancelled for good"]
    assert (step["kind"], step["detail"]["by"], step["detail"]["note"]) == (
        "observation",
        "somebody",
        "sold elsewhere",
    )
    completed = registered(client)
    assert tell(client, completed, "50", status="PAID", paid=True) == "applied"
    refused = client.post(f"/api/payments/{completed['paymentId']}/cancellation", json={})
    assert problem(refused, 409)["code"] == "payment_over"
    assert client.post("/api/payments/pay_none/cancellation", json={}).status_code == 404
    assert problem(client.post(path, json={"note": "\n"}), 400)["errors"][0]["field"] == "note"


# Waiting


def test_a_payment_that_ran_out_of_time_waits_again(make_bridge: Any) -> None:
    bridge = make_bridge(BRIDGE_SHKEEPER_API_KEYS=KEYS[0], BRIDGE_PAYMENT_EXPIRY_SECONDS=str(EXPIRY_SECONDS))
    with client_of(bridge.url) as client:
        payment = registered(client)
        agreed = payment["expiresAt"]
        assert tell(client, payment, "40") == "applied"
        wait_until(lambda: row(client, payment)["status"] == "expired")
        item = attention(client, payment)["payment-partly-paid-expired"]
        assert item["actions"] == ["accept", "wait", "cancel", "settle"]
        assert "40.00 of 50.00 USD" in item["detail"]
        wrong: list[tuple[dict[str, object], str]] = [
            ({}, "until"),
            ({"until": "2020-01-01T00:00:00Z"}, "until"),
            ({"until": "2026-01-01T00:00:00"}, "until"),
            ({"until": "9999-12-31T23:59:59-14:00"}, "until"),
            ({"until": "2999-01-01T00:00:00Z"}, "until"),
            ({"until": "2999-01-01T00:00:00Z", "hours": 1}, "until"),
            ({"hours": 0}, "hours"),
            ({"hours": 9000}, "hours"),
        ]
        for content, field in wrong:
            answer = problem(rule(client, payment, "waiting", **content, **ADA), 400)
            assert (content, answer["errors"][0]["field"]) == (content, field)
        until = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)
        waits = ok(rule(client, payment, "waiting", until=until.isoformat(), **ADA))
        assert waits["payment"]["status"] == "partially_paid"
        assert datetime.fromisoformat(waits["payment"]["expiresAt"]) == until
        document = ok(client.get(f"/api/payments/{payment['paymentId']}"))
        assert datetime.fromisoformat(document["expiresAt"]) == until
        assert story(client, payment)["steps"][0]["detail"]["expiresAt"].startswith(agreed[:10])
        assert attention(client, payment) == {}
        assert ("payment-update", "partially_paid") in told(client, payment)
        again = ok(rule(client, payment, "waiting", until=until.isoformat(), **ADA))
        assert again["action"] == waits["action"]
        earlier = problem(rule(client, payment, "waiting", hours=1, **ADA), 400)
        assert "already" in earlier["errors"][0]["message"]
        # What comes now completes it as if it had never expired.
        assert tell(client, payment, "50", status="PAID", paid=True) == "applied"
        assert problem(rule(client, payment, "waiting", hours=50, **ADA), 409)["detail"] == (
            "This payment is completed; nothing is waited for any more."
        )


def test_there_is_no_waiting_without_a_deadline(make_bridge: Any) -> None:
    bridge = make_bridge(BRIDGE_SHKEEPER_API_KEYS=KEYS[0], BRIDGE_PAYMENT_EXPIRY_SECONDS="0")
    with client_of(bridge.url) as client:
        payment = registered(client)
        assert "no deadline" in problem(rule(client, payment, "waiting", hours=1, **ADA), 409)["detail"]


# What cannot be about a payment


def test_another_invoices_webhook_moves_nothing_and_what_fits_counts_where_nobody_can_be_asked(
    client: httpx.Client,
) -> None:
    payment = registered(client)
    assert tell(client, payment, "51", status="OVERPAID", paid=True, overpaid_fiat="30.00") == "not-counted"
    assert tell(client, payment, "51", status="PARTIAL") == "not-counted"
    assert tell(client, payment, "204", status="PAID") == "not-counted"
    assert row(client, payment)["status"] == "pending"
    item = attention(client, payment)["payment-foreign"]
    assert "51 USD is called overpaid by 30.00, agreed 50.00 USD" in item["detail"]
    assert tell(client, payment, "51", status="PAID", paid=True) == "applied"
    assert row(client, payment)["status"] == "completed"
    assert attention(client, payment).keys() == {"payment-foreign"}


# Settlement and dismissal


def test_what_was_settled_elsewhere_comes_back_when_there_is_news(client: httpx.Client) -> None:
    payment = registered(client)
    assert tell(client, payment, "50", fiat="EUR", status="PAID") == "other-currency"
    settled = ok(rule(client, payment, "settlement", note="Sent back by 0x5", **ADA))
    assert settled["action"]["subject"] == f"payment-other-currency:{payment['paymentId']}"
    assert settled["message"] == "Settled elsewhere: Sent back by 0x5."
    assert attention(client, payment) == {}
    assert row(client, payment)["problems"] == ["payment-other-currency"]
    assert done(client, payment) == [("Somebody settled elsewhere what was wrong", "Ada")]
    # The same once more says nothing new; something else does.
    assert tell(client, payment, "60", fiat="GBP", status="PAID") == "other-currency"
    assert attention(client, payment).keys() == {"payment-other-currency"}


def test_money_that_comes_after_the_rest_was_sent_back_completes_nothing(make_bridge: Any) -> None:
    bridge = make_bridge(BRIDGE_SHKEEPER_API_KEYS=KEYS[0], BRIDGE_PAYMENT_EXPIRY_SECONDS=str(EXPIRY_SECONDS))
    with client_of(bridge.url) as client:
        payment = registered(client)
        assert tell(client, payment, "25") == "applied"
        wait_until(lambda: row(client, payment)["status"] == "expired")
        settled = ok(rule(client, payment, "settlement", note="Sent back by 0x5", **ADA))
        assert settled["message"] == "Settled elsewhere: Sent back by 0x5; it is cancelled."
        assert (settled["payment"]["status"], attention(client, payment)) == ("cancelled", {})
        assert tell(client, payment, "25") == "applied"
        assert row(client, payment)["status"] == "cancelled"
        assert "payment-paid-after-cancellation" in attention(client, payment)
        assert "payment-received" not in [event for event, _ in told(client, payment)]


def test_of_two_things_that_are_wrong_one_is_settled_and_one_dismissed(client: httpx.Client) -> None:
    payment = short(client)
    contested = registration(externalId=payment["externalId"], amount="70.00")
    assert client.post("/api/payments", json=contested).status_code == 409
    assert attention(client, payment).keys() == {"payment-foreign", "payment-short"}
    ok(rule(client, payment, "settlement", note="Paid in cash", problems=["payment-short"], **ADA))
    assert attention(client, payment).keys() == {"payment-foreign"}
    item = attention(client, payment)["payment-foreign"]
    dismissal = {"id": item["id"], "note": "A slip of ours", **ADA}
    dismissed = ok(client.post("/api/ops/attention/dismissal", json=dismissal))
    assert dismissed["action"]["outcome"] == "taken off the list: A slip of ours"
    assert "comes back" in dismissed["message"]
    assert attention(client, payment) == {}
    assert ("Somebody took what was wrong off the list", "Ada") in done(client, payment)
    unknown = rule(client, payment, "settlement", note="x", problems=["payment-over"], **ADA)
    assert "payment-over" in problem(unknown, 409)["detail"]
    nothing = rule(client, registered(client), "settlement", note="x", **ADA)
    assert problem(nothing, 409)["detail"] == "Nothing is wrong with this payment that could be settled."


def test_what_was_dismissed_comes_back_when_money_comes_and_not_by_repetition(client: httpx.Client) -> None:
    payment = registered(client)
    assert tell(client, payment, "70", status="PARTIAL") == "not-counted"
    dismiss(client, payment, "payment-foreign")
    assert tell(client, payment, "25", txid="0xhalf") == "applied"
    assert attention(client, payment).keys() == {"payment-foreign"}
    dismiss(client, payment, "payment-foreign")
    tell(client, payment, "25", txid="0xhalf", addr="0xa")  # the same of the same transfer, in another message
    assert attention(client, payment) == {}
    assert tell(client, payment, "50", txid="0xwhole", status="PAID", paid=True) == "applied"
    assert "payment-foreign" in attention(client, payment)


def dismiss(client: httpx.Client, payment: dict[str, Any], kind: str) -> None:
    dismissal = {"id": attention(client, payment)[kind]["id"], "note": "Seen", **ADA}
    ok(client.post("/api/ops/attention/dismissal", json=dismissal))
    assert attention(client, payment) == {}


def test_an_overpayment_is_on_the_list_and_can_be_dismissed(client: httpx.Client) -> None:
    payment = registered(client)
    assert tell(client, payment, "500", status="OVERPAID", paid=True, overpaid_fiat="447.50") == "applied"
    item = attention(client, payment)["payment-over"]
    assert item["actions"] == ["settle", "dismiss"]
    assert "450.00 USD too much" in item["detail"]


def test_two_payments_of_one_request_that_are_both_paid_are_the_first_thing_to_look_at(client: httpx.Client) -> None:
    payments = [registered(client, requestId="twice-paid") for _ in range(2)]
    for payment in payments:
        assert tell(client, payment, "50", status="PAID", paid=True) == "applied"
    for payment in payments:
        assert attention(client, payment)["payment-twice-paid"]["actions"] == ["settle"]
    assert ok(client.get("/api/ops/attention"))["items"][0]["kind"] == "payment-twice-paid"


# An id that is wanted twice


def test_whoever_wants_the_id_of_somebody_elses_payment_is_brought_before_a_person(
    bridge: Any, client: httpx.Client
) -> None:
    payment = registered(client)
    for amount in ("70.00", "80.00", "70.00"):
        wanted = registration(externalId=payment["externalId"], amount=amount, sellerId="me")
        refused = problem(client.post("/api/payments", json=wanted), 409)
        assert refused["paymentId"] == payment["paymentId"]
    [misfit] = story(client, payment)["misfits"]
    assert misfit["kind"] == "contested"
    assert misfit["detail"].startswith(f"somebody wanted {payment['externalId']} for a payment with another ")
    assert "seller_id" in misfit["detail"]
    assert "dismiss" in attention(client, payment)["payment-foreign"]["actions"]
    assert row(client, payment)["status"] == "pending"
    kept = stored(bridge, "SELECT count(*) FROM observations WHERE payment_id = ?", payment["paymentId"])
    assert kept == [(1,)]
    # A template checkout of that id is the same attempt.
    share = {"requestId": "r-of-me", "sellerId": "me", "amount": "70.00"}
    checkout = {"provider": "shkeeper", "externalId": payment["externalId"], "buyerId": "b9", "currency": "USD"}
    answer = client.post("/api/template-checkouts", json={**checkout, "shares": [share]})
    assert problem(answer, 409)["paymentId"] == payment["paymentId"]
    assert len(story(client, payment)["misfits"]) == 2


# Who and what


def test_a_transaction_is_given_only_to_a_payment_that_goes_over_a_chain(client: httpx.Client) -> None:
    refused = rule(client, registered(client), "transaction", txHash="0x" + "1" * 64, place="3", **ADA)
    assert "goes over no chain" in problem(refused, 409)["detail"]
    for named in ("0x1", f"0x{'0' * 64}"):
        [error] = problem(rule(client, registered(client), "transaction", txHash=named, **ADA), 400)["errors"]
        assert error["field"] == "txHash"


@pytest.mark.parametrize("what", ["acceptance", "cancellation", "settlement"])
def test_nobody_decides_without_a_reason_and_a_name(client: httpx.Client, what: str) -> None:
    payment = registered(client)
    for content, field in (
        (ADA, "note"),
        ({**ADA, "note": ""}, "note"),
        ({**ADA, "note": " "}, "note"),
        ({**ADA, "note": "x" * 501}, "note"),
        ({**ADA, "note": "a\x00b"}, "note"),
        ({"note": "x"}, "by"),
    ):
        answer = problem(rule(client, payment, what, **content), 400)
        assert (content, answer["errors"][0]["field"]) == (content, field)
    assert done(client, payment) == []
    for payment_id in ("pay_none", "%01"):
        assert client.post(f"/api/ops/payments/{payment_id}/{what}", json=NOTE).status_code == 404


# Lists and figures


def test_payments_are_found_by_what_is_wrong_with_them(client: httpx.Client) -> None:
    payment, other = short(client), registered(client)
    assert tell(client, other, "50", fiat="EUR", status="PAID") == "other-currency"

    def found(problems: str) -> set[str]:
        query: dict[str, str | int] = {"problem": problems, "search": "order-", "limit": 1000}
        answer = ok(client.get("/api/ops/payments", params=query))
        assert answer["total"] == len(answer["payments"])
        exported = client.get("/api/ops/payments.csv", params={"problem": problems}).text.splitlines()
        assert len(exported) == 1 + answer["total"]
        assert {"problems", "fee", "missingFee"} <= set(exported[0].split(","))
        return {one["paymentId"] for one in answer["payments"]} & {payment["paymentId"], other["paymentId"]}

    assert found("payment-short") == {payment["paymentId"]}
    assert found("payment-other-currency,payment-over") == {other["paymentId"]}
    assert found("any") == found("payment-short,payment-other-currency") == {payment["paymentId"], other["paymentId"]}
    assert problem(client.get("/api/ops/payments?problem=short"), 400)["errors"][0]["field"] == "problem"


def figures(client: httpx.Client) -> dict[str, float]:
    prefix = 'bridge_attention{kind="'
    lines = client.get("/metrics").text.splitlines()
    found = [line.removeprefix(prefix).split('"} ') for line in lines if line.startswith(prefix)]
    return {kind: float(count) for kind, count in found}


def test_the_figures_know_of_everything_that_needs_a_person(make_bridge: Any) -> None:
    bridge = make_bridge(BRIDGE_SHKEEPER_API_KEYS=KEYS[0])
    with client_of(bridge.url) as client:
        nothing = figures(client)
        assert set(nothing.values()) == {0.0}
        assert {"payment-short", "payout-overdue", "webhook-unmatched", "payment-without-address"} <= nothing.keys()
        payments = [short(client) for _ in range(3)]
        assert tell(client, {"externalId": "nobody's"}) == "kept"
        expected = {**nothing, "payment-short": 3.0, "webhook-unmatched": 1.0}
        wait_until(lambda: figures(client) == expected)
        ok(rule(client, payments[0], "settlement", **NOTE))
        wait_until(lambda: figures(client) == {**expected, "payment-short": 2.0})


def test_a_buyer_without_an_address_needs_a_person(make_bridge: Any) -> None:
    # Nothing answers there.
    bridge = make_bridge(BRIDGE_SHKEEPER_API_KEYS=KEYS[0], BRIDGE_SHKEEPER_URL="http://127.0.0.1:9")
    kind = "payment-without-address"
    with client_of(bridge.url) as client:
        payment = ok(client.post("/api/payments", json=registration(externalId=..., coin="ETH-USDT")))
        assert payment["invoices"][0]["address"] is None
        assert attention(client, payment) == {}
        # In the first minute it is not listed, and nobody reads that all is well.
        assert ok(client.get("/api/ops/attention"))["awaitingAddress"] == 1
        listed = client.get("/api/ops/payments", params={"problem": kind})
        assert ok(listed)["total"] == 0
        assert ok(client.get("/api/ops/payments"))["payments"][0]["problems"] == []
        earlier = (datetime.now(UTC) - timedelta(minutes=2)).strftime("%Y-%m-%d %H:%M:%S.%f")
        write(bridge, "UPDATE invoices SET wanted_at = ?", earlier)
        item = attention(client, payment)[kind]
        assert item["actions"] == ["cancel"]
        assert item["detail"].startswith("shkeeper has not opened an invoice in ETH-USDT yet; shkeeper: ")
        wait_until(lambda: figures(client)[kind] == 1.0)
        refused = client.post("/api/ops/attention/dismissal", json={"id": item["id"], **ADA})
        assert problem(refused, 409)
        # Lists, its own row, by which the console keeps it in a table, and spreadsheets have it too.
        row = f"/api/ops/payments/{payment['paymentId']}"
        for found in (ok(client.get(row)), ok(client.get("/api/ops/payments"))["payments"][0]):
            assert found["problems"] == [kind]
        [line] = csv.DictReader(io.StringIO(client.get("/api/ops/payments.csv").text.removeprefix("\ufeff")))
        assert line["problems"] == kind
        # Beyond what a list shows they are counted, and found by their kind alone or with others.
        for _ in range(201):
            ok(client.post("/api/payments", json=registration(externalId=..., coin="ETH-USDT")))
        write(bridge, "UPDATE invoices SET wanted_at = ?", earlier)
        answer = ok(client.get("/api/ops/attention"))
        assert (answer["awaitingAddress"], answer["leftOut"]) == (0, [{"kind": kind, "count": 2}])
        wait_until(lambda: figures(client)[kind] == 202.0)
        for wanted in (kind, f"payment-short,{kind}", "any"):
            assert ok(client.get("/api/ops/payments", params={"problem": wanted}))["total"] == 202
        assert ok(client.get("/api/ops/payments", params={"problem": "payment-short"}))["total"] == 0
        ok(rule(client, payment, "cancellation", **NOTE))
        assert attention(client, payment) == {}


def test_the_list_says_of_which_kinds_it_leaves_some_out(client: httpx.Client) -> None:
    kind = "payment-called-refunded"
    before = ok(client.get("/api/ops/attention"))
    assert kind not in [one["kind"] for one in before["leftOut"]]
    listed = sum(item["kind"] == kind for item in before["items"])
    for _ in range(201 - listed):
        tell(client, registered(client), status="REFUNDED")
    answer = ok(client.get("/api/ops/attention"))
    assert sum(item["kind"] == kind for item in answer["items"]) == 200
    assert {"kind": kind, "count": 1} in answer["leftOut"]
