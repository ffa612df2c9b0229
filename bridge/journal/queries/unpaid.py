"""Payouts whose money is back, or never left, and was not made up for in full: those that failed and those that came
back, with all that was paid out or refunded since."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, exists, func, select

from bridge.journal.tables import schema
from coordinator.payments.observed.observations import RefundOf
from coordinator.payouts.replacements import OutgoingMoney, not_replaced
from coordinator.payouts.statuses import PayoutStatus
from coordinator.refunds.statuses import RefundStatus

__all__ = ["unpaid"]

_WITHOUT_MONEY = (PayoutStatus.FAILED, PayoutStatus.RETURNED)
# Of payments with payouts that are to be looked at; with so many, one problem has made them all.
PAYMENTS_LIMIT = 1_000


def unpaid(connection: Connection) -> Sequence[str]:
    """The ids of the payouts that have failed or came back, without doubt about that, and that nothing makes up
    for."""
    payouts = schema.payouts
    candidates = select(payouts.c.payout_id, payouts.c.payment_id).where(
        payouts.c.status.in_(_WITHOUT_MONEY), ~payouts.c.ended_in_doubt, ~_plainly_paid_again()
    )
    rows = connection.execute(candidates.order_by(payouts.c.created_at).limit(PAYMENTS_LIMIT)).all()
    payment_ids = sorted({row.payment_id for row in rows})
    if not payment_ids:
        return []
    found = _not_paid_again(connection, payment_ids)
    return [row.payout_id for row in rows if row.payout_id in found]


def _plainly_paid_again() -> ColumnElement[bool]:
    """Whether of a seller's one payout that failed just as much was paid out since: so it is with most of them, and
    in the course of the years they are many."""
    payouts, others, observations = schema.payouts, schema.payouts.alias("others"), schema.payout_observations
    failed_at = (
        select(func.min(observations.c.received_at))
        .where(observations.c.payout_id == payouts.c.payout_id, observations.c.status == PayoutStatus.FAILED)
        .correlate(payouts)
        .scalar_subquery()
    )
    same_share = and_(
        others.c.payment_id == payouts.c.payment_id,
        others.c.seller_id == payouts.c.seller_id,
        others.c.refund_id.is_(None),
        others.c.payout_id != payouts.c.payout_id,
    )
    return and_(
        payouts.c.status == PayoutStatus.FAILED,
        payouts.c.refund_id.is_(None),
        ~exists().where(same_share, others.c.status.in_(_WITHOUT_MONEY)),
        exists().where(
            same_share,
            others.c.status.not_in(_WITHOUT_MONEY),
            others.c.worth == payouts.c.worth,
            others.c.created_at >= failed_at,
        ),
    )


def _not_paid_again(connection: Connection, payment_ids: Sequence[str]) -> frozenset[str]:
    payouts, refunds, observations = schema.payouts, schema.refunds, schema.payout_observations
    names = ("payout_id", "payment_id", "seller_id", "refund_id", "worth", "created_at", "status")
    sent = (
        connection.execute(select(*(payouts.c[name] for name in names)).where(payouts.c.payment_id.in_(payment_ids)))
        .mappings()
        .all()
    )
    back = [row["payout_id"] for row in sent if row["status"] in _WITHOUT_MONEY]
    came_back_at = {
        row.payout_id: row.at
        for row in connection.execute(
            select(
                observations.c.payout_id, func.min(observations.c.received_at, type_=schema.UtcDateTime).label("at")
            )
            .where(observations.c.payout_id.in_(back), observations.c.status.in_(_WITHOUT_MONEY))
            .group_by(observations.c.payout_id)
        )
    }
    opened = (
        connection.execute(
            select(refunds).where(refunds.c.payment_id.in_(payment_ids), refunds.c.status != RefundStatus.CANCELLED)
        )
        .mappings()
        .all()
    )
    found: set[str] = set()
    for payment_id in payment_ids:
        of_payment = [row for row in sent if row["payment_id"] == payment_id]
        refunded = [row for row in opened if row["payment_id"] == payment_id]
        for outgoings in _shares(of_payment, refunded, came_back_at):
            found |= not_replaced(outgoings)
    return frozenset(found)


def _shares(
    sent: Sequence[RowMapping], opened: Sequence[RowMapping], came_back_at: Mapping[str, datetime]
) -> Iterator[list[OutgoingMoney]]:
    """What is paid out to each seller, which a refund to the buyer makes up for as well; and what goes back to the
    buyer, of the goods and of what came too much."""
    of_sellers: defaultdict[str, list[OutgoingMoney]] = defaultdict(list)
    for row in sent:
        if row["refund_id"] is None:
            payout_id, worth = row["payout_id"], _amount(row["worth"])
            outgoing = OutgoingMoney(payout_id, worth, row["created_at"], came_back_at.get(payout_id))
            of_sellers[row["seller_id"]].append(outgoing)
    for seller_id, outgoings in of_sellers.items():
        goes_back = [
            row
            for row in opened
            if row["of"] == RefundOf.GOODS
            and row["seller_id"] in (seller_id, None)
            and row["status"] not in _WITHOUT_MONEY
        ]
        yield [*outgoings, *(_refund(row, None) for row in goes_back)]
    for of in RefundOf:
        yield [_refund(row, came_back_at.get(row["payout_id"] or "")) for row in opened if row["of"] == of]


def _refund(row: Any, came_back_at: datetime | None) -> OutgoingMoney:
    """A refund by the payout that carries it, as far as there is one."""
    return OutgoingMoney(row["payout_id"] or row["refund_id"], _amount(row["amount"]), row["opened_at"], came_back_at)


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
