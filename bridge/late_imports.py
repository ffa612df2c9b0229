"""Imports that are put off: what a library imports beside itself, and a bridge seldom or never uses, is imported only
once something of it is used."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

__all__ = ["left_out", "put_off"]


class _PutOff(ModuleType):
    """Stands for a module in those that import it, and imports it when something of it is used."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)


@contextmanager
def put_off(*names: str) -> Iterator[None]:
    """Whatever is imported meanwhile gets these modules only once it uses them, unless they are there already."""
    stand_ins = {name: _PutOff(name) for name in names if name not in sys.modules and find_spec(name) is not None}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            del sys.modules[name]


@contextmanager
def left_out(*names: str) -> Iterator[None]:
    """Whatever looks for these meanwhile does not find them, unless they are there already."""
    absent = dict.fromkeys(name for name in names if name not in sys.modules)
    sys.modules.update(absent)  # type: ignore[arg-type]  # None is how the interpreter has it
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
