"""Agreement: by what bridges that share a journal tell that they have the same settings, without saying what those
are."""

import hashlib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, SecretStr

from bridge.settings import USUAL_FILES, Settings
from coordinator.compact_json import compact_json

__all__ = ["digests_of"]

# What each bridge has for itself: where it is, how much it can carry, and where its files are.
OF_ITS_OWN = {
    *(
        "host",
        "port",
        "open_to_network",
        "database_url",
        "journal_mark_file",
        "stop_seconds",
        "log_level",
        "log_format",
    ),
    *("trusted_proxies", "max_connections", "connections_per_address", "unread_limit_bytes", "remembered_bytes"),
    "chains_file",
}
# So short that what is guessed cannot be told by it, and long enough to tell two settings apart.
DIGEST_BYTES = 2


def digests_of(settings: Settings) -> Mapping[str, str]:
    """What has to be alike at each bridge, by the settings' names. Of a file that is what it says now."""
    digests = {name: _digest(_of_setting(settings, name)) for name in sorted(_shared_names(settings))}
    chains = {name: chain.model_dump(mode="json", exclude={"endpoints"}) for name, chain in settings.chains.items()}
    return {"version": version("bridge"), **digests, "chains": _digest(chains)}


def _shared_names(settings: Settings) -> Iterable[str]:
    return type(settings).model_fields.keys() - OF_ITS_OWN


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


def _digest(value: object) -> str:
    return hashlib.blake2b(compact_json(value).encode(), digest_size=DIGEST_BYTES).hexdigest()
