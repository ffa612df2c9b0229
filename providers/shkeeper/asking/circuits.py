"""SHKeeper's circuits: one for the gateway itself and one for each coin, so that a wallet that hangs or fails keeps
back nobody who asks for another coin, or for what needs no wallet; and a payment that cannot be asked about keeps
back no other one.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum
from functools import partial
from typing import NamedTuple
from weakref import WeakValueDictionary

from providers.availability import AvailabilityLimits
from providers.circuit import Circuit, show_circuit
from providers.errors import CoinUnavailableError, ProviderUnavailableError

__all__ = [
    "ALL_WALLETS",
    "REMEMBERED_SECONDS",
    "Blamed",
    "CircuitOpenError",
    "Circuits",
    "CoinCircuitOpenError",
    "Failure",
    "Put",
    "suspected_coin",
]

ALL_WALLETS = "*"
"""Stands for a coin where SHKeeper asks the wallets of all of them, as it does before it says what it offers."""

# More than the tries of one question and the harmless one.
GATEWAY = AvailabilityLimits(failures=5, open_seconds=5.0)
COIN = AvailabilityLimits(failures=5, open_seconds=10.0)
# A coin that nobody has asked for since may be well again.
REMEMBERED_SECONDS = 600.0
# SHKeeper answers with 16 threads, and a wallet that hangs keeps each for ten seconds: no coin may take them all.
CALLS_OF_A_COIN = 4


class CircuitOpenError(ProviderUnavailableError):
    """SHKeeper answered nothing, and is not asked for a while."""


class CoinCircuitOpenError(CoinUnavailableError):
    """A coin's wallet failed, and nothing is asked of it for a while."""


class Failure(StrEnum):
    """How a question failed."""

    NOT_REACHED = "not-reached"
    """Not a byte of it left."""
    TOO_SLOW = "too-slow"
    BROKEN = "broken"
    """No whole answer came, or one that makes no sense."""
    SERVER_ERROR = "server-error"
    """An answer of 500 or above."""
    OWN = "own"
    """SHKeeper itself says that something of its own was busy: it is there."""
    WALLET = "wallet"
    """SHKeeper itself says that the coin's wallet fails."""


class Blamed(StrEnum):
    """Whose trouble a failure is."""

    QUESTION = "question"
    """That of what was asked about: others are answered."""
    COIN = "coin"
    GATEWAY = "gateway"


class Put(NamedTuple):
    """How many answers there had been when a question was put."""

    of_gateway: int
    of_coin: int


def suspected_coin(failure: Failure, coin: str | None) -> str | None:
    """The coin whose trouble a failure may be, if not the question's own; None if it may be the gateway's.

    SHKeeper asks a coin's wallet while it answers, and passes on its slowness and its errors.
    """
    if failure is Failure.NOT_REACHED or coin is None:
        return None
    if coin == ALL_WALLETS:
        # Of a wallet that fails it makes a coin that is not offered; only one that hangs shows.
        return coin if failure is Failure.TOO_SLOW else None
    return coin


def _is_own(failure: Failure, coin: str | None) -> bool:
    """Whether SHKeeper itself says that neither it nor the coin is away."""
    return failure is Failure.OWN or (failure is Failure.WALLET and coin is None)


class Circuits:
    """Which questions may be put to one SHKeeper at this moment."""

    def __init__(self, clock: Callable[[], float], is_there: Callable[[str | None], Awaitable[bool]]) -> None:
        """`is_there` puts a harmless question, to a coin's wallet or, without a coin, to the gateway itself, and says
        whether it was answered."""
        self._clock = clock
        self._is_there = is_there
        self._gateway = Circuit(clock, partial(is_there, None), GATEWAY)
        show_circuit("shkeeper", self)
        self._coins: dict[str, Circuit] = {}
        self._failed_at: dict[str, float] = {}
        """Of the coins whose trouble it was when something was asked of them last."""
        self._places: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def aclose(self) -> None:
        await asyncio.gather(*(circuit.aclose() for circuit in (self._gateway, *self._coins.values())))

    @asynccontextmanager
    async def place(self, coin: str | None) -> AsyncIterator[None]:
        """Waits until few enough questions are under way that need the wallet of this coin."""
        if coin is None:
            yield
            return
        semaphore = self._places.setdefault(coin, asyncio.Semaphore(CALLS_OF_A_COIN))
        async with semaphore:
            yield

    @property
    def is_open(self) -> bool:
        """Whether the gateway is not asked at all."""
        return self._gateway.is_open

    def check(self) -> None:
        """Raises CircuitOpenError while the gateway is not asked at all."""
        if self.is_open:
            raise CircuitOpenError(f"SHKeeper is not asked for a while, after this: {self._gateway.reason}")

    def admit(self, coin: str | None) -> Put:
        """To be called before a question is put. Raises CircuitOpenError and CoinCircuitOpenError."""
        own = None if coin is None else self._coin(coin)
        if coin is not None and own is not None and own.is_open:
            raise CoinCircuitOpenError(coin, f"{coin} is not asked for at SHKeeper for a while: {own.reason}")
        self.check()
        of_gateway = self._gateway.admit() or 0
        return Put(of_gateway, 0 if own is None else own.admit() or 0)

    def succeed(self, coin: str | None) -> None:
        """An answer came, whatever it says."""
        self._gateway.succeed()
        if coin is not None:
            self._coin(coin).succeed()
            self._failed_at.pop(coin, None)

    def fail(self, failure: Failure, coin: str | None, reason: str) -> bool:
        """Counts a try that failed. Returns whether another one may do better."""
        if failure in (Failure.OWN, Failure.WALLET):
            self._gateway.succeed()  # only one that is there can say so
        if _is_own(failure, coin):
            return True
        return self._circuit(suspected_coin(failure, coin)).fail(reason)

    async def blame(self, failure: Failure, coin: str | None, put: Put) -> Blamed:
        """Whose trouble it is that a question was given up: another, harmless one tells."""
        if _is_own(failure, coin):
            return Blamed.QUESTION
        suspected = suspected_coin(failure, coin)
        before = put.of_gateway if suspected is None else put.of_coin
        if await self._circuit(suspected).blames_question(before):
            return Blamed.QUESTION
        if suspected is None:
            return Blamed.GATEWAY
        self._failed_at[suspected] = self._clock()
        return Blamed.COIN

    def _circuit(self, coin: str | None) -> Circuit:
        return self._gateway if coin is None else self._coin(coin)

    def _coin(self, coin: str) -> Circuit:
        known = self._coins.get(coin)
        if known is None:
            # There is no harmless question to all wallets but the one that failed.
            is_there = None if coin == ALL_WALLETS else partial(self._is_well, coin)
            known = self._coins[coin] = Circuit(self._clock, is_there, COIN)
        return known

    async def _is_well(self, coin: str) -> bool:
        found = await self._is_there(coin)
        if found:
            self.succeed(coin)
        return found

    def troubles(self) -> Mapping[str, str]:
        """The coins that failed when they were asked for last, each with the reason."""
        since = self._clock() - REMEMBERED_SECONDS
        self._failed_at = {coin: at for coin, at in self._failed_at.items() if at >= since}
        # Whoever registers may name any coin. Of one that is well there is nothing to know once nobody asks about it.
        self._coins = {
            coin: known
            for coin, known in self._coins.items()
            if coin in self._failed_at or coin in self._places or known.is_finding_out
        }
        return {coin: self._coin(coin).reason for coin in sorted(self._failed_at)}
