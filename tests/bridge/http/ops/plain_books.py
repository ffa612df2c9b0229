"""Plain books: what the money of a few sales should be, by the sums that a person would do on paper. They know
nothing of the bridge's own decisions."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import NamedTuple

__all__ = ["COINS", "CURRENCIES", "FEES", "Line", "PaidOut", "PlainBooks", "Refunded", "Sale", "TakenBack", "Under"]

NOTHING, HUNDRED = Decimal(0), Decimal(100)
# What one of the currency is in coins, and by how many decimals it is told.
COINS = {"ETH-USDT": Decimal(1), "BTC": Decimal("0.00002"), "TRX": Decimal("8.25")}
CURRENCIES = {"USD": Decimal("0.01"), "EUR": Decimal("0.01"), "KWD": Decimal("0.001")}
# By their names: percents, and a fixed amount.
FEES = {
    "none": (NOTHING, NOTHING),
    "percent": (Decimal("2.5"), NOTHING),
    "fixed": (NOTHING, Decimal("1.50")),
    "percent-at-least-fixed": (Decimal(4), Decimal("1.50")),
}


class Under(NamedTuple):
    """What money is entered under."""

    kind: str
    unit: str
    seller_id: str = ""


class Line(NamedTuple):
    """One change of what money is."""

    at: datetime
    payment_id: str
    under: Under
    amount: Decimal


@dataclass
class Refunded:
    """What goes back to a buyer."""

    refund_id: str
    of: str
    seller_id: str | None
    amount: Decimal
    has_arrived: bool = False


@dataclass
class TakenBack:
    """What the provider gave back to a buyer by itself, or the buyer's bank takes."""

    name: str
    amount: Decimal
    standing: str
    """`open`, `won` or `lost` of what a bank decides about; `gone` of what the provider gave back."""

    @property
    def has_gone(self) -> bool:
        return self.standing in ("lost", "gone")


@dataclass
class PaidOut:
    """What goes to a seller or, with a refund, to a buyer."""

    payout_id: str
    sale: "Sale"
    coin: str
    amount: Decimal
    worth: Decimal
    seller_id: str | None
    refund: Refunded | None = None
    standing: str = "new"
    """Or `unclear`, `mismatch`, `sent`, `arrived`, `failed` or `returned`."""
    network_fee: Decimal | None = None
    is_unknown: bool = False
    """Whether nobody says what the network took."""

    @property
    def tx_hash(self) -> str:
        return f"0x{self.payout_id}"

    @property
    def may_have_left(self) -> bool:
        return self.standing not in ("failed", "returned")

    def money(self) -> Iterator[tuple[Under, Decimal]]:
        """What of coins it comes to."""
        seller = self.seller_id or ""
        if self.network_fee is not None:
            yield Under("network-fee", "ETH", seller), self.network_fee
        if self.standing == "arrived":
            yield Under("coin-out", self.coin), self.amount
            if self.is_unknown:
                yield Under("fee-unknown", self.coin, seller), self.amount


@dataclass
class Sale:
    """One payment, and all that has become of it."""

    payment_id: str
    currency: str
    coin: str
    amount: Decimal
    fee_name: str
    tolerance_percent: Decimal
    sellers: dict[str, Decimal]
    came: list[Decimal] = field(default_factory=list)
    sold_at: datetime | None = None
    is_accepted: bool = False
    is_closed: bool = False
    """Whether it was cancelled, or its money goes back, before it was sold."""
    refunds: list[Refunded] = field(default_factory=list)
    payouts: list[PaidOut] = field(default_factory=list)
    taken_back: list[TakenBack] = field(default_factory=list)

    @property
    def cent(self) -> Decimal:
        return CURRENCIES[self.currency]

    @property
    def paid(self) -> Decimal:
        return sum(self.came, NOTHING)

    @property
    def fee_on_all(self) -> Decimal:
        percent, fixed = FEES[self.fee_name]
        return max(self.amount * percent / HUNDRED, fixed)

    @property
    def received(self) -> Decimal:
        """What of that which was paid is no fee."""
        percent, fixed = FEES[self.fee_name]
        if self.fee_name == "none" or not self.paid:
            return self.paid
        if self.paid >= self.amount + self.fee_on_all:
            exact = self.paid - self.fee_on_all
        else:
            without = [self.paid * HUNDRED / (HUNDRED + percent), max(self.paid - fixed, NOTHING)]
            exact = min(self.amount, *without)
        return min(exact.quantize(self.cent), self.paid)

    @property
    def fee(self) -> Decimal:
        return self.paid - self.received

    @property
    def excess(self) -> Decimal:
        return max(self.received - self.amount, NOTHING)

    @property
    def has_enough(self) -> bool:
        """All to the cent, or exactly as much as passes as all."""
        if self.received >= self.amount:
            return True
        percent, fixed = FEES[self.fee_name]
        exact = self.received
        if self.fee_name != "none" and self.paid < self.amount + self.fee_on_all:
            exact = min(self.amount, self.paid * HUNDRED / (HUNDRED + percent), max(self.paid - fixed, NOTHING))
        return exact >= self.amount * (HUNDRED - self.tolerance_percent) / HUNDRED

    @property
    def goods(self) -> Decimal:
        return min(self.received, self.amount)

    def came_for(self, seller_id: str) -> Decimal:
        """A seller's part of what came for the goods."""
        return self.part_of(self.goods, seller_id)

    def part_of(self, goods: Decimal, seller_id: str) -> Decimal:
        """A seller's part of so much: of less than all, each has as much of theirs, and together they have all of
        it."""
        before = NOTHING
        for one, share in self.sellers.items():
            begins, ends = (self._part(goods, upto) for upto in (before, before + share))
            if one == seller_id:
                return ends - begins
            before += share
        raise KeyError(seller_id)

    def _part(self, goods: Decimal, upto: Decimal) -> Decimal:
        return (goods * upto / self.amount).quantize(self.cent, ROUND_FLOOR) if goods < self.amount else upto

    def gone_back(self, of: str) -> Decimal:
        """What has arrived at the buyer, whoever sent or took it."""
        sent = total(one.amount for one in self.refunds if one.has_arrived and one.of == of)
        return sent + total(amount for one, amount in self._taken_back(of) if one.has_gone)

    def _taken_back(self, of: str) -> list[tuple[TakenBack, Decimal]]:
        """What of that which is taken back is of one kind. It is of what came for the goods as long as some of that
        has not left, or is not to; then of what came too much; and what is beyond that is of the goods again."""
        leaving = [one for one in self.payouts if one.may_have_left]
        out = {
            kind: total(one.worth for one in leaving if _kind_of(one) == kind)
            for kind in ("payout", "goods", "excess")
        }
        goods = max(self.goods - out["payout"] - out["goods"], NOTHING)
        excess = max(self.excess - out["excess"], NOTHING)
        found = []
        for one in sorted(self.taken_back, key=lambda one: (not one.has_gone, one.name)):
            if one.standing == "won":
                continue
            of_excess = min(max(one.amount - goods, NOTHING), excess)
            of_goods = one.amount - of_excess
            goods, excess = max(goods - of_goods, NOTHING), excess - of_excess
            found.append((one, of_excess if of == "excess" else of_goods))
        return found

    @property
    def is_all_back(self) -> bool:
        """Whether all that came for the goods has gone back."""
        return NOTHING < self.gone_back("goods") >= self.goods

    @property
    def released(self) -> Decimal:
        return sum((one.worth for one in self.payouts if one.standing == "arrived" and one.refund is None), NOTHING)

    def where(self) -> dict[str, Decimal]:
        """Where all that was paid is. What is overdrawn went out beyond what came."""
        back, excess_back = self.gone_back("goods"), self.gone_back("excess")
        left = self.goods - self.released - back
        return {
            "received": self.paid,
            "held": max(left, NOTHING),
            "released": self.released,
            "refunded": back + excess_back,
            "fee": self.fee,
            "excess": self.excess - excess_back,
            "overdrawn": max(-left, NOTHING),
        }

    def _gone_there(self) -> Iterator[tuple[str, bool, Decimal]]:
        """What has gone back that no refund of the marketplace's carried: whose it was, and whether it was of a sale.
        Sellers bear it in the proportion of their parts; nobody does what is more than all of them."""
        goods, excess = (
            total(amount for one, amount in self._taken_back(of) if one.has_gone) for of in ("goods", "excess")
        )
        yield "", False, excess
        came = self.amount if self.is_accepted else self.goods
        left = max(came - goods, NOTHING)
        borne = {one: self.part_of(came, one) - self.part_of(left, one) for one in self.sellers}
        for seller_id, amount in borne.items():
            yield seller_id, self.sold_at is not None, amount
        yield "", self.sold_at is not None, goods - total(borne.values())

    def money(self) -> dict[Under, Decimal]:
        """What its money is, under each name."""
        found: dict[Under, Decimal] = defaultdict(Decimal)
        found[Under("received", self.currency)] = self.paid
        found[Under("fee", self.currency)] = self.fee
        found[Under("excess", self.currency)] = self.excess
        found[Under("coin-in", self.coin)] = self.paid * COINS[self.coin]
        for one in self.refunds:
            if one.has_arrived:
                of_sale = self.sold_at is not None and one.of == "goods"
                found[Under("refund" if of_sale else "sent-back", self.currency, one.seller_id or "")] += one.amount
        for seller_id, of_sale, amount in self._gone_there():
            found[Under("refund" if of_sale else "sent-back", self.currency, seller_id)] += amount
        for paid_out in self.payouts:
            if paid_out.standing == "arrived" and paid_out.refund is None:
                found[Under("payout", self.currency, paid_out.seller_id or "")] += paid_out.worth
            for under, amount in paid_out.money():
                found[under] += amount
        if self.sold_at is not None:
            for seller_id, share in self.sellers.items():
                short = share - self.came_for(seller_id)
                found[Under("sale", self.currency, seller_id)] = share
                found[Under("shortfall", self.currency, seller_id)] = short
                found[Under("covered", self.currency, seller_id)] = short if self.is_accepted else NOTHING
        told: dict[Under, Decimal] = defaultdict(Decimal)
        for under, amount in found.items():
            told[_as_told(under)] += amount
        return {under: amount for under, amount in told.items() if amount}


def _kind_of(paid_out: PaidOut) -> str:
    return "payout" if paid_out.refund is None else paid_out.refund.of


def _as_told(under: Under) -> Under:
    """What is sent back is of no sale, and so of no seller."""
    return under._replace(seller_id="") if under.kind == "sent-back" else under


class PlainBooks:
    """All sales, and each change of their money, with its moment."""

    def __init__(self) -> None:
        self.sales: list[Sale] = []
        self.lines: list[Line] = []
        self._before: dict[str, dict[Under, Decimal]] = {}

    def write_down(self, now: datetime) -> None:
        """Enters what has become different."""
        for sale in self.sales:
            before, after = self._before.get(sale.payment_id, {}), sale.money()
            for under in {**before, **after}:
                if more := after.get(under, NOTHING) - before.get(under, NOTHING):
                    self.lines.append(Line(now, sale.payment_id, under, more))
            self._before[sale.payment_id] = after

    @property
    def payouts(self) -> list[PaidOut]:
        return [payout for sale in self.sales for payout in sale.payouts]

    def wallet(self, coin: str) -> Decimal:
        """What should be in the wallet, but for what moved without anybody having been told."""
        signs = {"coin-in": 1, "coin-out": -1, "network-fee": -1}
        return total(line.amount * signs.get(line.under.kind, 0) for line in self.lines if line.under.unit == coin)


def total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, NOTHING)
