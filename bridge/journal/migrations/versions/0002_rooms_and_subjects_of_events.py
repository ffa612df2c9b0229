"""By which rooms and which subject the events of the past are found again."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
STRETCH = 1_000


def upgrade() -> None:
    op.add_column(
        "events",
        sa.Column("subject", sa.String(200), comment="The purchase request or message that it tells about"),
    )
    op.create_index("ix_events_subject", "events", ["subject"])
    rooms = op.create_table(
        "event_rooms",
        sa.Column("room", sa.String(300), nullable=False),
        sa.Column("offset", ROW_ID, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("room", "offset", name="pk_event_rooms"),
        comment="Which events a room heard; those for everyone stand under the room without a name",
        sqlite_with_rowid=False,
    )
    _index_the_past(rooms)


def _index_the_past(rooms: sa.Table) -> None:
    events = sa.table(
        "events",
        *(sa.column(name) for name in ("offset", "name", "everyone", "rooms", "payload", "subject")),
    )
    connection = op.get_bind()
    after = 0
    while rows := connection.execute(
        sa.select(events).where(events.c.offset > after).order_by(events.c.offset).limit(STRETCH)
    ).all():
        after = rows[-1].offset
        heard = [
            {"room": room, "offset": row.offset}
            for row in rows
            for room in {*json.loads(row.rooms), *([""] if row.everyone else [])}
        ]
        if heard:
            connection.execute(sa.insert(rooms), heard)
        found = [
            {"at": row.offset, "found": subject}
            for row in rows
            if (subject := _subject(row.name, json.loads(row.payload), json.loads(row.rooms))) is not None
        ]
        if found:
            connection.execute(
                sa.update(events).where(events.c.offset == sa.bindparam("at")).values(subject=sa.bindparam("found")),
                found,
            )


def _subject(name: str, payload: dict[str, object], rooms: list[str]) -> str | None:
    candidates = [payload.get("messageId"), payload.get("requestId"), payload.get("purchaseRequestId")]
    if name == "new-purchase-request":
        candidates = [payload.get(key) for key in ("_id", "id", "requestId")]
    message = payload.get("message")
    if name == "new-message" and isinstance(message, dict):
        candidates = [message.get("_id")]
    if name == "payment-update":
        candidates = [room.removeprefix("request-") for room in rooms if room.startswith("request-")]
    return next((text for text in candidates if isinstance(text, str) and 0 < len(text) <= 200), None)


def downgrade() -> None:
    op.drop_table("event_rooms")
    op.drop_index("ix_events_subject", "events")
    op.drop_column("events", "subject")
