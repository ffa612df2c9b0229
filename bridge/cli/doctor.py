"""`bridge doctor`: checks the configuration and its surroundings, and says what to do about what is wrong."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bridge.cli.address import AddressError, open_listener, reachable_url
from bridge.cli.chain_findings import chain_findings
from bridge.cli.console import say, styled, symbol
from bridge.cli.options import AsJson, Config
from bridge.cli.sign_in_findings import sign_in_findings
from coordinator.errors import BridgeError
from providers import known
from providers.findings import Finding, fetch_json, is_this_machine, readable_by_others

if TYPE_CHECKING:
    from bridge.settings import Settings

__all__ = ["disk_findings", "doctor"]

NAME_SERVICES = "list them in a file, and name that in services_file"


MARKS = {"ok": ("✓", "ok", "green"), "warning": ("!", "!", "yellow"), "error": ("✗", "x", "red")}


def doctor(
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Check the configuration, and say what is wrong and what to do. Exits with 1 if the bridge could not run.

    Example: [bold]bridge doctor --config /etc/bridge/bridge.toml[/bold]
    """
    findings = list(dict.fromkeys(_examine(config)))  # what two of them found is said once
    if as_json:
        say(json.dumps([asdict(finding) for finding in findings], indent=2))
    for finding in () if as_json else findings:
        drawn, plain, colour = MARKS[finding.level]
        say(f"{styled(symbol(drawn, plain), colour, bold=finding.level == 'error')} {finding.message}")
    if any(finding.level == "error" for finding in findings):
        raise typer.Exit(1)


def _examine(config: Path | None) -> Iterator[Finding]:
    from bridge.environment import injected_variables
    from bridge.secret_files import exposed_secret_files
    from bridge.settings import load_settings

    injected = injected_variables(os.environ)
    if injected:
        yield Finding("ok", f"{', '.join(injected)} come from an orchestrator, and are ignored")
    try:
        settings = load_settings(config)
    except BridgeError as error:
        for line in str(error).splitlines():
            yield Finding("error", line)
        return
    yield Finding("ok", "every setting has a value that makes sense")
    for path in exposed_secret_files(os.environ):
        yield Finding("warning", f"others on this machine can read {path}; run: chmod 600 {path}")
    yield from _front_end(settings)
    yield from _users(settings)
    yield from sign_in_findings(settings)
    yield from _grants(settings)
    yield from _services(settings)
    for provider in known.PROVIDERS:
        yield from provider.findings(settings, settings.surroundings(provider.name))
    yield from _unset_providers(settings)
    yield from _gateway_dates(settings)
    yield from chain_findings(settings)
    yield from _alerts(settings)
    yield from _journal(settings)
    yield from _port(settings)


def _unset_providers(settings: "Settings") -> Iterator[Finding]:
    """What waits at providers that the settings do not set up any more."""
    from datetime import UTC, datetime, timedelta

    from bridge.journal.examine import examine_waiting_at_others
    from bridge.workers.health.unset_providers import SetUp, lacking
    from coordinator.attention.unconfigured import provider_unset

    set_up = SetUp.of(
        [one.name for one in known.PROVIDERS if one.opens_invoices(settings)],
        [one.name for one in known.PROVIDERS if one.sends_payouts(settings)],
    )
    since = datetime.now(UTC) - timedelta(days=settings.reconcile_days)
    try:
        waiting = examine_waiting_at_others(
            settings.database_url, asked=set_up.asked, sending=set_up.sending, expired_since=since
        )
    except BridgeError:
        return  # what is wrong with the journal is said elsewhere
    for item in provider_unset(waiting, lacking()):
        yield Finding("warning", item.detail)


def _gateway_dates(settings: "Settings") -> Iterator[Finding]:
    """Providers whose dates are not in UTC."""
    from bridge.journal.examine import examine_dated_notices
    from bridge.workers.health.gateway_dates import zones_of
    from coordinator.attention.gateway_dates import dates_off
    from coordinator.payments.counting.date_zones import UTC_ITSELF

    for provider in known.PROVIDERS:
        try:
            dates = provider.connect(settings, settings.surroundings(provider.name)).dates
            notices = [] if dates is None else examine_dated_notices(settings.database_url, provider.name)
        except BridgeError:
            continue  # what is wrong with the settings or the journal is said elsewhere
        found = None if dates is None else zones_of(dates, notices)
        if found is not None and found.ahead != (UTC_ITSELF,):
            item = dates_off(provider.name, found)
            yield Finding("warning", f"{item.title}: {item.detail}. {item.advice}")


def _front_end(settings: "Settings") -> Iterator[Finding]:
    insecure = [
        origin for origin in settings.frontend_origins if origin.startswith("http://") and not is_this_machine(origin)
    ]
    if insecure:
        yield Finding("warning", f"FRONTEND_URL {', '.join(insecure)} is not encrypted; serve the page over https")
    else:
        yield Finding("ok", f"pages of {settings.frontend_url} may connect")


def _users(settings: "Settings") -> Iterator[Finding]:
    from bridge.registry import require_use_of_keys
    from bridge.secret_files import secret_files

    if settings.access == "open":
        try:
            require_use_of_keys(settings)
        except BridgeError as error:
            yield Finding("error", str(error))
        if not settings.is_loopback:
            yield Finding(
                "warning",
                f"anyone who reaches {settings.host} may join any room; let a proxy admit the right people only,"
                ' or set access = "jwt"',
            )
        return
    try:
        verifier = settings.verifier
    except BridgeError as error:
        yield Finding("error", str(error))
        return
    if verifier is not None:
        yield Finding("ok", f"users bring tokens, verified with {verifier.describe_keys()}")
    if not settings.jwt_audience:
        yield Finding("warning", "tokens made for anything are accepted unless they say for what; set jwt_audience")
    secrets_file = None if settings.jwt_secrets else settings.file_of("jwt_secrets_file")
    if secrets_file not in secret_files(os.environ).values():  # of those it is said already
        yield from readable_by_others(secrets_file)


def _grants(settings: "Settings") -> Iterator[Finding]:
    from bridge.registry import require_tokens_for_grants

    try:
        require_tokens_for_grants(settings)
        is_asked = bool(settings.grants.signing_keys())
    except BridgeError as error:
        yield Finding("error", str(error))
        return
    if is_asked:
        yield Finding("ok", "the marketplace is asked for what tokens do not grant")
        yield from readable_by_others(settings.grants.secret_file)


def _services(settings: "Settings") -> Iterator[Finding]:
    try:
        services = settings.services.now()
    except BridgeError as error:
        yield Finding("error", str(error))
        return
    if services:
        yield Finding(
            "ok", f"{len(services)} service{'s' if len(services) > 1 else ''} may write, each with its token"
        )
        sends = any(provider.sends_payouts(settings) for provider in known.PROVIDERS)
        if sends and settings.access == "open" and not services.approve_payouts:
            yield Finding(
                "warning",
                "payouts above a limit wait for a second person, and nobody may be that: where services are named and"
                ' access is "open", one of them has to have approves = ["payouts"]',
            )
        yield from readable_by_others(settings.file_of("services_file"))
    elif (file := settings.file_of("services_file")) is not None:
        yield Finding("error", f"services_file: {file} names no service; add a table for each, or name no file")
    elif settings.access == "jwt":
        yield Finding(
            "warning",
            f"no service is named, so nobody may publish events or register payments; {NAME_SERVICES}",
        )
    elif not settings.is_loopback:
        yield Finding("warning", f"no service is named, so anybody may write; {NAME_SERVICES}")


def _alerts(settings: "Settings") -> Iterator[Finding]:
    from bridge.workers.alerts.destinations import destinations
    from bridge.workers.alerts.settings import NEVER_NOTIFIED

    try:
        alerted = destinations(settings.alerts, os.environ)
    except BridgeError as error:
        yield Finding("error", str(error))
        return
    for channel in settings.alerts.channels.values():
        yield from readable_by_others(channel.secret_file)
    for name in settings.alerts.silent_channels:
        yield Finding("warning", f"alerts.channels.{name} is never told of anything: {NEVER_NOTIFIED}")
    if alerted:
        names = ", ".join(one.name for one in alerted)
        yield Finding("ok", f"{names} hear of what needs a person; bridge alerts test sends them a message")


def _journal(settings: "Settings") -> Iterator[Finding]:
    from bridge.journal.examine import examine_database, examine_holds

    try:
        state, holds = examine_database(settings.database_url), examine_holds(settings.database_url)
    except BridgeError as error:
        yield Finding("error", f"database_url: {error}")
        return
    yield Finding("ok", f"the journal: {state.description}")
    yield _mark(settings)
    for hold in holds:
        since = f"{hold.held_at:%Y-%m-%d %H:%M} UTC"
        why = "" if hold.note is None else f" ({hold.note})"
        yield Finding(
            "warning",
            f"no payout is sent: {hold.held_by} has held them since {since}{why}; resume them at /ops, or"
            " with bridge payouts resume",
        )
    if state.is_open_elsewhere:
        yield Finding("ok", "a bridge is writing to it at this moment")
    if state.folder is not None:
        yield from disk_findings(state.folder)


def disk_findings(folder: Path) -> Iterator[Finding]:
    """What readiness will say of it."""
    import asyncio

    from bridge.workers.health.checks import DegradedError, check_disk

    try:
        asyncio.run(check_disk(folder))
    except DegradedError as error:
        yield Finding("warning", str(error))
    except BridgeError as error:
        yield Finding("error", str(error))


def _mark(settings: "Settings") -> Finding:
    """Where it is noted how far the journal is. Without it a rewind may go unnoticed."""
    from bridge.journal.history.mark_file import MarkFile, MarkUnreadableError

    path = settings.mark_file
    try:
        mark = MarkFile(path).read()
    except MarkUnreadableError as error:
        return Finding("warning", f"journal_mark_file: {error}; whether the journal was rewound cannot be told by it")
    folder = next((parent for parent in path.absolute().parents if parent.exists()), path.absolute().parent)
    if not os.access(folder, os.W_OK):
        return Finding(
            "warning",
            f"journal_mark_file: {path.absolute()} cannot be written; let the bridge's user write there, or name"
            " another file, so that a journal that was rewound is noticed",
        )
    noted = "will be made" if mark is None else f"says {mark.reach.events} events"
    return Finding("ok", f"the journal's mark: {path.absolute()} {noted}")


def _port(settings: "Settings") -> Iterator[Finding]:
    if settings.port == 0:
        return
    where = f"{settings.host}:{settings.port}"
    try:
        open_listener(settings.host, settings.port).close()
    except AddressError as error:
        try:
            # Through no proxy: the bridge that is asked for is on this machine.
            url = f"{reachable_url(settings.host, settings.port)}/health/ready"
            status = fetch_json(url, within_seconds=5, through_proxies=False)["status"]
        except (BridgeError, ValueError, LookupError, TypeError):
            yield Finding("error", str(error))
        else:
            yield Finding(
                "ok" if status == "ready" else "warning",
                f"a bridge answers on {where}: it is {status}"
                + ("" if status == "ready" else "; its /health/ready says which part is not"),
            )
    else:
        yield Finding("ok", f"{where} is free")
