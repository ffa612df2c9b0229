"""A shop: what happens to its sales, one thing after the other, told to a journal as providers and people tell of it,
and written down in plain books beside it."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from bridge.journal import Journal, PayoutRefusedError
from coordinator.books.wallets import Held, Tolerances, WalletCoin, WalletComparison, compared
from coordinator.payments.agreed.agreements import Checkout, Share, Terms
from coordinator.payments.agreed.fees import Fee, FeePolicy
from coordinator.payments.observed.observations import RefundOf, Transfer
from coordinator.payments.observed.reversals import DisputeStage, PaymentDisputed, RefundedThere
from coordinator.payments.problems.rulings import RulingRefusedError, acceptance, cancellation
from coordinator.payouts.approval import PayoutRules
from coordinator.payouts.facts import NetworkFee
from coordinator.payouts.observations import (
    PayoutConfirmed,
    PayoutFailed,
    PayoutInDoubt,
    PayoutObservation,
    PayoutReturned,
    PayoutSent,
    Stated,
)
from coordinator.refunds.refunds import RefundOrder, RefundRefusedError, Sending
from tests.bridge.http.ops.plain_books import COINS, CURRENCIES, FEES, PaidOut, PlainBooks, Refunded, Sale, TakenBack
from tests.bridge.journal.sales import observe, payment, payout
from tests.clock import Clock
from tests.coordinator.agreed import judged, notice, transfer

__all__ = ["SELLERS", "Happening", "Shop"]

SELLERS = ("seller-0", "seller-1", "seller-2")
NOTHING = Decimal(0)
EXACT = Tolerances(NOTHING, {})


class Happening(NamedTuple):
    """One thing that happens."""

    what: str
    which: int = 0
    """Of those there are; or how many hours later."""
    how: Any = None


class Shop:
    """What happens, in a journal and in plain books."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self.journal = journal
        self.clock = clock
        self.plain = PlainBooks()
        self.comparisons: dict[tuple[str, str], WalletComparison] = {}
        """By the day and the coin."""
        self.noted: dict[str, Decimal] = {}
        """What moved without the bridge, by the coin."""
        self.steps = 0

    async def meets(self, happening: Happening) -> None:
        """Lets something happen. Where it makes no sense at that moment, nothing does."""
        self.steps += 1
        what, which, how = happening
        self.clock.move(hours=which) if what == "later" else self.clock.move(seconds=1)
        if what == "sale":
            await self.sells(*how)
        elif what in OF_COINS:
            await OF_COINS[what](self, list(COINS)[which % len(COINS)], how)
        elif what in OF_SALES and (sales := self.plain.sales):
            await OF_SALES[what](self, sales[which % len(sales)], how)
        elif what in OF_PAYOUTS and (payouts := self.plain.payouts):
            await OF_PAYOUTS[what](self, payouts[which % len(payouts)], how)
        self.plain.write_down(self.clock.now)

    # What comes

    async def sells(self, currency: str, coin: str, amount: Decimal, fee: str, tolerance: Decimal, two: bool) -> None:
        number, amount = len(self.plain.sales), amount.quantize(CURRENCIES[currency])
        seller, other = SELLERS[number % 3], SELLERS[(number + 1) % 3]
        part = (amount / 3).quantize(Decimal("0.01"))
        sellers = {seller: amount - part, other: part} if two else {seller: amount}
        made = Sale(f"pay_{number}", currency, coin, amount, fee, tolerance, sellers)
        checkout = Checkout(
            checkout_id=f"checkout-{number}",
            shares=tuple(
                Share(request_id=f"request-{number}-{one}", seller_id=one, amount=share)
                for one, share in sellers.items()
            ),
        )
        registered = payment(
            number,
            amount=amount,
            currency=currency,
            seller_id=seller,
            terms=Terms(tolerance_percent=tolerance),
            created_at=self.clock.now,
            checkout=checkout if two else None,
        )
        await self.journal.register_payment(registered)
        self.plain.sales.append(made)

    async def comes(self, sale: Sale, how: str) -> None:
        """All that is missing, less, or more."""
        if len(sale.came) >= 4:
            return
        missing = max(sale.amount + sale.fee_on_all - sale.paid, NOTHING)
        of_missing = {"all": missing, "half": missing / 2, "short": missing * 97 / 100, "over": missing + 7}
        sale.came.append(max(of_missing[how], Decimal(1)).quantize(sale.cent))
        number = self.plain.sales.index(sale)
        told = [_transfer(sale, f"0x{number}-{place}", one) for place, one in enumerate(sale.came)]
        await self._tell(sale, sale.currency, *told)
        if sale.has_enough and not sale.is_closed and not sale.is_all_back and sale.sold_at is None:
            sale.sold_at = self.clock.now

    async def foreign(self, sale: Sale, _how: None) -> None:
        """Under its invoice's name the provider tells of one in another currency: that is none of this payment."""
        await self._tell(sale, "GBP", _transfer(sale, f"0xforeign{self.steps}", Decimal(11)))

    async def _tell(self, sale: Sale, currency: str, *came: Transfer) -> None:
        number = self.plain.sales.index(sale)
        percent, fixed = FEES[sale.fee_name]
        fee = Fee(policy=FeePolicy(sale.fee_name), percent=percent, fixed=fixed)
        standing = judged(sale.paid, sale.amount)  # what SHKeeper judges is with its fee
        told = notice(standing, *came, proven=None, currency=currency, coin=sale.coin, fee=fee)
        await observe(self.journal, number, f"s{self.steps}", told)

    # What is taken back

    async def given_back(self, sale: Sale, part: Decimal) -> None:
        """The provider gives money back by itself."""
        if amount := (sale.paid * part).quantize(sale.cent):
            name = f"back-{self.steps}"
            told = RefundedThere(reference=name, amount=amount, currency=sale.currency)
            await self._taken(sale, TakenBack(f"refunded-there:{name}", amount, "gone"), told)

    async def disputed(self, sale: Sale, how: tuple[str, Decimal]) -> None:
        """The buyer's bank disputes some of it, or says what it has decided of what it disputes."""
        stage, part = how
        open_ones = [one for one in sale.taken_back if one.standing == "open"]
        if stage == "open":
            name, amount = f"dispute-{self.steps}", (sale.paid * part).quantize(sale.cent)
            taken = TakenBack(f"payment-disputed:{name}", amount, "open")
        elif open_ones:
            taken = open_ones[0]
        else:
            return
        if taken.amount:
            name = taken.name.partition(":")[2]
            told = PaymentDisputed(
                reference=name, stage=DisputeStage(stage), amount=taken.amount, currency=sale.currency
            )
            await self._taken(sale, taken, told)
            taken.standing = stage

    async def _taken(self, sale: Sale, taken: TakenBack, told: RefundedThere | PaymentDisputed) -> None:
        await observe(self.journal, self.plain.sales.index(sale), f"s{self.steps}", told)
        if taken not in sale.taken_back:
            sale.taken_back.append(taken)

    # What people decide

    async def accepted(self, sale: Sale, _how: None) -> None:
        if await self._ruled(sale, "acceptance"):
            sale.is_accepted = True
            sale.sold_at = sale.sold_at or self.clock.now

    async def cancelled(self, sale: Sale, _how: None) -> None:
        if await self._ruled(sale, "cancellation"):
            sale.is_closed = True

    async def _ruled(self, sale: Sale, action: str) -> bool:
        rule = (acceptance if action == "acceptance" else cancellation)("Ada", "as agreed")
        try:
            await self.journal.rulings.record(
                sale.payment_id, by="Ada", action=action, said="so", key=f"s{self.steps}", rule=rule
            )
        except RulingRefusedError:
            return False
        return True

    async def refund(self, sale: Sale, how: tuple[str, Decimal]) -> None:
        """Of what came for the goods, or of what came too much."""
        of, share = how
        may_name = sale.sold_at is not None or len(sale.sellers) == 1
        seller_id = next(iter(sale.sellers)) if of == "goods" and may_name else None
        there = sale.excess if of == "excess" else sale.came_for(seller_id) if seller_id else sale.received
        amount = (there * share).quantize(sale.cent)
        if not amount:
            return
        besides = tuple(one.refund_id for one in sale.refunds)
        order = RefundOrder(RefundOf(of), seller_id, amount, sale.coin, "as agreed", "Ada", besides=besides)
        try:
            opened = await self.journal.refunds.open(sale.payment_id, order)
        except RefundRefusedError:
            return
        if of == "goods" and sale.sold_at is None:
            sale.is_closed = True
        refund = Refunded(opened.refund_id, of, seller_id, amount)
        sale.refunds.append(refund)
        coins = amount * COINS[sale.coin]
        sending = Sending(f"0xCd{self.steps}", coins)
        sent = await self.journal.refunds.give_address(opened.refund_id, sending, rules=PayoutRules({}), by="b1")
        carries = PaidOut(str(sent.payout_id), sale, sale.coin, coins, amount, None, refund)
        sale.payouts.append(carries)

    async def payout(self, sale: Sale, how: Decimal) -> None:
        """Of what a seller has earned and nobody has taken yet, a part."""
        seller_id = next(iter(sale.sellers))
        taken = [one.worth for one in sale.payouts if one.seller_id == seller_id and one.may_have_left]
        earned = sale.sellers[seller_id] if sale.is_accepted else sale.came_for(seller_id)
        worth = ((earned - sum(taken, NOTHING)) * how).quantize(sale.cent)
        if worth <= 0 or sale.sold_at is None:
            return
        number, payout_id = self.plain.sales.index(sale), f"out_{self.steps}"
        made = payout(
            number,
            payout_id=payout_id,
            seller_id=seller_id,
            destination=f"0xDe{self.steps}",
            coin=sale.coin,
            amount=worth * COINS[sale.coin],
            worth=worth,
            worth_currency=sale.currency,
            created_at=self.clock.now,
        )
        try:
            await self.journal.payouts.register([made], another=True, rules=None)
        except PayoutRefusedError:
            return
        sale.payouts.append(PaidOut(payout_id, sale, sale.coin, made.amount, worth, seller_id))

    # What becomes of what goes out

    async def outcome(self, out: PaidOut, how: str) -> None:
        """What the provider says of it, true though perhaps not all of it."""
        other = Stated(coin=out.coin, amount=out.amount * 2)
        sent = PayoutSent(tx_hashes=(out.tx_hash,))
        said: dict[str, list[PayoutObservation]] = {
            "sent": [sent],
            "arrived": [sent, PayoutConfirmed()],
            "failed": [PayoutFailed(reason="not enough coins")],
            "unclear": [PayoutInDoubt(reason="no answer")],
            "mismatch": [sent.model_copy(update={"stated": other})],
        }
        may_follow = {"new": tuple(said), "sent": ("arrived",), "unclear": ("sent", "arrived")}
        if how in may_follow.get(out.standing, ()):
            await self._hear(out, how, *said[how])

    async def resolved(self, out: PaidOut, how: str) -> None:
        """A person says what they found out about it."""
        may_follow = {
            "unclear": ("sent", "not-sent", "arrived"),
            "mismatch": ("not-sent", "arrived"),
            "arrived": ("returned",),
        }
        if how not in may_follow.get(out.standing, ()):
            return
        tx_hash = {"sent": out.tx_hash, "arrived": out.tx_hash, "returned": f"0xback{out.payout_id}"}.get(how)
        await self.journal.console.record_resolution(out.payout_id, how, tx_hash, by="Ada", note="as she saw")  # type: ignore[arg-type]
        self._stands(out, "failed" if how == "not-sent" else how)

    async def back(self, out: PaidOut, _how: None) -> None:
        if out.standing == "arrived":
            came_back = PayoutReturned(tx_hash=f"0xback{out.payout_id}", reason="it came back")
            await self._hear(out, "returned", came_back)

    async def charged(self, out: PaidOut, how: Decimal | None) -> None:
        """The chain says what the network took for it, or nobody does."""
        if out.standing not in ("arrived", "returned") or out.network_fee is not None or out.is_unknown:
            return
        fee = None if how is None else NetworkFee(wallet="shkeeper", coin="ETH", amount=how)
        told = "nobody says" if fee is None else {out.tx_hash: fee}
        await self.journal.payouts.record_network_fees(out.payout_id, told)
        out.network_fee, out.is_unknown = how, how is None

    async def _hear(self, out: PaidOut, becomes: str, *observations: PayoutObservation) -> None:
        for place, one in enumerate(observations):
            await self.journal.payouts.record_observation(out.payout_id, f"{self.steps}:{place}", one)
        self._stands(out, becomes)

    def _stands(self, out: PaidOut, standing: str) -> None:
        out.standing = standing
        if out.refund is not None:
            out.refund.has_arrived = standing == "arrived"

    # Wallets

    def should_hold(self, coin: str) -> Decimal:
        return self.plain.wallet(coin) + self.noted.get(coin, NOTHING)

    async def compares(self, coin: str, more: Decimal) -> None:
        """The wallet holds so much more than it should, or less."""
        of, held = WalletCoin("shkeeper", coin), self.should_hold(coin) + more
        said = (await self.journal.wallets.should(self.clock.now)).get(of)
        is_moving = any(out.standing in ("new", "sent", "unclear", "mismatch") for out in self.plain.payouts)
        if said is None or held < 0 or is_moving:
            return
        before = (await self.journal.wallets.last()).get(of)
        found = compared(of, before, [said], Held(held), EXACT, self.clock.now)
        await self.journal.wallets.record(f"{self.clock.now:%F}", [found])
        is_first = before is None
        self.noted[coin] = self.noted.get(coin, NOTHING) + (more if is_first and more > 0 else 0)
        assert found.difference == held - self.should_hold(coin)
        self.comparisons[f"{self.clock.now:%F}", coin] = found

    async def notes(self, coin: str, amount: Decimal) -> None:
        """A person says what moved without the bridge."""
        of = WalletCoin("shkeeper", coin)
        if of in await self.journal.wallets.should(self.clock.now):
            await self.journal.wallets.note(of, amount, "to the cold wallet", by="Ada")
            self.noted[coin] = self.noted.get(coin, NOTHING) + amount

    @property
    def now(self) -> datetime:
        return self.clock.now


Does = Callable[[Shop, Any, Any], Awaitable[None]]
OF_SALES: Mapping[str, Does] = {
    "comes": Shop.comes,
    "foreign": Shop.foreign,
    "accepted": Shop.accepted,
    "cancelled": Shop.cancelled,
    "refund": Shop.refund,
    "payout": Shop.payout,
    "given-back": Shop.given_back,
    "disputed": Shop.disputed,
}
OF_PAYOUTS: Mapping[str, Does] = {
    "outcome": Shop.outcome,
    "resolved": Shop.resolved,
    "back": Shop.back,
    "charged": Shop.charged,
}
OF_COINS: Mapping[str, Does] = {"compared": Shop.compares, "moved": Shop.notes}


def _transfer(sale: Sale, name: str, value: Decimal) -> Transfer:
    coins = {"asset": sale.coin, "amount": value * COINS[sale.coin]}
    return transfer(name, value).model_copy(update=coins)
