"""Accounts that nobody can send from: those whose key nobody can have, and contracts that give nothing back. What is
sent there is lost. Pure.
"""

__all__ = ["is_nobodys_account", "why_nobody_sends_from"]

# Whoever wanted a key whose account begins with so many zeros would look for it longer than the sun shines.
HOPELESS_ZEROS = 12
_CONTRACTS = {
    "USDT": (
        "0xdAC17F958D2ee523a2206206994597C13D831ec7",
        "0x55d398326f99059fF775485246999027B3197955",
        "0xc2132D05D31c914a87C6611C10748AEb04B58e8F",
        "0x9702230A8Ea53601f5cD2dc00fDBc13d4dF4A8c7",
        "0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9",
        "0x94b008aA00579c1307B0EF2c499aD98a8ce58e58",
    ),
    "USDC": (
        "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48",
        "0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d",
        "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359",
        "0x2791Bca1f2de4661ED88A30C99A7a9449Aa84174",  # bridged, on Polygon
        "0xB97EF9Ef8734C71904D8002F8b6Bc66Dd9c48a6E",
        "0xaf88d065e77c8cC2239327C5EDb3A432268e5831",
        "0xFF970A61A04b1cA14834A43f5dE4533eBDDB5CC8",  # bridged, on Arbitrum
        "0x0b2C639c533813f4Aa9D7837CAf62653d097Ff85",
        "0x7F5c764cBc14f9669B88837ca1490cCa17c31607",  # bridged, on Optimism
        "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913",
    ),
    "DAI": (
        "0x6B175474E89094C44Da98b954EedeAC495271d0F",
        "0xDA10009cBd5D07dd0CeCc66161FC93D7c9000da1",
        "0x8f3Cf7ad23Cd3CaDbD9735AFf958023239c6A063",
        "0x1AF3F329e8BE154074D8769D1FFa4eE058B1DBc3",
    ),
    "PYUSD": ("0x6c3ea9036406852006290770BEdFcAbA0e23A0e8", "0x46850aD61C2B7d64d08c9C754F45254596696984"),
    "ARB": ("0x912CE59144191C1204E64559FE8253a0e49E6548",),
    "WETH": ("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2",),
}
# Of whatever chain: a contract's address is a wallet's on none.
_TOKENS = {address.lower(): token for token, addresses in _CONTRACTS.items() for address in addresses}
# Where Optimism and the chains made after it keep what belongs to the chain itself, among it the token OP.
_OPTIMISMS_OWN = "0x4200000000000000000000000000000000"
_BURNT = {
    "0xdead000000000000000042069420694206942069",
    "0xdeaddeaddeaddeaddeaddeaddeaddeaddeaddead",
    "0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
    "0xffffffffffffffffffffffffffffffffffffffff",
}


def is_nobodys_account(account: bytes) -> bool:
    """Whether nobody can have the key of an account: zero, and the small numbers that chains give a meaning."""
    return not any(account[:HOPELESS_ZEROS])


def why_nobody_sends_from(address: str) -> str | None:
    """Why nothing should be sent to an EVM address, of whatever chain, right as it is; None if there is no reason."""
    lower = address.lower()
    if lower in _TOKENS:
        return f"this is the contract of the token {_TOKENS[lower]}, which gives nothing back"
    if lower.startswith(_OPTIMISMS_OWN):
        return "this is a contract of the chain itself"
    if lower in _BURNT or is_nobodys_account(bytes.fromhex(lower[2:])):
        return "this is an address that nobody has the key of: what is sent there is lost"
    return None
