"""What can be set about endpoints: how they are tried, and which of them may be sent to inside of a network."""

from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

from coordinator.endpoints.addresses import Networks
from coordinator.endpoints.endpoints import STANDARD_RETRIES, EndpointRules

__all__ = ["EndpointSettings"]

Pause = Annotated[float, Field(ge=0, le=30 * 86_400)]


def _networks(text: str) -> Networks:
    return [ip_network(one.strip()) for one in text.split(",") if one.strip()]


def _are_networks(text: str) -> str:
    try:
        _networks(text)
    except ValueError as error:
        raise ValueError(f"expected networks separated by commas, such as 10.0.0.0/8: {error}") from None
    return text


class EndpointSettings(BaseSettings):
    """Those of the settings that are about endpoints."""

    endpoint_networks: Annotated[str, AfterValidator(_are_networks)] = ""
    endpoint_retry_seconds: Annotated[tuple[Pause, ...], Field(min_length=1, max_length=50), NoDecode] = tuple(
        pause.total_seconds() for pause in STANDARD_RETRIES
    )
    endpoint_timeout_seconds: float = Field(15, gt=0, le=120)

    @field_validator("endpoint_retry_seconds", mode="before")
    @classmethod
    def _split_pauses(cls, value: object) -> object:
        return value.split(",") if isinstance(value, str) else value

    @property
    def endpoint_rules(self) -> EndpointRules:
        """What holds for all endpoints."""
        return EndpointRules(
            retries=tuple(timedelta(seconds=pause) for pause in self.endpoint_retry_seconds),
            timeout_seconds=self.endpoint_timeout_seconds,
            networks=_networks(self.endpoint_networks),
        )
