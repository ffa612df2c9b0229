"""SHKeeper's API: what each answer means, when it is asked again, and when it is left alone."""

from decimal import Decimal

import pytest
from tenacity import wait_none

from coordinator.payments.agreed.invoices import InvoiceWanted
from coordinator.payments.observed.observations import Ending, InvoiceEnded, InvoiceSnapshot, Standing, TransferSeen
from providers.availability import UnansweredError
from providers.errors import ProviderRefusedError, ProviderUnavailableError
from providers.shkeeper.asking.api import ShkeeperApi
from providers.shkeeper.invoices.invoices import ShkeeperInvoices
from tests.providers.shkeeper.conftest import KEY
from tests.scripted_gateway import Gateway, Request, breaks_off, hangs_up, says
from tests.waiting import GIVE_UP_SECONDS

COINS = says({"status": "success", "crypto": ["BTC", "ETH-USDT"]})
WANTED = InvoiceWanted(
    provider="shkeeper",
    external_id="pay_1",
    callback_url="http://127.0.0.1:8000/webhooks/shkeeper",
    coin="ETH-USDT",
    amount=Decimal("18.25"),
    currency="USD",
)
ADDRESS = "0x8686868686868686868686868686868686868686"
OPENED = {
    "status": "success",
    "id": 61,
    "amount": "0.01080125",
    "exchange_rate": "3379.24",
    "wallet": ADDRESS,
    "display_name": "Ethereum",
    "recalculate_after": 0,
}


async def test_an_invoice_is_opened_with_what_is_wanted(gateway: Gateway, api: ShkeeperApi) -> None:
    gateway.answers(says(OPENED))
    opened = await ShkeeperInvoices(api).open_invoice(WANTED)
    assert (opened.address, opened.coin_amount) == (ADDRESS, Decimal("0.010802"))
    assert str(opened.payment_uri).endswith(f"/transfer?address={ADDRESS}&uint256=10802")
    request = gateway.requests[0]
    assert (request.method, request.path) == ("POST", "/api/v1/ETH-USDT/payment_request")
    assert request.headers["x-shkeeper-api-key"] == KEY
    assert request.content == {
        "external_id": "pay_1",
        "fiat": "USD",
        "amount": "18.25",
        "callback_url": "http://127.0.0.1:8000/webhooks/shkeeper",
    }


async def test_an_error_in_a_200_is_an_error_without_its_traceback(gateway: Gateway, api: ShkeeperApi) -> None:
    gateway.answers(says({"status": "error", "message": "no such thing", "traceback": "File secret.py"}))
    with pytest.raises(ProviderRefusedError) as caught:
        await ShkeeperInvoices(api).open_invoice(WANTED)
    assert "no such thing" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert len(gateway.requests) == 1


@pytest.mark.parametrize(
    "failure",
    [
        says({"status": "error", "message": "oops"}, 500),
        says("<html>", 502),
        says("{"),
        hangs_up,
        breaks_off,
        says([]),
    ],
)
async def test_what_may_pass_is_tried_again(gateway: Gateway, api: ShkeeperApi, failure: object) -> None:
    gateway.answers(failure, failure, says(OPENED))  # type: ignore[arg-type]
    assert (await ShkeeperInvoices(api).open_invoice(WANTED)).address == ADDRESS
    assert [request.path.rpartition("/")[2] for request in gateway.requests[:4]] == ["payment_request"] * 3 + [
        "quote"
    ]


async def test_the_circuit_opens_and_nobody_waits_any_more(gateway: Gateway) -> None:
    now = 100.0
    api = ShkeeperApi(
        url=gateway.url, api_keys=[KEY], timeout_seconds=GIVE_UP_SECONDS, pauses=wait_none(), clock=lambda: now
    )
    gateway.answers(says("down", 503))
    await api.check()
    for _ in range(2):
        with pytest.raises(ProviderUnavailableError):
            await ShkeeperInvoices(api).coins()
    asked = len(gateway.requests)
    assert asked == 6  # three tries and one, each time with the harmless question
    with pytest.raises(ProviderUnavailableError, match="503"):
        await api.check()
    with pytest.raises(ProviderUnavailableError):
        await ShkeeperInvoices(api).coins()
    assert len(gateway.requests) == asked
    now += 60
    gateway.answers(COINS)
    assert await ShkeeperInvoices(api).coins() == ("BTC", "ETH-USDT")
    await api.check()
    await api.aclose()


async def test_one_that_cannot_be_asked_about_closes_nothing(gateway: Gateway, api: ShkeeperApi) -> None:
    invoices = ShkeeperInvoices(api)
    nothing = says({"status": "success", "invoices": []})
    gateway.answers(
        lambda request: says("<html>", 500)(request) if request.path.endswith("/bad") else nothing(request)
    )
    for _ in range(10):
        with pytest.raises(UnansweredError, match="not JSON"):
            await invoices.look_up("bad")
        assert await invoices.look_up("good") == []
        await api.check()


async def test_one_for_which_nothing_can_be_opened_closes_no_coin(gateway: Gateway, api: ShkeeperApi) -> None:
    invoices = ShkeeperInvoices(api)
    bad = WANTED.model_copy(update={"external_id": "bad"})

    def answer(request: Request) -> bytes | None:
        if request.path.endswith("/balance"):
            return says({"amount_crypto": "1", "server_status": "Synced"})(request)
        is_bad = isinstance(request.content, dict) and request.content.get("external_id") == "bad"
        return hangs_up(request) if is_bad else says(OPENED)(request)

    gateway.answers(answer)
    for _ in range(10):
        with pytest.raises(UnansweredError):
            await invoices.open_invoice(bad)
        assert (await invoices.open_invoice(WANTED)).address == OPENED["wallet"]
    assert invoices.troubles() == {}


async def test_of_two_keys_the_one_that_works_is_used_from_then_on(gateway: Gateway) -> None:
    api = ShkeeperApi(url=gateway.url, api_keys=["old", "new"], timeout_seconds=GIVE_UP_SECONDS, pauses=wait_none())
    gateway.answers(
        lambda request: says(
            {"status": "success", "invoices": []}
            if request.headers["x-shkeeper-api-key"] == "new"
            else {"status": "error", "message": "Bad API key"}
        )(request)
    )
    for _ in range(2):
        assert await ShkeeperInvoices(api).look_up("pay_1") == []
    assert [request.headers["x-shkeeper-api-key"] for request in gateway.requests] == ["old", "new", "new"]
    await api.aclose()


async def test_a_wrong_key_is_named_without_being_told(gateway: Gateway, api: ShkeeperApi) -> None:
    gateway.answers(says({"status": "error", "message": "Bad API key"}))
    with pytest.raises(ProviderRefusedError, match="does not accept the key") as caught:
        await ShkeeperInvoices(api).look_up("pay_1")
    assert KEY not in str(caught.value)
    assert len(gateway.requests) == 1


async def test_what_is_offered_is_kept_for_a_while(gateway: Gateway, api: ShkeeperApi) -> None:
    now = 0.0
    invoices = ShkeeperInvoices(api, clock=lambda: now)
    gateway.answers(COINS)
    for _ in range(3):
        assert await invoices.coins() == ("BTC", "ETH-USDT")
    now += 31
    await invoices.coins()
    assert gateway.asked == ["GET crypto"] * 2


def looked_up(status: str, balance: str, *transactions: tuple[str, str]) -> dict[str, object]:
    return {
        "external_id": "pay_1",
        "fiat": "USD",
        "amount_fiat": "18.25",
        "balance_fiat": balance,
        "status": status,
        "txs": [
            {"txid": txid, "crypto": "ETH-USDT", "addr": ADDRESS, "amount": "9", "status": state}
            for txid, state in transactions
        ],
    }


@pytest.mark.parametrize(
    ("invoices", "expected"),
    [
        ([], []),
        ([looked_up("UNPAID", "0")], []),
        ([looked_up("UNPAID", "0", ("0x1", "UNCONFIRMED"))], [("seen", "0x1")]),
        ([looked_up("PARTIAL", "9", ("0x1", "CONFIRMED"))], [(Standing.PARTIAL, "9", ["0x1"])]),
        (
            [looked_up("OVERPAID", "20.25500000005", ("0x1", "CONFIRMED"), ("0x2", "CONFIRMED"))],
            # with ten decimals, as a webhook would say it
            [(Standing.OVERPAID, "20.255", ["0x1", "0x2"])],
        ),
        ([looked_up("CANCELLED", "0")], [Ending.CANCELLED]),
        ([looked_up("OUTGOING", "5", ("0x1", "CONFIRMED"))], []),
    ],
)
async def test_an_invoice_that_is_looked_up_says_what_its_webhooks_would(
    gateway: Gateway, api: ShkeeperApi, invoices: list[object], expected: list[object]
) -> None:
    gateway.answers(says({"status": "success", "invoices": invoices}))
    found: list[object] = []
    for observation in [
        one for invoice in await ShkeeperInvoices(api).look_up("pay_1") for one in invoice.observations
    ]:
        match observation:
            case TransferSeen(transfer=transfer):
                found.append(("seen", transfer.transfer_id))
            case InvoiceEnded(ending=ending):
                found.append(ending)
            case InvoiceSnapshot() as snapshot:
                hashes = [transfer.transfer_id for transfer in snapshot.transfers]
                found.append((snapshot.standing, str(snapshot.received), hashes))
    assert found == expected
