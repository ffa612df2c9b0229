"""A real node, with tokens on it, and the chain as the bridge is told of it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass

import pytest
from pydantic import SecretStr
from tenacity import wait_none

from providers.onchain.chains import Chain, Token
from providers.onchain.nodes.rpc import ChainRpc
from tests.anvil import CHAIN_ID, Anvil, running_anvil
from tests.waiting import GIVE_UP_SECONDS


@dataclass(frozen=True)
class Contracts:
    """Where the contracts of the tests stand."""

    token: str
    silent_token: str
    forwarder: str


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with running_anvil() as anvil:
        yield anvil


@pytest.fixture(scope="module")
def contracts(anvil: Anvil) -> Contracts:
    return Contracts(*(anvil.deploy(name) for name in ("Token", "SilentToken", "Forwarder")))


@pytest.fixture(scope="module")
def chain(anvil: Anvil, contracts: Contracts) -> Chain:
    return Chain(
        name="anvil",
        chain_id=CHAIN_ID,
        confirmations=3,
        block_seconds=1,
        tokens=(
            Token(symbol="ETH", decimals=18),
            Token(symbol="USDT", decimals=6, address=contracts.token),
            Token(symbol="OLD", decimals=6, address=contracts.silent_token),
        ),
        endpoints=(SecretStr(anvil.url),),
    )


OpenRpc = Callable[..., Awaitable[ChainRpc]]


@pytest.fixture
async def open_rpc(chain: Chain) -> AsyncIterator[OpenRpc]:
    """Opens the chain at the endpoints that it is called with."""
    opened: list[ChainRpc] = []

    async def open_at(*urls: str) -> ChainRpc:
        at = chain.model_copy(update={"endpoints": tuple(SecretStr(url) for url in urls)})
        rpc = ChainRpc(at, timeout_seconds=GIVE_UP_SECONDS, pauses=wait_none())
        opened.append(rpc)
        await rpc.start()
        return rpc

    yield open_at
    for rpc in opened:
        await rpc.aclose()
