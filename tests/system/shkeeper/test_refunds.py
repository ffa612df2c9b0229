"""Money back, with the local SHKeeper: opened by a service, sent once to where the buyer says, and in the books."""

import csv
import itertools
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from providers.shkeeper.simulator.books.payout_tasks import Outcome
from providers.shkeeper.simulator.faults import Call, Happens, What
from tests.conftest import BridgeProcess
from tests.made_destinations import destination
from tests.played_shkeeper import PlayedShkeeper
from tests.system.shkeeper.conftest import Document, Marketplace
from tests.system.shkeeper.histories import compared, settle
from tests.system.shkeeper.test_restored_journal import Backup
from tests.waiting import wait_until

NUMBERS = itertools.count(1)


def opened(marketplace: Marketplace, payment_id: str, *, status: int = 201, **wanted: Any) -> Document:
    """A refund as a service opens it; what is answered, if it is not."""
    key = wanted.pop("key", None)
    answer = marketplace.client.post(
        "/api/refunds",
        json={"paymentId": payment_id, "reason": "it arrived bent", **wanted},
        headers={} if key is None else {"Idempotency-Key": key},
    )
    assert answer.status_code == status, answer.text
    document: Document = answer.json()
    return document


def give(marketplace: Marketplace, refund: Document, to: str | None = None) -> httpx.Response:
    """The buyer says where to send it."""
    address = to or destination("ETH-USDT", refund["refundId"])
    return marketplace.client.post(f"/api/refunds/{refund['refundId']}/destination", json={"destination": address})


def given(marketplace: Marketplace, refund: Document, to: str | None = None) -> Document:
    answer = give(marketplace, refund, to)
    assert answer.status_code == 202, answer.text
    document: Document = answer.json()
    return document


def standing(marketplace: Marketplace, refund: Document) -> Document:
    document: Document = marketplace.client.get(f"/api/refunds/{refund['refundId']}").json()
    return document


def arrived(marketplace: Marketplace, refund: Document, status: str = "completed") -> Document:
    return wait_until(lambda: (now := standing(marketplace, refund))["status"] == status and now) or {}


def books(payment: Document) -> dict[str, Any]:
    """Where a payment's money is; all of it is somewhere."""
    escrow = {name: Decimal(amount) for name, amount in payment["escrow"].items()}
    where = (escrow[name] for name in ("held", "released", "refunded", "fee", "excess"))
    assert escrow["received"] + escrow["overdrawn"] == sum(where)
    assert min(escrow.values()) >= 0
    return escrow


def can_go_back(payment: Document) -> list[tuple[str, str | None, Decimal]]:
    return [(one["of"], one["sellerId"], Decimal(one["amount"])) for one in payment["refundable"]]


def sold(marketplace: Marketplace, **changes: Any) -> str:
    """A payment that is completed, of a purchase request of its own."""
    return marketplace.paid(**{"requestId": f"sale-{next(NUMBERS)}", **changes})


def paid(marketplace: Marketplace, shkeeper: PlayedShkeeper, coins: str, **changes: Any) -> Document:
    """A payment for which so much has come and is counted."""
    payment = marketplace.create(**{"requestId": f"sale-{next(NUMBERS)}", **changes})
    shkeeper.transfer(payment["invoices"][0]["address"], coins)
    payment_id = payment["paymentId"]
    return wait_until(lambda: (now := marketplace.payment(payment_id))["received"] != "0" and now) or {}


def told(marketplace: Marketplace, room: str, payment_id: str) -> list[tuple[str, Any]]:
    """What a room heard of a payment: each event with its status."""
    found = marketplace.client.get("/api/events", params={"room": room, "limit": 500}).json()["events"]
    of_payment = [one for one in found if one["data"].get("paymentId") == payment_id]
    with_status = [one for one in of_payment if "status" in one["data"] and one["event"] != "payment-progress"]
    return [(one["event"], one["data"]["status"]) for one in with_status]


def test_a_full_refund_is_sent_once_and_its_payment_is_refunded(
    marketplace: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    payment_id = sold(marketplace, buyerId="b-full", requestId="r-full")
    assert can_go_back(marketplace.payment(payment_id)) == [("goods", "s1", Decimal(100))]
    refund = opened(marketplace, payment_id)
    assert (refund["status"], refund["amount"], refund["coin"]) == ("awaiting_address", "100", "ETH-USDT")
    reserved = marketplace.payment(payment_id)
    assert (reserved["status"], reserved["refundable"]) == ("completed", [])
    assert (books(reserved)["held"], books(reserved)["underWay"]) == (100, 100)
    # Nothing is left for the seller, and nothing for another refund.
    assert "0 USD are left" in marketplace.pay_out(payment_id, amount="1", status=409)[0]["detail"]
    assert "can go back" in opened(marketplace, payment_id, amount="1", status=409)["detail"]
    answer = given(marketplace, refund)
    assert (answer["coinAmount"], answer["destination"]) == ("100", destination("ETH-USDT", refund["refundId"]))
    done = arrived(marketplace, refund)
    assert marketplace.sent(done["payoutId"]) == [done["txHash"]]
    payment = marketplace.wait_for(payment_id, "refunded")
    assert (payment["escrowState"], payment["refunded"], payment["refundable"]) == ("refunded", "100", [])
    assert books(payment) == {**dict.fromkeys(books(payment), Decimal(0)), "received": 100, "refunded": 100}
    assert [(one["status"], "destination" in one) for one in payment["refunds"]] == [("completed", False)]
    heard = told(marketplace, "request-r-full", payment_id)
    assert heard[heard.index(("refund-opened", "awaiting_address")) :][-3:] == [
        ("payment-update", "refunded"),
        ("purchase-request-update", "refunded"),
        ("refund-updated", "completed"),
    ]
    assert told(marketplace, "user-b-full", payment_id)[-1] == ("refund-updated", "completed")
    assert ("refund-updated", "completed") in told(marketplace, "ops", payment_id)
    everything = marketplace.client.get("/api/events", params={"room": "ops", "limit": 500}).text
    assert destination("ETH-USDT", refund["refundId"]) not in everything
    # Its seller hears of no payout, since none is theirs.
    assert not [name for name, _ in told(marketplace, "user-s1", payment_id) if name.startswith("payout")]


def test_a_partial_refund_leaves_the_payment_completed_and_that_much_less_for_its_seller(
    marketplace: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    payment_id = sold(marketplace)
    refund = opened(marketplace, payment_id, amount="30.00")
    assert "70 USD are left" in marketplace.pay_out(payment_id, amount="70.01", status=409)[0]["detail"]
    payouts = marketplace.pay_out(payment_id, amount="70")
    given(marketplace, refund)
    done = arrived(marketplace, refund)
    marketplace.settle(payouts, "completed")
    payment = wait_until(lambda: (now := marketplace.payment(payment_id))["escrowState"] == "released" and now) or {}
    assert (payment["status"], payment["refunded"]) == ("completed", "30")
    assert (books(payment)["held"], books(payment)["released"], books(payment)["refunded"]) == (0, 70, 30)
    assert [len(marketplace.sent(one)) for one in (done["payoutId"], payouts[0]["payoutId"])] == [1, 1]
    assert "can go back" in opened(marketplace, payment_id, amount="0.01", status=409)["detail"]
    row = marketplace.client.get(f"/api/ops/payments/{payment_id}").json()
    assert (row["refunded"], row["status"]) == ("30", "completed")


def test_the_excess_goes_back_and_the_seller_is_paid_all_the_same(
    marketplace: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    payment = paid(marketplace, shkeeper, "120")
    payment_id = payment["paymentId"]
    assert can_go_back(payment) == [("goods", "s1", Decimal(100)), ("excess", None, Decimal(20))]
    kinds = [
        one["kind"] for one in marketplace.client.get(f"/api/ops/payments/{payment_id}/story").json()["problems"]
    ]
    assert kinds == ["payment-over"]
    refund = opened(marketplace, payment_id, of="excess")
    assert marketplace.client.get(f"/api/ops/payments/{payment_id}/story").json()["problems"] == []
    payouts = marketplace.pay_out(payment_id, amount="100")
    given(marketplace, refund)
    arrived(marketplace, refund)
    marketplace.settle(payouts, "completed")
    payment = marketplace.payment(payment_id)
    assert (payment["status"], payment["escrowState"], payment["refunded"]) == ("completed", "released", "20")
    assert (books(payment)["released"], books(payment)["refunded"], books(payment)["excess"]) == (100, 20, 0)


def test_a_partly_paid_payment_goes_back_in_full_and_is_cancelled_with_it(
    marketplace: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    payment = paid(marketplace, shkeeper, "40", requestId="r-part")
    payment_id, address = payment["paymentId"], payment["invoices"][0]["address"]
    refund = opened(marketplace, payment_id)
    assert (refund["amount"], marketplace.payment(payment_id)["status"]) == ("40", "cancelled")
    # What comes all the same does not complete what is going back.
    shkeeper.transfer(address, "60")
    wait_until(lambda: marketplace.payment(payment_id)["received"] == "100")
    assert marketplace.payment(payment_id)["status"] == "cancelled"
    accepted = marketplace.client.post(f"/api/ops/payments/{payment_id}/acceptance", json={"by": "A", "note": "ok"})
    assert (accepted.status_code, "being sent back" in accepted.json()["detail"]) == (409, True)
    given(marketplace, refund)
    arrived(marketplace, refund)
    assert can_go_back(marketplace.payment(payment_id)) == [("goods", "s1", Decimal(60))]
    rest = opened(marketplace, payment_id)
    given(marketplace, rest)
    arrived(marketplace, rest)
    payment = marketplace.wait_for(payment_id, "refunded")
    assert (payment["refunded"], books(payment)["held"]) == ("100", 0)


def test_of_refunds_at_the_same_moment_one_is_opened_and_the_others_told_of_it(marketplace: Marketplace) -> None:
    payment_id = sold(marketplace)

    def ask(number: int) -> Document:
        content = {"paymentId": payment_id, "amount": "40", "reason": f"part {number}"}
        document: Document = marketplace.client.post("/api/refunds", json=content).json()
        return document

    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(ask, range(5)))
    [first] = [one["refundId"] for one in answers if "refundId" in one]
    refused = [(one["code"], one["refunds"]) for one in answers if "refundId" not in one]
    assert refused == [("other_refunds", [first])] * 4
    second = opened(marketplace, payment_id, amount="40", besides=[first])["refundId"]
    assert (
        "20 USD can go back" in opened(marketplace, payment_id, amount="40", besides=[second], status=409)["detail"]
    )
    assert opened(marketplace, payment_id, amount="20", besides=[second], status=409)["refunds"] == [first]
    assert books(marketplace.payment(payment_id))["underWay"] == 80


def test_a_repeat_with_its_key_opens_no_second_refund_and_another_request_is_refused(
    marketplace: Marketplace,
) -> None:
    payment_id = sold(marketplace)
    first = opened(marketplace, payment_id, amount="10", key=f"refund-{payment_id}")
    again = opened(marketplace, payment_id, amount="10.00", key=f"refund-{payment_id}", status=200)
    assert again["refundId"] == first["refundId"]
    opened(marketplace, payment_id, amount="11", key=f"refund-{payment_id}", status=422)
    listed = marketplace.client.get("/api/refunds", params={"paymentId": payment_id}).json()["refunds"]
    assert [one["refundId"] for one in listed] == [first["refundId"]]


def test_an_address_that_cannot_be_is_named_as_wrong_and_a_good_one_is_for_good(
    marketplace: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    refund = opened(marketplace, sold(marketplace), amount="10")
    path = f"/api/refunds/{refund['refundId']}/destination"
    for wrong, code in (
        ("0x12", "not_an_address"),
        (destination("USDT", "b"), "other_network"),
        ("0x6f2Fa34BC0ee4C9B53c1D9e6c2C7e2a1d1a1b2c4", "mistyped"),
        ("0x" + "0" * 40, "not_payable"),
        ("a b", None),
        ("", None),
    ):
        for one in (path, f"{path}/check"):
            answer = marketplace.client.post(one, json={"destination": wrong})
            assert (wrong, answer.status_code) == (wrong, 400)
            [fault] = answer.json()["errors"]
            assert (wrong, fault["field"], fault.get("code")) == (wrong, "destination", code)
    good = destination("ETH-USDT", "the buyer's")
    checked = marketplace.client.post(f"{path}/check", json={"destination": good}).json()
    assert checked == {"destination": good, "coin": "ETH-USDT", "coinAmount": "10"}
    assert standing(marketplace, refund)["status"] == "awaiting_address"
    given(marketplace, refund, good)
    given(marketplace, refund, good)
    other = give(marketplace, refund, destination("ETH-USDT", "somebody else's"))
    assert (other.status_code, "cannot be changed" in other.json()["detail"]) == (409, True)
    withdrawn = marketplace.client.post(f"/api/refunds/{refund['refundId']}/cancellation", json={})
    assert (withdrawn.status_code, "cannot be withdrawn" in withdrawn.json()["detail"]) == (409, True)
    assert len(marketplace.sent(arrived(marketplace, refund)["payoutId"])) == 1


def test_a_refund_that_is_withdrawn_gives_its_money_back_to_the_seller(marketplace: Marketplace) -> None:
    payment_id = sold(marketplace)
    refund = opened(marketplace, payment_id, amount="60")
    path = f"/api/refunds/{refund['refundId']}"
    withdrawn = marketplace.client.post(f"{path}/cancellation", json={"note": "it was mended"}).json()
    assert (withdrawn["status"], withdrawn["cancelledBy"]) == ("cancelled", "somebody")
    assert give(marketplace, refund).status_code == 409
    assert marketplace.client.post(f"{path}/cancellation", json={}).json() == withdrawn  # as after a lost answer
    marketplace.settle(marketplace.pay_out(payment_id, amount="100"), "completed")
    actions = marketplace.client.get("/api/ops/actions").json()["actions"]
    assert [(one["action"], one["outcome"]) for one in actions[:2]] == [
        ("refund-withdrawal", "the refund was withdrawn: it was mended"),
        ("refund", "a refund of 60 USD was opened: it arrived bent"),
    ]


def test_a_refund_that_failed_or_came_back_can_be_made_again_to_another_address(
    marketplace: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    payment_id = sold(marketplace)
    bad = destination("ETH-USDT", f"bad of {payment_id}")
    shkeeper.gateway.payouts.outcomes[bad.lower()] = Outcome.FAILS
    failing = opened(marketplace, payment_id)
    given(marketplace, failing, bad)
    failed = arrived(marketplace, failing, "failed")

    def items() -> list[Document]:
        found: list[Document] = marketplace.client.get("/api/ops/attention").json()["items"]
        return [one for one in found if one["paymentId"] == payment_id]

    [item] = items()
    assert (item["kind"], item["payoutId"], item["actions"]) == (
        "payout-failed",
        failed["payoutId"],
        ["refund", "dismiss"],
    )
    assert "the buyer has nothing yet" in item["title"]
    again = opened(marketplace, payment_id)
    assert (again["refundId"] != failing["refundId"], items()) == (True, [])
    given(marketplace, again)
    done = arrived(marketplace, again)
    marketplace.wait_for(payment_id, "refunded")
    # The buyer's exchange sends it back: the money is there again, and the payment stands as it did before.
    [came] = marketplace.payment(payment_id)["transfers"]
    for tx_hash, status in (
        (came["txHash"], 400),
        ("0xback", 400),
        (f"0x{'b' * 63}", 400),
        (f"0x{next(NUMBERS):064x}", 200),
    ):
        back = marketplace.client.post(
            f"/api/payouts/{done['payoutId']}/resolution",
            json={
                "outcome": "returned",
                "txHash": tx_hash,
                "foundBy": "Ada",
                "note": "the exchange closed the account",
            },
        )
        assert back.status_code == status, back.text
    assert standing(marketplace, again)["status"] == "returned"
    payment = marketplace.wait_for(payment_id, "completed")
    assert (books(payment)["held"], payment["refunded"]) == (100, "0")
    assert [one["kind"] for one in items()] == ["payout-returned"]
    # That it was paid was told once.
    events = marketplace.client.get("/api/events", params={"room": "user-s1", "limit": 500}).json()["events"]
    offers = [one for one in events if one["event"] == "payment-received"]
    last = opened(marketplace, payment_id)
    # That it came back is one person's word, so that another has to approve that it is sent once more.
    waiting = given(marketplace, last)
    assert waiting["status"] == "awaiting_approval"
    approved = marketplace.client.post(
        f"/api/payouts/{waiting['payoutId']}/approval", json={"approvedBy": "Bo", "note": "it is at the exchange"}
    )
    assert approved.status_code == 200, approved.text
    arrived(marketplace, last)
    marketplace.wait_for(payment_id, "refunded")
    events = marketplace.client.get("/api/events", params={"room": "user-s1", "limit": 500}).json()["events"]
    assert [one for one in events if one["event"] == "payment-received"] == offers
    sent = [marketplace.sent(standing(marketplace, one)["payoutId"]) for one in (failing, again, last)]
    assert list(map(len, sent)) == [0, 1, 1]


@pytest.mark.parametrize(
    ("fault", "status", "transfers"),
    [
        (None, "completed", 1),
        ((What.TIMEOUT, Happens.AFTER), "completed", 1),
        ((What.TIMEOUT, Happens.BEFORE), "ambiguous", 0),
    ],
)
def test_a_bridge_that_is_killed_after_the_address_was_given_sends_the_refund_once(
    bridge: BridgeProcess,
    marketplace: Marketplace,
    shkeeper: PlayedShkeeper,
    fault: tuple[What, Happens] | None,
    status: str,
    transfers: int,
) -> None:
    """At once, when SHKeeper has taken it and its answer is on the way, or when nobody can know whether it has."""
    refund, asked = opened(marketplace, sold(marketplace)), shkeeper.count(Call.PAYOUT)
    if fault is not None:
        shkeeper.goes_wrong(Call.PAYOUT, *fault)
    payout_id = given(marketplace, refund)["payoutId"]
    if fault is not None:
        wait_until(lambda: shkeeper.count(Call.PAYOUT) > asked)
    bridge.kill()
    shkeeper.works_again()
    bridge.start()
    arrived(marketplace, refund, status)
    assert (len(marketplace.sent(payout_id)), shkeeper.count(Call.PAYOUT)) == (transfers, asked + 1)


@pytest.mark.parametrize("withdrawn_before", [0, 1])
def test_a_restored_journal_pays_no_refund_twice(
    bridge: BridgeProcess,
    shkeeper: PlayedShkeeper,
    marketplace: Marketplace,
    tmp_path: Path,
    withdrawn_before: int,
) -> None:
    payment_id = sold(marketplace)
    backup = Backup(bridge, tmp_path)
    for _ in range(withdrawn_before):
        slip = opened(marketplace, payment_id, amount="1")
        marketplace.client.post(f"/api/refunds/{slip['refundId']}/cancellation", json={})
    to = destination("ETH-USDT", f"buyer of {payment_id}")
    refund = opened(marketplace, payment_id)
    given(marketplace, refund, to)
    done = arrived(marketplace, refund)
    name = marketplace.payout(done["payoutId"])["externalId"]
    backup.restore()
    compared(marketplace)
    settle(marketplace)
    assert marketplace.client.get(f"/api/refunds/{refund['refundId']}").status_code == 404
    again = opened(marketplace, payment_id)
    payout_id = given(marketplace, again, to)["payoutId"]
    assert arrived(marketplace, again)["txHash"] == done["txHash"]
    assert marketplace.payout(payout_id)["externalId"] == name
    assert len(shkeeper.sent(name)) == 1


def test_of_a_checkout_the_share_of_one_seller_goes_back_and_the_other_is_paid(
    marketplace: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    shares = [
        {"requestId": f"r-{seller}", "sellerId": seller, "amount": amount}
        for seller, amount in (("s8", "60.01"), ("s9", "39.99"))
    ]
    checkout = {"provider": "shkeeper", "coin": "ETH-USDT", "buyerId": "b9", "currency": "USD", "shares": shares}
    answer = marketplace.client.post("/api/template-checkouts", json=checkout)
    assert answer.status_code == 201, answer.text
    payment = answer.json()["payment"]
    payment_id = payment["paymentId"]
    shkeeper.transfer(payment["invoices"][0]["address"])
    payment = marketplace.wait_for(payment_id, "completed")
    assert can_go_back(payment) == [("goods", "s8", Decimal("60.01")), ("goods", "s9", Decimal("39.99"))]
    missing = opened(marketplace, payment_id, status=400)
    assert missing["errors"] == [{"field": "sellerId", "message": "missing; this payment has several sellers"}]
    refund = opened(marketplace, payment_id, sellerId="s9")
    assert refund["amount"] == "39.99"
    payouts = marketplace.pay_out(payment_id, amount="60.01", status=400)
    assert payouts[0]["errors"][0]["field"] == "payouts.0.sellerId"
    content = {"paymentId": payment_id, "sellerId": "s8", "coin": "ETH-USDT", "amount": "60.01"}
    order = {"payouts": [{**content, "destination": destination("ETH-USDT", "s8")}]}
    payouts = marketplace.client.post("/api/payouts", json=order).json()["payouts"]
    given(marketplace, refund)
    arrived(marketplace, refund)
    marketplace.settle(payouts, "completed")
    payment = wait_until(lambda: (now := marketplace.payment(payment_id))["escrowState"] == "released" and now) or {}
    assert (payment["status"], books(payment)["held"]) == ("completed", 0)


def test_what_is_wrong_with_an_order_is_named_and_nothing_is_opened(marketplace: Marketplace) -> None:
    payment_id = sold(marketplace)
    for wanted, status, field in (
        ({"coin": "ETH-USTD"}, 400, "coin"),
        ({"coin": "BTC-LIGHTNING"}, 400, "coin"),
        ({"amount": "0"}, 400, "amount"),
        ({"amount": "0.0000001"}, 400, "amount"),
        ({"amount": "-1"}, 400, "amount"),
        ({"of": "everything"}, 400, "of"),
        ({"of": "excess", "sellerId": "s1"}, 400, "sellerId"),
        ({"reason": " "}, 400, "reason"),
        ({"sellerId": "s7"}, 400, "sellerId"),
    ):
        answer = opened(marketplace, payment_id, status=status, **wanted)
        assert (wanted, answer["errors"][0]["field"]) == (wanted, field)
    assert "of the excess" in opened(marketplace, payment_id, of="excess", status=409)["detail"]
    opened(marketplace, "pay_nobody", status=404)
    assert marketplace.client.get("/api/refunds", params={"paymentId": "pay_nobody"}).status_code == 404
    assert marketplace.client.get("/api/refunds/back_nobody").status_code == 404
    assert marketplace.payment(payment_id)["refunds"] == []


def test_a_coin_that_is_no_stablecoin_is_sent_at_the_price_of_the_moment(
    marketplace: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    payment = marketplace.create(coin="BTC", requestId="in-bitcoins")
    shkeeper.transfer(payment["invoices"][0]["address"])
    payment = marketplace.wait_for(payment["paymentId"], "completed")
    rate = Decimal(payment["invoices"][0]["exchangeRate"])
    refund = opened(marketplace, payment["paymentId"])
    answer = given(marketplace, refund, destination("BTC", payment["paymentId"]))
    coins = Decimal(answer["coinAmount"])
    assert coins <= Decimal(refund["amount"]) / rate < coins + Decimal("0.00000001")
    done = arrived(marketplace, refund)
    assert len(marketplace.sent(done["payoutId"])) == 1
    marketplace.wait_for(payment["paymentId"], "refunded")


def test_totals_and_exports_tell_of_refunds_apart_from_payouts(
    marketplace: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    def total(kind: str) -> Decimal:
        days = marketplace.client.get("/api/ops/totals", params={"days": 2}).json()["days"]
        return sum((Decimal(one[kind]) for one in days), Decimal(0))

    refunds, payouts = total("refunds"), total("payouts")
    payment_id = sold(marketplace)
    refund = opened(marketplace, payment_id, amount="12.34")
    given(marketplace, refund)
    done = arrived(marketplace, refund)
    assert (total("refunds") - refunds, total("payouts") - payouts) == (Decimal("12.34"), Decimal(0))

    def exported(kind: str, search: str) -> dict[str, str]:
        text = marketplace.client.get(f"/api/ops/{kind}.csv", params={"search": search}).content.decode("utf-8-sig")
        return next(csv.DictReader(text.splitlines()))

    row = exported("payouts", done["payoutId"])
    assert (row["refundId"], row["buyerId"], row["amount"]) == (refund["refundId"], "b1", "12.34")
    assert exported("payments", payment_id)["refunded"] == "12.34"


def test_what_was_sent_without_the_bridge_comes_to_the_refund_in_its_coin(
    marketplace: Marketplace,
) -> None:
    in_dollars, in_bitcoins = marketplace.paid(), marketplace.paid(coin="BTC")
    [came] = marketplace.payment(in_bitcoins)["transfers"]
    half = Decimal(came["amount"]) / 2

    def told(
        payment_id: str,
        coin: str | None,
        coin_amount: str | None,
        status: int,
        amount: str = "50",
        tx_hash: str | None = None,
        to: str | None = None,
    ) -> Document:
        content = {"paymentId": payment_id, "amount": amount, "reason": "it arrived bent", "coin": coin}
        # Without 0x it is one of either.
        sent = {"txHash": tx_hash or f"{next(NUMBERS):064x}", "coinAmount": coin_amount}
        is_bitcoin = coin == "BTC" or payment_id == in_bitcoins
        sent["destination"] = to or destination("BTC" if is_bitcoin else "ETH-USDT", "elsewhere")
        answer = marketplace.client.post("/api/refunds", json={**content, "sent": sent})
        assert answer.status_code == status, answer.text
        document: Document = answer.json()
        return document

    for payment_id, coin, coin_amount, field in (
        (in_dollars, "ETH-USDT", "0", "sent.coinAmount"),
        (in_dollars, "ETH-USDT", "49.0000001", "sent.coinAmount"),
        (in_dollars, "ETH-USDT", "1E-7", "sent.coinAmount"),
        (in_dollars, "ETH-USDT", "50.01", "sent.coinAmount"),
        (in_dollars, "ETH-USDT", "24", "sent.coinAmount"),
        (in_dollars, "ETH-USTD", "50", "coin"),
        (in_dollars, "BTC", "50", "sent.coinAmount"),
        (in_bitcoins, "BTC", None, "sent.coinAmount"),
        (in_bitcoins, "BTC", "50", "sent.coinAmount"),
        (in_bitcoins, "BTC", "0.000000001", "sent.coinAmount"),
    ):
        problem = told(payment_id, coin, coin_amount, 400)
        assert [fault["field"] for fault in problem["errors"]] == [field], (coin_amount, problem)
    assert told(in_dollars, None, None, 400, "0.0000001")["errors"][0]["field"] == "sent.coinAmount"
    # Less, where somebody else's fee went off it.
    assert told(in_dollars, None, "49.5", 201)["status"] == "completed"
    for tx_hash in (f"0x{1:064x}", "ab" * 31, "what-the-exchange-calls-it"):
        problem = told(in_bitcoins, None, f"{half:.8f}", 400, tx_hash=tx_hash)
        assert problem["errors"][0]["message"] == (
            "expected a transaction's hash: 64 hexadecimal digits, which this is not"
        )
    at_ours = marketplace.payment(in_dollars)["invoices"][0]["address"]
    for payment_id, coin_amount, to, expected in (
        (in_bitcoins, f"{half:.8f}", destination("ETH-USDT", "elsewhere"), "expected a Bitcoin address"),
        (in_bitcoins, f"{half:.8f}", destination("BTC", "elsewhere")[:-1], "expected a Bitcoin address"),
        (in_dollars, None, destination("USDT", "elsewhere"), "expected an Ethereum address"),
        (in_dollars, None, destination("ETH-USDT", "elsewhere") + "0", "expected an Ethereum address"),
        (in_dollars, None, at_ours, "this is an address of the marketplace itself"),
        (in_dollars, None, at_ours.lower(), "this is an address of the marketplace itself"),
    ):
        [fault] = told(payment_id, None, coin_amount, 400, to=to)["errors"]
        assert (fault["field"], expected in fault["message"]) == ("sent.destination", True), fault
    refund = told(in_bitcoins, "BTC", f"{half:.8f}", 201)
    assert (refund["coin"], refund["status"]) == ("BTC", "completed")
    assert refund["destination"] == destination("BTC", "elsewhere")


def test_one_transaction_is_told_as_the_refund_of_two_payments_only_by_who_has_seen_that(
    marketplace: Marketplace,
) -> None:
    first, second = sold(marketplace), sold(marketplace)
    sent = {"txHash": f"0x{next(NUMBERS):064x}", "destination": destination("ETH-USDT", "elsewhere")}
    refund = opened(marketplace, first, amount="10", sent=sent)
    assert refund["status"] == "completed"
    again = opened(marketplace, second, amount="10", sent={**sent, "txHash": sent["txHash"][2:].upper()}, status=409)
    assert (again["code"], refund["payoutId"] in again["detail"]) == ("transaction_taken", True)
    assert marketplace.payment(second)["refunded"] == "0"
    opened(marketplace, second, amount="10", sent={**sent, "forSeveral": True})
    assert marketplace.payment(second)["refunded"] == "10"


def test_a_refund_is_told_as_sent_elsewhere_than_its_buyer_said_only_by_who_has_heard_it_of_them(
    marketplace: Marketplace,
) -> None:
    payment_id = sold(marketplace)
    buyers, others = (destination("ETH-USDT", whose) for whose in ("the buyer", "somebody else"))
    opened(marketplace, payment_id, amount="5", sent={"txHash": f"0x{next(NUMBERS):064x}", "destination": buyers})
    sent, key = {"txHash": f"0x{next(NUMBERS):064x}", "destination": others}, f"refund-{next(NUMBERS)}"
    refused = opened(marketplace, payment_id, amount="5", sent=sent, status=409, key=key)
    assert (refused["code"], others in refused["detail"]) == ("other_address", True)
    assert buyers not in refused["detail"]
    assert marketplace.payment(payment_id)["refunded"] == "5"
    for status in (201, 200):
        seen = {**sent, "otherAddress": True}
        opened(marketplace, payment_id, amount="5", sent=seen, status=status, key=key)
    assert marketplace.payment(payment_id)["refunded"] == "10"


def test_of_a_payment_without_money_nothing_goes_back_whatever_is_left_out(marketplace: Marketplace) -> None:
    payment_id = marketplace.create(requestId=f"sale-{next(NUMBERS)}")["paymentId"]
    for wanted in ({}, {"amount": "5"}, {"amount": "5", "of": "excess"}):
        refused = opened(marketplace, payment_id, status=409, **wanted)
        assert (refused["code"], "can go back" in refused["detail"]) == ("refund_refused", True)
