"""The settings of the identity provider at which staff sign in to the console (OpenID Connect)."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from bridge.access.principals import Role
from coordinator.models import FrozenModel
from providers.findings import is_private
from providers.settings import SettingsError, existing_file, none_if_empty, text_of

__all__ = ["OidcClient", "OidcSettings"]

# Providers give 32 characters and more. What is derived of it must not be guessed either.
SECRET_LEAST_BYTES = 32


class OidcSettings(FrozenModel):
    """Where staff sign in, as what the bridge is known there, and who may do what."""

    issuer: str = ""
    name: str = Field("", max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$")
    client_id: str = Field("", max_length=300, pattern=r"^[\x21-\x7e]*$")
    client_secret_file: Path | None = None
    scopes: str = Field("openid", pattern=r"^[\x21-\x7e]+( [\x21-\x7e]+)*$")
    user_claim: str = Field("sub", min_length=1)
    roles_claim: str = Field("roles", min_length=1)
    roles: Mapping[Role, tuple[str, ...]] = {}
    session_hours: float = Field(12, gt=0, le=168)
    timeout_seconds: float = Field(10, gt=0, le=30)

    _none_if_empty = field_validator("client_secret_file", mode="before")(none_if_empty)
    _is_there = field_validator("client_secret_file")(existing_file)

    @field_validator("issuer")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        is_plain = value.isprintable() and not set(" ?#@") & set(value)
        if value and not (is_plain and is_private(value) and urlsplit(value).hostname):
            raise ValueError("expected the provider's issuer, an address that begins with https://, without a query")
        return value

    @field_validator("scopes")
    @classmethod
    def _asks_who_somebody_is(cls, value: str) -> str:
        if "openid" not in value.split():
            raise ValueError('expected scopes with blanks between, "openid" among them')
        return value

    @model_validator(mode="after")
    def _is_whole(self) -> "OidcSettings":
        if self.issuer and not self.client_id:
            raise ValueError("issuer needs client_id, by which the provider knows the bridge")
        if self.issuer and not any(self.roles.values()):
            raise ValueError(
                f"nobody could sign in: name in roles what the claim {self.roles_claim!r} has to hold for"
                f" {', '.join(Role)}"
            )
        return self

    @property
    def of_nobody(self) -> tuple[Role, ...]:
        """The roles that nobody is given."""
        return tuple(role for role in Role if not self.roles.get(role))

    @property
    def shown_name(self) -> str:
        """What the provider is called on the page."""
        return self.name or urlsplit(self.issuer).hostname or ""

    def client(self, secret: str) -> "OidcClient | None":
        """What the bridge is at the provider, with a secret from the environment or else from the file; None where
        nobody signs in so. Raises SettingsError."""
        if not self.issuer:
            return None
        secret = secret.strip() or text_of(self.client_secret_file, "oidc.client_secret_file").strip()
        if len(secret.encode()) < SECRET_LEAST_BYTES:
            found = f"has {len(secret.encode())} bytes" if secret else "is missing"
            raise SettingsError(
                f"oidc: the client secret {found}; set oidc.client_secret_file, or BRIDGE_OIDC_CLIENT_SECRET, to that"
                f" of the provider, of at least {SECRET_LEAST_BYTES} bytes"
            )
        return OidcClient(self, secret)


@dataclass(frozen=True, slots=True)
class OidcClient:
    """What the bridge is at the identity provider."""

    settings: OidcSettings
    secret: str

    def __repr__(self) -> str:
        return f"OidcClient({self.settings.client_id})"

    @property
    def console_secret(self) -> bytes:
        """What the tokens of those who signed in are signed with."""
        return self.derived_key("console tokens")

    def derived_key(self, purpose: str) -> bytes:
        """A key for one purpose, the same at every bridge of a journal. Another client secret voids them all."""
        return hmac.digest(self.secret.encode(), f"bridge: {purpose}".encode(), "sha256")
