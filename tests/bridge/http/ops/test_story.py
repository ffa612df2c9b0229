"""The past of payments and payouts on a real, running bridge: every step, with who heard it and how soon."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any, get_args

import httpx
import pytest

from bridge.http.ops.story import TITLES
from coordinator.payments.observed.observations import Observation
from coordinator.payouts.observations import PayoutObservation
from providers.shkeeper.simulator.notices import signed_headers
from providers.shkeeper.simulator.scenarios import SCENARIOS, Invoice
from tests.made_destinations import destination
from tests.played_shkeeper import KEY, OPERATOR_PASSWORD, PlayedShkeeper, played_shkeeper
from tests.python_clients import AsyncPythonClient
from tests.waiting import GIVE_UP_SECONDS, until


def test_all_that_can_be_seen_of_a_payment_or_a_payout_has_a_title() -> None:
    seen = (one for union in (Observation, PayoutObservation) for one in get_args(get_args(union)[0]))
    # A price is noted, and is no step.
    assert {one.model_fields["kind"].default for one in seen} - {"invoice-priced"} == TITLES.keys()


@pytest.fixture(scope="module")
def shkeeper() -> Iterator[PlayedShkeeper]:
    with played_shkeeper() as played:
        yield played


@pytest.fixture(scope="module")
def bridge(make_bridge: Any, shkeeper: PlayedShkeeper) -> Any:
    return make_bridge(
        BRIDGE_SHKEEPER_API_KEYS=KEY,
        BRIDGE_SHKEEPER_URL=shkeeper.url,
        BRIDGE_SHKEEPER_USER="admin",
        BRIDGE_SHKEEPER_PASSWORD=OPERATOR_PASSWORD,
    )


@pytest.fixture
async def client(bridge: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        verify=False, base_url=bridge.url, trust_env=False, timeout=GIVE_UP_SECONDS
    ) as client:
        yield client


class Console:
    """A console that watches."""

    def __init__(self) -> None:
        self.socket = AsyncPythonClient(reconnection=False)
        self.heard: list[tuple[str, Any]] = []
        self.socket.on("*", self._hear)

    async def _hear(self, event: str, *arguments: Any) -> None:
        self.heard.append((event, arguments))

    def has_heard_of(self, status: str) -> bool:
        return any(payload["status"] == status for payload, *_ in self.of("payment-update"))

    def of(self, event: str) -> list[Any]:
        return [arguments for name, arguments in self.heard if name == event]


@pytest.fixture
async def consoles(bridge: Any) -> AsyncIterator[list[Console]]:
    """Three that are connected, the first of which is in the room of finance ops."""
    connected = [Console() for _ in range(3)]
    for console in connected:
        await console.socket.connect(bridge.url, transports=["websocket"])
    await connected[0].socket.call("join-ops-room")
    yield connected
    for console in connected:
        await console.socket.disconnect()


def ok(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, answer.text
    content: dict[str, Any] = answer.json()
    return content


async def pay(client: httpx.AsyncClient, external_id: str, scenario: str) -> str:
    """Registers a payment and posts the webhooks of a scenario."""
    content = {
        "provider": "shkeeper",
        "externalId": external_id,
        "requestId": f"request-of-{external_id}",
        "buyerId": "b1",
        "sellerId": "s1",
        "amount": "49.90",
        "currency": "USD",
    }
    payment_id: str = ok(await client.post("/api/payments", json=content))["paymentId"]
    for delivery in SCENARIOS[scenario](Invoice(external_id, Decimal("49.90"), "USD", datetime.now(UTC))):
        headers = signed_headers(KEY, delivery.body, datetime.now(UTC))
        await client.post("/webhooks/shkeeper", content=delivery.body, headers=headers)
    return payment_id


async def test_the_past_of_a_payment_goes_from_the_webhook_to_who_heard_it(
    client: httpx.AsyncClient, consoles: list[Console]
) -> None:
    began = time.monotonic()
    payment_id = await pay(client, "order-1", "paid")
    for console in consoles:
        await until(partial(console.has_heard_of, "completed"))
    took_ms = (time.monotonic() - began) * 1_000
    story = ok(await client.get(f"/api/ops/payments/{payment_id}/story"))
    assert story["document"] == ok(await client.get(f"/api/payments/{payment_id}"))
    steps = story["steps"]
    assert [step["at"] for step in steps] == sorted(step["at"] for step in steps)
    assert (steps[0]["kind"], steps[0]["detail"]["amount"]) == ("registered", "49.90 USD")
    webhooks = [step for step in steps if step["kind"] == "webhook"]
    assert webhooks
    assert (webhooks[-1]["status"], webhooks[-1]["detail"]["received"]) == ("completed", "49.9")
    assert webhooks[-1]["detail"]["standing"] == "all"
    events = {step["event"]: step for step in steps if step["kind"] == "event"}
    update = events["payment-update"]
    # Which everyone hears, and in this order: first it was observed, then it was told.
    assert (update["deliveries"], update["status"]) == (3, "completed")
    assert 0 <= update["deliveredAfterMs"] <= took_ms
    assert set(update["rooms"]) == {"request-request-of-order-1", "user-b1", "user-s1"}
    assert steps.index(webhooks[-1]) < steps.index(update)
    offsets = [step["offset"] for step in steps if step["kind"] == "event"]
    heard = ok(await client.get("/api/events", params={"everyone": "true", "limit": 500}))["events"]
    assert set(offsets) >= {one["offset"] for one in heard if one["data"].get("paymentId") == payment_id}
    assert events["purchase-request-update"]["deliveries"] == 0
    assert all(isinstance(value, str) for step in steps for value in step["detail"].values())


async def test_the_past_of_a_payout_holds_what_was_done_about_it(
    client: httpx.AsyncClient, consoles: list[Console]
) -> None:
    payment_id, to = await pay(client, "order-2", "paid"), destination("ETH-USDT", "seller-1")
    made = {"paymentId": payment_id, "coin": "ETH-USDT", "amount": "48.90", "destination": to}
    payout_id = ok(await client.post("/api/payouts", json={"payouts": [made]}))["payouts"][0]["payoutId"]
    await until(lambda: consoles[0].of("payout-completed"))
    ok(await client.post(f"/api/ops/payouts/{payout_id}/recheck", json={"by": "Ada"}))
    story = ok(await client.get(f"/api/ops/payouts/{payout_id}/story"))
    # What the network took is looked up by and by, which may come between the two answers.
    later = {"history", "networkFee", "networkFeeUnknown", "updatedAt"}
    told, known = story["document"], ok(await client.get(f"/api/payouts/{payout_id}"))
    assert {one: told[one] for one in told.keys() - later} == {one: known[one] for one in known.keys() - later}
    steps = story["steps"]
    assert (steps[0]["kind"], steps[0]["detail"]["destination"]) == ("registered", to)
    titles = [step["title"] for step in steps if step["kind"] == "observation"]
    assert titles[:2] == ["The provider is asked to send it", "The provider has taken it on"]
    done = [step for step in steps if step["kind"] == "action"]
    assert [(step["title"], step["detail"]["by"]) for step in done] == [("It was re-checked", "Ada")]
    told = [step["event"] for step in steps if step["kind"] == "event"]
    assert {"payout-created", "payout-updated", "payout-completed"} <= set(told)
    assert {step["deliveries"] for step in steps if step.get("event") == "payout-completed"} == {3}
    # The payment's own past tells of the payout too, and not the other way round.
    of_payment = ok(await client.get(f"/api/ops/payments/{payment_id}/story"))["steps"]
    released = [step["detail"] for step in of_payment if "release" in step["detail"]]
    assert released[-1] == {"payoutId": payout_id, "sellerId": "s1", "release": "done", "worth": "48.90"}
    assert "payout-completed" in [step.get("event") for step in of_payment]
    assert "payment-created" not in told


async def all_told(client: httpx.AsyncClient) -> dict[str, Any]:
    """How the system is once everything in the journal has been told."""
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while (status := ok(await client.get("/api/ops/system")))["journal"]["lag"]:
            pass
    return status


async def test_the_system_tells_how_it_is_once_a_second_to_whoever_watches(
    bridge: Any, client: httpx.AsyncClient, consoles: list[Console]
) -> None:
    watching, *others = consoles
    await pay(client, "order-3", "paid")

    def told() -> list[dict[str, Any]]:
        """Of what was paid, and when nobody was there any more that another test had let go."""
        return [one for one, *_ in watching.of("system-status") if one["fanoutMs"] and one["connections"] == 3]

    status = (await until(told))[-1]
    asked = await all_told(client)
    assert status.keys() == asked.keys()
    assert asked["connections"] == 3
    assert (status["version"], status["startedAt"]) == (asked["version"], asked["startedAt"])
    up_ms = (datetime.now(UTC) - datetime.fromisoformat(status["startedAt"])).total_seconds() * 1_000
    assert 0 < status["fanoutMs"]["p50"] <= status["fanoutMs"]["p99"] < up_ms
    assert 0 < status["journal"]["commitMs"]["p50"] <= status["journal"]["commitMs"]["p99"]
    assert asked["journal"]["newestOffset"] == asked["journal"]["dispatchedOffset"] > 0
    assert asked["providers"] == [{"name": "shkeeper", "status": "ok", "message": "it answers"}]
    assert asked["chains"] == []
    assert 10 < status["memoryMb"] < 4_000
    # It is told to the room alone, and is not part of the journal: it has no offset.
    assert all(len(arguments) == 1 for arguments in watching.of("system-status"))
    assert not any(console.of("system-status") for console in others)
    journaled = ok(await client.get("/api/events", params={"room": "ops", "limit": 500}))["events"]
    assert "system-status" not in {one["event"] for one in journaled}
    number = 3
    async with asyncio.timeout(GIVE_UP_SECONDS):
        # Rates are of the last seconds, so somebody has to pay in them.
        while not (rates := [one for one, *_ in watching.of("system-status") if one["eventsPerSecond"]]):
            number += 1
            await pay(client, f"order-{number}", "paid")
    assert rates[0]["deliveriesPerSecond"] > 0


async def test_nothing_is_told_of_the_system_where_nobody_watches_any_more(consoles: list[Console]) -> None:
    watching = consoles[0]
    await until(lambda: watching.of("system-status"))
    await watching.socket.call("leave-ops-room")
    count = len(watching.of("system-status"))
    await consoles[1].socket.call("join-ops-room")
    await until(lambda: len(consoles[1].of("system-status")) >= 2)
    assert len(watching.of("system-status")) == count
