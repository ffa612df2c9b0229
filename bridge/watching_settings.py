"""What can be set about how the bridge is watched."""

from importlib.util import find_spec
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from coordinator.extras import how_to_install

__all__ = ["WatchingSettings"]

EXPORTER = "opentelemetry.exporter.otlp.proto.http"


class WatchingSettings(BaseSettings):
    """Those of the settings that are about logs, figures and traces."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"

    metrics_host: str = "127.0.0.1"
    metrics_port: int = Field(0, ge=0, le=65535)
    traces: bool = False

    @field_validator("traces")
    @classmethod
    def _can_be_made(cls, value: bool) -> bool:
        if value and not _is_installed():
            raise ValueError(f"OpenTelemetry, which makes them, is not installed: {how_to_install('otel')}")
        return value


def _is_installed() -> bool:
    try:
        return find_spec("opentelemetry.sdk") is not None and find_spec(EXPORTER) is not None
    except ModuleNotFoundError:  # of what it would be in
        return False
