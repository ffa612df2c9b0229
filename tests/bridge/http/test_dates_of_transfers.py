"""Dates of transfers, as strangers write them: whatever date a webhook has, the bridge keeps the webhook, counts its
money, and says so to the gateway."""

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.asking import client_of
from tests.bridge.http.exchanges import KEYS, notice, problem, registration, signed, stored
from tests.waiting import wait_until

EARLIEST, LATEST = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999)  # noqa: DTZ001 - as it is written
EXPIRED = 120
"""Enough for each date to be told of a payment of its own: those that are named, and as many as are made up."""
LAST_MINUTE = "9999-12-31 23:59:59"
ENDS = ("0001-01-01 00:00:00", LAST_MINUTE, "9999-12-31T23:59:59.999999", "0001-01-01 00:00:00+14:00")


@pytest.fixture(scope="module")
def bridge(make_bridge: Any) -> Any:
    return make_bridge(BRIDGE_SHKEEPER_API_KEYS=KEYS[0], BRIDGE_PAYMENT_EXPIRY_SECONDS="1")


@pytest.fixture(scope="module")
def client(bridge: Any) -> Iterator[httpx.Client]:
    with client_of(bridge.url) as client:
        yield client


@pytest.fixture(scope="module")
def expired(client: httpx.Client) -> deque[tuple[str, str]]:
    """Payments whose time has run out, by the gateway's name and the bridge's."""
    bodies = [registration() for _ in range(EXPIRED)]
    made = [(str(body["externalId"]), client.post("/api/payments", json=body).json()["paymentId"]) for body in bodies]
    wait_until(lambda: all(status_of(client, payment_id) == "expired" for _, payment_id in made))
    return deque(made)


def status_of(client: httpx.Client, payment_id: str) -> str:
    return str(client.get(f"/api/payments/{payment_id}").json()["status"])


def dated(external_id: str, date: str) -> bytes:
    said = {"amount_crypto": "49.9", "amount_fiat": "49.9", "crypto": "ETH-USDT", "trigger": True}
    return notice(external_id, transactions=[{**said, "date": date, "txid": f"0x{external_id}"}])


def offset(minutes: int) -> timezone:
    return timezone(timedelta(minutes=minutes))


zones = st.none() | st.integers(-1439, 1439).map(offset)
moments = st.datetimes(timezones=st.none()).flatmap(lambda naive: zones.map(lambda zone: naive.replace(tzinfo=zone)))
near_ends = st.timedeltas(timedelta(0), timedelta(days=2)).flatmap(
    lambda by: st.sampled_from([EARLIEST + by, LATEST - by])
)
dates = (moments | near_ends).flatmap(lambda moment: st.sampled_from([moment.isoformat(), moment.isoformat(" ")]))


@given(date=dates)
@example(ENDS[0])
@example(ENDS[1])
@example(ENDS[2])
@example(ENDS[3])
def test_any_date_is_answered_202_and_its_money_counts(
    client: httpx.Client, expired: deque[tuple[str, str]], date: str
) -> None:
    external_id, payment_id = expired.popleft()
    expired.append((external_id, payment_id))
    body = dated(external_id, date)
    answer = client.post("/webhooks/shkeeper", content=body, headers=signed(body))
    assert (answer.status_code, answer.json()["paymentId"]) == (202, payment_id)
    assert status_of(client, payment_id) == "completed"
    assert client.get(f"/api/ops/payments/{payment_id}").status_code == 200


@given(date=dates)
@example(ENDS[0])
@example(LAST_MINUTE)
def test_any_date_is_kept_for_a_payment_that_is_still_to_be_registered(client: httpx.Client, date: str) -> None:
    body = registration()
    hook = dated(str(body["externalId"]), date)
    assert client.post("/webhooks/shkeeper", content=hook, headers=signed(hook)).status_code == 202
    document = client.post("/api/payments", json=body).json()
    is_old = datetime.fromisoformat(date).year < datetime.now(UTC).year - 1
    assert document["status"] in ({"pending", "completed"} if is_old else {"completed"})


@given(text=st.text(max_size=40))
@example("0000-00-00 00:00:00")
@example("10000-01-01 00:00:00")
@example("-0001-01-01 00:00:00")
@example("2026-02-30 00:00:00")
@example("1e400")
def test_what_is_no_date_is_kept_for_a_person(
    client: httpx.Client, bridge: Any, expired: deque[tuple[str, str]], text: str
) -> None:
    body = dated(expired[0][0], text)
    answer = client.post("/webhooks/shkeeper", content=body, headers=signed(body))
    if answer.status_code != 202:
        problem(answer, 400)
        assert stored(bridge, "SELECT 1 FROM unreadable_webhooks WHERE body = ?", body)


@pytest.mark.parametrize("date", ENDS)
def test_a_date_that_cannot_be_right_is_not_known_and_a_person_is_told(client: httpx.Client, date: str) -> None:
    body = registration()
    payment_id = client.post("/api/payments", json=body).json()["paymentId"]
    wait_until(lambda: status_of(client, payment_id) == "expired")
    hook = dated(str(body["externalId"]), date)
    assert client.post("/webhooks/shkeeper", content=hook, headers=signed(hook)).status_code == 202
    document = client.get(f"/api/payments/{payment_id}").json()
    assert (document["status"], document["late"]) == ("completed", True)
    assert [one["occurredAt"] for one in document["transfers"]] == [None]
    items = client.get("/api/ops/attention").json()["items"]
    [item] = [one for one in items if one["paymentId"] == payment_id]
    assert (item["kind"], "cannot be right" in item["detail"]) == ("payment-lateness-doubted", True)
