"""Chains, as `bridge doctor` finds them: what every endpoint answers, and what of the configuration is not so on the
chain.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pydantic import SecretStr

from coordinator.errors import BridgeError
from providers.findings import Finding

if TYPE_CHECKING:
    from bridge.settings import Settings
    from providers.onchain.chains import Chain, Token
    from providers.onchain.nodes.rpc import ChainRpc

__all__ = ["chain_findings"]

# In so many of a chain's newest blocks a transaction is looked for whose receipt an endpoint is asked for.
BLOCKS_SEARCHED = 5
# keccak256 of "decimals()", the first four bytes.
DECIMALS_CALL = "0x313ce567"


def chain_findings(settings: "Settings") -> Iterator[Finding]:
    """The chains that are followed, and all of their endpoints."""
    try:
        chains = settings.chains
    except BridgeError as error:
        for slip in str(error).splitlines():
            yield Finding("error", slip)
        return
    if not chains:
        yield Finding("ok", "no chain is followed, since none has endpoints (BRIDGE_ENDPOINTS_…)")
    for chain in chains.values():
        found = [_endpoint(chain, endpoint.get_secret_value()) for endpoint in chain.endpoints]
        for findings in found:
            yield from findings
        if len(chain.endpoints) == 1:
            yield Finding(
                "warning",
                f"{chain.name} has one endpoint only: money counts by its word alone, whatever it says, and while it"
                " fails the chain is not followed; name a second one, of another operator",
            )
        elif sum(findings[0].level == "ok" for findings in found) > 1:
            said = f"{chain.name}: money counts once a second endpoint says the same of its block"
            alone = "while that says nothing for a minute, it counts by one word, and is asked about again later"
            yield Finding("ok", f"{said}; {alone if chain.counts_by_one else 'it waits as long as none does'}")
        for kindred in chain.kindred_endpoints:
            yield Finding("warning", kindred)
    yield from _unfollowed(settings, chains)


def _unfollowed(settings: "Settings", chains: Mapping[str, "Chain"]) -> Iterator[Finding]:
    """The coins that somebody waits for and that are not followed."""
    from bridge.journal.examine import examine_waiting
    from bridge.workers.chains.unfollowed_coins import unfollowed

    try:
        waited = examine_waiting(settings.database_url)
    except BridgeError:
        return  # what is wrong with the journal is said elsewhere
    for name, what in unfollowed(waited, chains).items():
        yield Finding("warning", f"{name}: {what}")


def _endpoint(chain: "Chain", url: str) -> list[Finding]:
    import asyncio
    import logging

    from providers.onchain.chains import ChainsError
    from providers.onchain.nodes.rpc import ChainRpc

    logging.getLogger("bridge.onchain").setLevel(logging.ERROR)  # what is wrong is said below

    async def ask() -> list[Finding]:
        wrong: list[Finding] = []
        rpc = ChainRpc(chain.model_copy(update={"endpoints": (SecretStr(url),)}), timeout_seconds=5)
        try:
            await rpc.start()
            head, [endpoint] = await rpc.read_heads(), rpc.endpoints
            if endpoint.last_fault is None:
                wrong += [_lacking_receipts(chain, endpoint.host)] if await _lacks_receipts(rpc, head) else []
                wrong += await _not_offered(rpc, chain, endpoint.host, head)
                wrong += await _wrong_tokens(rpc, chain, endpoint.host)
        except ChainsError as error:
            return [Finding("error", str(error))]
        finally:
            await rpc.aclose()
        if endpoint.last_fault is not None:
            return [Finding("warning", f"{chain.name}: {endpoint.host} does not answer ({endpoint.last_reason})")]
        return [Finding("ok", f"{chain.name}: {endpoint.host} is at block {head}"), *wrong]

    return asyncio.run(ask())


def _lacking_receipts(chain: "Chain", host: str) -> Finding:
    return Finding(
        "warning",
        f"{chain.name}: {host} gives no receipts: its word counts for nothing where the chain's own coin is paid, and"
        " it finds no transaction that is named; name another one",
    )


async def _not_offered(rpc: "ChainRpc", chain: "Chain", host: str, head: int) -> list[Finding]:
    """What an endpoint does not answer to that the configuration relies on, or that not every one offers."""
    from providers.onchain.nodes.node import TooLargeError
    from providers.onchain.nodes.rpc import ChainUnavailableError, RefusedByNodeError

    found = []
    if chain.required_confirmations is None:
        try:
            await rpc.finalized(head)
        except (ChainUnavailableError, RefusedByNodeError) as error:
            found.append(
                Finding(
                    "warning",
                    f"{chain.name}: {host} does not say what is finalized ({error}), and nothing becomes final by its"
                    " word; set confirmations to a number of blocks, or name another one",
                )
            )
    if chain.own_coin is not None:
        try:
            block = await rpc.block(head)
            await rpc.call("debug_traceBlockByHash", block["hash"], {"tracer": "callTracer"})
        except TooLargeError:
            pass  # it has some
        except (ChainUnavailableError, RefusedByNodeError) as error:
            found.append(
                Finding(
                    "ok",
                    f"{chain.name}: {host} shows no traces ({error}), so {chain.own_coin.symbol} that contracts send"
                    " is not found by it",
                )
            )
    return found


async def _wrong_tokens(rpc: "ChainRpc", chain: "Chain", host: str) -> list[Finding]:
    """The tokens that are not what the configuration says of them, as far as their contracts tell."""
    from providers.onchain.nodes.rpc import ChainUnavailableError, RefusedByNodeError
    from providers.onchain.quantities import quantity

    found = []
    for token in (one for one in chain.tokens if one.address is not None):
        try:
            answer = await rpc.call("eth_call", {"to": token.address, "data": DECIMALS_CALL}, "latest")
            decimals = quantity(answer)
        except (ChainUnavailableError, RefusedByNodeError, ValueError):
            # There are tokens that do not tell.
            found += await _without_a_contract(rpc, chain, host, token)
            continue
        if decimals != token.decimals:
            found.append(
                Finding(
                    "error",
                    f"{chain.name}: {token.symbol} ({token.address}) has {decimals} decimals by the word of {host},"
                    f" and {token.decimals} in the configuration: amounts would be wrong; set it right",
                )
            )
    return found


async def _without_a_contract(rpc: "ChainRpc", chain: "Chain", host: str, token: "Token") -> list[Finding]:
    """Whether there is nothing at all at a token's address."""
    from providers.onchain.nodes.rpc import ChainUnavailableError, RefusedByNodeError

    try:
        code = await rpc.call("eth_getCode", token.address, "latest")
    except (ChainUnavailableError, RefusedByNodeError):
        return []
    if code != "0x":
        return []
    return [
        Finding(
            "error",
            f"{chain.name}: there is no contract at {token.address} by the word of {host}, so nothing that is paid in"
            f" {token.symbol} would ever be seen; is it the address on another chain?",
        )
    ]


async def _lacks_receipts(rpc: "ChainRpc", head: int) -> bool:
    """Whether an endpoint has no receipt of a transaction in a block that it shows itself."""
    from providers.onchain.nodes.rpc import ChainUnavailableError, RefusedByNodeError

    try:
        for number in range(head, max(head - BLOCKS_SEARCHED, -1), -1):
            block = await rpc.block(number)
            for tx_hash in (block.get("transactions") or ())[:1]:
                receipt = await rpc.call("eth_getTransactionReceipt", tx_hash)
                return not isinstance(receipt, dict) or receipt.get("blockHash") != block["hash"]
    except (ChainUnavailableError, RefusedByNodeError):
        return True
    return False
