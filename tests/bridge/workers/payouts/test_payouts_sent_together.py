"""Payouts that are asked for together, and refused together."""

import pytest

from bridge.journal import Journal
from providers.shkeeper.asking.api import ShkeeperApi
from tests.bridge.workers.payouts.sending import UNKNOWN, Books, name, new_sender, status, wanted
from tests.clock import Clock
from tests.scripted_gateway import Gateway, Request, says


@pytest.fixture
def books(gateway: Gateway) -> Books:
    return Books(gateway)


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
async def test_what_was_refused_together_and_sent_alone_by_an_older_bridge_is_not_asked_for_again(
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
    assert (books.questions, {await status(journal, one) for one in payout_ids}) == (0, {"created"})
    # Nobody knows here who asked for it.
    assert [one.payout.is_unexplained for one in await journal.history.forgotten_payouts()] == [True] * number
