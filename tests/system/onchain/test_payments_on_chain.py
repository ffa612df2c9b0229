"""Payments over a chain to a wallet, on a real node, watched by stock clients."""

from pathlib import Path
from typing import Any

import pytest

from tests.anvil import ALICE, BOB, Anvil
from tests.conftest import StartBridge
from tests.system.conftest import Listener, StartListener
from tests.system.onchain.conftest import (
    CONFIRMATIONS,
    Contracts,
    Document,
    Market,
    address,
    chains_file,
    told,
)
from tests.waiting import wait_until


def sightings(document: Document) -> list[tuple[Any, ...]]:
    return [(one["stage"], one["amount"], one["confirmations"], one["reason"]) for one in document["sightings"]]


def buyers_of(listen: StartListener, market: Market, *names: str) -> list[Listener]:
    """The front ends of the buyers, on the pages of their purchase requests."""
    joins = ([["join-user-room", f"buyer-{name}"], ["join-request-room", name]] for name in names)
    return [listen(market.bridge.url, rooms) for rooms in joins]


CONFIRMED_AND_COMPLETED = [
    ("purchase-request-update", "payment-confirming", "confirming"),
    ("purchase-request-update", "payment-completed", "completed"),
]


def test_a_payment_is_followed_from_the_buyers_wallet_to_finality(market: Market, listen: StartListener) -> None:
    buyer = listen(market.bridge.url, [["join-user-room", "buyer-life"], ["join-request-room", "life"]])
    seller = listen(market.bridge.url, [["join-user-room", "seller-life"]])
    ops = listen(market.bridge.url, [["join-ops-room"]])
    payment = market.create("life")
    assert payment["direct"] == {
        "chain": "anvil",
        "recipient": address("life"),
        "payer": None,
        "paymentUri": f"ethereum:{market.contracts.usdt}@31337/transfer?address={address('life')}&uint256=100000000",
    }
    tx_hash = market.pay("usdt", address("life"), 100)
    market.hint(payment, tx_hash.upper().replace("0X", "0x"))
    market.wait_for(payment, status="confirming", confirmations=None)
    for confirmations in range(1, CONFIRMATIONS):
        market.mine()
        market.wait_for(payment, confirmations=confirmations, requiredConfirmations=CONFIRMATIONS)
    market.mine()
    done = market.wait_for(payment, status="completed", escrowState="funded", received="100", missing="0")
    [transfer] = done["transfers"]
    assert (transfer["txHash"], transfer["asset"], transfer["confirmed"]) == (tx_hash, "USDT", True)
    for listener in (buyer, seller, ops):
        listener.wait_for(
            lambda line: line.get("event") == "payment-progress" and line["args"][0]["status"] == "completed"
        )
        assert told(listener, "payment-created", "payment-update", "payment-progress") == [
            ("payment-created",),
            ("payment-update", "confirming"),
            ("payment-update", "confirming"),
            *(("payment-progress", "confirming", number, "100") for number in range(1, CONFIRMATIONS)),
            ("payment-update", "completed"),
            ("payment-progress", "completed", "0"),
        ]
    assert told(buyer, "purchase-request-update") == [
        ("purchase-request-update", "payment-confirming", "confirming"),
        ("purchase-request-update", "payment-completed", "completed"),
    ]
    assert len(told(seller, "payment-received")) == 1


def test_the_chains_own_coin_counts_also_when_a_contract_sends_it(market: Market, listen: StartListener) -> None:
    buyers = buyers_of(listen, market, "own-coin", "forwarded")
    direct, forwarded = market.create("own-coin", "1.5", token="ETH"), market.create("forwarded", "2", token="ETH")
    assert direct["direct"]["paymentUri"] == f"ethereum:{address('own-coin')}@31337?value=1500000000000000000"
    market.anvil.send(address("own-coin"), 15 * 10**17)
    market.anvil.send(
        market.contracts.forwarder,
        2 * 10**18,
        data=market.anvil.call_data("Forwarder", "forward", address("forwarded")),
    )
    market.mine()
    market.settle(direct)
    market.settle(forwarded)
    for buyer in buyers:
        assert told(buyer, "purchase-request-update") == CONFIRMED_AND_COMPLETED


def test_tokens_that_return_nothing_and_transfers_made_by_contracts_count(
    market: Market, listen: StartListener
) -> None:
    buyers = buyers_of(listen, market, "silent", "batch-1", "batch-2")
    silent, one, other = (
        market.create("silent", "7", token="OLD"),
        market.create("batch-1", "3"),
        market.create("batch-2", "3"),
    )
    market.pay("old", address("silent"), 7)
    market.pay("usdt", market.contracts.forwarder, 6)
    market.anvil.send(
        market.contracts.forwarder,
        data=market.anvil.call_data(
            "Forwarder",
            "forwardToken",
            market.contracts.usdt,
            [address("batch-1"), address("batch-2")],
            3 * 10**6,
        ),
    )
    market.mine()
    for payment, buyer in zip((silent, one, other), buyers, strict=True):
        market.settle(payment)
        assert told(buyer, "purchase-request-update") == CONFIRMED_AND_COMPLETED


def test_parts_add_up_and_what_is_too_much_is_said(market: Market, listen: StartListener) -> None:
    buyer = listen(market.bridge.url, [["join-user-room", "buyer-parts"]])
    payment = market.create("parts")
    market.pay("usdt", address("parts"), 40)
    market.mine(CONFIRMATIONS)
    market.wait_for(payment, status="partially_paid", received="40", missing="60")
    market.pay("usdt", address("parts"), 50)
    market.pay("usdt", address("parts"), 30)
    market.mine()
    market.wait_for(payment, status="partially_paid", confirmations=1)
    market.mine(CONFIRMATIONS)
    done = market.wait_for(payment, status="completed", received="120", excess="20")
    assert len(done["transfers"]) == 3
    assert ("payment-progress", "partially_paid", "60") in told(buyer, "payment-progress")


def test_another_token_is_said_in_words_and_kept_for_a_person(market: Market, listen: StartListener) -> None:
    buyer = listen(market.bridge.url, [["join-user-room", "buyer-wrong-token"]])
    payment = market.create("wrong-token")
    market.pay("usdc", address("wrong-token"), 100)
    market.mine(CONFIRMATIONS)
    reason = "it carries USDC, but USDT is waited for"
    buyer.wait_for(lambda line: line.get("event") == "payment-progress")
    assert told(buyer, "payment-progress") == [("payment-progress", "pending", "100", reason)]
    assert market.payment(payment)["status"] == "pending"
    unmatched = market.get("/api/chains/troubles")["unmatched"]
    assert [
        (one["token"], one["amount"], one["reason"])
        for one in unmatched
        if one["recipient"] == address("wrong-token")
    ] == [("USDC", "100", reason)]


def test_a_transaction_that_pays_somebody_else_or_fails_is_said_in_words(
    market: Market, listen: StartListener
) -> None:
    [buyer] = buyers_of(listen, market, "elsewhere")
    payment = market.create("elsewhere")
    elsewhere = market.pay("usdt", address("a stranger"), 100)
    failing = market.pay("usdt", address("elsewhere"), 100, sender=BOB)  # who has none
    unknown = "0x" + "12" * 32
    market.mine()
    for tx_hash in (elsewhere, failing, unknown):
        market.hint(payment, tx_hash)
    market.anvil.mine()
    wait_until(lambda: len(market.payment(payment)["sightings"]) == 2)
    found = market.payment(payment)
    assert {one["txHash"]: one["reason"] for one in found["sightings"]} == {
        elsewhere: f"it pays {address('a stranger')}, not {address('elsewhere')}",
        failing: "the transaction failed",
    }
    causes = {one["txHash"]: one["cause"] for one in found["sightings"]}
    assert causes == {elsewhere: "other-address", failing: "failed"}
    assert {one[-1] for one in told(buyer, "payment-progress")} == {one["reason"] for one in found["sightings"]}
    assert found["status"] == "pending"


def test_money_that_came_before_the_payment_and_money_of_another_are_not_its(
    market: Market, listen: StartListener
) -> None:
    [buyer] = buyers_of(listen, market, "shared-2")
    first = market.create("shared-1", "10", recipient=address("shared"))
    tx_hash = market.pay("usdt", address("shared"), 10)
    market.mine()
    market.settle(first)
    second = market.create("shared-2", "10", recipient=address("shared"))
    market.hint(second, tx_hash)
    reason = "it was counted for something else before"
    market.anvil.mine()
    wait_until(lambda: market.payment(second)["sightings"])
    assert sightings(market.payment(second)) == [("failed", "0", 0, reason)]
    assert told(buyer, "payment-progress") == [("payment-progress", "pending", "10", reason)]
    assert market.payment(second)["status"] == "pending"


def test_payments_that_share_a_wallet_are_told_apart_by_payer_hint_or_amount(
    market: Market, listen: StartListener
) -> None:
    buyers = buyers_of(listen, market, "by-amount", "by-payer", "by-hint")
    shared: dict[str, Any] = {"recipient": address("one wallet")}
    by_amount = market.create("by-amount", "31", **shared)
    by_payer = market.create("by-payer", "32", payer=BOB.lower(), **shared)
    by_hint = market.create("by-hint", "33", **shared)
    market.pay("usdt", BOB, 50)
    market.mine()
    market.pay("usdt", address("one wallet"), 31)
    market.pay("usdt", address("one wallet"), 32, sender=BOB)
    hinted = market.pay("usdt", address("one wallet"), 20)
    nobodys = market.pay("usdt", address("one wallet"), 5)
    market.hint(by_hint, hinted)
    market.mine(CONFIRMATIONS)
    market.wait_for(by_amount, status="completed")
    market.wait_for(by_payer, status="completed")
    market.wait_for(by_hint, status="partially_paid", missing="13")
    last = [told(buyer, "purchase-request-update")[-1][1] for buyer in buyers]
    assert last == ["payment-completed", "payment-completed", "payment-partially-paid"]
    unmatched = market.get("/api/chains/troubles")["unmatched"]
    [kept] = [one for one in unmatched if one["recipient"] == address("one wallet")]
    assert (kept["txHash"], kept["amount"], kept["sender"]) == (nobodys, "5", ALICE)
    market.hint(by_hint, nobodys)  # a person found out whose it is
    market.wait_for(by_hint, missing="8")
    assert nobodys not in [one["txHash"] for one in market.get("/api/chains/troubles")["unmatched"]]


def test_a_transaction_that_is_sped_up_counts_and_the_first_is_dropped(market: Market, listen: StartListener) -> None:
    buyer = listen(market.bridge.url, [["join-user-room", "buyer-faster"]])
    payment = market.create("faster")
    nonce = hex(int(market.anvil.ask("eth_getTransactionCount", ALICE, "pending"), 16))
    data = market.anvil.call_data("Token", "transfer", address("faster"), 100 * 10**6)
    slow = market.anvil.send(market.contracts.usdt, data=data, nonce=nonce, gasPrice=hex(2 * 10**9))
    market.hint(payment, slow)
    market.wait_for(payment, status="confirming")
    market.anvil.send(market.contracts.usdt, data=data, nonce=nonce, gasPrice=hex(9 * 10**9))
    market.mine(CONFIRMATIONS)
    market.wait_for(payment, status="completed")

    def first() -> Document:
        return next(one for one in market.payment(payment)["sightings"] if one["txHash"] == slow)

    wait_until(lambda: first()["stage"] == "dropped")
    assert first()["reason"] == "another transaction of its sender took its place"
    reasons = [one[-1] for one in told(buyer, "payment-progress")]
    assert reasons.count("another transaction of its sender took its place") == 1


def test_a_transaction_that_is_cancelled_takes_the_payment_back(market: Market, listen: StartListener) -> None:
    buyer = listen(market.bridge.url, [["join-request-room", "cancelled"], ["join-user-room", "buyer-cancelled"]])
    payment = market.create("cancelled")
    nonce = hex(int(market.anvil.ask("eth_getTransactionCount", ALICE, "pending"), 16))
    data = market.anvil.call_data("Token", "transfer", address("cancelled"), 100 * 10**6)
    first = market.anvil.send(market.contracts.usdt, data=data, nonce=nonce, gasPrice=hex(2 * 10**9))
    market.hint(payment, first)
    market.wait_for(payment, status="confirming")
    market.anvil.send(ALICE, nonce=nonce, gasPrice=hex(9 * 10**9))
    market.mine()
    market.wait_for(payment, status="pending")
    buyer.wait_for(lambda line: line.get("event") == "payment-progress")
    assert told(buyer, "purchase-request-update", "payment-progress") == [
        ("purchase-request-update", "payment-confirming", "confirming"),
        ("purchase-request-update", "payment-dropped", "pending"),
        ("payment-progress", "pending", "100", "another transaction of its sender took its place"),
    ]


def test_a_transaction_that_all_nodes_forget_is_dropped(market: Market, listen: StartListener) -> None:
    [buyer] = buyers_of(listen, market, "forgotten")
    payment = market.create("forgotten")
    tx_hash = market.pay("usdt", address("forgotten"), 100)
    market.hint(payment, tx_hash)
    market.wait_for(payment, status="confirming")
    market.anvil.ask("anvil_dropTransaction", tx_hash)
    market.mine(4 * (CONFIRMATIONS + 1) + 4)
    done = market.wait_for(payment, status="pending")
    assert sightings(done) == [("dropped", "0", 0, "no node knows it any more")]
    assert told(buyer, "purchase-request-update", "payment-progress") == [
        ("purchase-request-update", "payment-confirming", "confirming"),
        ("purchase-request-update", "payment-dropped", "pending"),
        ("payment-progress", "pending", "100", "no node knows it any more"),
    ]


def finalized(anvil: Anvil) -> int:
    return int(anvil.ask("eth_getBlockByNumber", "finalized", False)["number"], 16)


def test_where_the_chain_itself_says_what_is_final_it_is_waited_for(
    make_bridge: StartBridge, anvil: Anvil, contracts: Contracts, tmp_path: Path, listen: StartListener
) -> None:
    chains = chains_file(tmp_path, contracts, confirmations="finalized")
    bridge = make_bridge(BRIDGE_CHAINS_FILE=str(chains), BRIDGE_ENDPOINTS_ANVIL=anvil.websocket_url)
    market = Market(bridge, anvil, contracts)
    [buyer] = buyers_of(listen, market, "finalized")
    payment = market.create("finalized")
    market.pay("usdt", address("finalized"), 100)
    market.mine(3 * CONFIRMATIONS)
    market.wait_for(payment, status="confirming", confirmations=3 * CONFIRMATIONS, requiredConfirmations=None)
    [sighting] = market.payment(payment)["sightings"]
    while finalized(anvil) < sighting["blockNumber"]:
        assert market.payment(payment)["status"] == "confirming"
        market.mine(8)
    market.mine()
    market.wait_for(payment, status="completed", received="100")
    assert told(buyer, "purchase-request-update") == CONFIRMED_AND_COMPLETED
    market.client.close()
    bridge.kill()


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"chain": "moon"}, "chain", "this bridge follows no chain 'moon'; followed: anvil"),
        ({"chain": None}, "chain", "missing; followed: anvil"),
        ({"currency": "DAI"}, "currency", "anvil has no token 'DAI' here; known: ETH, USDT, USDC, OLD"),
        ({"amount": "1.0000001"}, "amount", "USDT has 6 decimals on anvil"),
        ({"recipient": None}, "recipient", "missing; an address is 0x and 40 hexadecimal digits"),
        ({"recipient": "0x12"}, "recipient", "an address is 0x and 40 hexadecimal digits"),
        (
            {"payer": ALICE.replace("F", "f", 1)},
            "payer",
            "the capitals of the address do not fit its digits (EIP-55); is a digit wrong?",
        ),
        ({"coin": "ETH-USDT"}, "coin", "belongs to an invoice; over a chain the currency is the token"),
        ({"provider": "shkeeper"}, "chain", "belongs to a payment over a chain, whose provider is onchain"),
    ],
)
def test_what_is_wrong_with_a_payment_is_named(market: Market, changes: Document, field: str, message: str) -> None:
    refused = market.create("wrong", status=400, **changes)
    assert refused["errors"] == [{"field": field, "message": message}]


def test_a_hint_for_a_payment_that_goes_over_no_chain_is_refused(market: Market) -> None:
    order = {
        "provider": "shkeeper",
        "externalId": "e1",
        "requestId": "r1",
        "buyerId": "b1",
        "sellerId": "s1",
        "amount": "1",
        "currency": "USD",
    }
    payment = market.post("/api/payments", order)
    path = f"/api/payments/{payment['paymentId']}/transaction"
    assert "goes over no chain" in market.post(path, {"txHash": "0x" + "1" * 64}, 409)["detail"]
    assert market.post(path, {"txHash": "0x1"}, 400)["errors"] == [
        {"field": "txHash", "message": "the hash of a transaction is 0x and 64 hexadecimal digits"}
    ]
    [error] = market.post(path, {"txHash": "0x" + "1" * 64, "place": "3"}, 400)["errors"]
    assert "place goes with foundBy" in error["message"]
