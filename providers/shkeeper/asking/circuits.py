"""SHKeeper's circuits: one for the gateway itself and one for each coin, so that a wallet that hangs or fails keeps
back nobody who asks for another coin, or for what needs no wallet."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum
from weakref import WeakValueDictionary

from providers.circuit import CircuitBreaker, show_circuit
from providers.contract import CoinUnavailableError, ProviderUnavailableError

__all__ = [
    "ALL_WALLETS",
    "REMEMBERED_SECONDS",
    "CircuitOpenError",
    "Circuits",
    "CoinCircuitOpenError",
    "Failure",
    "blamed_coin",
]

ALL_WALLETS = "*"
"""Stands for a coin where SHKeeper asks the wallets of all of them, as it does before it says what it offers."""

GATEWAY_OPEN_SECONDS = 5.0
# More than the tries of one question, so that one alone keeps nobody back.
COIN_FAILURES = 4
COIN_OPEN_SECONDS = 10.0
# A coin that nobody has asked for since may be well again.
REMEMBERED_SECONDS = 600.0
# SHKeeper answers with 16 threads, and a wallet that hangs keeps each for ten seconds: no coin may take them all.
CALLS_OF_A_COIN = 4


class CircuitOpenError(ProviderUnavailableError):
    """SHKeeper failed so often that it is not asked for a while."""


class CoinCircuitOpenError(CoinUnavailableError):
    """A coin's wallet failed so often that nothing is asked of it for a while."""


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


def blamed_coin(failure: Failure, coin: str | None) -> str | None:
    """The coin whose trouble a failure shows; None if it shows that the gateway itself is away.

    SHKeeper asks a coin's wallet while it answers, and passes on its slowness and its errors.
    """
    if failure is Failure.NOT_REACHED or coin is None:
        return None
    if coin == ALL_WALLETS:
        # Of a wallet that fails it makes a coin that is not offered; only one that hangs shows.
        return coin if failure is Failure.TOO_SLOW else None
    return coin


class Circuits:
    """Which questions may be put to one SHKeeper at this moment."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._gateway = CircuitBreaker(clock, open_seconds=GATEWAY_OPEN_SECONDS)
        show_circuit("shkeeper", self._gateway)
        self._coins: dict[str, CircuitBreaker] = {}
        """Of the coins that failed last."""
        self._failed_at: dict[str, float] = {}
        self._places: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def place(self, coin: str | None) -> AsyncIterator[None]:
        """Waits until few enough questions are under way that need the wallet of this coin."""
        if coin is None:
            yield
            return
        semaphore = self._places.setdefault(coin, asyncio.Semaphore(CALLS_OF_A_COIN))
        async with semaphore:
            yield

    def check(self) -> None:
        """Raises CircuitOpenError while the gateway is not asked at all."""
        if self._gateway.is_open:
            raise CircuitOpenError(f"SHKeeper is not asked for a while, after this: {self._gateway.reason}")

    def admit(self, coin: str | None) -> None:
        """To be called before a question is put. Raises CircuitOpenError and CoinCircuitOpenError."""
        circuit = None if coin is None else self._coins.get(coin)
        if circuit is not None and coin is not None and circuit.is_open:
            raise CoinCircuitOpenError(coin, f"{coin} is not asked for at SHKeeper for a while: {circuit.reason}")
        self.check()
        self._gateway.admits()
        if circuit is not None:
            circuit.admits()

    def succeed(self, coin: str | None) -> None:
        """An answer came, whatever it says."""
        self._gateway.succeed()
        if coin is not None:
            self._coins.pop(coin, None)

    def fail(self, failure: Failure, coin: str | None, reason: str) -> str | None:
        """Counts a failure. Returns the coin whose trouble it is; None if it is the gateway's."""
        if failure is Failure.OWN or (failure is Failure.WALLET and coin is None):
            self._gateway.succeed()
            return None
        blamed = blamed_coin(failure, coin)
        if blamed is None:
            self._gateway.fail(reason)
            return None
        if failure is Failure.WALLET:
            self._gateway.succeed()  # only one that is there can say so
        circuit = self._coins.setdefault(
            blamed, CircuitBreaker(self._clock, failure_limit=COIN_FAILURES, open_seconds=COIN_OPEN_SECONDS)
        )
        circuit.fail(reason)
        self._failed_at[blamed] = self._clock()
        return blamed

    def troubles(self) -> Mapping[str, str]:
        """The coins that failed when they were asked for last, each with the reason."""
        since = self._clock() - REMEMBERED_SECONDS
        self._coins = {coin: circuit for coin, circuit in self._coins.items() if self._failed_at[coin] >= since}
        return {coin: circuit.reason for coin, circuit in sorted(self._coins.items())}
