"""Statements that are made once: to make one costs as much as to run it."""

from functools import cache
from typing import Any

from sqlalchemy import Column, Insert, Table, bindparam, func, insert
from sqlalchemy.sql.functions import Function

__all__ = ["first_known", "insert_into"]


def first_known(column: Column[Any]) -> Function[Any]:
    """For an update: what stands in a column, or what is new if nothing does."""
    return func.coalesce(column, bindparam(f"new_{column.name}", type_=column.type))


@cache
def insert_into(table: Table) -> Insert:
    """Puts whole rows into a table."""
    return insert(table)
