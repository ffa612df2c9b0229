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

    def _counted(self, part: AnyCounted) -> AnyCounted:
        self._made.append(part)
        return part

    @cached_property
    def payments(self) -> StagedPayments:
        return self._counted(StagedPayments(self._connection, self._recent, now=self.now, moment=self._moment))

    @cached_property
    def payouts(self) -> StagedPayouts:
        return self._counted(StagedPayouts(self._connection, now=self.now, moment=self._moment))

    @cached_property
    def refunds(self) -> StagedRefunds:
        return self._counted(StagedRefunds(self._connection, now=self.now))

    @cached_property
    def holds(self) -> StagedHolds:
        return self._counted(StagedHolds(self._connection, now=self.now))

    @cached_property
    def destinations(self) -> StagedDestinations:
        return self._counted(StagedDestinations(self._connection, now=self.now))

    @cached_property
    def histories(self) -> StagedHistories:
        return self._counted(StagedHistories(self._connection, now=self.now))

    @cached_property
    def chains(self) -> StagedChains:
        return self._counted(StagedChains(self._connection, now=self.now))

    @cached_property
    def sessions(self) -> StagedSessions:
        return self._counted(StagedSessions(self._connection, now=self.now))

    @cached_property
    def actions(self) -> StagedActions:
        return self._counted(StagedActions(self._connection, now=self.now))

    @cached_property
    def drafts(self) -> StagedDrafts:
        return self._counted(StagedDrafts(self._connection, now=self.now))

    @cached_property
    def invoices(self) -> StagedInvoices:
        return self._counted(StagedInvoices(self._connection, now=self.now))

    @cached_property
    def claims(self) -> StagedClaims:
        return self._counted(StagedClaims(self._connection, moment=self._moment))

    @cached_property
    def due_look_ups(self) -> StagedDueLookUps:
        return self._counted(StagedDueLookUps(now=self.now))

    @cached_property
    def nodes(self) -> StagedNodes:
        return self._counted(StagedNodes(self._connection, now=self.now))

    @cached_property
    def activities(self) -> StagedActivities:
        return self._counted(StagedActivities(self._connection, now=self.now))

    @cached_property
    def revocations(self) -> StagedRevocations:
        return self._counted(StagedRevocations(now=self.now))

    @cached_property
    def endpoints(self) -> StagedEndpoints:
        return self._counted(StagedEndpoints(self._connection))

    @cached_property
    def alerts(self) -> StagedAlerts:
        return self._counted(StagedAlerts(self._connection, now=self.now))

    @cached_property
    def books(self) -> StagedBooks:
        return self._counted(StagedBooks(self._connection))

    @cached_property
    def wallets(self) -> StagedWallets:
        return self._counted(StagedWallets(self._connection, now=self.now))

    @cached_property
    def unreadable(self) -> StagedUnreadable:
        return self._counted(StagedUnreadable(self._connection, now=self.now))

    @cached_property
    def prices(self) -> StagedPrices:
        return StagedPrices(self._connection, now=self.now)

    @cached_property
    def forgetting(self) -> Forgetting:
        """What deletes at once, and stages nothing."""
        return self._counted(Forgetting(self._connection))

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
