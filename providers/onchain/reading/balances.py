"""Balances: what an address holds, as of a block that is final: by the word of two endpoints, or of the only one
there is."""

from decimal import Decimal

from coordinator.money import format_amount
from providers.onchain.chains import Chain, Token, token_amount
from providers.onchain.nodes.rpc import ChainRpc, ChainUnavailableError, RefusedByNodeError
from providers.onchain.quantities import quantity
from providers.onchain.reading.agreeing import agreed

__all__ = ["balance", "final_block"]

BALANCE_OF = "0x70a08231"
WORD_DIGITS = 64


async def final_block(chain: Chain, rpc: ChainRpc) -> int:
    """The newest block in which a transfer is final. Raises ChainUnavailableError."""
    head = await rpc.head()
    if chain.required_confirmations is not None:
        return max(head.number - chain.required_confirmations + 1, 0)
    try:
        _, finalized = await rpc.finalized(head.number)
    except RefusedByNodeError as error:
        raise ChainUnavailableError(f"{chain.name}: {error}") from None
    return finalized.number


async def balance(chain: Chain, rpc: ChainRpc, token: Token, address: str, block: int) -> Decimal:
    """How much of a token an address held in a block. Raises ChainUnavailableError, also where endpoints disagree."""

    async def ask(place: int) -> int:
        return await _units(rpc, place, token, address, hex(block))

    units = await agreed(chain, rpc, f"block {block}", ask, lambda units: format_amount(token_amount(token, units)))
    return token_amount(token, units)


async def _units(rpc: ChainRpc, place: int, token: Token, address: str, block: str) -> int:
    """In base units. Raises FaultyError, and RefusedByNodeError."""
    if token.address is None:
        answer = await rpc.ask_at(place, "eth_getBalance", address, block)
    else:
        data = BALANCE_OF + address.removeprefix("0x").lower().rjust(WORD_DIGITS, "0")
        answer = await rpc.ask_at(place, "eth_call", {"to": token.address, "data": data}, block)
    try:
        return quantity(answer)
    except ValueError:
        raise RefusedByNodeError(0, f"it says no balance of {token.symbol}") from None
