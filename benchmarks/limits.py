"""Limits of a webhook: what is left of its cost if nothing but one part of it is done, measured in the same run. The
same rows in the same commits by `sqlite3` alone; an HMAC of its body; and a bare HTTP request through the same front
door, which an application answers that does nothing.
"""

import asyncio
import hashlib
import hmac
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.measuring import ROOT, Bench, Measurement
from benchmarks.plans import Plan, Sizes, webhooks_plan
from benchmarks.recorded_bridge import BEGUN_AT, RECORDED_AT, SETS, Commit, commits
from benchmarks.report import Found
from benchmarks.servers import KEY, Server

__all__ = ["LIMITS", "hash_bodies", "limits_of", "write_rows", "written"]

WEBHOOK = "webhook_cpu_us"
ROWS, HMAC, BARE = "sqlite3 alone", "an HMAC", "bare HTTP"
LIMITS = (ROWS, HMAC, BARE)
"""The columns of the table, in order."""
BARE_SERVER = Server(
    (sys.executable, "-m", "benchmarks.limits", "serve"),
    webhooks_at="/webhooks/shkeeper",
    environment={"PYTHONPATH": str(ROOT)},
)


def limits_of(bench: Bench, run: int, bridge: Server, sizes: Sizes) -> Mapping[str, Found]:
    """What each of the limits takes, by its column."""
    plan = webhooks_plan(bridge, sizes)
    found = {BARE: bench.measured(run, BARE, BARE_SERVER, _by_itself("webhooks", plan, "post"))}
    hashing = _by_itself("webhooks", plan, "hash")
    found[HMAC] = bench.carried_out(run, HMAC, _at_once(plan), hashing, is_ours=False)
    with tempfile.TemporaryDirectory() as folder:
        begun, recorded = Path(folder) / "begun", Path(folder) / "recorded"
        environment = {"PYTHONPATH": str(ROOT), RECORDED_AT: str(recorded), BEGUN_AT: str(begun)}
        server = replace(
            bridge,
            command=(sys.executable, "-m", "benchmarks.recorded_bridge"),
            environment={**bridge.environment, **environment},
        )
        bench.measured(run, "a bridge", server, Measurement("its rows", plan | {"begun": str(begun)}, ()))
        plan = plan | {"recorded": str(recorded)}
        rows = _by_itself("its rows", plan, "write")
        found[ROWS] = bench.carried_out(run, ROWS, _at_once(plan), rows, is_ours=False)
    return {column: found[column] for column in LIMITS}


def _by_itself(name: str, plan: Plan, what: str) -> Measurement:
    return Measurement(name, plan, [WEBHOOK], program=(sys.executable, "-m", "benchmarks.limits", what))


@contextmanager
def _at_once(plan: Plan) -> Iterator[str]:
    """Nothing has to run for it."""
    yield json.dumps(plan)


def write_rows(plan: Plan) -> float:
    """CPU seconds of writing what a bridge has written for the webhooks, into a journal with the same before."""
    seconds, measured = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "journal.db", isolation_level=None)
        for commit in commits(Path(plan["recorded"])):
            before = time.process_time()
            written(connection, commit)
            if commit.is_measured:
                seconds, measured = seconds + time.process_time() - before, measured + 1
        connection.close()
    if not measured:
        raise ValueError("the bridge wrote nothing while it was measured")
    return seconds


def written(connection: sqlite3.Connection, commit: Commit) -> None:
    """Writes what was committed, in one transaction."""
    for statement in commit.statements:
        if statement.begins_with(SETS):
            connection.execute(statement.text)
            continue
        if not connection.in_transaction:
            connection.execute("BEGIN IMMEDIATE")
        if statement.is_many:
            connection.executemany(statement.text, statement.parameters)
        else:
            connection.execute(statement.text, statement.parameters).fetchall()
    connection.execute("COMMIT")


def hash_bodies(plan: Plan) -> float:
    """CPU seconds of an HMAC of each body, compared as a receiver does."""
    bodies = [body.encode() for body, _ in plan["deliveries"]]
    before = time.process_time()
    for body in bodies:
        said = hmac.digest(KEY.encode(), body, hashlib.sha256)
        if not hmac.compare_digest(said.hex(), said.hex()):
            raise ValueError("an HMAC is not what it is")
    return time.process_time() - before


def post_all(plan: Plan) -> float:
    """CPU seconds of a server that takes the webhooks, over as many connections."""
    return asyncio.run(_posted(plan))


async def _posted(plan: Plan) -> float:
    requests = [_request(plan["path"], body, headers) for body, headers in plan["deliveries"]]
    posters = plan["posters"]

    async def post(those: list[bytes]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", plan["port"])
        for request in those:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 202"):
                raise ValueError(f"the server answered {head[:200]!r}")
            await reader.readexactly(len(ANSWER))
        writer.close()

    async with asyncio.timeout(plan["answer_seconds"]):
        before = _cpu_seconds(plan["pid"])
        await asyncio.gather(*(post(requests[number::posters]) for number in range(posters)))
        return _cpu_seconds(plan["pid"]) - before


def _request(path: str, body: str, headers: Mapping[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{lines}"
    content = body.encode()
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def _cpu_seconds(pid: int) -> float:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


ANSWER = b'{"message":"Accepted."}'


async def answering(_scope: Any, receive: Any, send: Any) -> None:
    """An application that takes a body and answers."""
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": ANSWER})


def serve(port: int) -> None:
    """The front door of the bridge, and nothing behind it."""
    import uvicorn

    from bridge.door import ConnectionLimits, Door

    door = Door(ConnectionLimits(places=1_000, reserved_places=1, per_address=1_000))
    options: dict[str, Any] = {"http": door, "ws": "none", "lifespan": "off", "log_config": None}
    uvicorn.run(answering, host="127.0.0.1", port=port, loop="uvloop", **options)


MEASURES: Mapping[str, Callable[[Plan], float]] = {"write": write_rows, "hash": hash_bodies, "post": post_all}


def main(arguments: list[str]) -> None:
    what, *rest = arguments
    if what == "serve":
        serve(int(rest[0]))
        return
    plan: Plan = json.load(sys.stdin)
    found, failure = {}, None
    try:
        found[WEBHOOK] = MEASURES[what](plan) / len(plan["deliveries"]) * 1e6
    except (OSError, ValueError, sqlite3.Error) as error:
        failure = str(error)
    print(json.dumps({"found": found, "failure": failure}))


if __name__ == "__main__":
    main(sys.argv[1:])
