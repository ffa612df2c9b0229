"""A time that stands still until a test moves it."""

from datetime import datetime, timedelta

__all__ = ["Clock"]


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)
