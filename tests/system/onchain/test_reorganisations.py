"""Blocks that vanish, on a real node: what was seen is taken back and said, and what is final stays."""

from collections.abc import Iterator

import pytest

from tests.anvil import Anvil, running_anvil
from tests.conftest import StartBridge
from tests.system.conftest import StartListener
from tests.system.onchain.conftest import CONFIRMATIONS, Market, address, chains_file, deploy, told
from tests.waiting import wait_until

VANISHED = "the block that held it is not part of the chain any more"


@pytest.mark.parametrize("depth", [1, 3])
def test_a_payment_whose_block_vanishes_goes_back_and_comes_forward_where_it_is_mined_anew(
    market: Market, listen: StartListener, depth: int
) -> None:
    name = f"reorganised-{depth}"
    buyer = listen(market.bridge.url, [["join-user-room", f"buyer-{name}"], ["join-request-room", name]])
    payment = market.create(name)
    tx_hash = market.pay("usdt", address(name), 100)
    market.mine()
    market.wait_for(payment, confirmations=1)
    if depth > 1:
        market.mine(depth - 1)
        market.wait_for(payment, confirmations=depth)
    raw = market.anvil.ask("eth_getRawTransactionByHash", tx_hash)
    market.anvil.reorganise(depth)
    market.mine()
    market.wait_for(payment, status="pending", confirmations=None)
    market.anvil.ask("eth_sendRawTransaction", raw)
    market.mine()
    market.wait_for(payment, status="confirming", confirmations=1)
    market.settle(payment)
    assert told(buyer, "purchase-request-update") == [
        ("purchase-request-update", "payment-confirming", "confirming"),
        ("purchase-request-update", "payment-reorganised", "pending"),
        ("purchase-request-update", "payment-confirming", "confirming"),
        ("purchase-request-update", "payment-completed", "completed"),
    ]
    assert ("payment-progress", "pending", "100", VANISHED) in told(buyer, "payment-progress")


def test_a_payment_whose_block_vanishes_for_good_ends_as_dropped(market: Market, listen: StartListener) -> None:
    buyer = listen(market.bridge.url, [["join-request-room", "gone"]])
    payment = market.create("gone")
    market.pay("usdt", address("gone"), 100)
    market.mine()
    market.wait_for(payment, status="confirming")
    market.anvil.reorganise(1)
    market.mine()
    market.wait_for(payment, status="pending")
    market.mine(4 * (CONFIRMATIONS + 1) + 1)
    wait_until(lambda: [one["stage"] for one in market.payment(payment)["sightings"]] == ["dropped"])
    types = [one[1] for one in told(buyer, "purchase-request-update")]
    assert types == ["payment-confirming", "payment-reorganised"]
    assert [one["reason"] for one in market.payment(payment)["sightings"]] == ["no node knows it any more"]


def test_a_payout_whose_block_vanishes_goes_back_and_comes_forward_again(
    market: Market, listen: StartListener
) -> None:
    ops = listen(market.bridge.url, [["join-ops-room"]])
    payment = market.create("paid-out-twice")
    market.pay("usdt", address("paid-out-twice"), 100)
    market.mine()
    market.settle(payment)
    tx_hash = market.pay("usdt", address("seller of it"), 90)
    item = {
        "paymentId": payment["paymentId"],
        "chain": "anvil",
        "coin": "USDT",
        "amount": "90",
        "destination": address("seller of it"),
        "txHash": tx_hash,
    }
    [payout] = market.post("/api/payouts", {"payouts": [item]}, 202)["payouts"]
    market.mine()
    market.wait_for(payout, status="confirming", confirmations=1)
    raw = market.anvil.ask("eth_getRawTransactionByHash", tx_hash)
    market.anvil.reorganise(1)
    market.mine()
    market.wait_for(payout, status="broadcast")
    market.anvil.ask("eth_sendRawTransaction", raw)
    market.mine()
    market.wait_for(payout, status="confirming")
    market.mine(CONFIRMATIONS)
    market.wait_for(payout, status="completed", verification="verified")
    statuses = [one[1] for one in told(ops, "payout-updated")]
    assert statuses == ["broadcast", "confirming", "broadcast", "confirming", "completed"]
    assert ("payout-progress", "broadcast", "pending", VANISHED) in told(ops, "payout-progress")


@pytest.fixture
def own_anvil() -> Iterator[Anvil]:
    with running_anvil() as anvil:
        yield anvil


def test_what_is_final_stays_and_an_alarm_is_raised_where_the_chain_takes_it_back(
    own_anvil: Anvil, make_bridge: StartBridge, tmp_path_factory: pytest.TempPathFactory, listen: StartListener
) -> None:
    contracts = deploy(own_anvil)
    own_anvil.mine(3)
    chains = chains_file(tmp_path_factory.mktemp("chains"), contracts)
    bridge = make_bridge(BRIDGE_CHAINS_FILE=str(chains), BRIDGE_ENDPOINTS_ANVIL=own_anvil.websocket_url)
    market = Market(bridge, own_anvil, contracts)
    market.follow()
    buyer = listen(bridge.url, [["join-request-room", "final"]])
    seller = listen(bridge.url, [["join-user-room", "seller-funded"]])
    payment, other = market.create("final"), market.create("after")
    funded = market.create("funded")
    market.pay("usdt", address("funded"), 100)
    market.mine(CONFIRMATIONS)
    market.wait_for(funded, status="completed")
    tx_hash = market.pay("usdt", address("final"), 100)
    sent = market.pay("usdt", address("seller of it"), 90)
    item = {"chain": "anvil", "coin": "USDT", "amount": "90", "destination": address("seller of it"), "txHash": sent}
    item["paymentId"] = funded["paymentId"]
    [payout] = market.post("/api/payouts", {"payouts": [item]}, 202)["payouts"]
    market.mine()
    market.wait_for(payment, status="confirming")
    market.mine(CONFIRMATIONS)
    market.wait_for(payment, status="completed")
    market.wait_for(payout, status="completed")
    market.anvil.reorganise(CONFIRMATIONS + 1)
    market.mine()
    wait_until(lambda: market.get("/api/chains/troubles")["alarms"])
    [alarm] = market.get("/api/chains/troubles")["alarms"]
    assert alarm["chain"] == "anvil"
    assert "a reorganisation took back block" in alarm["message"]
    assert f"{payment['paymentId']} ({tx_hash})" in alarm["message"]
    assert f"{payout['payoutId']} ({sent})" in alarm["message"]
    assert funded["paymentId"] not in alarm["message"]
    wait_until(lambda: "which was final" in market.get("/health/ready")["checks"]["anvil"])
    [chain] = market.get("/api/chains")["chains"]
    assert chain["problem"].startswith(f"it took back block {alarm['blockNumber']}, which was final")
    assert payment["paymentId"] not in chain["problem"]  # which anybody may read
    assert "CRITICAL" in bridge.log.read_text()
    assert market.payment(payment)["status"] == "completed"
    assert market.payout(payout)["status"] == "completed"
    market.pay("usdt", address("after"), 100)
    market.mine(CONFIRMATIONS)
    market.wait_for(other, status="completed")
    assert [one[1] for one in told(buyer, "purchase-request-update")] == ["payment-confirming", "payment-completed"]
    assert [one[1] for one in told(seller, "payout-updated")] == ["broadcast", "confirming", "completed"]
    assert len(told(seller, "payout-completed")) == 1
    # While the newest block lies below those that were followed, nobody knows how many are still to be.
    followed = own_anvil.head()
    own_anvil.go_back(CONFIRMATIONS + 2)
    said = f"at block {followed - CONFIRMATIONS - 2}, below {followed}, which was followed"
    wait_until(lambda: said in market.get("/health/ready")["checks"]["anvil"])
    [chain] = market.get("/api/chains")["chains"]
    assert chain["blocksBehind"] is None
    market.client.close()
