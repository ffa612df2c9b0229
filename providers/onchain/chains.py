"""The chains that are watched, as `config/chains.toml` and the environment have them."""

import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from coordinator.errors import BridgeError
from coordinator.money import base_units, parse_amount, trimmed
from providers.onchain.addresses import has_good_checksum, with_checksum

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
    decimals: int = Field(ge=0, le=30)
    address: Address | None = None
    """The contract; None for the chain's own coin."""
    shkeeper: str | None = None
    """What SHKeeper calls it."""

    @property
    def is_native(self) -> bool:
        return self.address is None


class Chain(_Configured):
    """One chain that payments and payouts may be on."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")
    chain_id: int = Field(ge=1)
    confirmations: Annotated[int, Field(ge=1, le=CONFIRMATIONS_LIMIT)] | Literal["finalized"]
    """How many blocks, the transfer's own included, make it final; or the chain's own word for it."""
    block_seconds: float = Field(gt=0, le=3600)
    explorer: str | None = None
    """A link to a transaction, with `{tx_hash}` in it."""
    tokens: tuple[Token, ...] = Field(min_length=1)
    endpoints: tuple[SecretStr, ...] = ()
    """URLs of nodes, which may hold keys. Without one the chain is not watched."""

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
        return endpoints

    @property
    def required_confirmations(self) -> int | None:
        """How many blocks make a transfer final; None where the chain itself says what is."""
        return self.confirmations if isinstance(self.confirmations, int) else None

    @property
    def own_coin(self) -> Token | None:
        return next((token for token in self.tokens if token.is_native), None)

    def token(self, symbol: str) -> Token | None:
        return next((token for token in self.tokens if token.symbol == symbol), None)

    def token_of(self, provider: str, coin: str) -> Token | None:
        """The token that a provider calls so; the chain's own payouts name it as the chain does."""
        if provider == "shkeeper":
            return next((token for token in self.tokens if token.shkeeper == coin), None)
        return self.token(coin)

    def explorer_link(self, tx_hash: str) -> str | None:
        return self.explorer and self.explorer.replace("{tx_hash}", tx_hash)


def host_of(endpoint: str) -> str:
    """What may be shown of an endpoint: its host, since the rest may be a key."""
    parts = urlsplit(endpoint)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def token_amount(token: Token, units: int) -> Decimal:
    """An amount of base units in whole tokens, to the last digit."""
    return Decimal(trimmed(parse_amount(f"{units}e-{token.decimals}")))


def fits(token: Token, amount: Decimal) -> bool:
    """Whether the token can carry this amount exactly."""
    return token_amount(token, base_units(amount, token.decimals)) == amount


def read_chains(path: Path, environment: Mapping[str, str]) -> dict[str, Chain]:
    """The chains of a file by name; endpoints come from the environment too. Raises ChainsError, which quotes no
    endpoint."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ChainsError(f"cannot read the chains in {path}: {error}") from None
    chains = {name: _read_chain(path, name, entry, environment) for name, entry in content.items()}
    _refuse_strangers(path, chains, environment)
    return chains


def _read_chain(path: Path, name: str, entry: Any, environment: Mapping[str, str]) -> Chain:
    if not isinstance(entry, dict) or not isinstance(entry.get("tokens", {}), dict):
        raise ChainsError(f"{path}: {name}: expected a table of settings, with a table of tokens")
    tokens = [{"symbol": symbol, **token} for symbol, token in entry.get("tokens", {}).items()]
    named = environment.get(variable_name(name), "")
    endpoints = [*entry.get("endpoints", []), *(url.strip() for url in named.split(",") if url.strip())]
    try:
        return Chain.model_validate({**entry, "name": name, "tokens": tokens, "endpoints": endpoints})
    except ValidationError as error:
        [fault, *_] = error.errors(include_url=False, include_input=False, include_context=False)
        place = ".".join(str(part) for part in fault["loc"])
        where = f" (also set in {variable_name(name)})" if fault["loc"][:1] == ("endpoints",) else ""
        message = fault["msg"].removeprefix("Value error, ")
        raise ChainsError(f"{path}: {name}.{place}: {message}{where}") from None


def _refuse_strangers(path: Path, chains: Mapping[str, Chain], environment: Mapping[str, str]) -> None:
    expected = {variable_name(name) for name in chains}
    for variable in environment:
        if variable.startswith(ENDPOINTS_VARIABLE_PREFIX) and variable not in expected:
            raise ChainsError(f"{variable} names no chain of {path}; known: {', '.join(chains)}")
    ids = [chain.chain_id for chain in chains.values()]
    if len(ids) != len(set(ids)):
        raise ChainsError(f"{path}: two chains have the same chain_id")


def variable_name(chain: str) -> str:
    """The environment variable for the endpoints of a chain."""
    return ENDPOINTS_VARIABLE_PREFIX + chain.upper().replace("-", "_")
