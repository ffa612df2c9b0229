"""`make image-steps`: runs the steps of the Dockerfile where no builder of images is, each stage in a clean Debian of
its own, and has what comes of it tried as a container would be (`trying.py`). Needs root, debootstrap, and the
registries that the steps ask."""

import fnmatch
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.image.dockerfile import Stage, excluded, let_through, stages_of, words_of

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "var" / "image"
BASE = FOLDER / "base"
MADE = FOLDER / "base.made"
# What the images that the Dockerfile begins with have: Debian, and Python or Node. Its Python is Debian's here, its
# Node this machine's.
PACKAGES = "ca-certificates,libstdc++6,python-is-python3,python3,python3-venv"
# How a machine behind a proxy reaches registries: what a builder would pass on too.
NETWORK = ("/etc/hosts", "/etc/resolv.conf", "/etc/ssl/certs")
PASSED_ON = re.compile(r"(?i).*(_proxy|_certs?|_cert_file|_bundle|_index_url)$")
PATH = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def say(what: str) -> None:
    print(what, flush=True)  # noqa: T201


def codename() -> str:
    [found] = re.findall(r"^VERSION_CODENAME=(\w+)$", Path("/etc/os-release").read_text(), re.MULTILINE)
    return str(found)


def make_base() -> None:
    if MADE.exists():
        return
    shutil.rmtree(BASE, ignore_errors=True)
    say(f"Making a clean Debian ({codename()}), a minute or two")
    with (FOLDER / "debootstrap.log").open("wb") as log:
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", codename(), str(BASE)]
        subprocess.run(command, stdout=log, stderr=log, check=True)
    MADE.touch()


def bring_node(root: Path) -> None:
    node, npm = (shutil.which(name) for name in ("node", "npm"))
    if node is None or npm is None:
        raise SystemExit("There is no node with its npm to build the pages with.")
    shutil.copy2(node, root / "usr/local/bin/node")
    module = Path(npm).resolve().parents[1]
    shutil.copytree(module, root / "usr/local/lib/node_modules/npm", symlinks=True)
    (root / "usr/local/bin/npm").symlink_to("../lib/node_modules/npm/bin/npm-cli.js")


class Building:
    """One stage while its steps are run."""

    def __init__(self, stage: Stage, roots: Mapping[str, Path]) -> None:
        self.root = FOLDER / (stage.name or "final")
        self.environment = {"PATH": PATH, "HOME": "/root"}
        self._stage, self._roots = stage, roots
        self._folder = "/"

    def build(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        subprocess.run(["cp", "--archive", BASE, self.root], check=True)
        if self._stage.base.startswith("node:"):
            bring_node(self.root)
        for step in self._stage.steps:
            begun = time.monotonic()
            if step.instruction == "RUN":
                self._run(step.argument)
            elif step.instruction == "COPY":
                self._copy(step.argument.split())
            elif step.instruction == "WORKDIR":
                self._folder = step.argument
                self._inside(step.argument).mkdir(parents=True, exist_ok=True)
            elif step.instruction == "ENV":
                self._set(step.argument)
            else:  # of what runs, which `trying.py` reads
                continue
            say(f"  {step.instruction} {step.argument[:90]} ... {time.monotonic() - begun:.1f} s")

    def _set(self, argument: str) -> None:
        for name, value in re.findall(r"(\w+)=(\S+)", argument):
            self.environment[name] = value.replace("$PATH", self.environment["PATH"])

    def _inside(self, path: str) -> Path:
        return self.root / str(Path(self._folder, path)).lstrip("/")

    def _run(self, command: str) -> None:
        """In namespaces of its own, so that nothing of it is left, mounts least of all."""
        binds = [path for path in NETWORK if Path(path).exists()]
        mounts = [f"mount --bind /dev {self.root}/dev", f"mount -t proc proc {self.root}/proc"]
        for path in binds:
            target = f"{self.root}{path}"
            if Path(path).is_dir():
                Path(target).mkdir(parents=True, exist_ok=True)
            else:
                Path(target).touch()
            mounts.append(f"mount --bind {path} {target}")
        passed_on = {name: value for name, value in os.environ.items() if PASSED_ON.match(name)}
        inside = " && ".join([*mounts, 'exec chroot "$0" sh -c "cd $1 && $2"'])
        isolated = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        subprocess.run(
            [*isolated, "sh", "-c", inside, str(self.root), self._folder, command],
            env=passed_on | self.environment,
            stdout=(FOLDER / f"{self.root.name}.log").open("ab"),
            stderr=subprocess.STDOUT,
            check=True,
        )

    def _copy(self, words: list[str]) -> None:
        origin = ROOT
        if words[0].startswith("--from="):
            origin = self._roots[words.pop(0).removeprefix("--from=")]
        *sources, target = words
        folder = self._inside(target)
        for source in sources:
            found = origin / source.lstrip("/")
            if origin == ROOT and not any(source == one or source.startswith(f"{one}/") for one in let_through()):
                raise SystemExit(f".dockerignore does not let {source} through.")
            if found.is_dir():
                shutil.copytree(
                    found, folder, symlinks=True, dirs_exist_ok=True, ignore=left_out if origin == ROOT else None
                )
                continue
            into = folder / found.name if target.endswith("/") or folder.is_dir() else folder
            into.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(found, into)


def left_out(folder: str, names: list[str]) -> set[str]:
    """What .dockerignore leaves out of a folder that is let through."""
    within = Path(folder).relative_to(ROOT)
    return {name for name in names if any(fits(str(within / name), pattern) for pattern in excluded())}


def fits(path: str, pattern: str) -> bool:
    return path == pattern or fnmatch.fnmatch(f"/{path}", pattern.replace("**/", "*/"))


def main() -> None:
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        raise SystemExit("That needs root and debootstrap: sudo apt-get install debootstrap && sudo make image-steps")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for log in FOLDER.glob("*.log"):
        log.unlink()
    make_base()
    roots: dict[str, Path] = {}
    for stage in stages_of((ROOT / "Dockerfile").read_text()):
        say(f"FROM {stage.base}{stage.name and f' AS {stage.name}'}")
        building = Building(stage, roots)
        building.build()
        roots[stage.name] = building.root
    size = subprocess.run(["du", "-sm", roots[""] / "opt/bridge"], stdout=subprocess.PIPE, text=True, check=True)
    say(f"/opt/bridge has {size.stdout.split()[0]} MB.")
    command = words_of(stage.last("ENTRYPOINT")) + words_of(stage.last("CMD"))
    check = words_of(stage.last("HEALTHCHECK").partition("CMD ")[2])
    user, place = stage.last("USER"), stage.last("VOLUME")
    isolated = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"]
    trying = [*isolated, sys.executable, "-m", "tests.image.trying", str(roots[""]), user, place]
    given = {f"IMAGE_{name}": value for name, value in building.environment.items()}
    words = ["\n".join(command), "\n".join(check)]
    subprocess.run([*trying, *words], cwd=ROOT, env=os.environ | given, check=True)


if __name__ == "__main__":
    main()
