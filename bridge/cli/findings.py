"""A finding: one thing that `bridge doctor` has looked at, and what to do about it."""

from dataclasses import dataclass

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `level` is `ok`, `warning` or `error`."""

    level: str
    message: str
