"""What can be set of SHKeeper. The same names stand in `config/bridge.toml`, with their meaning."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from coordinator.payments.agreed.invoices import Coin
from providers.settings import ProviderSettings, existing_file, keys_in, none_if_empty, text_of, web_root

__all__ = ["ShkeeperSettings"]

# Where the file of keys is looked for that is not named. There it may be or not; one that is named must be there.
USUAL_KEYS_FILE = Path("var/shkeeper.keys")


class ShkeeperSettings(ProviderSettings):
    secrets: ClassVar = ("shkeeper_api_keys", "shkeeper_password")

    shkeeper_api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    shkeeper_api_keys_file: Path | None = None
    shkeeper_url: str = ""
    shkeeper_user: str = ""
    shkeeper_password: SecretStr = SecretStr("")
    shkeeper_signature_window_seconds: int = Field(300, ge=1, le=86_400)
    shkeeper_accept_api_key_only: bool = False
    shkeeper_confirmations: Mapping[Coin, Annotated[int, Field(ge=0, le=10_000)]] = {}
    shkeeper_coin_decimals: Mapping[str, Annotated[int, Field(ge=0, le=30)]] = Field(default_factory=dict)
    shkeeper_test_networks: bool = False

    @field_validator("shkeeper_api_keys", mode="before")
    @classmethod
    def _split_shkeeper_keys(cls, value: object) -> object:
        return keys_in(value, separator=",") if isinstance(value, str) else value

    @field_validator("shkeeper_api_keys_file", mode="before")
    @classmethod
    def _no_shkeeper_file_if_empty(cls, value: object) -> object:
        return none_if_empty(value)

    @field_validator("shkeeper_api_keys_file")
    @classmethod
    def _is_shkeeper_file_there(cls, value: Path | None) -> Path | None:
        return existing_file(value)

    @field_validator("shkeeper_url")
    @classmethod
    def _is_shkeeper_at_an_address(cls, value: str) -> str:
        return web_root(value, "https://shkeeper.example")

    @property
    def shkeeper_keys(self) -> tuple[str, ...]:
        """The keys that SHKeeper may sign with: from the environment, or else from the file, one a line."""
        if self.shkeeper_api_keys:
            return tuple(key.get_secret_value() for key in self.shkeeper_api_keys)
        return tuple(keys_in(text_of(self.shkeeper_keys_file, "shkeeper_api_keys_file"), separator="\n"))

    @property
    def shkeeper_keys_file(self) -> Path | None:
        """The file of keys that is named, or else that at its usual place, if there is one."""
        return self.shkeeper_api_keys_file or (USUAL_KEYS_FILE if USUAL_KEYS_FILE.exists() else None)
