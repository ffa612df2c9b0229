"""Three bridges under one fault after another: what is acknowledged is counted once, and stock clients hear all of it
once and in order, wherever they come back to."""

import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.asking import get
from tests.system.conftest import Gateway, Listener, StartListener
from tests.system.nodes.conftest import Bridges
from tests.system.nodes.faults import FAULTS, IS_LONG
from tests.system.nodes.test_three_nodes import hears, numbers, publish
from tests.waiting import wait_until

# As many as there are to be; without SOAK_MINUTES, as in `make test`, some.
HOW_MANY = 1_000 if IS_LONG else 16
SEED = os.environ.get("SOAK_SEED", "20261127")
ROOM = "faults"


class Publisher:
    """Publishes one number after another, each until it is acknowledged."""

    def __init__(self, url: str, room: str) -> None:
        self._url, self._room = url, room
        self._is_over = threading.Event()
        self._trouble: BaseException | None = None
        self.count = 0

    @contextmanager
    def going_on(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            thread.join()
        if self._trouble is not None:
            raise self._trouble

    def _run(self) -> None:
        try:
            while not self._is_over.wait(0.02):
                publish(self._url, self.count, self._room)
                self.count += 1
        except BaseException as error:
            self._trouble = error


def test_whatever_befalls_them_all_is_heard_once_and_in_order(
    bridges: Bridges, listen: StartListener, gateway: Gateway
) -> None:
    clients: list[Listener] = [
        listen(bridges.url, [["join-request-room", ROOM]], transports=transports)
        for transports in ("websocket", "polling", "polling,websocket") * 4
    ]
    chance, publisher = random.Random(SEED), Publisher(bridges.url, ROOM)
    befell: list[str] = []
    with publisher.going_on():
        for _ in range(HOW_MANY):
            [fault] = chance.choices([*FAULTS], [*FAULTS.values()])
            befell.append(fault.__name__)
            fault(bridges, chance)
    publish(bridges.url, publisher.count, ROOM)
    for client in clients:
        hears(client, publisher.count)
        anew = [place for place, line in enumerate(client.heard) if line.get("recovered") is False]
        assert anew == [0], [befell, *(client.heard[place - 2 : place + 2] for place in anew[1:])]
        assert numbers(client) == [*range(publisher.count + 1)], befell
    for node in bridges.nodes:
        wait_until(lambda: get(f"{node.url}/health/ready").status_code == 200)  # noqa: B023
