"""What a wallet opens to pay an invoice: the URI of each of SHKeeper's coins, where there is a standard for one.

BIP 21 for Bitcoin and its relatives, Monero's `monero:` scheme, ERC-681 for the coins of EVM chains and for those of
their tokens whose contracts are known, Solana Pay, `ton://transfer` for TON and its jettons. For every other coin it
is the bare address, which every wallet can scan.
"""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

__all__ = ["TOKENS", "Contract", "uri_template"]

_BIP_21 = {"BTC": "bitcoin", "LTC": "litecoin", "DOGE": "dogecoin", "FIRO": "firo"}
_CHAIN_IDS = {"ETH": 1, "BNB": 56, "MATIC": 137, "AVAX": 43114, "ARBETH": 42161, "OPETH": 10}
_SOLANA_MINTS = {
    "SOLANA-USDT": "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB",
    "SOLANA-USDC": "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGkZwyTDt1v",
    "SOLANA-PYUSD": "2b1kV6DkPAnxd5ixfnxCpjxmKwqjjaYmCZfHsFu24GXo",
}
_JETTONS = {"TON-USDT": "EQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_sDs"}


class Contract(NamedTuple):
    """Of a token of an EVM chain."""

    chain_id: int
    address: str
    decimals: int


TOKENS: Mapping[str, Contract] = {
    "ETH-USDT": Contract(1, "0xdAC17F958D2ee523a2206206994597C13D831ec7", 6),
    "ETH-DAI": Contract(1, "0x6B175474E89094C44Da98b954EedeAC495271d0F", 18),
    "ETH-PYUSD": Contract(1, "0x6c3ea9036406852006290770BEdFcAbA0e23A0e8", 6),
    "ETH-USDC": Contract(1, "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", 6),
    "BNB-USDT": Contract(56, "0x55d398326f99059fF775485246999027B3197955", 18),
    "BNB-USDC": Contract(56, "0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d", 18),
    "POLYGON-USDT": Contract(137, "0xc2132D05D31c914a87C6611C10748AEb04B58e8F", 6),
    "POLYGON-USDC": Contract(137, "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359", 6),
    "AVALANCHE-USDT": Contract(43114, "0x9702230A8Ea53601f5cD2dc00fDBc13d4dF4A8c7", 6),
    "AVALANCHE-USDC": Contract(43114, "0xB97EF9Ef8734C71904D8002F8b6Bc66Dd9c48a6E", 6),
    "ARB-PYUSD": Contract(42161, "0x46850aD61C2B7d64d08c9C754F45254596696984", 6),
    "ARB-USDC": Contract(42161, "0xaf88d065e77c8cC2239327C5EDb3A432268e5831", 6),
    "OP-USDT": Contract(10, "0x94b008aA00579c1307B0EF2c499aD98a8ce58e58", 6),
    "OP-USDC": Contract(10, "0x0b2C639c533813f4Aa9D7837CAf62653d097Ff85", 6),
}
"""As in the chains that come with the bridge, as far as those are followed there, which a test holds together."""

_ADDRESS = "<address>"
_FORMS: Mapping[str, str] = {
    **{coin: f"{scheme}:{_ADDRESS}?amount={{amount}}" for coin, scheme in _BIP_21.items()},
    **{coin: f"ethereum:{_ADDRESS}@{chain_id}?value={{units}}" for coin, chain_id in _CHAIN_IDS.items()},
    **{coin: f"solana:{_ADDRESS}?amount={{amount}}&spl-token={mint}" for coin, mint in _SOLANA_MINTS.items()},
    **{coin: f"ton://transfer/{_ADDRESS}?amount={{units}}&jetton={jetton}" for coin, jetton in _JETTONS.items()},
    "SOL": f"solana:{_ADDRESS}?amount={{amount}}",
    "XMR": f"monero:{_ADDRESS}?tx_amount={{amount}}",
    "TON": f"ton://transfer/{_ADDRESS}?amount={{units}}",
    "BTC-LIGHTNING": f"lightning:{_ADDRESS}",
}


def uri_template(coin: str, address: str, decimals: int | None, *, test_networks: bool = False) -> str:
    """The URI to pay to an address, with `{amount}` for the coins or `{units}` for the coin's smallest units. A token
    of other decimals than its contract has is another one; and so are all on test networks."""
    at = quote(address, safe="")
    token = TOKENS.get(coin)
    if test_networks and (token is not None or coin in _CHAIN_IDS):
        return address
    if token is not None and token.decimals == decimals:
        return f"ethereum:{token.address}@{token.chain_id}/transfer?address={at}&uint256={{units}}"
    form = _FORMS.get(coin)
    return address if form is None else form.replace(_ADDRESS, at)
