"""What is wrong with the settings, in words that name the setting, what it should be, and where it was set."""

import difflib
import ipaddress
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bridge.configuration.wording import wording_of
from bridge.documentation import where_documented
from bridge.environment import CONFIG_FILE_VARIABLE, explain_unknown, unknown_variables
from bridge.secret_files import secret_files
from bridge.workers.alerts.destinations import SECRET_VARIABLE_PREFIX
from providers.onchain.chains import ENDPOINTS_VARIABLE_PREFIX
from providers.settings import SettingsError

__all__ = ["explain", "explain_open_host", "explain_unreadable", "refuse_slips", "variable_name"]

# Of maps whose values are no numbers.
UNREADABLE_EXAMPLES = {
    "alerts": '{"time_zone": "Europe/Zurich"}',
    "payout_limits": '{"USD": {"per_payout": 50, "per_seller_and_day": 90, "per_day": 900, "under_way": 900}}',
    "brand": '{"name": "The Bicycle Shop", "accent": "#0b6663"}',
    "grants": '{"url": "https://shop.example/grants", "secret_file": "/etc/bridge/grants.secret"}',
    "oidc": '{"issuer": "https://id.example", "client_id": "bridge", "roles": {"ops-view": ["finance"]}}',
    "wallets": '{"tolerance_percent": "0.5"}',
}

# What is wrong with a number, which says what it is to be and not how it is written.
OF_NUMBERS = re.compile(r"(int|float|decimal)_.*|(greater|less)_than(_equal)?")

# What OpenSSL is told by: the authorities that TLS to neighbours is checked against.
CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def refuse_slips(environment: Mapping[str, str], known: Collection[str]) -> None:
    """Raises SettingsError for what would be passed over in silence: a name that is no setting, a file whose name is
    empty, as orchestrators make it of a value that is missing, and authorities that are not there."""
    slips = unknown_variables(environment, known, prefixes=[ENDPOINTS_VARIABLE_PREFIX, SECRET_VARIABLE_PREFIX])
    files = secret_files(environment) if slips else {}
    lines = [explain_unknown(name, known, where_documented("config/bridge.toml"), files.get(name)) for name in slips]
    of_files = {CONFIG_FILE_VARIABLE, *(name for name in known if name.endswith("_FILE"))}
    lines += [
        f"{name} is set and names no file; name the one that is meant, or take it out of the environment"
        for name, value in sorted(environment.items())
        if name.upper() in of_files and not value.strip()
    ]
    for name in CERTIFICATE_VARIABLES:
        missing = [path for path in environment.get(name, "").split(os.pathsep) if path and not Path(path).exists()]
        lines += [f"{name}: there is no {path}; name the authorities' certificates, or unset it" for path in missing]
    if lines:
        raise SettingsError("\n".join(lines))


def variable_name(setting: str) -> str:
    """The environment variable of a setting."""
    return "FRONTEND_URL" if setting == "frontend_url" else f"BRIDGE_{setting.upper()}"


def explain(
    problem: ErrorDetails,
    path: Path | None,
    overrides: Collection[str],
    in_file: Mapping[str, Any],
    known: Mapping[str, FieldInfo],
) -> str:
    """One fault; `in_file` is what the file at `path` says, `known` the settings that there are."""
    message = wording_of(problem)
    if not problem["loc"]:
        return message
    name, place = str(problem["loc"][0]), ".".join(map(str, problem["loc"]))
    if len(problem["loc"]) == 1 and OF_NUMBERS.fullmatch(problem["type"]):
        message += f", such as {str(known[name].default).removesuffix('.0')}"
    if problem["type"] == "extra_forbidden":
        return f"{place}: there is no such setting; {_meant(problem['loc'], in_file, known)}"
    if name in overrides:
        return f"{place}: {message} (set with --{name.replace('_', '-')})"
    return f"{place}: {message} (set in {_where(name, path, in_file)})"


def _where(name: str, path: Path | None, in_file: Mapping[str, Any]) -> str:
    """Where a setting is set; where it can be, if it is at its default."""
    variable, value = variable_name(name), in_file.get(name)
    if any(one.upper() == variable for one in os.environ):
        both = f" or {path}" if isinstance(value, Mapping) else ""  # what either names of a table counts
        return f"{secret_files(os.environ).get(variable, variable)}{both}"
    return str(path) if value is not None else variable + (f" or {path}" if path else "")


def _meant(place: tuple[int | str, ...], in_file: Mapping[str, Any], known: Collection[str]) -> str:
    """Of a name in the file that is no setting: what may have been meant."""
    name = str(place[-1])
    if len(place) > 1 and name in known and isinstance(in_file.get(str(place[0])), Mapping):
        return f"{name} is one, but stands below the table [{place[0]}] here: write it above the first table"
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.7) if len(place) == 1 else []
    return f"is it {near[0]}?" if near else f"see the comments in {where_documented('config/bridge.toml')}"


def explain_open_host(host: str) -> str:
    """Why a bridge that asks nobody who they are does not listen there."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        is_near = difflib.get_close_matches(host.lower(), ["localhost"], cutoff=0.7) or host.lower().startswith("loc")
        meant = "is it localhost?" if is_near else "if it is misspelt, correct it."
        slip = f"{host} is neither an address nor localhost; {meant} "
    else:
        slip = ""
    return (
        f"host: {slip}With access = open the bridge asks nobody who they are, so it listens on loopback only, not on"
        f' {host}: set access = "jwt" to ask for tokens, or open_to_network = true to let anyone in'
    )


def explain_unreadable(message: str) -> str:
    """Of a variable that should hold JSON; the library's message names the setting in quotes."""
    name = message.split('"')[1] if message.count('"') > 1 else "a setting"
    example = UNREADABLE_EXAMPLES.get(name, '{"ETH": 12}')
    return f"{name}: this is no JSON; write it such as {example} (set in {variable_name(name)})"
