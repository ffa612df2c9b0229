"""What endpoints agree about: by the word of two, or of the only one there is."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from providers.onchain.chains import Chain
from providers.onchain.nodes.rpc import ChainRpc, ChainUnavailableError, FaultyError, RefusedByNodeError

__all__ = ["agreed"]

Answer = TypeVar("Answer")


async def agreed(
    chain: Chain, rpc: ChainRpc, about: str, ask: Callable[[int], Awaitable[Answer]], shown: Callable[[Answer], str]
) -> Answer:
    """What all endpoints in good standing say, each of which `ask` asks by its place. Raises ChainUnavailableError,
    also where they disagree."""
    said: dict[str, Answer] = {}
    reasons = []
    for place in rpc.well():
        host = rpc.endpoints[place].host
        try:
            said[host] = await ask(place)
        except FaultyError as error:
            rpc.suspend(place, error)
            reasons.append(f"{host}: {error}")
        except RefusedByNodeError as error:  # it may keep nothing of earlier blocks
            reasons.append(f"{host}: {error}")
    first = next(iter(said.values()), None)
    if first is not None and any(one != first for one in said.values()):
        words = "; ".join(f"{host} says {shown(answer)}" for host, answer in said.items())
        raise ChainUnavailableError(f"{chain.name}: its endpoints disagree about {about}: {words}")
    if first is None or len(said) < min(2, len(rpc.endpoints)):
        alone = f"only {', '.join(said)} answers" if said else "no endpoint answers"
        raise ChainUnavailableError(f"{chain.name}: {alone} ({'; '.join(reasons) or 'the others are suspended'})")
    return first
