"""The parts of a batch, by subject. Most batches need two of them, so each is made when it is asked for."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from bridge.journal.writing.forgetting import Forgetting
from bridge.journal.writing.recent_payments import RecentPayments
from bridge.journal.writing.staged.actions import Action, StagedActions
from bridge.journal.writing.staged.activities import StagedActivities
from bridge.journal.writing.staged.alerts import StagedAlerts
from bridge.journal.writing.staged.books import StagedBooks
from bridge.journal.writing.staged.chains import StagedChains
from bridge.journal.writing.staged.claims import StagedClaims
from bridge.journal.writing.staged.destinations import StagedDestinations
from bridge.journal.writing.staged.drafts import StagedDrafts
from bridge.journal.writing.staged.due_look_ups import StagedDueLookUps
from bridge.journal.writing.staged.endpoints import StagedEndpoints
from bridge.journal.writing.staged.histories import StagedHistories
from bridge.journal.writing.staged.holds import StagedHolds
from bridge.journal.writing.staged.invoices import StagedInvoices
from bridge.journal.writing.staged.nodes import StagedNodes
from bridge.journal.writing.staged.payments import StagedPayments
from bridge.journal.writing.staged.payouts import StagedPayouts
from bridge.journal.writing.staged.prices import StagedPrices
from bridge.journal.writing.staged.refunds import StagedRefunds
from bridge.journal.writing.staged.revocations import StagedRevocations
from bridge.journal.writing.staged.sessions import StagedSessions
from bridge.journal.writing.staged.unreadable import StagedUnreadable
from bridge.journal.writing.staged.wallets import StagedWallets
from bridge.journal.writing.statements import Staged, moment_of

__all__ = ["StagedParts"]


class _Counted(Protocol):
    @property
    def writes(self) -> int:
        """How many changes are staged, or made at once."""


class _Part(_Counted, Protocol):
    def statements(self) -> Sequence[Staged]:
        """What is staged."""


AnyCounted = TypeVar("AnyCounted", bound=_Counted)
_writes_of: Callable[[_Counted], int] = attrgetter("writes")


def _counted(make: Callable[["StagedParts"], AnyCounted]) -> cached_property[AnyCounted]:
    """A part that is made when it is asked for first, and counts from then on."""

    def made(parts: "StagedParts") -> AnyCounted:
        part = make(parts)
        parts._made.append(part)
        return part

    return cached_property(made)


# In the order in which they are written: what others refer to comes first.
_PARTS = (
    *("payments", "payouts", "refunds", "holds", "destinations", "histories"),
    *("chains", "sessions", "actions", "drafts", "invoices", "claims", "due_look_ups", "nodes", "activities"),
    *("revocations", "endpoints", "alerts", "books", "wallets", "unreadable", "prices"),
)


class StagedParts:
    """Reads and staged writes of one transaction, each subject's in a part of its own."""

    def __init__(self, connection: Connection, recent: RecentPayments, *, now: datetime) -> None:
        self._connection = connection
        self._recent = recent
        self.now = now
        self._moment = moment_of(connection, now)
        """The same as the driver has it."""
        self.wakeups: set[str] = set()
        """The work that there is news for, once this is committed."""
        self._made: list[_Counted] = []
        """The parts that were asked for."""
        self._writes = 0
        """How many changes of no part are staged."""

    @_counted
    def payments(self) -> StagedPayments:
        return StagedPayments(self._connection, self._recent, now=self.now, moment=self._moment)

    @_counted
    def payouts(self) -> StagedPayouts:
        return StagedPayouts(self._connection, now=self.now, moment=self._moment)

    @_counted
    def refunds(self) -> StagedRefunds:
        return StagedRefunds(self._connection, now=self.now)

    @_counted
    def holds(self) -> StagedHolds:
        return StagedHolds(self._connection, now=self.now)

    @_counted
    def destinations(self) -> StagedDestinations:
        return StagedDestinations(self._connection, now=self.now)

    @_counted
    def histories(self) -> StagedHistories:
        return StagedHistories(self._connection, now=self.now)

    @_counted
    def chains(self) -> StagedChains:
        return StagedChains(self._connection, now=self.now)

    @_counted
    def sessions(self) -> StagedSessions:
        return StagedSessions(self._connection, now=self.now)

    @_counted
    def actions(self) -> StagedActions:
        return StagedActions(self._connection, now=self.now)

    @_counted
    def drafts(self) -> StagedDrafts:
        return StagedDrafts(self._connection, now=self.now)

    @_counted
    def invoices(self) -> StagedInvoices:
        return StagedInvoices(self._connection, now=self.now)

    @_counted
    def claims(self) -> StagedClaims:
        return StagedClaims(self._connection, moment=self._moment)

    @_counted
    def due_look_ups(self) -> StagedDueLookUps:
        return StagedDueLookUps(now=self.now)

    @_counted
    def nodes(self) -> StagedNodes:
        return StagedNodes(self._connection, now=self.now)

    @_counted
    def activities(self) -> StagedActivities:
        return StagedActivities(self._connection, now=self.now)

    @_counted
    def revocations(self) -> StagedRevocations:
        return StagedRevocations(self._connection, now=self.now)

    @_counted
    def endpoints(self) -> StagedEndpoints:
        return StagedEndpoints(self._connection)

    @_counted
    def alerts(self) -> StagedAlerts:
        return StagedAlerts(self._connection, now=self.now)

    @_counted
    def books(self) -> StagedBooks:
        return StagedBooks(self._connection)

    @_counted
    def wallets(self) -> StagedWallets:
        return StagedWallets(self._connection, now=self.now)

    @_counted
    def unreadable(self) -> StagedUnreadable:
        return StagedUnreadable(self._connection, now=self.now)

    @_counted
    def prices(self) -> StagedPrices:
        return StagedPrices(self._connection, now=self.now)

    @_counted
    def forgetting(self) -> Forgetting:
        """What deletes at once, and stages nothing."""
        return Forgetting(self._connection)

    @property
    def moved_sessions(self) -> Sequence[str]:
        """Sessions that this bridge takes over from others that are there."""
        return self.sessions.moved if "sessions" in self.__dict__ else ()

    @property
    def added_actions(self) -> Sequence[Action]:
        """What people did."""
        return self.actions.added if "actions" in self.__dict__ else ()

    def staged(self) -> Iterator[Staged]:
        """What is staged in all parts, in the order in which it is to be written."""
        made = self.__dict__
        for name in _PARTS:
            if name in made:
                part: _Part = made[name]
                yield from part.statements()

    @property
    def writes(self) -> int:
        """How many changes are staged, or made at once; a request that fails must not have raised it."""
        return sum(map(_writes_of, self._made), self._writes)
