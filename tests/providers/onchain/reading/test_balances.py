"""What an address holds: as of a block that is final, and by the word of two endpoints where there are two."""

from decimal import Decimal

import pytest

from providers.onchain.chains import Chain
from providers.onchain.nodes.rpc import ChainUnavailableError
from providers.onchain.reading.balances import balance, final_block
from tests.anvil import CAROL, Anvil
from tests.providers.onchain.conftest import Contracts, OpenRpc
from tests.providers.onchain.liar import Liar
from tests.scripted_gateway import scripted_gateway

WALLET = "0x0000000000000000000000000000000000000123"


async def test_it_holds_what_came_in_blocks_that_are_final(
    anvil: Anvil, chain: Chain, contracts: Contracts, open_rpc: OpenRpc
) -> None:
    rpc = await open_rpc(anvil.url)
    anvil.transfer(contracts.token, WALLET, 2_500_000)
    anvil.send(WALLET, 3)
    anvil.mine()

    async def held() -> dict[str, Decimal]:
        block = await final_block(chain, rpc)
        return {token.symbol: await balance(chain, rpc, token, WALLET, block) for token in chain.tokens}

    assert await held() == {"ETH": 0, "USDT": 0, "OLD": 0}
    anvil.mine(2)
    assert await held() == {"ETH": Decimal("0.000000000000000003"), "USDT": Decimal("2.5"), "OLD": 0}


async def test_where_endpoints_disagree_or_one_is_alone_it_is_not_known(
    anvil: Anvil, chain: Chain, open_rpc: OpenRpc
) -> None:
    usdt = chain.tokens[1]
    async with scripted_gateway() as gateway:
        liar = Liar(gateway, anvil)
        rpc = await open_rpc(anvil.url, liar.url)
        block = await final_block(chain, rpc)
        assert await balance(chain, rpc, usdt, CAROL, block) == 0
        liar.answers["eth_call"] = hex(10**12)
        with pytest.raises(ChainUnavailableError, match=r"disagree about block [0-9]+: .* says 0; .* says 1000000"):
            await balance(chain, rpc, usdt, CAROL, block)
        liar.answers["eth_call"] = "0x"
        with pytest.raises(ChainUnavailableError, match=r"only 127.0.0.1:[0-9]+ answers .* no balance of USDT"):
            await balance(chain, rpc, usdt, CAROL, block)
        liar.is_dead = True
        with pytest.raises(ChainUnavailableError, match=r"only 127.0.0.1:[0-9]+ answers"):
            await balance(chain, rpc, usdt, CAROL, block)
