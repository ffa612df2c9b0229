"""Coins of SHKeeper: the one that is Lightning, those that are sent one by one, which share a wallet that has to wait
for its blocks, and the decimals of each.

SHKeeper prices every coin with eight, and a wallet sends no more than the coin has.
"""

from collections.abc import Mapping

__all__ = [
    "COINS_OF_CHAINS",
    "DECIMALS",
    "LIGHTNING",
    "PEGS",
    "TRC20",
    "WITHOUT_BATCHES",
    "WITHOUT_TASKS",
    "network_of",
    "wallet_in_turn",
]

COINS_OF_CHAINS: Mapping[str, Mapping[str, str]] = {
    "ethereum": {"ETH": "ETH", "USDT": "ETH-USDT", "USDC": "ETH-USDC"},
    "bnb": {"BNB": "BNB", "USDT": "BNB-USDT", "USDC": "BNB-USDC"},
    "polygon": {"POL": "MATIC", "USDT": "POLYGON-USDT", "USDC": "POLYGON-USDC"},
    "avalanche": {"AVAX": "AVAX", "USDT": "AVALANCHE-USDT", "USDC": "AVALANCHE-USDC"},
    "arbitrum": {"ETH": "ARBETH", "USDC": "ARB-USDC"},
    "optimism": {"ETH": "OPETH", "USDT": "OP-USDT", "USDC": "OP-USDC"},
}
"""What it calls the tokens of chains, by the chain's name and the token's: payouts in these are checked there."""

LIGHTNING = "BTC-LIGHTNING"
"""Each of its invoices is an address of its own, and paid once."""

WITHOUT_TASKS = frozenset({"FIRO", "FIRO-SPARK", "XMR", LIGHTNING})
"""Their wallets send at once, and the answer to an order is its transaction."""

WITHOUT_BATCHES = WITHOUT_TASKS | {"TON", "TON-USDT"}
"""SHKeeper cannot send several payouts at once in these. TON's daemon can, and then its result gives each of them the
address and the amount of the last."""

# Where the daemon takes a transaction's number from those that a block holds (evm-shkeeper token.py:
# get_transaction_count(account), ton-shkeeper coin.py: get_account_seqno), and all coins of a chain leave one wallet.
# Solana and Tron number nothing, XRP's daemon waits for the ledger, Bitcoin's spends outputs.
_WALLETS_IN_TURN: Mapping[str, str] = {
    "ETH": "ETH",
    "BNB": "BNB",
    "MATIC": "POLYGON",
    "AVAX": "AVALANCHE",
    "ARBETH": "ARB",
    "OPETH": "OP",
    "TON": "TON",
}
_CHAINS_IN_TURN = frozenset(_WALLETS_IN_TURN.values())


def wallet_in_turn(coin: str) -> str | None:
    """The wallet that a coin leaves, if that can send the next transaction only once a block holds the last; one that
    is newer than this is told by what its name begins with."""
    chain, dash, _ = coin.partition("-")
    return chain if dash and chain in _CHAINS_IN_TURN else _WALLETS_IN_TURN.get(coin)


TRC20 = frozenset({"USDT", "USDC"})
"""Tokens whose daemon's task shows what the chain made of a transfer: a revert has a hash and confirmations, too."""

DECIMALS: Mapping[str, int] = {
    **dict.fromkeys(("BTC", "LTC", "DOGE", "FIRO", "FIRO-SPARK"), 8),
    # A node counts thousandths of a satoshi; what wallets and SHKeeper write ends with the satoshi.
    "BTC-LIGHTNING": 8,
    "XMR": 12,
    "XRP": 6,
    **dict.fromkeys(("TRX", "USDT", "USDC"), 6),
    **dict.fromkeys(("SOL", "TON"), 9),
    **dict.fromkeys(("SOLANA-USDT", "SOLANA-USDC", "SOLANA-PYUSD", "TON-USDT"), 6),
    **dict.fromkeys(("ETH", "BNB", "MATIC", "AVAX", "ARBETH", "OPETH"), 18),
    **dict.fromkeys(("ETH-USDT", "ETH-USDC", "ETH-PYUSD", "ARB-USDC", "ARB-PYUSD", "OP-USDT", "OP-USDC"), 6),
    **dict.fromkeys(("POLYGON-USDT", "POLYGON-USDC", "AVALANCHE-USDT", "AVALANCHE-USDC"), 6),
    # The stablecoins that BNB Smart Chain holds are pegged ones, which count as its own coin does.
    **dict.fromkeys(("BNB-USDT", "BNB-USDC", "ETH-DAI", "ARB-TOKEN", "OP-TOKEN"), 18),
}
"""By coin. Of one that is not here, what SHKeeper says is taken as it is."""

PEGS: Mapping[str, str] = {
    coin: "USD" for coin in DECIMALS if coin.rpartition("-")[2] in ("USDT", "USDC", "PYUSD", "DAI")
}
"""The currency that a stablecoin stands for, one to one."""

_NETWORKS: Mapping[str, str] = {
    "BTC": "Bitcoin",
    LIGHTNING: "Lightning",
    "LTC": "Litecoin",
    "DOGE": "Dogecoin",
    "FIRO": "Firo",
    "XMR": "Monero",
    "XRP": "the XRP Ledger",
    **dict.fromkeys(("TRX", "USDT", "USDC"), "Tron (TRC-20)"),
    "ETH": "Ethereum (ERC-20)",
    "BNB": "BNB Smart Chain (BEP-20)",
    "MATIC": "Polygon",
    "POLYGON": "Polygon",
    "AVAX": "Avalanche C-Chain",
    "AVALANCHE": "Avalanche C-Chain",
    "ARBETH": "Arbitrum One",
    "ARB": "Arbitrum One",
    "OPETH": "OP Mainnet (Optimism)",
    "OP": "OP Mainnet (Optimism)",
    "SOL": "Solana",
    "SOLANA": "Solana",
    "TON": "TON",
}
"""By coin, and of tokens by what stands before the dash."""


def network_of(coin: str) -> str | None:
    """What people call the network that a coin is sent over; None of one that is newer than this."""
    return _NETWORKS.get(coin) or _NETWORKS.get(coin.partition("-")[0] if "-" in coin else "")
