"""What the clients of a benchmark do, and what of it is counted and timed: `python -m benchmarks.load`.

A process of its own, which reads its plan from standard input and prints what it found, and why no more, both as
JSON. Every wait for the server ends after the plan's `answer_seconds`: one that falls silent has failed.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.clients import Heard, Poster, connect, request_of, until, within
from benchmarks.processes import cpu_seconds, memory_kb, open_sockets

EVENTS_PER_SECOND = 30

Plan = dict[str, Any]
Found = dict[str, float]
"""What is found is written down as soon as it is: what fails later does not undo it."""


async def poster(plan: Plan) -> Poster:
    made = Poster(plan["port"], plan["answer_seconds"])
    await made.open()
    return made


async def fan_out(plan: Plan, found: Found) -> None:
    """Events to all: connecting, memory, the cost of deliveries one by one and at once, and the time they take."""
    heard, pid, clients = Heard(plan["answer_seconds"]), plan["pid"], plan["clients"]
    memory, cpu, start = memory_kb(pid), cpu_seconds(pid), time.perf_counter()
    held = await connect(plan["port"], clients, heard)
    found["connects_per_second"] = len(held) / (time.perf_counter() - start)
    found["connect_cpu_us"] = (cpu_seconds(pid) - cpu) / clients * 1e6
    await asyncio.sleep(0.5)
    found["memory_kb"] = (memory_kb(pid) - memory) / clients
    posting = await poster(plan)
    began(plan)
    for name, per_request in (("single", 1), ("burst", plan["times"])):
        request = request_of(plan["path"], plan[name])
        await heard.after(posting.post(request), clients * per_request)
        await asyncio.sleep(0.3)
        before, cpu = heard.events, cpu_seconds(pid)
        for _ in range(plan["rounds"]):
            await heard.after(posting.post(request), clients * per_request)
        found[f"{name}_cpu_us"] = (cpu_seconds(pid) - cpu) / (heard.events - before) * 1e6
    request = request_of(plan["path"], plan["single"])
    found["p99_ms"] = await p99_ms(heard, posting, request, clients, plan["paced"])


async def p99_ms(heard: Heard, posting: Poster, request: bytes, clients: int, times: int) -> float:
    """From the POST until a client hears its event, of events that come one after the other."""
    heard.seconds, heard.timing = [], True
    for _ in range(times):
        heard.sent_at = time.perf_counter()
        await heard.after(posting.post(request), clients)
        await asyncio.sleep(max(0.0, 1 / EVENTS_PER_SECOND - (time.perf_counter() - heard.sent_at)))
    heard.timing = False
    return sorted(heard.seconds)[int(len(heard.seconds) * 0.99)] * 1000


async def webhooks(plan: Plan, found: Found) -> None:
    """Webhooks over several connections, while one client watches."""
    heard, pid = Heard(plan["answer_seconds"]), plan["pid"]
    await connect(plan["port"], 1, heard)
    posters = [await poster(plan) for _ in range(plan["posters"])]
    registrations = [request_of(plan["register_at"], body) for body in plan["registrations"] if plan["register_at"]]
    requests = [
        request_of(plan["path"], body, "".join(f"{name}: {value}\r\n" for name, value in headers.items()))
        for body, headers in plan["deliveries"]
    ]

    async def post_all(posting: Poster, share: list[bytes]) -> None:
        for request in share:
            await posting.post(request)

    def posted(those: list[bytes]) -> Awaitable[object]:
        return asyncio.gather(
            *(post_all(posting, those[number :: len(posters)]) for number, posting in enumerate(posters))
        )

    if registrations:
        cpu = cpu_seconds(pid)
        await posted(registrations)
        found["registration_cpu_us"] = (cpu_seconds(pid) - cpu) / len(registrations) * 1e6
    await asyncio.sleep(0.5)
    began(plan)
    before, cpu = heard.events, cpu_seconds(pid)
    await heard.after(posted(requests), len(requests))
    if heard.events - before != len(requests):
        raise ValueError(f"{heard.events - before} events of {len(requests)} webhooks")
    found["webhook_cpu_us"] = (cpu_seconds(pid) - cpu) / len(requests) * 1e6


async def crowd(plan: Plan, found: Found) -> None:
    """Two in a room of their own among many, and some of the many who leave."""
    heard, pid = Heard(plan["answer_seconds"], b'42["new-message"'), plan["pid"]
    clients = await connect(plan["port"], plan["clients"], heard)
    for client in clients[:2]:
        client.send("42" + json.dumps(plan["join"]))
    posting, request = await poster(plan), request_of(plan["path"], plan["event"])
    await asyncio.sleep(1)
    await heard.after(posting.post(request), 2)
    cpu = cpu_seconds(pid)
    for _ in range(plan["rounds"]):
        await heard.after(posting.post(request), 2)
    found["room_cpu_us"] = (cpu_seconds(pid) - cpu) / plan["rounds"] * 1e6
    # Those who stay may cost something meanwhile.
    cpu = cpu_seconds(pid)
    await asyncio.sleep(3)
    idle = (cpu_seconds(pid) - cpu) / 3
    sockets, cpu, start = open_sockets(pid), cpu_seconds(pid), time.perf_counter()
    for client in clients[-plan["leaving"] :]:
        client.leave()
        await asyncio.sleep(0)
    gone = until(lambda: sockets - open_sockets(pid) >= plan["leaving"])
    await within(plan["answer_seconds"], "the end of the connections of those who left", gone)
    await asyncio.sleep(0.3)
    left = cpu_seconds(pid) - cpu - idle * (time.perf_counter() - start)
    found["leave_cpu_us"] = left / plan["leaving"] * 1e6


async def stalled(plan: Plan, found: Found) -> None:
    """What those who read cost, and how long their events take, alone and beside as many who do not read."""
    heard, pid, clients = Heard(plan["answer_seconds"]), plan["pid"], plan["clients"]
    await connect(plan["port"], clients, heard)
    posting = await poster(plan)
    single, burst = request_of(plan["path"], plan["single"]), request_of(plan["path"], plan["burst"])

    async def tell(times: int, request: bytes, per_request: int) -> None:
        for _ in range(times):
            await heard.after(posting.post(request), clients * per_request)

    async def cpu_us() -> float:
        await tell(20, single, 1)
        before, cpu = heard.events, cpu_seconds(pid)
        await tell(plan["rounds"], single, 1)
        return (cpu_seconds(pid) - cpu) / (heard.events - before) * 1e6

    async def p99() -> float:
        return await p99_ms(heard, posting, single, clients, plan["paced"])

    async def until_closed() -> None:
        while open_sockets(pid) > sockets:
            await tell(1, burst, plan["times"])

    found["alone_cpu_us"], found["alone_p99_ms"] = await cpu_us(), await p99()
    sockets = open_sockets(pid)
    for client in await connect(plan["port"], clients, Heard(plan["answer_seconds"])):
        client.stall()
    memory = memory_kb(pid)
    # Until the system takes no more for them, and what they are told waits in the server.
    await tell(plan["fill"], burst, plan["times"])
    found["beside_cpu_us"], found["beside_p99_ms"] = await cpu_us(), await p99()
    found["beside_memory_mb"] = (memory_kb(pid) - memory) / 1024
    found["stalled"] = open_sockets(pid) - sockets
    await within(plan["close_seconds"], "the end of the connections of those who do not read", until_closed())
    found["after_cpu_us"] = await cpu_us()


def began(plan: Plan) -> None:
    """Says, to whoever wants to look at the server meanwhile, that what is measured begins."""
    if "begun" in plan:
        Path(plan["begun"]).touch()


MEASURES = {"fan_out": fan_out, "webhooks": webhooks, "crowd": crowd, "stalled": stalled}


def run(measures: Mapping[str, Callable[[Plan, Found], Coroutine[Any, Any, None]]]) -> None:
    """Carries out the plan on standard input, and prints what that found."""
    plan: Plan = json.load(sys.stdin)
    found: Found = {}
    failure = None
    try:
        asyncio.run(measures[plan["measure"]](plan, found))
    except (OSError, ValueError) as error:
        failure = str(error)
    print(json.dumps({"found": found, "failure": failure}))


if __name__ == "__main__":
    uvloop.install()
    run(MEASURES)
