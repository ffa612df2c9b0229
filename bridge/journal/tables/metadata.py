"""What all tables belong to."""

from sqlalchemy import Index, MetaData, text

__all__ = ["index_of", "metadata", "speak_postgresql"]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def index_of(columns: tuple[str, ...], those: str, name: str | None = None) -> Index:
    """An index of some rows: the others are never looked for by it, and have no part of it to be written."""
    return Index(name, *columns, sqlite_where=text(those))


def speak_postgresql() -> None:
    """Gives the tables what only PostgreSQL needs to be told. SQLAlchemy imports a whole dialect as soon as an index
    names it, so that this is left to those who use it."""
    for table in metadata.tables.values():
        for index in table.indexes:
            if (those := index.dialect_kwargs.get("sqlite_where")) is not None:
                index.dialect_kwargs["postgresql_where"] = those
