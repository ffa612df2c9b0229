"""Three bridges under one fault after another: what is acknowledged is counted once, stock clients hear all of it
once and in order, wherever they come back to, who is online is what watchers see in the end, and of sales that go on
meanwhile everything is paid, told and paid out once."""

import os
import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.asking import get
from tests.system.conftest import Listener, StartListener
from tests.system.nodes.conftest import Bridges
from tests.system.nodes.faults import FAULTS, IS_LONG
from tests.system.nodes.sales import Sales
from tests.system.nodes.test_three_nodes import hears, numbers, publish
from tests.waiting import wait_until

# As many as there are to be; without SOAK_MINUTES, as in `make test`, some.
HOW_MANY = 1_000 if IS_LONG else 16
SEED = os.environ.get("SOAK_SEED", "20261127")
ROOM = "faults"
PRESENCE_TO = "watchers"
"""As it is for many users; read by the fixture of the bridges."""
HERE, GONE = ("ann", "bob", "cem"), ("dee", "eva")
USERS = (*HERE, *GONE)
BEGINS_ANEW = "a client begins anew: it cannot be told all"


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


def test_whatever_befalls_them_all_is_heard_once_and_in_order(bridges: Bridges, listen: StartListener) -> None:
    joins = [["join-request-room", ROOM], ["watch-users", {"userIds": USERS}]]
    clients: list[Listener] = [
        listen(bridges.url, joins, transports=transports)
        for transports in ("websocket", "polling", "polling,websocket") * 4
    ]
    users = {user: listen(bridges.url, [["user-online", user]]) for user in USERS}
    chance, publisher, sales = random.Random(SEED), Publisher(bridges.url, ROOM), Sales(bridges)
    befell: list[str] = []
    with publisher.going_on(), sales.going_on():
        for number in range(HOW_MANY):
            if number == HOW_MANY // 2:
                for user in GONE:
                    users[user].close()
            [fault] = chance.choices([*FAULTS], [*FAULTS.values()])
            befell.append(fault.__name__)
            fault(bridges, chance)
    sales.finish()
    publish(bridges.url, publisher.count, ROOM)
    begun_anew = 0
    for client in clients:
        hears(client, publisher.count)
        anew = [place for place, line in enumerate(client.heard) if "beganAnew" in line]
        begun_anew += len(anew)
        # Everybody is told of every payment's end, which is said once.
        told = Counter(completed(client))
        if anew:
            assert in_order_but_for(client, anew), befell
            assert told <= Counter(sales.payments), befell
        else:
            assert numbers(client) == [*range(publisher.count + 1)], befell
            assert told == Counter(sales.payments), befell
    # Nobody has to but who left before the bridges heard of each other late, who came and went being unknown then.
    assert begun_anew <= sum(node.log.read_text().count(BEGINS_ANEW) for node in bridges.nodes), befell
    assert sales.wrongs() == [], befell
    for node in bridges.nodes:
        wait_until(lambda: get(f"{node.url}/health/ready").status_code == 200)  # noqa: B023
        wait_until(lambda: {user for user in USERS if is_online(node.url, user)} == {*HERE})  # noqa: B023
    for client in clients:
        if any("beganAnew" in line for line in client.heard):
            continue  # it was told by the answer to its question whom it watches
        for user in USERS:
            await_seen(client, user, "online" if user in HERE else "offline")
        client.fence()
        assert {user for user in USERS if seen(client)[user] == "online"} == {*HERE}, befell


def in_order_but_for(client: Listener, anew: Sequence[int]) -> bool:
    """Whether a client has heard everything, once and in order, but for what it had to look up when it began anew:
    from when it was cut off before until the first that it heard after."""
    expected, may_skip, to_come = 0, False, [*anew]
    for place, line in enumerate(client.heard):
        if to_come and "disconnected" in line:
            may_skip = may_skip or not any("ready" in one for one in client.heard[place : to_come[0]])
        if line.get("event") == "purchase-request-update":
            number = int(line["args"][0]["type"])
            if number < expected or (number > expected and not may_skip):
                return False
            expected = number + 1
            may_skip = may_skip and bool(to_come) and place < to_come[0]
        if to_come and place == to_come[0]:
            to_come.pop(0)
            may_skip = True
    return True


def completed(client: Listener) -> list[str]:
    told = [args[0] for name, args in client.events if name == "seller-offer-update"]
    return [update["data"]["paymentId"] for update in told if update["eventType"] == "payment-completed"]


def seen(client: Listener) -> dict[str, str]:
    """How each user stands by what it was told last."""
    told = [args[0] for name, args in client.events if name == "user-status-change"]
    return {change["userId"]: change["status"] for change in told}


def await_seen(client: Listener, user: str, status: str) -> None:
    while seen(client).get(user) != status:
        client.wait_for(lambda line: line.get("event") == "user-status-change")


def is_online(url: str, user: str) -> bool:
    [found] = get(f"{url}/api/presence?userIds={user}").json()["users"]
    return bool(found["status"] == "online")
