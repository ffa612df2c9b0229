"""The part of a batch that is about allowed destinations: where a seller may be paid without a second person, and who
ever said so."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

from bridge.journal.tables import schema
from bridge.journal.writing.statements import Row, Writing, insert_into

__all__ = ["AllowedDestination", "StagedDestinations", "allowed_destinations"]

_ALLOWED = select(schema.allowed_destinations).where(
    schema.allowed_destinations.c.seller_id == bindparam("by_seller_id"),
    schema.allowed_destinations.c.destination == bindparam("by_destination"),
)
_REMOVE = delete(schema.allowed_destinations).where(
    schema.allowed_destinations.c.seller_id == bindparam("by_seller_id"),
    schema.allowed_destinations.c.destination == bindparam("by_destination"),
)
_LISTED_BY = select(schema.destination_listings.c.listed_by).where(
    schema.destination_listings.c.seller_id == bindparam("by_seller_id"),
    schema.destination_listings.c.destination == bindparam("by_destination"),
)


@dataclass(frozen=True, slots=True)
class AllowedDestination:
    """A destination on a seller's list."""

    seller_id: str
    destination: str
    coin: str
    """The one in which it was checked."""
    added_at: datetime
    added_by: str


def allowed_destinations(connection: Connection, seller_id: str) -> list[AllowedDestination]:
    """A seller's list, oldest first."""
    allowed = schema.allowed_destinations
    rows = connection.execute(
        select(allowed).where(allowed.c.seller_id == seller_id).order_by(allowed.c.added_at, allowed.c.destination)
    )
    return [AllowedDestination(**row) for row in rows.mappings()]


class StagedDestinations:
    """Reads and staged writes about allowed destinations, within one transaction."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._staged: dict[tuple[str, str], AllowedDestination | None] = {}
        self._listings: list[Row] = []
        self.writes = 0
        """How many changes are staged."""

    def get(self, seller_id: str, destination: str) -> AllowedDestination | None:
        """A destination as it stands on a seller's list, with everything staged so far."""
        if (seller_id, destination) in self._staged:
            return self._staged[seller_id, destination]
        parameters = {"by_seller_id": seller_id, "by_destination": destination}
        row = self._connection.execute(_ALLOWED, parameters).mappings().first()
        return None if row is None else AllowedDestination(**row)

    def of(self, seller_id: str) -> list[str]:
        """A seller's list as it was before this batch."""
        return [one.destination for one in allowed_destinations(self._connection, seller_id)]

    def listed_by(self, seller_id: str, destination: str) -> set[str]:
        """Who ever put a destination on a seller's list, though it may be on it no more: persons, and the services
        through which they did."""
        parameters = {"by_seller_id": seller_id, "by_destination": destination}
        known = set(self._connection.execute(_LISTED_BY, parameters).scalars())
        known |= {
            row["listed_by"]
            for row in self._listings
            if (row["seller_id"], row["destination"]) == (seller_id, destination)
        }
        # A bridge of before writes down no more than what the list has.
        allowed = self.get(seller_id, destination)
        return known if allowed is None else known | {allowed.added_by}

    def add(self, seller_id: str, destination: str, *, coin: str, by: str, through: str) -> AllowedDestination:
        """`through` is the service that told of it."""
        self._listings += [
            {"seller_id": seller_id, "destination": destination, "listed_by": who}
            for who in sorted({by, through} - self.listed_by(seller_id, destination))
        ]
        added = AllowedDestination(seller_id, destination, coin, self._now, by)
        self._stage(seller_id, destination, added)
        return added

    def remove(self, seller_id: str, destination: str) -> None:
        self._stage(seller_id, destination, None)

    def _stage(self, seller_id: str, destination: str, allowed: AllowedDestination | None) -> None:
        self.writes += 1
        self._staged[seller_id, destination] = allowed

    def statements(self) -> Sequence[tuple[Writing, Sequence[Row]]]:
        """What is staged: what was there goes, and the last that was said comes."""
        gone = [{"by_seller_id": seller_id, "by_destination": destination} for seller_id, destination in self._staged]
        come = [asdict(allowed) for allowed in self._staged.values() if allowed is not None]
        return (
            (_REMOVE, gone),
            (insert_into(schema.allowed_destinations), come),
            (insert_into(schema.destination_listings), self._listings),
        )
