"""Tokens and wallets as there are on real chains: what counts is what arrived, of just the token that was agreed."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from coordinator.payments.payments import PaymentStatus
from providers.onchain.blocks.contract_addresses import created_by
from providers.onchain.chains import Token
from providers.onchain.nodes.web3_library import Web3
from tests.anvil import ALICE, BOB, CAROL, CHAIN_ID, GAS, Anvil, running_anvil
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS, Follow, following
from tests.system.onchain.conftest import address

COMPLETED, PARTLY = PaymentStatus.COMPLETED, PaymentStatus.PARTIALLY_PAID


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with running_anvil() as anvil:
        yield anvil


@pytest.mark.parametrize("endpoints", [1, 2])
async def test_of_a_token_that_keeps_a_fee_what_arrived_counts(anvil: Anvil, tmp_path: Path, endpoints: int) -> None:
    fee = Token(symbol="FEE", decimals=6, address=anvil.deploy("FeeToken"))
    async with following(anvil, tmp_path, endpoints=endpoints, more=[fee]) as it:
        await it.follow()
        await it.register(currency="FEE", recipient=address("a fee"))
        anvil.transfer(str(fee.address), address("a fee"), 100 * 10**6)
        await it.follow(CONFIRMATIONS)
        payment = await it.payment()
        assert (payment.status, payment.received, payment.missing) == (PARTLY, Decimal(99), Decimal(1))


async def test_of_a_token_that_tells_of_more_than_arrives_what_it_tells_counts(anvil: Anvil, tmp_path: Path) -> None:
    """As the documentation says, which warns of such a token."""
    over = Token(symbol="OVER", decimals=6, address=anvil.deploy("OverstatingToken"))
    async with following(anvil, tmp_path, endpoints=2, more=[over]) as it:
        await it.follow()
        await it.register(currency="OVER", recipient=address("overstated"))
        anvil.transfer(str(over.address), address("overstated"), 100 * 10**6)
        await it.follow(CONFIRMATIONS)
        payment = await it.payment()
        assert (payment.status, payment.received) == (COMPLETED, Decimal(100))
        held = anvil.call_data("Token", "balanceOf", address("overstated"))
        balance = anvil.ask("eth_call", {"to": over.address, "data": held}, "latest")
        assert int(balance, 16) == 99 * 10**6


@pytest.mark.parametrize("endpoints", [1, 2])
async def test_a_token_that_tells_odd_things_harms_nobody_and_counts_once(
    anvil: Anvil, tmp_path: Path, endpoints: int
) -> None:
    odd = Token(symbol="ODD", decimals=6, address=anvil.deploy("OddToken"))
    async with following(anvil, tmp_path, endpoints=endpoints, more=[odd]) as it:
        await it.follow()
        await it.register("pay_1", currency="ODD", recipient=address("odd"))
        await it.register("pay_2", recipient=address("beside odd"))
        anvil.transfer(str(odd.address), address("odd"), 100 * 10**6)
        anvil.transfer(it.token, address("beside odd"), 100 * 10**6)
        await it.follow(CONFIRMATIONS)
        for payment_id in ("pay_1", "pay_2"):
            payment = await it.payment(payment_id)
            assert (payment.status, payment.received) == (COMPLETED, Decimal(100))
        assert it.rpc.endpoints[0].last_fault is None


async def test_decimals_are_those_of_the_token_on_its_chain(anvil: Anvil, tmp_path: Path) -> None:
    fine = Token(symbol="FINE", decimals=18, address=anvil.deploy("Token"))
    async with following(anvil, tmp_path, more=[fine]) as it:
        await it.follow()
        await it.register(currency="FINE", recipient=address("fine"))
        anvil.transfer(str(fine.address), address("fine"), 100 * 10**6)  # what would be a hundred of another token
        await it.follow(CONFIRMATIONS)
        payment = await it.payment()
        assert (payment.status, payment.received) == (PARTLY, Decimal("0.0000000001"))
        anvil.transfer(str(fine.address), address("fine"), 100 * 10**18 - 100 * 10**6)
        await it.follow(CONFIRMATIONS)
        assert (await it.payment()).received == Decimal(100)


async def test_a_contract_that_calls_itself_the_same_is_another_token(anvil: Anvil, tmp_path: Path) -> None:
    namesake = anvil.deploy("Token")
    async with following(anvil, tmp_path) as it:
        await it.follow()
        await it.register(recipient=address("namesake"))
        anvil.transfer(namesake, address("namesake"), 100 * 10**6)
        await it.follow(CONFIRMATIONS)
        assert (await it.payment()).status is PaymentStatus.PENDING
        assert await it.journal.chains.unmatched_transfers(10) == []


@pytest.mark.parametrize("endpoints", [1, 2])
async def test_a_wallet_that_is_a_contract_pays_several_in_one_transaction(
    anvil: Anvil, tmp_path: Path, endpoints: int
) -> None:
    wallet = anvil.deploy("Wallet")
    anvil.send(wallet, 500 * 10**18)
    async with following(anvil, tmp_path, endpoints=endpoints, own_coin=True) as it:
        await it.follow()
        to = [address(f"of a wallet {number} {it.token}") for number in range(3)]
        await it.register("pay_0", recipient=to[0])
        await it.register("pay_1", recipient=to[1])
        await it.register("pay_2", recipient=to[2], currency="ETH")
        anvil.transfer(it.token, wallet, 300 * 10**6)
        calls = [
            anvil.call_data("Token", "transfer", one, units * 10**6)
            for one, units in ((to[0], 60), (to[1], 100), (to[0], 40))
        ]
        targets, values = [it.token, it.token, it.token, to[2], to[2]], [0, 0, 0, 70 * 10**18, 30 * 10**18]
        anvil.send(wallet, data=anvil.call_data("Wallet", "execute", targets, values, [*calls, b"", b""]))
        await it.follow(CONFIRMATIONS)
        for number in range(3):
            payment = await it.payment(f"pay_{number}")
            assert (payment.status, payment.received, payment.excess) == (COMPLETED, Decimal(100), Decimal(0))
            assert len(payment.confirmed) == (1 if number == 1 else 2)


async def test_a_batch_of_payouts_pays_each_its_own_whatever_the_order_in_which_it_is_told(
    anvil: Anvil, tmp_path: Path
) -> None:
    wallet = anvil.deploy("Wallet")
    async with following(anvil, tmp_path) as it:
        await it.follow()
        await it.register(recipient=BOB)
        it.pay()
        await it.follow(CONFIRMATIONS)
        it.pay(100, wallet)
        calls = [anvil.call_data("Token", "transfer", one, 7 * 10**6) for one in (CAROL, ALICE, CAROL)]
        batch = anvil.send(wallet, data=anvil.call_data("Wallet", "execute", [it.token] * 3, [0] * 3, calls))
        for number, to in enumerate((CAROL, ALICE, CAROL)):
            await it.pay_out(batch, f"out_{number}", to=to)
        it.liar.changes("eth_getLogs", lambda parameters, logs: [*logs[::-1], *logs])
        await it.follow(CONFIRMATIONS + 1)
        for number in range(3):
            payout = await it.payout(f"out_{number}")
            assert (payout.status, payout.excess) == ("completed", Decimal(0))


@pytest.mark.parametrize("endpoints", [1, 2])
async def test_a_token_behind_a_proxy_counts_on_by_what_arrives_when_it_is_upgraded(
    anvil: Anvil, tmp_path: Path, endpoints: int
) -> None:
    proxy, plain, keeping = (anvil.deploy(name) for name in ("UpgradeableToken", "Token", "FeeToken"))
    upgraded = Token(symbol="UP", decimals=6, address=proxy)
    to = address(f"upgraded {proxy}")

    def upgrade(implementation: str) -> None:
        anvil.send(proxy, data=anvil.call_data("UpgradeableToken", "upgradeTo", implementation))

    upgrade(plain)
    async with following(anvil, tmp_path, endpoints=endpoints, more=[upgraded]) as it:
        await it.follow()
        await it.register(currency="UP", recipient=to)
        anvil.transfer(proxy, to, 50 * 10**6)
        upgrade(keeping)  # between two payments of one block
        anvil.transfer(proxy, to, 50 * 10**6)
        anvil.transfer(plain, to, 50 * 10**6)  # what is only the proxy's code is another token
        await it.follow(CONFIRMATIONS)
        payment = await it.payment()
        assert (payment.status, payment.received) == (PARTLY, Decimal("99.5"))


@pytest.mark.parametrize("percent", [50, 200])
async def test_of_a_token_that_rebases_what_its_transfers_tell_counts_and_a_rebase_moves_nothing(
    anvil: Anvil, tmp_path: Path, percent: int
) -> None:
    rebasing = Token(symbol="REB", decimals=6, address=anvil.deploy("RebasingToken"))
    to = address(f"rebased {percent}")
    async with following(anvil, tmp_path, endpoints=2, more=[rebasing]) as it:
        await it.follow()
        await it.register(currency="REB", recipient=to)
        anvil.transfer(str(rebasing.address), to, 60 * 10**6)
        await it.follow(1)
        anvil.send(str(rebasing.address), data=anvil.call_data("RebasingToken", "rebase", percent))
        await it.follow(CONFIRMATIONS)
        assert (await it.payment()).received == Decimal(60)
        anvil.transfer(str(rebasing.address), to, 40 * 10**6)
        await it.follow(CONFIRMATIONS)
        payment = await it.payment()
        assert (payment.status, payment.received) == (COMPLETED, Decimal(100))


async def test_what_a_token_refuses_on_its_list_is_nothing_and_a_payout_says_that_it_failed(
    anvil: Anvil, tmp_path: Path
) -> None:
    listing = anvil.deploy("ListingToken")
    async with following(anvil, tmp_path, endpoints=2, token=listing) as it:
        await it.follow()
        await it.register(recipient=CAROL)
        it.pay(100, CAROL)
        await it.follow(CONFIRMATIONS)
        assert (await it.payment()).status == COMPLETED
        anvil.send(listing, data=anvil.call_data("ListingToken", "refuse", BOB))
        refused = it.pay(7)
        await it.pay_out(refused)
        await it.follow(CONFIRMATIONS + 1)
        payout = await it.payout()
        assert (payout.status, payout.reasons) == (
            "mismatch",
            (f"{refused}: the transaction failed (signed by {ALICE})",),
        )


def delegated(anvil: Anvil, account: Any, to: str, data: str) -> str:
    """Sends a transaction of an account to itself that has it work as a contract (EIP-7702), and calls it."""
    nonce = int(anvil.ask("eth_getTransactionCount", account.address, "latest"), 16)
    authorization = account.sign_authorization({"chainId": CHAIN_ID, "address": to, "nonce": nonce + 1})
    transaction = {
        "type": 4,
        "chainId": CHAIN_ID,
        "nonce": nonce,
        "gas": GAS,
        "maxFeePerGas": 10**11,
        "maxPriorityFeePerGas": 10**9,
        "to": account.address,
        "value": 0,
        "data": data,
        "accessList": [],
        "authorizationList": [authorization],
    }
    raw = account.sign_transaction(transaction).raw_transaction
    tx_hash: str = anvil.ask("eth_sendRawTransaction", "0x" + raw.hex().removeprefix("0x"))
    return tx_hash


@pytest.mark.parametrize("endpoints", [1, 2])
async def test_an_account_that_works_as_a_contract_pays_as_any_other(
    anvil: Anvil, tmp_path: Path, endpoints: int
) -> None:
    """By its own transaction, which makes it one, and by a stranger's, who pays for the gas."""
    account: Any = Web3().eth.account.from_key("0x" + f"{endpoints}7" * 32)
    anvil.ask("anvil_setBalance", account.address, hex(1_000 * 10**18))
    wallet = anvil.deploy("Wallet")
    async with following(anvil, tmp_path, endpoints=endpoints, own_coin=True) as it:
        await it.follow()
        to = [address(f"of an account {number} {it.token}") for number in range(4)]
        for number, recipient in enumerate(to):
            currency = "ETH" if number % 2 else "USDT"
            await it.register(f"pay_{number}", recipient=recipient, payer=account.address, currency=currency)

        def paying(token_to: str, coin_to: str) -> str:
            transfer = anvil.call_data("Token", "transfer", token_to, 100 * 10**6)
            calls = [it.token, coin_to], [0, 100 * 10**18], [transfer, b""]
            return anvil.call_data("Wallet", "execute", *calls)

        it.pay(200, account.address)
        own = delegated(anvil, account, wallet, paying(to[0], to[1]))
        anvil.mine()
        assert anvil.ask("eth_getTransactionByHash", own)["type"] == "0x4"
        anvil.send(account.address, data=paying(to[2], to[3]))
        await it.follow(2 * CONFIRMATIONS)
        for number in range(4):
            payment = await it.payment(f"pay_{number}")
            assert (payment.status, payment.received, payment.excess) == (COMPLETED, Decimal(100), Decimal(0))
            [paid] = payment.facts.sightings
            assert paid.sender == account.address


@pytest.mark.parametrize("is_named", [True, False])
async def test_coin_that_a_contract_is_made_with_pays_whoever_was_given_its_address(
    follow: Follow, anvil: Anvil, is_named: bool
) -> None:
    async with follow(own_coin=True) as it:
        await it.follow(2)
        nonce = int(anvil.ask("eth_getTransactionCount", ALICE, "latest"), 16)
        await it.register(recipient=created_by(ALICE, nonce), currency="ETH")
        making = {"from": ALICE, "value": hex(100 * 10**18), "data": "0x00", "gas": hex(GAS)}
        tx_hash = anvil.ask("eth_sendTransaction", making)
        if is_named:
            await it.hint("pay_1", tx_hash)
            await it.follow()
            assert [one.stage for one in (await it.payment()).facts.sightings] == ["seen"]
        await it.follow(2 * CONFIRMATIONS)
        assert anvil.ask("eth_getTransactionReceipt", tx_hash)["contractAddress"] == created_by(ALICE, nonce).lower()
        payment = await it.payment()
        assert (payment.status, payment.excess) == (COMPLETED, Decimal(0))


async def test_coin_that_a_contract_was_to_be_made_with_which_failed_is_nothing(follow: Follow, anvil: Anvil) -> None:
    async with follow(own_coin=True) as it:
        await it.follow(2)
        nonce = int(anvil.ask("eth_getTransactionCount", ALICE, "latest"), 16)
        await it.register(recipient=created_by(ALICE, nonce), currency="ETH")
        making = {"from": ALICE, "value": hex(100 * 10**18), "data": "0xfe", "gas": hex(GAS)}
        anvil.ask("eth_sendTransaction", making)
        await it.follow(2 * CONFIRMATIONS)
        assert (await it.payment()).status == "pending"
