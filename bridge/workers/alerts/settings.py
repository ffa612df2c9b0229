"""The settings of alerts: which channels there are, what each of them hears and when, and how bad each kind is."""

import ipaddress
import re
from collections.abc import Mapping
from datetime import UTC, time, timedelta, tzinfo
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, field_validator, model_validator

from bridge.documentation import where_documented
from coordinator.attention.alert_schedule import Frequency, QuietHours, Rules, Schedule
from coordinator.attention.items import BY_URGENCY
from coordinator.attention.severities import Severities, Severity
from coordinator.models import FrozenModel
from providers.settings import existing_file, none_if_empty

__all__ = ["NEVER_NOTIFIED", "AlertSettings", "ChatSettings", "MailSettings"]

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
NEVER_NOTIFIED = 'all its severities are "never"; set one to "at-once" or "digest", or take the channel out'
# Of what may be read by whoever reads the configuration.
SECRET_FIELDS = {"url": "url_file", "password": "password_file"}


def _mail_address(value: str) -> str:
    if len(value) > 120 or not _ADDRESS.fullmatch(value):
        raise ValueError("expected a mail address such as ops@shop.example")
    return value


MailAddress = Annotated[str, AfterValidator(_mail_address)]
ChannelName = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,39}$")]


class ChannelSettings(FrozenModel):
    """What one channel hears, and how soon."""

    critical: Frequency = Frequency.AT_ONCE
    warning: Frequency = Frequency.DIGEST
    notice: Frequency = Frequency.DIGEST
    in_quiet_hours: frozenset[Severity] = frozenset({Severity.CRITICAL})
    secret_file_field: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _names_no_secret(cls, value: Any) -> Any:
        for field, file_field in SECRET_FIELDS.items():
            if isinstance(value, Mapping) and field in value:
                raise ValueError(f"{field} does not belong here, being secret; name a file in {file_field}")
        return value

    @property
    def rules(self) -> Rules:
        frequencies = {Severity.CRITICAL: self.critical, Severity.WARNING: self.warning, Severity.NOTICE: self.notice}
        return Rules(frequencies, self.in_quiet_hours)


class MailSettings(ChannelSettings):
    """A mail server, and who is written to by it."""

    secret_file_field: ClassVar[str] = "password_file"  # noqa: S105 (a name)

    kind: Literal["mail"]
    host: str = Field(pattern=r"^[A-Za-z0-9.:\[\]-]{1,253}$")
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = Field("", pattern=r"^[^\x00-\x1f\x7f]*$")
    password_file: Path | None = None
    sender: MailAddress
    to: tuple[MailAddress, ...] = Field(min_length=1, max_length=50)

    _none_if_empty = field_validator("password_file", mode="before")(none_if_empty)
    _is_there = field_validator("password_file")(existing_file)

    @model_validator(mode="after")
    def _says_no_secret_in_the_open(self) -> "MailSettings":
        if self.security == "none" and not _is_loopback(self.host):
            raise ValueError(
                'security = "none" is for a mail server on this machine alone: what is written is about money; set'
                ' "starttls" or "tls"'
            )
        return self

    @property
    def secret_file(self) -> Path | None:
        return self.password_file


class ChatSettings(ChannelSettings):
    """A chat with an incoming webhook, such as Slack's or Mattermost's."""

    secret_file_field: ClassVar[str] = "url_file"  # noqa: S105 (a name)

    kind: Literal["chat"]
    url_file: Path | None = None

    _none_if_empty = field_validator("url_file", mode="before")(none_if_empty)
    _is_there = field_validator("url_file")(existing_file)

    @property
    def secret_file(self) -> Path | None:
        return self.url_file


class AlertSettings(FrozenModel):
    """Who is told of what needs a person, and when."""

    time_zone: str = "UTC"
    quiet_hours: str = ""
    digest_minutes: float = Field(60, gt=0, le=1440)
    pause_seconds: float = Field(60, ge=0, le=3600)
    retry_seconds: float = Field(60, gt=0, le=1800)
    undelivered_minutes: float = Field(15, ge=0, le=1440)
    look_seconds: float = Field(10, gt=0, le=3600)
    remind_hours: float = Field(24, ge=0, le=24 * 30)
    severities: Mapping[str, Severity] = {}
    channels: Mapping[ChannelName, Annotated[MailSettings | ChatSettings, Field(discriminator="kind")]] = {}

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        _zone(value)
        return value

    @field_validator("quiet_hours")
    @classmethod
    def _are_hours(cls, value: str) -> str:
        _hours(value)
        return value

    @field_validator("severities")
    @classmethod
    def _of_kinds(cls, value: Mapping[str, Severity]) -> Mapping[str, Severity]:
        unknown = sorted(value.keys() - {kind.value for kind in BY_URGENCY})
        if unknown:
            raise ValueError(
                f"there is no kind {unknown[0]!r}; {where_documented('docs/console.md')} lists those that there are"
            )
        return value

    @property
    def schedule(self) -> Schedule:
        return Schedule(
            zone=_zone(self.time_zone),
            quiet_hours=_hours(self.quiet_hours),
            digest_every=timedelta(minutes=self.digest_minutes),
            pause=timedelta(seconds=self.pause_seconds),
            retry_after=timedelta(seconds=self.retry_seconds),
            undelivered_after=timedelta(minutes=self.undelivered_minutes),
        )

    @property
    def silent_channels(self) -> tuple[str, ...]:
        """Those that never hear of anything."""
        return tuple(
            name for name, one in self.channels.items() if set(one.rules.frequencies.values()) == {Frequency.NEVER}
        )

    @property
    def remind_after(self) -> timedelta | None:
        """None: nobody is reminded."""
        return timedelta(hours=self.remind_hours) if self.remind_hours else None

    @property
    def how_bad(self) -> Severities:
        return Severities(self.severities)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _zone(name: str) -> tzinfo:
    """A time zone by its name; UTC also where the machine has no table of zones."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        raise ValueError(
            f"there is no time zone {name!r} on this machine; expected a name such as Europe/Zurich"
        ) from None


def _hours(text: str) -> QuietHours | None:
    if not text:
        return None
    found = _HOURS.fullmatch(text)
    hours = None if found is None else [int(part) for part in found.groups()]
    if hours is None or hours[:2] == hours[2:]:
        raise ValueError('expected hours such as "22:00-07:00", or nothing')
    return QuietHours(time(hours[0], hours[1]), time(hours[2], hours[3]))
