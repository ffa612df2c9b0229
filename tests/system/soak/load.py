"""Many clients and one publisher, in a process of their own: `python -m tests.system.soak.load` with the bridge's
URL, a seed, how many clients, for how many seconds, how long a client pauses at most, and how large a document is. It
prints what came of it, as JSON.

It goes on for longer where the machine is too slow for as much to have happened by then as is claimed of it.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import uvloop

from tests.system.soak.clients import DEEDS, REQUESTS, SELLERS, Client, World
from tests.system.soak.lines import Line, PollingLine, WebSocketLine
from tests.system.soak.records import EVERYONE, Publications
from tests.waiting import GIVE_UP_SECONDS, until

__all__ = ["RECOVERIES_EACH", "event_of", "events_each"]

# One in so many clients polls.
POLLING_ONE_IN = 20
# What is published at once, and how often: some events to rooms, now and then a document that fills the buffers of
# whoever does not read, and one to everyone.
EVENTS_AT_ONCE = 5
INTERVAL_SECONDS = 0.25
CONNECTS_PER_SECOND = 400
# How many may be on their way in at once: a bridge that is slower than that is not asked by ever more of them.
COMING_AT_ONCE = 400


def events_each(seconds: float) -> float:
    """How many events a client has to hear, on average: half of what it is told at full speed."""
    return seconds / 2


RECOVERIES_EACH = 1 / 4
"""How often a client is cut off and comes back to what it missed, on average."""


def is_enough(world: World, clients: Sequence[Client], seconds: float) -> bool:
    """Whether as much has happened as a soak of so many seconds is to have seen."""
    to_be_heard = world.counts["events to be heard"] + sum(client.had_to_hear() for client in clients)
    return (
        to_be_heard > len(clients) * events_each(seconds)
        and world.counts["recoveries"] > len(clients) * RECOVERIES_EACH
        and all(world.counts[deed] for deed in DEEDS)
    )


def event_of(number: int, room: str, document_bytes: int = 10_000) -> dict[str, Any]:
    if room == EVERYONE:
        return {"event": "template-checkout-payment-pending", "data": {"checkoutId": str(number)}}
    if room == SELLERS:
        data = {"_id": f"document-{number}", "number": number, "text": "x" * document_bytes}
        return {"event": "new-purchase-request", "data": data}
    return {"event": "purchase-request-update", "data": {"type": str(number), "requestId": room}}


class Publisher:
    """Publishes a little at a time, in turn to each room."""

    def __init__(self, http: aiohttp.ClientSession, publications: Publications, document_bytes: int) -> None:
        self._http = http
        self._publications = publications
        self._document_bytes = document_bytes
        self.stops = False

    async def run(self) -> None:
        turn = 0
        while not self.stops:
            rooms = [f"r{(turn * EVENTS_AT_ONCE + number) % REQUESTS}" for number in range(EVENTS_AT_ONCE)]
            await self.publish([*rooms, *([SELLERS] if turn % 2 else []), *([EVERYONE] if turn % 4 == 0 else [])])
            turn += 1
            await asyncio.sleep(INTERVAL_SECONDS)

    async def publish(self, rooms: list[str]) -> None:
        events = [event_of(self._publications.add(room), room, self._document_bytes) for room in rooms]
        async with self._http.post("/api/events", json={"events": events}) as answer:
            answer.raise_for_status()


async def let_in(world: World, clients: Sequence[Client]) -> list[asyncio.Task[None]]:
    """Has the clients come, a few at a time."""
    running = []
    for number, client in enumerate(clients):
        running.append(asyncio.create_task(client.run()))
        if number % (CONNECTS_PER_SECOND // 10) == 0:
            await asyncio.sleep(0.1)
            await until(lambda: world.counts["sessions"] > number - COMING_AT_ONCE)  # noqa: B023
    return running


async def go_on(world: World, clients: Sequence[Client], seconds: float, began: float) -> None:
    """Waits until it has been long enough, and enough has happened."""
    while (lasted := time.monotonic() - began) < seconds or not is_enough(world, clients, seconds):
        if lasted > seconds + GIVE_UP_SECONDS:
            return  # and what is missing will be seen
        await asyncio.sleep(1)


async def soak(
    url: str, seed: int, count: int, seconds: float, pause_seconds: float, document_bytes: int
) -> dict[str, Any]:
    host, port = urlsplit(url).hostname or "", urlsplit(url).port or 0
    unlimited = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=0), timeout=unlimited) as http:

        def dials(number: int) -> Callable[[], Line]:
            if number % POLLING_ONE_IN == 1:
                return lambda: PollingLine(http)
            return lambda: WebSocketLine(host, port)

        world = World(Publications(), pause_seconds)
        publisher = Publisher(http, world.publications, document_bytes)
        clients = [Client(number, world, dials(number), seed) for number in range(count)]
        publishing = asyncio.create_task(publisher.run())
        began = time.monotonic()
        running = await let_in(world, clients)
        going_on = asyncio.create_task(go_on(world, clients, seconds, began))
        await asyncio.wait([publishing, going_on], return_when=asyncio.FIRST_COMPLETED)
        publisher.stops = True
        going_on.cancel()
        await publishing
        world.ends_with(world.publications.newest + 1)
        await publisher.publish([EVERYONE])
        _, late = await asyncio.wait(running, timeout=GIVE_UP_SECONDS)
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
    url, seed, count, seconds, pause_seconds, document_bytes = sys.argv[1:]
    outcome = uvloop.run(soak(url, int(seed), int(count), float(seconds), float(pause_seconds), int(document_bytes)))
    json.dump(outcome, sys.stdout)
