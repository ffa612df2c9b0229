"""Which notices the local SHKeeper is to post, and when again: its rules for trying. No I/O and no clock.

A notice about an invoice is posted at once, and from a loop once a minute until it is answered 202. A payout's is
tried seven times with growing pauses, and then never again. Only 202 counts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

__all__ = ["Notice", "Outbox", "Subject"]

ACCEPTED = 202
PAYOUT_TRIES = 7


class Subject(StrEnum):
    """What a notice is about."""

    INVOICE = "invoice"
    PAYOUT = "payout"


@dataclass
class Notice:
    """One notice, until it is accepted or given up. Its body is written anew for each try."""

    subject: Subject
    subject_id: int
    """Of the invoice or payout."""
    txid: str
    url: str
    next_try: datetime | None
    """None once nothing more is sent."""
    tries: int = 0
    last_status: int | None = None
    """Of the last answer; None if there was none."""

    @property
    def is_accepted(self) -> bool:
        return self.last_status == ACCEPTED


class Outbox:
    """Every notice so far."""

    def __init__(self, *, minute_seconds: float = 60) -> None:
        """`minute_seconds` is how long SHKeeper's minute takes, for whoever has less patience."""
        self._minute = timedelta(seconds=minute_seconds)
        self.notices: list[Notice] = []

    def add(self, subject: Subject, subject_id: int, txid: str, url: str, now: datetime) -> None:
        self.notices.append(Notice(subject, subject_id, txid, url, next_try=now))

    def due(self, now: datetime) -> list[Notice]:
        """What is to be posted now; each is then waited for before it is due again."""
        due = [notice for notice in self.notices if notice.next_try is not None and notice.next_try <= now]
        for notice in due:
            notice.next_try = None
            notice.tries += 1
        return due

    def answered(self, notice: Notice, status: int | None, now: datetime) -> None:
        """What came back, if anything did."""
        notice.last_status = status
        if status == ACCEPTED:
            notice.next_try = None
        elif notice.subject is Subject.INVOICE:
            notice.next_try = now + self._minute
        elif notice.tries < PAYOUT_TRIES:
            notice.next_try = now + self._minute * 2 ** (notice.tries - 1)
