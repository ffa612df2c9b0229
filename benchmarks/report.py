"""What measurements amount to, and the words for it: medians, ratios with their spread, verdicts, tables. It decides
and words, and never starts or prints anything.
"""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

__all__ = [
    "Failure",
    "Figure",
    "Found",
    "Ratio",
    "Verdict",
    "closing",
    "exit_code",
    "how_to_read",
    "one_line",
    "ratio",
    "ratio_of_all",
    "table",
    "verdict",
]

Found = Mapping[str, float | None]
"""What one run found out about one server: None where it failed. A figure that nobody asked for is not in it."""
LABEL_WIDTH, CELL_WIDTH = 46, 15
LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of a table."""

    key: str
    label: str
    beside: Mapping[str, float | None] = field(default_factory=dict)
    """The peers that there is a ratio to, each with what it is to be at most, if there is such a target."""
    more_is_better: bool = False
    """Then targets are what ratios are to be at least."""
    at_most: float | None = None
    """What ours is to be by itself, beside nobody."""


class Verdict(Enum):
    """What the ratios of all runs together say of a target."""

    MET = "met"
    WITHIN = "within the spread"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of many ratios, and the ends of their spread."""

    median: float
    least: float
    most: float
    count: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A measurement that did not come about."""

    who: str
    run: int
    what: str
    why: str
    is_ours: bool

    def __str__(self) -> str:
        return f"{self.who}, run {self.run}, {self.what}: {one_line(self.why)}"


def ratio(ours: Sequence[float | None], theirs: Sequence[float | None]) -> Ratio | None:
    """Of each run that measured both, because what slows a machine down slows both of a run; the spread is from the
    least to the greatest. None if there is no such run; nothing is a multiple of nothing."""
    ratios = [
        our / their
        for our, their in zip(ours, theirs, strict=True)
        if our is not None and their is not None and their > 0
    ]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios), len(ratios)) if ratios else None


def ratio_of_all(ours: Sequence[float], theirs: Sequence[float]) -> Ratio | None:
    """Of each of ours to each of theirs, where they do not come in pairs. The spread is that of the quartiles, as
    the extremes of so many are the machine's."""
    ratios = [our / their for our in ours for their in theirs if their > 0]
    if not ratios:
        return None
    least, median, most = statistics.quantiles(ratios * 2 if len(ratios) == 1 else ratios, n=4, method="inclusive")
    return Ratio(median, least, most, len(ratios))


def verdict(found: Ratio, target: float, *, more_is_better: bool = False) -> Verdict:
    """Missed is what no run met. One that only the median does not meet may be met or not: the runs do not tell."""

    def meets(value: float) -> bool:
        return value >= target if more_is_better else value <= target

    if meets(found.median):
        return Verdict.MET
    return Verdict.WITHIN if meets(found.most if more_is_better else found.least) else Verdict.MISSED


def how_to_read(runs: int) -> str:
    if runs == 1:
        return "One run, which shows no spread: what it says of targets is only a hint."
    return (
        f"Medians of {runs} runs. A ratio is the median of the ratios of the runs that measured both, with the\n"
        "least and the greatest of them; a target is missed if none of them meets it."
    )


def table(title: str, ours: str, figures: Sequence[Figure], runs_of: Mapping[str, Sequence[Found]]) -> str:
    """A row for each figure, a column for each of whom there are runs; below it the ratios of ours to its peers."""
    lines = [_row(title, runs_of)]
    for figure in figures:
        values_of = {who: [run[figure.key] for run in runs if figure.key in run] for who, runs in runs_of.items()}
        if not any(values_of.values()):
            continue
        lines.append(_row(figure.label, [_cell(values) for values in values_of.values()]))
        measured = [value for value in values_of[ours] if value is not None]
        if figure.at_most is not None and measured:
            spread = Ratio(statistics.median(measured), min(measured), max(measured), len(measured))
            lines.append(f"    target {figure.at_most:g}: {verdict(spread, figure.at_most).value}")
        ratios = [
            _in_words(figure, ratio(values_of[ours], values_of[peer]), peer, target, len(runs_of[ours]))
            for peer, target in figure.beside.items()
            if values_of.get(peer)
        ]
        lines += [f"    {line}" for line in ratios]
    return "\n".join(lines)


def closing(failures: Sequence[Failure]) -> str:
    """The last lines of a benchmark: what failed, and whether that makes it a failure. Empty if nothing did."""
    if not failures:
        return ""
    lines = ["Failed, and left out of the medians:", *(f"    {failure}" for failure in failures)]
    if exit_code(failures):
        lines.append("The bridge failed itself, and so this benchmark did.")
    return "\n".join(lines)


def exit_code(failures: Iterable[Failure]) -> int:
    """A peer that fails is a finding; the bridge must not."""
    return int(any(failure.is_ours for failure in failures))


def one_line(text: str) -> str:
    """However many lines somebody used to say it."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_REASON else f"{line[: LONGEST_REASON - 1]}…"


def _row(label: str, cells: Iterable[str]) -> str:
    # However long a cell is, two spaces part it from the one before.
    return f"{label:<{LABEL_WIDTH}}" + "".join(f"  {cell:>{CELL_WIDTH}}" for cell in cells)


def _cell(values: Sequence[float | None]) -> str:
    """A median, and in how many runs it was measured if not in all."""
    measured = [value for value in values if value is not None]
    if not measured:
        return "failed" if values else ""
    median = f"{statistics.median(measured):,.2f}"
    return median if len(measured) == len(values) else f"{median} ({len(measured)} of {len(values)})"


def _in_words(figure: Figure, found: Ratio | None, peer: str, target: float | None, runs: int) -> str:
    if found is None:
        return f"no ratio to {peer}: no run measured both"
    words = f"{found.median:.2f} × {peer}"
    if found.count > 1:
        words += f", {found.least:.2f} to {found.most:.2f}"
    if found.count < runs:
        words += f" in {found.count} of {runs} runs"
    if target is not None:
        words += f"; target {target:g}: {verdict(found, target, more_is_better=figure.more_is_better).value}"
    return words
