"""Histories of which the books tell: what happens to payments and payouts, one thing after the other, and what the
events say of it."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from bridge.journal import Journal, PayoutRefusedError
from coordinator.money import total
from coordinator.payments.observed.observations import RefundOf
from coordinator.payouts.approval import PayoutRules
from coordinator.payouts.facts import NetworkFee
from coordinator.payouts.observations import PayoutConfirmed, PayoutReturned, PayoutSent
from coordinator.refunds.refunds import RefundOrder, RefundRefusedError, Sending
from tests.bridge.journal.sales import observe, payment, payout
from tests.clock import Clock
from tests.coordinator.agreed import judged, notice, transfer

__all__ = ["History", "Step"]

Step = tuple[str, int, str]
"""What happens, to which payment, or how many hours later, and how much of it."""


class History:
    """A journal in which things happen, each as a provider or a person would tell of it."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self.journal = journal
        self.clock = clock
        self.came: list[list[Decimal]] = []
        self.amounts: list[Decimal] = []
        self.worths: dict[str, Decimal] = {}
        """Of payouts to sellers."""
        self.arrived: list[str] = []
        self.uncharged: list[str] = []
        """Those of which nobody has said what the network took."""
        self.took = Decimal()
        self.steps = 0

    async def play(self, steps: Sequence[Step]) -> None:
        for what, number, amount in steps:
            self.steps += 1
            await self.do(what, number, Decimal(amount))

    async def do(self, what: str, number: int, amount: Decimal) -> None:
        if what == "hours":
            self.clock.move(hours=1 + number)
        elif what in ("sale", "part"):
            self.amounts.append(amount)
            self.came.append([])
            await self.journal.register_payment(payment(len(self.came) - 1, amount=amount))
            await self.comes(
                len(self.came) - 1, amount if what == "sale" else (amount / 2).quantize(Decimal("0.001"))
            )
        elif self.came:
            index = number % len(self.came)
            if what == "rest" and len(self.came[index]) < 3:
                await self.comes(index, amount)
            elif what == "refund":
                await self.refund(index, amount)
            elif what == "payout":
                await self.payout(index, amount)
            elif what == "back" and self.arrived:
                back = self.arrived.pop(number % len(self.arrived))
                await self.hear(back, PayoutReturned(tx_hash=f"0xback{back}", reason="it came back"))
            elif what == "fee" and self.uncharged:
                await self.charge(self.uncharged.pop(number % len(self.uncharged)), amount)

    async def charge(self, payout_id: str, amount: Decimal) -> None:
        """The chain says what the network took for a payout, or nobody does."""
        fee = NetworkFee(wallet="shkeeper", coin="ETH", amount=amount)
        is_said = amount != 10
        told = {f"0x{payout_id}": fee} if is_said else "nobody says"
        await self.journal.payouts.record_network_fees(payout_id, told)
        self.took += amount if is_said else Decimal()

    async def comes(self, index: int, amount: Decimal) -> None:
        self.came[index].append(amount)
        came = [transfer(f"0x{index}-{number}", one) for number, one in enumerate(self.came[index])]
        standing = judged(total(self.came[index]), self.amounts[index])
        await observe(self.journal, index, f"s{self.steps}", notice(standing, *came, proven=None))

    async def hear(self, payout_id: str, *observations: Any) -> None:
        for number, one in enumerate(observations):
            await self.journal.payouts.record_observation(payout_id, f"{self.steps}:{number}", one)

    async def refund(self, index: int, amount: Decimal) -> None:
        seller = f"seller-{index % 2}"
        order = RefundOrder(RefundOf.GOODS, seller, amount, "ETH-USDT", "as agreed", "Ada")
        try:
            opened = await self.journal.refunds.open(f"pay_{index}", order)
        except RefundRefusedError:
            return
        sending = Sending(f"0xCd{self.steps}", amount)
        sent = await self.journal.refunds.give_address(opened.refund_id, sending, rules=PayoutRules({}), by="b1")
        await self.arrives(str(sent.payout_id))

    async def payout(self, index: int, amount: Decimal) -> None:
        made = payout(index, payout_id=f"out_{self.steps}", amount=amount, worth=amount, worth_currency="USD")
        found = await self.journal.payment_record(f"pay_{index}")
        assert found is not None
        if found.payment.status == "completed":
            try:
                await self.journal.payouts.register([made], another=True, rules=None)
            except PayoutRefusedError:
                return
            self.worths[made.payout_id] = amount
            await self.arrives(made.payout_id)

    async def arrives(self, payout_id: str) -> None:
        await self.hear(payout_id, PayoutSent(tx_hashes=(f"0x{payout_id}",)), PayoutConfirmed())
        self.arrived.append(payout_id)
        self.uncharged.append(payout_id)

    async def told(self) -> list[tuple[datetime, str, str, Decimal]]:
        """What the events say: when, of which payment, what, and how much."""
        found: list[tuple[datetime, str, str, Decimal]] = []
        for index in range(len(self.came)):
            sold = False
            standing: dict[str, Decimal] = defaultdict(Decimal)
            for one in await self.journal.console.payment_events(f"pay_{index}"):
                event, payload = one.event, one.event.payload
                name = payload.get("refundId") or payload.get("payoutId") or ""
                if event.name == "payment-update" and payload["status"] == "completed" and not sold:
                    sold = True
                    found.append((one.committed_at, f"pay_{index}", "sales", self.amounts[index]))
                if event.name in ("refund-updated", "payout-updated", "payout-completed"):
                    what = "refunds" if event.name == "refund-updated" else "payouts"
                    amount = Decimal(payload["amount"]) if what == "refunds" else self.worths.get(name, Decimal())
                    has_arrived = event.name == "payout-completed" or payload["status"] == "completed"
                    there = amount if has_arrived else Decimal()
                    if there != standing[name]:
                        found.append((one.committed_at, f"pay_{index}", what, there - standing[name]))
                    standing[name] = there
        return found
