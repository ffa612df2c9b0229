"""`/simulator`: everything that can be played and set there, and what cannot."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from providers.shkeeper.simulator.faults import Call, Fault, What
from providers.shkeeper.simulator.gateway import Configuration, LocalGateway
from providers.shkeeper.simulator.server import serving
from providers.shkeeper.simulator.terms.daemons import State
from providers.shkeeper.simulator.terms.terms import FeePolicy, Fees, Wallet
from tests.waiting import GIVE_UP_SECONDS

KEY = "wallet-key"
ORDER = {"external_id": "order-1", "fiat": "USD", "amount": "100", "callback_url": "http://127.0.0.1:9/webhooks"}


@pytest.fixture
def local() -> LocalGateway:
    return LocalGateway(Configuration(KEY, task_seconds=0, confirm_seconds=0, read_timeout_seconds=0.1))


@pytest.fixture
async def client(local: LocalGateway) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"X-Shkeeper-Api-Key": KEY}
    async with (
        serving(local) as url,
        httpx.AsyncClient(
            verify=False, base_url=url, headers=headers, trust_env=False, timeout=GIVE_UP_SECONDS
        ) as client,
    ):
        yield client


async def opened(client: httpx.AsyncClient, coin: str = "ETH-USDT") -> dict[str, Any]:
    answer: dict[str, Any] = (await client.post(f"/api/v1/{coin}/payment_request", json=ORDER)).json()
    return answer


async def play(client: httpx.AsyncClient, what: str, content: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(f"/simulator/{what}", json=content)
    assert answer.status_code == 200, answer.text
    played: dict[str, Any] = answer.json()
    return played


async def test_confirmations_grow_one_by_one(client: httpx.AsyncClient, local: LocalGateway) -> None:
    await play(client, "wallets/ETH-USDT", {"confirmations": 3})
    address = (await opened(client))["wallet"]
    played = await play(client, "transfers", {"address": address, "confirmations": 0, "txid": "0x1"})
    assert (played["txid"], played["invoice"]["status"]) == ("0x1", "UNPAID")
    silently = await play(client, "transfers/0x1/confirmations", {"confirmations": 1, "reported": False})
    assert silently["invoice"]["status"] == "UNPAID"
    told = await play(client, "transfers/0x1/confirmations", {"confirmations": 1})
    assert told["invoice"]["status"] == "PAID"
    assert local.invoices.transactions["0x1"].confirmations == 1
    await play(client, "transfers/0x1/confirm", {})
    assert (await client.get("/simulator")).json()["transactions"] == {"0x1": 3}


async def test_one_transaction_pays_several_times_and_several_come_at_once(client: httpx.AsyncClient) -> None:
    address = (await opened(client))["wallet"]
    output = {"address": address, "amount": "20"}
    played = await play(client, "transactions", {"outputs": [output, output]})
    assert played["invoice"]["balance_fiat"] == "20"
    played = await play(client, "transfers-at-once", {"address": address, "amounts": ["10"] * 4, "counted": 2})
    assert (len(played["txids"]), played["invoice"]["balance_fiat"]) == (4, "40")
    assert len(played["invoice"]["txs"]) == 5


async def test_rates_fees_and_terms_are_the_operators(client: httpx.AsyncClient) -> None:
    await play(client, "rates", {"coin": "ETH-USDT", "fiat": "GBP", "rate": "0.8"})
    await play(client, "rates", {"coin": "ETH-USDT", "rate": "0.5"})
    await play(client, "fees", {"coin": "ETH-USDT", "policy": "FIXED_FEE", "fixed": "5"})
    await play(client, "wallets/ETH-USDT", {"recalculate_after": 2, "lower_limit": "50"})
    found = await opened(client)
    assert (found["amount"], found["exchange_rate"], found["recalculate_after"]) == ("210", "0.5", 2)
    await play(client, "rates", {"coin": "ETH-USDT", "rate": "0.25"})
    await play(client, "invoices/order-1/age", {"hours": 3})
    played = await play(client, "transfers", {"address": found["wallet"], "amount": "200"})
    assert (played["invoice"]["balance_fiat"], played["invoice"]["status"]) == ("50", "PAID")
    shown = (await client.get("/simulator")).json()
    assert shown["rates"][1] == {"coin": "ETH-USDT", "fiat": "USD", "rate": "0.25"}
    assert shown["fees"][0]["policy"] == "FIXED_FEE"
    assert shown["wallets"]["ETH-USDT"]["lower_limit"] == "50"


async def test_daemons_go_down_hang_and_lag(client: httpx.AsyncClient, local: LocalGateway) -> None:
    await play(client, "daemons/ETH-USDT", {"state": "down", "balance": "7", "payout_confirmations": 1})
    assert (await opened(client))["message"].startswith("('Connection aborted.'")
    assert (await opened(client, "BTC"))["wallet"]
    await play(client, "daemons/ETH-USDT", {"state": "hangs"})
    assert "Read timed out" in (await opened(client))["message"]
    await play(client, "daemons/ETH-USDT", {"state": "well", "blocks_behind": 5})
    balance = (await client.get("/api/v1/ETH-USDT/balance")).json()
    assert (balance["amount_crypto"], balance["server_status"]) == ("7", "Sync In Progress (5 blocks behind)")
    await play(client, "gateway", {"disable_crypto_when_lags": True, "poll_seconds": 60})
    assert "ETH-USDT" not in (await client.get("/api/v1/crypto")).json()["crypto"]
    assert (local.payouts.poll_seconds, local.terms.payout_notices) == (60, True)
    await play(client, "wallets/BTC", {"enabled": False})
    assert (await opened(client, "BTC"))["status"] == "error"
    assert local.daemons.by_coin["ETH-USDT"].state is State.WELL


async def test_outcomes_have_words(client: httpx.AsyncClient, local: LocalGateway) -> None:
    await play(client, "outcomes", {"destination": "0xA", "outcome": "declined", "message": "not today"})
    content = {"amount": "5", "destination": "0xa", "fee": "0"}
    answer = await client.post("/api/v1/ETH-USDT/payout", json=content, auth=("admin", "admin"))
    assert answer.json() == {"status": "error", "msg": "not today"}
    await play(client, "outcomes", {"destination": "0xA", "outcome": "fails"})
    assert local.payouts.messages == {}


@pytest.mark.parametrize(
    ("what", "status", "text"),
    [
        (What.ERROR_200, 200, '"message": "(sqlite3'),
        (What.ERROR_MSG, 200, '"msg": "database'),
        (What.ERROR_NESTED, 200, '"error": {"code": -1, "message"'),
        (What.ERROR_CODE, 500, '"code": 500'),
        (What.ERROR_500, 500, '"traceback"'),
        (What.HTML_500, 500, "<h1>Internal"),
        (What.GARBAGE, 502, "<html>"),
        (What.EMPTY, 200, ""),
        (What.LOGIN, 302, "/login"),
    ],
)
async def test_errors_have_every_shape_that_there_is(
    client: httpx.AsyncClient, local: LocalGateway, what: What, status: int, text: str
) -> None:
    local.faults.add(Fault(call=Call.CRYPTO, what=what))
    answer = await client.get("/api/v1/crypto")
    assert answer.status_code == status
    assert text in answer.text
    assert (await client.get("/api/v1/crypto")).status_code == 200


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("wallets/NOPE", {}, 404),
        ("daemons/NOPE", {}, 404),
        ("rates", {"coin": "NOPE", "rate": "1"}, 404),
        ("fees", {"coin": "NOPE"}, 404),
        ("fees", {"coin": "BTC", "policy": "SOME_FEE"}, 400),
        ("rates", {"coin": "BTC", "rate": "0"}, 400),
        ("wallets/BTC", {"confirmations": -1}, 400),
        ("daemons/BTC", {"state": "sad"}, 400),
        ("transactions", {"outputs": []}, 400),
        ("transactions", {"outputs": [{"address": "0xnobody", "amount": "1"}]}, 404),
        ("transfers-at-once", {"address": "0xnobody", "amounts": ["1"]}, 404),
        ("transfers/0xnone/confirmations", {"confirmations": 1}, 404),
        ("invoices/order-9/age", {"hours": 1}, 404),
        ("gateway", {"api_key": "mine"}, 400),
    ],
)
async def test_what_cannot_be_played_is_said(
    client: httpx.AsyncClient, path: str, content: dict[str, Any], status: int
) -> None:
    answer = await client.post(f"/simulator/{path}", json=content)
    assert answer.status_code == status, answer.text
    assert answer.text


def test_a_fresh_one_is_set_up_as_a_fresh_shkeeper(local: LocalGateway) -> None:
    wallet, fees = local.terms.wallets["BTC"], local.terms.fees_of("BTC", "USD")
    assert wallet == Wallet(True, 1, 0, Decimal(95), Decimal(105))
    assert fees == Fees(FeePolicy.PERCENT_FEE, Decimal(2), Decimal(0))
    assert {daemon.state for daemon in local.daemons.by_coin.values()} == {State.WELL}
