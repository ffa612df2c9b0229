"""The sender of payouts: through every failure of the gateway and of the bridge, no payout is asked for twice."""

import asyncio
from collections.abc import Callable
from decimal import Decimal

import pytest

from bridge.journal import Journal, JournalUnavailableError
from bridge.workers.payouts import PayoutSender
from coordinator.payouts import Payout, PayoutStatus
from providers.shkeeper.api import ShkeeperApi
from providers.shkeeper.invoices import ShkeeperInvoices
from providers.shkeeper.payout_answers import OrderAnswer
from providers.shkeeper.payouts import ShkeeperPayouts
from tests.bridge.workers.conftest import START, paid
from tests.clock import Clock
from tests.scripted_gateway import Gateway, Request, breaks_off, hangs_up, says
from tests.waiting import until

CRYPTO = says({"status": "success", "crypto": ["ETH-USDT"]})
UNKNOWN = says({"error": "Payout not found"}, 404)
FAILED = says({"status": "error", "message": "oops"}, 500)


class Books:
    """SHKeeper's, as far as payouts go: what it answers to the question, and what it knows afterwards."""

    def __init__(self, gateway: Gateway) -> None:
        self.question: Callable[[Request], bytes | None] = says({"task_id": "t1"})
        self.task: Callable[[Request], bytes | None] = says({"status": "PENDING", "result": None})
        self.status: Callable[[Request], bytes | None] = UNKNOWN
        self.crypto: Callable[[Request], bytes | None] = CRYPTO
        self._gateway = gateway
        gateway.answers(self._answer)

    def _answer(self, request: Request) -> bytes | None:
        for part, answer in (
            ("/task/", self.task),
            ("/payout/status", self.status),
            ("/payout", self.question),
            ("/multipayout", self.question),
            ("/crypto", self.crypto),
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
    books.crypto = FAILED
    sender, payout_id = new_sender(journal, api), await wanted(journal)
    await sender.round()
    assert (books.questions, await status(journal, payout_id)) == (0, "created")
    books.crypto = CRYPTO
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


async def test_payouts_that_were_refused_together_are_asked_for_one_by_one(
    journal: Journal, api: ShkeeperApi, books: Books, gateway: Gateway, clock: Clock
) -> None:
    payout_ids = [await wanted(journal, number, batch_id="b") for number in (1, 2, 3)]
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
    assert [one["external_id"] for one in asked[1:]] == ["out_1-2", "out_2-2", "out_3-2"]
    assert len(asked[0]) == 3


@pytest.mark.parametrize("truth", [("SUCCESS", "0x1"), ("IN_PROGRESS", None), None])
async def test_a_bridge_that_was_killed_while_it_asked_does_not_ask_again(
    journal: Journal, api: ShkeeperApi, books: Books, clock: Clock, truth: tuple[str, str | None] | None
) -> None:
    payout_id = await wanted(journal)
    assert await journal.begin_payout_attempt(payout_id) == 1  # and then the lights went out
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
    record = journal.record_payout_observation

    async def full_disk(*_: object, **__: object) -> None:
        raise JournalUnavailableError("the disk is full")

    monkeypatch.setattr(journal, "record_payout_observation", full_disk)
    with pytest.raises(JournalUnavailableError):
        await sender.round()
    monkeypatch.setattr(journal, "record_payout_observation", record)
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
    payout_ids = [await wanted(journal, number) for number in range(1, 6)]
    senders = [new_sender(journal, api) for _ in range(4)]
    await asyncio.gather(*(sender.round() for sender in senders))
    assert books.questions == len(payout_ids)


async def test_the_sender_works_as_soon_as_it_is_woken(journal: Journal, api: ShkeeperApi, books: Books) -> None:
    sender = new_sender(journal, api)
    running = asyncio.create_task(sender.run())
    await wanted(journal)
    sender.wake()
    await until(lambda: books.questions)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
