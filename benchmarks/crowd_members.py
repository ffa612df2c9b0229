"""A crowd as a process of its own: `python -m benchmarks.crowd_members PORT CLIENTS`.

It does what it is told on standard input, a line at a time, and says when that is done: `arrive`, `join`, `listen
EVENTS` (until all have heard so many more), `cut CLIENTS`, and `return` (of those who were cut, all at once).
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import Sequence

import uvloop

from benchmarks.load import Client, Heard, masked, within
from benchmarks.processes import more_files

ANSWER_SECONDS = 300.0
EVENT = b'42["payment-update"'
JOINED = b'{"ok":true'
PID = re.compile(rb'"pid":"([^"]+)"')
OFFSET = re.compile(rb',"([^"]+)"\]$')
# More would overflow the queue of connections that the system keeps for a server.
AT_ONCE = 512
# What others send comes first on their core.
NICENESS = 19


class Member(Client):
    """One of the crowd, who knows what brings it back."""

    def __init__(self, heard: Heard, joined: Heard, pid: str = "", offset: str = "") -> None:
        super().__init__(heard)
        self._joined = joined
        self._came_with = pid
        self.pid, self.offset = pid, offset

    @property
    def auth(self) -> bytes:  # type: ignore[override]
        return json.dumps({"pid": self.pid, "offset": self.offset}).encode() if self.pid else b""

    @property
    def is_recovered(self) -> bool:
        return self.pid == self._came_with

    def _connect(self, data: bytes) -> None:
        if (found := PID.search(data)) is not None:
            self.pid = found[1].decode()
        super()._connect(data)

    def data_received(self, data: bytes) -> None:
        if JOINED in data:
            self._joined.more(1)
        if EVENT in data and (found := OFFSET.search(data)) is not None:
            self.offset = found[1].decode()
        super().data_received(data)

    def join(self) -> None:
        self._transport.write(masked(b'421["join-request-room","crowd"]'))


class Crowd:
    """All of them."""

    def __init__(self, port: int, clients: int) -> None:
        self._port = port
        self._heard, self._joined = Heard(ANSWER_SECONDS, EVENT), Heard(ANSWER_SECONDS, JOINED)
        self._members = [Member(self._heard, self._joined) for _ in range(clients)]
        self._cut: list[Member] = []
        self._told = 0
        """How many events all of them together have to have heard."""

    async def do(self, deed: str, count: int) -> str:
        if deed == "arrive":
            await self._connect(self._members)
        elif deed == "join":
            await self._joined.after(self._join(), len(self._members))
        elif deed == "listen":
            await self._hear(count * len(self._members))
        elif deed == "cut":
            self._cut, self._members = self._members[:count], self._members[count:]
            for member in self._cut:
                member.leave()
        elif deed == "return":
            return await self._return(count)
        return "done"

    async def _hear(self, more: int) -> None:
        """Some may have come before it was said that they would."""
        self._told += more
        await self._heard.after(asyncio.sleep(0), self._told - self._heard.events)

    async def _join(self) -> None:
        for member in self._members:
            member.join()

    async def _return(self, missed: int) -> str:
        back = [Member(self._heard, self._joined, one.pid, one.offset) for one in self._cut]
        await self._connect(back)
        await self._hear(missed * len(back))
        self._members += back
        return f"{sum(one.is_recovered for one in back)} recovered"

    async def _connect(self, members: Sequence[Member]) -> None:
        gate, loop = asyncio.Semaphore(AT_ONCE), asyncio.get_running_loop()

        async def one(member: Member) -> None:
            async with gate:
                await loop.create_connection(lambda: member, "127.0.0.1", self._port)
                await within(ANSWER_SECONDS, "the answer to a client's CONNECT", member.connected)

        await asyncio.gather(*map(one, members))


async def main(port: int, clients: int) -> None:
    crowd, loop = Crowd(port, clients), asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        deed, *count = line.split()
        print(await crowd.do(deed, int(count[0]) if count else 0), flush=True)


if __name__ == "__main__":
    os.nice(NICENESS)
    more_files()
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
