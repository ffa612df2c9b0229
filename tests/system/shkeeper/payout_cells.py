"""The cells of the fault matrix: every row, alone and among others, with where its order stands when the bridge is
killed, laid out in rounds that can be played on one bridge; and the few of them that have every pair.

In a coin orders are given one after the other. So in each round and coin there is one at most that the bridge dies
over; those before it are answered by then, those behind it were not given yet.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import cycle

from providers.shkeeper.simulator.books.payout_tasks import Outcome
from tests.system.shkeeper.payout_rows import QUICK, ROWS, Row

__all__ = ["UNDER_WAY", "Cell", "Restored", "Round", "Step", "every_cell", "kind_of", "pairwise"]


class Step(StrEnum):
    """Where an order stands when the bridge is killed, the first given first."""

    ANSWERED = "answered"
    DONE = "done, and not answered"
    TAKEN = "not looked at yet"
    WAITING = "not given yet"


UNDER_WAY = (Step.DONE, Step.TAKEN)
"""Either way the bridge knows that it asked, and no answer."""


class Restored(StrEnum):
    """What the bridge begins with again. The last compares no books, which takes the longer the more was played."""

    BEFORE = "one of before"
    WHILE = "one of then"
    NOTHING = "its own journal"


@dataclass(frozen=True, slots=True)
class Cell:
    """A row in an order of one or of several, and where that stands."""

    row: Row
    size: int
    step: Step


Round = Sequence[Cell]


def every_cell() -> list[Round]:
    """Each row in each size at each step, in as few rounds as that takes."""
    under_way: defaultdict[str, list[Cell]] = defaultdict(list)
    others: defaultdict[str, list[Cell]] = defaultdict(list)
    for row in ROWS:
        for size in row.sizes:
            for step in Step:
                (under_way if step in UNDER_WAY else others)[row.coin].append(Cell(row, size, step))
    rounds: list[list[Cell]] = [[] for _ in range(max(map(len, under_way.values())))]
    for coin, cells in under_way.items():
        for number, cell in enumerate(cells):
            rounds[number].append(cell)
        for number, cell in enumerate(others[coin]):
            rounds[number % len(cells)].append(cell)
    return [_in_order(cells) for cells in rounds]


def pairwise(turn: int) -> Round:
    """One of three rounds, which have together: each kind of row, each size, each step and whatever the bridge begins
    with again (one a round), each with each of the others."""
    kinds: defaultdict[str, list[Row]] = defaultdict(list)
    for row in ROWS:
        kinds[kind_of(row)].append(row)
    cells: list[Cell] = []
    taken: set[str] = set()
    for number, rows in enumerate(kinds.values()):
        size = 1 + (number // 3 + turn) % 2
        step = (Step.ANSWERED, UNDER_WAY[(number + turn) // 3 % 2], Step.WAITING)[(number + turn) % 3]
        able = [row for row in rows if size in row.sizes] or rows
        if step in UNDER_WAY:
            able = [row for row in able if not (_is_of_a_coin(row) and row.coin in taken)]
        row = able[(turn * 7 + number) % len(able)]
        taken |= {row.coin} if step in UNDER_WAY and _is_of_a_coin(row) else set()
        cells.append(Cell(row, size if size in row.sizes else row.sizes[0], step))
    # A coin of its own for each order that the bridge dies over.
    free, others = (coin for coin in QUICK if coin not in taken), cycle(QUICK)
    return _in_order(
        [
            cell
            if _is_of_a_coin(cell.row)
            else replace(cell, row=replace(cell.row, coin=next(free if cell.step in UNDER_WAY else others)))
            for cell in cells
        ]
    )


def _is_of_a_coin(row: Row) -> bool:
    """Whether it is played in its coin alone."""
    return row.coin not in QUICK or row.outcome is Outcome.REVERTS


def kind_of(row: Row) -> str:
    """What rows are alike by: who says it, whether anything was sent, and what that proves."""
    if row.name.endswith(" arrives"):
        return "arrives"
    if row.by_x_address or not row.is_booked:
        return row.name
    if row.outcome in (Outcome.REFUSED, Outcome.STUCK, Outcome.UNCONFIRMED):
        return "without an end"
    if row.outcome not in (Outcome.ARRIVES, Outcome.DECLINED):
        return f"{row.outcome}, {row.ends}"
    return f"broken {row.happens}" if row.words is None else f"refused, {row.ends}"


def _in_order(cells: Sequence[Cell]) -> Round:
    """As the orders of a coin are to be given."""
    return sorted(cells, key=lambda cell: list(Step).index(cell.step))
