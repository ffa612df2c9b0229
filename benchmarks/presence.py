"""Crowds that come online at once: what that costs, and how long the bridge stands still meanwhile, where everyone is
told of everyone and where clients watch some. `make bench-presence` runs it.

The bridge has one core, the clients share the other.
"""

import argparse
import asyncio
import json
import re
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import httpx
import jwt
import uvloop

from benchmarks.attacks import on_core_of_clients
from benchmarks.clients import Client, Heard, connect_each, masked, within
from benchmarks.processes import cpu_seconds, end_on_signals, memory_kb, more_files
from benchmarks.servers import SERVERS, running

ANSWER_SECONDS = 600.0
DONE = b'{"ok":true'
PID = re.compile(rb'"pid":"([^"]+)"')
LAG = re.compile(r"^bridge_loop_lag_seconds (\S+)$", re.MULTILINE)
LAG_EVERY_SECONDS = 3.0
IDLE_SHARE = 0.1
"""Of a core; what the bridge does for itself."""
AWAY_SECONDS = 7.0
"""Longer than the grace period: all are told of as offline, and as online again."""
SECRET = secrets.token_hex(32)


class User(Client):
    """Somebody who watches others, comes online and comes back."""

    def __init__(self, heard: Heard, done: Heard, number: int, auth: dict[str, str]) -> None:
        super().__init__(heard)
        self.number = number
        self.pid = ""
        self._done, self._end = done, b""
        self.brings = auth

    @property
    def auth(self) -> bytes:  # type: ignore[override]
        brings = {**self.brings, "pid": self.pid} if self.pid else self.brings
        return json.dumps(brings).encode() if brings else b""

    def _connect(self, data: bytes) -> None:
        if (pid := PID.search(data)) is not None:
            self.pid = pid[1].decode()
        super()._connect(data)

    def data_received(self, data: bytes) -> None:
        with_end = self._end + data
        if done := with_end.count(DONE):
            self._done.more(done)
        self._end = with_end[1 - len(DONE) :]
        super().data_received(data)

    def ask(self, event: str, argument: object) -> None:
        self._transport.write(masked(f"421{json.dumps([event, argument])}".encode()))


class Meter:
    """The CPU that the bridge takes, and its longest standstill."""

    def __init__(self, pid: int, port: int) -> None:
        self._pid = pid
        self._metrics = f"http://127.0.0.1:{port}/metrics"
        self._lag = 0.0

    async def run(self) -> None:
        while True:
            with suppress(httpx.HTTPError):
                self._lag = max(self._lag, await asyncio.to_thread(self._lag_seconds))
            await asyncio.sleep(LAG_EVERY_SECONDS)

    def _lag_seconds(self) -> float:
        found = LAG.search(httpx.get(self._metrics, timeout=ANSWER_SECONDS).text)
        return float(found[1]) if found else 0.0

    async def measured(self, what: str, work: asyncio.Future[object] | asyncio.Task[object]) -> None:
        """Prints what it costs until the bridge is idle again."""
        cpu, memory, began = cpu_seconds(self._pid), memory_kb(self._pid), time.perf_counter()
        watching = asyncio.create_task(self.run())
        await work
        took = time.perf_counter() - began
        await self._until_idle()
        watching.cancel()
        self._lag = max(self._lag, await asyncio.to_thread(self._lag_seconds))
        print(
            f"{what}: {cpu_seconds(self._pid) - cpu:.1f} s of CPU, done after {took:.1f} s,"
            f" longest standstill {self._lag:.2f} s, {(memory_kb(self._pid) - memory) / 1024:+.1f} MB",
            flush=True,
        )
        await asyncio.sleep(11)  # what is told of the loop is of ten seconds
        self._lag = 0.0

    async def _until_idle(self) -> None:
        while True:
            cpu = cpu_seconds(self._pid)
            await asyncio.sleep(1)
            if cpu_seconds(self._pid) - cpu < IDLE_SHARE:
                return


def of_user(number: int) -> str:
    return f"user-{number:024x}"


async def crowd(pid: int, port: int, clients: int, watched: int, *, with_tokens: bool) -> None:
    heard, done = Heard(ANSWER_SECONDS, b'42["user-status-change"'), Heard(ANSWER_SECONDS, DONE)
    expires_at = int(time.time()) + 3_600
    tokens = [
        {"token": jwt.encode({"sub": of_user(number), "exp": expires_at}, SECRET)} if with_tokens else {}
        for number in range(clients)
    ]
    users = [User(heard, done, number, tokens[number]) for number in range(clients)]
    meter = Meter(pid, port)
    await meter.measured(f"{clients:,} connect", asyncio.create_task(_connect(port, users)))
    if watched:
        await meter.measured(f"each watches {watched}", asyncio.create_task(_watch(users, watched, done)))
    told = clients * (watched or clients)
    await meter.measured(
        f"all come online, {told:,} deliveries", asyncio.create_task(_come_online(users, heard, done, told))
    )
    await meter.measured("all are cut off, and come back", asyncio.create_task(_come_back(port, users, heard, done)))


async def _connect(port: int, users: Sequence[User]) -> None:
    await connect_each(port, users)


async def _watch(users: Sequence[User], watched: int, done: Heard) -> None:
    async def ask() -> None:
        for user in users:
            whom = [of_user((user.number + step * 97) % len(users)) for step in range(watched)]
            user.ask("watch-users", {"userIds": whom})
            await asyncio.sleep(0)

    await done.after(ask(), len(users))


async def _come_online(users: Sequence[User], heard: Heard, done: Heard, told: int) -> None:
    async def ask() -> None:
        for user in users:
            user.ask("user-online", of_user(user.number))

    await heard.after(done.after(ask(), len(users)), told)


async def _come_back(port: int, users: Sequence[User], heard: Heard, done: Heard) -> None:
    back = [User(heard, done, user.number, user.brings) for user in users]
    for user, newcomer in zip(users, back, strict=True):
        newcomer.pid = user.pid
        user.leave()
    await asyncio.sleep(AWAY_SECONDS)
    await within(ANSWER_SECONDS, "the return of all", _connect(port, back))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=2_000, help="each of another user")
    parser.add_argument(
        "--watched", type=int, default=0, help="how many each watches; 0: everyone is told of everyone"
    )
    parser.add_argument("--tokens", action="store_true", help="with access = jwt")
    options = parser.parse_args()
    end_on_signals()
    more_files()
    # Without the heartbeats of so many, which come meanwhile.
    environment = {"BRIDGE_PING_INTERVAL_SECONDS": "3600"}
    environment |= {"BRIDGE_PRESENCE_TO": "watchers"} if options.watched else {}
    if options.tokens:
        environment |= {"BRIDGE_ACCESS": "jwt", "BRIDGE_JWT_SECRETS": SECRET}
    server = replace(SERVERS["bridge"], environment=environment)
    with running(server) as (pid, port), on_core_of_clients():
        uvloop.run(crowd(pid, port, options.clients, options.watched, with_tokens=options.tokens))


if __name__ == "__main__":
    main()
