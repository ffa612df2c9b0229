"""Retry delays: for how long an invoice, or a coin, is not tried again after it could not be opened. Pure; the clock
is an argument.

If a coin's wallet is down it is tried again within seconds, with one invoice after the other. If an invoice itself is
at fault, a second try does not help: it waits minutes, then hours, and a person can see why. Where a provider that
answers for others does not for one, nobody knows which it is: that one waits seconds, then minutes, and no other.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from coordinator.waits import backoff

__all__ = ["Because", "RetryDelays"]


class Because(StrEnum):
    """Why an invoice was not opened."""

    COIN = "coin"
    """Its coin cannot be used at the moment."""
    UNANSWERED = "unanswered"
    """The provider and the coin are there, and do not answer for this one."""
    REFUSED = "refused"
    """The provider refused it, or its answer cannot be used."""
    DEFECT = "defect"
    """The bridge itself failed over it."""


FIRST_WAIT = {
    Because.COIN: timedelta(seconds=2),
    Because.UNANSWERED: timedelta(seconds=5),
    Because.REFUSED: timedelta(minutes=5),
    Because.DEFECT: timedelta(minutes=5),
}
LONGEST_WAIT = {
    Because.COIN: timedelta(seconds=30),
    Because.UNANSWERED: timedelta(minutes=30),
    Because.REFUSED: timedelta(hours=6),
    Because.DEFECT: timedelta(hours=6),
}

InvoiceKey = tuple[str, str]
"""A payment's id, and a coin."""


@dataclass(slots=True)
class _Wait:
    because: Because
    times: int
    until: datetime


@dataclass(slots=True)
class RetryDelays:
    """What is not tried for now, and until when."""

    _invoices: dict[InvoiceKey, _Wait] = field(default_factory=dict)
    _coins: dict[str, _Wait] = field(default_factory=dict)

    def failed(self, invoice: InvoiceKey, because: Because, now: datetime) -> bool:
        """Returns whether that is news, the first time in a row."""
        wait = self._invoices[invoice] = _longer(self._invoices.get(invoice), because, now)
        if because is Because.COIN:
            self._coins[invoice[1]] = _longer(self._coins.get(invoice[1]), because, now)
        return wait.times == 1

    def opened(self, invoice: InvoiceKey) -> None:
        """Its coin works, so what waited for the coin need not wait any more."""
        self._invoices.pop(invoice, None)
        if self._coins.pop(invoice[1], None) is not None:
            waited = [
                key for key, wait in self._invoices.items() if key[1] == invoice[1] and wait.because is Because.COIN
            ]
            for key in waited:
                del self._invoices[key]

    def leaves_alone(self, invoice: InvoiceKey, now: datetime) -> bool:
        wait = self._invoices.get(invoice)
        return wait is not None and now < wait.until

    def waiting_coins(self, now: datetime) -> set[str]:
        """The coins for which nothing is to be opened now."""
        return {coin for coin, wait in self._coins.items() if now < wait.until}

    def next_try(self) -> datetime | None:
        """When the first of these may be tried again."""
        return min((wait.until for wait in (*self._coins.values(), *self._invoices.values())), default=None)

    def forget_all_but(self, invoices: set[InvoiceKey]) -> None:
        """Forgets what is not to be opened any more, because its payment is over."""
        self._invoices = {key: wait for key, wait in self._invoices.items() if key in invoices}
        coins = {coin for _, coin in invoices}
        self._coins = {coin: wait for coin, wait in self._coins.items() if coin in coins}


def _longer(wait: _Wait | None, because: Because, now: datetime) -> _Wait:
    times = wait.times + 1 if wait is not None and wait.because is because else 1
    return _Wait(because, times, now + backoff(FIRST_WAIT[because], times, LONGEST_WAIT[because]))
