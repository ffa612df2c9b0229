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

from tests.asking import get
from tests.pages.browsing import BUILT
from tests.waiting import GIVE_UP_SECONDS, wait_until

ROOT = Path(__file__).parents[2]

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


def test_a_wheel_alone_runs_a_sale_in_an_empty_folder_with_an_empty_environment(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "service").mkdir()
    service = tmp_path / "service" / "service.py"
    service.write_text(SERVICE)
    (tmp_path / "bridge").mkdir()

    def run(*command: str | Path) -> str:
        return subprocess.run(
            command, cwd=service.parent, env={}, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    with serving(installed / "bridge", tmp_path / "bridge") as (bridge, shkeeper):
        payment_id, address, client = run(installed / "python", service, bridge).split()
        assert installed.parent in Path(client).parents
        assert "stands at PAID" in run(installed / "bridge", "simulate", "transfer", address, "--shkeeper", shkeeper)
        wait_until(lambda: get(f"{bridge}/api/payments/{payment_id}").json()["status"] == "completed")
    assert {path.name for path in (tmp_path / "bridge").iterdir()} == {"var"}


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
