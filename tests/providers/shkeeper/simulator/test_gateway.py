"""The local SHKeeper as a whole: when it tells what, what it offers, and what it loses."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from providers.shkeeper.simulator.books.outbox import Subject
from providers.shkeeper.simulator.gateway import Configuration, LocalGateway
from providers.shkeeper.simulator.terms.daemons import State

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ORDER = {"external_id": "order-1", "fiat": "USD", "amount": "100", "callback_url": "http://bridge.example/webhooks"}


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def gateway() -> LocalGateway:
    gateway = LocalGateway(Configuration("k"))
    assert gateway.due(NOW) == []
    return gateway


def opened(gateway: LocalGateway, coin: str = "ETH-USDT") -> str:
    address: str = gateway.invoices.request_payment(coin, ORDER, NOW)["wallet"]
    return address


def posted(gateway: LocalGateway, now: datetime, status: int | None = 202) -> list[dict[str, Any]]:
    """What is posted by now, and answered with a status."""
    bodies = []
    for notice in gateway.due(now):
        bodies.append(json.loads(gateway.body(notice)))
        gateway.outbox.answered(notice, status, now)
    return bodies


def test_a_notice_is_held_until_there_are_confirmations_enough_and_then_posted_by_the_loop(
    gateway: LocalGateway,
) -> None:
    gateway.terms.wallets["ETH-USDT"].confirmations = 12
    address = opened(gateway)
    txid = gateway.transfer(address, Decimal(60), after(1), confirmed=True, confirmations=1)
    assert posted(gateway, after(1)) == []
    assert gateway.invoices.look_up("order-1")[0]["status"] == "PARTIAL"
    assert posted(gateway, after(2)) == []
    # What has them tells of its neighbour too.
    other = gateway.transfer(address, Decimal(42), after(3), confirmed=True)
    [said] = posted(gateway, after(3))
    assert (said["status"], [part["trigger"] for part in said["transactions"]]) == ("PAID", [False, True])
    assert posted(gateway, after(121)) == []
    gateway.confirm(txid, after(122), 12, is_reported=False)
    assert posted(gateway, after(179)) == []
    [said] = posted(gateway, after(180))
    assert [part["txid"] for part in said["transactions"] if part["trigger"]] == [txid] != [other]
    assert posted(gateway, after(1000)) == []


def test_an_unconfirmed_transfer_is_not_told_of_any_more_once_a_block_holds_it(gateway: LocalGateway) -> None:
    txid = gateway.transfer(opened(gateway), None, NOW, confirmed=False)
    assert [said["status"] for said in posted(gateway, NOW, status=500)] == ["unconfirmed"]
    gateway.confirm(txid, after(1))
    assert [said["status"] for said in posted(gateway, after(1))] == ["PAID"]
    assert posted(gateway, after(1000)) == []
    assert [notice.subject for notice in gateway.outbox.notices] == [Subject.INVOICE]


def test_unconfirmed_transfers_are_told_of_again_in_the_next_round_and_others_when_they_are_a_minute_old(
    gateway: LocalGateway,
) -> None:
    address = opened(gateway)
    gateway.transfer(address, Decimal(1), after(50), confirmed=False)
    gateway.transfer(address, Decimal(2), after(50), confirmed=True)
    assert len(posted(gateway, after(50), status=500)) == 2
    assert [said["status"] for said in posted(gateway, after(60))] == ["unconfirmed"]
    assert posted(gateway, after(119)) == []
    assert [said["status"] for said in posted(gateway, after(120))] == ["PARTIAL"]


@pytest.mark.parametrize("counted", [1, 3, 8])
def test_of_transfers_that_come_at_once_all_are_listed_and_not_all_are_counted(
    gateway: LocalGateway, counted: int
) -> None:
    txids = gateway.transfer_at_once(opened(gateway), [Decimal(4)] * 8, NOW, counted=counted)
    [invoice] = gateway.invoices.look_up("order-1")
    assert [part["txid"] for part in invoice["txs"]] == txids
    assert invoice["balance_fiat"] == str(4 * counted)
    assert len(posted(gateway, NOW)) == 8


def test_what_is_offered_is_known_for_a_minute(gateway: LocalGateway) -> None:
    gateway.terms.disable_crypto_when_lags = True
    assert "BTC" in gateway.offered(NOW)[0]
    gateway.daemons.by_coin["BTC"].state = State.DOWN
    assert "BTC" in gateway.offered(after(60))[0]
    assert "BTC" not in gateway.offered(after(61))[0]
    gateway.terms.disable_crypto_when_lags = False
    assert "BTC" in gateway.offered(after(61))[0]
    gateway.terms.wallets["BTC"].enabled = False
    assert "BTC" not in gateway.offered(after(61))[0]


def test_one_daemon_that_hangs_keeps_everybody_waiting_once_a_minute(gateway: LocalGateway) -> None:
    gateway.daemons.by_coin["DOGE"].state = State.HANGS
    assert [gateway.offered(after(seconds))[1] for seconds in (0, 1, 60, 61)] == [10, 0, 0, 10]


def test_payouts_are_told_of_if_the_operator_wants_that(gateway: LocalGateway) -> None:
    content = {"amount": "5", "destination": "0xA", "fee": "0", "callback_url": "http://bridge.example/"}
    gateway.payouts.pay_out("XRP", content, NOW)
    posted(gateway, after(1))
    [said] = posted(gateway, after(3))
    assert (said["amount_fiat"], said["timestamp"]) == ("10.90000000000000000000", "2026-01-01T12:00:00")
    gateway.terms.payout_notices = False
    gateway.payouts.pay_out("XRP", content, after(10))
    posted(gateway, after(11))
    assert posted(gateway, after(100)) == []
    assert [payout.status for payout in gateway.payouts.payouts] == ["SUCCESS"] * 2
