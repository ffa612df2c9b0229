"""Holds of payouts: who holds them, and which of the holds a resumption ends. Pure.

A person ends the holds of people, of services and, once its comparison of the books is over, of the bridge; a service
ends those that it placed itself. Nobody ends a hold that they have not seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from coordinator.errors import BridgeError

__all__ = [
    "HOLDS_LIMIT",
    "OWN_HOLDS_LIMIT",
    "THE_BRIDGE",
    "ComparisonOpenError",
    "EndedHolds",
    "HeldByOthersError",
    "HoldsExhaustedError",
    "HoldsUnseenError",
    "PayoutHold",
    "Resumption",
    "described",
    "is_said_already",
    "missing_in_words",
    "reason_to_go_on_holding",
    "require_room",
    "which_end",
]

THE_BRIDGE = "the bridge"
"""Who holds payouts, on record, where nobody did."""

HOLDS_LIMIT = 200
"""How many holds there are beside each other, whoever placed them. Besides these the bridge has one of its own."""
OWN_HOLDS_LIMIT = 20
"""How many of these are in one name, so that nobody uses up what the others may need."""


@dataclass(frozen=True, slots=True)
class PayoutHold:
    """That no payout is sent, since when, and at whose word."""

    hold_id: str
    """Never given to another, also once this one has ended."""
    held_at: datetime
    held_by: str
    note: str | None
    service: str | None = None
    """The service that placed it; None if a person did, or the bridge."""
    epoch: str | None = None
    """The history that began with it, whose books are to be compared; None if somebody holds them."""
    is_comparing: bool = False
    """Whether those books are still being compared."""
    missing_decisions: int | None = None
    """How many decisions of people that history is known to lack; None if that is not known, or it is nobody's."""

    @property
    def comparison(self) -> Literal["open", "over"] | None:
        """How the comparison stands for which the bridge holds payouts; None if somebody holds them."""
        if self.epoch is None:
            return None
        return "open" if self.is_comparing else "over"


@dataclass(frozen=True, slots=True)
class Resumption:
    """That somebody wants payouts sent again, and what they have seen."""

    by: str
    note: str | None
    seen: frozenset[str]
    """The holds that they have seen."""
    service: str | None = None
    """The service that asks; None if a person does."""
    without_comparison: bool = False
    """Whether payouts are to go on though the books are still being compared."""


@dataclass(frozen=True, slots=True)
class EndedHolds:
    """What a resumption ends, and what it leaves."""

    ended: tuple[PayoutHold, ...]
    kept: tuple[PayoutHold, ...]


class HoldsUnseenError(BridgeError):
    """There are holds that whoever resumes has not seen. Nothing was ended."""

    def __init__(self, holds: Sequence[PayoutHold]) -> None:
        super().__init__(
            f"you have not seen {_holds(len(holds))}: {described(holds)}; nothing was resumed: look at"
            " GET /api/payouts/hold, and resume with each holdId in seen"
        )
        self.holds = tuple(holds)


class HeldByOthersError(BridgeError):
    """A service wants payouts sent that others hold."""

    def __init__(self, holds: Sequence[PayoutHold]) -> None:
        super().__init__(
            f"payouts are held by others, {described(holds)}; a service ends only the holds that it placed itself:"
            " have somebody of staff resume, in the console or with bridge payouts resume --by"
        )
        self.holds = tuple(holds)


class ComparisonOpenError(BridgeError):
    """Nothing holds payouts but a comparison of the books that is not over."""

    def __init__(self, holds: Sequence[PayoutHold]) -> None:
        super().__init__(
            "the bridge holds payouts until it has compared the books with the providers, and that is not over; wait"
            " for it, or say withoutComparison to send what waits though it may have been sent before"
        )
        self.holds = tuple(holds)


class HoldsExhaustedError(BridgeError):
    """There are so many holds that no more are kept. Payouts are held all the same, and this one was not placed."""


def which_end(holds: Sequence[PayoutHold], resumption: Resumption) -> EndedHolds:
    """Which of the holds end by a resumption; none if there are none. Raises HoldsUnseenError, HeldByOthersError and
    ComparisonOpenError, whereupon none ends."""
    ended = tuple(hold for hold in holds if _may_end(hold, resumption))
    kept = tuple(hold for hold in holds if not _may_end(hold, resumption))
    unseen = [hold for hold in ended if hold.hold_id not in resumption.seen]
    if unseen:
        raise HoldsUnseenError(unseen)
    if kept and not ended:
        raise HeldByOthersError(kept) if resumption.service is not None else ComparisonOpenError(kept)
    return EndedHolds(ended, kept)


def _may_end(hold: PayoutHold, resumption: Resumption) -> bool:
    if resumption.service is not None:
        return hold.service == resumption.service
    return not hold.is_comparing or resumption.without_comparison


def is_said_already(holds: Sequence[PayoutHold], by: str, service: str | None, note: str | None) -> bool:
    """Whether somebody holds payouts already, for that reason, or for any where they give none."""
    own = [hold for hold in holds if _is_of(hold, by, service)]
    return any(note is None or hold.note == note for hold in own)


def require_room(holds: Sequence[PayoutHold], by: str, service: str | None) -> None:
    """Raises HoldsExhaustedError where one more hold would not be kept."""
    own = sum(_is_of(hold, by, service) for hold in holds)
    placed = sum(hold.epoch is None for hold in holds)
    if own >= OWN_HOLDS_LIMIT:
        raise HoldsExhaustedError(
            f"this hold was not placed: {by} has {own} already, and one name has {OWN_HOLDS_LIMIT} at most; payouts"
            " stay held by those"
        )
    if placed >= HOLDS_LIMIT:
        raise HoldsExhaustedError(
            f"this hold was not placed: there are {placed} already, and there are {HOLDS_LIMIT} at most; payouts stay"
            " held by those"
        )


def _is_of(hold: PayoutHold, by: str, service: str | None) -> bool:
    return hold.epoch is None and (hold.held_by, hold.service) == (by, service)


def reason_to_go_on_holding(beginning: str, missing_decisions: int | None, *, agrees: bool) -> str:
    """Why the bridge goes on holding payouts once it has compared the books: until a person resumes. A mark may have
    been left behind before the last decision, and what services have cancelled it does not count."""
    found = "nothing that differs" if agrees else "what differs"
    missing = missing_in_words(missing_decisions)
    return f"the journal was {beginning}; the comparison of the books has found {found}, and {missing}"


def missing_in_words(missing_decisions: int | None) -> str:
    """How many decisions of people a journal lacks, for a person to read."""
    if missing_decisions is None:
        return "no mark shows whether decisions of people are missing"
    if missing_decisions == 0:
        return "its mark shows that no decision of people is missing"
    if missing_decisions == 1:
        return "its mark shows that 1 decision of people is missing"
    return f"its mark shows that {missing_decisions} decisions of people are missing"


def described(holds: Sequence[PayoutHold]) -> str:
    """Who holds payouts and why, for a person to read."""
    return "; ".join(f"{hold.held_by}" + ("" if hold.note is None else f" ({hold.note})") for hold in holds)


def _holds(count: int) -> str:
    return "a hold" if count == 1 else f"{count} holds"
