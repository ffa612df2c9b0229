"""Payouts of which it is not clear whether they were sent: through every failure of the gateway and of the bridge,
none is asked for twice."""

from collections.abc import Callable

import pytest

from bridge.journal import Journal, JournalUnavailableError
from coordinator.payouts.observations import PayoutAccepted
from coordinator.payouts.statuses import PayoutStatus
from providers.shkeeper.asking.api import ShkeeperApi
from providers.shkeeper.payouts.answers import OrderAnswer
from tests.attempts import begin_attempts
from tests.bridge.workers.conftest import START
from tests.bridge.workers.payouts.sending import FAILED, UNKNOWN, Books, escrow, new_sender, status, wanted
from tests.clock import Clock
from tests.scripted_gateway import Gateway, Request, breaks_off, hangs_up, says


@pytest.fixture
def books(gateway: Gateway) -> Books:
    return Books(gateway)


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


async def test_a_question_that_is_turned_away_is_asked_again_once_and_only_if_the_door_is_closed_to_others_too(
    journal: Journal, api: ShkeeperApi, books: Books, clock: Clock
) -> None:
    books.question = turned_away = says({"status": "error", "message": "Bad HTTP Basic Auth credentials"})
    pending = books.task
    # Open before the order, and closed after it: the password was changed just then, or so it says.
    books.task = lambda request: (pending if books.questions == len(closed) else turned_away)(request)
    closed: list[int] = []
    sender, payout_id = new_sender(journal, api), await wanted(journal)
    for expected in ("created", "ambiguous", "ambiguous"):
        await sender.round()
        assert await status(journal, payout_id) == expected
        closed.append(books.questions)
        clock.move(minutes=1)
    assert books.questions == 2


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
        broken.setattr(journal.payouts, "record_outcomes", full_disk)
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


async def test_an_answer_that_comes_while_its_payout_is_looked_up_is_no_interruption(
    journal: Journal, api: ShkeeperApi, books: Books, clock: Clock
) -> None:
    payout_id = await wanted(journal)
    attempts = await begin_attempts(journal, payout_id)
    await journal.payouts.record_outcomes([(payout_id, attempts[payout_id], PayoutAccepted(task_id="t1"))])
    await journal.payouts.record_interruption(payout_id, attempts[payout_id], "it came too late")
    [record] = await journal.payouts.records([payout_id])
    assert (record.payout.facts.unclear, record.payout.facts.task_id) == (frozenset(), "t1")
