"""Where alerts go: each channel of the settings, and each address of it, with what it hears. One that does not take
its mail keeps nobody else from theirs."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

from bridge.workers.alerts.settings import AlertSettings, ChatSettings, MailSettings
from coordinator.attention.alert_messages import AlertMessage
from coordinator.attention.alert_schedule import Rules
from providers.settings import SettingsError, text_of

__all__ = [
    "SECRET_VARIABLE_PREFIX",
    "Destination",
    "destinations",
    "secret_variable",
]

SECRET_VARIABLE_PREFIX = "BRIDGE_ALERT_SECRET_"  # noqa: S105 (where a name begins, not a secret)
"""What is secret of a channel may come from the environment too: the URL of a chat, the password of a mail server."""


Send = Callable[[AlertMessage, str], Awaitable[None]]
"""Sends a message, which has a name that it keeps when it is sent again. Raises UndeliveredError."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Somebody who is told."""

    name: str
    channel: str
    rules: Rules
    send: Send


def secret_variable(channel: str) -> str:
    """The environment variable that holds what is secret of a channel."""
    return SECRET_VARIABLE_PREFIX + channel.upper().replace("-", "_")


def destinations(settings: AlertSettings, environment: Mapping[str, str]) -> list[Destination]:
    """All that there are. Raises SettingsError."""
    known = {secret_variable(channel) for channel in settings.channels}
    slips = sorted(name for name in environment if name.upper().startswith(SECRET_VARIABLE_PREFIX))
    for name in slips:
        if name not in known:
            raise SettingsError(f"{name} is set, and there is no such channel in alerts.channels; correct either")
    return [one for name, channel in settings.channels.items() for one in _of_channel(name, channel, environment)]


def _of_channel(
    name: str, channel: MailSettings | ChatSettings, environment: Mapping[str, str]
) -> Iterator[Destination]:
    where = f"alerts.channels.{name}.{channel.secret_file_field}"
    secret = environment.get(secret_variable(name), "").strip() or text_of(channel.secret_file, where).strip()
    missing = f"set {secret_variable(name)}, or name a file in {where}"
    if isinstance(channel, ChatSettings):
        from bridge.workers.alerts.chat import Chat

        if not secret:
            raise SettingsError(f"alerts.channels.{name}: the address of its incoming webhook is missing; {missing}")
        yield Destination(name, name, channel.rules, Chat(secret, where).send)
        return
    from bridge.workers.alerts.mail import MailServer

    if channel.user and not secret:
        raise SettingsError(f"alerts.channels.{name}: the password of {channel.user} is missing; {missing}")
    server = MailServer(channel, secret)
    for address in channel.to:
        yield Destination(f"{name} {address}", name, channel.rules, server.to(address))
