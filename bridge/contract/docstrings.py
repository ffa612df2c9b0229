"""Docstrings of fields: what stands below a field in the source of its model describes it in every document.

They are read when a document is wanted. Pydantic would read them itself (`use_attribute_docstrings`), but at every
start, which takes longer than all else that a model is made of.
"""

import ast
import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from textwrap import dedent

from pydantic import BaseModel

from coordinator.models import FrozenModel

__all__ = ["describe_fields", "field_docstrings"]


def describe_fields() -> None:
    """Makes the docstrings of all frozen models' fields their descriptions, but for those that have one already."""
    for model in _below(FrozenModel):
        for name, text in field_docstrings(model).items():
            field = model.model_fields[name]
            field.description = field.description or text


def _below(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for below in model.__subclasses__():
        yield below
        yield from _below(below)


@cache
def field_docstrings(model: type[BaseModel]) -> Mapping[str, str]:
    """The docstrings of a model's own fields and of those that it inherits."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, BaseModel) and base.__module__.partition(".")[0] != "pydantic":
            found.update(_written_in(base))
    return {name: text for name, text in found.items() if name in model.model_fields}


def _written_in(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    try:
        source = inspect.getsource(model)
    except OSError:  # made without a class statement
        return
    [definition] = ast.parse(dedent(source)).body
    assert isinstance(definition, ast.ClassDef)  # noqa: S101
    for field, below in pairwise(definition.body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, inspect.cleandoc(text)
