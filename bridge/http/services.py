"""The marketplace's services: who may publish which events. Their tokens are known here by their hashes alone."""

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from pydantic import Field, SecretStr, StringConstraints, TypeAdapter, ValidationError, field_validator

from bridge.catalogue import CATEGORIES, EVENTS
from coordinator.errors import BridgeError
from coordinator.events import Event
from coordinator.models import FrozenModel

__all__ = ["Service", "Services", "ServicesError", "read_services"]

ANYBODY = "anybody"

Name = Annotated[str, StringConstraints(max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
_SCHEME = "bearer "


class ServicesError(BridgeError):
    """The list of services is wrong; the message says where."""


class ServiceEntry(FrozenModel):
    """One service as its administrator writes it down."""

    token: Annotated[SecretStr, Field(min_length=16)]
    publishes: list[Annotated[str, StringConstraints(min_length=1)]]

    @field_validator("publishes")
    @classmethod
    def _are_known(cls, names: list[str]) -> list[str]:
        for name in names:
            if name not in EVENTS and name not in CATEGORIES:
                raise ValueError(f"{name!r} is no event and no category; the categories are {', '.join(CATEGORIES)}")
        return names


@dataclass(frozen=True, slots=True)
class Service:
    """Somebody who publishes, and what they may."""

    name: str
    events: frozenset[str]

    def require(self, events: Sequence[Event]) -> None:
        """Raises PermissionDeniedException if the service may not publish one of them."""
        denied = sorted({event.name for event in events} - self.events)
        if denied:
            raise PermissionDeniedException(f"the service {self.name} may not publish {', '.join(denied)}")


class Services:
    """Finds the service that a token belongs to. Where none is named, anybody may publish anything."""

    def __init__(self, by_token_hash: dict[bytes, Service]) -> None:
        self._by_token_hash = by_token_hash

    def __len__(self) -> int:
        return len(self._by_token_hash)

    def authenticate(self, authorization: str | None) -> Service:
        """The service behind an `Authorization` header. Raises NotAuthorizedException."""
        if not self._by_token_hash:
            return Service(ANYBODY, frozenset(EVENTS))
        if authorization is None or not authorization.lower().startswith(_SCHEME):
            raise NotAuthorizedException(
                "publishing needs the service's token: Authorization: Bearer <token>",
                headers={"WWW-Authenticate": "Bearer"},
            )
        # The hash is looked up, not the token, so the time it takes tells nothing about any token.
        service = self._by_token_hash.get(_hash(authorization[len(_SCHEME) :].strip()))
        if service is None:
            raise NotAuthorizedException(
                "this token belongs to no service", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}
            )
        return service


def read_services(text: str) -> Services:
    """Reads a TOML file with a table for each service: its `token` and what it `publishes`, events or categories.

    Raises ServicesError, which never shows a token.
    """
    try:
        entries = TypeAdapter(dict[Name, ServiceEntry]).validate_python(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ServicesError(f"it is no TOML: {error}") from None
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        raise ServicesError(
            "; ".join(
                f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg'].removeprefix('Value error, ')}"
                for fault in faults
            )
        ) from None
    by_token_hash: dict[bytes, Service] = {}
    for name, entry in entries.items():
        token_hash = _hash(entry.token.get_secret_value())
        if token_hash in by_token_hash:
            raise ServicesError(f"{name}: has the same token as {by_token_hash[token_hash].name}")
        by_token_hash[token_hash] = Service(name, _names(entry.publishes))
    return Services(by_token_hash)


def _names(publishes: Sequence[str]) -> frozenset[str]:
    names = set(publishes)
    for category in names & CATEGORIES.keys():
        names |= {model.event_name for model in CATEGORIES[category]}
    return frozenset(names & EVENTS.keys())


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
