"""SHKeeper's payouts: every answer that there can be, what it means, and that nobody is asked twice."""

import asyncio
import base64
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from coordinator.payouts.observations import (
    PayoutAccepted,
    PayoutBooked,
    PayoutConfirmed,
    PayoutFailed,
    PayoutInDoubt,
    PayoutObservation,
    PayoutSent,
    PayoutUnclear,
    Stated,
)
from coordinator.payouts.payouts import Payout, PayoutFacts
from providers.contract import PayoutOrder
from providers.errors import (
    AnswerUnusableError,
    NotPayableError,
    ProviderError,
    ProviderRefusedError,
    ProviderUnavailableError,
)
from providers.shkeeper.asking.api import ShkeeperApi
from providers.shkeeper.invoices.invoices import ShkeeperInvoices
from providers.shkeeper.payouts.payouts import ShkeeperPayouts
from providers.unknown_prices import PriceUnknownError
from tests.clock import pass_seconds
from tests.made_destinations import destination, lightning
from tests.scripted_gateway import Gateway, Request, breaks_off, hangs_up, says
from tests.waiting import GIVE_UP_SECONDS, until

NOW = datetime(2026, 5, 1, tzinfo=UTC)
ASKED = PayoutFacts(attempts=1, external_ids={1: "out_1"}, booked=frozenset({"out_1"}), records={"out_1": ("14",)})
PAYOUT = Payout(
    payout_id="out_1",
    provider="shkeeper",
    payment_id="pay_1",
    seller_id="s1",
    destination="0xAb",
    coin="ETH-USDT",
    amount=Decimal("48.90"),
    created_at=NOW,
    facts=ASKED,
)
ACCEPTED = PAYOUT.model_copy(update={"facts": ASKED.model_copy(update={"known": True, "task_id": "t1", "parts": 1})})
IN_A_BATCH = PAYOUT.model_copy(
    update={
        "batch_id": "b",
        "facts": ASKED.model_copy(update={"known": True, "task_id": "t1", "parts": 2}),
    }
)


def payouts_of(api: ShkeeperApi) -> ShkeeperPayouts:
    return ShkeeperPayouts(
        api,
        user="admin",
        password="secret",
        callback_url="http://127.0.0.1:8000/webhooks/shkeeper",
        coins=ShkeeperInvoices(api).coins,
    )


@pytest.fixture
def payouts(api: ShkeeperApi) -> ShkeeperPayouts:
    return payouts_of(api)


async def ask(payouts: ShkeeperPayouts) -> PayoutObservation:
    [outcome] = await payouts.send_payouts([PAYOUT])
    return outcome


async def test_a_payout_is_asked_for_in_the_operators_name(gateway: Gateway, payouts: ShkeeperPayouts) -> None:
    gateway.answers(says({"task_id": "t1", "external_id": "out_1"}))
    assert await ask(payouts) == PayoutAccepted(task_id="t1", parts=1)
    [request] = gateway.requests
    assert (request.method, request.path) == ("POST", "/api/v1/ETH-USDT/payout")
    assert request.headers["authorization"] == f"Basic {base64.b64encode(b'admin:secret').decode()}"
    assert request.content == {
        "amount": "48.90",
        "destination": "0xAb",
        "fee": "0",
        "external_id": "out_1",
        "callback_url": "http://127.0.0.1:8000/webhooks/shkeeper",
    }


async def test_some_coins_answer_with_transactions_at_once(gateway: Gateway, payouts: ShkeeperPayouts) -> None:
    gateway.answers(says({"result": ["0x1", "0x2"]}), says({"result": "0x3", "error": None, "id": "shkeeper"}))
    assert await ask(payouts) == PayoutSent(tx_hashes=("0x1", "0x2"))
    assert await ask(payouts) == PayoutSent(tx_hashes=("0x3",))


async def test_an_invoice_that_lapsed_while_its_payout_waited_is_not_paid(
    gateway: Gateway, payouts: ShkeeperPayouts
) -> None:
    lapsed = {"coin": "BTC-LIGHTNING", "destination": lightning(bytes(200), made_at=int(NOW.timestamp()) - 7200)}
    [outcome] = await payouts.send_payouts([PAYOUT.model_copy(update=lapsed)])
    assert isinstance(outcome, PayoutFailed)
    assert outcome.reason.startswith("its invoice lapsed at 2026-04-30T23:00:00+00:00, before SHKeeper was asked")
    assert gateway.requests == []
    gateway.answers(says({"result": "ab" * 32}))
    good = lapsed | {"destination": lightning(bytes(200), made_at=int(datetime.now(UTC).timestamp()))}
    assert await payouts.send_payouts([PAYOUT.model_copy(update=good)]) == [PayoutSent(tx_hashes=("ab" * 32,))]


SECOND = PAYOUT.model_copy(
    update={
        "payout_id": "out_2",
        "destination": "0xCd",
        "amount": Decimal(5),
        "facts": PayoutFacts(attempts=1, external_ids={1: "out_2"}),
    }
)


async def test_several_payouts_are_asked_for_in_one_question(gateway: Gateway, payouts: ShkeeperPayouts) -> None:
    gateway.answers(says({"task_id": "t1", "external_ids": ["out_1", "out_2"]}))
    assert list(await payouts.send_payouts([PAYOUT, SECOND])) == [PayoutAccepted(task_id="t1", parts=2)] * 2
    [request] = gateway.requests
    assert (request.method, request.path) == ("POST", "/api/v1/ETH-USDT/multipayout")
    callback_url = "http://127.0.0.1:8000/webhooks/shkeeper"
    assert request.content == [
        {"dest": "0xAb", "amount": "48.90", "external_id": "out_1", "callback_url": callback_url},
        {"dest": "0xCd", "amount": "5", "external_id": "out_2", "callback_url": callback_url},
    ]


@pytest.mark.parametrize(
    "answer",
    [says({"status": "error", "message": "duplicate external_id"}), says({}, 500), says({"result": ["0x1"]})],
)
async def test_of_several_payouts_an_unclear_answer_makes_each_unclear(
    gateway: Gateway, payouts: ShkeeperPayouts, answer: Callable[[Request], bytes]
) -> None:
    gateway.answers(answer)
    outcomes = await payouts.send_payouts([PAYOUT, SECOND])
    assert [type(outcome) for outcome in outcomes] == [PayoutUnclear] * 2
    assert len(gateway.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        says({"status": "error", "message": "it failed"}, 500),
        says({"status": "error", "message": "it failed"}),
        says({"status": "error", "message": "duplicate external_id", "traceback": "File x"}),
        says("<html>bad gateway</html>", 502),
        says("not json"),
        says({}),
        says({"task_id": None, "result": None}),
        says({"status": "success"}),
        says({}, 404),
        hangs_up,
        breaks_off,
    ],
)
async def test_whatever_is_no_clear_answer_is_unclear_and_is_not_asked_again(
    gateway: Gateway, payouts: ShkeeperPayouts, answer: Callable[[Request], bytes | None]
) -> None:
    gateway.answers(answer)
    outcome = await ask(payouts)
    assert isinstance(outcome, PayoutUnclear)
    assert "secret" not in outcome.reason
    assert "File x" not in outcome.reason
    assert len(gateway.requests) == 1


AT_THE_DOOR: list[Callable[[Request], bytes]] = [
    says({"status": "error", "message": "Bad HTTP Basic Auth credentials"}),
    says({"status": "error", "message": "This endpoint doesn't accept X-Shkeeper-Api-Key auth"}),
    lambda _: b"HTTP/1.1 302 X\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
    says({}, 401),
]


@pytest.mark.parametrize("answer", AT_THE_DOOR)
async def test_what_is_turned_away_at_a_door_that_is_closed_did_nothing(
    gateway: Gateway, payouts: ShkeeperPayouts, answer: Callable[[Request], bytes]
) -> None:
    gateway.answers(answer, says({}, 401))
    with pytest.raises(ProviderRefusedError, match="user and password"):
        await ask(payouts)
    assert gateway.asked == ["POST ETH-USDT/payout", "GET ETH-USDT/task/bridge-asks-whether-it-may"]


@pytest.mark.parametrize("answer", AT_THE_DOOR)
async def test_what_is_turned_away_at_a_door_that_is_open_may_have_been_sent(
    gateway: Gateway, payouts: ShkeeperPayouts, answer: Callable[[Request], bytes]
) -> None:
    for otherwise in (task("PENDING", None), says({}, 500), hangs_up):
        gateway.answers(answer, otherwise)
        outcome = await ask(payouts)
        assert isinstance(outcome, PayoutUnclear)
        assert "for this order, and accepts them otherwise" in outcome.reason


async def test_a_door_that_closes_for_one_order_again_and_again_proves_nothing(
    gateway: Gateway, payouts: ShkeeperPayouts
) -> None:
    gateway.answers(says({}, 401))
    again = PAYOUT.model_copy(update={"facts": ASKED.model_copy(update={"attempts": 2})})
    assert [type(one) for one in await payouts.send_payouts([again])] == [PayoutUnclear]


async def test_a_coin_without_tasks_is_not_asked_for_with_a_wrong_password(
    gateway: Gateway, payouts: ShkeeperPayouts
) -> None:
    gateway.answers(says({"status": "success", "crypto": ["FIRO"]}), AT_THE_DOOR[0])
    with pytest.raises(ProviderRefusedError, match="user and password"):
        await payouts.check("FIRO")


async def test_an_answer_that_is_promised_and_does_not_come_in_time_is_unclear(
    gateway: Gateway, payouts: ShkeeperPayouts
) -> None:
    gateway.answers(lambda _: b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n")
    asking = asyncio.create_task(ask(payouts))
    await until(lambda: gateway.requests)
    await pass_seconds(GIVE_UP_SECONDS)
    assert isinstance(await asking, PayoutUnclear)
    assert len(gateway.requests) == 1


async def test_what_never_left_did_nothing() -> None:
    api = ShkeeperApi(url="http://127.0.0.1:1", api_keys=["k"], timeout_seconds=GIVE_UP_SECONDS)
    payouts = payouts_of(api)
    with pytest.raises(ProviderUnavailableError, match="not reached"):
        await ask(payouts)
    await api.aclose()


def task(status: str, result: object) -> Callable[[Request], bytes]:
    return says({"status": status, "result": result})


def of(dest: str, status: str, *txids: str, **others: object) -> dict[str, object]:
    return {"dest": dest, "amount": "48.9", "status": status, "txids": list(txids), **others}


UNKNOWN = says({"error": "Payout not found"}, 404)
RECORD = {"id": 14, "external_id": "out_1", "crypto": "ETH-USDT", "amount": "48.9000000000", "destination": "0xab"}
STATED = Stated(coin="ETH-USDT", amount=Decimal("48.9000000000"), destination="0xab")
TASK_STATED = Stated(amount=Decimal("48.9"))


def status(status: str, txid: object) -> Callable[[Request], bytes]:
    """A record under the name that is asked for."""

    def answer(request: Request) -> bytes:
        name = request.path.rpartition("external_id=")[2]
        return says({**RECORD, "external_id": name, "status": status, "txid": txid})(request)

    return answer


@pytest.mark.parametrize(
    ("payout", "answers", "expected"),
    [
        (PAYOUT, [UNKNOWN], []),
        # A record is written for what the wallet refused, too.
        (PAYOUT, [status("IN_PROGRESS", None)], []),
        (PAYOUT, [status("IN_PROGRESS", "0x1")], [PayoutSent(tx_hashes=("0x1",), stated=STATED)]),
        (
            PAYOUT,
            [status("SUCCESS", ["0x1"])],
            [PayoutSent(tx_hashes=("0x1",), stated=STATED), PayoutConfirmed(stated=STATED)],
        ),
        (
            PAYOUT,
            [status("FAIL", None)],
            [PayoutInDoubt(reason="SHKeeper's books say FAIL, which they do of what was sent, too")],
        ),
        (ACCEPTED, [task("PENDING", None), UNKNOWN], []),
        (
            ACCEPTED,
            [task("SUCCESS", [of("0xAB", "success", "0x1")]), UNKNOWN],
            [PayoutSent(tx_hashes=("0x1",), stated=TASK_STATED)],
        ),
        (
            IN_A_BATCH,
            [task("SUCCESS", [of("0xCd", "success", "0x1"), of("0xEf", "success", "0x2")]), UNKNOWN],
            [PayoutInDoubt(reason="SHKeeper's task succeeded, and names no result for this payout's address")],
        ),
        (
            ACCEPTED,
            [task("SUCCESS", [of("0xab", "error", message="no gas")]), UNKNOWN],
            [PayoutInDoubt(reason="SHKeeper's task reports an error without one: no gas")],
        ),
        (
            ACCEPTED,
            [task("SUCCESS", [of("0xab", "error", "0x1", message="contractResult: ['REVERT']")]), UNKNOWN],
            [
                PayoutSent(tx_hashes=("0x1",)),
                PayoutInDoubt(reason="SHKeeper's task reports an error: contractResult: ['REVERT']"),
            ],
        ),
        (
            ACCEPTED,
            [task("FAILURE", "Have not enough tokens on fee account, need 300 have 0.25"), status("FAIL", None)],
            [
                PayoutFailed(
                    reason="SHKeeper's task failed before it sent anything: Have not enough tokens on fee account,"
                    " need 300 have 0.25"
                ),
                PayoutInDoubt(reason="SHKeeper's books say FAIL, which they do of what was sent, too"),
            ],
        ),
        # The daemon of the coin is down, or its task cannot be read; the record can.
        (
            ACCEPTED,
            [says({"code": 500, "status": "Internal Server Error"}, 500)] * 3 + [status("IN_PROGRESS", "0x1")],
            [PayoutSent(tx_hashes=("0x1",), stated=STATED)],
        ),
    ],
)
async def test_looking_a_payout_up_says_what_task_and_books_prove(
    gateway: Gateway,
    payouts: ShkeeperPayouts,
    payout: Payout,
    answers: list[Callable[[Request], bytes]],
    expected: list[PayoutObservation],
) -> None:
    gateway.answers(*answers)
    assert list(await payouts.look_up_payout(payout, NOW)) == expected
    assert "GET ETH-USDT/payout/status?external_id=out_1" in gateway.asked


async def test_a_look_up_that_fails_says_nothing(gateway: Gateway, payouts: ShkeeperPayouts) -> None:
    gateway.answers(says("down", 503))
    with pytest.raises(ProviderError):
        await payouts.look_up_payout(PAYOUT, NOW)


async def test_whether_shkeeper_has_a_payout_in_its_books_is_asked_by_its_name_there(
    gateway: Gateway, payouts: ShkeeperPayouts
) -> None:
    gateway.answers(UNKNOWN, UNKNOWN, status("IN_PROGRESS", None))
    assert [await payouts.knows_payout(name, "ETH-USDT") for name in ("out_1", "out_1-2")] == [False, True]
    # A bridge of before may have asked for it so, when it was refused together with others.
    assert [asked.rpartition("=")[2] for asked in gateway.asked] == ["out_1", "out_1-2", "out_1-2"]


@pytest.mark.parametrize("known", ["IN_PROGRESS", "FAIL"])
async def test_that_shkeeper_has_it_in_its_books_is_told_once_and_of_none_that_failed(
    gateway: Gateway, payouts: ShkeeperPayouts, known: str
) -> None:
    unseen = PayoutFacts(attempts=1, external_ids={1: "out_1"})
    failed = unseen.model_copy(update={"failures": frozenset({"refused"})})
    for facts, expected in ((unseen, [PayoutBooked]), (ASKED, []), (failed, [])):
        gateway.answers(status(known, None))
        told = await payouts.look_up_payout(PAYOUT.model_copy(update={"facts": facts}), NOW)
        assert [type(one) for one in told if isinstance(one, PayoutBooked)] == expected


async def test_nothing_is_asked_about_a_payout_that_has_no_name_or_none_any_more(
    gateway: Gateway, payouts: ShkeeperPayouts
) -> None:
    passed_on = ASKED.model_copy(update={"booked": frozenset(), "passed_on": frozenset({"out_1"})})
    for facts in (PayoutFacts(), passed_on):
        assert await payouts.look_up_payout(PAYOUT.model_copy(update={"facts": facts}), NOW) == []
    assert gateway.asked == []


async def test_an_order_is_read_with_what_shkeeper_has_and_taken_where_it_does_not_say(
    gateway: Gateway, payouts: ShkeeperPayouts
) -> None:
    order = PayoutOrder("ETH-USTD", destination("ETH-USDT", "seller"), Decimal("48.900000"))
    gateway.answers(says("down", 503))
    assert await payouts.read_order(order, NOW) == order
    gateway.answers(says({"status": "success", "crypto": ["ETH-USDT", "BTC"]}))
    with pytest.raises(NotPayableError, match="did you mean ETH-USDT") as caught:
        await payouts.read_order(order, NOW)
    assert caught.value.field == "coin"


COINS = says({"status": "success", "crypto": ["BTC", "ETH-USDT"], "crypto_list": []})
COINS_WITH_LITECOIN = says({"status": "success", "crypto": ["LTC"], "crypto_list": []})


@pytest.mark.parametrize(
    ("amount", "coin", "rate", "comes_to"),
    [
        ("49.90", "ETH-USDT", None, "49.9"),  # a stablecoin is what it stands for
        ("49.9000019", "ETH-USDT", None, "49.900001"),
        ("100", "BTC", "60000", "0.00166666"),  # never more than it is worth
        ("0.0001", "BTC", "60000", "0"),
    ],
)
async def test_what_goes_back_comes_to_no_more_coins_than_it_is_worth_now(
    gateway: Gateway, payouts: ShkeeperPayouts, amount: str, coin: str, rate: str | None, comes_to: str
) -> None:
    gateway.answers(COINS, *([] if rate is None else [says({"status": "success", "exchange_rate": rate})]))
    assert await payouts.coins_for(Decimal(amount), "USD", coin) == Decimal(comes_to)


async def test_without_a_price_nothing_is_said_of_a_coin(gateway: Gateway, payouts: ShkeeperPayouts) -> None:
    gateway.answers(COINS, hangs_up)
    with pytest.raises(PriceUnknownError, match="does not say what BTC is worth in USD at the moment"):
        await payouts.coins_for(Decimal(10), "USD", "BTC")


FITTING = {"crypto": "LTC", "fiat": "USD", "amount_fiat": "1000000", "amount_crypto": "12500", "exchange_rate": "80"}


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"amount_fiat": "1000000.00000000000000000000", "exchange_rate": "80.0000000000"},
        {"crypto": None, "fiat": None, "amount_fiat": None, "amount_crypto": None},
        {"amount_crypto": "12499.99999999"},  # rounded
        {"amount_crypto": "15000"},  # with a fee of 20 %
    ],
)
async def test_a_price_that_fits_its_question_is_taken_whatever_of_it_is_left_out(
    gateway: Gateway, payouts: ShkeeperPayouts, said: dict[str, object]
) -> None:
    gateway.answers(COINS_WITH_LITECOIN, says({"status": "success", **FITTING, **said}))
    assert await payouts.coins_for(Decimal(50), "USD", "LTC") == Decimal("0.625")
    assert gateway.requests[-1].content == {"fiat": "USD", "amount": "1000000"}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (
            {"fiat": "EUR", "exchange_rate": "60", "amount_crypto": "16666.66666667"},
            r"asked about USD, .* EUR \(fiat\)",
        ),
        ({"crypto": "DASH", "exchange_rate": "60", "amount_crypto": "16666.66666667"}, r"LTC, .* DASH \(crypto\)"),
        ({"amount_fiat": "6.50", "amount_crypto": "0.08125"}, r"1000000, .* 6\.50 \(amount_fiat\)"),
        ({"exchange_rate": "60"}, "contradicts itself"),
        ({"exchange_rate": "112"}, r"its price is 1\.4 times what its rate comes to"),
        ({"amount_crypto": "0"}, "contradicts itself"),
        ({"amount_crypto": None, "crypto_amount": "12499"}, "contradicts itself"),
        ({"exchange_rate": "0"}, "exchange_rate"),
        ({"amount_crypto": "-12500"}, "amount_crypto"),
        ({"fiat": ["USD"]}, "fiat"),
    ],
)
async def test_a_price_of_something_else_or_that_contradicts_itself_is_none_and_says_why(
    gateway: Gateway, payouts: ShkeeperPayouts, said: dict[str, object], why: str
) -> None:
    answer = {key: value for key, value in {**FITTING, **said}.items() if value is not None}
    quoted = says({"status": "success", **answer})
    gateway.answers(COINS_WITH_LITECOIN, quoted)
    with pytest.raises(PriceUnknownError, match=why):
        await payouts.coins_for(Decimal(50), "USD", "LTC")
    gateway.answers(quoted)
    with pytest.raises(PriceUnknownError, match=why):
        await payouts.worth(PayoutOrder("LTC", destination("LTC", "seller"), Decimal("0.83")), "USD")


@pytest.mark.parametrize("currency", ["JPY", "VND"])
async def test_a_fixed_fee_and_a_coins_last_digit_are_nothing_of_what_is_asked_for(
    gateway: Gateway, payouts: ShkeeperPayouts, currency: str
) -> None:
    """In the least of units: of one yen a fee of five dollars would be most, and so would a bitcoin's last digit."""
    rate, fee = {"JPY": (Decimal("9230769.2307692301"), 750), "VND": (Decimal(1_500_000_000), 125_000)}[currency]
    coins = ((1_000_000 + fee) / rate).quantize(Decimal("1e-8"))
    gateway.answers(COINS, says({"status": "success", "amount_crypto": str(coins), "exchange_rate": str(rate)}))
    assert await payouts.coins_for(Decimal(100_000), currency, "BTC") > 0


@pytest.mark.parametrize("names", [{"external_id": "out_9"}, {"external_ids": ["out_1", "out_9"]}])
@pytest.mark.parametrize("said", [{"task_id": "t1"}, {"status": "error", "msg": "Payout was disabled"}])
async def test_an_answer_to_another_order_proves_nothing_of_this_one(
    gateway: Gateway, payouts: ShkeeperPayouts, names: dict[str, object], said: dict[str, object]
) -> None:
    gateway.answers(says({**said, **names}))
    outcome = await ask(payouts)
    assert isinstance(outcome, PayoutUnclear)
    assert "asked about out_1, and its answer is about out_9" in outcome.reason


async def test_a_record_of_another_payout_is_none_of_this_one_and_hides_no_task(
    gateway: Gateway, payouts: ShkeeperPayouts
) -> None:
    others = says({**RECORD, "external_id": "out_9", "status": "SUCCESS", "txid": "0x9"})
    gateway.answers(others)
    with pytest.raises(AnswerUnusableError, match="asked about out_1, and its answer is about out_9"):
        await payouts.look_up_payout(PAYOUT, NOW)
    with pytest.raises(AnswerUnusableError, match="out_9"):
        await payouts.find_payout("out_1", "ETH-USDT")
    with pytest.raises(AnswerUnusableError, match="out_9"):
        await payouts.knows_payout("out_1", "ETH-USDT")
    gateway.answers(task("SUCCESS", [of("0xab", "success", "0x1")]), others)
    assert await payouts.look_up_payout(ACCEPTED, NOW) == [PayoutSent(tx_hashes=("0x1",), stated=TASK_STATED)]


@pytest.mark.parametrize("coin", ["BTC-LIGHTNING", "ETH-USTD"])
async def test_nothing_goes_back_in_a_coin_that_cannot_be_sent(
    gateway: Gateway, payouts: ShkeeperPayouts, coin: str
) -> None:
    gateway.answers(COINS)
    with pytest.raises(NotPayableError) as refused:
        await payouts.coins_for(Decimal(10), "USD", coin)
    assert refused.value.field == "coin"
