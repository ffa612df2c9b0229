"""Events on their way to endpoints: each once or more, in order where that is promised, and none lost in silence."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from bridge.catalogue import journaled_events
from bridge.journal import EndpointWanted, Journal, RegisteredEndpoint
from bridge.journal.clocks import utc_now
from bridge.workers.endpoints.endpoints import Endpoints
from bridge.workers.endpoints.feeds import Progress
from coordinator.endpoints import endpoints
from coordinator.endpoints.endpoints import DeliveryStatus, Endpoint, EndpointDelivery, EndpointRules
from coordinator.events import Audience, Event
from tests.answering_server import Asked, answering_requests
from tests.waiting import GIVE_UP_SECONDS, until

LOOPBACK = (ip_network("127.0.0.0/8"),)
SOON = tuple(timedelta(seconds=0) for _ in range(20))
FAST = EndpointRules(retries=SOON, timeout_seconds=GIVE_UP_SECONDS, networks=LOOPBACK)


class Receiver:
    """A back end that verifies what it is sent with the library of Standard Webhooks, and answers as it is told."""

    def __init__(self) -> None:
        self.url = ""
        self.secret = ""
        self.came: list[dict[str, Any]] = []
        """What it was sent, whatever it answered."""
        self.came_at: list[float] = []
        """When, by the machine's steady clock."""
        self.taken: list[int] = []
        """The numbers of the events that it took, in the order in which they came."""
        self.refuses: Callable[[int, int], int | None] = lambda number, tries: None
        """The status that it answers an event, by its number and how often that came; None: it takes it."""
        self.headers: list[tuple[str, str]] = []
        """What it answers beside that."""
        self._tries: dict[str, int] = {}

    def answer(self, asked: Asked) -> tuple[Any, ...]:
        headers = {name.lower(): value for name, value in asked.headers.items()}
        message = Webhook(self.secret).verify(asked.body, headers)
        name = headers["webhook-id"]
        self._tries[name] = self._tries.get(name, 0) + 1
        self.came.append({**message, "id": name})
        self.came_at.append(time.monotonic())
        number = int(message["data"].get("type", -1))
        refused = self.refuses(number, self._tries[name])
        if refused is None:
            self.taken.append(number)
        return refused or 200, {"said": "thank you" if refused is None else "no"}, *self.headers


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    """One that goes by the machine's clock: whoever verifies a message does."""
    opened = await Journal.open(f"sqlite:///{tmp_path / 'journal.db'}")
    yield opened
    await opened.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    with answering_requests(receiver.answer) as url:
        receiver.url = f"{url}/hook"
        yield receiver


async def register(
    journal: Journal, receiver: Receiver, *events: str, is_ordered: bool = True, url: str | None = None
) -> str:
    wanted = EndpointWanted(url or receiver.url, events or ("*",), is_ordered, None, None)
    registered = await journal.endpoints.register(wanted, by="ada")
    receiver.secret = registered.new_secret or receiver.secret
    return registered.endpoint.endpoint_id


def numbered(*numbers: int, name: str = "purchase-request-update") -> list[Event]:
    rooms = Audience(rooms=("request-r1",))
    return [Event(name, rooms, json.dumps({"type": str(number), "requestId": "r1"})) for number in numbers]


async def publish(journal: Journal, *numbers: int, name: str = "purchase-request-update") -> None:
    await journal.publish_events(numbered(*numbers, name=name))


@asynccontextmanager
async def sending(journal: Journal, rules: EndpointRules = FAST, granted: Sequence[bool] = ()) -> AsyncIterator[None]:
    """While a bridge sends to the endpoints of its journal, as it does beside its other work."""
    endpoints = Endpoints(journal, rules, granted=lambda one: journaled_events(one.events if all(granted) else ()))

    async def deliver(stretch: Sequence[Any]) -> None:
        await asyncio.sleep(0)
        endpoints.note_newest(stretch[-1].offset)

    dispatcher = journal.dispatcher(deliver, after=(await journal.newest_place()).number)
    tasks = [asyncio.create_task(endpoints.run()), asyncio.create_task(dispatcher.run())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def stands(journal: Journal, endpoint_id: str, holds: Callable[[Endpoint], bool]) -> Endpoint:
    """An endpoint, once it stands like that."""
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while True:
            endpoint = await journal.endpoints.get(endpoint_id)
            assert endpoint is not None
            if holds(endpoint):
                return endpoint
            await asyncio.sleep(0.02)


async def deliveries(journal: Journal, endpoint_id: str) -> list[EndpointDelivery]:
    return await journal.endpoints.deliveries(endpoint_id, status=None, before=None, limit=1_000)


async def delivered(journal: Journal, endpoint_id: str, statuses: set[DeliveryStatus]) -> None:
    """Until all that was sent to an endpoint stands so."""
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while {one.status for one in await deliveries(journal, endpoint_id)} != statuses:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@given(st.lists(st.sampled_from(["take", "pass", "settle"]), max_size=60), st.randoms(use_true_random=False))
def test_nothing_beyond_what_is_under_way_is_settled(steps: list[str], chance: Any) -> None:
    progress, last, under_way = Progress(10), 10, list[int]()
    for step in steps:
        if step == "settle" and under_way:
            progress.settle(under_way.pop(chance.randrange(len(under_way))))
        elif step != "settle":
            last += 1
            (progress.take if step == "take" else progress.pass_over)(last)
            under_way += [last] if step == "take" else []
        assert progress.cursor() == min(under_way, default=last + 1) - 1
        for one in under_way:
            assert progress.cursor(without=one) == min((it for it in under_way if it != one), default=last + 1) - 1


async def test_what_is_wanted_comes_signed_in_order_and_with_what_is_known_of_it(
    journal: Journal, receiver: Receiver
) -> None:
    endpoint_id = await register(journal, receiver, "purchase-*", "new-offer")
    async with sending(journal):
        await publish(journal, 1, 2)
        await publish(journal, 3, name="delivery-update")
        await publish(journal, 4, name="new-offer")
        await stands(journal, endpoint_id, lambda one: one.cursor == 4)
    assert receiver.taken == [1, 2, 4]
    first = receiver.came[0]
    place = (await journal.endpoints.next_events(0, limit=1, limit_bytes=1))[0]
    assert first == {
        "id": first["id"],
        "type": "purchase-request-update",
        "timestamp": place.committed_at.isoformat(),
        "offset": journal.offset_text(place.place),
        "everyone": False,
        "rooms": ["request-r1"],
        "data": {"type": "1", "requestId": "r1"},
    }
    found = await deliveries(journal, endpoint_id)
    assert {one.message_id for one in found} == {one["id"] for one in receiver.came}
    assert {(one.status, one.tries, one.answer_status, one.said) for one in found} == {
        (DeliveryStatus.DELIVERED, 1, 200, '{"said": "thank you"}')
    }


@pytest.mark.parametrize("is_ordered", [True, False])
async def test_what_is_not_taken_comes_again_with_the_same_id(
    journal: Journal, receiver: Receiver, is_ordered: bool
) -> None:
    receiver.refuses = lambda number, tries: 500 if number % 3 == 0 and tries < 4 else None
    endpoint_id = await register(journal, receiver, is_ordered=is_ordered)
    async with sending(journal):
        await publish(journal, *range(1, 16))
        await until(lambda: len(receiver.taken) >= 15)
        await stands(journal, endpoint_id, lambda one: one.cursor == 15 and one.failing_since is None)
        await delivered(journal, endpoint_id, {DeliveryStatus.DELIVERED})
    assert sorted(receiver.taken) == list(range(1, 16))
    assert (receiver.taken == list(range(1, 16))) is is_ordered
    assert len({one["id"] for one in receiver.came}) == 15
    tries = {one.offset: one.tries for one in await deliveries(journal, endpoint_id)}
    assert tries == {number: 4 if number % 3 == 0 else 1 for number in range(1, 16)}


@pytest.mark.parametrize("is_ordered", [True, False])
async def test_one_that_asks_to_be_let_alone_is_sent_nothing_meanwhile(
    journal: Journal, receiver: Receiver, is_ordered: bool
) -> None:
    receiver.refuses = lambda number, tries: 429 if (number, tries) == (1, 1) else None
    receiver.headers = [("Retry-After", "1")]  # which means nothing beside a 200
    await register(journal, receiver, is_ordered=is_ordered)
    async with sending(journal):
        await publish(journal, 1)
        await until(lambda: receiver.came != [])
        await publish(journal, *range(2, 20))
        await until(lambda: len(receiver.taken) == 19)
    asked = receiver.came_at[0]  # and not when this test came to see it
    # Of those that are not in order some may have been on their way.
    at_rest = [at - asked for at in receiver.came_at[1 if is_ordered else 8 :]]
    assert min(at_rest) > 0.9


async def test_one_that_is_slow_or_gone_holds_no_other_up(journal: Journal, receiver: Receiver) -> None:
    waits = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(_number: int, _tries: int) -> None:
        asyncio.run_coroutine_threadsafe(waits.wait(), loop).result()

    with receiving() as slow:
        slow.refuses = hold
        slow_id = await register(journal, slow)
        gone = await register(journal, Receiver(), url="http://127.0.0.1:1/hook")
        endpoint_id = await register(journal, receiver)
        async with sending(journal, EndpointRules(timeout_seconds=GIVE_UP_SECONDS, networks=LOOPBACK)):
            await publish(journal, *range(1, 21))
            await stands(journal, endpoint_id, lambda one: one.cursor == 20)
            assert (await stands(journal, gone, lambda one: one.failing_since is not None)).cursor == 0
            waits.set()
            await stands(journal, slow_id, lambda one: one.cursor == 20)
    assert receiver.taken == slow.taken == list(range(1, 21))


async def test_one_that_takes_nothing_for_long_is_disabled_and_goes_on_where_it_was(
    journal: Journal, receiver: Receiver
) -> None:
    refuses = True
    receiver.refuses = lambda _number, _tries: 503 if refuses else None
    endpoint_id = await register(journal, receiver)
    rules = EndpointRules(retries=SOON[:2], timeout_seconds=GIVE_UP_SECONDS, networks=LOOPBACK)
    async with sending(journal, rules):
        await publish(journal, 1, 2, 3)
        disabled = await stands(journal, endpoint_id, lambda one: not one.is_enabled)
        assert (disabled.cursor, disabled.disabled_by) == (0, None)
        assert [one["data"]["type"] for one in receiver.came] == ["1"] * 3
        found = await journal.console.for_a_person(journal.clock(), journal.clock())
        assert [one.endpoint_id for one in found.endpoints if not one.is_enabled] == [endpoint_id]
        await publish(journal, 4)
        refuses = False
        await journal.endpoints.enable(endpoint_id, by="ada")
        await stands(journal, endpoint_id, lambda one: one.cursor == 4)
    assert receiver.taken == [1, 2, 3, 4]


async def test_one_that_says_that_it_is_gone_is_believed(journal: Journal, receiver: Receiver) -> None:
    receiver.refuses = lambda _number, _tries: 410
    endpoint_id = await register(journal, receiver, is_ordered=False)
    async with sending(journal):
        await publish(journal, 1)
        disabled = await stands(journal, endpoint_id, lambda one: not one.is_enabled)
    assert disabled.disabled_because == "it answered 410: it wants nothing any more"
    assert len(receiver.came) == 1


async def test_without_order_one_event_that_is_never_taken_is_said_and_replayed(
    journal: Journal, receiver: Receiver
) -> None:
    spoilt = True
    receiver.refuses = lambda number, _tries: 400 if number == 2 and spoilt else None
    endpoint_id = await register(journal, receiver, is_ordered=False)
    few = EndpointRules(retries=(timedelta(seconds=1),) * 2, timeout_seconds=GIVE_UP_SECONDS, networks=LOOPBACK)
    async with sending(journal, few):
        await publish(journal, 1, 2)
        await until(lambda: len(receiver.came) == 2)
        await publish(journal, 3)  # which is taken between its tries
        missed = await stands(journal, endpoint_id, lambda one: one.missed > 0)
        assert (missed.is_enabled, missed.missed) == (True, 1)
        failed = [one for one in await deliveries(journal, endpoint_id) if one.status is DeliveryStatus.FAILED]
        assert [(one.offset, one.tries, one.answer_status, one.said) for one in failed] == [
            (2, 3, 400, '{"said": "no"}')
        ]
        spoilt = False
        await journal.endpoints.send_again(endpoint_id, failed[0].message_id, by="ada")
        await until(lambda: 2 in receiver.taken)


async def test_what_is_kept_while_nothing_is_taken_comes_as_soon_as_something_is(
    journal: Journal, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "SHORTEST_PAUSE", timedelta(hours=6))
    rules = EndpointRules(retries=(timedelta(0),), timeout_seconds=GIVE_UP_SECONDS, networks=LOOPBACK)
    is_down = True
    receiver.refuses = lambda number, tries: 503 if is_down else None
    endpoint_id = await register(journal, receiver, is_ordered=False)
    async with sending(journal, rules):
        await publish(journal, 1, 2, 3)

        valid_for: list[EndpointDelivery] = []
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while [one.tries for one in valid_for] != [2, 2, 2]:
                await asyncio.sleep(0.02)
                valid_for = await journal.endpoints.deliveries(endpoint_id, status=None, before=None, limit=10)
        assert {one.status for one in valid_for} == {DeliveryStatus.PENDING}
        is_down = False
        await publish(journal, 4)
        await until(lambda: sorted(receiver.taken) == [1, 2, 3, 4])
    assert (await stands(journal, endpoint_id, lambda one: one.failing_since is None)).missed == 0


async def test_events_are_sent_again_from_an_offset_on(journal: Journal, receiver: Receiver) -> None:
    endpoint_id = await register(journal, receiver)
    async with sending(journal):
        await publish(journal, 1, 2, 3, 4)
        await stands(journal, endpoint_id, lambda one: one.cursor == 4)
        await journal.endpoints.send_from(endpoint_id, 2, by="ada")
        await until(lambda: len(receiver.taken) == 6)
        await stands(journal, endpoint_id, lambda one: one.cursor == 4)
    assert receiver.taken == [1, 2, 3, 4, 3, 4]
    assert len({one["id"] for one in receiver.came}) == 4


async def test_what_was_forgotten_before_it_was_sent_is_said(journal: Journal, receiver: Receiver) -> None:
    endpoint_id = await register(journal, receiver)
    await publish(journal, *range(1, 11))
    await journal.retention.forget_events(before=journal.clock() - timedelta(days=1), newest=4, limit=100)
    async with sending(journal):
        await stands(journal, endpoint_id, lambda one: one.cursor == 10)
    endpoint = await stands(journal, endpoint_id, lambda one: one.missed > 0)
    assert (endpoint.missed, endpoint.missed_because) == (6, "events 1 to 6 were forgotten before they could be sent")
    assert receiver.taken == [7, 8, 9, 10]


async def test_a_test_comes_once_even_to_one_that_is_disabled(journal: Journal, receiver: Receiver) -> None:
    receiver.refuses = lambda _number, _tries: 500
    endpoint_id = await register(journal, receiver)
    await journal.endpoints.disable(endpoint_id, by="ada")
    async with sending(journal):
        await publish(journal, 1)
        test = await journal.endpoints.add_test(endpoint_id, by="ada")
        assert test is not None
        await delivered(journal, endpoint_id, {DeliveryStatus.FAILED})
    assert [(one["type"], one["id"], one["data"]) for one in receiver.came] == [
        ("endpoint-test", test.message_id, {"endpointId": endpoint_id})
    ]


async def test_both_secrets_verify_while_one_makes_way_for_the_other(journal: Journal, receiver: Receiver) -> None:
    endpoint_id = await register(journal, receiver)
    old = receiver.secret
    changed = await journal.endpoints.add_secret(endpoint_id, None, valid_for=timedelta(hours=1), by="ada")
    assert isinstance(changed, RegisteredEndpoint)
    assert changed.new_secret not in (None, old)
    async with sending(journal):
        await publish(journal, 1)
        await until(lambda: receiver.taken == [1])
        receiver.secret = changed.new_secret or ""
        await publish(journal, 2)
        await until(lambda: receiver.taken == [1, 2])


async def test_one_whose_service_may_not_receive_it_any_more_waits(journal: Journal, receiver: Receiver) -> None:
    endpoint_id = await register(journal, receiver)
    granted = [False]
    async with sending(journal, granted=granted):
        await publish(journal, 1)
        test = await journal.endpoints.add_test(endpoint_id, by="ada")
        await until(lambda: receiver.came)
        assert [one["id"] for one in receiver.came] == [test and test.message_id]
        granted[0] = True
        await stands(journal, endpoint_id, lambda one: one.cursor == 1)
    assert receiver.taken == [-1, 1]


@pytest.mark.parametrize(
    ("url", "leads_to"),
    [("https://shop.example/hook", ["10.0.0.7"]), ("http://shop.example/hook", ["93.184.216.34"])],
)
async def test_a_name_that_leads_inside_is_not_connected_to(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, url: str, leads_to: list[str]
) -> None:
    connected: list[object] = []

    def getaddrinfo(host: str, port: int | None, **_: Any) -> list[Any]:
        assert host == "shop.example"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in leads_to]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr("httpcore.AnyIOBackend.connect_tcp", lambda *one, **_: connected.append(one))
    endpoint_id = await register(journal, Receiver(), url=url)
    async with sending(journal, EndpointRules(timeout_seconds=GIVE_UP_SECONDS)):
        await publish(journal, 1)
        await stands(journal, endpoint_id, lambda one: one.failing_since is not None)
    [delivery] = await deliveries(journal, endpoint_id)
    assert delivery.said == "it leads to no address that is sent to; endpoint_networks names others that are"
    assert connected == []


async def test_redirects_are_not_followed_and_long_answers_not_read(journal: Journal) -> None:
    came: list[str] = []

    def answer(asked: Asked) -> tuple[int, Any]:
        came.append(asked.path)
        return (307, {}) if asked.path == "/moved" else (200, "x" * 100_000)

    with answering_requests(answer) as url:
        names = [
            await register(journal, Receiver(), url=f"{url}/{path}", is_ordered=True) for path in ("moved", "long")
        ]
        async with sending(journal, EndpointRules(timeout_seconds=GIVE_UP_SECONDS, networks=LOOPBACK)):
            await publish(journal, 1)
            moved, long = names
            await stands(journal, moved, lambda one: one.failing_since is not None)
            await delivered(journal, long, {DeliveryStatus.DELIVERED})  # its status says so
    said = [(await deliveries(journal, name))[0].said for name in names]
    assert said == [
        "it redirects, which is not followed: register where it leads",
        "an answer of more than 65536 bytes",
    ]
    assert sorted(came) == ["/long", "/moved"]


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
async def test_a_clock_that_was_ahead_and_is_right_again_silences_nobody(
    database_url: str, receiver: Receiver
) -> None:
    ahead = timedelta(minutes=4)  # less than what a verified message may be off by
    journal = await Journal.open(database_url, lambda: utc_now() + ahead)
    minute = EndpointRules(retries=(timedelta(minutes=1),) * 9, timeout_seconds=GIVE_UP_SECONDS, networks=LOOPBACK)
    receiver.refuses = lambda _number, _tries: 500
    ordered = await register(journal, receiver)
    with receiving() as other:
        other.refuses = lambda _number, _tries: 500
        unordered = await register(journal, other, is_ordered=False)
        async with sending(journal, minute):
            await publish(journal, 1)
            for name in (ordered, unordered):
                await stands(journal, name, lambda one: one.failing_since is not None)
        (delivery,) = await deliveries(journal, unordered)
        await journal.close()
        journal = await Journal.open(database_url)
        assert delivery.next_at is not None
        assert delivery.next_at - journal.clock() > timedelta(minutes=4)
        async with sending(journal, minute):
            # It is tried at once, and then as the schedule has it, by the clock that is right.
            await until(lambda: (len(receiver.came), len(other.came)) == (2, 2))
            right = journal.clock() + timedelta(minutes=1)
            for name in (ordered, unordered):
                assert (await stands(journal, name, lambda one: (one.failing_since or right) < right)).is_enabled
        for name in (ordered, unordered):
            (delivery,) = await deliveries(journal, name)
            assert (delivery.tries, delivery.status) == (2, DeliveryStatus.PENDING)
            left = delivery.left(journal.clock())
            assert timedelta(seconds=30) < left < timedelta(seconds=70)
    await journal.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_another_bridge_goes_on_where_the_last_one_was(database_url: str, receiver: Receiver) -> None:
    first = await Journal.open(database_url, is_shared=True)
    second = await Journal.open(database_url, is_shared=True)
    ordered = await register(first, receiver)
    with receiving() as other:
        other.refuses = lambda number, _tries: 500 if number == 2 else None
        unordered = await register(first, other, is_ordered=False)
        hour = EndpointRules(retries=(timedelta(hours=1),), timeout_seconds=GIVE_UP_SECONDS, networks=LOOPBACK)
        async with sending(first, hour):
            await publish(first, 1, 2, 3)
            for name in (ordered, unordered):
                await stands(first, name, lambda one: one.cursor == 3)
        other.refuses = lambda _number, _tries: None
        await publish(first, 4)
        async with sending(second, hour):
            await stands(second, ordered, lambda one: one.cursor == 4)
            await stands(second, unordered, lambda one: one.cursor == 4)
            await second.endpoints.disable(unordered, by="ada")
            # What waits for its time is tried at once where somebody enables its endpoint.
            await second.endpoints.enable(unordered, by="ada")
            await delivered(second, unordered, {DeliveryStatus.DELIVERED})
        assert (receiver.taken, sorted(other.taken)) == ([1, 2, 3, 4], [1, 2, 3, 4])
        newest, *older = await deliveries(second, ordered)
        listed = await second.endpoints.deliveries(ordered, status=DeliveryStatus.DELIVERED, before=newest, limit=9)
        assert listed == older
        assert await second.retention.forget_deliveries(before=second.clock(), limit=100) == 8
    for journal in (first, second):
        await journal.close()
