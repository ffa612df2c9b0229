"""The local SHKeeper as a newcomer meets it: beside the bridge, or by itself."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.asking import get, post
from tests.commands import PIPE, Command
from tests.waiting import GIVE_UP_SECONDS, wait_until

KEY = "a-key-for-tests-only-0123456789"
ORDER = {
    "provider": "shkeeper",
    "coin": "ETH-USDT",
    "requestId": "r1",
    "buyerId": "b1",
    "sellerId": "s1",
    "amount": "49.90",
    "currency": "USD",
}


@contextmanager
def running(folder: Path, *arguments: str, **variables: str) -> Iterator[list[str]]:
    """The lines that a command prints until it is ready; it is stopped with Ctrl-C in the end."""
    with Command(
        *arguments,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "BRIDGE_SHKEEPER_API_KEYS": KEY, "PYTHONUNBUFFERED": "1", **variables},
        stdout=PIPE,
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        try:
            yield lines
        finally:
            process.send_signal(signal.SIGINT)
            try:
                assert process.wait(timeout=GIVE_UP_SECONDS) == 0
            finally:
                process.kill()


def address_in(line: str) -> str:
    return next(word for word in line.replace(";", " ").split() if word.startswith("http://"))


def test_a_newcomer_sees_a_payment_through_without_any_gateway(run: Any, tmp_path: Path) -> None:
    with running(tmp_path, "serve", "--port", "0", "--with-shkeeper", "--shkeeper-port", "0") as lines:
        shkeeper = address_in(lines[0])
        bridge = address_in(next(line for line in lines if line.startswith("The bridge is ready")))
        payment = post(f"{bridge}/api/payments", json=ORDER).json()
        address = payment["invoices"][0]["address"]

        def status() -> str:
            answer = get(f"{bridge}/api/payments/{payment['paymentId']}")
            found: str = answer.json()["status"]
            return found

        options = ("simulate", "transfer", address, "--shkeeper", shkeeper)
        sent = run(*options, "--amount", "20", "--confirm-after", "0.1")
        assert sent.stdout.splitlines() == [
            f"Sent. The invoice of {payment['paymentId']} stands at UNPAID: 0 of 49.9 USD",
            f"Confirmed. The invoice of {payment['paymentId']} stands at PARTIAL: 20 of 49.9 USD",
        ]
        wait_until(lambda: status() == "partially_paid")
        assert "stands at PAID: 50.898 of 49.9 USD" in run(*options).stdout
        wait_until(lambda: status() == "completed")
        assert "is not related to any invoice" in run("simulate", "transfer", "0x1", "--shkeeper", shkeeper).stderr


def test_the_local_shkeeper_runs_by_itself_and_says_how_to_use_it(run: Any, tmp_path: Path) -> None:
    with running(tmp_path, "simulate", "shkeeper", "--serve", "--port", "0") as lines:
        url = address_in(lines[0])
        assert get(f"{url}/api/v1/crypto").json()["status"] == "success"
        told = "".join(lines)
        assert f"BRIDGE_SHKEEPER_URL={url} BRIDGE_SHKEEPER_USER=admin BRIDGE_SHKEEPER_PASSWORD=admin" in told
        assert KEY not in told
        assert f"bridge simulate transfer ADDRESS --shkeeper {url}" in told


def test_what_keeps_the_local_shkeeper_from_running_is_explained(run: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = run("simulate", "shkeeper", "--serve", "--port", port, BRIDGE_SHKEEPER_API_KEYS=KEY)
    assert refused.returncode == 1
    assert f"cannot listen on port {port}" in refused.stderr
    assert "Traceback" not in refused.stderr
    nobody = run("simulate", "transfer", "0x1", "--shkeeper", "http://127.0.0.1:9")
    assert nobody.returncode == 1
    assert "simulate shkeeper --serve" in nobody.stderr
    assert run("simulate", "transfer", "0x1", "--amount", "0").returncode == 2
