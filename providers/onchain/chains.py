"""The chains that are watched: those that come with the bridge in `chains.toml` beside this file, the operator's own,
and their endpoints, which the environment has."""

import re
import tomllib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails

from coordinator.errors import BridgeError
from coordinator.extras import how_to_install
from coordinator.money import base_units, parse_amount, trimmed
from providers.onchain.addresses import has_good_checksum, with_checksum
from providers.onchain.chain_setting_errors import explain_setting_error

__all__ = [
    "ENDPOINTS_VARIABLE_PREFIX",
    "Address",
    "Chain",
    "ChainsError",
    "Token",
    "fits",
    "host_of",
    "read_chains",
    "token_amount",
    "variable_name",
]

ENDPOINTS_VARIABLE_PREFIX = "BRIDGE_ENDPOINTS_"
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_SCHEMES = ("http", "https", "ws", "wss")
# So many hashes are kept to notice reorganisations with.
CONFIRMATIONS_LIMIT = 10_000
# Of every chain's own coin, whatever it is called, nodes tell in units of 10^-18.
OWN_COIN_DECIMALS = 18


CoinsOfChains = Mapping[str, Mapping[str, str]]
"""What a provider calls the tokens of chains, by the chain's name and the token's."""
_NO_NAMES: Mapping[str, CoinsOfChains] = {}


class ChainsError(BridgeError):
    """The chains are not configured right."""


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise ValueError("an address is 0x and 40 hexadecimal digits")
    has_checksum = value[2:] not in (value[2:].lower(), value[2:].upper())
    if has_checksum and not has_good_checksum(value):
        raise ValueError("the capitals of the address do not fit its digits (EIP-55); is a digit wrong?")
    return with_checksum(value)


Address = Annotated[str, AfterValidator(_address)]
"""An account or a contract, with the capitals of EIP-55. One in small letters alone is taken without its check."""


class _Configured(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Token(_Configured):
    """A coin of a chain: a contract's (ERC-20), or the chain's own."""

    symbol: str
    decimals: int = Field(ge=0, le=30, strict=True)
    address: Address | None = None
    """The contract; None for the chain's own coin."""
    called: frozenset[tuple[str, str]] = frozenset()
    """The providers that have a name of their own for it, and that name."""

    @property
    def is_native(self) -> bool:
        return self.address is None


class Chain(_Configured):
    """One chain that payments and payouts may be on."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")
    chain_id: int = Field(ge=1, strict=True)
    confirmations: int | Literal["finalized"]
    """How many blocks, the transfer's own included, make it final; or the chain's own word for it."""
    block_seconds: float = Field(gt=0, le=3600)
    explorer: str | None = None
    """A link to a transaction, with `{tx_hash}` in it."""
    tokens: tuple[Token, ...] = Field(min_length=1)
    endpoints: tuple[SecretStr, ...] = ()
    """URLs of nodes, which may hold keys. Without one the chain is not watched."""

    @field_validator("confirmations", mode="before")
    @classmethod
    def _is_a_depth(cls, confirmations: object) -> object:
        is_depth = type(confirmations) is int and 1 <= confirmations <= CONFIRMATIONS_LIMIT
        if confirmations != "finalized" and not is_depth:
            raise ValueError(f'expected a number of blocks, from 1 to {CONFIRMATIONS_LIMIT}, or "finalized"')
        return confirmations

    @field_validator("endpoints")
    @classmethod
    def _are_urls(cls, endpoints: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for endpoint in endpoints:
            try:
                parts = urlsplit(endpoint.get_secret_value())
                _ = parts.port  # read only when it is asked for
            except ValueError:
                raise ValueError(
                    "an endpoint is a URL; its host or port cannot be read, a port is a number"
                ) from None
            if parts.scheme not in _SCHEMES or not parts.hostname:
                raise ValueError("an endpoint is a URL that begins with http://, https://, ws:// or wss://")
        hosts = Counter(_host(endpoint.get_secret_value()) for endpoint in endpoints)
        for host, count in hosts.items():
            if count > 1:
                raise ValueError(
                    f"two endpoints are of {host}; they are one word, so name another operator's instead"
                )
        return endpoints

    @field_validator("tokens")
    @classmethod
    def _are_different(cls, tokens: tuple[Token, ...]) -> tuple[Token, ...]:
        for address, count in Counter(token.address for token in tokens if token.address is not None).items():
            if count > 1:
                raise ValueError(f"a chain cannot have two tokens at {address}; name one")
        own = [token for token in tokens if token.is_native]
        if len(own) > 1 or any(token.decimals != OWN_COIN_DECIMALS for token in own):
            raise ValueError(
                f"without an address {' and '.join(token.symbol for token in own)} would be the chain's own coin, of"
                f" which there is one, with {OWN_COIN_DECIMALS} decimals; name the address of what is a contract's"
            )
        return tokens

    @property
    def required_confirmations(self) -> int | None:
        """How many blocks make a transfer final; None where the chain itself says what is."""
        return self.confirmations if isinstance(self.confirmations, int) else None

    @property
    def counts_by_one(self) -> bool:
        """Whether money counts by the word of one endpoint after a while in which no other one answers. Of three or
        more, two are to say the same, however long the others are away."""
        return len(self.endpoints) == 2

    @property
    def own_coin(self) -> Token | None:
        return next((token for token in self.tokens if token.is_native), None)

    def token(self, symbol: str) -> Token | None:
        return next((token for token in self.tokens if token.symbol == symbol), None)

    def token_of(self, provider: str, coin: str) -> Token | None:
        """The token that a provider calls so."""
        return next((token for token in self.tokens if (provider, coin) in token.called), None)

    @property
    def kindred_endpoints(self) -> list[str]:
        """What to say of endpoints that may be of one operator, whose two words are one: those of one address, and
        those whose names end in the same two labels. That is more than belongs together under `co.uk`."""
        groups: dict[str, list[str]] = {}
        for endpoint in self.endpoints:
            url = endpoint.get_secret_value()
            groups.setdefault(_operator(url), []).append(host_of(url))
        return [
            f"{self.name}: {' and '.join(hosts)} may be of one operator; if they are, their two words are one, and"
            " if that operator errs or is broken into, money counts that never came: name endpoints of different ones"
            for hosts in groups.values()
            if len(hosts) > 1
        ]

    def explorer_link(self, tx_hash: str) -> str | None:
        return self.explorer and self.explorer.replace("{tx_hash}", tx_hash)


# What the file may say of each.
_OF_CHAIN = Chain.model_fields.keys() - {"name"}
_OF_TOKEN = Token.model_fields.keys() - {"symbol", "called"}


def host_of(endpoint: str) -> str:
    """What may be shown of an endpoint: its host, since the rest may be a key."""
    parts = urlsplit(endpoint)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def _host(endpoint: str) -> str:
    """Whom an endpoint is of, whatever its scheme, path and key."""
    parts = urlsplit(endpoint)
    host = str(parts.hostname)
    port = parts.port or (443 if parts.scheme in ("https", "wss") else 80)
    return f"{'127.0.0.1' if host in ('localhost', '::1') else host}:{port}"


def _operator(endpoint: str) -> str:
    host = _host(endpoint).rpartition(":")[0]
    try:
        return str(ip_address(host))
    except ValueError:
        return ".".join(host.rstrip(".").split(".")[-2:])


def token_amount(token: Token, units: int) -> Decimal:
    """An amount of base units in whole tokens, to the last digit."""
    return Decimal(trimmed(parse_amount(f"{units}e-{token.decimals}")))


def fits(token: Token, amount: Decimal) -> bool:
    """Whether the token can carry this amount exactly."""
    return token_amount(token, base_units(amount, token.decimals)) == amount


def read_chains(
    own: Path | None, environment: Mapping[str, str], *, providers: Mapping[str, CoinsOfChains] = _NO_NAMES
) -> dict[str, Chain]:
    """The chains that come with the bridge and those of the operator's own file, by name; endpoints come from the
    environment too. What the own file says of a chain outranks what comes with the bridge. `providers` are those that
    have names of their own for coins, with these. Raises ChainsError, which has a line for all that is wrong, and
    quotes no endpoint."""
    content = _shipped(providers)
    brought = list(content)
    slips = [] if own is None else _overlay(content, own, _own(own), providers)
    chains: dict[str, Chain] = {}
    for name, entry in content.items():
        try:
            chains[name] = _read_chain(name, entry, environment, providers)
        except ValidationError as error:
            faults = error.errors(include_url=False, include_input=False, include_context=False)
            # Where a token is wrong it does not count, and that is said already.
            explained = [fault for fault in faults if fault["type"] != "too_short" or not entry["tokens"]]
            slips += [_explain(name, entry, fault, brought, providers) for fault in explained]
    slips += _strangers(content, chains, environment)
    if slips:
        raise ChainsError("\n".join(slips))
    _require_web3(chains)
    return chains


def _require_web3(chains: Mapping[str, Chain]) -> None:
    """Raises ChainsError if chains are to be followed and what asks their nodes is not installed."""
    followed = [name for name, chain in chains.items() if chain.endpoints]
    if followed and find_spec("web3") is None:
        raise ChainsError(
            f"{', '.join(followed)} {'have' if len(followed) > 1 else 'has'} endpoints, and web3, which asks them, is"
            f" not installed: {how_to_install('onchain')}"
        )


def _shipped(providers: Mapping[str, CoinsOfChains]) -> dict[str, Any]:
    # Whoever follows no chain does without it.
    from importlib.resources import files

    content = tomllib.loads(files("providers.onchain").joinpath("chains.toml").read_text(encoding="utf-8"))
    for provider, chains in providers.items():
        for name, coins in chains.items():
            for symbol, coin in coins.items():
                content[name]["tokens"][symbol][provider] = coin
    return content


def _own(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ChainsError(f"cannot read the chains in {path}: {error}") from None


def _overlay(content: dict[str, Any], path: Path, own: Mapping[str, Any], providers: Collection[str]) -> list[str]:
    """Has what the own file says of chains outrank what is there. Returns what is wrong with it."""
    _give_up_names(content, own, providers)
    ids: dict[str, str] = {}
    slips = []
    for name, entry in own.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("tokens", {}), dict):
            slips.append(f"{path}: {name}: expected a table of settings, with a table of tokens; begin with [{name}]")
            continue
        shipped = content.get(name, {})
        # One that comes with the bridge under another name makes way.
        same = {other for other, known in content.items() if known.get("chain_id") == entry.get("chain_id")}
        first = ids.setdefault(str(entry.get("chain_id", name)), name)
        if first != name:
            slips.append(
                f"{path}: {name}.chain_id: {first} and {name} have the same chain_id; say all of it in one table"
            )
        for other in same - set(own):
            content.pop(other, None)
        tokens = {**shipped.get("tokens", {}), **entry.get("tokens", {})}
        content[name] = {**shipped, **entry, "tokens": tokens}
    return slips


def _give_up_names(content: Mapping[str, Any], own: Mapping[str, Any], providers: Collection[str]) -> None:
    """Takes from what comes with the bridge the names that the own file gives to coins."""
    given = [(provider, token[provider]) for provider in providers for token in _tokens(own) if provider in token]
    for token in _tokens(content):
        for provider in providers:
            if (provider, token.get(provider)) in given:
                del token[provider]


def _tokens(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    chains = [entry for entry in content.values() if isinstance(entry, dict)]
    tables = [tokens for entry in chains if isinstance(tokens := entry.get("tokens", {}), dict)]
    return [token for tokens in tables for token in tokens.values() if isinstance(token, dict)]


def _read_chain(name: str, entry: Any, environment: Mapping[str, str], providers: Collection[str]) -> Chain:
    """Raises ValidationError."""
    tokens = [_token(symbol, token, providers) for symbol, token in entry["tokens"].items()]
    named, written = environment.get(variable_name(name), ""), entry.get("endpoints", [])
    endpoints = [*written, *_urls(named)] if isinstance(written, list) else written
    return Chain.model_validate({**entry, "name": name, "tokens": tokens, "endpoints": endpoints})


def _urls(listed: str) -> list[str]:
    return [url.strip() for url in listed.split(",") if url.strip()]


def _explain(
    name: str, entry: Mapping[str, Any], fault: ErrorDetails, brought: Sequence[str], providers: Collection[str]
) -> str:
    """What is wrong with a chain, in words that name what to write."""
    place = _named(fault["loc"], entry["tokens"], providers)
    known = _OF_TOKEN | {*providers} if len(place) > 2 else _OF_CHAIN
    where = f" (also set in {variable_name(name)})" if place[:1] == ("endpoints",) else ""
    return explain_setting_error(name, place, fault, known, [] if name in brought else brought) + where


def _named(place: tuple[int | str, ...], tokens: Mapping[str, Any], providers: Collection[str]) -> tuple[str, ...]:
    """A place in a chain as its file has it, where tokens have names and no numbers, and what a provider calls one
    stands under its name."""
    match place:
        case ("tokens", int(number), "called", int(called), *_):
            symbol = list(tokens)[number]
            return ("tokens", symbol, [one for one in providers if one in tokens[symbol]][called])
        case ("tokens", int(number), *rest):
            return ("tokens", list(tokens)[number], *map(str, rest))
    return tuple(map(str, place))


def _token(symbol: str, token: Any, providers: Collection[str]) -> Any:
    if not isinstance(token, dict):
        return token
    called = [(name, token[name]) for name in providers if name in token]
    said = {name: value for name, value in token.items() if name not in providers}
    return {"symbol": symbol, **said, "called": called}


def _strangers(content: Mapping[str, Any], chains: Mapping[str, Chain], environment: Mapping[str, str]) -> list[str]:
    """What names a chain that there is not, or a coin that is another's."""
    expected = {variable_name(name) for name in content}
    slips = [
        f"{variable} names no chain; known: {', '.join(content)}"
        for variable in environment
        if variable.startswith(ENDPOINTS_VARIABLE_PREFIX) and variable not in expected
    ]
    called = Counter(name for chain in chains.values() for token in chain.tokens for name in token.called)
    slips += [
        f"{provider} cannot call two tokens {coin}; name only one of them so"
        for (provider, coin), count in called.items()
        if count > 1
    ]
    return slips


def variable_name(chain: str) -> str:
    """The environment variable for the endpoints of a chain."""
    return ENDPOINTS_VARIABLE_PREFIX + chain.upper().replace("-", "_")
