"""The chains of the configuration: those that come with it, and what is wrong with others."""

from decimal import Decimal
from pathlib import Path

import pytest

from providers.onchain import chains as chains_module
from providers.onchain.chains import Chain, ChainsError, Token, fits, host_of, read_chains, token_amount
from providers.shkeeper.coins import COINS_OF_CHAINS

PROVIDERS = {"shkeeper": COINS_OF_CHAINS}
SECRET = "the-key-of-the-endpoint"
ONE = """
[ethereum]
chain_id = 1
confirmations = 12
block_seconds = 12
tokens.ETH = { decimals = 18 }
tokens.USDT = { address = "0xdAC17F958D2ee523a2206206994597C13D831ec7", decimals = 6 }
"""
NAMED_TWICE = ONE.replace("decimals =", 'shkeeper = "ETH-USDC", decimals =')


def read(tmp_path: Path, text: str, **environment: str) -> dict[str, Chain]:
    path = tmp_path / "chains.toml"
    path.write_text(text)
    return read_chains(path, environment, providers=PROVIDERS)


def shipped() -> dict[str, Chain]:
    return read_chains(None, {}, providers=PROVIDERS)


def test_the_chains_that_come_with_it_are_right_and_off() -> None:
    chains = shipped()
    assert {name: chain.chain_id for name, chain in chains.items()} == {
        "ethereum": 1,
        "bnb": 56,
        "polygon": 137,
        "avalanche": 43114,
        "arbitrum": 42161,
        "optimism": 10,
        "base": 8453,
    }
    for chain in chains.values():
        assert chain.endpoints == ()
        assert chain.own_coin is not None
        assert {"USDT", "USDC"} <= {token.symbol for token in chain.tokens}
        assert str(chain.explorer_link("0x1")).endswith("/tx/0x1")
    assert chains["ethereum"].token_of("shkeeper", "ETH-USDT") == chains["ethereum"].token("USDT")


def test_the_tokens_that_come_with_it_are_those_of_tether_and_circle() -> None:
    """Once more, so that neither an address nor decimals change by a slip: a wrong one takes false money for true."""
    reported = {
        (name, token.symbol): (token.address, token.decimals)
        for name, chain in shipped().items()
        for token in chain.tokens
        if not token.is_native
    }
    assert reported == {
        ("ethereum", "USDT"): ("0xdAC17F958D2ee523a2206206994597C13D831ec7", 6),
        ("ethereum", "USDC"): ("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", 6),
        ("bnb", "USDT"): ("0x55d398326f99059fF775485246999027B3197955", 18),
        ("bnb", "USDC"): ("0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d", 18),
        ("polygon", "USDT"): ("0xc2132D05D31c914a87C6611C10748AEb04B58e8F", 6),
        ("polygon", "USDC"): ("0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359", 6),
        ("avalanche", "USDT"): ("0x9702230A8Ea53601f5cD2dc00fDBc13d4dF4A8c7", 6),
        ("avalanche", "USDC"): ("0xB97EF9Ef8734C71904D8002F8b6Bc66Dd9c48a6E", 6),
        ("arbitrum", "USDT"): ("0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9", 6),
        ("arbitrum", "USDC"): ("0xaf88d065e77c8cC2239327C5EDb3A432268e5831", 6),
        ("optimism", "USDT"): ("0x94b008aA00579c1307B0EF2c499aD98a8ce58e58", 6),
        ("optimism", "USDC"): ("0x0b2C639c533813f4Aa9D7837CAf62653d097Ff85", 6),
        ("base", "USDT"): ("0xfde4C96c8593536E31F229EA8f37b2ADa2699bb2", 6),
        ("base", "USDC"): ("0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", 6),
    }
    assert {chain.own_coin.decimals for chain in shipped().values() if chain.own_coin} == {18}


def test_endpoints_come_from_the_environment_and_are_not_shown(tmp_path: Path) -> None:
    urls = f"https://rpc.example/{SECRET}, wss://other.example:8546/{SECRET}"
    chain = read(tmp_path, ONE, BRIDGE_ENDPOINTS_ETHEREUM=urls)["ethereum"]
    assert [host_of(url.get_secret_value()) for url in chain.endpoints] == ["rpc.example", "other.example:8546"]
    assert SECRET not in repr(chain)


@pytest.mark.parametrize(
    ("change", "environment", "words"),
    [
        (("12\n", '"soon"\n'), {}, "ethereum.confirmations: expected a number of blocks"),
        (("12\n", "true\n"), {}, "ethereum.confirmations: expected a number of blocks"),
        (("831ec7", "831Ec7"), {}, "EIP-55"),
        (("0xdAC17F958D2ee523a2206206994597C13D831ec7", "0x12"), {}, "40 hexadecimal digits"),
        (("[ethereum]\nchain_id = 1\n", "[moon]\n"), {}, "moon.chain_id is missing; write chain_id = 1"),
        (("[ethereum]\nchain_id = 1\n", "[etherium]\n"), {}, "did you mean [ethereum], which comes with the bridge?"),
        ((ONE, ONE.partition("tokens")[0].replace("ethereum", "moon")), {}, "moon.tokens: a chain needs one token"),
        (("decimals = 6", "decimals = 31"), {}, "tokens.USDT.decimals"),
        (
            ("block_seconds", "blok_seconds"),
            {},
            "ethereum.blok_seconds: there is no such setting; did you mean block_seconds?",
        ),
        (("[ethereum]", "[Ethereum]"), {}, "Ethereum.name"),
        (("[ethereum]", "other = 1\n[ethereum]"), {}, "other: expected a table"),
        (("decimals = 6", 'decimals = 6, gateway = "USDT"'), {}, "tokens.USDT.gateway"),
        ((ONE, NAMED_TWICE), {}, "cannot call two tokens ETH-USDC"),
        (("[ethereum]", "[ethereum"), {}, "cannot read the chains"),
        ((ONE, ONE + ONE.replace("ethereum", "other")), {}, "same chain_id"),
        (("", ""), {"BRIDGE_ENDPOINTS_ETHEREUM": f"ftp://{SECRET}"}, "BRIDGE_ENDPOINTS_ETHEREUM"),
        (("", ""), {"BRIDGE_ENDPOINTS_ETHEREUM": f"https://rpc.example:{SECRET}"}, "a port is a number"),
        (("", ""), {"BRIDGE_ENDPOINTS_ETHEREUM": f"https://[{SECRET}"}, "BRIDGE_ENDPOINTS_ETHEREUM"),
        (
            ("", ""),
            {"BRIDGE_ENDPOINTS_ETHEREUM": f"https://rpc.example/{SECRET},wss://rpc.example:443/other"},
            "two endpoints are of rpc.example:443; they are one word",
        ),
        (
            ("", ""),
            {"BRIDGE_ENDPOINTS_ETHEREUM": "http://localhost:8545,http://127.0.0.1:8545/"},
            "they are one word",
        ),
        (
            (
                "tokens.USDT",
                'tokens.OLD = { address = "0xdAC17F958D2ee523a2206206994597C13D831ec7", decimals = 6 }\ntokens.USDT',
            ),
            {},
            "two tokens at 0xdAC17F958D2ee523a2206206994597C13D831ec7",
        ),
        (
            ("tokens.USDT", "tokens.DAI = { decimals = 18 }\ntokens.USDT"),
            {},
            "ethereum.tokens: without an address ETH and DAI would be the chain's own coin",
        ),
        (
            ("tokens.ETH = { decimals = 18 }", "tokens.ETH = { decimals = 6 }"),
            {},
            "without an address ETH would be the chain's own coin, of which there is one, with 18 decimals",
        ),
        (
            ("decimals = 6", "decimals = true"),
            {},
            "tokens.USDT.decimals: expected a whole number; write decimals = 6",
        ),
        (("decimals = 6", "decimals = 6, shkeeper = [5]"), {}, "tokens.USDT.shkeeper: expected a text"),
        (("chain_id = 1", "chain_id = [1]"), {}, "ethereum.chain_id: expected a whole number; write chain_id = 1"),
        (
            ("block_seconds", f'endpoints = "https://{SECRET}"\nblock_seconds'),
            {},
            "ethereum.endpoints: expected a list; write",
        ),
        (
            ("", ""),
            {"BRIDGE_ENDPOINTS_ETHERIUM": f"http://{SECRET}"},
            "ETHERIUM names no chain; known: ethereum, bnb",
        ),
    ],
)
def test_what_is_wrong_is_named_and_no_endpoint_is_quoted(
    tmp_path: Path, change: tuple[str, str], environment: dict[str, str], words: str
) -> None:
    with pytest.raises(ChainsError) as raised:
        read(tmp_path, ONE.replace(*change) if change[0] else ONE, **environment)
    assert words in str(raised.value)
    assert SECRET not in str(raised.value)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    wrong = """
        [ethereum]
        confirmation = "finalized"
        tokens.DAI = { adress = "0x6B175474E89094C44Da98b954EedeAC495271d0F", decimals = 18 }
        tokens.ONE = { address = "", decimals = "six" }
        [moon]
        confirmations = 0
        block_seconds = 1
        tokens.MOON = 18
        """
    with pytest.raises(ChainsError) as raised:
        read(tmp_path, wrong, BRIDGE_ENDPOINTS_MARS="http://127.0.0.1:9")
    said = str(raised.value).splitlines()
    assert [line.split("; ")[0].split(": ")[0] for line in said] == [
        "ethereum.tokens.DAI.adress",
        "ethereum.tokens.ONE.decimals",
        "ethereum.tokens.ONE.address",
        "ethereum.confirmation",
        "moon.chain_id is missing",
        "moon.confirmations",
        "moon.tokens.MOON",
        "BRIDGE_ENDPOINTS_MARS names no chain",
    ]


@pytest.mark.parametrize(
    ("urls", "kindred"),
    [
        (
            f"https://a.rpc.example/{SECRET},wss://b.rpc.example/{SECRET}",
            ["a.rpc.example and b.rpc.example"],
        ),
        ("https://rpc.example,https://a.rpc.example.,https://x.other", ["rpc.example and a.rpc.example."]),
        ("http://10.0.0.5:8545,http://10.0.0.5:8546", ["10.0.0.5:8545 and 10.0.0.5:8546"]),
        ("http://[::1]:8545,http://localhost:8546", ["::1:8545 and localhost:8546"]),
        ("https://a.one.example,https://a.two.example,http://10.0.0.5,http://10.1.0.5,http://erigon,http://geth", []),
    ],
)
def test_endpoints_that_may_be_of_one_operator_are_said_to_be_without_their_keys(
    tmp_path: Path, urls: str, kindred: list[str]
) -> None:
    said = read(tmp_path, ONE, BRIDGE_ENDPOINTS_ETHEREUM=urls)["ethereum"].kindred_endpoints
    assert [one.partition(" may be")[0] for one in said] == [f"ethereum: {hosts}" for hosts in kindred]
    assert SECRET not in str(said)


def test_an_own_file_adds_chains_and_says_otherwise_of_those_that_come_with_it(tmp_path: Path) -> None:
    chains = read(
        tmp_path,
        """
        [ethereum]
        confirmations = "finalized"
        tokens.DAI = { address = "0x6B175474E89094C44Da98b954EedeAC495271d0F", decimals = 18 }
        tokens.USDT.address = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
        tokens.USDT.decimals = 6
        tokens.USDT.shkeeper = "ERC20-USDT"
        [moon]
        chain_id = 5
        confirmations = 3
        block_seconds = 1
        tokens.MOON = { decimals = 18, shkeeper = "MATIC" }
        [my-base]
        chain_id = 8453
        confirmations = 9
        block_seconds = 2
        tokens.ETH = { decimals = 18 }
        """,
    )
    ethereum = chains["ethereum"]
    assert (ethereum.chain_id, ethereum.confirmations, ethereum.block_seconds) == (1, "finalized", 12)
    assert {token.symbol for token in ethereum.tokens} == {"ETH", "USDT", "USDC", "DAI"}
    assert ethereum.token_of("shkeeper", "ERC20-USDT") == ethereum.token("USDT")
    assert ethereum.token_of("shkeeper", "ETH-USDT") is None
    assert {"moon", "my-base", "polygon"} <= chains.keys()
    assert "base" not in chains  # it is another name of my-base
    assert [name for name, chain in chains.items() if chain.token_of("shkeeper", "MATIC")] == ["moon"]


def test_a_coin_that_a_provider_does_not_call_so_is_not_taken_for_the_chains() -> None:
    ethereum = shipped()["ethereum"]
    assert ethereum.token_of("shkeeper", "USDT") is None  # that is what the chain calls it
    assert ethereum.token_of("another-gateway", "USDT") is None
    assert ethereum.token_of("another-gateway", "ETH-USDT") is None


def test_no_provider_is_named_among_those_who_follow_chains() -> None:
    package = Path(chains_module.__file__).parent
    files = [path for path in package.rglob("*") if path.suffix in (".py", ".toml")]
    assert len(files) > 1
    assert not [path for path in files if "shkeeper" in path.read_text().lower()]


@pytest.mark.parametrize(
    ("decimals", "units", "amount"),
    [(18, 1, "0.000000000000000001"), (6, 100_000_000, "100"), (0, 7, "7"), (0, 2**256 - 1, str(2**256 - 1))],
)
def test_base_units_are_whole_tokens_to_the_last_digit(decimals: int, units: int, amount: str) -> None:
    token = Token(symbol="T", decimals=decimals)
    if amount is not None:
        assert token_amount(token, units) == Decimal(amount)
    assert (
        token_amount(token, units).scaleb(decimals).as_integer_ratio()[1] == 1
        if amount
        else token_amount(token, units)
    )
    assert fits(token, token_amount(token, units))


def test_an_amount_with_too_many_decimals_does_not_fit() -> None:
    assert not fits(Token(symbol="USDT", decimals=6), Decimal("0.0000001"))
