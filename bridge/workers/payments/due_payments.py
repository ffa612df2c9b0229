"""Due payments: which payment that may still move is asked about next. Pure: it holds ids and times. The clock is an
argument, and has to be steady: if it were set back, all would wait until it caught up.

A share of the turns goes to the payments that have waited longest since they were asked about: just large enough that
each has its turn within an hour at the configured pace, and a quarter at least, since a slow provider has fewer
turns. The others go to the newest, whose money is most likely to have come, and of which something was learned when
they were asked about last. A completed or refunded payment is asked
about again at growing intervals, but at least once a day: its provider may report more, less, or nothing.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import Any

from coordinator.waits import backoff

__all__ = ["LONGEST_WAIT", "DuePayments", "next_check", "next_recheck"]

# No payment waits longer than an hour for its turn; some minutes of it are for those that are due at the same time.
LONGEST_WAIT = timedelta(minutes=50)
PROMISE_SECONDS = 3300.0
LEAST_SHARE = 0.25
# A question that hangs takes about twice as long.
PUT_OFF = timedelta(seconds=5)
# A payment that is an hour old is asked about every six minutes.
AGE_SHARE = 10
# A minute after it ended, then after 4, 16 and 64 minutes, 4 and 17 hours, and once a day from then on: a dozen times
# in a week.
TIMES_AS_LATE = 4
LONGEST_RECHECK = timedelta(days=1)


def next_check(created_at: datetime, last: datetime, interval: timedelta) -> datetime:
    """When to ask again about a payment that was last asked about at that time."""
    return last + max(interval, min((last - created_at) / AGE_SHARE, LONGEST_WAIT))


def next_recheck(ended_at: datetime, last: datetime, interval: timedelta) -> datetime:
    """When to ask again about a payment that ended then and was last asked about at that time. The result depends
    on these alone, so that a restart does not have everything asked about again."""
    wait = interval
    while ended_at + wait <= last:
        wait = min(wait * TIMES_AS_LATE, wait + max(LONGEST_RECHECK, interval))
    return ended_at + wait


@dataclass(slots=True)
class _Open:
    created_at: datetime
    due_at: datetime
    asked_at: datetime
    """When it was last asked about; when it was added, if it was not asked about yet."""
    ended_at: datetime | None = None
    """When it was completed or refunded, if it is checked afterwards."""
    written_at: datetime | None = None
    """The same, as it was stored."""
    failures: int = 0
    is_behind: bool = False
    """Whether nothing was learned when it was asked about last: others, which may be answered, come first."""


class DuePayments:
    """The open payments of one provider, by when they are due."""

    def __init__(self, *, interval: timedelta, per_second: float) -> None:
        self._interval = interval
        self._per_second = per_second
        self._open: dict[str, _Open] = {}
        self._later: list[tuple[datetime, str]] = []
        """A heap by when they are due; an entry is void if its time is no longer its payment's."""
        self._waiting_longest: list[tuple[datetime, str]] = []
        self._newest: list[tuple[bool, float, str]] = []
        """The same payments, those that are due, in two orders; one that is in neither any more was taken."""
        self._due: set[str] = set()
        self._ended: set[str] = set()
        self._owed = 0.0

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, payment_id: str) -> bool:
        return payment_id in self._open

    def add(self, payment_id: str, created_at: datetime, now: datetime) -> bool:
        """Adds a payment, which is due at once. Returns whether it was new."""
        if payment_id in self._open:
            return False
        self._open[payment_id] = _Open(created_at, now, now)
        heappush(self._later, (now, payment_id))
        return True

    def add_ended(
        self, payment_id: str, created_at: datetime, ended_at: datetime, asked_at: datetime, *, written_at: datetime
    ) -> bool:
        """Adds a payment that is completed or refunded, or notes that one is. `written_at` is the time by the
        clock that may be corrected, and identifies the end. `asked_at` is when it may last have been asked about,
        if it is new here. Returns whether that is news."""
        payment = self._open.setdefault(payment_id, _Open(created_at, asked_at, asked_at))
        if payment.written_at is not None and written_at <= payment.written_at:
            return False
        payment.ended_at, payment.written_at, payment.failures = ended_at, written_at, 0
        self._ended.add(payment_id)
        self._again(payment_id, payment, next_recheck(ended_at, payment.asked_at, self._interval))
        return True

    def drop(self, payment_id: str) -> None:
        """Forgets a payment, which is over."""
        self._open.pop(payment_id, None)
        self._ended.discard(payment_id)
        self._due.discard(payment_id)

    def retain_only(self, payment_ids: Collection[str]) -> None:
        """Forgets all but these."""
        for payment_id in [payment_id for payment_id in self._open if payment_id not in payment_ids]:
            self.drop(payment_id)

    def asked(
        self, payment_id: str, now: datetime, *, news_since: datetime | None = None, news_at: datetime | None = None
    ) -> None:
        """It was asked about, and answered. If the answer left something open, that is asked about as if the
        payment were only as old as `news_since`; if the answer said when there is more to learn, at that time."""
        payment = self._open.get(payment_id)
        if payment is None:
            return
        payment.failures, payment.asked_at, payment.is_behind = 0, now, False
        if payment.ended_at is not None:
            due_at = next_recheck(payment.ended_at, now, self._interval)
        else:
            due_at = next_check(payment.created_at, now, self._interval)
        if news_since is not None:
            due_at = min(due_at, next_check(min(news_since, now), now, self._interval))
        # What should have been known by now, and was not, will not be known soon.
        if news_at is not None and news_at > now:
            due_at = min(due_at, max(news_at, now + self._interval))
        self._again(payment_id, payment, due_at)

    def hurry(self, payment_id: str, now: datetime) -> None:
        """It is to be asked about as soon as possible, however old it is."""
        payment = self._open.get(payment_id)
        if payment is not None:
            self._again(payment_id, payment, now + self._interval)

    def failed(self, payment_id: str, now: datetime) -> int:
        """Asking about it failed, and as far as can be known that was the payment's own fault: ask later and
        later. Returns how often that was so in a row."""
        payment = self._open.get(payment_id)
        if payment is None:
            return 0
        payment.failures, payment.asked_at, payment.is_behind = payment.failures + 1, now, True
        wait = backoff(self._interval, payment.failures, LONGEST_WAIT)
        self._again(payment_id, payment, now + max(wait, self._interval))
        return payment.failures

    def was_away(self, payment_id: str, now: datetime) -> None:
        """It was asked about while its provider answered nobody. It is due at once, and comes after the others: it
        may be the one to blame all the same."""
        payment = self._open.get(payment_id)
        if payment is not None:
            payment.asked_at, payment.is_behind = now, True
            self._again(payment_id, payment, now)

    def was_unanswered(self, payment_id: str) -> bool:
        """Whether nothing was learned when it was asked about last."""
        payment = self._open.get(payment_id)
        return payment is not None and payment.failures > 0

    def put_off(self, payment_id: str, now: datetime) -> None:
        """It was taken, and cannot be asked about for a while because others like it hang."""
        payment = self._open.get(payment_id)
        if payment is not None:
            self._again(payment_id, payment, now + PUT_OFF)

    def put_back(self, payment_ids: Iterable[str], now: datetime) -> None:
        """They were taken, and then not asked about."""
        for payment_id in payment_ids:
            payment = self._open.get(payment_id)
            if payment is not None:
                self._again(payment_id, payment, now)

    def _again(self, payment_id: str, payment: _Open, due_at: datetime) -> None:
        payment.due_at = due_at
        heappush(self._later, (due_at, payment_id))

    def take(self, now: datetime, limit: int) -> list[str]:
        """The next that are due, in the order in which to ask about them."""
        self._become_due(now)
        promised = (len(self._open) - len(self._ended)) / (self._per_second * PROMISE_SECONDS)
        share = min(1.0, max(promised, LEAST_SHARE))
        taken: list[str] = []
        while self._due and len(taken) < limit:
            self._owed += share
            if self._owed >= 1.0:
                self._owed -= 1.0
                taken.append(self._pop(self._waiting_longest))
            else:
                taken.append(self._pop(self._newest))
        return taken

    def _become_due(self, now: datetime) -> None:
        while self._later and self._later[0][0] <= now:
            due_at, payment_id = heappop(self._later)
            if self._is_current(due_at, payment_id) and payment_id not in self._due:
                self._due.add(payment_id)
                payment = self._open[payment_id]
                heappush(self._waiting_longest, (payment.asked_at, payment_id))
                heappush(self._newest, (payment.is_behind, -payment.created_at.timestamp(), payment_id))
        # What was taken from one order is still in the other.
        if len(self._newest) + len(self._waiting_longest) > 4 * len(self._due) + 1000:
            self._newest = [entry for entry in set(self._newest) if entry[-1] in self._due]
            self._waiting_longest = [entry for entry in set(self._waiting_longest) if entry[1] in self._due]
            heapify(self._newest)
            heapify(self._waiting_longest)

    def _is_current(self, due_at: datetime, payment_id: str) -> bool:
        payment = self._open.get(payment_id)
        return payment is not None and payment.due_at == due_at

    def _pop(self, order: list[Any]) -> str:
        while True:
            payment_id: str = heappop(order)[-1]
            if payment_id in self._due:
                self._due.remove(payment_id)
                return payment_id
