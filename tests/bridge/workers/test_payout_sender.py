"""The sender of payouts: through every failure of the gateway and of the bridge, no payout is asked for twice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal

import pytest

from bridge.journal import Journal, JournalUnavailableError
from bridge.workers.payouts import PayoutSender
from coordinator.ids import derived_id
from coordinator.payout_observations import PayoutAccepted
from coordinator.payouts import Payout, PayoutStatus
from providers.shkeeper.api import ShkeeperApi
from providers.shkeeper.invoices import ShkeeperInvoices
from providers.shkeeper.payout_answers import OrderAnswer
from providers.shkeeper.payouts import ShkeeperPayouts
from tests.attempts import begin_attempts
from tests.bridge.workers.conftest import START, paid
from tests.clock import Clock
from tests.scripted_gateway import Answer, Gateway, Request, breaks_off, hangs_up, says
from tests.waiting import until

CRYPTO = says({"status": "success", "crypto": ["ETH-USDT"]})
UNKNOWN = says({"error": "Payout not found"}, 404)
FAILED = says({"status": "error", "message": "oops"}, 500)


class Books:
    """SHKeeper's, as far as payouts go: what it answers to the question, and what it knows afterwards."""

    def __init__(self, gateway: Gateway) -> None:
        self.question: Answer = says({"task_id": "t1"})
        self.task: Answer = says({"status": "PENDING", "result": None})
        self.status: Answer = UNKNOWN
        self._gateway = gateway
        gateway.answers(self._answer)

    def _answer(self, request: Request) -> bytes | Awaitable[bytes | None] | None:
        for part, answer in (
            ("/task/", self.task),
            ("/payout/status", self.status),
            ("/payout", self.question),
            ("/multipayout", self.question),
            ("/crypto", CRYPTO),
        ):
            if part in request.path:
                return answer(request)
        raise AssertionError(request.path)

    def knows(self, status: str, txid: str | None) -> None:
        self.status = says({"id": 1, "external_id": "x", "status": status, "txid": txid})

    @property
    def questions(self) -> int:
        """How often it was asked to send money."""
        return sum(asked.startswith("POST ") for asked in self._gateway.asked)


@pytest.fixture
def books(gateway: Gateway) -> Books:
    return Books(gateway)


def new_sender(journal: Journal, api: ShkeeperApi) -> PayoutSender:
    payouts = ShkeeperPayouts(
        api,
        user="admin",
        password="secret",
        callback_url="http://127.0.0.1:8000/",
        coins=ShkeeperInvoices(api).coins,
    )
    return PayoutSender(journal, {"shkeeper": payouts})


async def wanted(journal: Journal, number: int = 1, **changes: object) -> str:
    payment_id = await paid(journal, number)
    payout = Payout(
        payout_id=f"out_{number}",
        provider="shkeeper",
        payment_id=payment_id,
        seller_id="s1",
        destination="0xAb" if number == 1 else f"0x{number}",
        coin="ETH-USDT",
        amount=Decimal(98),
        worth=Decimal(98),
        created_at=START,
    ).model_copy(update=changes)
    await journal.register_payouts([payout], rules=None)
    return payout.payout_id


def name(number: int, ordinal: int = 0) -> str:
    """What payouts of a payment are asked for by."""
    return derived_id("out", "shkeeper", f"pay_{number}", "s1", ordinal)


async def status(journal: Journal, payout_id: str) -> str:
    [record] = await journal.payout_records([payout_id])
    return record.payout.status


async def escrow(journal: Journal) -> str:
    record = await journal.payment_record("pay_1")
    assert record is not None
    return record.payment.escrow_state


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


@pytest.mark.parametrize("failure", [FAILED, says("<html>", 502), says("{"), hangs_up, breaks_off, says({})])
@pytest.mark.parametrize("truth", [("SUCCESS", "0x1"), ("FAIL", None), None])
async def test_an_unclear_answer_is_resolved_by_the_books_and_never_by_asking_again(
    journal: Journal,
    api: ShkeeperApi,
    books: Books,
    clock: Clock,
    failure: Callable[[Request], bytes | None],
    truth: tuple[str, str | None] | None,
) -> None:
    books.question = failure
    sender, payout_id = new_sender(journal, api), await wanted(journal)
    await sender.round()
    assert await status(journal, payout_id) == PayoutStatus.AMBIGUOUS
    books.question = says({"task_id": "t2"})
    for _ in range(3):
        clock.move(hours=1)
        await sender.round()
    assert await status(journal, payout_id) == PayoutStatus.AMBIGUOUS
    if truth is not None:
        books.knows(*truth)
        clock.move(hours=1)
        await sender.round()
        # What SHKeeper calls a failure may have been sent.
        expected = PayoutStatus.COMPLETED if truth[0] == "SUCCESS" else PayoutStatus.AMBIGUOUS
        assert await status(journal, payout_id) == expected
        assert await escrow(journal) == ("released" if truth[0] == "SUCCESS" else "releasing")
    assert books.questions == 1


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


async def test_a_question_that_is_turned_away_at_the_door_is_asked_again(
    journal: Journal, api: ShkeeperApi, books: Books, clock: Clock
) -> None:
    books.question = says({"status": "error", "message": "Bad HTTP Basic Auth credentials"})
    sender, payout_id = new_sender(journal, api), await wanted(journal)
    for _ in range(2):
        await sender.round()
        clock.move(minutes=1)
    assert (books.questions, await status(journal, payout_id)) == (2, "created")
    books.question = says({"task_id": "t1"})
    await sender.round()
    clock.move(minutes=1)
    await sender.round()
    assert books.questions == 3


async def test_what_the_provider_has_in_its_books_already_is_not_asked_for(
    journal: Journal, api: ShkeeperApi, books: Books, clock: Clock
) -> None:
    payout_id, sender = await wanted(journal), new_sender(journal, api)
    books.knows("IN_PROGRESS", None)  # of this very name, as only a bridge with a newer journal can have asked
    await sender.round()
    [record] = await journal.payout_records([payout_id])
    assert (books.questions, record.payout.status) == (0, "ambiguous")
    assert "was the journal restored?" in record.payout.reasons[0]
    books.knows("SUCCESS", "0x1")
    clock.move(hours=1)
    await sender.round()
    assert (books.questions, await status(journal, payout_id)) == (0, "completed")


async def test_nothing_is_asked_for_while_the_provider_does_not_say_whether_it_knows_it(
    journal: Journal, api: ShkeeperApi, books: Books, clock: Clock
) -> None:
    payout_id, sender = await wanted(journal), new_sender(journal, api)
    books.status = FAILED
    await sender.round()
    assert (books.questions, await status(journal, payout_id)) == (0, "created")
    books.status = UNKNOWN
    clock.move(minutes=1)
    await sender.round()
    assert books.questions == 1


async def test_what_failed_and_was_sent_after_all_comes_to_light(
    journal: Journal, api: ShkeeperApi, books: Books, clock: Clock
) -> None:
    payout_id, sender = await wanted(journal), new_sender(journal, api)
    books.question = says({"status": "error", "msg": "authorization requred"})
    await sender.round()
    assert (await status(journal, payout_id), await escrow(journal)) == ("failed", "funded")
    books.knows("IN_PROGRESS", "0x1")
    clock.move(hours=1)
    await sender.round()
    assert (await status(journal, payout_id), await escrow(journal)) == ("mismatch", "releasing")
    books.knows("SUCCESS", "0x1")
    clock.move(hours=1)
    await sender.round()
    assert (await status(journal, payout_id), await escrow(journal)) == ("completed", "released")
    found = await journal.console.for_a_person(clock(), clock())
    assert [listed.payout.payout_id for listed in found.payouts] == [payout_id]


@pytest.mark.parametrize("is_reverted", [True, False])
async def test_a_token_of_tron_that_shkeeper_calls_arrived_is_looked_at_until_its_task_was_read(
    journal: Journal, api: ShkeeperApi, books: Books, clock: Clock, is_reverted: bool
) -> None:
    payout_id, sender = await wanted(journal, coin="USDT"), new_sender(journal, api)
    await sender.round()
    books.knows("SUCCESS", "0x1")
    for task in (says({"status": "PENDING", "result": None}), FAILED):
        books.task = task
        clock.move(minutes=30)
        await sender.round()
        assert (await status(journal, payout_id), await escrow(journal)) == ("broadcast", "releasing")
    mined_at = {"blockTimeStamp": int(START.timestamp() * 1000), "contract_address": "TR7"}
    result: dict[str, object] = {"dest": "0xAb", "amount": "98", "txids": ["0x1"]}
    result |= (
        {"status": "error", "message": "FAILED", "details": {**mined_at, "receipt": {"result": "REVERT"}}}
        if is_reverted
        else {"status": "success"}
    )
    books.task = says({"status": "SUCCESS", "result": [result]})
    clock.move(minutes=30)
    await sender.round()
    expected = ("failed", "funded") if is_reverted else ("completed", "released")
    assert (await status(journal, payout_id), await escrow(journal)) == expected


async def test_payouts_that_were_refused_together_are_asked_for_one_by_one(
    journal: Journal, api: ShkeeperApi, books: Books, gateway: Gateway, clock: Clock
) -> None:
    payout_ids = [await wanted(journal, number, batch_id="b", coin="USDT") for number in (1, 2, 3)]
    books.question = says({"status": "error", "msg": "Bad destination address in {'dest': '0x2'}"})
    sender = new_sender(journal, api)
    await sender.round()
    assert {await status(journal, payout_id) for payout_id in payout_ids} == {"created"}

    def one_is_bad(request: Request) -> bytes:
        is_bad = request.content["destination"] == "0x2"
        return (says({"status": "error", "msg": "authorization requred"}) if is_bad else says({"task_id": "t"}))(
            request
        )

    books.question = one_is_bad
    clock.move(hours=1)
    await sender.round()
    assert [await status(journal, payout_id) for payout_id in payout_ids] == ["created", "failed", "created"]
    asked = [request.content for request in gateway.requests if request.method == "POST"]
    # What SHKeeper knows nothing of keeps its name.
    assert [one["external_id"] for one in asked[1:]] == [one["external_id"] for one in asked[0]]
    assert [one["external_id"] for one in asked[0]] == [name(1), name(2), name(3)]


async def test_what_was_refused_together_and_stands_in_the_books_all_the_same_is_asked_for_by_the_next_name(
    journal: Journal, api: ShkeeperApi, books: Books, gateway: Gateway, clock: Clock
) -> None:
    for number in (1, 2):
        await wanted(journal, number, batch_id="b", coin="USDT")

    def refuse_and_write_down(request: Request) -> bytes:
        taken.update(one["external_id"] for one in request.content)
        return says({"status": "error", "msg": "Bad destination address in {'dest': '0x2'}"})(request)

    taken: set[str] = set()
    books.question = refuse_and_write_down
    books.status = lambda request: (
        says({"status": "IN_PROGRESS", "txid": None}) if request.path.rpartition("=")[2] in taken else UNKNOWN
    )(request)
    sender = new_sender(journal, api)
    await sender.round()
    books.question = says({"task_id": "t"})
    clock.move(hours=1)
    await sender.round()
    asked = [request.content for request in gateway.requests if request.method == "POST"]
    assert [one["external_id"] for one in asked[1:]] == [name(1, 1), name(2, 1)]


@pytest.mark.parametrize("number", [1, 2])
async def test_what_was_refused_together_and_sent_alone_is_found_by_a_journal_that_has_forgotten_it(
    journal: Journal, api: ShkeeperApi, books: Books, clock: Clock, number: int
) -> None:
    payout_ids = [await wanted(journal, one, batch_id="b", coin="LTC") for one in range(1, number + 1)]

    def status_of(request: Request) -> bytes:
        is_known = request.path.endswith("-2")
        return (says({"status": "SUCCESS", "txid": "0x1"}) if is_known else UNKNOWN)(request)

    books.status = status_of
    sender = new_sender(journal, api)
    for _ in range(2):
        await sender.round()
        clock.move(hours=1)
    assert (books.questions, {await status(journal, one) for one in payout_ids}) == (0, {"completed"})


@pytest.mark.parametrize("truth", [("SUCCESS", "0x1"), ("IN_PROGRESS", None), None])
async def test_a_bridge_that_was_killed_while_it_asked_does_not_ask_again(
    journal: Journal, api: ShkeeperApi, books: Books, clock: Clock, truth: tuple[str, str | None] | None
) -> None:
    payout_id = await wanted(journal)
    assert await begin_attempts(journal, payout_id) == {payout_id: 1}  # and then the lights went out
    if truth is not None:
        books.knows(*truth)
    sender = new_sender(journal, api)
    for _ in range(3):
        await sender.round()
        clock.move(hours=1)
    expected = {"SUCCESS": "completed", "IN_PROGRESS": "ambiguous", None: "ambiguous"}
    assert await status(journal, payout_id) == expected[truth[0] if truth else None]
    assert books.questions == 0


async def test_an_outcome_that_could_not_be_written_down_is_looked_up(
    journal: Journal, api: ShkeeperApi, books: Books, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    payout_id, sender = await wanted(journal), new_sender(journal, api)

    async def full_disk(*_: object, **__: object) -> None:
        raise JournalUnavailableError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(journal, "record_payout_outcomes", full_disk)
        await sender.round()
    clock.move(hours=1)
    await sender.round()
    assert await status(journal, payout_id) == "ambiguous"
    books.knows("SUCCESS", "0x1")
    clock.move(hours=1)
    await sender.round()
    assert (books.questions, await status(journal, payout_id)) == (1, "completed")


async def test_a_bridge_that_fails_while_it_asks_does_not_ask_again(
    journal: Journal, api: ShkeeperApi, books: Books, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    payout_id, sender = await wanted(journal), new_sender(journal, api)
    monkeypatch.setattr(OrderAnswer, "model_validate", lambda _: 1 / 0)
    await sender.round()
    assert await status(journal, payout_id) == "ambiguous"
    monkeypatch.undo()
    clock.move(hours=1)
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
        sender.wake()
        await until(lambda: books.questions)


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
        sender.wake()
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
    await journal.console.resume_payouts(by="Ada", note=None)
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
    one, other = [record.payout for record in await journal.payout_records([first, second])]
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


async def test_an_answer_that_comes_while_its_payout_is_looked_up_is_no_interruption(
    journal: Journal, api: ShkeeperApi, books: Books, clock: Clock
) -> None:
    payout_id = await wanted(journal)
    attempts = await begin_attempts(journal, payout_id)
    await journal.record_payout_outcomes([(payout_id, attempts[payout_id], PayoutAccepted(task_id="t1"))])
    await journal.record_payout_interruption(payout_id, attempts[payout_id], "it came too late")
    [record] = await journal.payout_records([payout_id])
    assert (record.payout.facts.unclear, record.payout.facts.task_id) == (frozenset(), "t1")


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
