"""The part of a batch that is about revocations: what is taken back of what tokens grant."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, and_, bindparam, delete, or_, select, update

from bridge.access import Principal, Revocations
from bridge.journal.tables import schema
from bridge.journal.writing.statements import Row, Writing, insert_into

__all__ = ["Revocation", "RevocationKind", "StagedRevocations", "revocations", "revocations_of", "taken_up"]

RevocationKind = Literal["user", "token", "room"]

_THIS_ONE = and_(
    schema.revocations.c.kind == bindparam("by_kind"),
    schema.revocations.c.name == bindparam("by_name"),
    schema.revocations.c.room == bindparam("by_room"),
)
_OF_ONE = select(schema.revocations).where(
    or_(
        and_(schema.revocations.c.kind.in_(("user", "room")), schema.revocations.c.name == bindparam("by_user")),
        and_(schema.revocations.c.kind == "token", schema.revocations.c.name == bindparam("by_token")),
    )
)
_RESTORE = update(schema.revocations).where(_THIS_ONE).values(restored_at=bindparam("new_restored_at"))
_REMOVE = delete(schema.revocations).where(_THIS_ONE)


@dataclass(frozen=True, slots=True)
class Revocation:
    """Something that is taken back."""

    kind: RevocationKind
    """Whether it is all tokens of a user, a single token, or a room of a user."""
    name: str
    """The user's id, or the token's `jti`."""
    room: str
    """Empty but for a room."""
    revoked_at: datetime
    """Tokens that were issued until then do not count."""
    revoked_by: str
    note: str | None
    restored_at: datetime | None = None
    """When it was given again."""
    offset: int | None = None
    """The event that says so; None if a bridge wrote it down that did not know."""

    @property
    def what(self) -> tuple[RevocationKind, str, str]:
        """Of what there is one at most."""
        return self.kind, self.name, self.room


def revocations(connection: Connection) -> list[Revocation]:
    """All of them, oldest first."""
    table = schema.revocations
    rows = connection.execute(select(table).order_by(table.c.revoked_at, table.c.kind, table.c.name, table.c.room))
    return [Revocation(**row) for row in rows.mappings()]


def revocations_of(connection: Connection, principal: Principal) -> list[Revocation]:
    """Those that have to do with somebody who brought a token."""
    rows = connection.execute(_OF_ONE, {"by_user": principal.user_id, "by_token": principal.token_id})
    return [Revocation(**row) for row in rows.mappings()]


def taken_up(rows: Iterable[Revocation], into: Revocations) -> Revocations:
    """What is written down, as it is asked of whoever comes with a token."""
    for one in rows:
        match one.kind:
            case "user":
                into.revoke_all_of(one.name, one.revoked_at, one.offset)
            case "token":
                into.revoke_token(one.name)
            case "room":
                into.revoke_room(one.name, one.room, one.revoked_at, one.offset)
                if one.restored_at is not None:
                    into.restore_room([one.name], one.room)
    return into


class StagedRevocations:
    """Staged writes about revocations, within one transaction."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._staged: dict[tuple[RevocationKind, str, str], Revocation] = {}
        self._restored: list[Row] = []
        self.writes = 0
        """How many changes are staged."""

    def add(
        self, kind: RevocationKind, name: str, room: str = "", *, by: str, offset: int, note: str | None = None
    ) -> None:
        """Takes something back, from this moment on; `offset` is the event that says so."""
        self.writes += 1
        self._staged[kind, name, room] = Revocation(kind, name, room, self._now, by, note, offset=offset)

    def require(self, principal: Principal) -> None:
        """Nothing that comes before takes from somebody what they are taken to have. Raises TokenError and
        AccessChangedError."""
        known = {one.what: one for one in revocations_of(self._connection, principal)}
        for row in self._restored:
            what = (row["by_kind"], row["by_name"], row["by_room"])
            if what in known:
                known[what] = replace(known[what], restored_at=self._now)
        taken_up((known | self._staged).values(), Revocations()).require(principal)

    def restore(self, kind: RevocationKind, name: str, room: str = "") -> None:
        """Gives it again."""
        self.writes += 1
        staged = self._staged.get((kind, name, room))
        if staged is None:
            self._restored.append({"by_kind": kind, "by_name": name, "by_room": room, "new_restored_at": self._now})
        else:
            self._staged[kind, name, room] = replace(staged, restored_at=self._now)

    def statements(self) -> Sequence[tuple[Writing, Sequence[Row]]]:
        """What is staged: what is given again, and what is taken back in the place of what was before."""
        gone = [{"by_kind": kind, "by_name": name, "by_room": room} for kind, name, room in self._staged]
        come = [asdict(one) for one in self._staged.values()]
        return ((_RESTORE, self._restored), (_REMOVE, gone), (insert_into(schema.revocations), come))
