"""Many webhooks at once, shuffled, repeated, cut off by a kill: every 202 is kept, and nothing counts twice."""

import asyncio
import json
import random
import sqlite3
from collections import Counter, defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.asking import client_of
from tests.conftest import IS_LONG
from tests.waiting import GIVE_UP_SECONDS

KEY = "a-key-for-tests-only-0123456789"
PAYMENTS = 50
AMOUNT = 100
# What each payment's gateway has to say: 40, then 40 more, then the rest, then a tip after completion.
STEPS = ((40,), (40, 40), (40, 40, 20), (40, 40, 20, 5))
CONNECTIONS = 200
PRECEDENCE = {"pending": 0, "confirming": 1, "partially_paid": 2, "completed": 3}


def registration(number: int) -> dict[str, str]:
    return {
        "provider": "shkeeper",
        "externalId": f"order-{number}",
        "requestId": f"request-{number}",
        "buyerId": f"buyer-{number}",
        "sellerId": f"seller-{number}",
        "offerId": f"offer-{number}",
        "amount": str(AMOUNT),
        "currency": "USD",
    }


def notices(gateway: Any) -> list[bytes]:
    return [
        gateway.invoice(
            f"order-{number}", [(f"0x{number:04x}{step:04x}", value) for step, value in enumerate(values)], AMOUNT
        )
        for number in range(PAYMENTS)
        for values in STEPS
    ]


async def register_all(http: aiohttp.ClientSession) -> dict[int, str]:
    async def register(number: int) -> str:
        async with http.post("/api/payments", json=registration(number)) as answer:
            assert answer.status in (200, 201)
            payment_id: str = (await answer.json())["paymentId"]
            return payment_id

    return dict(enumerate(await asyncio.gather(*(register(number) for number in range(PAYMENTS)))))


def session_with(url: str) -> aiohttp.ClientSession:
    """Many connections, by the client that costs least."""
    connector, timeout = aiohttp.TCPConnector(limit=CONNECTIONS), aiohttp.ClientTimeout(total=GIVE_UP_SECONDS)
    return aiohttp.ClientSession(url, connector=connector, timeout=timeout)


async def until_answered(gateway: Any, http: aiohttp.ClientSession, body: bytes) -> int:
    """Delivers a webhook as gateways do: again, if the connection that it went over was just being closed for having
    been idle, as each of them may be."""
    for _ in range(CONNECTIONS + 1):
        status: int | None = await gateway.post(http, body)
        if status is not None:
            return status
    raise AssertionError("no answer, although every connection has been tried")


def journaled(database: Path) -> list[tuple[int, str, str, dict[str, Any]]]:
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT offset, name, payment_id, payload FROM events ORDER BY offset").fetchall()
    return [(offset, name, payment_id, json.loads(payload)) for offset, name, payment_id, payload in rows]


def assert_each_life_is_told_once_and_in_order(told: list[tuple[str, str, dict[str, Any]]]) -> None:
    """`told`: name, payment id and payload of each event, in the order in which they were sent."""
    lives: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for name, payment_id, payload in told:
        lives[payment_id].append((name, payload))
    assert len(lives) == PAYMENTS
    for life in lives.values():
        names = Counter(name for name, _ in life)
        assert life[0][0] == "payment-created"
        assert (names["payment-created"], names["payment-received"], names["seller-offer-update"]) == (1, 1, 1)
        statuses = [PRECEDENCE[payload["status"]] for name, payload in life if name == "payment-update"]
        assert statuses == sorted(statuses)
        assert statuses[-1] == PRECEDENCE["completed"]
        updates = [json.dumps(payload) for name, payload in life if name == "payment-update"]
        assert len(updates) == len(set(updates))


def assert_all_completed(url: str, ids: dict[int, str]) -> None:
    with client_of(url) as client:
        found = {number: client.get(f"/api/payments/{payment_id}").json() for number, payment_id in ids.items()}
    for number, payment in found.items():
        assert (payment["externalId"], payment["status"], payment["escrowState"]) == (
            f"order-{number}",
            "completed",
            "funded",
        )
        assert (payment["received"], payment["excess"], payment["missing"]) == ("105", "5", "0")
        assert len(payment["transfers"]) == len(STEPS[-1])


async def test_200_concurrent_webhooks_thrice_in_shuffled_order(make_bridge: Any, listen: Any, gateway: Any) -> None:
    bridge = make_bridge(BRIDGE_SHKEEPER_API_KEYS=KEY)
    ops = listen(bridge.url, [["join-ops-room"]])
    async with session_with(bridge.url) as http:
        ids = await register_all(http)
        deliveries = notices(gateway) * 3
        assert len(deliveries) == 600
        random.Random(20260501).shuffle(deliveries)
        answers = await asyncio.gather(*(until_answered(gateway, http, body) for body in deliveries))
        assert Counter(answers) == {202: 600}
        await asyncio.to_thread(assert_all_completed, bridge.url, ids)
    told = journaled(bridge.database)
    assert_each_life_is_told_once_and_in_order([event[1:] for event in told])

    # What the client heard is the journal's global events and those for ops, each once, in the journal's order.
    expected = [
        (name, payload)
        for _, name, _, payload in told
        if name in ("payment-created", "payment-update", "payment-progress", "seller-offer-update")
    ]
    while len(ops.events) < len(expected):
        ops.wait_for(lambda line: "event" in line)
    ops.fence()
    assert [(name, args[0]) for name, args in ops.events] == expected


@pytest.mark.parametrize("answers_before_the_kill", [1, 60, 250, 520] if IS_LONG else [60, 520])
async def test_after_a_kill_every_webhook_answered_202_is_there_and_none_twice(
    make_bridge: Any, gateway: Any, answers_before_the_kill: int
) -> None:
    bridge = make_bridge(BRIDGE_SHKEEPER_API_KEYS=KEY)
    accepted: set[bytes] = set()
    async with session_with(bridge.url) as http:
        ids = await register_all(http)
        deliveries = notices(gateway) * 3
        random.Random(answers_before_the_kill).shuffle(deliveries)

        async def deliver(body: bytes) -> None:
            if await gateway.post(http, body) == 202:
                accepted.add(body)
                deliver.count += 1  # type: ignore[attr-defined]
                if deliver.count == answers_before_the_kill:  # type: ignore[attr-defined]
                    bridge.kill()

        deliver.count = 0  # type: ignore[attr-defined]
        await asyncio.gather(*(deliver(body) for body in deliveries))
    assert bridge.process.poll() is not None

    bridge.start()
    with closing(sqlite3.connect(bridge.database)) as connection:
        stored = connection.execute("SELECT external_id, observation FROM observations").fetchall()
    kept = {(external_id, len(json.loads(observation)["transfers"])) for external_id, observation in stored}
    assert len(kept) == len(stored)
    for body in accepted:
        notice = json.loads(body)
        assert (notice["external_id"], len(notice["transactions"])) in kept

    # The gateway sends again whatever it got no 202 for, and to be sure everything else too.
    async with session_with(bridge.url) as http:
        answers = await asyncio.gather(*(until_answered(gateway, http, body) for body in notices(gateway)))
        assert Counter(answers) == {202: len(notices(gateway))}
        await asyncio.to_thread(assert_all_completed, bridge.url, ids)
    assert_each_life_is_told_once_and_in_order([event[1:] for event in journaled(bridge.database)])
