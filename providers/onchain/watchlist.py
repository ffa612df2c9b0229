"""The addresses that money is waited for at, in memory: one look for each transfer, however many there are."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from providers.onchain.chains import Chain
from providers.onchain.matching.matching import Subject, Watched

__all__ = ["Watchlist"]

# A node is asked for the transfers to so many addresses at most; beyond, for all of the tokens.
RECIPIENTS_ASKED_FOR = 200


class Watchlist:
    """Who waits for transfers on one chain. It may name some who do not wait any more: what a transfer is for is
    decided by the records."""

    def __init__(self, chain: Chain) -> None:
        self._own_coin = chain.own_coin and chain.own_coin.symbol
        self._watched: dict[Subject, Watched] = {}
        self._at: dict[str, set[Subject]] = {}
        self._for_own_coin: set[Subject] = set()

    def __len__(self) -> int:
        return len(self._watched)

    def __contains__(self, recipient: str) -> bool:
        return recipient in self._at

    def replace(self, watched: Iterable[Watched]) -> None:
        """Begins anew, with these."""
        self._watched, self._at, self._for_own_coin = {}, {}, set()
        for one in watched:
            self.add(one)

    def get(self, subject: Subject) -> Watched | None:
        return self._watched.get(subject)

    def add(self, watched: Watched) -> None:
        self._watched[watched.subject] = watched
        self._at.setdefault(watched.recipient, set()).add(watched.subject)
        if watched.symbol == self._own_coin:
            self._for_own_coin.add(watched.subject)

    def open_since(self, symbol: str | None = None) -> datetime | None:
        """Since when somebody waits who still does, of this token if it is named; None if nobody does."""
        waiting = (one for one in self._watched.values() if one.is_open and symbol in (None, one.symbol))
        return min((one.since for one in waiting), default=None)

    @property
    def wants_own_coin(self) -> bool:
        """Whether somebody waits for the chain's own coin, which no log tells of."""
        return bool(self._for_own_coin)

    @property
    def asked_for(self) -> Sequence[str] | None:
        """The addresses to ask a node for; None if they are too many to name."""
        return None if len(self._at) > RECIPIENTS_ASKED_FOR else sorted(self._at)
