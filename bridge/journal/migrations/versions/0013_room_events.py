"""What a room heard of one commit is one row: a row for each event and room was a third of what a webhook wrote."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
ROWS = 1_000


def upgrade() -> None:
    op.create_table(
        "room_events",
        sa.Column("room", sa.String(300), nullable=False),
        sa.Column("last_offset", ROW_ID, nullable=False, autoincrement=False),
        sa.Column("offsets", sa.Text, nullable=False, comment="A JSON array, in order; the last is `last_offset`"),
        sa.PrimaryKeyConstraint("room", "last_offset", name="pk_room_events"),
        comment="Which events a room heard of one commit; those for everyone stand under the room without a name",
        sqlite_with_rowid=False,
    )
    # Which of them were of one commit is not known any more, and does not matter.
    op.execute(
        "INSERT INTO room_events (room, last_offset, offsets)"
        """ SELECT room, "offset", '[' || CAST("offset" AS TEXT) || ']' FROM event_rooms"""
    )
    op.drop_table("event_rooms")


def downgrade() -> None:
    event_rooms = op.create_table(
        "event_rooms",
        sa.Column("room", sa.String(300), nullable=False),
        sa.Column("offset", ROW_ID, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("room", "offset", name="pk_event_rooms"),
        comment="Which events a room heard; those for everyone stand under the room without a name",
        sqlite_with_rowid=False,
    )
    room_events = sa.table("room_events", *(sa.column(name) for name in ("room", "last_offset", "offsets")))
    in_order = sa.select(room_events).order_by(room_events.c.room, room_events.c.last_offset).limit(ROWS)
    connection = op.get_bind()
    rows = connection.execute(in_order).all()
    while rows:
        heard = [{"room": row.room, "offset": offset} for row in rows for offset in json.loads(row.offsets)]
        connection.execute(sa.insert(event_rooms), heard)
        last = sa.tuple_(rows[-1].room, rows[-1].last_offset)
        beyond = sa.tuple_(room_events.c.room, room_events.c.last_offset) > last
        rows = connection.execute(in_order.where(beyond)).all()
    op.drop_table("room_events")
