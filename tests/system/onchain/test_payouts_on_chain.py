"""Payouts over a chain: those of the marketplace's own wallet, and those of SHKeeper, checked on a real node."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.anvil import ALICE, BOB, CAROL, Anvil
from tests.conftest import StartBridge
from tests.played_shkeeper import KEY, OPERATOR_PASSWORD, PlayedShkeeper, played_shkeeper
from tests.system.conftest import StartListener
from tests.system.onchain.conftest import CONFIRMATIONS, Contracts, Document, Market, address, chains_file, told
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def shkeeper() -> Iterator[PlayedShkeeper]:
    with played_shkeeper() as shkeeper:
        yield shkeeper


@pytest.fixture(scope="module")
def bridge(
    make_bridge: StartBridge,
    anvil: Anvil,
    contracts: Contracts,
    shkeeper: PlayedShkeeper,
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    """Beside a SHKeeper whose payouts are on the same chain."""
    chains = chains_file(tmp_path_factory.mktemp("chains"), contracts)
    return make_bridge(
        BRIDGE_CHAINS_FILE=str(chains),
        BRIDGE_ENDPOINTS_ANVIL=anvil.websocket_url,
        BRIDGE_SHKEEPER_API_KEYS=KEY,
        BRIDGE_SHKEEPER_URL=shkeeper.url,
        BRIDGE_SHKEEPER_USER="admin",
        BRIDGE_SHKEEPER_PASSWORD=OPERATOR_PASSWORD,
        BRIDGE_RECONCILE_INTERVAL_SECONDS="0.2",
    )


def paid(market: Market, name: str) -> Document:
    payment = market.create(name)
    market.pay("usdt", address(name), 100)
    market.mine()
    market.settle(payment)
    return payment


def test_a_payout_of_a_known_transaction_is_followed_to_finality(market: Market, listen: StartListener) -> None:
    payment = paid(market, "own-payout")
    seller = listen(market.bridge.url, [["join-user-room", "seller-own-payout"]])
    tx_hash = market.pay("usdt", address("seller own-payout"), 90)
    market.mine()  # before anybody has told the bridge of it
    payout = market.pay_out(payment, txHash=tx_hash)
    assert (payout["provider"], payout["status"], payout["verification"]) == ("onchain", "broadcast", "pending")
    market.wait_for(payout, status="confirming", confirmations=1)
    market.mine(CONFIRMATIONS)
    market.wait_for(payout, status="completed", verification="verified")
    assert market.payment(payment)["escrowState"] == "released"
    assert told(seller, "payout-created", "payout-updated", "payout-completed") == [
        ("payout-created",),
        ("payout-updated", "broadcast"),
        ("payout-updated", "confirming"),
        ("payout-updated", "completed"),
        ("payout-completed",),
    ]


def test_a_payout_that_is_expected_of_a_wallet_is_found_by_it(market: Market, listen: StartListener) -> None:
    payment = paid(market, "expected")
    seller = listen(market.bridge.url, [["join-user-room", "seller-expected"]])
    payout = market.pay_out(payment, sender=ALICE)
    assert payout["status"] == "created"
    market.pay("usdt", BOB, 500)
    market.mine()
    market.pay("usdt", address("seller expected"), 90, sender=BOB)  # somebody else
    market.pay("usdt", address("seller expected"), 89)  # not the amount
    right = market.pay("usdt", address("seller expected"), 90)
    market.mine()
    market.wait_for(payout, status="confirming", confirmations=1)
    market.mine(CONFIRMATIONS)
    done = market.wait_for(payout, status="completed", verification="verified")
    assert done["txHashes"] == [right]
    # What the network took is the wallet's, in the chain's own coin, and stands in the books and the exports.
    receipt = market.anvil.ask("eth_getTransactionReceipt", right)
    took = Decimal(int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)).scaleb(-18)
    wait_until(lambda: market.payout(payout)["networkFees"])
    [fee] = market.payout(payout)["networkFees"]
    assert (fee["wallet"], fee["coin"], Decimal(fee["amount"])) == (f"anvil:{ALICE}", "ETH", took)
    [day] = [one for one in market.get("/api/ops/network-fees")["days"] if one["wallet"] == fee["wallet"]]
    assert (day["coin"], Decimal(day["fees"]), day["feesCount"]) == ("ETH", took, 1)
    month = done["updatedAt"][:7]
    [of_seller] = market.get(f"/api/ops/statement?sellerId=seller-expected&month={month}")["networkFees"]
    assert Decimal(of_seller["fees"]) == took
    [wallet] = [
        one
        for one in market.get("/api/ops/wallets")["wallets"]
        if (one["wallet"], one["coin"]) == (fee["wallet"], "ETH")
    ]
    assert (Decimal(wallet["booked"]), Decimal(wallet["networkFees"])) == (-took, took)
    assert told(seller, "payout-created", "payout-updated", "payout-completed") == [
        ("payout-created",),
        ("payout-updated", "confirming"),
        ("payout-updated", "completed"),
        ("payout-completed",),
    ]


def test_a_payout_that_is_replaced_is_dropped_until_the_other_transaction_is_named(
    market: Market, listen: StartListener
) -> None:
    payment = paid(market, "replaced")
    seller = listen(market.bridge.url, [["join-user-room", "seller-replaced"]])
    nonce = hex(int(market.anvil.ask("eth_getTransactionCount", ALICE, "pending"), 16))
    data = market.anvil.call_data("Token", "transfer", address("seller replaced"), 90 * 10**6)
    slow = market.anvil.send(market.contracts.usdt, data=data, nonce=nonce, gasPrice=hex(2 * 10**9))
    payout = market.pay_out(payment, txHash=slow)
    market.wait_for(payout, status="broadcast")
    wait_until(lambda: [one["stage"] for one in market.payout(payout)["sightings"]] == ["seen"])
    fast = market.anvil.send(market.contracts.usdt, data=data, nonce=nonce, gasPrice=hex(9 * 10**9))
    market.mine()
    market.mine(CONFIRMATIONS)
    found = market.wait_for(payout, status="dropped", verification="pending")
    assert found["reasons"] == [f"{slow}: another transaction of its sender took its place"]
    market.post(f"/api/payouts/{payout['payoutId']}/transaction", {"txHash": fast}, 202)
    market.wait_for(payout, status="completed", verification="verified")
    assert told(seller, "payout-updated", "payout-completed") == [
        ("payout-updated", "broadcast"),
        ("payout-updated", "dropped"),
        ("payout-updated", "broadcast"),
        ("payout-updated", "completed"),
        ("payout-completed",),
    ]


def test_a_payout_whose_transaction_fails_is_a_mismatch_only_once_that_is_certain(
    market: Market, listen: StartListener
) -> None:
    payment = paid(market, "reverted")
    seller = listen(market.bridge.url, [["join-user-room", "seller-reverted"]])
    failing = market.pay("usdt", address("seller reverted"), 90, sender=CAROL)  # who has none
    payout = market.pay_out(payment, txHash=failing)
    market.mine(CONFIRMATIONS - 1)
    market.wait_for(payout, status="broadcast")
    market.mine(2)
    found = market.wait_for(payout, status="mismatch", verification="mismatch")
    assert found["reasons"] == [f"{failing}: the transaction failed (signed by {CAROL})"]
    assert told(seller, "payout-updated", "payout-progress") == [
        ("payout-updated", "broadcast"),
        ("payout-updated", "mismatch"),
        ("payout-progress", "mismatch", "mismatch", f"{failing}: the transaction failed (signed by {CAROL})"),
    ]


def test_one_transaction_may_carry_several_payouts_to_one_seller(market: Market, listen: StartListener) -> None:
    ops = listen(market.bridge.url, [["join-ops-room"]])
    payments = [paid(market, name) for name in ("batched-1", "batched-2")]
    to = address("a seller of two things")
    market.pay("usdt", market.contracts.forwarder, 180)
    both = market.anvil.call_data("Forwarder", "forwardToken", market.contracts.usdt, [to, to], 90 * 10**6)
    tx_hash = market.anvil.send(market.contracts.forwarder, data=both)
    market.mine(CONFIRMATIONS)  # before anybody has told the bridge of it
    items = [
        {
            "paymentId": payment["paymentId"],
            "chain": "anvil",
            "coin": "USDT",
            "amount": "90",
            "destination": to,
            "txHash": tx_hash,
        }
        for payment in payments
    ]
    payouts = market.post("/api/payouts", {"payouts": items}, 202)["payouts"]
    for payout in payouts:
        done = market.wait_for(payout, status="completed", verification="verified")
        assert (done["excess"], done["reasons"]) == ("0", [])
    assert len(told(ops, "payout-completed")) == 2


@pytest.mark.parametrize(
    ("name", "token", "to", "amount", "reason"),
    [
        ("little", "usdt", "seller little", 89, "pays 89 USDT of 90"),
        ("dear", "usdt", "seller dear", 91, "pays 91 USDT of 90"),
        ("token", "usdc", "seller token", 90, "it carries USDC, but USDT is waited for"),
        ("stranger", "usdt", "nobody", 90, "not 0x"),
    ],
)
def test_a_payout_that_does_not_pay_what_it_should_is_a_mismatch(
    market: Market, listen: StartListener, name: str, token: str, to: str, amount: int, reason: str
) -> None:
    ops = listen(market.bridge.url, [["join-ops-room"]])
    payment = paid(market, name)
    tx_hash = market.pay(token, address(to), amount)
    payout = market.pay_out(payment, txHash=tx_hash)
    market.mine(CONFIRMATIONS + 1)
    found = market.wait_for(payout, status="mismatch", verification="mismatch")
    assert reason in "; ".join(found["reasons"])
    assert told(ops, "payout-updated")[-1] == ("payout-updated", "mismatch")
    progress = told(ops, "payout-progress")[-1]
    assert progress[:3] == ("payout-progress", "mismatch", "mismatch")
    assert reason in progress[-1]
    assert "payout-completed" not in [one[0] for one in told(ops, "payout-completed")]
    path = f"/api/payouts/{payout['payoutId']}"
    if name == "stranger":  # it is sent once more, this time to the seller
        again = market.pay("usdt", address(f"seller {name}"), 90)
        market.post(f"{path}/transaction", {"txHash": again}, 202)
        market.mine(CONFIRMATIONS)
        market.wait_for(payout, status="completed", verification="verified")
    else:  # a person settles it with the seller
        market.post(f"{path}/resolution", {"outcome": "arrived", "foundBy": "ops-1", "note": "said so"}, 200)
        done = market.wait_for(payout, status="completed", verification="mismatch")
        assert "ops-1 found that it has arrived: said so" in [one["reason"] for one in done["history"]]


def test_one_transfer_does_not_carry_two_payouts(market: Market, listen: StartListener) -> None:
    ops = listen(market.bridge.url, [["join-ops-room"]])
    first, second = paid(market, "twin-1"), paid(market, "twin-2")
    to: Document = {"destination": address("the same seller")}
    tx_hash = market.pay("usdt", address("the same seller"), 90)
    market.mine(CONFIRMATIONS)
    one = market.pay_out(first, txHash=tx_hash, **to)
    market.wait_for(one, status="completed")
    other = market.pay_out(second, txHash=tx_hash, **to)
    found = market.wait_for(other, status="mismatch")
    assert found["reasons"] == [f"{tx_hash}: it was counted for something else before (signed by {ALICE})"]
    assert told(ops, "payout-progress")[-1] == ("payout-progress", "mismatch", "mismatch", *found["reasons"])


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({}, "txHash", "missing; name the transaction, or the sender whose transfer is expected"),
        ({"chain": None, "txHash": "0x" + "1" * 64}, "chain", "missing; followed: anvil"),
        ({"sender": ALICE, "coin": "DAI"}, "coin", "anvil has no token 'DAI' here; known: ETH, USDT, USDC, OLD"),
        ({"sender": ALICE, "destination": "bc1q"}, "destination", "an address is 0x and 40 hexadecimal digits"),
    ],
)
def test_what_is_wrong_with_a_payout_is_named(market: Market, changes: Document, field: str, message: str) -> None:
    payment = paid(market, f"wrong-payout-{field}")
    refused = market.pay_out(payment, 400, **changes)
    assert refused["errors"] == [{"field": f"payouts.0.{field}", "message": message}]


class Wallet:
    """SHKeeper's wallet on the chain. It may send less than it is asked for, or to somebody else."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.takes = 0
        self.to: str | None = None

    def __call__(self, coin: str, destination: str, amount: Decimal) -> str:
        assert coin == "ETH-USDT"
        tx_hash = self.market.pay("usdt", self.to or destination, int(amount) - self.takes)
        self.market.anvil.mine(CONFIRMATIONS)
        return tx_hash.upper().replace("0X", "")  # not everybody writes a hash alike


@pytest.mark.parametrize(
    ("name", "takes", "to", "status", "reason"),
    [
        ("honest", 0, None, "completed", None),
        ("short", 1, None, "mismatch", "pays 89 USDT of 90"),
        ("robbed", 0, "a thief", "mismatch", "not 0x"),
    ],
)
def test_what_shkeeper_reports_is_checked_on_the_chain(
    market: Market,
    shkeeper: PlayedShkeeper,
    listen: StartListener,
    name: str,
    takes: int,
    to: str | None,
    status: str,
    reason: str | None,
) -> None:
    ops = listen(market.bridge.url, [["join-ops-room"]])
    order = {
        "provider": "shkeeper",
        "coin": "ETH-USDT",
        "requestId": name,
        "buyerId": "b1",
        "sellerId": "s1",
        "amount": "100",
        "currency": "USD",
    }
    payment = market.post("/api/payments", order)
    shkeeper.transfer(payment["invoices"][0]["address"])
    market.wait_for(payment, status="completed")
    wallet = Wallet(market)
    wallet.takes, wallet.to = takes, to and address(to)
    shkeeper.gateway.payouts.wallet = wallet
    payout = market.pay_out(payment, chain=None, coin="ETH-USDT", destination=address(f"seller {name}").lower())
    assert (payout["provider"], payout["chain"], payout["destination"]) == (
        "shkeeper",
        "anvil",
        address(f"seller {name}"),
    )
    found = market.wait_for(payout, status=status, verification="verified" if status == "completed" else "mismatch")
    assert (reason or "") in "; ".join(found["reasons"])
    completed = [one for one in told(ops, "payout-completed") if one]
    assert len(completed) == (status == "completed")
    assert told(ops, "payout-progress")[-1][1:3] == (status, found["verification"])
    if status == "completed":  # the gateway's wallet has paid the network, in what it calls the chain's own coin
        wait_until(lambda: market.payout(payout)["networkFees"])
        [fee] = market.payout(payout)["networkFees"]
        assert (fee["wallet"], fee["coin"], Decimal(fee["amount"]) > 0) == ("shkeeper", "ETH", True)


def test_a_recheck_waits_for_the_chains_answer(market: Market) -> None:
    payment = paid(market, "rechecked")
    payout = market.pay_out(payment, sender=ALICE)
    path = f"/api/ops/payouts/{payout['payoutId']}/recheck"

    def rechecked() -> Document:
        """Until the chain has answered: where it takes too long, that is what whoever asks is told."""

        def asked() -> Document | None:
            answer = market.post(path, {"by": "Ada"}, 200)
            return None if "did not answer" in answer["message"] else answer

        return wait_until(asked) or {}

    nothing = rechecked()
    assert (nothing["payout"]["status"], nothing["message"]) == ("created", "Nothing new; it is created.")
    right = market.pay("usdt", address("seller rechecked"), 90)
    market.mine(CONFIRMATIONS)
    found = rechecked()
    # What the chain has shown by itself in the meantime is no news any more; that it is known by now is the point.
    assert (found["payout"]["status"], found["payout"]["txHashes"]) == ("completed", [right])
    assert found["payout"]["verification"] == "verified"


def test_whoever_asked_for_a_payout_of_a_wallet_withdraws_it_until_the_chain_shows_it(market: Market) -> None:
    payment = paid(market, "withdrawn")

    def withdrawn(payout: Document) -> tuple[int, Document]:
        """What is answered once the chain was asked, however long that takes."""

        def asked() -> tuple[int, Document] | None:
            content = {"note": "it is sent otherwise"}
            answer = market.client.post(f"/api/payouts/{payout['payoutId']}/cancellation", json=content)
            return None if "did not answer" in answer.text else (answer.status_code, answer.json())

        return wait_until(asked) or (0, {})

    first = market.pay_out(payment, sender=ALICE)
    assert "paid out already" in market.pay_out(payment, 409, sender=ALICE)["detail"]
    status, done = withdrawn(first)
    assert (status, done["status"], done["reasons"]) == (
        200,
        "failed",
        ["somebody withdrew it: it is sent otherwise"],
    )
    second = market.pay_out(payment, sender=ALICE)
    market.pay("usdt", address("seller withdrawn"), 90)
    market.mine()
    # The chain is asked first, also where nobody has looked at it yet.
    assert withdrawn(second)[1]["detail"] == "This payout is confirming: it was seen on its chain."
    market.mine(CONFIRMATIONS)
    market.wait_for(second, status="completed")


def test_nothing_is_paid_out_to_the_marketplaces_own_wallets(market: Market) -> None:
    payment = paid(market, "own-wallets")
    sender = address("the marketplace's wallet")
    for own, of in (
        (address("own-wallets"), "received there"),
        (sender, "the wallet that sends it"),
    ):
        refused = market.pay_out(payment, 400, destination=own, sender=sender)
        assert [fault["field"] for fault in refused["errors"]] == ["payouts.0.destination"]
        assert of in refused["detail"]
    market.pay_out(payment, sender=sender, amount="1")
    again = {"destination": sender, "sender": address("another wallet"), "amount": "1"}
    assert "sent from there" in market.pay_out(payment, 400, **again)["detail"]
