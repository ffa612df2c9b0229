"""The environment's variables, told apart by name: the bridge's own, those that an orchestrator puts there beside a
service called `bridge`, and all others that begin like the bridge's, which can only be a slip. Pure."""

import difflib
import re
from collections.abc import Collection, Mapping
from pathlib import Path

__all__ = [
    "CONFIG_FILE_VARIABLE",
    "POSTGRESQL_FOLDER_VARIABLE",
    "SECRETS_FOLDER_VARIABLE",
    "TOKEN_VARIABLE",
    "URL_VARIABLE",
    "explain_unknown",
    "injected_variables",
    "unknown_variables",
]

PREFIX = "BRIDGE_"
CONFIG_FILE_VARIABLE = "BRIDGE_CONFIG"
TOKEN_VARIABLE = "BRIDGE_TOKEN"  # noqa: S105 (its name, not a token)
"""The token that a command brings to a bridge."""
URL_VARIABLE = "BRIDGE_URL"
"""Where the bridge is that a command talks to, if it is not the one that the settings start."""
SECRETS_FOLDER_VARIABLE = "BRIDGE_SECRETS_DIR"
"""The folder of secret files."""
POSTGRESQL_FOLDER_VARIABLE = "BRIDGE_POSTGRESQL_BIN"
"""The folder with pg_dump and pg_restore, for backups, where they are not on the PATH, or others than those."""
OWN = frozenset(
    {CONFIG_FILE_VARIABLE, TOKEN_VARIABLE, URL_VARIABLE, SECRETS_FOLDER_VARIABLE, POSTGRESQL_FOLDER_VARIABLE}
)

# Kubernetes tells every pod of every service in its namespace, also of one called bridge-metrics; Docker's links say
# it in the same way.
_INJECTED = re.compile(
    r"BRIDGE_(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)"
)
_INJECTED_PORT = re.compile(r"BRIDGE_(?:[A-Z0-9_]+_)?PORT")
_ADDRESS = re.compile(r"(?:tcp|udp|sctp)://\S+")


def injected_variables(environment: Mapping[str, str]) -> list[str]:
    """Those that an orchestrator has put there. `BRIDGE_PORT` is one only if it holds an address, such as
    `tcp://10.0.0.1:8000`: no port is written so."""
    return sorted(
        name
        for name, value in environment.items()
        if _INJECTED.fullmatch(name) or (_INJECTED_PORT.fullmatch(name) and _ADDRESS.fullmatch(value))
    )


def unknown_variables(
    environment: Mapping[str, str], known: Collection[str], *, prefixes: Collection[str]
) -> list[str]:
    """Those that begin like the bridge's, and neither are `known` or injected nor begin with one of the `prefixes`.
    Capitals or not is the same, as of settings."""
    injected = injected_variables(environment)
    return sorted(
        name
        for name in environment
        if (spelled := name.upper()).startswith(PREFIX)
        and not any(spelled.startswith(prefix) for prefix in prefixes)
        and spelled not in known
        and spelled not in OWN
        and name not in injected
    )


def explain_unknown(name: str, known: Collection[str], documented: str, file: Path | None = None) -> str:
    """What to do about one, whose value is not shown: it may be a secret. `documented` says where all that there are
    stand, `file` is the secret's file that it comes from, if it comes from one."""
    bare = name.upper().removeprefix(PREFIX)
    by_bare_name = {one.removeprefix(PREFIX): one for one in sorted({*known, *OWN})}
    near = [by_bare_name[one] for one in difflib.get_close_matches(bare, by_bare_name, n=1, cutoff=0.7)]
    meant = f"is it {near[0]}?" if near else f"see the comments in {documented} for those that there are."
    if file is not None:
        return f"the file {file} has the name of no setting of the bridge; {meant} Rename it, or take it away"
    return f"{name} is set and is no setting of the bridge; {meant} Correct it, or take it out of the environment"
