"""Names of libraries that the code overrides or reaches into, read off the code and the libraries as installed.

`python -m tests.libraries.held_names` prints them as held_names.toml should have them.
"""

import ast
import hashlib
import importlib
import inspect
import pkgutil
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

__all__ = ["Held", "as_toml", "distribution", "found", "names_of", "private_names"]

ROOT = Path(__file__).parents[2]
PACKAGES = ("bridge", "coordinator", "providers")
# Run by Alembic, and not to be imported by anybody else.
SCRIPTS = "bridge.journal.migrations."
# Made to be subclassed and overridden so; each says it in its documentation.
DECLARED = {"model_config", "model_fields", "model_post_init", "settings_customise_sources", "_abc_impl"}


@dataclass
class Held:
    """One of our classes: of each library's class that it stands on, what it overrides and what it uses."""

    overrides: dict[str, str] = field(default_factory=dict)
    """`<the library's class>.<name>`, and the fingerprint of what it is there."""

    uses: set[str] = field(default_factory=set)


def found() -> dict[str, Held]:
    """Every class of ours that overrides something of a library's, or uses something only it knows, by its name."""
    held: dict[str, Held] = {}
    for module in _modules():
        for ours in vars(module).values():
            if not inspect.isclass(ours) or ours.__module__ != module.__name__:
                continue
            it = Held(_overridden(ours), _used(ours))
            if it.overrides or it.uses:
                held[f"{ours.__module__}.{ours.__qualname__}"] = it
    return held


def private_names() -> set[str]:
    """`<module>: <name>` for what begins with one underscore and is nobody's of ours."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in _sources()}
    ours = {name for tree in trees.values() for node in ast.walk(tree) for name in _defined(node)}
    return {
        f"{path.relative_to(ROOT).with_suffix('')}: {name}".replace("/", ".")
        for path, tree in trees.items()
        for node in ast.walk(tree)
        for name in _reached(node)
        if name not in ours
    }


def distribution(name: str) -> str:
    """Under which name the library is installed, of a dotted name of its own."""
    package = name.partition(".")[0]
    return {"engineio": "python-engineio", "socketio": "python-socketio"}.get(package, package)


def as_toml(held: dict[str, Held], private: set[str]) -> str:
    """What held_names.toml has to say."""
    libraries = sorted({distribution(name) for it in held.values() for name in (*it.overrides, *it.uses)})
    lines = [
        "# What of libraries is overridden or reached into, as `python -m tests.libraries.held_names` prints it.",
        "",
    ]
    lines += ["[versions]", *(f'{name} = "{version(name)}"' for name in libraries), ""]
    for ours, it in sorted(held.items()):
        lines += [f'["{ours}"]', "uses = [", *(f'    "{name}",' for name in sorted(it.uses)), "]"]
        lines += [f'overrides."{name}" = "{digits}"' for name, digits in sorted(it.overrides.items())]
        lines += [""]
    lines += ["[private]", "names = [", *(f'    "{name}",' for name in sorted(private)), "]"]
    return "\n".join(lines) + "\n"


def _overridden(ours: type) -> dict[str, str]:
    overrides = {}
    for name in vars(ours):
        if name in DECLARED or (name.startswith("__") and name.endswith("__")):
            continue
        theirs = next((base for base in ours.__mro__[1:] if name in vars(base)), None)
        if theirs is not None and _is_a_librarys(theirs):
            overrides[f"{_name(theirs)}.{name}"] = fingerprint(theirs, name)
    return overrides


def _used(ours: type) -> set[str]:
    theirs = [base for base in ours.__mro__[1:] if _is_a_librarys(base) and not _is_documented(base)]
    if not theirs:
        return set()
    own = {name for base in ours.__mro__ if not _is_a_librarys(base) for name in vars(base)}
    names = {base: names_of(base) for base in theirs}
    uses = set()
    for name in set(_asked_of_self(ours)) - own:
        for base in theirs:
            if name in names[base]:
                uses.add(f"{_name(base)}.{name}")
                break
    return uses


def fingerprint(theirs: type, name: str) -> str:
    """A few digits that change when the library changes what we stand in for."""
    try:
        source = inspect.getsource(inspect.unwrap(inspect.getattr_static(theirs, name)))
    except (TypeError, OSError):  # a value, and not a function
        source = f"{name} is a value"
    return hashlib.sha256(source.encode()).hexdigest()[:10]


def names_of(theirs: type) -> set[str]:
    """What a library's class has, and what it gives its instances."""
    return {*vars(theirs), *_assigned(theirs)}


def _is_a_librarys(base: type) -> bool:
    return base.__module__.partition(".")[0] not in PACKAGES and not _is_pythons(base)


def _is_pythons(base: type) -> bool:
    module = inspect.getmodule(base)
    path = getattr(module, "__file__", None)
    return path is None or "site-packages" not in path


def _is_documented(base: type) -> bool:
    """Whether what a subclass finds there is the library's documented face, so that its use needs no list."""
    return base.__module__.partition(".")[0] in {"pydantic", "sqlalchemy", "litestar", "httpx"}


def _name(base: type) -> str:
    return f"{base.__module__}.{base.__qualname__}"


def _assigned(base: type) -> Iterator[str]:
    for node in ast.walk(_tree(base)):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_self(node.value):
            yield node.attr


def _asked_of_self(ours: type) -> Iterator[str]:
    for node in ast.walk(_tree(ours)):
        if isinstance(node, ast.Attribute) and (_is_self(node.value) or _is_super(node.value)):
            yield node.attr


def _tree(of: type) -> ast.AST:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(of)))
    except (TypeError, OSError):
        return ast.Module(body=[], type_ignores=[])


def _is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def _is_super(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"


def _defined(node: ast.AST) -> Iterator[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        yield node.attr
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value  # __slots__


def _reached(node: ast.AST) -> Iterator[str]:
    names: list[str] = []
    if isinstance(node, ast.Attribute):
        names = [node.attr]
    elif isinstance(node, ast.ImportFrom):
        names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
    yield from (name for name in names if name.startswith("_") and not name.startswith("__"))


def _modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        for info in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            if not info.name.startswith(SCRIPTS):
                yield importlib.import_module(info.name)


def _sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (path for path in (ROOT / package).rglob("*.py") if "node_modules" not in path.parts)


if __name__ == "__main__":
    sys.stdout.write(as_toml(found(), private_names()))
