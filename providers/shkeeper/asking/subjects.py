"""Subjects of answers: what an answer says that it is about has to be what was asked about. What is about anything
else (an answer out of a cache, or to the question before) answers nothing, however well it reads."""

from decimal import Decimal

from coordinator.money import format_amount
from providers.errors import AnswerUnusableError
from providers.shkeeper.asking.refusals import shown

__all__ = ["OtherSubjectError", "require_subject"]


class OtherSubjectError(AnswerUnusableError):
    """An answer is about something else than was asked about."""


def require_subject(field: str, said: str | Decimal | None, *asked: str | Decimal) -> None:
    """Raises OtherSubjectError if a field of an answer names something else than was asked about, by any of its
    names. An answer that names nothing contradicts nothing: older gateways say less."""
    if said is None or any(_same(said, one) for one in asked):
        return
    expected = " or ".join(_text(one) for one in asked)
    raise OtherSubjectError(f"SHKeeper was asked about {expected}, and its answer is about {_text(said)} ({field})")


def _same(said: str | Decimal, asked: str | Decimal) -> bool:
    if isinstance(said, str) and isinstance(asked, str):
        return said.strip().casefold() == asked.casefold()
    return said == asked


def _text(value: str | Decimal) -> str:
    return shown(value) or "nothing" if isinstance(value, str) else format_amount(value)
