"""The histories of the journal: when each began and why, and how the books were found to stand after it."""

from typing import Self

from litestar import get
from pydantic import AwareDatetime, Field

from bridge.http.front.dependencies import GivenJournal
from bridge.journal import HistoryRecord
from coordinator.histories import Beginning
from coordinator.models import FrozenModel
from coordinator.payouts.comparisons import Comparison

__all__ = ["list_histories"]


class HistoryItem(FrozenModel):
    """A history of the journal, from its beginning to that of the next."""

    epoch: str = Field(description="What every offset of it begins with.")
    began_at: AwareDatetime
    beginning: Beginning = Field(description="How it came about.")
    evidence: list[str] = Field(description="What shows that.")
    missing_since: AwareDatetime | None = Field(
        description="When the last was committed of what the journal held then: what came later may be missing. Null "
        "of a new journal."
    )
    compared_at: AwareDatetime | None = Field(description="When the books were compared to the end; null before.")
    missing_decisions: int | None = Field(
        description="How many decisions of people (holds, rejections, what was paid by hand) the journal lacked "
        "then, as its mark showed; null if that is not known."
    )
    comparison: Comparison | None
    report: list[str] = Field(description="The comparison in sentences.")

    @classmethod
    def of(cls, record: HistoryRecord) -> Self:
        return cls(
            epoch=record.epoch,
            began_at=record.began_at,
            beginning=record.beginning,
            evidence=list(record.evidence),
            missing_since=record.last_commit_at,
            compared_at=record.compared_at,
            missing_decisions=record.missing_decisions,
            comparison=record.comparison,
            report=[] if record.comparison is None else list(record.comparison.lines()),
        )


class HistoryList(FrozenModel):
    """The histories of the journal, the present one first."""

    histories: list[HistoryItem]


@get(
    "/histories",
    summary="The histories of the journal",
    description=(
        "The present one first. Another begins when the journal was restored, rewound, copied or promoted: clients "
        "begin anew then, and payouts are held until somebody resumes them."
    ),
)
async def list_histories(journal: GivenJournal) -> HistoryList:
    return HistoryList(histories=[HistoryItem.of(record) for record in await journal.history.all()])
