"""The payments that the writer had to do with lately, as they were committed: somebody is paying them, so what comes
next is likely to be about one of them too. Until another bridge moves them, they need not be read again.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable

from coordinator.payments.payments import Payment

__all__ = ["RecentPayments"]

# Some ten megabytes.
LIMIT = 2_048


class RecentPayments:
    """A bounded number of payments; what was used last is kept longest."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._payments: OrderedDict[str, Payment] = OrderedDict()
        self._ids: dict[tuple[str, str], str] = {}
        self._keys: dict[str, set[str]] = {}
        """The keys of all messages about a payment, of those payments that have been here all their lives."""

    def get(self, payment_id: str) -> Payment | None:
        return self._payments.get(payment_id)

    def named(self, provider: str, external_id: str) -> Payment | None:
        """The one that a provider knows by `external_id`."""
        payment_id = self._ids.get((provider, external_id))
        return None if payment_id is None else self._payments[payment_id]

    def keys(self, provider: str, external_id: str) -> Collection[str] | None:
        """The keys of all messages about a payment; None if not all of them are known here."""
        payment_id = self._ids.get((provider, external_id))
        return None if payment_id is None else self._keys.get(payment_id)

    def put(self, payments: Iterable[Payment], *, new: Iterable[str], keys: Iterable[tuple[str | None, str]]) -> None:
        """These are how they stand, after a commit. `new` are the ids of those about which there was no message
        before; `keys` are messages that were committed, each by the id of its payment, if it has one, and its key."""
        for payment in payments:
            self._payments[payment.payment_id] = payment
            self._payments.move_to_end(payment.payment_id)
            self._ids[payment.provider, payment.external_id] = payment.payment_id
        self._keys.update((payment_id, set()) for payment_id in new)
        for payment_id, key in keys:
            if payment_id in self._keys:
                self._keys[payment_id].add(key)
        while len(self._payments) > self._limit:
            self._forget_names_of(self._payments.popitem(last=False)[1])

    def drop(self, payment_ids: Collection[str]) -> None:
        """Forgets some: another bridge has moved them."""
        for payment_id in payment_ids:
            if (dropped := self._payments.pop(payment_id, None)) is not None:
                self._forget_names_of(dropped)

    def _forget_names_of(self, payment: Payment) -> None:
        del self._ids[payment.provider, payment.external_id]
        self._keys.pop(payment.payment_id, None)

    def clear(self) -> None:
        """Forgets all: it is not known what was committed."""
        self._payments.clear()
        self._ids.clear()
        self._keys.clear()
