"""The TypeScript, compiled with the types of socket.io-client: what is right compiles, what is wrong does not."""

import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest

from bridge.contract.typescript import typescript_text

ROOT = Path(__file__).parents[3]
PROGRAMS = Path(__file__).parent / "programs"
NODE_MODULES = ROOT / "tests" / "javascript" / "node_modules"
ROOMS = ROOT / "docs" / "contract" / "rooms.ts"
PAGE = ROOT / "docs" / "front-end.md"
COMPILER = NODE_MODULES / ".bin" / "tsc"
OPTIONS: dict[str, object] = {
    "strict": True,
    "noEmit": True,
    "pretty": False,
    "target": "es2022",
    "lib": ["es2022", "dom"],
    "module": "esnext",
    "moduleResolution": "bundler",
    # What a browser has, and not Node besides; and the compiler's own files need no check.
    "types": [],
    "skipDefaultLibCheck": True,
}

Errors = dict[str, dict[int, str]]


def examples_of_the_page() -> str:
    return "\n".join(re.findall(r"^```ts\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL))


def compiled(folder: Path, files: Sequence[str], **options: bool) -> str:
    """What the compiler says of these files."""
    project = {"compilerOptions": {**OPTIONS, **options}, "files": files}
    (folder / "tsconfig.json").write_text(json.dumps(project))
    run = subprocess.run([COMPILER, "--project", folder], cwd=folder, capture_output=True, text=True)
    assert not run.stderr, run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> Errors:
    """The errors of each program, by line; all of them from one run of the compiler."""
    folder = tmp_path_factory.mktemp("typescript")
    (folder / "node_modules").symlink_to(NODE_MODULES)
    (folder / "events.d.ts").write_text(typescript_text())
    (folder / "rooms.ts").write_text(ROOMS.read_text())
    (folder / "rest.d.ts").write_text((ROOT / "docs" / "contract" / "rest.d.ts").read_text())
    (folder / "page.ts").write_text(examples_of_the_page())
    for program in PROGRAMS.iterdir():
        (folder / program.name).write_text(program.read_text())
    files = sorted(path.name for path in folder.glob("*.ts"))
    assert files == ["accepted.ts", "events.d.ts", "page.ts", "refused.ts", "rest.d.ts", "rooms.ts"]
    said = compiled(folder, files)
    found: Errors = defaultdict(dict)
    for line in said.splitlines():
        if line.startswith(" "):
            continue  # an error goes on
        fault = re.fullmatch(r"(.+)\((\d+),\d+\): error (TS\d+): .*", line)
        assert fault, said
        found[fault[1]][int(fault[2])] = fault[3]
    return found


def test_a_right_program_and_the_generated_file_compile(errors: Errors) -> None:
    assert set(errors) == {"refused.ts"}


def test_each_wrong_line_is_refused_for_its_own_reason(errors: Errors) -> None:
    lines = (PROGRAMS / "refused.ts").read_text().splitlines()
    marked = {number: line.rpartition("// ")[2] for number, line in enumerate(lines, 1) if "; // TS" in line}
    assert len(marked) == 26
    assert errors["refused.ts"] == marked


def test_the_examples_of_the_page_for_front_ends_compile(errors: Errors) -> None:
    assert examples_of_the_page().count("socket.on(") > 3
    assert "page.ts" not in errors


@pytest.mark.parametrize(
    "options",
    [
        {"strict": False},
        {
            "noUncheckedIndexedAccess": True,
            "exactOptionalPropertyTypes": True,
            "noUnusedLocals": True,
            "noUnusedParameters": True,
        },
    ],
    ids=["lax", "strictest"],
)
def test_the_module_that_is_copied_compiles_however_strict_its_project_is(
    tmp_path: Path, options: dict[str, bool]
) -> None:
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    (tmp_path / "events.d.ts").write_text(typescript_text())
    (tmp_path / "rooms.ts").write_text(ROOMS.read_text())
    assert compiled(tmp_path, ["rooms.ts"], **options) == ""
