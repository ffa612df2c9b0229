"""What an address holds, as of a block that is final: by the word of two endpoints, or of the only one there is."""

from decimal import Decimal

from providers.onchain.chains import Chain, Token, token_amount
from providers.onchain.nodes.rpc import ChainRpc, ChainUnavailableError, FaultyError, RefusedByNodeError
from providers.onchain.quantities import quantity

__all__ = ["final_block", "holding"]

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
    if finalized is None:
        raise ChainUnavailableError(f"{chain.name} has no block yet that it calls finalized")
    return finalized.number


async def holding(chain: Chain, rpc: ChainRpc, token: Token, address: str, block: int) -> Decimal:
    """How much of a token an address held in a block. Raises ChainUnavailableError, also where endpoints disagree."""
    said: dict[str, int] = {}
    reasons = []
    for place in rpc.well():
        host = rpc.endpoints[place].host
        try:
            said[host] = await _units(rpc, place, token, address, hex(block))
        except FaultyError as error:
            rpc.suspend(place, error)
            reasons.append(f"{host}: {error}")
        except RefusedByNodeError as error:  # it may keep no balances of earlier blocks
            reasons.append(f"{host}: {error}")
    amounts = {host: token_amount(token, units) for host, units in said.items()}
    if len(set(said.values())) > 1:
        words = "; ".join(f"{host} says {amount}" for host, amount in amounts.items())
        raise ChainUnavailableError(f"{chain.name}: its endpoints disagree about block {block}: {words}")
    if len(said) < min(2, len(rpc.endpoints)):
        alone = f"only {', '.join(said)} answers" if said else "no endpoint answers"
        raise ChainUnavailableError(f"{chain.name}: {alone} ({'; '.join(reasons) or 'the others are suspended'})")
    return next(iter(amounts.values()))


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
