"""What left some wallets or came to some addresses, of a real node: each transfer once, in the pieces that the node
allows."""

from collections.abc import Sequence
from typing import Any

import pytest

from providers.onchain.chains import Chain
from providers.onchain.nodes.rpc import RefusedByNodeError
from providers.onchain.reading.party_transfers import Parties, own_coin_transfers, token_transfers
from providers.onchain.reading.scanning import Seen
from tests.anvil import ALICE, BOB, CAROL, Anvil
from tests.providers.onchain.conftest import Contracts, OpenRpc
from tests.providers.onchain.liar import Liar, Refusal
from tests.scripted_gateway import scripted_gateway

LARGEST_RANGE = 3
TOO_MANY = Refusal(-32005, f"at most {LARGEST_RANGE} blocks")


def told(seen: Sequence[Seen]) -> list[tuple[str, str, str, int]]:
    return [
        (one.transfer.token.symbol, one.transfer.sender, one.transfer.recipient, one.transfer.units) for one in seen
    ]


async def test_all_that_left_or_came_is_found_in_small_pieces(
    anvil: Anvil, contracts: Contracts, chain: Chain, open_rpc: OpenRpc
) -> None:
    first = anvil.head() + 1
    anvil.transfer(contracts.token, BOB, 50)
    anvil.mine(5)
    anvil.transfer(contracts.token, CAROL, 7, sender=BOB)
    anvil.transfer(contracts.silent_token, CAROL, 8)
    anvil.mine(5)
    own_coin = anvil.send(CAROL, 9, sender=BOB)
    reverted = anvil.transfer(contracts.token, CAROL, 10**9, sender=BOB)
    anvil.mine(2)
    head = anvil.head()
    assert anvil.ask("eth_getTransactionReceipt", reverted)["status"] == "0x0"
    async with scripted_gateway() as gateway:
        liar = Liar(gateway, anvil)

        def few(parameters: list[Any]) -> Any:
            asked = parameters[0]
            return TOO_MANY if int(asked["toBlock"], 16) - int(asked["fromBlock"], 16) >= LARGEST_RANGE else ...

        liar.answers = {"eth_getLogs": few}
        rpc = await open_rpc(gateway.url)
        for parties, expected in (
            (Parties([BOB]), [("USDT", BOB, CAROL, 7)]),
            (Parties([BOB], [CAROL]), [("USDT", BOB, CAROL, 7), ("OLD", ALICE, CAROL, 8)]),
            (Parties([], [BOB]), [("USDT", ALICE, BOB, 50)]),
        ):
            assert told((await token_transfers(rpc, chain, first, head, parties)).seen) == expected
        for parties in (Parties([BOB]), Parties([], [CAROL]), Parties([BOB], [CAROL])):
            [sent] = (await own_coin_transfers(rpc, chain, first, head, parties)).seen
            assert (sent.transfer.tx_hash, sent.transfer.units) == (own_coin, 9)
        assert not (await token_transfers(rpc, chain, first, head, Parties())).seen


async def test_what_not_even_one_block_can_be_had_of_is_no_silence(
    anvil: Anvil, contracts: Contracts, chain: Chain, open_rpc: OpenRpc
) -> None:
    async with scripted_gateway() as gateway:
        Liar(gateway, anvil).answers = {"eth_getLogs": TOO_MANY}
        rpc = await open_rpc(gateway.url)
        with pytest.raises(RefusedByNodeError):
            await token_transfers(rpc, chain, 0, anvil.head(), Parties([BOB]))


@pytest.mark.parametrize(
    "spoilt", [{"data": "0x"}, {"removed": "false"}, {"transactionHash": None}, {"logIndex": None}]
)
async def test_a_log_that_cannot_be_read_is_told_of_and_hides_no_other(
    anvil: Anvil, contracts: Contracts, chain: Chain, open_rpc: OpenRpc, spoilt: dict[str, Any]
) -> None:
    first = anvil.head() + 1
    bad = anvil.transfer(contracts.token, BOB, 50)
    anvil.mine(5)
    anvil.transfer(contracts.token, BOB, 51)
    anvil.mine(5)
    async with scripted_gateway() as gateway:
        liar = Liar(gateway, anvil)
        liar.changes(
            "eth_getLogs",
            lambda _, logs: [one | spoilt if one["transactionHash"] == bad else one for one in logs],
        )
        rpc = await open_rpc(gateway.url)
        found = await token_transfers(rpc, chain, first, anvil.head(), Parties([], [BOB]))
    assert told(found.seen) == [("USDT", ALICE, BOB, 51)]
    [unread] = found.unread
    assert unread.first <= first <= unread.last
    assert unread.log.tx_hash == (bad if "transactionHash" not in spoilt else "no transaction")


async def test_a_block_about_which_two_endpoints_differ_hides_no_other(
    anvil: Anvil, contracts: Contracts, chain: Chain, open_rpc: OpenRpc
) -> None:
    first = anvil.head() + 1
    bad = anvil.transfer(contracts.token, BOB, 50)
    anvil.mine(5)
    anvil.transfer(contracts.token, BOB, 51)
    anvil.mine(5)
    async with scripted_gateway() as gateway, scripted_gateway() as other:
        Liar(other, anvil)
        Liar(gateway, anvil).changes(
            "eth_getLogs", lambda _, logs: [one for one in logs if one["transactionHash"] != bad]
        )
        rpc = await open_rpc(gateway.url, other.url)
        found = await token_transfers(rpc, chain, first, anvil.head(), Parties([], [BOB]))
    assert told(found.seen) == [("USDT", ALICE, BOB, 51)]
    [(number, reason)] = found.refused.items()
    assert (number, "two endpoints report different logs" in reason) == (first, True)
