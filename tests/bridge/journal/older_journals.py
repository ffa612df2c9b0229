"""Journals of other versions of the schema than the newest."""

from collections.abc import Callable

from alembic.config import Config

from bridge.journal.database.engines import parse_database_url, writing_engine
from bridge.journal.database.schema_versions import MIGRATIONS

__all__ = ["alembic_config", "migrate"]


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def migrate(database_url: str, move: Callable[[Config, str], None], version: str) -> None:
    """Brings a database to a version: `move` is Alembic's `command.upgrade` or `command.downgrade`."""
    engine, config = writing_engine(parse_database_url(database_url)), alembic_config()
    try:
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            move(config, version)
    finally:
        engine.dispose()
