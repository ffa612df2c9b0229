"""The part of a batch that is about what can be only one payment's: who had it first, and who has it now."""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from bridge.journal.tables import schema
from bridge.journal.writing.statements import InOrder, LookUp, Staged, insert_into, look_up, numbered, padded

__all__ = ["StagedClaims"]

_HOLDERS = select(schema.claims.c.claim, schema.claims.c.payment_id).where(
    schema.claims.c.claim.in_(bindparam("by_claims", expanding=True))
)


@cache
def _claimed(count: int) -> Select[Any]:
    """Which of so many claims are somebody's."""
    return select(schema.claims.c.claim).where(
        schema.claims.c.claim.in_([bindparam(name) for name in numbered(count)])
    )


class StagedClaims:
    """Reads and staged writes about claims, within one transaction."""

    def __init__(self, connection: Connection, *, moment: Any) -> None:
        """`moment` is now, as the driver has it."""
        self._connection = connection
        self._moment = moment
        self._known: dict[str, str | None] = {}
        """By what is claimed, the payment that has it; None of what nobody has."""
        self._staged: list[tuple[str, str, Any]] = []
        self.writes = 0
        """How many changes are staged."""

    def wanted(self, claims: Collection[str]) -> Sequence[LookUp]:
        """What is to be looked up before requests ask for some claims."""
        unknown = set(claims).difference(self._known)
        if not unknown:
            return ()
        self._known.update(dict.fromkeys(unknown))
        parameters = padded(unknown)
        # Next to none are anybody's, so it is asked for no more than that at first.
        return (LookUp(_claimed(len(parameters)), parameters, self._take_rows),)

    def _take_rows(self, claimed: Sequence[tuple[str]]) -> None:
        if claimed:
            rows = self._connection.execute(_HOLDERS, {"by_claims": sorted(claim for (claim,) in claimed)})
            self._known.update((row.claim, row.payment_id) for row in rows)

    def _know(self, claims: Collection[str]) -> None:
        if not self._known.keys() >= set(claims):
            look_up(self._connection, self.wanted(claims))

    def taken(self, claims: Collection[str], payment_id: str) -> Mapping[str, str]:
        """Those that are another payment's, each with that payment."""
        if not claims:
            return {}
        self._know(claims)
        taken = {}
        for claim in claims:
            holder = self._known[claim]
            if holder is not None and holder != payment_id:
                taken[claim] = holder
        return taken

    def claim(self, claims: Collection[str], payment_id: str) -> None:
        """Gives a payment those that nobody has."""
        self._know(claims)
        for claim in claims:
            if self._known[claim] is None:
                self.writes += 1
                self._known[claim] = payment_id
                self._staged.append((claim, payment_id, self._moment))

    def statements(self) -> Sequence[Staged]:
        """What is staged."""
        return (InOrder(insert_into(schema.claims), ("claim", "payment_id", "claimed_at"), self._staged),)
