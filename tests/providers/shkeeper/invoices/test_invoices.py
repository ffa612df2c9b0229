"""SHKeeper's invoices when a coin is in trouble: what cannot be used, what is refused, and who waits for whom."""

import asyncio
from collections.abc import Callable

import pytest

from providers.contract import (
    AnswerUnusableError,
    CoinUnavailableError,
    CredentialsRefusedError,
    ProviderRefusedError,
    ProviderUnavailableError,
)
from providers.shkeeper.asking.api import ShkeeperApi
from providers.shkeeper.asking.circuits import COIN
from providers.shkeeper.asking.credentials import CredentialCheck
from providers.shkeeper.invoices.invoices import ShkeeperInvoices
from tests.clock import pass_seconds
from tests.providers.shkeeper.asking.test_api import COINS, OPENED, WANTED
from tests.providers.shkeeper.conftest import KEY
from tests.scripted_gateway import Gateway, Request, says
from tests.waiting import GIVE_UP_SECONDS, until

BOLT11 = "lnbcrt204000n1p" + "q5z8k3" * 60
LIGHTNING = WANTED.model_copy(update={"coin": "BTC-LIGHTNING"})
NO_RATE = {
    "status": "error",
    "message": "Exchange rate src config for usd-ETH-USDT is not found",
    "traceback": "File secret.py",
}
READ_TIMED_OUT = {
    "status": "error",
    "message": "HTTPConnectionPool(host='daemon.example', port=6000): Read timed out. (read timeout=10)",
    "traceback": "File secret.py",
}


async def test_a_lightning_invoice_is_as_long_as_it_is(gateway: Gateway, api: ShkeeperApi) -> None:
    gateway.answers(says({**OPENED, "wallet": BOLT11}))
    opened = await ShkeeperInvoices(api).open_invoice(LIGHTNING)
    assert len(BOLT11) > 200
    assert opened.address == BOLT11


@pytest.mark.parametrize("answer", [{"wallet": None}, {"wallet": "l" * 1_001}, {"wallet": ""}, {"amount": "a lot"}])
async def test_what_cannot_be_used_is_asked_for_once_and_opens_no_circuit(
    gateway: Gateway, api: ShkeeperApi, answer: dict[str, object]
) -> None:
    gateway.answers(says({**OPENED, **answer}))
    invoices = ShkeeperInvoices(api)
    for asked in range(1, 10):
        with pytest.raises(AnswerUnusableError):
            await invoices.open_invoice(WANTED)
        assert len(gateway.requests) == asked
    assert list(invoices.troubles()) == ["ETH-USDT"]
    assert "ETH-USDT" in (await invoices.trouble_with("ETH-USDT") or "")
    assert await invoices.trouble_with("BTC") is None
    await invoices.check()
    with pytest.raises(CoinUnavailableError, match="ETH-USDT"):
        await invoices.examine()
    gateway.answers(says(OPENED))
    await invoices.open_invoice(WANTED)
    assert invoices.troubles() == {}


async def test_a_refusal_has_shkeepers_words_and_no_traceback(gateway: Gateway, api: ShkeeperApi) -> None:
    gateway.answers(says(NO_RATE))
    with pytest.raises(ProviderRefusedError, match="Exchange rate src config for usd-ETH-USDT") as caught:
        await ShkeeperInvoices(api).open_invoice(WANTED)
    assert caught.value.about == "currency"
    assert "secret" not in str(caught.value)
    assert len(gateway.requests) == 1


async def test_an_amount_that_comes_to_nothing_is_refused(gateway: Gateway, api: ShkeeperApi) -> None:
    gateway.answers(says({**OPENED, "amount": "0"}))
    with pytest.raises(ProviderRefusedError, match="0 ETH-USDT") as caught:
        await ShkeeperInvoices(api).open_invoice(WANTED)
    assert caught.value.about == "amount"


async def test_a_wallet_that_shkeeper_gave_up_on_is_its_coins_trouble(gateway: Gateway, api: ShkeeperApi) -> None:
    gateway.answers(says(READ_TIMED_OUT))
    invoices = ShkeeperInvoices(api)
    with pytest.raises(CoinUnavailableError) as caught:
        await invoices.open_invoice(WANTED)
    assert caught.value.coin == "ETH-USDT"
    assert "example" not in str(caught.value)
    # It took ten seconds; nobody waits for that three times.
    assert gateway.asked == ["POST ETH-USDT/payment_request", "GET ETH-USDT/balance"]


async def test_a_busy_database_is_tried_again_and_is_no_refusal(gateway: Gateway, api: ShkeeperApi) -> None:
    busy = says({"status": "error", "message": "(sqlite3.OperationalError) database is locked"})
    gateway.answers(busy, busy, says(OPENED))
    assert (await ShkeeperInvoices(api).open_invoice(WANTED)).address == "0x86"
    gateway.answers(busy)
    with pytest.raises(ProviderUnavailableError):
        await ShkeeperInvoices(api).open_invoice(WANTED)
    await api.check()


def hangs_for(*paths: str, otherwise: Callable[[Request], bytes]) -> Callable[[Request], bytes]:
    """An answer that never ends for some paths, and one in time for the others."""
    never = b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n{"

    def answer(request: Request) -> bytes:
        return never if any(path in request.path for path in paths) else otherwise(request)

    return answer


async def test_a_coin_that_hangs_keeps_back_no_other_coin_and_no_look_up(gateway: Gateway, api: ShkeeperApi) -> None:
    invoices = ShkeeperInvoices(api)
    unknown = says({"status": "success", "invoices": []})
    gateway.answers(hangs_for("LTC", otherwise=says(OPENED)))
    hanging = WANTED.model_copy(update={"coin": "LTC"})

    def opened() -> list[str]:
        return [asked for asked in gateway.asked if asked.endswith("payment_request")]

    for number in range(1, COIN.failures // 2 + 2):
        opening = asyncio.create_task(invoices.open_invoice(hanging))
        await until(lambda number=number: len(opened()) == number)  # type: ignore[misc]
        await pass_seconds(GIVE_UP_SECONDS + 1)
        await until(lambda number=number: len(gateway.requests) == 2 * number)  # type: ignore[misc]
        await pass_seconds(GIVE_UP_SECONDS + 1)  # the coin's balance hangs too
        with pytest.raises(CoinUnavailableError, match="LTC"):
            await opening
    for _ in range(5):  # it bounds itself: after some tries nobody waits any more
        with pytest.raises(CoinUnavailableError, match="LTC"):
            await invoices.open_invoice(hanging)
    assert len(opened()) == COIN.failures // 2 + 1
    await invoices.check()
    gateway.answers(hangs_for("LTC", otherwise=says(OPENED)))
    assert (await invoices.open_invoice(WANTED)).address == "0x86"
    gateway.answers(unknown)
    assert await invoices.look_up("pay_1") == []
    with pytest.raises(CoinUnavailableError, match="LTC: SHKeeper was too slow"):
        await invoices.examine()


async def test_nobody_waits_for_a_list_of_coins_that_hangs(gateway: Gateway, api: ShkeeperApi) -> None:
    now = 100.0
    invoices = ShkeeperInvoices(api, clock=lambda: now)
    gateway.answers(COINS)
    assert await invoices.coins() == ("BTC", "ETH-USDT")
    gateway.answers(hangs_for("crypto", otherwise=says(OPENED)))
    now += 60
    asked = len(gateway.requests)
    waiting = asyncio.create_task(asyncio.wait_for(invoices.coins(), GIVE_UP_SECONDS))
    await until(lambda: len(gateway.requests) > asked)
    await pass_seconds(3)
    assert await waiting == ("BTC", "ETH-USDT")  # the older list, long before the answer is given up
    await invoices.check()


async def test_a_list_that_hangs_from_the_first_time_on_is_unknown_soon(gateway: Gateway, api: ShkeeperApi) -> None:
    gateway.answers(hangs_for("crypto", otherwise=says(OPENED)))
    waiting = asyncio.create_task(ShkeeperInvoices(api).coins())
    await until(lambda: gateway.requests)
    await pass_seconds(3)
    with pytest.raises(ProviderUnavailableError):
        await waiting


def credentials_gateway(*, key: bool = True, password: bool = True, task: int = 200) -> Callable[[Request], bytes]:
    def answer(request: Request) -> bytes:
        if "/task/" in request.path:
            if not password:
                return says({"status": "error", "message": "Bad HTTP Basic Auth credentials"})(request)
            down = {"code": 500, "status": "Internal Server Error"}
            return says({"status": "PENDING", "result": None} if task == 200 else down, task)(request)
        good = {"status": "success", "invoices": []}
        return says(good if key else {"status": "error", "message": "Bad API key"})(request)

    return answer


@pytest.mark.parametrize(
    ("key", "password", "task", "faults"),
    [
        (True, True, 200, []),
        (True, True, 500, []),
        (False, True, 200, ["key"]),
        (True, False, 200, ["user and password"]),
        (False, False, 200, ["key", "user and password"]),
    ],
)
async def test_which_of_key_and_password_is_wrong_is_found_out(
    gateway: Gateway, api: ShkeeperApi, key: bool, password: bool, task: int, faults: list[str]
) -> None:
    gateway.answers(credentials_gateway(key=key, password=password, task=task))
    check = CredentialCheck(api, user="admin", password="the-password")
    found = await check.ask(["LTC"])
    assert len(found) == len(faults)
    assert all(fault in said for fault, said in zip(faults, found, strict=True))
    assert not any(secret in said for said in found for secret in (KEY, "the-password"))
    assert [asked.partition("/")[0] for asked in gateway.asked] == ["GET invoices", "GET LTC"]
    await api.check()


async def test_where_nobody_answers_nothing_is_said_about_the_key(api: ShkeeperApi, gateway: Gateway) -> None:
    gateway.answers(credentials_gateway(key=False))
    check = CredentialCheck(api)
    assert len(await check.ask()) == 1
    gateway.answers(says("<html>", 502))
    assert len(await check.ask()) == 1  # as it was known
    gateway.answers(credentials_gateway())
    assert await check.ask() == ()


async def test_readiness_names_a_wrong_key_and_never_waits_for_it(gateway: Gateway, api: ShkeeperApi) -> None:
    now = 100.0
    check = CredentialCheck(api, clock=lambda: now)
    invoices = ShkeeperInvoices(api, check)
    gateway.answers(credentials_gateway(key=False))
    await invoices.examine()  # nothing is known yet
    await until(lambda: check.faults())
    with pytest.raises(CredentialsRefusedError, match="key"):
        await invoices.examine()
    asked = len(gateway.requests)
    for _ in range(20):
        with pytest.raises(CredentialsRefusedError):
            await invoices.examine()
    assert len(gateway.requests) == asked
    gateway.answers(credentials_gateway())
    now += 3  # whoever has mended it looks at once
    await until(lambda: not check.faults())
    asked = len(gateway.requests)
    now += 3
    assert (check.faults(), len(gateway.requests)) == ((), asked)
    await invoices.examine()


async def test_readiness_knows_of_a_refused_look_up_at_once_and_of_an_accepted_one(
    gateway: Gateway, api: ShkeeperApi
) -> None:
    invoices = ShkeeperInvoices(api, CredentialCheck(api, clock=lambda: 100.0))
    gateway.answers(credentials_gateway())
    await invoices.examine()
    await until(lambda: gateway.requests)  # of its own accord, once a minute
    gateway.answers(credentials_gateway(key=False))
    with pytest.raises(CredentialsRefusedError):
        await invoices.look_up("pay_1")
    with pytest.raises(CredentialsRefusedError, match="key"):
        await invoices.examine()
    gateway.answers(credentials_gateway())
    assert await invoices.look_up("pay_1") == []
    await invoices.examine()


async def test_a_wrong_key_is_not_the_same_as_no_such_invoice(gateway: Gateway, api: ShkeeperApi) -> None:
    gateway.answers(credentials_gateway(key=False))
    with pytest.raises(CredentialsRefusedError):
        await ShkeeperInvoices(api).look_up("pay_1")


@pytest.mark.parametrize("wallet", ["0x86 or 0x87", "0x86,0x87", "0x86#1", "..%2f"])
async def test_what_is_no_address_of_the_coin_is_not_given_to_the_buyer(
    gateway: Gateway, api: ShkeeperApi, wallet: str
) -> None:
    gateway.answers(says({**OPENED, "wallet": wallet}))
    with pytest.raises(AnswerUnusableError, match="no address for ETH-USDT"):
        await ShkeeperInvoices(api).open_invoice(WANTED)
