"""Thousands of clients and one publisher, in a process of their own: `python -m tests.system.soak.load` with the
bridge's URL, a seed, how many clients and for how many seconds. It prints what came of it, as JSON.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import uvloop

from tests.system.soak.clients import REQUESTS, SELLERS, Client, World
from tests.system.soak.lines import Line, PollingLine, WebSocketLine
from tests.system.soak.records import EVERYONE, Publications

# One in so many clients polls.
POLLING_ONE_IN = 20
# What is published at once, and how often: some events to rooms, now and then a document that fills the buffers of
# whoever does not read, and one to everyone.
EVENTS_AT_ONCE = 5
INTERVAL_SECONDS = 0.25
DOCUMENT = "x" * 10_000
CONNECTS_PER_SECOND = 400
ENDING_SECONDS = 90


def event_of(number: int, room: str) -> dict[str, Any]:
    if room == EVERYONE:
        return {"event": "template-checkout-payment-pending", "data": {"checkoutId": str(number)}}
    if room == SELLERS:
        data = {"_id": f"document-{number}", "number": number, "text": DOCUMENT}
        return {"event": "new-purchase-request", "data": data}
    return {"event": "purchase-request-update", "data": {"type": str(number), "requestId": room}}


class Publisher:
    """Publishes a little at a time, in turn to each room."""

    def __init__(self, http: aiohttp.ClientSession, publications: Publications) -> None:
        self._http = http
        self._publications = publications
        self.stops = False

    async def run(self) -> None:
        turn = 0
        while not self.stops:
            rooms = [f"r{(turn * EVENTS_AT_ONCE + number) % REQUESTS}" for number in range(EVENTS_AT_ONCE)]
            await self.publish([*rooms, *([SELLERS] if turn % 2 else []), *([EVERYONE] if turn % 4 == 0 else [])])
            turn += 1
            await asyncio.sleep(INTERVAL_SECONDS)

    async def publish(self, rooms: list[str]) -> None:
        events = [event_of(self._publications.add(room), room) for room in rooms]
        async with self._http.post("/api/events", json={"events": events}) as answer:
            answer.raise_for_status()


async def soak(url: str, seed: int, count: int, seconds: float) -> dict[str, Any]:
    host, port = urlsplit(url).hostname or "", urlsplit(url).port or 0
    unlimited = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=0), timeout=unlimited) as http:

        def dials(number: int) -> Callable[[], Line]:
            if number % POLLING_ONE_IN == 1:
                return lambda: PollingLine(http)
            return lambda: WebSocketLine(host, port)

        world = World(Publications())
        publisher = Publisher(http, world.publications)
        clients = [Client(number, world, dials(number), seed) for number in range(count)]
        publishing = asyncio.create_task(publisher.run())
        began = time.monotonic()
        running = []
        for number, client in enumerate(clients):
            running.append(asyncio.create_task(client.run()))
            if number % (CONNECTS_PER_SECOND // 10) == 0:
                await asyncio.sleep(0.1)
        await asyncio.wait([publishing], timeout=max(0.0, seconds - (time.monotonic() - began)))
        publisher.stops = True
        await publishing
        world.last = world.publications.newest + 1
        await publisher.publish([EVERYONE])
        _, late = await asyncio.wait(running, timeout=ENDING_SECONDS)
        for task in late:
            task.cancel()
        outcomes = await asyncio.gather(*running, return_exceptions=True)
        broken = [repr(outcome) for outcome in outcomes if isinstance(outcome, Exception)]
        await asyncio.gather(*(client.leave() for client in clients))
        return {
            "published": len(world.publications.rooms),
            "did not hear the end": [
                str(client) for client, task in zip(clients, running, strict=True) if task in late
            ],
            "broken": broken[:5],
            "faults": world.faults,
            "counts": dict(world.counts),
        }


if __name__ == "__main__":
    _, soft_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft_limit, soft_limit))
    url, seed, count, seconds = sys.argv[1:]
    json.dump(uvloop.run(soak(url, int(seed), int(count), float(seconds))), sys.stdout)
