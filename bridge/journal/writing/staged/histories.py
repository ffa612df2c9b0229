"""The part of a batch that is about the journal's own history: another that begins, how its books were found to
stand, and the payouts that it has forgotten."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select, update

from bridge.journal.tables import schema
from bridge.journal.writing.histories import begin_history, installation_of
from bridge.journal.writing.staged.actions import DISMISSED_AT
from bridge.journal.writing.statements import Row, Writing, insert_into
from coordinator.attention.histories import forgotten_payout_key
from coordinator.histories import Beginning, Ground, Judgement
from coordinator.payouts.comparisons import Comparison, ForgottenPayout
from coordinator.payouts.provider_names import Installation

__all__ = ["StagedHistories"]

_FORGOTTEN = schema.forgotten_payouts
_OF_PAYMENT = (
    select(_FORGOTTEN.c.said, _FORGOTTEN.c.found_at)
    .where(_FORGOTTEN.c.payment_id == bindparam("by_payment_id"))
    .order_by(_FORGOTTEN.c.found_at, _FORGOTTEN.c.external_id, _FORGOTTEN.c.coin)
)
_IS_KNOWN = select(_FORGOTTEN.c.external_id).where(
    _FORGOTTEN.c.external_id == bindparam("by_external_id"), _FORGOTTEN.c.coin == bindparam("by_coin")
)
_LAST_FORGETTING = select(func.max(schema.histories.c.began_at, type_=schema.UtcDateTime)).where(
    schema.histories.c.beginning != Beginning.NEW
)
_COMPARISON = select(schema.histories.c.comparison).where(schema.histories.c.epoch == bindparam("by_epoch"))
_BEGINNING = select(schema.histories.c.beginning).where(schema.histories.c.epoch == bindparam("by_epoch"))
_IS_TO_BE_COMPARED = select(schema.histories.c.epoch).where(
    schema.histories.c.epoch == select(schema.journal.c.epoch).scalar_subquery(),
    schema.histories.c.beginning != Beginning.NEW,
    schema.histories.c.compared_at.is_(None),
)
_SAVE_COMPARISON = (
    update(schema.histories)
    .where(schema.histories.c.epoch == bindparam("by_epoch"))
    .values(comparison=bindparam("new_comparison"), compared_at=bindparam("new_compared_at"))
)
_PROVE = update(schema.journal).values(proven_at=bindparam("new_proven_at"))


class StagedHistories:
    """Reads and staged writes about the journal's history, within one transaction."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._forgotten: dict[tuple[str, str], ForgottenPayout] = {}
        """Those that are staged, by name and coin."""
        self._comparisons: list[Row] = []
        self._is_proven = False
        self._installation: Installation | None = None
        self.writes = 0
        """How many changes are staged."""

    @property
    def installation(self) -> Installation:
        """Whose names payouts get."""
        if self._installation is None:
            self._installation = installation_of(self._connection)
        return self._installation

    def begin(self, judgement: Judgement, ground: Ground) -> None:
        """Begins another history, at once."""
        self.writes += 1
        begin_history(self._connection, judgement, ground, self._now)

    def forgotten(self, payment_id: str) -> list[tuple[ForgottenPayout, bool]]:
        """The payouts of a payment that a provider had and the journal had not, and of each whether a person has
        taken note of it; with everything staged so far."""
        rows = self._connection.execute(_OF_PAYMENT, {"by_payment_id": payment_id}).all()
        found = [(ForgottenPayout.model_validate_json(row.said), row.found_at) for row in rows]
        staged = [one for one in self._forgotten.values() if one.payment_id == payment_id]
        return [(one, self._is_settled(one, at)) for one, at in found] + [(one, False) for one in staged]

    def last_forgetting(self) -> datetime | None:
        """When the last history began that began with forgetting; None if none did."""
        at: datetime | None = self._connection.scalar(_LAST_FORGETTING)
        return at

    def _is_settled(self, payout: ForgottenPayout, found_at: datetime) -> bool:
        at: datetime | None = self._connection.scalar(DISMISSED_AT, {"by_subject": forgotten_payout_key(payout)})
        return at is not None and at >= found_at

    def add_forgotten(self, payout: ForgottenPayout) -> None:
        """Stores a payout that a provider has in its books and the journal has not, unless it was stored before."""
        named = {"by_external_id": payout.external_id, "by_coin": payout.coin}
        if self._connection.scalar(_IS_KNOWN, named) is None:
            self.writes += 1
            self._forgotten.setdefault((payout.external_id, payout.coin), payout)

    def save(self, epoch: str, comparison: Comparison) -> None:
        """Keeps how the books of a history were found to stand."""
        self.writes += 1
        self._comparisons.append(
            {
                "by_epoch": epoch,
                "new_comparison": comparison.model_dump_json(),
                "new_compared_at": self._now if comparison.is_complete else None,
            }
        )

    def comparison(self, epoch: str) -> Comparison | None:
        """How the books of a history were found to stand, as far as that is written down."""
        said = self._connection.scalar(_COMPARISON, {"by_epoch": epoch})
        return None if said is None else Comparison.model_validate_json(said)

    def beginning(self, epoch: str) -> Beginning:
        """How a history came about. Raises LookupError if there is none."""
        said = self._connection.scalar(_BEGINNING, {"by_epoch": epoch})
        if said is None:
            raise LookupError(f"there is no history {epoch}")
        return Beginning(said)

    @property
    def is_to_be_compared(self) -> bool:
        """Whether the present history began with forgetting, and not everybody was asked yet what was forgotten."""
        return self._connection.scalar(_IS_TO_BE_COMPARED) is not None

    def prove(self) -> None:
        """Writes down that it can be written to, and when."""
        self.writes += 1
        self._is_proven = True

    def statements(self) -> Sequence[tuple[Writing, Sequence[Row]]]:
        """What is staged, one statement a table."""
        forgotten = [_row(one, self._now) for one in self._forgotten.values()]
        proven = [{"new_proven_at": self._now}] if self._is_proven else []
        return ((insert_into(_FORGOTTEN), forgotten), (_SAVE_COMPARISON, self._comparisons), (_PROVE, proven))


def _row(payout: ForgottenPayout, now: datetime) -> Row:
    return {
        "external_id": payout.external_id,
        "provider": payout.provider,
        "payment_id": payout.payment_id,
        "payee_id": payout.payee_id,
        "coin": payout.coin,
        "said": payout.model_dump_json(),
        "found_at": now,
    }
