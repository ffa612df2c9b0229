"""The payouts' part of a batch: what its requests read of payouts, and what they want written of them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, bindparam, func, or_, select, text, update

from bridge.journal.tables import schema
from bridge.journal.tables.rows import entry_row, payout_from_row, payout_row
from bridge.journal.tables.unreadable_rows import required
from bridge.journal.writing.staged.books import entering
from bridge.journal.writing.statements import Staged, entered_too, first_known, insert_into
from coordinator.books.entries import balances_of_payout, changes
from coordinator.payments.observed.transfers import transfer_key
from coordinator.payouts.decisions import PayoutDecision
from coordinator.payouts.limits import DAY, WITHOUT_OUTFLOW, Outflow, outflow_of
from coordinator.payouts.observations import PayoutObservation
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import UNSETTLED_STATUSES, PayoutStatus

__all__ = ["StagedPayouts"]

_PAYOUT = select(schema.payouts).where(schema.payouts.c.payout_id == bindparam("by_payout_id"))
_OBSERVATION = select(schema.payout_observations.c.observation_id).where(
    schema.payout_observations.c.payout_id == bindparam("by_payout_id"),
    schema.payout_observations.c.key == bindparam("by_key"),
)
_OF_PAYMENT = select(schema.payouts).where(schema.payouts.c.payment_id == bindparam("by_payment_id"))
# Of those who are paid most there are thousands; where they are paid of late is what a new one is taken for.
DESTINATIONS_COMPARED = 200
_DESTINATIONS = (
    select(schema.payouts.c.destination)
    .where(
        schema.payouts.c.seller_id == bindparam("by_seller_id"),
        func.coalesce(schema.payouts.c.buyer_id, "") == bindparam("by_buyer_id"),
        schema.payouts.c.payout_id != bindparam("by_payout_id"),
        schema.payouts.c.status.not_in(WITHOUT_OUTFLOW),
        schema.payouts.c.cleared_at.is_not(None),
    )
    .order_by(schema.payouts.c.created_at.desc())
    .limit(DESTINATIONS_COMPARED)
)
# In the words of the index, or it would not be used.
_GOING_TO = (
    select(schema.payouts.c.payout_id)
    .where(
        text(f"payouts.{schema.UNDER_WAY}"),
        schema.payouts.c.seller_id == bindparam("by_seller_id"),
        schema.payouts.c.refund_id.is_(None),
        schema.payouts.c.destination == bindparam("by_destination"),
    )
    .order_by(schema.payouts.c.created_at, schema.payouts.c.payout_id)
)
_KNOWN_BY = select(schema.payout_transactions.c.payout_id).where(
    schema.payout_transactions.c.tx_key == bindparam("by_tx_key")
)
_STEPS = select(func.count()).where(schema.payout_observations.c.payout_id == bindparam("by_payout_id"))
_STATUS_AT = (
    select(schema.payout_observations.c.status)
    .where(
        schema.payout_observations.c.payout_id == bindparam("by_payout_id"),
        schema.payout_observations.c.received_at <= bindparam("at", type_=schema.UtcDateTime),
    )
    .order_by(schema.payout_observations.c.observation_id.desc())
    .limit(1)
)
_OUTFLOWS = select(
    *(schema.payouts.c[name] for name in ("payout_id", "worth", "cleared_at", "status")),
    func.coalesce(schema.payouts.c.buyer_id, schema.payouts.c.seller_id).label("payee_id"),
).where(
    schema.payouts.c.worth_currency == bindparam("by_currency"),
    schema.payouts.c.status.not_in(WITHOUT_OUTFLOW),
    schema.payouts.c.worth.is_not(None),
    schema.payouts.c.cleared_at.is_not(None),
    or_(
        schema.payouts.c.cleared_at > bindparam("since", type_=schema.UtcDateTime),
        schema.payouts.c.status.in_(UNSETTLED_STATUSES),
    ),
)
# What an observation can change of a row.
_MOVING = (
    *("facts", "status", "updated_at", "search_text", "ended_in_doubt", "cleared_at", "overdue_at"),
    "network_fee_due",
)
_MOVE = (
    update(schema.payouts)
    .where(schema.payouts.c.payout_id == bindparam("by_payout_id"))
    .values({name: bindparam(f"new_{name}") for name in _MOVING})
    # It was completed when that was known first, whatever is found out later.
    .values(completed_at=first_known(schema.payouts.c.completed_at), entered_at=entered_too(schema.payouts))
)


class StagedPayouts:
    """Reads and staged writes about payouts, within one transaction."""

    def __init__(self, connection: Connection, *, now: datetime, moment: Any) -> None:
        """`moment` is now, as the driver has it."""
        self._connection = connection
        self._now = now
        self._moment = moment
        self._payouts: dict[str, Payout] = {}
        self._new: set[str] = set()
        self._before: dict[str, Payout] = {}
        """How those that are moved were before this batch."""
        self._keys: set[tuple[str, str]] = set()
        self._observations: list[dict[str, Any]] = []
        self._names: list[dict[str, Any]] = []
        self._transactions: dict[tuple[str, str], None] = {}
        """Those that are new, each with what it is for."""
        self._outflows: dict[str, Mapping[str, Outflow]] = {}
        self.writes = 0
        """How many changes are staged."""

    def get(self, payout_id: str) -> Payout | None:
        """The payout as it stands, with everything staged so far."""
        if payout_id not in self._payouts:
            row = self._connection.execute(_PAYOUT, {"by_payout_id": payout_id}).mappings().first()
            if row is None:
                return None
            self._payouts[payout_id] = required(self._connection, payout_from_row, row)
        return self._payouts[payout_id]

    def is_recorded(self, payout_id: str, key: str) -> bool:
        """Whether this very message was written down before."""
        return (payout_id, key) in self._keys or (
            self._connection.execute(_OBSERVATION, {"by_payout_id": payout_id, "by_key": key}).first() is not None
        )

    def of_payment(self, payment_id: str) -> list[Payout]:
        """The payouts of a payment, with everything staged so far."""
        rows = self._connection.execute(_OF_PAYMENT, {"by_payment_id": payment_id}).mappings()
        known = {row["payout_id"]: required(self._connection, payout_from_row, row) for row in rows}
        staged = {one.payout_id: one for one in self._payouts.values() if one.payment_id == payment_id}
        return list((known | staged).values())

    def outflows(self, currency: str) -> list[Outflow]:
        """What payouts take of the limits of a currency, with everything staged so far."""
        if currency not in self._outflows:
            parameters = {"by_currency": currency, "since": self._now - DAY}
            self._outflows[currency] = {
                row.payout_id: Outflow(
                    row.payout_id,
                    row.payee_id,
                    currency,
                    Decimal(row.worth),
                    row.cleared_at,
                    row.status in UNSETTLED_STATUSES,
                )
                for row in self._connection.execute(_OUTFLOWS, parameters)
            }
        written = [one for payout_id, one in self._outflows[currency].items() if payout_id not in self._payouts]
        staged = [outflow_of(payout) for payout in self._payouts.values() if payout.worth_currency == currency]
        return [*written, *(one for one in staged if one is not None)]

    def destinations_of(self, payout: Payout) -> set[str]:
        """Where else its payee's payouts have gone of late, or were let go."""
        parameters = {
            "by_seller_id": payout.seller_id,
            "by_buyer_id": payout.buyer_id or "",
            "by_payout_id": payout.payout_id,
        }
        return {row.destination for row in self._connection.execute(_DESTINATIONS, parameters)}

    def going_to(self, seller_id: str, destination: str) -> list[Payout]:
        """The payouts for a seller to a destination, as it is written, that nobody may have been asked for yet; with
        everything staged so far."""
        parameters = {"by_seller_id": seller_id, "by_destination": destination}
        rows = self._connection.execute(_GOING_TO, parameters).scalars().all()
        staged = [
            one.payout_id
            for one in self._payouts.values()
            if (one.seller_id, one.refund_id, one.destination) == (seller_id, None, destination)
        ]
        found = map(self.get, dict.fromkeys([*rows, *staged]))
        return [payout for payout in found if payout is not None]

    def known_by(self, tx_hash: str) -> list[Payout]:
        """The payouts that a transaction carried or brought back, or that a payment of Lightning with this hash is to
        carry, with everything staged so far."""
        key = transfer_key(tx_hash)
        written = [row.payout_id for row in self._connection.execute(_KNOWN_BY, {"by_tx_key": key})]
        staged = [payout_id for one, payout_id in self._transactions if one == key]
        found = map(self.get, dict.fromkeys([*written, *staged]))
        return [payout for payout in found if payout is not None]

    def steps(self, payout_id: str) -> int:
        """How many observations of it are written down, those staged so far among them."""
        staged = [one for one in self._observations if one["payout_id"] == payout_id]
        written = self._connection.execute(_STEPS, {"by_payout_id": payout_id}).scalar_one()
        return len(staged) + int(written)

    def status_at(self, payout_id: str, at: datetime) -> PayoutStatus | None:
        """Where a payout stood at a time, after the last that was written down of it by then."""
        status = self._connection.scalar(_STATUS_AT, {"by_payout_id": payout_id, "at": at})
        return None if status is None else PayoutStatus(status)

    def add(self, payout: Payout, payment_hash: str | None = None) -> None:
        """Adds one; with the hash of the payment that is to carry it, over Lightning."""
        self.writes += 1
        self._payouts[payout.payout_id] = payout
        self._new.add(payout.payout_id)
        if payment_hash is not None:
            self._transactions[transfer_key(payment_hash), payout.payout_id] = None

    def record(self, key: str, observation: PayoutObservation, decision: PayoutDecision) -> None:
        """Writes an observation down, and what it made of its payout."""
        payout = decision.payout
        self._note_names(payout)
        self._note_transactions(payout)
        self.writes += 1
        self._before.setdefault(payout.payout_id, self._payouts[payout.payout_id])
        self._payouts[payout.payout_id] = payout
        self._keys.add((payout.payout_id, key))
        self._observations.append(
            {
                "payout_id": payout.payout_id,
                "key": key,
                "observation": observation.model_dump_json(),
                "effect": decision.effect,
                "status": payout.status,
                "received_at": self._now,
            }
        )

    def _note_names(self, payout: Payout) -> None:
        """Keeps by what it is called, where that is new."""
        before = self._payouts[payout.payout_id].facts.external_ids.values()
        for name in {*payout.facts.external_ids.values()} - {*before}:
            self._names.append({"external_id": name, "payout_id": payout.payout_id})

    def _note_transactions(self, payout: Payout) -> None:
        """Keeps what it is known by, where that is new."""
        for key in _transactions_of(payout) - _transactions_of(self._payouts[payout.payout_id]):
            known = self._connection.execute(_KNOWN_BY, {"by_tx_key": key}).scalars()
            # The payment that carries it over Lightning was known before.
            if payout.payout_id not in known.all():
                self._transactions[key, payout.payout_id] = None

    def statements(self) -> Sequence[Staged]:
        """What is staged, one statement a table."""
        new = [payout_row(self._payouts[payout_id], self._now) for payout_id in self._new]
        moved = [payout_row(self._payouts[payout_id], self._now) for payout_id in self._before.keys() - self._new]
        return [
            (insert_into(schema.payouts), new),
            (_MOVE, [_moving(row) for row in moved]),
            (insert_into(schema.payout_observations), self._observations),
            (insert_into(schema.payout_names), self._names),
            (
                insert_into(schema.payout_transactions),
                [{"tx_key": key, "payout_id": payout_id} for key, payout_id in self._transactions],
            ),
            *entering(self._connection, list(self._entries()), self._now, self._moment),
        ]

    def _entries(self) -> Iterator[tuple[Any, ...]]:
        """What is to be written into the books."""
        for payout_id in dict.fromkeys((*self._new, *self._before)):
            payout = self._payouts[payout_id]
            before = {} if payout_id in self._new else balances_of_payout(self._before[payout_id])
            for entry in changes(before, balances_of_payout(payout)):
                yield entry_row(payout.payment_id, entry, self._moment)


def _transactions_of(payout: Payout) -> set[str]:
    return set(map(transfer_key, (*payout.facts.tx_hashes, *payout.facts.returns)))


def _moving(row: dict[str, Any]) -> dict[str, Any]:
    return {"by_payout_id": row["payout_id"]} | {f"new_{name}": row[name] for name in (*_MOVING, "completed_at")}
