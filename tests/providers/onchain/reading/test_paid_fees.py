"""What the network took for a transaction: by the word of two endpoints where there are two."""

from decimal import Decimal
from typing import Any

import pytest

from providers.onchain.chains import Chain
from providers.onchain.nodes.rpc import ChainUnavailableError
from providers.onchain.reading.paid_fees import paid_fee
from tests.anvil import ALICE, BOB, Anvil
from tests.providers.onchain.conftest import OpenRpc
from tests.providers.onchain.liar import Liar
from tests.scripted_gateway import scripted_gateway


async def test_it_is_what_the_sender_has_less_besides_what_was_sent(
    anvil: Anvil, chain: Chain, open_rpc: OpenRpc
) -> None:
    rpc = await open_rpc(anvil.url)
    before = int(anvil.ask("eth_getBalance", ALICE, "latest"), 16)
    tx_hash = anvil.send(BOB, 5)
    anvil.mine()
    lost = before - int(anvil.ask("eth_getBalance", ALICE, "latest"), 16) - 5
    assert await paid_fee(chain, rpc, tx_hash) == (ALICE, Decimal(lost).scaleb(-18))
    with pytest.raises(ChainUnavailableError, match="it has no receipt of 0x11"):
        await paid_fee(chain, rpc, f"0x{'1' * 64}")


async def test_two_endpoints_have_to_say_the_same(anvil: Anvil, chain: Chain, open_rpc: OpenRpc) -> None:
    tx_hash = anvil.send(BOB, 5)
    anvil.mine()
    async with scripted_gateway() as gateway:
        liar = Liar(gateway, anvil)
        rpc = await open_rpc(anvil.url, liar.url)
        honest = await paid_fee(chain, rpc, tx_hash)

        def lies(**changes: Any) -> None:
            liar.changes("eth_getTransactionReceipt", lambda _parameters, receipt: receipt | changes)

        lies(l1Fee="0x64")
        with pytest.raises(ChainUnavailableError, match="disagree about the fee of"):
            await paid_fee(chain, rpc, tx_hash)
        for wrong in ({"gasUsed": "0x" + "f" * 64}, {"effectiveGasPrice": None}, {"from": "me"}):
            lies(**wrong)
            with pytest.raises(ChainUnavailableError, match="says no fee"):
                await paid_fee(chain, rpc, tx_hash)
        lies()
        assert await paid_fee(chain, rpc, tx_hash) == honest
        lies(transactionHash="0x1")
        with pytest.raises(ChainUnavailableError, match="answers about another transaction"):
            await paid_fee(chain, rpc, tx_hash)


async def test_what_a_chain_takes_for_another_one_beside_it_is_in_it(
    anvil: Anvil, chain: Chain, open_rpc: OpenRpc
) -> None:
    tx_hash = anvil.send(BOB, 5)
    anvil.mine()
    async with scripted_gateway() as gateway:
        liar = Liar(gateway, anvil)
        rpc = await open_rpc(liar.url)
        alone = await paid_fee(chain, rpc, tx_hash)
        liar.changes("eth_getTransactionReceipt", lambda _parameters, receipt: receipt | {"l1Fee": hex(10**15)})
        assert (await paid_fee(chain, rpc, tx_hash)).amount - alone.amount == Decimal("0.001")
