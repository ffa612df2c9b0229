"""What is wrong with the settings, in words that name the setting, what it should be, and where it was set."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from pydantic_core import ErrorDetails

from bridge.environment import CONFIG_FILE_VARIABLE, explain_unknown, unknown_variables
from bridge.workers.alerts.destinations import SECRET_VARIABLE_PREFIX
from providers.onchain.chains import ENDPOINTS_VARIABLE_PREFIX
from providers.settings import SettingsError

__all__ = ["explain", "explain_unreadable", "refuse_slips", "variable_name"]

# Of maps whose values are no numbers.
UNREADABLE_EXAMPLES = {
    "alerts": '{"time_zone": "Europe/Zurich"}',
    "payout_limits": '{"USD": {"per_payout": 50, "per_seller_and_day": 90, "per_day": 900, "under_way": 900}}',
    "brand": '{"name": "The Bicycle Shop", "accent": "#0b6663"}',
    "grants": '{"url": "https://shop.example/grants", "secret_file": "/etc/bridge/grants.secret"}',
    "oidc": '{"issuer": "https://id.example", "client_id": "bridge", "roles": {"ops-view": ["finance"]}}',
    "wallets": '{"tolerance_percent": "0.5"}',
}

# What OpenSSL is told by: the authorities that TLS to neighbours is checked against.
CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def refuse_slips(environment: Mapping[str, str], known: Collection[str]) -> None:
    """Raises SettingsError for what would be passed over in silence: a name that is no setting, a file whose name is
    empty, as orchestrators make it of a value that is missing, and authorities that are not there."""
    slips = unknown_variables(environment, known, prefixes=[ENDPOINTS_VARIABLE_PREFIX, SECRET_VARIABLE_PREFIX])
    lines = [explain_unknown(name, known) for name in slips]
    files = {CONFIG_FILE_VARIABLE, *(name for name in known if name.endswith("_FILE"))}
    lines += [
        f"{name} is set and names no file; name the one that is meant, or take it out of the environment"
        for name, value in sorted(environment.items())
        if name.upper() in files and not value.strip()
    ]
    for name in CERTIFICATE_VARIABLES:
        missing = [path for path in environment.get(name, "").split(os.pathsep) if path and not Path(path).exists()]
        lines += [f"{name}: there is no {path}; name the authorities' certificates, or unset it" for path in missing]
    if lines:
        raise SettingsError("\n".join(lines))


def variable_name(setting: str) -> str:
    """The environment variable of a setting."""
    return "FRONTEND_URL" if setting == "frontend_url" else f"BRIDGE_{setting.upper()}"


def explain(problem: ErrorDetails, path: Path | None, overrides: Collection[str]) -> str:
    message = problem["msg"].removeprefix("Value error, ")
    if not problem["loc"]:
        return message
    name, place = str(problem["loc"][0]), ".".join(map(str, problem["loc"]))
    if problem["type"] == "extra_forbidden":
        return f"{place}: there is no such setting; see the comments in config/bridge.toml"
    if name in overrides:
        return f"{place}: {message} (set with --{name.replace('_', '-')})"
    where = variable_name(name) + (f" or {path}" if path else "")
    return f"{place}: {message} (set in {where})"


def explain_unreadable(message: str) -> str:
    """Of a variable that should hold JSON; the library's message names the setting in quotes."""
    name = message.split('"')[1] if message.count('"') > 1 else "a setting"
    example = UNREADABLE_EXAMPLES.get(name, '{"ETH": 12}')
    return f"{name}: this is no JSON; write it such as {example} (set in {variable_name(name)})"
