"""A service written in Python has money go back to buyers, by `bridge.client` alone."""

import asyncio
import itertools
from collections.abc import Iterator
from decimal import Decimal

import pytest

from bridge.client import (
    AsyncBridgeClient,
    BridgeClient,
    IdempotencyKeyReusedError,
    NotFoundError,
    RefundRefusedError,
    RequestedRefund,
    RequestRefusedError,
    SentRefund,
)
from coordinator.payouts.statuses import PayoutStatus
from coordinator.refunds.statuses import RefundStatus
from tests.made_destinations import destination
from tests.system.shkeeper.conftest import PATIENT_SERVICE, Marketplace
from tests.waiting import wait_until

NUMBERS = itertools.count()


@pytest.fixture
def client(marketplace: Marketplace) -> Iterator[BridgeClient]:
    with BridgeClient(marketplace.bridge.url, **PATIENT_SERVICE) as client:
        yield client


def sold(marketplace: Marketplace) -> str:
    return marketplace.paid(requestId=f"back-{next(NUMBERS)}")


def test_money_goes_back_once_to_where_the_buyer_says(client: BridgeClient, marketplace: Marketplace) -> None:
    payment_id = sold(marketplace)
    key = f"bent-{payment_id}"
    refund = client.open_refund(
        payment_id, amount=Decimal("10.50"), reason="it arrived bent", asked_by="ada", idempotency_key=key
    )
    assert (refund.status, refund.amount, refund.currency) == (RefundStatus.AWAITING_ADDRESS, Decimal("10.5"), "USD")
    assert (refund.opened_by, refund.of, refund.coin, refund.destination) == ("ada", "goods", "ETH-USDT", None)
    address = destination("ETH-USDT", refund.refund_id)
    checked = client.check_refund_destination(refund.refund_id, address)
    assert (checked.destination, checked.coin, checked.coin_amount) == (address, "ETH-USDT", Decimal("10.5"))
    for _ in range(2):
        assert client.give_refund_destination(refund.refund_id, address).destination == address
    now = wait_until(lambda: (one := client.get_refund(refund.refund_id)).status is PayoutStatus.COMPLETED and one)
    assert now
    assert now.payout_id is not None
    assert len(marketplace.sent(now.payout_id)) == 1
    assert client.list_refunds(payment_id) == [now]

    async def again() -> tuple[RequestedRefund, RequestedRefund, list[RequestedRefund]]:
        async with AsyncBridgeClient(marketplace.bridge.url, **PATIENT_SERVICE) as other:
            reason = "it arrived bent"
            opened = await other.open_refund(
                payment_id, amount="10.50", reason=reason, asked_by="ada", idempotency_key=key
            )
            return opened, await other.get_refund(refund.refund_id), await other.list_refunds(payment_id)

    assert asyncio.run(again()) == (now, now, [now])
    with pytest.raises(IdempotencyKeyReusedError):
        client.open_refund(payment_id, amount="10.50", reason="it arrived late", idempotency_key=key)


def test_one_that_nobody_gave_an_address_for_is_withdrawn_once_in_all_tries(
    client: BridgeClient, marketplace: Marketplace
) -> None:
    refund = client.open_refund(sold(marketplace), reason="it arrived bent")
    first = client.withdraw_refund(refund.refund_id, note="the buyer keeps it")
    assert (first.status, first.cancelled_by is None) == (RefundStatus.CANCELLED, False)
    assert client.withdraw_refund(refund.refund_id) == first  # as in a try whose answer was lost
    with pytest.raises(RefundRefusedError, match="withdrawn"):
        client.give_refund_destination(refund.refund_id, destination("ETH-USDT", refund.refund_id))
    with pytest.raises(RefundRefusedError, match="awaits no address"):
        client.check_refund_destination(refund.refund_id, destination("ETH-USDT", refund.refund_id))


def test_what_cannot_be_says_why(client: BridgeClient, marketplace: Marketplace) -> None:
    payment_id = sold(marketplace)
    with pytest.raises(RefundRefusedError, match="can go back, and this is 1000"):
        client.open_refund(payment_id, amount="1000", reason="all of it, and more")
    with pytest.raises(RefundRefusedError, match="Nothing of the excess"):
        client.open_refund(payment_id, of="excess", reason="it was too much")
    with pytest.raises(RequestRefusedError) as caught:
        client.open_refund(payment_id, amount="10", reason="bent", seller_id="somebody else")
    assert [fault.field for fault in caught.value.faults] == ["sellerId"]
    with pytest.raises(RequestRefusedError, match="amount"):
        client.open_refund(payment_id, amount=0.1, reason="a float")  # type: ignore[arg-type]
    refund = client.open_refund(payment_id, amount="10", reason="it arrived bent")
    for ask in (client.check_refund_destination, client.give_refund_destination):
        with pytest.raises(RequestRefusedError) as caught:
            ask(refund.refund_id, "0x12")
        assert [fault.field for fault in caught.value.faults] == ["destination"]
    client.give_refund_destination(refund.refund_id, destination("ETH-USDT", refund.refund_id))
    with pytest.raises(RefundRefusedError, match="was given for this refund already"):
        client.give_refund_destination(refund.refund_id, destination("ETH-USDT", "another"))
    with pytest.raises(RefundRefusedError, match="cannot be withdrawn"):
        client.withdraw_refund(refund.refund_id)
    for look in (client.get_refund, client.list_refunds, client.withdraw_refund):
        with pytest.raises(NotFoundError, match="There is no"):
            look("back_of-nothing")
    with pytest.raises(NotFoundError):
        client.open_refund("pay_of-nothing", reason="nothing was sold")


def test_what_was_sent_back_without_the_bridge_is_written_down(
    client: BridgeClient, marketplace: Marketplace
) -> None:
    """Over Lightning nothing goes back, and no chain shows what did."""
    payment_id = marketplace.paid(requestId=f"back-{next(NUMBERS)}", coin="BTC-LIGHTNING")
    with pytest.raises(RequestRefusedError):
        client.open_refund(payment_id, reason="it arrived bent", amount="40")
    to = destination("BTC-LIGHTNING", payment_id)
    sent = SentRefund(tx_hash="ab" * 32, destination=to, coin_amount="0.0007")
    for _ in range(2):
        refund = client.open_refund(
            payment_id, reason="it arrived bent", amount="40", asked_by="ada", sent=sent, idempotency_key=payment_id
        )
    assert (refund.status, refund.tx_hash, refund.coin) == (PayoutStatus.COMPLETED, "ab" * 32, "BTC-LIGHTNING")
    assert (refund.destination, refund.opened_by) == (sent.destination, "ada")
    assert len(client.list_refunds(payment_id)) == 1
    assert marketplace.payment(payment_id)["escrow"]["refunded"] == "40"
    assert to not in [one.destination for one in marketplace.shkeeper.gateway.payouts.sent]
    with pytest.raises(RequestRefusedError) as caught:
        client.open_refund(payment_id, reason="no amount", sent=SentRefund(tx_hash="cd" * 32, destination=to))
    assert [fault.field for fault in caught.value.faults] == ["sent.coinAmount"]
