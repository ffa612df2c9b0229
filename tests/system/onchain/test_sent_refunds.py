"""What came over a chain to the marketplace's own wallet goes back from there: the bridge is told of it, and looks at
the chain."""

from typing import Any

from tests.system.onchain.conftest import CONFIRMATIONS, Document, Market, address
from tests.waiting import wait_until


def paid(market: Market, name: str) -> Document:
    payment = market.create(name)
    market.pay("usdt", address(name), 100)
    market.mine()
    market.settle(payment)
    return payment


def told_of(market: Market, payment: Document, status: int = 201, *, amount: str = "40", **sent: Any) -> Document:
    name = payment["requestId"]
    body = {"paymentId": payment["paymentId"], "amount": amount, "reason": "it arrived bent"}
    return market.post("/api/refunds", body | {"sent": {"destination": address(f"buyer {name}"), **sent}}, status)


def refund_is(market: Market, refund: Document, status: str) -> Document:
    def found() -> Document | None:
        now = market.get(f"/api/refunds/{refund['refundId']}")
        return now if now["status"] == status else None

    return wait_until(found) or {}


def test_the_bridge_cannot_send_it_back_and_says_what_to_do(market: Market) -> None:
    payment = paid(market, "by-hand")
    body = {"paymentId": payment["paymentId"], "reason": "it arrived bent"}
    problem = market.post("/api/refunds", body, 409)
    assert "open the refund with what was `sent`" in problem["detail"]


def test_what_was_sent_back_is_followed_to_finality_and_the_figures_are_right(market: Market) -> None:
    payment = paid(market, "back-in-part")
    tx_hash = market.pay("usdt", address("buyer back-in-part"), 40)
    refund = told_of(market, payment, txHash=tx_hash)
    assert (refund["status"], refund["coin"], refund["coinAmount"]) == ("broadcast", "USDT", "40")
    assert market.payment(payment)["escrow"]["underWay"] == "40"
    market.mine(CONFIRMATIONS)
    done = refund_is(market, refund, "completed")
    assert (done["txHash"], done["destination"]) == (tx_hash, address("buyer back-in-part"))
    escrow = market.payment(payment)["escrow"]
    assert (escrow["refunded"], escrow["held"], escrow["underWay"]) == ("40", "60", "0")
    # The rest, and it is over.
    rest = market.pay("usdt", address("buyer back-in-part"), 60)
    last = told_of(market, payment, amount="60", txHash=rest)
    market.mine(CONFIRMATIONS)
    refund_is(market, last, "completed")
    market.wait_for(payment, status="refunded")


def test_what_was_not_sent_as_it_is_said_is_no_refund(market: Market) -> None:
    payment = paid(market, "untrue")
    tx_hash = market.pay("usdt", address("buyer untrue"), 39)
    refund = told_of(market, payment, txHash=tx_hash)
    market.mine(CONFIRMATIONS)
    refund_is(market, refund, "mismatch")
    assert market.payment(payment)["escrow"]["refunded"] == "0"


def test_what_cannot_be_is_refused_and_the_field_is_named(market: Market) -> None:
    payment = paid(market, "refused")
    tx_hash = market.pay("usdt", address("buyer refused"), 40)
    for sent, field in (
        ({"txHash": "0x1234567890"}, "sent.txHash"),
        ({"txHash": tx_hash, "destination": "0x12"}, "sent.destination"),
        ({"txHash": tx_hash, "destination": address("refused")}, "sent.destination"),  # where it was paid to
        ({"txHash": tx_hash, "coinAmount": "40.0000001"}, "sent.coinAmount"),
    ):
        problem = told_of(market, payment, 400, **sent)
        assert [fault["field"] for fault in problem["errors"]] == [field], problem
    assert "can go back" in told_of(market, payment, 409, amount="101", txHash=tx_hash)["detail"]
    told_of(market, payment, txHash=tx_hash)
    again = told_of(market, payment, 409, txHash=tx_hash)
    assert (again["code"], "'s already, a refund of payment" in again["detail"]) == ("transaction_taken", True)
