"""The files that settings come from, and those that they name."""

import os
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from bridge.configuration.errors import variable_name
from bridge.environment import CONFIG_FILE_VARIABLE
from bridge.journal.database.engines import has_password
from providers.settings import SettingsError

__all__ = ["DEFAULT_CONFIG_FILE", "find_config_file", "read_config_file", "settings_in"]

DEFAULT_CONFIG_FILE = Path("config/bridge.toml")


def find_config_file() -> Path | None:
    """The configuration file that the environment names, or else the default one, if there is one."""
    named = os.environ.get(CONFIG_FILE_VARIABLE)
    if named is not None:
        return Path(named)
    return DEFAULT_CONFIG_FILE if DEFAULT_CONFIG_FILE.exists() else None


def read_config_file(path: Path, settings: Collection[str], secrets: Collection[str]) -> dict[str, Any]:
    """The values in a configuration file, for settings some of which are secrets. Raises SettingsError if it cannot
    be read, or holds one of those."""
    values = settings_in(path)
    for secret in sorted(secrets):
        if secret in values:
            in_file = f", or name a file in {secret}_file" if f"{secret}_file" in settings else ""
            raise SettingsError(
                f"{path}: {secret} does not belong in this file, being secret; set {variable_name(secret)}{in_file}"
            )
    if isinstance(url := values.get("database_url"), str) and has_password(url):
        raise SettingsError(
            f"{path}: database_url has a password, which does not belong in this file, being secret; set"
            f" {variable_name('database_url')}, or a file of that name in the folder of secrets"
        )
    return values


def settings_in(path: Path) -> dict[str, Any]:
    """What a configuration file says, whatever it is. Raises SettingsError if it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        reason = "it is no text in UTF-8; save it as such"
    except tomllib.TOMLDecodeError as error:
        reason = f"{error}; correct it there"
    except OSError as error:
        reason = (
            f"{os.strerror(error.errno or 0)}; put it there and let the bridge's user read it, or name the one that"
            f" is meant with --config or in {CONFIG_FILE_VARIABLE}"
        )
    raise SettingsError(f"cannot read the configuration file {path}: {reason}")
