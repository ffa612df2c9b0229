"""Statements that are made once: to make one costs as much as to run it."""

from functools import cache

from sqlalchemy import Insert, Table, insert

__all__ = ["insert_into"]


@cache
def insert_into(table: Table) -> Insert:
    """Puts whole rows into a table."""
    return insert(table)
