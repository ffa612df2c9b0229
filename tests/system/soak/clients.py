"""Clients that behave as badly as networks and people do, and keep a record of what they are told."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.system.soak.lines import Line
from tests.system.soak.records import EVERYONE, Publications, Record
from tests.waiting import GIVE_UP_SECONDS

__all__ = ["DEEDS", "SELLERS", "Client", "World"]

SELLERS = "sellers"
REQUESTS = 200
# What a client may do next, and how often it does it in comparison.
DEEDS = {
    "join": 30,
    "leave": 12,
    "cut": 20,
    "stall": 12,
    "fall silent": 8,
    "say goodbye": 5,
    "vanish": 5,
    "nothing": 8,
}


@dataclass
class World:
    """What all clients share."""

    publications: Publications
    pause_seconds: float
    """Between two deeds of a client, at most; half of it on average."""
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    last: int | None = None
    """The last event there will be; None as long as there will be others."""
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    def ends_with(self, last: int) -> None:
        """There will be one more event, of that number."""
        self.last = last
        self._over.set()

    async def sleep(self, seconds: float) -> None:
        """As asyncio's, but nobody sleeps on when the world has come to its end."""
        try:
            async with asyncio.timeout(seconds):
                await self._over.wait()
        except TimeoutError:
            pass

    def fault(self, client: "Client", fault: str) -> None:
        if len(self.faults) < 50:
            self.faults.append(f"client {client.number}: {fault}")


class Client:
    """One client. While it runs it is now and then somebody new, who begins with an empty record."""

    def __init__(self, number: int, world: World, dial: Callable[[], Line], seed: int) -> None:
        self.number = number
        self._world = world
        self._dial = dial
        self._random = random.Random(f"{seed} {number}")
        self._line: Line | None = None
        self._abandoned: list[Line] = []
        self._is_seller = number % 10 == 0
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._pid: str | None = None
        self._offset: str | None = None
        self._record = Record(self._world.publications)
        self._rooms: set[str] = set()
        self._asked: dict[int, tuple[str, str]] = {}
        """What is not acknowledged yet: the deed, and the room."""
        self._acks = 0

    def had_to_hear(self) -> int:
        """How many events at least it had to hear since it is who it is."""
        return self._record.had_to_hear()

    def _has_heard_all(self) -> bool:
        return self._world.last is not None and self._record.has_heard(self._world.last) and not self._asked

    def __str__(self) -> str:
        return f"client {self.number}: last heard {self._record.last}, waits for the answers to {self._asked}"

    async def run(self) -> None:
        """Lives until the world has come to its end, and this client has heard it."""
        while not self._has_heard_all():
            self._line = self._dial()
            try:
                await self._connect(self._line)
                for line in self._abandoned:
                    await line.cut()
                self._abandoned.clear()
                while not self._has_heard_all() and await self._spend_a_while(self._line):
                    pass
            except (OSError, EOFError):
                self._world.counts["lines that the bridge closed"] += 1
            finally:
                self._note_faults()
            if not self._has_heard_all():
                await self._line.cut()
                # At the end nobody waits, except for a bridge that would be asked over and over.
                await (asyncio.sleep(0.1) if self._world.last is not None else self._pause(3))
        self._count()

    async def leave(self) -> None:
        """Goes for good."""
        if self._line is not None:
            try:
                await self._line.send("41")
                await self._line.send("1")
            except (OSError, EOFError):
                pass
            await self._line.cut()

    def _note_faults(self) -> None:
        for fault in self._record.faults:
            self._world.fault(self, fault)
        self._record.faults.clear()

    async def _connect(self, line: Line) -> None:
        await line.open()
        while not (opened := await self._hear(line)).startswith("0"):
            pass
        brought = {} if self._pid is None else {"pid": self._pid}
        if self._offset is not None:
            brought["offset"] = self._offset
        await line.send("40" + json.dumps(brought))
        while not (opened := await self._hear(line)).startswith("40"):
            self._take(opened)
        pid, known = json.loads(opened[2:])["pid"], self._pid
        self._pid = pid
        if known is None:
            self._record.connected()
            self._world.counts["sessions"] += 1
            await self._ask(line, "join", SELLERS if self._is_seller else self._some_room())
        elif pid == known:
            self._record.recovered()
            self._world.counts["recoveries"] += 1
            for deed, room in list(self._asked.values()):
                await self._ask(line, deed, room)  # once more: the answer may have been lost with the line
        else:
            self._world.fault(self, "was not recovered")
            self._begin_anew()
            self._record.connected()
            self._pid = pid

    async def _hear(self, line: Line) -> str:
        packet = await line.receive(asyncio.get_running_loop().time() + GIVE_UP_SECONDS)
        if packet is None:
            raise EOFError("the bridge says nothing")
        return packet

    async def _spend_a_while(self, line: Line) -> bool:
        """Listens for a while, and then does something. Returns whether it goes on with this line."""
        loop = asyncio.get_running_loop()
        is_over = self._world.last is not None
        until = loop.time() + (1.0 if is_over else self._random.uniform(0, self._world.pause_seconds))
        while loop.time() < until and not self._has_heard_all():
            packet = await line.receive(min(until, loop.time() + 1))
            if packet == "2":
                await line.send("3")
            elif packet is not None:
                self._take(packet)
            if not is_over and self._world.last is not None:
                break
        return True if self._world.last is not None else await self._do_something(line)

    async def _do_something(self, line: Line) -> bool:
        [deed] = self._random.choices(list(DEEDS), list(DEEDS.values()))
        self._world.counts[deed] += 1
        if deed == "join" and len(self._rooms) < 5 and not self._asked:
            await self._ask(line, "join", self._some_room())
        elif deed == "leave" and self._rooms and not self._asked:
            await self._ask(line, "leave", self._random.choice(sorted(self._rooms)))
        elif deed == "stall":
            await self._world.sleep(self._random.uniform(1, 15))
        elif deed == "fall silent":  # its end of the line is there, but nobody is at it
            self._abandoned.append(line)
            self._line = self._dial()
            await self._pause(3)
            return False
        elif deed == "say goodbye":
            await self.leave()
            self._begin_again()
            return False
        elif deed == "vanish":
            self._begin_again()
            return False
        return deed != "cut"

    def _begin_again(self) -> None:
        self._note_faults()
        self._count()
        self._begin_anew()

    def _count(self) -> None:
        """Adds up what it heard, and had to hear, as who it was."""
        self._world.counts["events heard"] += self._record.heard
        self._world.counts["events to be heard"] += self._record.had_to_hear()

    async def _pause(self, seconds: float) -> None:
        await self._world.sleep(self._random.uniform(0, seconds))

    def _some_room(self) -> str:
        return f"r{self._random.randrange(REQUESTS)}"

    async def _ask(self, line: Line, deed: str, room: str) -> None:
        self._acks += 1
        self._asked = {number: asked for number, asked in self._asked.items() if asked != (deed, room)}
        self._asked[self._acks] = (deed, room)
        if deed == "join":
            self._record.joining(room)
        else:
            self._record.leaving(room)
        kind, argument = ("seller", "s1") if room == SELLERS else ("request", room)
        await line.send(f"42{self._acks}{json.dumps([f'{deed}-{kind}-room', argument])}")

    def _take(self, packet: str) -> None:
        if packet.startswith("42"):
            name, payload, self._offset = json.loads(packet[2:])
            self._record.hears(*_number_and_room(name, payload))
        elif packet.startswith("43"):
            number, _, answer = packet[2:].partition("[")
            deed, room = self._asked.pop(int(number), ("", ""))
            if not json.loads("[" + answer)[0]["ok"]:
                self._world.fault(self, f"could not {deed} {room}: {answer}")
            elif deed == "join":
                self._rooms.add(room)
                self._record.joined(room)
            elif deed == "leave":
                self._rooms.discard(room)
                self._record.left(room)


def _number_and_room(name: str, payload: dict[str, Any]) -> tuple[int, str]:
    if name == "purchase-request-update":
        return int(payload["type"]), str(payload["requestId"])
    if name == "new-purchase-request":
        return int(payload["number"]), SELLERS
    return int(payload["checkoutId"]), EVERYONE
