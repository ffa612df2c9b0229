"""What is built: pages that load nothing of anybody else's, and a wheel that brings them, and that is all that an
installation needs."""

import re
import signal
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge import __version__
from tests.asking import get
from tests.pages.browsing import BUILT
from tests.waiting import GIVE_UP_SECONDS, wait_until

ROOT = Path(__file__).parents[2]
NODE_MODULES = ROOT / "tests" / "javascript" / "node_modules"

PAGE = """
import { io, type Socket } from "socket.io-client";
import type { ClientToServerEvents, ServerToClientEvents } from "bridge-contract/events";
import type { paths } from "bridge-contract/rest";
import { Rooms } from "bridge-contract/rooms";

const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io("http://127.0.0.1:8000");
export const rooms = new Rooms(socket, { lookUp: async () => [], show: () => undefined });
export type Payments = paths["/api/payments"]["get"];
socket.on("payment-update", (update) => console.log(update.paymentId));
"""

SERVICE = """
from typing import assert_type

import bridge.client
from bridge.client import BridgeClient, InvoiceToPay, RegisteredPayment


def sell(client: BridgeClient, request_id: str) -> RegisteredPayment:
    payment = client.register_payment(
        provider="shkeeper",
        coin="ETH-USDT",
        request_id=request_id,
        buyer_id="buyer-1",
        seller_id="seller-1",
        amount="49.90",
        currency="USD",
    )
    assert_type(payment.invoices, tuple[InvoiceToPay, ...])
    return payment


if __name__ == "__main__":
    import sys

    with BridgeClient(sys.argv[1]) as client:
        payment = sell(client, "request-1")
        print(payment.payment_id, payment.invoices[0].address, bridge.client.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment in which the wheel was installed. What it requires is borrowed from this one,
    whose own `bridge` is not: a line of a path file adds a folder, and not what the path files in there add."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--isolated", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-index", "--no-deps", str(wheel)], check=True)
    [packages] = folder.glob("lib/python*/site-packages")
    (packages / "required.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python.parent


# httpx, pydantic and tenacity, with what those bring.
OF_THE_CLIENT = (
    *("httpx", "httpcore", "h11", "anyio", "sniffio", "certifi", "idna"),
    *("pydantic", "pydantic_core", "annotated_types", "typing_extensions.py", "typing_inspection", "tenacity"),
)


@pytest.fixture(scope="module")
def client_alone(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has the wheel and what it requires by itself, without any extra."""
    folder = tmp_path_factory.mktemp("client")
    venv.create(folder, symlinks=True)
    [packages] = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as content:
        content.extractall(packages)
    for name in OF_THE_CLIENT:
        (packages / name).symlink_to(Path(sysconfig.get_path("purelib"), name))
    return folder / "bin"


def test_the_pages_name_no_other_host_and_run_nothing_inline() -> None:
    page = BUILT.read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", page)
    for reference in re.findall(r"""(?:src|href)=["']([^"']+)""", page):
        assert reference == "/brand.css" or reference.startswith("/assets/")


def test_a_wheel_brings_the_pages_and_not_what_they_are_built_from(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    built = {f"bridge/console/dist/{file.relative_to(BUILT.parent)}" for file in BUILT.parent.rglob("*.*")}
    assert built <= set(names)
    assert not [name for name in names if name.startswith("bridge/console/web")]


def test_a_wheel_says_what_it_is_and_brings_its_licence_and_every_setting(wheel: Path, installed: Path) -> None:
    content = zipfile.ZipFile(wheel)
    [metadata] = [name for name in content.namelist() if name.endswith(".dist-info/METADATA")]
    said = content.read(metadata).decode()
    assert f"\nVersion: {__version__}\n" in said
    assert "\nLicense-Expression: Apache-2.0\n" in said
    assert any(name.endswith("/licenses/LICENSE") for name in content.namelist())
    documents = installed.parent / "share" / "doc" / "bridge"
    assert (documents / "bridge.toml").read_bytes() == (ROOT / "config" / "bridge.toml").read_bytes()
    assert {path.name for path in (documents / "deploy").iterdir()} == {
        path.name for path in (ROOT / "deploy").iterdir()
    }
    pages = {path.name for path in (documents / "docs").iterdir()}
    assert pages == {path.name for path in (ROOT / "docs").glob("*.md")}


def test_the_types_and_the_recipe_are_a_package_of_npm(tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    subprocess.run(["make", "--silent", "npm-package", f"NPM_PACKAGE={packed}"], cwd=ROOT, check=True)
    [archive] = packed.glob("bridge-contract-*.tgz")
    assert archive.name == f"bridge-contract-{__version__}.tgz"
    modules = tmp_path / "node_modules"
    modules.mkdir()
    subprocess.run(["tar", "-xzf", archive, "-C", modules], check=True)
    (modules / "package").rename(modules / "bridge-contract")
    for name in ("socket.io-client", "socket.io-parser", "@socket.io", "engine.io-client", "engine.io-parser"):
        (modules / name).symlink_to(NODE_MODULES / name)
    (tmp_path / "page.mts").write_text(PAGE)
    tsc = ["node", str(NODE_MODULES / "typescript" / "bin" / "tsc"), "--strict", "--skipDefaultLibCheck"]
    subprocess.run(
        [*tsc, "--noEmit", "--target", "es2022", "--module", "nodenext", "page.mts"], cwd=tmp_path, check=True
    )
    load = 'const { Rooms } = await import("bridge-contract/rooms"); console.log(typeof Rooms)'
    loaded = subprocess.run(
        ["node", "--input-type=module", "--eval", load], cwd=tmp_path, check=True, stdout=subprocess.PIPE, text=True
    )
    assert loaded.stdout == "function\n"


@contextmanager
def serving(program: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """A bridge with a local SHKeeper beside it, started in an empty folder and knowing of nothing; gives where both
    are."""
    arguments = ("serve", "--port", "0", "--with-shkeeper", "--shkeeper-port", "0")
    with subprocess.Popen(
        [program, *arguments], cwd=folder, env={"PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, text=True
    ) as bridge:
        assert bridge.stdout is not None
        try:
            told = ""
            while "Ctrl-C" not in told:
                told += (line := bridge.stdout.readline())
                assert line, f"it ended after it had said: {told}"
            # The SHKeeper is told of first.
            shkeeper, *_ = addresses = re.findall(r"http://[0-9.:]+", told)
            yield next(address for address in addresses if address != shkeeper), shkeeper
            bridge.send_signal(signal.SIGINT)
            assert bridge.wait(GIVE_UP_SECONDS) == 0
        finally:
            bridge.kill()


def test_a_wheel_alone_runs_a_sale_and_has_it_again_out_of_a_backup_with_an_empty_environment(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "service").mkdir()
    service = tmp_path / "service" / "service.py"
    service.write_text(SERVICE)
    (tmp_path / "bridge").mkdir()

    def run(*command: str | Path, folder: Path = service.parent) -> str:
        return subprocess.run(command, cwd=folder, env={}, check=True, stdout=subprocess.PIPE, text=True).stdout

    with serving(installed / "bridge", tmp_path / "bridge") as (bridge, shkeeper):
        payment_id, address, client = run(installed / "python", service, bridge).split()
        assert installed.parent in Path(client).parents
        assert "stands at PAID" in run(installed / "bridge", "simulate", "transfer", address, "--shkeeper", shkeeper)
        wait_until(lambda: get(f"{bridge}/api/payments/{payment_id}").json()["status"] == "completed")
        backup = tmp_path / "backup.db"
        run(installed / "bridge", "backup", backup, folder=tmp_path / "bridge")
    assert {path.name for path in (tmp_path / "bridge").iterdir()} == {"var"}
    restored = tmp_path / "restored"
    restored.mkdir()
    for words in (("restore", str(backup)), ("doctor",), ("migrate", "--check")):
        run(installed / "bridge", *words, folder=restored)
    with serving(installed / "bridge", restored) as (bridge, _):
        assert get(f"{bridge}/api/payments/{payment_id}").json()["status"] == "completed"


def test_the_wheel_alone_brings_the_client_and_requires_three_libraries(wheel: Path) -> None:
    content = zipfile.ZipFile(wheel)
    [metadata] = [name for name in content.namelist() if name.endswith(".dist-info/METADATA")]
    required = re.findall(r"^Requires-Dist: ([\w-]+)(?!.*extra ==)", content.read(metadata).decode(), re.MULTILINE)
    assert required == ["httpx", "pydantic", "tenacity"]


def test_a_service_that_has_the_client_alone_sells_something(
    client_alone: Path, installed: Path, tmp_path: Path
) -> None:
    service = tmp_path / "service.py"
    service.write_text(SERVICE)
    (tmp_path / "bridge").mkdir()
    with serving(installed / "bridge", tmp_path / "bridge") as (bridge, _):
        python = [str(client_alone / "python"), "-P", str(service), bridge]
        sold = subprocess.run(python, cwd=tmp_path, env={}, check=True, stdout=subprocess.PIPE, text=True).stdout
        payment_id, _, client = sold.split()
        assert client_alone.parent in Path(client).parents
        assert get(f"{bridge}/api/payments/{payment_id}").json()["status"] == "pending"
    run = "import sys; sys.argv = ['bridge', 'serve']; from bridge.cli import main; main()"
    refused = subprocess.run([client_alone / "python", "-P", "-c", run], env={}, stderr=subprocess.PIPE, text=True)
    assert (refused.returncode, "-py3-none-any.whl[server]'" in refused.stderr) == (1, True)


def test_a_service_is_type_checked_against_the_wheel(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(SERVICE)
    (tmp_path / "wrong.py").write_text(
        "import service\nfrom bridge.client import BridgeClient\n"
        'service.sell(BridgeClient("http://127.0.0.1:8000"), 7).payment_id.status\n'
    )
    mypy = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(installed / "python")]
    checked = subprocess.run([*mypy, "wrong.py"], cwd=tmp_path, env={}, stdout=subprocess.PIPE, text=True)
    assert set(re.findall(r"^(\S+?): error.*\[(.+)\]$", checked.stdout, re.MULTILINE)) == {
        ("wrong.py:3", "arg-type"),
        ("wrong.py:3", "attr-defined"),
    }, checked.stdout
