"""SHKeeper's key and the operator's password: whether it accepts them, found out with two harmless questions.

Nothing else shows it before money is to move: what SHKeeper offers it tells to anybody.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from urllib.parse import quote

import httpx

from providers.shkeeper.asking.api import BAD_KEY, BAD_PASSWORD, ShkeeperApi

__all__ = ["CredentialCheck"]

ASKED_EVERY_SECONDS = 60.0
# Whoever mends it looks whether it works now.
ASKED_WHILE_FAULTY_SECONDS = 2.0
# It looks at the password before it looks for the coin, so one that it does not have serves too.
ANY_COIN = "BTC"


class CredentialCheck:
    """Asks SHKeeper now and then whether it accepts the key and, where payouts are sent, the password."""

    def __init__(
        self,
        api: ShkeeperApi,
        *,
        user: str = "",
        password: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Without a `user` nobody asks about the password."""
        self._api = api
        self._operator = httpx.BasicAuth(user, password) if user else None
        self._clock = clock
        self._faults: dict[str, str] = {}
        self._asked_at: float | None = None
        self._asking: asyncio.Task[Sequence[str]] | None = None

    def faults(self, coins: Sequence[str] = ()) -> Sequence[str]:
        """What was found wrong when it was asked last; if that is a while ago, has it asked again meanwhile."""
        # Whoever asks about money finds it out first.
        found = {**self._faults, **({"key": BAD_KEY} if self._api.refuses_keys else {})}
        pause = ASKED_WHILE_FAULTY_SECONDS if found else ASKED_EVERY_SECONDS
        if self._asking is None and (self._asked_at is None or self._clock() >= self._asked_at + pause):
            self._asked_at = self._clock()
            self._asking = asyncio.create_task(self.ask(coins))
            self._asking.add_done_callback(self._asked)
        return tuple(found.values())

    def _asked(self, task: asyncio.Task[Sequence[str]]) -> None:
        self._asking = None
        if not task.cancelled():
            task.exception()  # there is none; asked for, so that nobody wonders

    async def ask(self, coins: Sequence[str] = ()) -> Sequence[str]:
        """Asks now, and returns what is wrong. What cannot be told is left as it was known."""
        self._note("key", await self._api.accepts_key(), BAD_KEY)
        if self._operator is not None:
            coin = quote(coins[0] if coins else ANY_COIN)
            self._note("password", await self._api.accepts_operator(self._operator, coin), BAD_PASSWORD)
        return tuple(self._faults.values())

    def _note(self, which: str, accepted: bool | None, fault: str) -> None:
        if accepted is False:
            self._faults[which] = fault
        elif accepted:
            self._faults.pop(which, None)
