"""The settings of grants that the marketplace is asked for."""

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from coordinator.endpoints.signing import require_secret
from coordinator.models import FrozenModel
from providers.findings import is_private
from providers.settings import SettingsError, existing_file, none_if_empty, text_of

if TYPE_CHECKING:
    from bridge.access.grant_lookup import GrantLookup

__all__ = ["GrantSettings"]


class GrantSettings(FrozenModel):
    """Where it is asked who may enter which room, beyond what tokens say."""

    url: str = ""
    secret_file: Path | None = None
    remembered_seconds: float = Field(60, ge=0, le=3600)
    timeout_seconds: float = Field(5, gt=0, le=30)

    _none_if_empty = field_validator("secret_file", mode="before")(none_if_empty)
    _is_there = field_validator("secret_file")(existing_file)

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        is_plain = value.isprintable() and " " not in value and "#" not in value and "@" not in value
        if value and not (is_plain and is_private(value)):
            raise ValueError("expected an address that begins with https://, without user or fragment")
        return value

    def signing_keys(self) -> list[str]:
        """What questions are signed with; none where nobody is asked. Raises SettingsError."""
        if not self.url:
            return []
        keys = text_of(self.secret_file, "grants.secret_file").split()
        if not keys:
            raise SettingsError("grants.url needs grants.secret_file: a file with whsec_… in it, by which is signed")
        try:
            return [require_secret(key) for key in keys]
        except ValueError as error:
            raise SettingsError(f"grants.secret_file: {error}") from None

    def asker(self) -> "GrantLookup | None":
        """Who asks; None if nobody is asked. Raises SettingsError."""
        keys = self.signing_keys()
        if not keys:
            return None
        # It brings an HTTP client, which a bridge that asks nobody does without.
        from bridge.access.grant_lookup import GrantLookup

        return GrantLookup(self.url, keys, deadline_seconds=self.timeout_seconds)
