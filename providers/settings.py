"""Settings of providers: what each adds to those of the bridge, and what any of them is checked by."""

from collections.abc import Collection
from pathlib import Path
from typing import ClassVar, Self
from urllib.parse import urlsplit

from pydantic import BaseModel

from coordinator.errors import BridgeError

__all__ = ["ProviderSettings", "SettingsError", "existing_file", "keys_in", "none_if_empty", "text_of", "web_root"]


class SettingsError(BridgeError):
    """A setting is wrong. The message names it and says what it should be."""


class ProviderSettings(BaseModel):
    """What one provider adds to the settings of the bridge: fields that begin with its name. They come from where all
    others come from."""

    secrets: ClassVar[Collection[str]] = ()
    """Those of them that never stand in the configuration file."""

    @classmethod
    def of(cls, settings: BaseModel) -> Self:
        """The settings of the bridge, as those that this provider knows."""
        if not isinstance(settings, cls):
            raise TypeError(f"these settings are without those of {cls.__name__}")
        return settings


def none_if_empty(value: object) -> object:
    return None if value == "" else value


def existing_file(path: Path | None) -> Path | None:
    """The file that a setting names, if it names one. Raises ValueError if it is not there, or no regular file."""
    if path is None or path.is_file():
        return path
    if not path.exists() or path.is_dir():
        raise ValueError(
            f"there is no file {path.absolute()}; put it there, name the one that is meant, or name none"
        )
    raise ValueError(
        f"{path.absolute()} is no regular file but a pipe or its like, which can be read once and may keep the"
        " bridge waiting; write it to a file"
    )


def text_of(path: Path | None, setting: str) -> str:
    """What a file holds that a setting names; nothing if there is none. Raises SettingsError if it is not text."""
    try:
        return "" if path is None else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{setting}: cannot read {path} as a text file: {type(error).__name__}") from None


def keys_in(text: str, *, separator: str) -> list[str]:
    """The keys in a text, without the blanks around them."""
    return [key.strip() for key in text.split(separator) if key.strip()]


def web_root(value: str, example: str = "https://bridge.example") -> str:
    """An address under which others are, or none. Raises ValueError, which shows how one is written."""
    try:
        parts = urlsplit(value)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if value and (not is_usable or "@" in parts.netloc or parts.query or parts.fragment):
        raise ValueError(f"expected an address such as {example}, without user, query or fragment")
    return value.rstrip("/")
