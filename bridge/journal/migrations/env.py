"""Alembic's entry: it runs on the connection that the journal hands over, and nowhere else."""

from alembic import context

from bridge.journal.tables.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    transaction_per_migration=True,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
