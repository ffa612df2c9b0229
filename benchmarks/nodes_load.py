"""The clients of a benchmark at several servers that share what they tell: as `benchmarks/load.py`, of which this is
made, a process of its own, which reads its plan from standard input and prints what it found.
"""

import asyncio
import json
import os
import signal
import time
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from pathlib import Path

import uvloop

from benchmarks.clients import AT_ONCE, Heard, Poster, connect, connect_each, request_of, until
from benchmarks.crowd_members import Member
from benchmarks.load import EVENTS_PER_SECOND, Found, Plan, began, run
from benchmarks.processes import cpu_seconds, memory_kb
from benchmarks.visitors import Visitor

# What each event of those who come back costs the loop of these clients is to be little beside its pace.
RECOVERY_EVENTS_PER_SECOND = 10
IDLE_SECONDS = 5
ROOMS_OF_ITS_OWN = ("a", "b")
SAVED_SECONDS = 3
WARMED_UP_BY = 4
"""One in so many webhooks comes before any are measured."""


def tree_cpu_seconds(pid: int) -> float:
    """Of a process and its children, such as PostgreSQL's."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    total = cpu_seconds(pid)
    for child in children:
        with suppress(FileNotFoundError):  # it has ended meanwhile
            total += cpu_seconds(int(child))
    return total


class Cost:
    """What the servers, and what they stand on, take up from now on."""

    def __init__(self, plan: Plan) -> None:
        self._servers, self._store = [node["pid"] for node in plan["nodes"]], plan["store"]
        self._before, self._store_before = self._now()

    def _now(self) -> tuple[float, float]:
        return sum(map(cpu_seconds, self._servers)), tree_cpu_seconds(self._store)

    def us_each(self, servers_did: int, store_did: int) -> tuple[float, float]:
        """CPU microseconds of the servers for each of what they did, and of their store for each of what it did."""
        servers, store = self._now()
        return (servers - self._before) / servers_did * 1e6, (store - self._store_before) / store_did * 1e6


async def posters(plan: Plan, each: int = 1) -> list[Poster]:
    """So many at each server, by turns."""
    made = [Poster(node["port"], plan["answer_seconds"]) for _ in range(each) for node in plan["nodes"]]
    for one in made:
        await one.open()
    return made


async def all_hear(everybody: Sequence[Heard], work: Awaitable[object], events: int) -> None:
    """Does something, and waits until the clients of each server have heard so many events more."""
    for heard in everybody:
        work = heard.after(work, events)
    await work


async def tell(plan: Plan, found: Found) -> None:
    """Events that one server takes and the clients of all hear: what they cost, and when they come."""
    clients, seconds = plan["clients"], plan["answer_seconds"]
    everybody = [Heard(seconds) for _ in plan["nodes"]]
    for node, heard in zip(plan["nodes"], everybody, strict=True):
        await connect(node["port"], clients, heard)
    posting = (await posters(plan))[0]
    for name, per_request in (("single", 1), ("burst", plan["times"])):
        request = request_of(plan["path"], plan[name])
        for _ in range(3):
            await all_hear(everybody, posting.post(request), clients * per_request)
        await asyncio.sleep(0.3)
        cost, rounds = Cost(plan), plan["rounds"]
        for _ in range(rounds):
            await all_hear(everybody, posting.post(request), clients * per_request)
        deliveries = rounds * per_request * clients * len(everybody)
        found[f"{name}_cpu_us"], found[f"{name}_store_us"] = cost.us_each(deliveries, rounds)
    times = await heard_after(plan, everybody, posting, clients)
    found["p99_ms"] = p99_ms([one for of_one in times for one in of_one])


async def heard_after(plan: Plan, everybody: Sequence[Heard], posting: Poster, clients: int) -> list[list[float]]:
    """In how many seconds the clients of each server hear events that come one after the other."""
    request = request_of(plan["path"], plan["single"])
    for heard in everybody:
        heard.seconds, heard.timing = [], True
    for _ in range(plan["paced"]):
        sent_at = time.perf_counter()
        for heard in everybody:
            heard.sent_at = sent_at
        await all_hear(everybody, posting.post(request), clients)
        await asyncio.sleep(max(0.0, 1 / EVENTS_PER_SECOND - (time.perf_counter() - sent_at)))
    for heard in everybody:
        heard.timing = False
    return [heard.seconds for heard in everybody]


def p99_ms(seconds: Sequence[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.99)] * 1000


async def later(plan: Plan, found: Found) -> None:
    """How much later the other server's clients hear: of few, so that nobody waits for the first one's many."""
    clients = plan["few"]
    everybody = [Heard(plan["answer_seconds"]) for _ in plan["nodes"]]
    for node, heard in zip(plan["nodes"], everybody, strict=True):
        await connect(node["port"], clients, heard)
    posting = (await posters(plan))[0]
    await heard_after(plan | {"paced": 5}, everybody, posting, clients)
    here, there = map(p99_ms, await heard_after(plan, everybody, posting, clients))
    found["here_p99_ms"], found["there_p99_ms"], found["later_ms"] = here, there, there - here


async def webhooks(plan: Plan, found: Found) -> None:
    """Signed webhooks over several connections, each payment's to any of the servers; a client watches at each."""
    everybody = [Heard(plan["answer_seconds"]) for _ in plan["nodes"]]
    for node, heard in zip(plan["nodes"], everybody, strict=True):
        await connect(node["port"], 1, heard)
    posting = await posters(plan, plan["posters"] // len(plan["nodes"]))
    bodies = [request_of(plan["register_at"], body) for body in plan["registrations"]]
    requests = [
        request_of(plan["path"], body, "".join(f"{name}: {value}\r\n" for name, value in headers.items()))
        for body, headers in plan["deliveries"]
    ]

    async def post_all(one: Poster, share: Sequence[bytes]) -> None:
        for request in share:
            await one.post(request)

    def posted(all_of_them: Sequence[bytes], by: Sequence[Poster]) -> Awaitable[object]:
        return asyncio.gather(*(post_all(one, all_of_them[place :: len(by)]) for place, one in enumerate(by)))

    # Whoever registers a payment is not who is told of its money, of which the last of these makes sure.
    await posted(bodies, posting[::-1])
    # What a bridge does for the first time costs many times what it costs from then on.
    early = len(requests) // WARMED_UP_BY
    await all_hear(everybody, posted(requests[:early], posting), early)
    await asyncio.sleep(0.5)
    cost = Cost(plan)
    await asyncio.sleep(IDLE_SECONDS)
    found["idle_ms"], found["idle_store_ms"] = (us / 1000 for us in cost.us_each(IDLE_SECONDS, IDLE_SECONDS))
    found["idle_ms"] /= len(plan["nodes"])
    began(plan)
    cost, start, rest = Cost(plan), time.perf_counter(), requests[early:]
    await all_hear(everybody, posted(rest, posting), len(rest))
    seconds = time.perf_counter() - start
    servers, store = cost.us_each(len(rest), len(rest))
    # What they would have done meanwhile anyway is not the webhooks'.
    found["webhook_cpu_us"] = servers - found["idle_ms"] * 1000 * len(plan["nodes"]) * seconds / len(rest)
    found["webhook_store_us"] = store - found["idle_store_ms"] * 1000 * seconds / len(rest)


async def rooms(plan: Plan, found: Found) -> None:
    """What the first server keeps of a client that is in five rooms of its own."""
    [node, *_] = plan["nodes"]
    heard = Heard(plan["answer_seconds"], event=b"430[")

    async def arrive(first: int, count: int) -> None:
        clients = await connect(node["port"], count, heard)

        async def join() -> None:
            for number, client in enumerate(clients, first):
                for kind, name in (
                    ("user", "u"),
                    ("request", "a"),
                    ("request", "b"),
                    ("request", "c"),
                    ("chat", "d"),
                ):
                    client.send(f'420["join-{kind}-room","{name}{number}"]')

        await heard.after(join(), 5 * count)

    await arrive(0, plan["few"] * 10)  # what is made for the first of them stays
    await asyncio.sleep(1)
    memory = memory_kb(node["pid"])
    await arrive(1_000_000, plan["clients"])
    await asyncio.sleep(1)
    found["room_memory_kb"] = (memory_kb(node["pid"]) - memory) / plan["clients"]


async def killed(plan: Plan, found: Found) -> None:
    """The first server is killed, and its clients go to the other one, where events are told all the while."""
    gone, other = plan["nodes"]
    visitors = [Visitor(plan["answer_seconds"]) for _ in range(plan["visitors"])]
    gate = asyncio.Semaphore(AT_ONCE)
    lost = await asyncio.gather(*(one.arrive(gone["port"], gate) for one in visitors))
    posting, told = Poster(other["port"], plan["answer_seconds"]), 0
    await posting.open()

    async def publish(times: int) -> None:
        nonlocal told
        for _ in range(times):
            data = {"type": str(told), "requestId": "news"}
            event = json.dumps({"event": "purchase-request-update", "data": data})
            await posting.post(request_of(plan["path"], event))
            told += 1
            await asyncio.sleep(1 / RECOVERY_EVENTS_PER_SECOND)

    def have_all() -> bool:
        return all(one.numbers[-1:] == [told - 1] for one in visitors)

    await publish(10)
    await asyncio.wait_for(until(have_all), plan["answer_seconds"])
    killed_at, cpu = time.perf_counter(), cpu_seconds(other["pid"])
    coming = asyncio.gather(
        *(one.come_back(other["port"], ended, lambda: told) for one, ended in zip(visitors, lost, strict=True))
    )
    os.kill(gone["pid"], signal.SIGKILL)
    while not coming.done():
        await publish(1)
    seconds = await coming
    found["all_back_s"] = time.perf_counter() - killed_at
    found["return_cpu_us"] = (cpu_seconds(other["pid"]) - cpu) / len(visitors) * 1e6
    await publish(3)
    with suppress(TimeoutError):
        await asyncio.wait_for(until(have_all), plan["answer_seconds"])
    found["back_p50_ms"] = sorted(seconds)[len(seconds) // 2] * 1000
    found["back_p99_ms"] = p99_ms(seconds)
    found["recovered_share"] = sum(one.is_recovered for one in visitors) / len(visitors)
    found["missed"] = sum(told - len(set(one.numbers)) for one in visitors)
    found["twice"] = sum(len(one.numbers) - len(set(one.numbers)) for one in visitors)


async def comings(plan: Plan, found: Found) -> None:
    """Clients that connect at the first server, join three rooms each, hear an event in the one that all share, and
    come back to the last server."""
    first, last, count = plan["nodes"][0], plan["nodes"][-1], plan["clients"]
    heard, joined = Heard(plan["answer_seconds"], b'42["purchase-request-update"'), Heard(plan["answer_seconds"])

    async def arrive(start: int) -> list[Member]:
        members = [Member(heard, joined, number, "") for number in range(start, start + count)]
        await connect_each(first["port"], members)
        return members

    async def join(members: Sequence[Member]) -> None:
        for number, member in enumerate(members):
            member.join()
            for room in ROOMS_OF_ITS_OWN:
                member.send(f'421["join-request-room","{room}-{number}"]')

    async def measured(what: str, work: Awaitable[object], times: int) -> None:
        cost = Cost(plan)
        await work
        await asyncio.sleep(SAVED_SECONDS)  # of sessions, in PostgreSQL
        found[f"{what}_cpu_us"], found[f"{what}_store_us"] = cost.us_each(times, times)

    joins = (1 + len(ROOMS_OF_ITS_OWN)) * count
    few = await arrive(0)
    await joined.after(join(few), joins)  # what is made for the first stays
    for member in few:
        member.leave()
    members: list[Member] = []

    async def come() -> None:
        members.extend(await arrive(count))

    await measured("connect", come(), count)
    await measured("join", joined.after(join(members), joins), joins)
    posting = Poster(first["port"], plan["answer_seconds"])
    await posting.open()
    news = {"event": "purchase-request-update", "data": {"type": "x", "requestId": "crowd"}}
    await heard.after(posting.post(request_of(plan["path"], json.dumps(news))), count)
    for member in members:
        member.leave()
    await asyncio.sleep(SAVED_SECONDS)
    back = [Member(heard, joined, one.number, "", one.pid, one.offset) for one in members]
    await measured("return", connect_each(last["port"], back), count)
    if not all(one.is_recovered for one in back):
        raise ConnectionError("not everybody was recovered")


MEASURES = {
    "tell": tell,
    "later": later,
    "webhooks": webhooks,
    "rooms": rooms,
    "killed": killed,
    "comings": comings,
}


if __name__ == "__main__":
    uvloop.install()
    run(MEASURES)
