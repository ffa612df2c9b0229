"""SHKeeper's invoices when a coin is in trouble: what cannot be used, what is refused, and who waits for whom."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from providers.errors import (
    AnswerUnusableError,
    CoinUnavailableError,
    CredentialsRefusedError,
    ProviderRefusedError,
    ProviderUnavailableError,
)
from providers.shkeeper.asking.api import ShkeeperApi
from providers.shkeeper.asking.circuits import COIN
from providers.shkeeper.asking.credentials import CredentialCheck
from providers.shkeeper.destinations import family_of
from providers.shkeeper.invoices.invoices import ShkeeperInvoices
from providers.shkeeper.simulator.books.addresses import new_bolt11
from tests.clock import pass_seconds
from tests.made_destinations import (
    DESTINATIONS,
    destination,
    hashed,
    lengthened,
    lightning,
    ton,
    witness,
    x_address,
    xrp,
)
from tests.providers.shkeeper.asking.test_api import ADDRESS, COINS, OPENED, WANTED
from tests.providers.shkeeper.conftest import KEY
from tests.scripted_gateway import Gateway, Request, says
from tests.waiting import GIVE_UP_SECONDS, until

BOLT11 = new_bolt11(Decimal(str(OPENED["amount"])), datetime.now(UTC))
LIGHTNING = WANTED.model_copy(update={"coin": "BTC-LIGHTNING"})
NO_RATE = {
    "status": "error",
    "message": "Exchange rate src config for USD-ETH-USDT is not found",
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


@pytest.mark.parametrize(("currency", "usual"), [("USD", 1), ("EUR", None)])
async def test_a_stablecoin_is_usually_worth_what_it_stands_for(
    gateway: Gateway, api: ShkeeperApi, currency: str, usual: int | None
) -> None:
    gateway.answers(says(OPENED))
    wanted = WANTED.model_copy(update={"currency": currency})
    assert (await ShkeeperInvoices(api).open_invoice(wanted)).usual_rate == usual


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
    with pytest.raises(ProviderRefusedError, match="Exchange rate src config for USD-ETH-USDT") as caught:
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
    assert (await ShkeeperInvoices(api).open_invoice(WANTED)).address == ADDRESS
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
    assert (await invoices.open_invoice(WANTED)).address == ADDRESS
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


SEED = lengthened(b"buyer")


@pytest.mark.parametrize("coin", sorted(DESTINATIONS.keys() - {"BTC-LIGHTNING"}))
async def test_an_address_of_the_coin_is_taken_and_none_of_another_family(
    gateway: Gateway, api: ShkeeperApi, coin: str
) -> None:
    wanted, own = WANTED.model_copy(update={"coin": coin}), destination(coin, "buyer")
    gateway.answers(says({**OPENED, "wallet": own}))
    assert (await ShkeeperInvoices(api).open_invoice(wanted)).address == own
    for other in ("BTC", "LTC", "DOGE", "ETH", "TRX", "XRP", "SOL", "TON", "XMR"):
        if family_of(other) is not family_of(coin):
            gateway.answers(says({**OPENED, "wallet": destination(other, "buyer")}))
            with pytest.raises(AnswerUnusableError, match=f"no address for {coin}: expected "):
                await ShkeeperInvoices(api).open_invoice(wanted)


@pytest.mark.parametrize(
    ("coin", "wallet"),
    [
        ("BTC", witness("bc", SEED).upper()),
        ("BTC", f"bitcoin:{witness('bc', SEED)}?amount=1"),
        ("BTC", witness("bc", SEED, version=1, size=32)),
        ("LTC", hashed(b"\x05", SEED)),  # as older wallets write one
        ("ETH-USDT", "0X" + "ab" * 20),
        ("ETH-USDT", "0x" + "AB" * 20),
        ("XRP", x_address(SEED, 12)),
        ("XRP", f"{xrp(SEED)}?dt=0"),
        ("TON", ton(SEED, flags=0x11)),
        ("TON", f"0:{SEED[:32].hex()}"),
        ("USDT", f"41{SEED[:20].hex()}"),
        ("BTC-LIGHTNING", BOLT11.upper()),
        ("BTC-LIGHTNING", lightning(SEED)),  # of whatever amount the buyer sends
        ("NEW-COIN", "newcoin1qq-qq_qq:qq"),
    ],
)
async def test_a_place_to_pay_may_be_written_in_all_ways_of_its_coins_wallets(
    gateway: Gateway, api: ShkeeperApi, coin: str, wallet: str
) -> None:
    gateway.answers(says({**OPENED, "wallet": wallet}))
    assert (await ShkeeperInvoices(api).open_invoice(WANTED.model_copy(update={"coin": coin}))).address


async def test_on_a_test_network_its_own_addresses_are_taken_and_no_others(
    gateway: Gateway, api: ShkeeperApi
) -> None:
    bitcoin = WANTED.model_copy(update={"coin": "BTC"})
    own, main = (says({**OPENED, "wallet": witness(prefix, SEED)}) for prefix in ("tb", "bc"))
    for answer, test_networks in ((own, True), (main, False)):
        gateway.answers(answer)
        await ShkeeperInvoices(api, test_networks=test_networks).open_invoice(bitcoin)
        with pytest.raises(AnswerUnusableError, match="network"):
            await ShkeeperInvoices(api, test_networks=not test_networks).open_invoice(bitcoin)


async def test_the_address_beside_a_lightning_invoice_is_left_out_where_nobody_can_pay_to_it(
    gateway: Gateway, api: ShkeeperApi
) -> None:
    on_chain = witness("bc", SEED)
    for address, expected in ((on_chain, (on_chain,)), (on_chain[:-1] + "q", ()), (witness("tb", SEED), ())):
        bip21 = f"bitcoin:{address.upper()}?amount=0.01080125&lightning={BOLT11.upper()}"
        gateway.answers(says({**OPENED, "wallet": BOLT11, "bip21": bip21}))
        assert (await ShkeeperInvoices(api).open_invoice(LIGHTNING)).also_at == expected


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"external_id": "pay_2"}, "asked about pay_1, and its answer is about pay_2"),
        ({"crypto": "LTC"}, "LTC"),
        ({"fiat": "EUR"}, "EUR"),
        ({"amount": "0.0054"}, "worth less than the 18.25 that it was asked for"),
        ({"exchange_rate": "1689"}, "worth less than the 18.25 that it was asked for"),
    ],
)
async def test_an_invoice_for_something_else_or_for_less_than_is_wanted_is_none(
    gateway: Gateway, api: ShkeeperApi, said: dict[str, object], why: str
) -> None:
    gateway.answers(says({**OPENED, **said}))
    with pytest.raises(AnswerUnusableError, match=why):
        await ShkeeperInvoices(api).open_invoice(WANTED)
    assert len(gateway.requests) == 1
