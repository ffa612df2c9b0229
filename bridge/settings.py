"""Every setting, its default and where it comes from.

Read in this order, the first that says something wins: environment variables (`BRIDGE_` and the setting's name in
capitals; `FRONTEND_URL` by that name alone), the TOML file, the defaults. Secrets come from the environment or from a
file of their own, never from the TOML file. What is named has to be there, and what has no meaning is an error: a
slip must not open a door that was to be shut.
"""

import ipaddress
import os
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import timedelta
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from pydantic import AfterValidator, Field, SecretStr, ValidationError, create_model, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import SettingsError as UnreadableSettingError

from bridge.access import KeysError
from bridge.access.service_tokens import ServicesError, WatchedServices
from bridge.configuration.errors import explain, explain_open_host, explain_unreadable, refuse_slips, variable_name
from bridge.configuration.files import find_config_file, read_config_file
from bridge.configuration.tables import SettingTables
from bridge.door import ConnectionLimits, DoorLimits, require_narrow
from bridge.endpoint_settings import EndpointSettings
from bridge.environment import injected_variables
from bridge.journal.database.engines import parse_database_url
from bridge.journal.history.mark_file import default_mark_file
from bridge.sockets.limits import Limits
from bridge.sockets.origins import allowed_origins
from bridge.sockets.rate_limit import RateLimit
from bridge.sockets.transport.unread_bytes import UnreadBytes
from bridge.watching_settings import WatchingSettings
from coordinator.books.days import known_zone
from coordinator.errors import BridgeError
from coordinator.payments.agreed.agreements import Terms
from coordinator.payments.agreed.invoices import Coin
from coordinator.payouts.approval import PayoutRules
from coordinator.payouts.limits import DEFAULT_LIMITS, PayoutLimits
from providers import known
from providers.contract import Provider, Surroundings
from providers.onchain.chains import ENDPOINTS_VARIABLE_PREFIX, Chain, ChainsError, read_chains
from providers.settings import SettingsError, existing_file, keys_in, none_if_empty, web_root

if TYPE_CHECKING:
    from bridge.access.tokens import TokenVerifier

__all__ = ["Settings", "SettingsError", "all_settings", "load_settings", "variable_name"]

# Where a file is looked for that is not named. There it may be or not; one that is named must be there.
USUAL_FILES = {
    "jwt_secrets_file": Path("var/jwt.secrets"),
    "services_file": Path("var/services.toml"),
    "chains_file": Path("config/chains.toml"),
}
# Of the bridge's own; a provider says which of its settings are.
SECRETS = ("jwt_secrets", "oidc_client_secret")
# What the configuration file says, while settings are read.
_OF_FILE: ContextVar[Mapping[str, Any]] = ContextVar("of_file", default=MappingProxyType({}))
# After a silence a client may do at once what it may do in so many seconds.
BURST_SECONDS = 10

# Connections beyond the others, for webhooks and for whoever asks how the bridge is; and the files that it needs for
# its journal, its providers and itself.
RESERVED_PLACES, OTHER_FILES = 64, 200

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")


class Settings(EndpointSettings, WatchingSettings, SettingTables):
    """What can be set, without what providers add. The same names stand in `config/bridge.toml`, with their
    meaning."""

    model_config = SettingsConfigDict(
        env_prefix="BRIDGE_", extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True
    )

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    open_to_network: bool = False
    frontend_url: str = Field("http://localhost:3000", validation_alias="frontend_url")
    database_url: str = Field("sqlite:///var/bridge.db", repr=False)
    journal_mark_file: Path | None = None
    stop_seconds: float = Field(20, ge=2, le=600)

    public_url: Annotated[str, AfterValidator(web_root)] = ""
    reconcile_interval_seconds: float = Field(60, gt=0, le=86_400)
    reconcile_per_second: float = Field(40, gt=0, le=1_000)
    reconcile_days: int = Field(7, ge=0, le=3_650)

    access: Literal["open", "jwt"] = "open"
    jwt_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    jwt_secrets_file: Path | None = None
    jwt_jwks_file: Path | None = None
    jwt_audience: str = ""
    jwt_issuer: str = ""
    jwt_leeway_seconds: float = Field(30, ge=0, le=600)
    confidential_events_to: Literal["parties", "everyone"] = "parties"
    presence_grace_seconds: float = Field(5, ge=0, le=3600)
    presence_to: Literal["everyone", "watchers"] = "everyone"

    services_file: Path | None = None
    chains_file: Path | None = None

    payment_expiry_seconds: int = Field(86_400, ge=0)
    deadline_grace_seconds: int = Field(900, ge=0, le=86_400)
    unconfirmed_grace_seconds: int = Field(86_400, ge=0, le=30 * 86_400)
    payout_rate_margin_percent: Decimal = Field(Decimal(5), ge=0, lt=100, max_digits=8)
    payout_network_fee_percent: Decimal = Field(Decimal(10), ge=0, le=100, max_digits=8)
    payout_limits: Mapping[Coin, PayoutLimits] = DEFAULT_LIMITS
    allowed_destinations_only: bool = False
    allowed_destination_wait_hours: float = Field(24, ge=0, le=8_760)
    time_zone: Annotated[str, AfterValidator(known_zone)] = "UTC"
    refund_address_wait_hours: float = Field(72, ge=0, le=8_760)
    payout_turn_seconds: float = Field(600, ge=0, le=86_400)
    paid_tolerance_percent: Decimal = Field(Decimal(5), ge=0, lt=100, max_digits=8)

    ping_interval_seconds: float = Field(25.0, gt=0, le=3600)
    ping_timeout_seconds: float = Field(20.0, gt=0, le=3600)
    connect_timeout_seconds: float = Field(45, gt=0, le=3600)
    backlog_limit_bytes: int = Field(4_000_000, ge=10_000, le=1_000_000_000)
    unread_limit_bytes: int = Field(256_000_000, ge=1_000_000, le=1_000_000_000_000)
    unread_limit_bytes_per_address: int = Field(32_000_000, ge=1_000_000, le=1_000_000_000_000)
    replay_limit_bytes: int = Field(8_000_000, ge=0, le=1_000_000_000)
    remembered_bytes: int = Field(32_000_000, ge=0, le=100_000_000_000)
    messages_per_second: float = Field(100, gt=0, le=100_000)
    joins_per_second: float = Field(50, gt=0, le=100_000)
    connections_per_second: float = Field(20, gt=0, le=100_000)
    loop_share_per_address: float = Field(0.25, gt=0, le=1)
    trusted_proxies: Annotated[str, AfterValidator(require_narrow)] = "127.0.0.1,::1"
    max_connections: int = Field(20_000, ge=10, le=1_000_000)
    connections_per_address: int = Field(500, ge=1, le=1_000_000)
    head_timeout_seconds: float = Field(10, gt=0, le=3600)
    body_timeout_seconds: float = Field(30, gt=0, le=3600)
    idle_timeout_seconds: float = Field(75, gt=0, le=3600)
    answer_timeout_seconds: float = Field(60, gt=0, le=3600)
    retention_days: float = Field(90, gt=0, le=36_500)
    retention_events: int = Field(0, ge=0)
    max_payload_bytes: int = Field(1_000_000, ge=1_000, le=100_000_000)
    max_webhook_bytes: int = Field(262_144, ge=1_000, le=10_000_000)
    max_publication_bytes: int = Field(1_000_000, ge=1_000, le=10_000_000)

    @field_validator("jwt_secrets", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        return keys_in(value, separator=",") if isinstance(value, str) else value

    @field_validator(*USUAL_FILES, "jwt_jwks_file", "journal_mark_file", mode="before")
    @classmethod
    def _none_if_empty(cls, value: object) -> object:
        return none_if_empty(value)

    @field_validator(*USUAL_FILES, "jwt_jwks_file")
    @classmethod
    def _is_there(cls, value: Path | None) -> Path | None:
        return existing_file(value)

    @field_validator("frontend_url")
    @classmethod
    def _names_origins(cls, value: str) -> str:
        try:
            return ",".join(allowed_origins(value))
        except BridgeError as error:
            raise ValueError(str(error)) from None

    @field_validator("database_url")
    @classmethod
    def _usable_database(cls, value: str) -> str:
        try:
            parse_database_url(value)
        except BridgeError as error:
            raise ValueError(str(error)) from None
        return value

    @model_validator(mode="after")
    def _closed_to_the_network(self) -> "Settings":
        if self.access == "open" and not self.is_loopback and not self.open_to_network:
            raise ValueError(explain_open_host(self.host))
        return self

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def mark_file(self) -> Path:
        """Where it is noted, outside of the database, how far the journal is."""
        return self.journal_mark_file or default_mark_file(parse_database_url(self.database_url))

    @property
    def frontend_origins(self) -> tuple[str, ...]:
        return tuple(self.frontend_url.split(","))

    @property
    def own_origins(self) -> tuple[str, ...]:
        """Where the bridge's own pages come from. Never what a request calls the bridge: whoever owns a name can
        have it lead here, and would be let in by it."""
        addresses = [self.public_url] if self.public_url else []
        if self.is_loopback:
            addresses += [f"http://{host}:{self.port}" for host in LOOPBACK_HOSTS] if self.port else []
        return tuple(allowed_origins(",".join(addresses))) if addresses else ()

    @property
    def limits(self) -> Limits:
        """What one client of the sockets may have."""
        return Limits(
            backlog_bytes=self.backlog_limit_bytes,
            connect_timeout_seconds=self.connect_timeout_seconds,
            messages=RateLimit(self.messages_per_second, BURST_SECONDS * self.messages_per_second),
            joins=RateLimit(self.joins_per_second, Limits().rooms),
            connections=RateLimit(self.connections_per_second, BURST_SECONDS * self.connections_per_second),
        )

    @property
    def door_limits(self) -> DoorLimits:
        """What one connection may have before a route has answered it."""
        return DoorLimits(
            body_bytes=max(self.max_payload_bytes, self.max_publication_bytes, self.max_webhook_bytes),
            head_seconds=self.head_timeout_seconds,
            body_seconds=self.body_timeout_seconds,
            idle_seconds=self.idle_timeout_seconds,
            answer_seconds=self.answer_timeout_seconds,
        )

    @property
    def unread(self) -> UnreadBytes:
        """What waits to be read: nothing yet."""
        return UnreadBytes(self.unread_limit_bytes, self.unread_limit_bytes_per_address)

    def connection_limits(self, file_limit: int) -> ConnectionLimits:
        """How many connections there may be, where a process may have so many files open."""
        reserved = max(1, min(RESERVED_PLACES, file_limit // 16))
        left = file_limit - reserved - max(1, min(OTHER_FILES, file_limit // 4))
        return ConnectionLimits(
            places=max(1, min(self.max_connections, left)),
            reserved_places=reserved,
            per_address=self.connections_per_address,
            clients=self.limits.connections,
            trusted=self.trusted_proxies,
        )

    @property
    def address(self) -> str:
        """Where others reach this bridge."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"

    def callback_url(self, provider: str) -> str:
        """Where a provider is to send its webhooks."""
        return f"{self.address}/webhooks/{provider}"

    def surroundings(self, provider: str) -> Surroundings:
        """What a provider is told of the bridge."""
        return Surroundings(self.callback_url(provider), self.payout_rate_margin_percent)

    def file_of(self, setting: str) -> Path | None:
        """The file that is named, or else that at its usual place, if there is one."""
        named: Path | None = getattr(self, setting)
        usual = USUAL_FILES[setting]
        return named or (usual if usual.exists() else None)

    @property
    def verifier(self) -> "TokenVerifier | None":
        """What users' tokens are verified with; None if nobody is asked for one."""
        if self.access == "open":
            return None
        secrets = [key.get_secret_value() for key in self.jwt_secrets]
        secrets_file = None if secrets else self.file_of("jwt_secrets_file")
        client = self.oidc_client
        if not secrets and secrets_file is None and self.jwt_jwks_file is None and client is None:
            raise SettingsError(
                "access = jwt needs keys to verify tokens with: set jwt_jwks_file to a file of public keys,"
                " or BRIDGE_JWT_SECRETS to the secret that tokens are signed with"
            )
        from bridge.access.key_sets import console_key
        from bridge.access.tokens import TokenVerifier

        try:
            return TokenVerifier(
                secrets=secrets,
                secrets_file=secrets_file,
                jwks_file=self.jwt_jwks_file,
                console_key=None if client is None else console_key(client.console_secret),
                audience=self.jwt_audience or None,
                issuer=self.jwt_issuer or None,
                leeway_seconds=self.jwt_leeway_seconds,
            )
        except KeysError as error:
            raise SettingsError(f"access = jwt: {error}") from None

    @property
    def payment_terms(self) -> Terms:
        """How strictly new payments are taken."""
        return Terms(
            tolerance_percent=self.paid_tolerance_percent, unconfirmed_grace_seconds=self.unconfirmed_grace_seconds
        )

    @property
    def payout_rules(self) -> PayoutRules:
        """Which payouts leave without a second person."""
        wait = timedelta(hours=self.allowed_destination_wait_hours)
        destination_wait = wait if self.allowed_destinations_only else None
        return PayoutRules(self.payout_limits, destination_wait, self.payout_network_fee_percent)

    @property
    def keeps_confidence(self) -> bool:
        """Whether events about money go to those concerned only, instead of everyone."""
        return self.access == "jwt" and self.confidential_events_to == "parties"

    @cached_property
    def chains(self) -> dict[str, Chain]:
        """The chains that are followed: those that come with the bridge and those of the operator's own file that
        have endpoints, there or in the environment, as they were read first."""
        own = self.file_of("chains_file")
        if own is None and not any(name.startswith(ENDPOINTS_VARIABLE_PREFIX) for name in os.environ):
            return {}
        try:
            named = {one.name: one.coins_of_chains for one in known.PROVIDERS if one.coins_of_chains is not None}
            found = read_chains(own, os.environ, providers=named)
        except ChainsError as error:
            whose = "" if own is None else "chains_file: "
            raise SettingsError("\n".join(f"{whose}{slip}" for slip in str(error).splitlines())) from None
        return {name: chain for name, chain in found.items() if chain.endpoints}

    @property
    def services(self) -> WatchedServices:
        """The services that may publish, as their file has them; none if there is no such file."""
        try:
            return WatchedServices(self.file_of("services_file"))
        except (KeysError, ServicesError) as error:
            raise SettingsError(f"services_file: {error}") from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        if isinstance(env_settings, EnvSettingsSource):
            ignored = {name.lower() for name in injected_variables(os.environ)}
            reserved = {name: value for name, value in env_settings.env_vars.items() if name.lower() not in ignored}
            env_settings.env_vars = reserved
        return init_settings, env_settings, InitSettingsSource(settings_cls, dict(_OF_FILE.get()))


def all_settings() -> type[Settings]:
    """What can be set, with what each provider adds."""
    return _with_those_of(known.PROVIDERS)


@cache
def _with_those_of(providers: tuple[Provider, ...]) -> type[Settings]:
    bases: tuple[Any, ...] = (*(provider.settings for provider in providers), Settings)
    return cast("type[Settings]", create_model("AllSettings", __base__=bases))


def load_settings(config_file: Path | None = None, **overrides: Any) -> Settings:
    """Reads the settings; `overrides` outrank every source.

    `config_file` None means the file that BRIDGE_CONFIG names, or else `config/bridge.toml` if there is one.
    Raises SettingsError with every wrong setting, what it should be and where to set it.
    """
    every = all_settings()
    refuse_slips(os.environ, {variable_name(name) for name in every.model_fields})
    path = config_file or find_config_file()
    secrets = {*SECRETS, *(name for provider in known.PROVIDERS for name in provider.settings.secrets)}
    file_values = {} if path is None else read_config_file(path, every.model_fields, secrets)

    reading = _OF_FILE.set(file_values)
    try:
        return every(**overrides)
    except UnreadableSettingError as error:
        raise SettingsError(explain_unreadable(str(error))) from None
    except ValidationError as error:
        faults = [explain(one, path, overrides, file_values, every.model_fields) for one in error.errors()]
        raise SettingsError("\n".join(faults)) from None
    finally:
        _OF_FILE.reset(reading)
