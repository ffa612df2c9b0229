"""How the local SHKeeper misbehaves, on demand: what goes wrong, at which call, before or after it has acted."""

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Call", "Fault", "Faults", "Happens", "What"]


class Call(StrEnum):
    """What the local SHKeeper is asked for, or does by itself."""

    CRYPTO = "crypto"
    PAYMENT_REQUEST = "payment_request"
    QUOTE = "quote"
    INVOICES = "invoices"
    BALANCE = "balance"
    PAYOUT = "payout"
    MULTIPAYOUT = "multipayout"
    TASK = "task"
    PAYOUT_STATUS = "payout_status"
    NOTICE = "notice"
    """A notice that it posts."""
    ANY = "any"
    """Any question, but not its own notices."""


class What(StrEnum):
    """What goes wrong. Those from `lost` on happen to notices, the others to questions."""

    SLOW = "slow"
    """The answer takes a while; with `before` it is a while until anything is done."""
    TIMEOUT = "timeout"
    """No answer, for as long as the fault says; then the connection is cut."""
    ERROR_500 = "error-500"
    ERROR_200 = "error-200"
    """An error in the body of an answer with 200, as most of SHKeeper's are."""
    ERROR_MSG = "error-msg"
    """The same under `msg`, as the coin daemons have it."""
    ERROR_NESTED = "error-nested"
    """The same under `error.message`, as wallets have it that speak JSON-RPC."""
    ERROR_CODE = "error-code"
    """`{"code": 500, …}`, which gives no reason."""
    HTML_500 = "html-500"
    EMPTY = "empty"
    """200, and nothing in it."""
    LOGIN = "login"
    """The way to the login page."""
    GARBAGE = "garbage"
    """The page of a proxy, with 502."""
    RESET = "reset"
    BREAKS_OFF = "breaks-off"
    """The connection is cut in the middle of the answer."""
    WRONG_KEY = "wrong-key"
    """A question's key or password is not accepted; a notice is signed with another key."""
    NOT_WRITTEN_DOWN = "not-written-down"
    """The money of payouts is sent, but SHKeeper dies before it has written that down."""
    LOST = "lost"
    NOT_NOTED = "not-noted"
    """A notice's answer is not written down, so that it is posted again though it was answered 202."""
    DUPLICATE = "duplicate"
    REORDERED = "reordered"
    """A notice is held back until another has been posted."""


class Happens(StrEnum):
    """When it goes wrong."""

    BEFORE = "before"
    AFTER = "after"
    """SHKeeper has done what it was asked for."""


class Fault(BaseModel):
    """One thing that goes wrong."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    call: Call
    what: What
    happens: Happens = Happens.BEFORE
    times: Annotated[int, Field(ge=1)] | None = 1
    """How often; None for always."""
    about: str | None = None
    """Only where this is asked about: an external id or a destination, whatever its case."""
    words: str | None = None
    """In which words an error is said, if not the usual ones."""
    seconds: Annotated[float, Field(ge=0, le=3600)] = 60
    """How long `slow` and `timeout` take."""

    def fits(self, call: Call, subjects: Collection[str]) -> bool:
        """Whether it happens to a call that is about these, in lower case."""
        is_called = self.call is call or (self.call is Call.ANY and call is not Call.NOTICE)
        return is_called and (self.about is None or self.about.lower() in subjects)


class Faults:
    """What is to go wrong next, in the order in which it was asked for."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Fault, int | None]] = []

    @property
    def waiting(self) -> Sequence[Fault]:
        return [fault.model_copy(update={"times": left}) for fault, left in self._waiting]

    def add(self, fault: Fault) -> None:
        self._waiting.append((fault, fault.times))

    def clear(self) -> None:
        self._waiting.clear()

    def take(self, call: Call, subjects: Collection[str] = ()) -> Fault | None:
        """What goes wrong with this call, which is about these; it has gone wrong once more then."""
        for place, (fault, left) in enumerate(self._waiting):
            if not fault.fits(call, subjects):
                continue
            if left == 1:
                del self._waiting[place]
            elif left is not None:
                self._waiting[place] = (fault, left - 1)
            return fault
        return None
