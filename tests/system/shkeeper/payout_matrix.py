"""Plays rows of the fault matrix on a running bridge and the local SHKeeper, and counts what came of them.

Every payout has a payment and a destination of its own, so that the money that left is counted by where it went.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from providers.shkeeper.simulator.books.payout_tasks import Outcome
from providers.shkeeper.simulator.faults import Call
from tests.system.shkeeper.conftest import Document, Marketplace
from tests.system.shkeeper.earlier_prices import asked_on_earlier_days
from tests.system.shkeeper.histories import attention, compared, do, is_held, settle
from tests.system.shkeeper.journals import ReadJournal
from tests.system.shkeeper.payout_rows import AMOUNTS, PERSON, Row, place_of
from tests.waiting import wait_until

__all__ = ["Matrix", "Order", "Played"]

NUMBERS = itertools.count(1)
PAYOUT_CALLS = (Call.PAYOUT, Call.MULTIPAYOUT)
AT_REST = {"completed", "failed", "returned"}


@dataclass(frozen=True, slots=True)
class Played:
    """One payout of the matrix."""

    payout_id: str
    destination: str
    row: Row
    is_affected: bool
    """Whether the row is about this one, and not about another of the same order."""
    payment_id: str
    group: str
    """What happened to the bridge meanwhile."""


@dataclass(slots=True)
class Order:
    """One request of one payout or several, that can be repeated."""

    row: Row
    size: int
    names: list[str]
    payment_ids: list[str]

    @property
    def destinations(self) -> list[str]:
        return [place_of(self.row, name) for name in self.names]

    @property
    def affected(self) -> str:
        """Where the row's payout goes: the last of the order, when others have gone."""
        return self.destinations[-1]

    def items(self) -> list[Document]:
        return [
            {"paymentId": payment_id, "coin": self.row.coin, "amount": AMOUNTS[self.row.coin], "destination": place}
            for payment_id, place in zip(self.payment_ids, self.destinations, strict=True)
        ]


class Matrix:
    """The rows that are played, and what is known of them."""

    def __init__(self, marketplace: Marketplace, journal: ReadJournal, *, needs_prices: bool = True) -> None:
        """Whether any of the coins that are played `needs_prices`, because it is worth no currency by itself."""
        self.marketplace = marketplace
        self._journal = journal
        self.shkeeper = marketplace.shkeeper
        self.bridge = marketplace.bridge
        self.played: dict[str, Played] = {}
        self._has_prices = not needs_prices
        self.withdrawn: set[str] = set()
        """The payouts that a person withdrew because they know that the money has left."""

    # Before

    def orders(self, rows: Iterable[tuple[Row, int]]) -> list[Order]:
        """Orders for rows, with payments that are completed."""
        self._have_prices()
        orders = []
        for row, size in rows:
            names = [f"matrix-{next(NUMBERS)}" for _ in range(size)]
            orders.append(Order(row, size, names, [self._pay(name) for name in names]))
        waiting = {payment_id for order in orders for payment_id in order.payment_ids}
        wait_until(
            lambda: (
                waiting <= self._journal.read("SELECT payment_id, 1 FROM payments WHERE status = 'completed'").keys()
            )
        )
        return orders

    def _have_prices(self) -> None:
        """Has buyers asked to pay with each coin, without which nothing leaves in it that nobody has looked at."""
        if self._has_prices:
            return
        asked_on_earlier_days(self.marketplace, AMOUNTS, self._journal)
        self._has_prices = True

    def _pay(self, name: str) -> str:
        payment = self.marketplace.create(requestId=name, sellerId=f"seller-{name}")
        self.shkeeper.transfer(payment["invoices"][0]["address"])
        payment_id: str = payment["paymentId"]
        return payment_id

    def tell_shkeeper(self, orders: Iterable[Order]) -> None:
        """Has the local SHKeeper do with these what their rows say."""
        books = self.shkeeper.gateway.payouts
        for order in orders:
            row, place = order.row, order.affected.lower()
            books.outcomes[place] = row.outcome
            if row.words is not None:
                books.messages[place] = row.words
            if row.what is not None:
                call = Call.PAYOUT if order.size == 1 else Call.MULTIPAYOUT
                self.shkeeper.goes_wrong(
                    call, row.what, row.happens, times=1, seconds=0.1, about=order.affected, words=row.words
                )

    # The orders

    def ask(self, orders: Iterable[Order], group: str) -> None:
        """Has the bridge pay them out; asked again with the same key, it gives the same payouts."""
        for order in orders:
            for number, payout in enumerate(wait_until(partial(self._ask, order))):
                place = order.destinations[number]
                self.played[payout["payoutId"]] = Played(
                    payout["payoutId"],
                    place,
                    order.row,
                    place == order.affected,
                    order.payment_ids[number],
                    group,
                )

    def _ask(self, order: Order) -> list[Document]:
        """What it is answered; nothing while a coin's price is not told, as while its wallet is away."""
        headers = {"Idempotency-Key": f"matrix-{order.names[0]}"}
        answer = self.marketplace.client.post("/api/payouts", json={"payouts": order.items()}, headers=headers)
        if answer.status_code == 409 and "try again" in answer.text:
            return []
        assert answer.status_code == 202, answer.text
        payouts: list[Document] = answer.json()["payouts"]
        return payouts

    def are_answered(self, orders: Iterable[Order]) -> bool:
        """Whether the bridge has written down that it asks, and then an answer, of each of some orders."""
        said = self._journal.read("SELECT payout_id, count(*) FROM payout_observations GROUP BY payout_id")
        answered = {one.destination for one in self.played.values() if int(said.get(one.payout_id, 0)) > 1}
        return all(place in answered for order in orders for place in order.destinations)

    def asked_for(self) -> set[str]:
        """The destinations of which SHKeeper was asked to pay, whatever it did."""
        places: set[str] = set()
        for asked in list(self.shkeeper.gateway.asked):
            if asked.call in PAYOUT_CALLS:
                entries = asked.content if isinstance(asked.content, list) else [asked.content]
                places |= {entry["destination" if asked.call is Call.PAYOUT else "dest"] for entry in entries}
        return places

    # After

    def come_to_rest(self, group: str) -> None:
        """Waits until nothing moves any more: every order was given, SHKeeper has done all that it will, and the
        bridge has asked about whatever it follows when that was so."""
        payouts = {one.payout_id: one for one in self.played.values() if one.group == group}

        def unasked() -> int:
            """A bridge that dies when it has written down that it will ask, and before it does, never asks again."""
            created = {
                one.destination
                for one, status in self._statuses()
                if one.payout_id in payouts and status == "created"
            }
            return len(created - self.asked_for())

        # A wallet that waits for its blocks takes them one after the other: all that must not end is that it goes on.
        while left := unasked():
            wait_until(lambda left=left: unasked() < left)  # type: ignore[misc]
        wait_until(self._shkeeper_rests)
        # Of three questions the first may have been under way, and what the second said was written down.
        looked: Counter[str] = Counter()
        begun = len(self.shkeeper.gateway.asked)

        def is_looked_at() -> bool:
            nonlocal begun
            news = self.shkeeper.gateway.asked[begun:]
            begun += len(news)
            looked.update(str(asked.external_id) for asked in news if asked.call is Call.PAYOUT_STATUS)
            names = self._journal.read("SELECT external_id, payout_id FROM payout_names")
            times: Counter[str] = Counter()
            for name, payout_id in names.items():
                times[payout_id] += looked[name]
            return all(
                times[one.payout_id] > 2 or status in AT_REST
                for one, status in self._statuses()
                if one.payout_id in payouts
            )

        wait_until(is_looked_at)

    def _shkeeper_rests(self) -> bool:
        books = self.shkeeper.gateway.payouts

        def outcome_of(destination: str) -> Outcome:
            return books.outcomes.get(destination.lower(), Outcome.ARRIVES)

        is_working = any(
            task.status == "PENDING" and all(outcome_of(part.destination) is not Outcome.STUCK for part in task.parts)
            for task in list(books.tasks.values())
        )
        replaced = {money.txid for money in list(books.replaced)}
        return not is_working and not any(
            payout.status == "IN_PROGRESS"
            and payout.txids
            and outcome_of(payout.destination) is Outcome.ARRIVES
            and replaced.isdisjoint(payout.txids)
            for payout in list(books.payouts)
        )

    def sent_to(self) -> Counter[str]:
        """How often money left for each destination."""
        return Counter(money.destination.lower() for money in list(self.shkeeper.gateway.payouts.sent))

    def listed(self) -> set[str]:
        """The payouts that a person is told to look at."""
        items = self.marketplace.client.get("/api/ops/attention").json()["items"]
        return {item["payoutId"] for item in items if item["payoutId"] is not None}

    # What happens to the bridge

    def restart(self) -> None:
        self.bridge.kill()
        self.bridge.start()

    def copy(self) -> None:
        """Keeps the journal as it is at this moment, as a backup takes it from a bridge that runs."""
        self._journal.copy()

    def restore(self) -> Sequence[str]:
        """Takes the journal of a bridge that was killed back to the copy, and starts the bridge. Returns what was
        found to differ, once its books were compared."""
        self._journal.restore()
        self.bridge.start()
        differing: list[str] = compared(self.marketplace)["comparison"]["differing"]
        return differing

    def go_on(self, orders: Iterable[Order], group: str) -> None:
        """What the marketplace and a person do after that: all is asked for once more, what has left and is in
        nobody's books is withdrawn again, and payouts are resumed."""
        for item in attention(self.marketplace, "payout-forgotten"):
            do(self.marketplace, "attention/dismissal", id=item["id"], note="looked at")
        self.ask(orders, group)
        if not is_held(self.marketplace):
            return
        unbooked = self.unbooked()
        for one, status in self._statuses():
            if status == "created" and one.destination.lower() in unbooked:
                path = f"/api/payouts/{one.payout_id}/cancellation"
                answer = self.marketplace.client.post(path, json={"note": "it was sent"})
                if answer.status_code == 200:
                    self.withdrawn.add(one.payout_id)
        settle(self.marketplace)

    def unknown_coins(self) -> set[str]:
        """In which coins something left that SHKeeper has not written down, and of which the journal does not know
        that it was asked for."""
        unbooked = self.unbooked()
        return {
            one.row.coin
            for one, status in self._statuses()
            if one.destination.lower() in unbooked and status in ("created", "unknown")
        }

    def unbooked(self) -> set[str]:
        """Where money went that SHKeeper has not written down."""
        booked = {payout.destination.lower() for payout in list(self.shkeeper.gateway.payouts.payouts)}
        return self.sent_to().keys() - booked

    def two_days_pass(self) -> None:
        """Has the bridge come back after two days, as far as it can tell by its payouts."""
        self.bridge.kill()
        columns = ("created_at", "cleared_at", "overdue_at")
        aged = ", ".join(f"{column} = {self._journal.days_before(column, 2)}" for column in columns)
        self._journal.write(f"UPDATE payouts SET {aged}")
        self.bridge.start()

    def wrongs_now(self) -> list[str]:
        """Whatever is a double or a loss, in words."""
        sent, wrong = self.sent_to(), []
        for one, status in self._statuses():
            times = sent[one.destination.lower()]
            if times > 1:
                wrong.append(f"sent {times} times: {one} is {status}")
            if status == "failed" and times and one.payout_id not in self.withdrawn:
                wrong.append(f"sent, and can be paid out again: {one}")
            if status == "completed" and not times:
                wrong.append(f"never sent, and completed: {one}")
        return wrong

    def wrongs(self) -> list[str]:
        """The same, and whatever is a silence."""
        listed = self.listed()
        silent = [
            f"nobody is told: {one} is {status}"
            for one, status in self._statuses()
            if status != "completed" and one.payout_id not in listed
        ]
        return self.wrongs_now() + silent

    def statuses(self) -> list[str]:
        return [status for _, status in self._statuses()]

    def _statuses(self) -> list[tuple[Played, str]]:
        found = self._journal.read("SELECT payout_id, status FROM payouts")
        return [(one, found.get(one.payout_id, "unknown")) for one in self.played.values()]

    def ends(self, payouts: Iterable[Played]) -> dict[str, str]:
        """How payouts have ended, by what they were played for: `a person` has to look at what has not."""
        statuses = {one.payout_id: status for one, status in self._statuses()}
        found = {one.row.name: statuses[one.payout_id] for one in payouts}
        return {name: status if status in AT_REST else PERSON for name, status in found.items()}
