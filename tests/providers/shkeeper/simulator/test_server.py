"""The local SHKeeper over HTTP: asked by the bridge's own client and by hand, well-behaved and not."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from aiohttp import web
from tenacity import wait_none

from coordinator.payments.agreed.invoices import InvoiceWanted
from coordinator.payments.observed.observations import InvoiceSnapshot
from providers.errors import ProviderRefusedError, ProviderUnavailableError, WebhookRefusedError
from providers.shkeeper.asking.api import ShkeeperApi
from providers.shkeeper.invoices.invoices import ShkeeperInvoices
from providers.shkeeper.simulator.faults import Call, Fault, Happens, What
from providers.shkeeper.simulator.gateway import Configuration, LocalGateway
from providers.shkeeper.simulator.server import serving
from providers.shkeeper.webhooks.webhooks import ShkeeperWebhooks
from tests.held_answers import NEVER_SECONDS, let_time_pass_while_answers_are_held
from tests.waiting import GIVE_UP_SECONDS, until

KEY = "wallet-key"
OPERATOR = ("admin", "the-password")
ORDER = {"external_id": "order-1", "fiat": "USD", "amount": "100"}


class Bridge:
    """Takes notices, reads them as the bridge does, and answers with the statuses of its script, then 202."""

    def __init__(self) -> None:
        self.url = ""
        self.statuses: list[int] = []
        self.heard: list[Any] = []

    async def take(self, request: web.Request) -> web.Response:
        status = self.statuses.pop(0) if self.statuses else 202
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            said: Any = ShkeeperWebhooks(api_keys=[KEY]).read(headers, await request.read(), datetime.now(UTC))
        except WebhookRefusedError as error:
            said, status = error.reason, 401
        self.heard.append(said)
        return web.Response(status=status)


@pytest.fixture
async def bridge() -> AsyncIterator[Bridge]:
    bridge = Bridge()
    application = web.Application()
    application.router.add_post("/webhooks/shkeeper", bridge.take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    bridge.url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks/shkeeper"
    yield bridge
    await runner.cleanup()


@pytest.fixture
def local() -> LocalGateway:
    return LocalGateway(
        Configuration(KEY, password=OPERATOR[1], task_seconds=0.1, confirm_seconds=0.1, minute_seconds=0.2)
    )


@pytest.fixture
async def url(local: LocalGateway) -> AsyncIterator[str]:
    async with serving(local) as url:
        yield url


@pytest.fixture
async def client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"X-Shkeeper-Api-Key": KEY}
    async with httpx.AsyncClient(
        verify=False, base_url=url, headers=headers, trust_env=False, timeout=GIVE_UP_SECONDS
    ) as client:
        yield client


@pytest.fixture
async def api(url: str) -> AsyncIterator[ShkeeperApi]:
    api = ShkeeperApi(url=url, api_keys=[KEY], timeout_seconds=GIVE_UP_SECONDS, pauses=wait_none())
    yield api
    await api.aclose()


async def opened(client: httpx.AsyncClient, bridge: Bridge, coin: str = "ETH-USDT") -> dict[str, Any]:
    answer = await client.post(f"/api/v1/{coin}/payment_request", json=ORDER | {"callback_url": bridge.url})
    content: dict[str, Any] = answer.json()
    return content


async def test_the_bridges_own_client_finds_what_it_needs(
    api: ShkeeperApi, local: LocalGateway, bridge: Bridge
) -> None:
    invoices = ShkeeperInvoices(api)
    assert "ETH-USDT" in await invoices.coins()
    wanted = InvoiceWanted(
        provider="shkeeper",
        external_id="order-1",
        callback_url=bridge.url,
        coin="BTC",
        amount=Decimal(100),
        currency="USD",
    )
    invoice = await invoices.open_invoice(wanted)
    assert invoice.coin_amount == Decimal("0.0017")
    [unpaid] = await invoices.look_up("order-1")
    assert unpaid.agreed == 100
    assert not unpaid.observations
    assert invoice.address is not None
    local.transfer(invoice.address, None, datetime.now(UTC), confirmed=True)
    [paid] = await invoices.look_up("order-1")
    [snapshot] = paid.observations
    assert isinstance(snapshot, InvoiceSnapshot)
    assert snapshot.received == 102
    assert set(paid.places.values()) == {invoice.address}
    assert snapshot.proven == frozenset()


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("POST", "/api/v1/BTC/quote", {"fiat": "USD", "amount": "100"}),
        ("GET", "/api/v1/transactions/BTC/nowhere", None),
        ("GET", "/api/v1/tx-info/0x1/order-1", None),
    ],
)
async def test_what_the_bridge_does_not_ask_for_is_answered_too(
    client: httpx.AsyncClient, method: str, path: str, content: Any
) -> None:
    answer = await client.request(method, path, json=content)
    assert answer.status_code == 200
    assert answer.json().get("status", "success") == "success"
    assert (await client.request(method, path, json=content, headers={"X-Shkeeper-Api-Key": "x"})).json() == {
        "status": "error",
        "message": "Bad API key",
    }


async def test_balances_are_a_bare_list(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/crypto/balances?includes=BTC,ETH")
    assert [balance["name"] for balance in answer.json()] == ["BTC", "ETH"]


async def test_the_operator_is_asked_for_a_password(client: httpx.AsyncClient) -> None:
    with_key = await client.get("/api/v1/BTC/task/x")
    assert (with_key.status_code, with_key.json()["status"]) == (200, "error")
    del client.headers["X-Shkeeper-Api-Key"]
    missing = await client.get("/api/v1/BTC/task/x")
    assert (missing.status_code, missing.headers["location"]) == (302, "/login")
    wrong = await client.get("/api/v1/BTC/task/x", auth=("admin", "wrong"))
    assert (wrong.status_code, wrong.json()["message"]) == (200, "Bad HTTP Basic Auth credentials")
    right = await client.get("/api/v1/BTC/task/x", auth=OPERATOR)
    assert right.json() == {"status": "PENDING", "result": None}


async def test_errors_are_200_but_for_payouts(client: httpx.AsyncClient) -> None:
    invoice = await client.post("/api/v1/BTC/payment_request", json={})
    assert (invoice.status_code, invoice.json()["status"]) == (200, "error")
    payout = await client.post("/api/v1/BTC/payout", json={}, auth=OPERATOR)
    assert (payout.status_code, payout.json()["status"]) == (500, "error")
    unknown = await client.get("/api/v1/BTC/payout/status?external_id=x")
    assert (unknown.status_code, unknown.json()) == (404, {"error": "Payout not found"})
    assert (await client.get("/api/v1/BTC/payout/status")).status_code == 400


async def test_a_notice_is_posted_again_until_it_is_taken(
    client: httpx.AsyncClient, bridge: Bridge, local: LocalGateway
) -> None:
    bridge.statuses = [500, 200]
    address = (await opened(client, bridge))["wallet"]
    assert (await client.post("/simulator/transfers", json={"address": address})).status_code == 200
    await until(lambda: local.outbox.notices[0].is_accepted)
    assert len(bridge.heard) == 3
    assert len({reading.key for reading in bridge.heard}) == 1


async def test_a_payout_is_told_once_it_has_arrived(
    client: httpx.AsyncClient, bridge: Bridge, local: LocalGateway
) -> None:
    content = {"amount": "5", "destination": "0xA", "fee": "0", "external_id": "p1", "callback_url": bridge.url}
    answer = await client.post("/api/v1/ETH-USDT/payout", json=content, auth=OPERATOR)
    await until(lambda: bridge.heard)
    assert bridge.heard[0].external_id == "p1"
    task = await client.get(f"/api/v1/ETH-USDT/task/{answer.json()['task_id']}", auth=OPERATOR)
    assert task.json()["result"][0]["txids"] == [local.payouts.sent[0].txid]


@pytest.mark.parametrize(
    ("what", "heard"),
    [
        (What.DUPLICATE, 2),
        (What.LOST, 1),
        (What.WRONG_KEY, 2),
        (What.SLOW, 1),
        (What.REORDERED, 1),
        (What.NOT_NOTED, 2),
    ],
)
async def test_a_notice_goes_wrong_as_it_is_told_to(
    client: httpx.AsyncClient, bridge: Bridge, local: LocalGateway, what: What, heard: int
) -> None:
    address = (await opened(client, bridge))["wallet"]
    local.faults.add(Fault(call=Call.NOTICE, what=what, seconds=0.05))
    await client.post("/simulator/transfers", json={"address": address, "amount": "40"})
    if what is What.REORDERED:  # until another overtakes it
        await until(lambda: not local.faults.waiting)
        await client.post("/simulator/transfers", json={"address": address, "amount": "60"})
        heard = 2
    await until(lambda: all(notice.is_accepted for notice in local.outbox.notices))
    assert len(bridge.heard) == heard
    assert ("bad-signature" in bridge.heard) == (what is What.WRONG_KEY)
    if what is What.REORDERED:
        held, overtaking = local.outbox.notices
        assert [reading.observation.caused_by for reading in bridge.heard] == [overtaking.txid, held.txid]


@pytest.mark.parametrize(
    ("what", "error"),
    [
        (What.ERROR_500, ProviderUnavailableError),
        (What.ERROR_200, ProviderUnavailableError),
        (What.GARBAGE, ProviderUnavailableError),
        (What.RESET, ProviderUnavailableError),
        (What.TIMEOUT, ProviderUnavailableError),
        (What.WRONG_KEY, ProviderRefusedError),
    ],
)
@pytest.mark.parametrize("happens", Happens)
async def test_an_answer_goes_wrong_before_or_after_it_has_acted(
    api: ShkeeperApi,
    local: LocalGateway,
    bridge: Bridge,
    what: What,
    happens: Happens,
    error: type[Exception],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    let_time_pass_while_answers_are_held(monkeypatch)
    local.faults.add(Fault(call=Call.PAYMENT_REQUEST, what=what, happens=happens, times=None, seconds=NEVER_SECONDS))
    wanted = InvoiceWanted(
        provider="shkeeper",
        external_id="o",
        callback_url=bridge.url,
        coin="BTC",
        amount=Decimal(1),
        currency="USD",
    )
    with pytest.raises(error):
        await ShkeeperInvoices(api).open_invoice(wanted)
    assert len(local.invoices.invoices) == (happens is Happens.AFTER)
    local.faults.clear()
    await ShkeeperInvoices(api).open_invoice(wanted)
    assert len(local.invoices.invoices) == 1


async def test_everything_can_be_looked_at_and_played(
    client: httpx.AsyncClient, bridge: Bridge, local: LocalGateway
) -> None:
    address = (await opened(client, bridge))["wallet"]
    seen = (await client.post("/simulator/transfers", json={"address": address, "confirmed": False})).json()
    assert seen["invoice"]["status"] == "UNPAID"
    confirmed = await client.post(f"/simulator/transfers/{seen['txid']}/confirm")
    assert confirmed.json()["invoice"]["status"] == "PAID"
    assert (await client.post(f"/simulator/transfers/{seen['txid']}/confirm")).status_code == 404
    await client.post("/simulator/outcomes", json={"destination": "0xA", "outcome": "fails"})
    content = {"amount": "5", "destination": "0xa", "fee": "0"}
    await client.post("/api/v1/ETH-USDT/payout", json=content, auth=OPERATOR)
    await until(lambda: local.payouts.payouts[0].status == "FAIL")
    await client.post("/simulator/faults", json={"call": "any", "what": "slow", "seconds": 0.01, "times": 1})
    looked = (await client.get("/simulator")).json()
    assert [asked["call"] for asked in looked["asked"]] == ["payment_request", "payout"]
    assert looked["invoices"][0]["addresses"] == {"ETH-USDT": address}
    assert (looked["payouts"][0]["status"], looked["sent"]) == ("FAIL", [])
    assert looked["faults"][0]["what"] == "slow"
    assert KEY not in str(looked)
    assert OPERATOR[1] not in str(looked)
    assert (await client.get("/api/v1/crypto")).json()["status"] == "success"  # late
    await client.delete("/simulator/faults")
    assert (await client.get("/simulator")).json()["faults"] == []


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("/simulator/transfers", {"address": "0xnobody"}, 404),
        ("/simulator/transfers", {"adress": "0x"}, 400),
        ("/simulator/faults", {"call": "nothing", "what": "slow"}, 400),
        ("/simulator/outcomes", {"destination": "0x", "outcome": "explodes"}, 400),
    ],
)
async def test_what_cannot_be_played_is_said(
    client: httpx.AsyncClient, path: str, content: dict[str, str], status: int
) -> None:
    answer = await client.post(path, json=content)
    assert answer.status_code == status
    assert answer.text


async def test_a_fault_may_be_about_one_payout_and_have_words_of_its_own(
    client: httpx.AsyncClient, local: LocalGateway
) -> None:
    del client.headers["X-Shkeeper-Api-Key"]
    fault = {"call": "payout", "what": "error-500", "about": "0xB", "words": "'fee'", "times": None}
    assert (await client.post("/simulator/faults", json=fault)).status_code == 200

    async def pay(destination: str) -> httpx.Response:
        content = {"amount": "5", "destination": destination, "fee": "0", "external_id": destination}
        return await client.post("/api/v1/LTC/payout", json=content, auth=OPERATOR)

    assert "task_id" in (await pay("0xA")).json()
    assert (await pay("0xb")).json()["message"] == "'fee'"
    many = [{"dest": "0xB", "amount": "5", "external_id": "p3"}]
    assert "task_id" in (await client.post("/api/v1/LTC/multipayout", json=many, auth=OPERATOR)).json()


@pytest.mark.parametrize("happens", Happens)
async def test_an_answer_may_break_off(client: httpx.AsyncClient, local: LocalGateway, happens: Happens) -> None:
    local.faults.add(Fault(call=Call.PAYOUT, what=What.BREAKS_OFF, happens=happens))
    content = {"amount": "5", "destination": "0xA", "fee": "0", "external_id": "p1"}
    with pytest.raises(httpx.RemoteProtocolError, match="peer closed connection"):
        await client.post("/api/v1/LTC/payout", json=content, auth=OPERATOR)
    assert bool(local.payouts.payouts) is (happens is Happens.AFTER)


async def test_several_can_be_sent_and_never_written_down(client: httpx.AsyncClient, local: LocalGateway) -> None:
    local.faults.add(Fault(call=Call.MULTIPAYOUT, what=What.NOT_WRITTEN_DOWN))
    many = [{"dest": f"0x{number}", "amount": "5", "external_id": f"p{number}"} for number in range(3)]
    with pytest.raises(httpx.HTTPError):
        await client.post("/api/v1/LTC/multipayout", json=many, auth=OPERATOR)
    await until(lambda: len(local.payouts.sent) == 3)
    assert local.payouts.payouts == []
