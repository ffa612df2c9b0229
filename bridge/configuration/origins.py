"""Origins of settings: each setting with its value, and where that comes from. Secrets are not shown. Pure."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic_core import to_jsonable_python

from bridge.configuration.errors import variable_name
from bridge.journal.database.engines import journal_place
from bridge.secret_files import FOLLOWED
from bridge.settings import Settings
from bridge.workers.alerts.destinations import SECRET_VARIABLE_PREFIX
from providers.onchain.chains import ENDPOINTS_VARIABLE_PREFIX

__all__ = ["SettingOrigin", "origins_of"]

# What a URL asks for behind its path, which may be a key. No setting has a password in a URL but the journal's.
_QUERY_IN_URL = re.compile(r"(://[^?\s]*\?).*")


class SettingOrigin(NamedTuple):
    """One setting, for a person to read or a program."""

    name: str
    value: object
    """As JSON has it; stars in the place of a secret."""
    origin: str
    """The environment variable, the file (of settings, or of one secret), or `default`."""


def origins_of(
    settings: Settings,
    path: Path | None,
    in_file: Collection[str],
    environment: Mapping[str, str],
    secret_files: Mapping[str, Path],
) -> list[SettingOrigin]:
    """All of them, in the order in which they are declared; `in_file` are the names that the file at `path` sets,
    `secret_files` those that stand for a variable, by what they stand for."""
    brought = {FOLLOWED.get(name, name): str(file) for name, file in secret_files.items()}
    variables = {name.upper(): brought.get(name.upper(), name) for name in environment}
    values = settings.model_dump(by_alias=False)
    found = []
    for name in type(settings).model_fields:
        variable = variables.get(variable_name(name).upper())
        if variable is not None:
            origin = variable
        else:
            origin = str(path) if path is not None and name in in_file else "default"
        value = journal_place(settings.database_url) if name == "database_url" else values[name]
        found.append(SettingOrigin(name, _without_keys(to_jsonable_python(value)), origin))
    # No settings by themselves, but what is in them counts all the same.
    prefixes = (ENDPOINTS_VARIABLE_PREFIX, SECRET_VARIABLE_PREFIX)
    others = sorted(name for name in environment if name.upper().startswith(prefixes))
    return found + [
        SettingOrigin(name.upper().removeprefix("BRIDGE_").lower(), "***", variables[name.upper()]) for name in others
    ]


def _without_keys(value: object) -> object:
    match value:
        case str():
            return _QUERY_IN_URL.sub(r"\1***", value)
        case dict():
            return {name: _without_keys(part) for name, part in value.items()}
        case list():
            return [_without_keys(part) for part in value]
        case _:
            return value
