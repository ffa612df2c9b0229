"""What messages tell somebody to run, set or read is there, as it is written: each command with its options, each
environment variable, and each page, also for who has installed a wheel."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

import bridge.documentation
from bridge.cli.commands import COMMANDS
from bridge.configuration.errors import CERTIFICATE_VARIABLES
from bridge.documentation import where_documented
from bridge.environment import OWN
from bridge.settings import all_settings, variable_name
from bridge.workers.alerts.destinations import SECRET_VARIABLE_PREFIX
from providers.onchain.chains import ENDPOINTS_VARIABLE_PREFIX

ROOT = Path(__file__).parents[1]
# Before the bridge itself; before anything else `bridge` begins a command.
OF_PROSE = {
    *("the", "a", "this", "another", "older", "newer", "no", "one", "each", "every", "between", "running", "<p>the"),
}
COMMAND = re.compile(r"(?P<before>\S+)?\s*(?<![\w./&-])bridge (?P<words>[a-z][a-z-]*(?: [a-z][a-z-]*)?)")
# Where a command is over, and its sentence goes on.
END = re.compile(r"[\n`;]|\. |, |: |\)|\[/bold\]|</pre>| says? | sends | bridge ")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
VARIABLE = re.compile(r"(?<![\w])BRIDGE_[A-Z0-9_]+")
PAGE = re.compile(r"(?<![\w/])(?:docs/[a-z-]+\.md|config/bridge\.toml)")
# Options of others: of PostgreSQL's programs, of anvil, of the Makefile's interpreter, and custom properties of CSS.
OF_OTHERS = {
    *("--format", "--pwprompt", "--owner", "--encoding", "--template", "--list", "--file", "--dbname"),
    *("--no-password", "--no-owner", "--single-transaction", "--exit-on-error", "--set", "--no-psqlrc"),
    *("--max-persisted-states", "--block-time", "--accent", "--accent-soft", "--sheet", "--grace-seconds"),
}
# What only who has a clone can run is said to nobody else: the pages are in every wheel.
OF_A_CLONE = {
    ("bridge/cli/demo/command.py", "pages"),
    ("bridge/console/pages.py", "pages"),
    ("bridge/contract/typescript.py", "contract"),
}


def said_in(path: Path) -> Iterator[str]:
    """The texts of a module, with `…` for what is put into them; of its docstrings those of commands, which are
    their help."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    silent: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            silent.add(id(node.value))
        if isinstance(node, ast.FunctionDef) and path.parent.name == "cli" and ast.get_docstring(node):
            yield ast.get_docstring(node) or ""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            silent |= {id(part) for part in node.values}
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.value


@cache
def said() -> list[tuple[str, str]]:
    """Every text of the source, with the module that it is in."""
    modules = (path for folder in ("bridge", "coordinator", "providers") for path in (ROOT / folder).rglob("*.py"))
    return [
        (str(path.relative_to(ROOT)), text)
        for path in modules
        if "node_modules" not in path.parts and "versions" not in path.parts
        for text in said_in(path)
    ]


def of_typer(app: Any) -> Any:
    if not isinstance(app, typer.Typer):
        one = typer.Typer(add_completion=False)
        one.command()(app)
        app = one
    return typer.main.get_command(app)


@cache
def commands() -> dict[str, Any]:
    """Every command, by its words."""
    found: dict[str, Any] = {}
    for name in COMMANDS:
        command = of_typer(getattr(import_module(f"bridge.cli.{name}"), name))
        found[name] = command
        found |= {f"{name} {sub}": one for sub, one in getattr(command, "commands", {}).items()}
    return found


def options_of(command: Any) -> set[str]:
    return {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}


def every_option() -> set[str]:
    return {option for command in commands().values() for option in options_of(command)} | {"--version"}


def wrong_in(text: str) -> Iterator[str]:
    """What a text tells somebody to run that cannot be run."""
    for found in COMMAND.finditer(text):
        if (found["before"] or "").lower() in OF_PROSE:
            continue
        first, _, second = found["words"].partition(" ")
        if first not in commands():
            yield f"bridge {first}"
            continue
        group = getattr(commands()[first], "commands", None)
        if group is not None and second and second not in group:
            yield f"bridge {first} {second}"
        whole = commands().get(f"{first} {second}", commands()[first])
        used = set(OPTION.findall(END.split(text[found.end() :])[0]))
        yield from (f"bridge {found['words']} {option}" for option in sorted(used - options_of(whole)))


def test_every_command_that_a_message_names_is_one() -> None:
    told = [(module, wrong) for module, text in said() for wrong in wrong_in(text)]
    assert told == []
    named = {match["words"].split()[0] for _, text in said() for match in COMMAND.finditer(text)}
    assert {"serve", "doctor", "backup", "token"} <= named  # it looks at something


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("is it running? Start it with: bridge start", ["bridge start"]),
        ("bridge token new prints one", ["bridge token new"]),
        ("take a free port: bridge doctor --port …", ["bridge doctor --port"]),
        ("make one with bridge token make --whose b1", ["bridge token make --whose"]),
        ("the bridge starts again, and bridge doctor says why", []),
    ],
)
def test_a_command_that_is_none_would_be_found(text: str, wrong: list[str]) -> None:
    assert list(wrong_in(text)) == wrong


def test_every_option_that_a_message_names_is_one() -> None:
    named = {option for _, text in said() for option in OPTION.findall(text)}
    assert named - every_option() == OF_OTHERS - every_option()


def test_every_variable_that_a_message_names_is_one() -> None:
    known = {variable_name(name) for name in all_settings().model_fields} | OWN | set(CERTIFICATE_VARIABLES)
    prefixes = (ENDPOINTS_VARIABLE_PREFIX, SECRET_VARIABLE_PREFIX, "BRIDGE_COMPLETE")
    named = {(module, name) for module, text in said() for name in VARIABLE.findall(text)}
    assert len(named) > 20
    assert [one for one in named if one[1] not in known and not one[1].startswith(prefixes)] == []


def test_make_is_told_to_nobody_who_has_no_makefile() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    told = re.compile(rf"(?:[:`>] ?|(?:run|with|Try) |[A-Z]=\S+ )make ({'|'.join(targets)})\b")
    found = {(module, target) for module, text in said() for target in told.findall(text)}
    assert found == OF_A_CLONE


def test_every_page_that_a_message_names_is_where_it_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    named = {(module, page) for module, text in said() for page in PAGE.findall(text)}
    assert {page for _, page in named} >= {"docs/operations.md", "docs/console.md", "config/bridge.toml"}
    for _, page in named:
        assert (ROOT / page).exists()
        assert (Path.cwd() / where_documented(page)).samefile(ROOT / page)
    # Its place is asked for: nobody who has a wheel alone has a folder docs.
    for module in {module for module, page in named if page.startswith("docs/")}:
        asked = re.findall(
            r'where_documented\(["\'](docs/\S+?)["\']|^PAGE = "(docs/\S+)"', (ROOT / module).read_text(), re.MULTILINE
        )
        assert len(asked) == len([page for one, page in named if one == module]), module
    monkeypatch.setattr(bridge.documentation, "SOURCE", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert where_documented("docs/operations.md").endswith("/share/doc/bridge/docs/operations.md")
    assert where_documented("config/bridge.toml").endswith("/share/doc/bridge/bridge.toml")
