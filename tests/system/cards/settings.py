"""What can be set of the provider of cards."""

from typing import Annotated, ClassVar

from pydantic import SecretStr, field_validator
from pydantic_settings import NoDecode

from providers.settings import ProviderSettings, keys_in, web_root

__all__ = ["CardSettings"]


class CardSettings(ProviderSettings):
    secrets: ClassVar = ("cards_webhook_secrets", "cards_key")

    cards_url: str = ""
    cards_shop: str = ""
    cards_key: SecretStr = SecretStr("")
    cards_webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    cards_pays_out: bool = True

    @field_validator("cards_webhook_secrets", mode="before")
    @classmethod
    def _split_secrets(cls, value: object) -> object:
        return keys_in(value, separator=",") if isinstance(value, str) else value

    @field_validator("cards_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        return web_root(value, "https://cards.example")
