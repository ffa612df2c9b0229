"""The local SHKeeper for tests: run in a thread of its own, played and looked at from outside."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal

from anyio.from_thread import BlockingPortal, start_blocking_portal

from providers.shkeeper.simulator.faults import Call, Fault, Happens, What
from providers.shkeeper.simulator.gateway import Configuration, LocalGateway
from providers.shkeeper.simulator.server import serving
from tests.waiting import GIVE_UP_SECONDS

__all__ = ["KEY", "OPERATOR_PASSWORD", "PlayedShkeeper", "played_shkeeper"]

KEY = "a-key-for-tests-only-0123456789"
OPERATOR_PASSWORD = "the-operators-password"


class PlayedShkeeper:
    """A SHKeeper, and the world around it."""

    def __init__(self, gateway: LocalGateway, url: str, portal: BlockingPortal) -> None:
        self.gateway = gateway
        self.url = url
        self._portal = portal

    def transfer(self, address: str, amount: str | None = None, *, confirmed: bool = True) -> str:
        """Somebody pays; without an amount, what the invoice lacks. Returns the transaction's hash."""
        coins = None if amount is None else Decimal(amount)

        def send() -> str:
            return self.gateway.transfer(address, coins, datetime.now(UTC), confirmed=confirmed)

        return self._portal.call(send)

    def confirm(self, txid: str) -> None:
        self._portal.call(lambda: self.gateway.confirm(txid, datetime.now(UTC)))

    def goes_wrong(
        self,
        call: Call,
        what: What,
        happens: Happens = Happens.BEFORE,
        *,
        times: int | None = None,
        seconds: float = GIVE_UP_SECONDS,
        about: str | None = None,
        words: str | None = None,
    ) -> None:
        """What goes wrong from now on, for good if no number of times is given."""
        fault = Fault(call=call, what=what, happens=happens, times=times, seconds=seconds, about=about, words=words)
        self._portal.call(lambda: self.gateway.faults.add(fault))

    def works_again(self) -> None:
        self._portal.call(self.gateway.faults.clear)

    def count(self, call: Call, external_id: str | None = None) -> int:
        """How often something was asked for, about all or about one."""
        asked = [one for one in list(self.gateway.asked) if one.call is call]
        return sum(external_id in (None, one.external_id) for one in asked)

    def sent(self, external_id: str) -> list[str]:
        """The transactions that carried a payout. One too many is the worst that can happen."""
        return [money.txid for money in list(self.gateway.payouts.sent) if money.external_id == external_id]


@contextmanager
def played_shkeeper(
    *, confirm_seconds: float = 0.1, read_timeout_seconds: float = 10, coins: Collection[str] | None = None
) -> Iterator[PlayedShkeeper]:
    """Runs it; its tasks take a moment, and its minute a second. A block comes after `confirm_seconds`, and a daemon
    that hangs is given up after `read_timeout_seconds`. The operator has switched on all coins, or these alone: of a
    journal that was restored, everything is asked for in every coin."""
    configuration = Configuration(
        KEY,
        password=OPERATOR_PASSWORD,
        fee_percent=Decimal(0),
        task_seconds=0.1,
        confirm_seconds=confirm_seconds,
        minute_seconds=1,
        read_timeout_seconds=read_timeout_seconds,
    )
    gateway = LocalGateway(configuration)
    for name, wallet in gateway.terms.wallets.items():
        wallet.enabled = coins is None or name in coins
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serving(gateway)) as url:
        yield PlayedShkeeper(gateway, url, portal)
