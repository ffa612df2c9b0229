"""What a service publishes while things go wrong, and what of it is in the journal afterwards."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import psycopg

from tests.asking import client_of
from tests.waiting import wait_until

__all__ = ["Publishing", "commit_hours", "publish", "publish_until_kept", "published"]


def publish(client: httpx.Client, number: int, request_id: str = "r1") -> int:
    """As a service does it, with a key of its own, so that a repeat is no second event."""
    event = {"event": "purchase-request-update", "data": {"type": str(number), "requestId": request_id}}
    return client.post("/api/events", json=event, headers={"Idempotency-Key": f"n{number}"}).status_code


def publish_until_kept(client: httpx.Client, number: int, request_id: str = "r1") -> None:
    wait_until(lambda: publish(client, number, request_id) == 202)


def published(database: str | Path) -> list[int]:
    """The numbers of all that is in the journal, in order."""
    question = "SELECT payload FROM events"
    if isinstance(database, Path):
        with closing(sqlite3.connect(database)) as file:
            rows = file.execute(question).fetchall()
    else:
        with psycopg.connect(database) as server:
            rows = server.execute(question.encode()).fetchall()
    return sorted(int(json.loads(payload)["type"]) for (payload,) in rows)


def commit_hours(file: Path) -> set[str]:
    """The hours of the day in which a journal says that something was committed."""
    with closing(sqlite3.connect(file)) as opened:
        return {str(at)[11:13] for (at,) in opened.execute("SELECT committed_at FROM events")}


class Publishing:
    """A service that publishes one number after the other, whatever is answered, and remembers what was."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.acknowledged: set[int] = set()
        self.asked = 0
        self.unexpected: list[str] = []
        """Answers that are neither 202 nor 503."""

    @contextmanager
    def going_on(self) -> Iterator[None]:
        is_over = threading.Event()

        def run() -> None:
            with client_of(self._url) as client:
                while not is_over.is_set():
                    self._publish(client)
                    is_over.wait(0.05)

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            is_over.set()
            for thread in threads:
                thread.join()

    def _publish(self, client: httpx.Client) -> None:
        self.asked += 1
        number = self.asked
        try:
            status = publish(client, number)
        except httpx.TransportError:
            return  # the bridge is not there
        if status == 202:
            self.acknowledged.add(number)
        elif status != 503:
            self.unexpected.append(f"{number}: {status}")
