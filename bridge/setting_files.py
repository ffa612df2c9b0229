"""The files that settings come from, and those that they name."""

import os
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from bridge.environment import CONFIG_FILE_VARIABLE
from bridge.setting_errors import SettingsError, variable_name

__all__ = ["existing_file", "find_config_file", "keys_in", "read_config_file", "text_of"]

DEFAULT_CONFIG_FILE = Path("config/bridge.toml")

SECRETS = ("shkeeper_api_keys", "shkeeper_password", "jwt_secrets")


def find_config_file() -> Path | None:
    """The configuration file that the environment names, or else the default one, if there is one."""
    named = os.environ.get(CONFIG_FILE_VARIABLE)
    if named is not None:
        return Path(named)
    return DEFAULT_CONFIG_FILE if DEFAULT_CONFIG_FILE.exists() else None


def read_config_file(path: Path, settings: Collection[str]) -> dict[str, Any]:
    """The values in a configuration file. Raises SettingsError if it cannot be read, or holds a secret."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"cannot read the configuration file {path}: {error}") from None
    for secret in SECRETS:
        if secret in values:
            in_file = f", or name a file in {secret}_file" if f"{secret}_file" in settings else ""
            raise SettingsError(
                f"{path}: {secret} does not belong in this file, being secret; set {variable_name(secret)}{in_file}"
            )
    return values


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
