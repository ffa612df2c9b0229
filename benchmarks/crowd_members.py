"""A crowd as a process of its own: `python -m benchmarks.crowd_members PORT CLIENTS TOKEN`.

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

from benchmarks.clients import HANDSHAKE, Client, Heard, masked, within
from benchmarks.processes import more_files

__all__ = ["PROXIES"]

ANSWER_SECONDS = 300.0
EVENT = b'42["purchase-request-update"'
JOINED = b'{"ok":true'
PID = re.compile(rb'"pid":"([^"]+)"')
OFFSET = re.compile(rb',"([^"]+)"\]$')
# More would overflow the queue of connections that the system keeps for a server.
AT_ONCE = 512
PROXIES = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
"""The addresses that it comes from, as if over proxies."""
# What others send comes first on their core.
NICENESS = 10


class Member(Client):
    """One of the crowd, who knows what brings it back."""

    def __init__(self, heard: Heard, joined: Heard, number: int, token: str, pid: str = "", offset: str = "") -> None:
        super().__init__(heard)
        self.number = number
        # Each of another address, as a proxy says.
        address = f"X-Forwarded-For: 10.{number >> 16}.{number >> 8 & 255}.{number & 255}\r\n\r\n"
        self.handshake = HANDSHAKE.replace(b"\r\n\r\n", b"\r\n" + address.encode())
        self._joined = joined
        self._came_with = pid
        self.pid, self.offset = pid, offset
        self._token = token

    @property
    def auth(self) -> bytes:  # type: ignore[override]
        session = {"pid": self.pid, "offset": self.offset} if self.pid else {}
        return json.dumps({"token": self._token, **session}).encode()

    @property
    def is_recovered(self) -> bool:
        return self.pid == self._came_with

    def _connect(self, data: bytes) -> None:
        if (found := PID.search(data)) is not None:
            self.pid = found[1].decode()
        super()._connect(data)

    def data_received(self, data: bytes) -> None:
        if joins := data.count(JOINED):
            self._joined.more(joins)
        if EVENT in data and (found := OFFSET.search(data)) is not None:
            self.offset = found[1].decode()
        super().data_received(data)

    def join(self) -> None:
        self._transport.write(masked(b'421["join-request-room","crowd"]'))


class Crowd:
    """All of them."""

    def __init__(self, port: int, clients: int, token: str) -> None:
        self._port = port
        self._token = token
        self._heard, self._joined = Heard(ANSWER_SECONDS, EVENT), Heard(ANSWER_SECONDS, JOINED)
        self._members = [Member(self._heard, self._joined, number, token) for number in range(clients)]
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
        back = [Member(self._heard, self._joined, one.number, self._token, one.pid, one.offset) for one in self._cut]
        await self._connect(back)
        await self._hear(missed * len(back))
        self._members += back
        return f"{sum(one.is_recovered for one in back)} recovered"

    async def _connect(self, members: Sequence[Member]) -> None:
        gate, loop = asyncio.Semaphore(AT_ONCE), asyncio.get_running_loop()

        async def one(member: Member) -> None:
            async with gate:
                # One address has not as many ports as a crowd needs to come from.
                local = PROXIES[member.number % len(PROXIES)], 0
                await loop.create_connection(lambda: member, "127.0.0.1", self._port, local_addr=local)
                await within(ANSWER_SECONDS, "the answer to a client's CONNECT", member.connected)

        await asyncio.gather(*map(one, members))


async def main(port: int, clients: int, token: str) -> None:
    crowd, loop = Crowd(port, clients, token), asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        deed, *count = line.split()
        print(await crowd.do(deed, int(count[0]) if count else 0), flush=True)


if __name__ == "__main__":
    os.nice(NICENESS)
    more_files()
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
