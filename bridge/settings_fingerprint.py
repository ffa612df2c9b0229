"""Settings fingerprint: by what bridges that share a journal tell that they have the same settings, without saying
what those are."""

import hashlib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, SecretStr

from bridge.settings import USUAL_FILES, Settings
from coordinator.compact_json import compact_json

__all__ = ["SettingsFingerprint"]

# What each bridge has for itself: where it is, how much it can carry, and where its files are.
OF_ITS_OWN = {
    *("host", "port", "open_to_network", "database_url", "journal_mark_file", "stop_seconds"),
    *("log_level", "log_format", "metrics_host", "metrics_port", "traces"),
    *("trusted_proxies", "max_connections", "connections_per_address"),
    *("unread_limit_bytes", "remembered_bytes", "chains_file"),
}
# So short that what is guessed cannot be told by it, and long enough to tell two settings apart.
DIGEST_BYTES = 2


class SettingsFingerprint:
    """What has to be alike at each bridge, as digests by the settings' names. It is asked for every other second, so
    only what stands in files is read anew."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        names = type(settings).model_fields.keys() - OF_ITS_OWN
        self._in_files = sorted(
            name for name in names if name in USUAL_FILES or _names_a_file(getattr(settings, name))
        )
        chains = {
            name: chain.model_dump(mode="json", exclude={"endpoints"}) for name, chain in settings.chains.items()
        }
        self._lasting = {"version": version("bridge"), "chains": _digest(chains)} | self._digests_of(
            names.difference(self._in_files)
        )

    def digests(self) -> Mapping[str, str]:
        """Those of this moment."""
        return self._lasting | self._digests_of(self._in_files)

    def _digests_of(self, names: Iterable[str]) -> dict[str, str]:
        return {name: _digest(_of_setting(self._settings, name)) for name in names}


def _of_setting(settings: Settings, name: str) -> object:
    value = settings.file_of(name) if name in USUAL_FILES else getattr(settings, name)
    return _plain(value)


def _plain(value: object) -> object:
    """As JSON has it, and alike where it means the same."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Path):
        return value.read_text(encoding="utf-8", errors="replace") if value.exists() else None
    if isinstance(value, Decimal):
        return str(value.normalize())
    if isinstance(value, BaseModel):
        return {name: _plain(part) for name, part in value}
    if isinstance(value, Mapping):
        return {str(name): _plain(value[name]) for name in sorted(value, key=str)}
    if isinstance(value, tuple | list | frozenset | set):
        return [_plain(part) for part in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _names_a_file(value: object) -> bool:
    if isinstance(value, BaseModel):
        return any(_names_a_file(part) for _, part in value)
    if isinstance(value, Mapping):
        return any(map(_names_a_file, value.values()))
    if isinstance(value, tuple | list | frozenset | set):
        return any(map(_names_a_file, value))
    return isinstance(value, Path)


def _digest(value: object) -> str:
    return hashlib.blake2b(compact_json(value).encode(), digest_size=DIGEST_BYTES).hexdigest()
