"""No module imports another that imports it in turn, be it only for its types: such modules are understood, changed
and tested only together."""

import ast
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[1]
PACKAGES = ("bridge", "coordinator", "providers")
# A connection of Engine.IO, its states and its ways to be written to are one machine in eight files. No more come in.
KNOWN_CIRCLES = [
    {
        f"bridge.sockets.transport.{name}"
        for name in (
            "connection",
            "crowd_writes",
            "direct_writes",
            "engine",
            "open_packets",
            "polling",
            "web_socket_protocol",
            "writer",
        )
    }
]

Graph = Mapping[str, Set[str]]


def modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if "node_modules" not in path.parts:
                parts = path.relative_to(ROOT).with_suffix("").parts
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(tree: ast.AST, known: Set[str]) -> Iterator[str]:
    """The known modules that a module imports, wherever in it that stands, also where only its types are checked."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "a relative import"
            package = node.module or ""
            names = [f"{package}.{alias.name}" for alias in node.names]
            yield from ({name if name in known else package for name in names} & known)


def reached(graph: Graph, start: str) -> set[str]:
    """All modules that one imports, and that those import."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for module in graph[waiting.pop()] - found:
            found.add(module)
            waiting.append(module)
    return found


def circles(graph: Graph) -> list[set[str]]:
    """The modules that reach each other, each circle once."""
    graph = _without_ends(graph)
    reach = {module: reached(graph, module) for module in graph}
    of = {module: frozenset(one for one in reach[module] if module in reach[one]) for module in graph}
    return [set(circle) for circle in sorted(set(of.values()) - {frozenset()}, key=min)]


def _without_ends(graph: Graph) -> Graph:
    """Without those that import nothing, or that nothing imports, and so on: no circle goes through them."""
    while True:
        imported_once = set().union(*graph.values())
        kept = {module for module in graph if module in imported_once and graph[module]}
        if len(kept) == len(graph):
            return graph
        graph = {module: graph[module] & kept for module in kept}


def test_no_module_imports_another_that_imports_it() -> None:
    known = modules()
    trees = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in known.items()}
    graph = {module: {*imported(tree, known.keys())} - {module} for module, tree in trees.items()}
    assert len(graph) > 500
    assert circles(graph) == KNOWN_CIRCLES


@given(st.dictionaries(st.sampled_from("abcdef"), st.frozensets(st.sampled_from("abcdef"))))
def test_a_circle_is_what_one_comes_back_through(edges: dict[str, frozenset[str]]) -> None:
    graph = {module: edges.get(module, frozenset()) - {module} for module in "abcdef"}
    found = circles(graph)
    assert all(circle <= reached(graph, module) for circle in found for module in circle)
    in_one = {module for circle in found for module in circle}
    assert in_one == {module for module in graph if module in reached(graph, module)}
    assert len(in_one) == sum(map(len, found))


def test_an_import_counts_wherever_it_stands() -> None:
    source = (
        "if TYPE_CHECKING:\n    from a.b import C\ndef f():\n    import a.c\n    from a import d, E\nimport json\n"
    )
    assert {*imported(ast.parse(source), {"a", "a.b", "a.c", "a.d"})} == {"a", "a.b", "a.c", "a.d"}
