"""Docstrings of fields: what stands below a field in the source of its model describes it in every document.

They are read when a document is wanted. Pydantic would read them itself (`use_attribute_docstrings`), but at every
start, which takes longer than all else that a model is made of.
"""

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise

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
    definition = _classes_in(model.__module__).get(model.__qualname__)
    if definition is None:  # made without a class statement
        return
    for field, below in pairwise(definition.body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, inspect.cleandoc(text)


@cache
def _classes_in(module: str) -> Mapping[str, ast.ClassDef]:
    """The class statements of a module by their qualified names. `inspect` would look through all of it for each."""
    try:
        source = inspect.getsource(sys.modules[module])
    except (OSError, KeyError):  # made without a file
        return {}
    return dict(_classes_below(ast.parse(source), ""))


def _classes_below(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.ClassDef]]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.ClassDef(name=name):
                yield prefix + name, child
                yield from _classes_below(child, f"{prefix}{name}.")
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield from _classes_below(child, f"{prefix}{name}.<locals>.")
            case ast.stmt():
                yield from _classes_below(child, prefix)
