"""Which notices the local SHKeeper is to post, and when again: its rules for trying. No I/O and no clock.

A notice is posted at once. Once a minute a loop posts again what was not answered 202, and for the first time what
had too few confirmations until then; of an invoice only what is older than a minute. A payout's is tried seven times
with growing pauses, and then never again. Only 202 counts.
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
    UNCONFIRMED = "unconfirmed"
    """A transfer that no block holds yet."""
    PAYOUT = "payout"


@dataclass
class Notice:
    """One notice, until it is accepted or given up. Its body is written anew for each try."""

    subject: Subject
    subject_id: int
    """Of the invoice or payout."""
    txid: str
    url: str
    since: datetime
    next_try: datetime | None
    """None once nothing more is sent."""
    tries: int = 0
    last_status: int | None = None
    """Of the last answer that was noted; None if there was none."""

    @property
    def is_accepted(self) -> bool:
        return self.last_status == ACCEPTED


class Outbox:
    """Every notice so far."""

    def __init__(self, *, minute_seconds: float = 60) -> None:
        """`minute_seconds` is how long SHKeeper's minute takes, for whoever has less patience."""
        self._minute = timedelta(seconds=minute_seconds)
        self._began_at: datetime | None = None
        self.notices: list[Notice] = []

    def add(
        self, subject: Subject, subject_id: int, txid: str, url: str, now: datetime, *, is_held: bool = False
    ) -> None:
        """Posts a notice at once, or, if it is held, not before the loop comes by."""
        notice = Notice(subject, subject_id, txid, url, since=now, next_try=now)
        self.notices.append(notice)
        if is_held:
            self.postpone(notice, now)

    def due(self, now: datetime) -> list[Notice]:
        """What is to be posted now; each is then waited for before it is due again."""
        self._round_after(now)  # the loop's rounds are counted from the first time that anybody looks
        due = [notice for notice in self.notices if notice.next_try is not None and notice.next_try <= now]
        for notice in due:
            notice.next_try = None
        return due

    def postpone(self, notice: Notice, now: datetime) -> None:
        """Leaves a notice to the loop's next round in which it is old enough."""
        next_try = self._round_after(now)
        while notice.subject is Subject.INVOICE and next_try < notice.since + self._minute:
            next_try += self._minute
        notice.next_try = next_try

    def drop(self, notice: Notice) -> None:
        """There is nothing left to say."""
        self.notices.remove(notice)

    def answered(self, notice: Notice, status: int | None, now: datetime) -> None:
        """What came back, if anything did."""
        notice.tries += 1
        notice.last_status = status
        if status == ACCEPTED:
            notice.next_try = None
        elif notice.subject is not Subject.PAYOUT:
            self.postpone(notice, now)
        elif notice.tries < PAYOUT_TRIES:
            notice.next_try = self._round_after(now + self._minute * (2 ** (notice.tries - 1) - 1))

    def _round_after(self, moment: datetime) -> datetime:
        """The loop's next round."""
        self._began_at = self._began_at or moment
        if not self._minute:
            return moment
        return self._began_at + self._minute * ((moment - self._began_at) // self._minute + 1)
