"""The sender of payouts: when each is asked for, and when it is asked about."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from bridge.journal import Journal
from bridge.workers.payouts.sender import PayoutSender
from coordinator.payments.observed.observations import Ending, InvoiceEnded
from providers.shkeeper.asking.api import ShkeeperApi
from tests.bridge.workers.conftest import START
from tests.bridge.workers.payouts.sending import FAILED, UNKNOWN, Books, escrow, name, new_sender, status, wanted
from tests.clock import Clock
from tests.resuming import resumed
from tests.scripted_gateway import Gateway, Request, says
from tests.waiting import until


@pytest.fixture
def books(gateway: Gateway) -> Books:
    return Books(gateway)


async def test_a_payout_is_sent_and_followed_until_it_has_arrived(
    journal: Journal, api: ShkeeperApi, books: Books, clock: Clock
) -> None:
    sender, payout_id = new_sender(journal, api), await wanted(journal)
    statuses = []
    for task, known in (
        (None, None),
        (None, None),
        ("0x1", ("IN_PROGRESS", None)),
        ("0x1", ("SUCCESS", "0x1")),
        ("0x1", ("SUCCESS", "0x1")),
    ):
        if task:
            result = [{"dest": "0xab", "amount": "98", "status": "success", "txids": [task]}]
            books.task = says({"status": "SUCCESS", "result": result})
        if known:
            books.knows(*known)
        await sender.round()
        statuses.append(await status(journal, payout_id))
        clock.move(minutes=30)
    assert statuses == ["created", "created", "broadcast", "completed", "completed"]
    assert books.questions == 1
    assert await escrow(journal) == "released"


async def test_a_settled_payout_is_left_alone_and_an_unsettled_one_not_asked_about_all_the_time(
    journal: Journal, api: ShkeeperApi, books: Books, gateway: Gateway, clock: Clock
) -> None:
    sender, _ = new_sender(journal, api), await wanted(journal)
    await sender.round()
    for _ in range(5):
        await sender.round()
    asked = len(gateway.requests)
    clock.move(seconds=3)
    await sender.round()
    assert len(gateway.requests) > asked
    books.knows("SUCCESS", "0x1")
    clock.move(minutes=30)
    await sender.round()
    asked = len(gateway.requests)
    clock.move(days=1)
    await sender.round()
    assert len(gateway.requests) == asked


async def test_while_shkeeper_is_down_nothing_is_asked_for_and_then_it_is(
    journal: Journal, api: ShkeeperApi, books: Books, clock: Clock
) -> None:
    books.task = FAILED
    sender, payout_id = new_sender(journal, api), await wanted(journal)
    await sender.round()
    assert (books.questions, await status(journal, payout_id)) == (0, "created")
    books.task = says({"status": "PENDING", "result": None})
    clock.move(minutes=1)
    await sender.round()
    assert books.questions == 1


async def test_two_senders_at_once_ask_once(journal: Journal, api: ShkeeperApi, books: Books) -> None:
    payout_ids = [await wanted(journal, number, coin="USDT") for number in range(1, 6)]
    senders = [new_sender(journal, api) for _ in range(4)]
    await asyncio.gather(*(sender.round() for sender in senders))
    assert books.questions == len(payout_ids)


@asynccontextmanager
async def running(sender: PayoutSender) -> AsyncIterator[None]:
    """Has it go round by itself."""
    task = asyncio.create_task(sender.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_sender_works_as_soon_as_it_is_woken(journal: Journal, api: ShkeeperApi, books: Books) -> None:
    sender = new_sender(journal, api)
    async with running(sender):
        await wanted(journal)
        await until(lambda: books.questions)


async def test_a_sender_that_was_stopped_can_be_started_again(
    journal: Journal, api: ShkeeperApi, books: Books
) -> None:
    sender = new_sender(journal, api)
    for number in (1, 2):
        await wanted(journal, number, coin="USDT")
        async with running(sender):
            await until(lambda: books.questions == number)  # noqa: B023 (it is waited for here)


async def test_a_payout_is_sent_while_look_ups_of_others_are_not_answered(
    journal: Journal, api: ShkeeperApi, books: Books, gateway: Gateway, clock: Clock
) -> None:
    followed = [await wanted(journal, number, coin="USDT") for number in range(1, 21)]
    sender, answered = new_sender(journal, api), asyncio.Event()
    books.question = lambda request: says({"task_id": f"t-{request.content['external_id']}"})(request)
    await sender.round()
    assert books.questions == len(followed)

    async def late(request: Request) -> bytes | None:
        if "/task/t-" in request.path:
            await answered.wait()
        return says({"status": "PENDING", "result": None})(request)

    books.task = late
    clock.move(minutes=1)
    async with running(sender):
        await until(lambda: [asked for asked in gateway.asked if "/task/t-" in asked])
        new = [await wanted(journal, 21, coin="USDT"), await wanted(journal, 22)]
        await until(lambda: books.questions == len(followed) + len(new))
        # However many are followed, few are asked about at once.
        assert len([asked for asked in gateway.asked if "/task/t-" in asked]) == 2
        answered.set()
        await until(lambda: len({asked for asked in gateway.asked if "/task/t-" in asked}) == len(followed))


async def test_a_wallet_that_does_not_answer_keeps_back_no_other_coin(
    journal: Journal, api: ShkeeperApi, books: Books, gateway: Gateway
) -> None:
    answered = asyncio.Event()

    async def hangs(request: Request) -> bytes | None:
        if "LTC" in request.path:
            await answered.wait()
        return says({"task_id": "t"})(request)

    books.question = hangs
    await wanted(journal, 1, coin="LTC", created_at=START - timedelta(hours=1))
    await wanted(journal, 2, coin="USDT")
    async with running(new_sender(journal, api)):
        await until(lambda: "POST USDT/payout" in gateway.asked)
        await until(lambda: "POST LTC/payout" in gateway.asked)
        answered.set()


async def test_an_order_about_which_nothing_is_said_keeps_back_no_other_of_its_wallet(
    journal: Journal, api: ShkeeperApi, books: Books, gateway: Gateway, clock: Clock
) -> None:
    # Of a chain on which one is sent after the other.
    bad = await wanted(journal, 1, created_at=START - timedelta(hours=1))
    good = await wanted(journal, 2)
    bad_name = name(1, 0)
    books.harmless = says({"status": "success", "invoices": []})
    books.status = lambda request: (FAILED if bad_name in request.path else UNKNOWN)(request)
    sender = new_sender(journal, api)
    for _ in range(2):
        await sender.round()  # the second follows at once, as after every order
    assert (await status(journal, bad), books.questions) == ("created", 1)
    assert [asked for asked in gateway.asked if asked.startswith("POST ")] == ["POST ETH-USDT/payout"]
    [record] = await journal.payouts.records([good])
    assert record.payout.facts.attempts == 1
    books.status = UNKNOWN
    for _ in range(3):
        clock.move(minutes=15)
        await sender.round()
    assert books.questions == 2


@pytest.mark.parametrize("number", [1, 3])
async def test_what_is_held_between_the_first_look_and_the_question_is_not_sent(
    journal: Journal, api: ShkeeperApi, books: Books, gateway: Gateway, number: int
) -> None:
    payout_ids = [await wanted(journal, count, batch_id="b") for count in range(1, number + 1)]
    held = asyncio.Event()

    async def slow(request: Request) -> bytes | None:
        await held.wait()
        return UNKNOWN(request)

    books.status = slow
    sender = new_sender(journal, api)
    async with asyncio.TaskGroup() as group:
        group.create_task(sender.round())
        await until(lambda: [asked for asked in gateway.asked if "/payout/status" in asked])
        await journal.console.hold_payouts(by="Ada", note=None)
        await sender.orders_answered()
        held.set()
    assert (books.questions, {await status(journal, one) for one in payout_ids}) == (0, {"created"})
    await resumed(journal, by="Ada", note=None)
    await sender.round()
    assert books.questions == 1


async def test_an_order_that_is_being_given_when_payouts_are_held_is_waited_for(
    journal: Journal, api: ShkeeperApi, books: Books
) -> None:
    await wanted(journal)
    answered = asyncio.Event()

    async def slow(request: Request) -> bytes | None:
        await answered.wait()
        return says({"task_id": "t"})(request)

    books.question = slow
    sender = new_sender(journal, api)
    async with asyncio.TaskGroup() as group:
        group.create_task(sender.round())
        await until(lambda: books.questions)
        await journal.console.hold_payouts(by="Ada", note=None)
        waiting = group.create_task(sender.orders_answered())
        done, _ = await asyncio.wait([waiting], timeout=0)
        assert not done
        answered.set()


async def test_a_bridge_that_is_stopped_hears_the_answer_to_the_last_order_and_gives_no_more(
    journal: Journal, api: ShkeeperApi, books: Books
) -> None:
    first, second = [await wanted(journal, number, coin="USDT") for number in (1, 2)]
    answered = asyncio.Event()

    async def slow(request: Request) -> bytes | None:
        await answered.wait()
        return says({"task_id": "t"})(request)

    books.question = slow
    running = asyncio.create_task(new_sender(journal, api).run())
    await until(lambda: books.questions)
    running.cancel()
    await asyncio.wait([running], timeout=0)
    answered.set()
    await asyncio.gather(running, return_exceptions=True)
    one, other = [record.payout for record in await journal.payouts.records([first, second])]
    assert (one.facts.task_id, other.facts.attempts, books.questions) == ("t", 0, 1)


async def test_of_one_chains_wallet_the_next_is_sent_when_a_block_holds_the_last(
    journal: Journal, api: ShkeeperApi, books: Books, gateway: Gateway, clock: Clock
) -> None:
    coins = ("ETH-USDT", "ETH", "ETH-USDC", "BNB-USDT", "USDT", "USDT")
    for number, coin in enumerate(coins, 1):
        await wanted(journal, number, coin=coin, created_at=START + timedelta(seconds=number))
    clock.move(seconds=10)
    sender = new_sender(journal, api)

    def asked() -> list[str]:
        return sorted(one.removeprefix("POST ") for one in gateway.asked if one.startswith("POST "))

    first = sorted(["BNB-USDT/payout", "ETH-USDT/payout", "USDT/payout", "USDT/payout"])
    for _ in range(3):
        await sender.round()
        assert asked() == first
        clock.move(seconds=3)
    books.status = lambda request: (
        says({"status": "SUCCESS", "txid": "0x1"}) if request.path.endswith(f"={name(1)}") else UNKNOWN
    )(request)
    for _ in range(3):
        clock.move(minutes=1)
        await sender.round()
    assert asked() == sorted([*first, "ETH/payout"])
    # Of what never comes into a block nobody waits for ever.
    clock.move(minutes=10)
    await sender.round()
    assert asked() == sorted([*first, "ETH/payout", "ETH-USDC/payout"])


async def test_a_coin_whose_daemon_fails_takes_no_turn_from_the_others_of_its_wallet(
    journal: Journal, api: ShkeeperApi, books: Books, gateway: Gateway, clock: Clock
) -> None:
    for number, coin in enumerate(("ETH-USDT", "ETH-USDT", "ETH"), 1):
        await wanted(journal, number, coin=coin, created_at=START + timedelta(seconds=number))
    unknown, books.task = books.task, lambda request: (FAILED if "ETH-USDT" in request.path else unknown)(request)
    sender = new_sender(journal, api)

    def asked() -> list[str]:
        return [one for one in gateway.asked if one.startswith("POST ")]

    await sender.round()
    assert asked() == []
    await sender.round()
    assert asked() == ["POST ETH/payout"]
    # It is tried again as always, and then the wallet's next transaction waits for the last.
    books.task = unknown
    clock.move(minutes=11)
    await sender.round()
    assert asked() == ["POST ETH/payout", "POST ETH-USDT/payout"]


async def test_a_coin_whose_daemon_does_not_answer_keeps_back_no_other_of_its_wallet_and_waits_for_its_turn(
    journal: Journal, api: ShkeeperApi, books: Books, gateway: Gateway
) -> None:
    answered, unknown = asyncio.Event(), books.task

    async def hangs(request: Request) -> bytes | None:
        if "ETH-USDT/task" in request.path:
            await answered.wait()
        said = unknown(request)
        return said if said is None or isinstance(said, bytes) else await said

    books.task = hangs
    for number, coin in enumerate(("ETH-USDT", "ETH"), 1):
        await wanted(journal, number, coin=coin, created_at=START + timedelta(seconds=number))
    sender = new_sender(journal, api)
    async with asyncio.TaskGroup() as group:
        group.create_task(sender.round())
        await until(lambda: [asked for asked in gateway.asked if "ETH-USDT/task" in asked])
        other = group.create_task(sender.round())
        await until(lambda: "POST ETH/payout" in gateway.asked)
        assert not other.done()
        answered.set()
    # Its own transaction would take the number of the other's, which no block holds yet.
    assert books.questions == 1
    await sender.round()
    assert books.questions == 1


async def test_a_payout_that_its_payment_holds_back_takes_no_turn_from_others(
    journal: Journal, api: ShkeeperApi, books: Books, gateway: Gateway, clock: Clock
) -> None:
    for number in (1, 2):
        await wanted(journal, number, created_at=START + timedelta(seconds=number))
    await journal.record_observation(
        provider="shkeeper",
        external_id="pay_1",
        key="it went back",
        observation=InvoiceEnded(ending=Ending.REFUNDED),
    )
    sender = new_sender(journal, api)
    await sender.round()
    assert books.questions == 1
    assert [await status(journal, f"out_{number}") for number in (1, 2)] == ["created", "created"]
    [first, second] = [record.payout for record in await journal.payouts.records(["out_1", "out_2"])]
    assert (first.facts.attempts, second.facts.attempts) == (0, 1)


async def test_while_nothing_can_be_asked_for_one_order_is_tried_now_and_then_and_all_go_at_once_after(
    journal: Journal, api: ShkeeperApi, books: Books, gateway: Gateway, clock: Clock
) -> None:
    for number in range(1, 11):
        await wanted(journal, number, coin="USDT")
    books.task = FAILED
    sender = new_sender(journal, api)
    for _ in range(3):
        await sender.round()
    assert len([asked for asked in gateway.asked if "/task/" in asked]) <= 3  # the tries of one question
    books.task = says({"status": "PENDING", "result": None})
    clock.move(seconds=3)
    await sender.round()
    assert books.questions == 10


async def test_of_what_cannot_be_asked_for_a_person_is_told_after_a_minute_and_the_next_one_tries(
    journal: Journal, api: ShkeeperApi, books: Books, clock: Clock
) -> None:
    books.task = says({}, 401)
    sender, first = new_sender(journal, api), await wanted(journal, 1, coin="USDT")
    second = await wanted(journal, 2, coin="USDT", created_at=START + timedelta(seconds=1))
    for listed in ([], [first], [first, second]):
        await sender.round()
        clock.move(seconds=61)
        for_a_person = (await journal.console.for_a_person(clock(), clock())).payouts
        assert [one.payout.payout_id for one in for_a_person] == listed
    assert for_a_person[0].payout.reasons[0].startswith("it is not asked for yet: SHKeeper answered 401")
    books.task = says({"status": "PENDING", "result": None})
    clock.move(minutes=2)
    await sender.round()
    assert (books.questions, (await journal.console.for_a_person(clock(), clock())).payouts) == (2, [])
