"""Tokens of the marketplace's services, and the file that names them. They are known here by their hashes alone."""

import hashlib
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    Field,
    SecretStr,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from bridge.access.services import Service
from bridge.access.watched_file import WatchedFile
from bridge.catalogue import CATEGORIES, EVENTS, JOURNALED
from bridge.configuration.wording import wording_of
from coordinator.errors import BridgeError
from coordinator.models import FrozenModel

__all__ = ["Services", "ServicesError", "WatchedServices", "read_services"]

Name = Annotated[str, StringConstraints(max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]


class ServicesError(BridgeError):
    """The list of services is wrong; the message says where."""


class ServiceEntry(FrozenModel):
    """One service as its administrator writes it down."""

    token: Annotated[SecretStr, Field(min_length=16)]
    publishes: tuple[Annotated[str, StringConstraints(min_length=1)], ...] = ()
    registers: tuple[Literal["payments", "payouts"], ...] = ()
    approves: tuple[Literal["payouts"], ...] = ()
    manages: tuple[Literal["access"], ...] = ()
    receives: tuple[Annotated[str, StringConstraints(min_length=1)], ...] = ()
    reads: bool = False

    @model_validator(mode="after")
    def _may_something(self) -> "ServiceEntry":
        if not (self.publishes or self.registers or self.approves or self.manages or self.receives or self.reads):
            raise ValueError(
                "it may do nothing: name what it `publishes`, `registers`, `approves`, `manages` or `receives`, or"
                " that it `reads`"
            )
        return self

    @field_validator("publishes")
    @classmethod
    def _are_known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in EVENTS and name not in CATEGORIES:
                raise ValueError(f"{name!r} is no event and no category; the categories are {', '.join(CATEGORIES)}")
        return names

    @field_validator("receives")
    @classmethod
    def _are_journaled(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in JOURNALED and not any(name in events for events in JOURNALED.values()):
                raise ValueError(f"{name!r} is no event and no category; the categories are {', '.join(JOURNALED)}")
        return names


class Services:
    """The services by their tokens."""

    def __init__(self, by_token_hash: dict[bytes, Service]) -> None:
        self._by_token_hash = by_token_hash

    def __len__(self) -> int:
        return len(self._by_token_hash)

    @property
    def approve_payouts(self) -> bool:
        """Whether one of them may tell that somebody approved a payout."""
        return any(service.approves_payouts for service in self._by_token_hash.values())

    def received_by(self, name: str) -> frozenset[str]:
        """The events that may be sent to endpoints of a service; none if there is no such service."""
        found = (service.receives for service in self._by_token_hash.values() if service.name == name)
        return next(found, frozenset())

    @property
    def names(self) -> frozenset[str]:
        """What all of them are called."""
        return frozenset(service.name for service in self._by_token_hash.values())

    def find(self, token: str) -> Service | None:
        """The service that a token belongs to."""
        # The hash is looked up, not the token, so the time it takes tells nothing about any token.
        return self._by_token_hash.get(_hash(token))


class WatchedServices:
    """The services that are named at the moment. Once some are, nobody else may write, also when all have been taken
    out of their file or the file is gone."""

    def __init__(self, path: Path | None) -> None:
        """Without a file nobody is named. Raises KeysError and ServicesError."""
        self._file = (
            None if path is None else WatchedFile(path, lambda content: _services_in(content, path), nothing=NONE)
        )
        self.are_named = False
        """Whether any have been, so far."""
        self.now()

    def now(self) -> Services:
        found = NONE if self._file is None else self._file.value()
        self.are_named = self.are_named or len(found) > 0
        return found

    @property
    def are_watched(self) -> bool:
        """Whether there is a file that may name some."""
        return self._file is not None

    def trouble(self) -> str | None:
        """What is wrong with their file; None if it can be read."""
        self.now()
        return None if self._file is None else self._file.trouble


def _services_in(content: bytes, path: Path) -> Services:
    try:
        return read_services(content.decode())
    except UnicodeDecodeError:
        raise ServicesError(f"{path}: it is no text file in UTF-8") from None
    except ServicesError as error:
        raise ServicesError(f"{path}: {error}") from None


def read_services(text: str) -> Services:
    """Reads a TOML file with a table for each service: its `token`; what it `publishes`, events or categories; what
    it `registers`, `approves` and `manages`; and whether it `reads` all there is.

    Raises ServicesError, which never shows a token.
    """
    try:
        entries = TypeAdapter(dict[Name, ServiceEntry]).validate_python(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ServicesError(f"it is no TOML: {error}") from None
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise ServicesError(
            "; ".join(f"{'.'.join(map(str, fault['loc']))}: {wording_of(fault)}" for fault in faults)
        ) from None
    by_token_hash: dict[bytes, Service] = {}
    for name, entry in entries.items():
        token_hash = _hash(entry.token.get_secret_value())
        if token_hash in by_token_hash:
            raise ServicesError(f"{name}: has the same token as {by_token_hash[token_hash].name}")
        by_token_hash[token_hash] = Service(
            name,
            _names(entry.publishes),
            registers_payments="payments" in entry.registers,
            registers_payouts="payouts" in entry.registers,
            approves_payouts="payouts" in entry.approves,
            manages_access="access" in entry.manages,
            receives=_received(entry.receives),
            reads=entry.reads,
        )
    return Services(by_token_hash)


NONE = Services({})


def _names(publishes: Sequence[str]) -> frozenset[str]:
    names = set(publishes)
    for category in names & CATEGORIES.keys():
        names |= {model.event_name for model in CATEGORIES[category]}
    return frozenset(names & EVENTS.keys())


def _received(names: Sequence[str]) -> frozenset[str]:
    return frozenset(event for name in names for event in JOURNALED.get(name, (name,)))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
