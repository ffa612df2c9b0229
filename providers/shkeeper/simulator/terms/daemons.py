"""The coin daemons behind the local SHKeeper: how each is, and what SHKeeper says while one is not well."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from providers.shkeeper.simulator.terms.coins import COINS, Coin, Family
from providers.shkeeper.simulator.terms.refusals import CrashedError, ThrownError

__all__ = ["CONNECTION_DROPPED", "Daemon", "Daemons", "State"]

FIRST_BALANCE = Decimal(1_000_000)
CONNECTION_DROPPED = "('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))"


class State(StrEnum):
    """How a daemon is."""

    WELL = "well"
    DOWN = "down"
    """It drops every connection."""
    ERRORS = "errors"
    """It answers, but nothing else than errors."""
    HANGS = "hangs"
    """It does not answer in time, and does nothing either."""
    SENDS_AND_HANGS = "sends-and-hangs"
    """It sends payouts, and does not answer in time."""


@dataclass(slots=True)
class Daemon:
    """One coin's daemon, with its wallet."""

    state: State = State.WELL
    blocks_behind: int = 0
    balance: Decimal = FIRST_BALANCE
    """What its wallet holds, but for what its payouts have taken."""
    ungathered: Decimal = Decimal(0)
    """What came, and lies where it was paid to: it counts in no balance yet."""
    gathers: bool = True
    """Whether what comes is in its wallet at once. The real ones of EVM chains and Tron take minutes, and for ever
    where they have no coins for the network's fees."""
    tells_balance: bool = True
    """Whether it says what its wallet holds. SHKeeper makes 0 of it if it does not, and calls it up to date all the
    same."""
    payout_confirmations: int = 2
    """How many the payouts get that it sends; an arrived one has more than one."""

    def receive(self, amount: Decimal) -> None:
        """Money has come to one of its addresses."""
        self.ungathered += amount
        self.gather()

    def gather(self) -> None:
        """What has come is in its wallet, if it gathers."""
        if self.gathers:
            self.balance, self.ungathered = self.balance + self.ungathered, Decimal(0)


@dataclass(slots=True)
class Daemons:
    """The daemons of all coins. `read_timeout_seconds` is how long SHKeeper waits for an answer."""

    read_timeout_seconds: float = 10
    by_coin: dict[str, Daemon] = field(default_factory=lambda: {name: Daemon() for name in COINS})

    def ask(self, coin: Coin) -> State:
        """Asks one for something. Raises ThrownError if it does not answer in time, or not at all."""
        state = self.by_coin[coin.name].state
        if state is State.DOWN:
            raise ThrownError(CONNECTION_DROPPED)
        if state is State.HANGS:
            raise self.timed_out()
        return state

    def ask_for_address(self, coin: Coin) -> bool:
        """Asks one for a new address, and says whether there is one. Raises ThrownError."""
        if self.ask(coin) is not State.ERRORS:
            return True
        match coin.family:
            case Family.FIRO:
                return False  # SHKeeper does not look at the error beside the missing result
            case Family.LIGHTNING:
                raise ThrownError("'r_hash'")
            case Family.TRON:
                raise ThrownError("'base58check_address'")
            case _:
                raise ThrownError("'address'")

    def ask_for_task(self, coin: Coin) -> None:
        """Asks one about a task. Raises CrashedError if the daemon is not well, or has no tasks."""
        state = self.by_coin[coin.name].state
        hangs = state in (State.HANGS, State.SENDS_AND_HANGS)
        if hangs or state is not State.WELL or coin.family.sends_at_once:
            raise CrashedError(self.read_timeout_seconds if hangs else 0)

    def timed_out(self) -> ThrownError:
        seconds = self.read_timeout_seconds
        return ThrownError(
            f"HTTPConnectionPool(host='daemon.example', port=6000): Read timed out. (read timeout={seconds:g})",
            seconds,
        )

    def server_status(self, coin: Coin) -> str:
        """As the balance of a coin shows it."""
        daemon = self.by_coin[coin.name]
        if daemon.state is State.ERRORS and coin.family is Family.LIGHTNING:
            return "wallet locked, unlock it to enable full RPC access"
        if daemon.state in (State.DOWN, State.ERRORS, State.HANGS):
            return "Offline"
        behind = daemon.blocks_behind
        return f"Sync In Progress ({behind} blocks behind)" if behind else "Synced"

    def lags(self, coin: Coin) -> bool:
        """Whether it is behind its chain; one that is down counts too."""
        return self.server_status(coin) != "Synced"

    def waited_for(self, coin: Coin) -> float:
        """How many seconds SHKeeper waits until it knows how one is."""
        return self.read_timeout_seconds if self.by_coin[coin.name].state is State.HANGS else 0
