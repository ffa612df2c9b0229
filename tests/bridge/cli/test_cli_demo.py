"""`bridge demo` as a newcomer meets it: everything there is to see, soon, and nothing of it left behind."""

import contextlib
import re
import shutil
import signal
import socket
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.anvil import anvil_program
from tests.asking import get, post
from tests.commands import PIPE, Command
from tests.waiting import GIVE_UP_SECONDS, wait_until

# Twice as fast costs half as much again: all that is played is played more often, until each kind was seen.
PACE = "0.2"
PROGRAMS = "/usr/bin:/bin"


@contextmanager
def demo(folder: Path, *arguments: str, said: list[str] | None = None, **variables: str) -> Iterator[dict[str, str]]:
    """The addresses that it prints, by what they are of; all that it prints up to them is added to `said`. It is
    stopped with Ctrl-C in the end."""
    with Command(
        *("demo", "--pace", PACE, *arguments),
        cwd=folder,
        env={"PATH": PROGRAMS} | {"PYTHONUNBUFFERED": "1", "TMPDIR": str(folder)} | variables,
        stdout=PIPE,
        stderr=PIPE,
    ) as process:
        assert process.stdout is not None
        addresses = {}
        for line in process.stdout:
            if said is not None:
                said.append(line.rstrip())
            what, _, address = line.strip().rpartition("  ")
            if address.startswith("http://"):
                addresses[what.strip()] = address
            if "Ctrl-C" in line:
                break
        try:
            yield addresses
        finally:
            process.send_signal(signal.SIGINT)
            try:
                rest, errors = process.communicate(timeout=GIVE_UP_SECONDS)
                assert (process.returncode, rest.splitlines()[-1:]) == (0, ["Stopped. Nothing of it is stored."])
                assert "Traceback" not in errors
                assert "error" not in errors.lower(), errors
                assert "could not be played" not in errors, errors
            finally:
                process.kill()


def rows(url: str, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = get(f"{url}/api/ops/{kind}?limit=1000").raise_for_status().json()[kind]
    return found


def test_the_demonstration_shows_everything_and_leaves_nothing(tmp_path: Path) -> None:
    path = f"{PROGRAMS}:{Path(anvil_program()).parent}"
    with demo(tmp_path, "--port", "0", "--days", "2", FRONTEND_URL="https://shop.example", PATH=path) as addresses:
        assert addresses.keys() == {
            "the buyer's page",
            "the seller's view",
            "a template checkout",
            "one over a chain",
            "the buyer's orders",
            "the seller's sales",
            "the payout console",
            "the books",
            "the system",
        }
        url = addresses["the payout console"].removesuffix("/ops")
        # The pages themselves are built or not; their addresses answer in any case.
        for address in addresses.values():
            assert "<html" in get(address).text
        payment_id = addresses["the buyer's page"].rpartition("/")[2]
        assert addresses["the seller's view"].endswith(f"/pay/{payment_id}?as=seller")
        known = get(f"{url}/api/payments/{payment_id}").json()
        assert addresses["the buyer's orders"].endswith(f"/orders?buyerId={known['buyerId']}")
        assert addresses["the seller's sales"].endswith(f"/sales?sellerId={known['sellerId']}")
        checkout_id = addresses["a template checkout"].rpartition("/")[2]

        seen: defaultdict[str, set[str]] = defaultdict(set)

        def statuses_of(kind: str) -> set[str]:
            """Seen so far: what moves on may have no payment or payout at the moment."""
            seen[kind] |= {row["status"] for row in rows(url, kind)}
            return seen[kind]

        # What was before: two days of sales, summed by day, with what needs a person since then.
        days = {one["date"] for one in get(f"{url}/api/ops/totals").json()["days"]}
        assert len(days) >= 2
        # What goes on: each kind of sale is played, and the one that is shown comes to its end.
        kinds = {
            "payout-ambiguous",
            "payout-overdue",
            "payout-failed",
            "payout-awaiting-approval",
            "payout-mismatch",
            "payout-returned",
            "webhook-unmatched",
            "webhook-unreadable",
        }

        def needs_a_person() -> set[str]:
            return {item["kind"] for item in get(f"{url}/api/ops/attention").json()["items"]}

        wait_until(lambda: needs_a_person() >= kinds)
        # Buyers who paid too much or too late besides, as they do.
        assert {kind for kind in needs_a_person() - kinds if not kind.startswith("payment-")} == set()
        wait_until(lambda: statuses_of("payments") >= {"completed", "partially_paid", "pending", "expired"})
        wait_until(lambda: statuses_of("payouts") >= {"completed", "created", "failed", "ambiguous"})
        wait_until(lambda: get(f"{url}/api/payments/{payment_id}").json()["escrowState"] == "released")
        wait_until(lambda: get(f"{url}/api/template-checkouts/{checkout_id}").json()["status"] == "confirmed")
        assert any(float(row["excess"]) for row in rows(url, "payments"))
        over_chain_id = addresses["one over a chain"].rpartition("/")[2]
        wait_until(lambda: get(f"{url}/api/payments/{over_chain_id}").json()["status"] == "completed")
        # It goes on as long as it is let.
        total = get(f"{url}/api/ops/payments?limit=1").json()["total"]
        wait_until(lambda: get(f"{url}/api/ops/payments?limit=1").json()["total"] > total + 10)
        # What the provider did not answer is no webhook of its.
        unclear = [row["payoutId"] for row in rows(url, "payouts") if row["status"] == "ambiguous"]
        stories = [get(f"{url}/api/ops/payouts/{payout_id}/story").json()["steps"] for payout_id in unclear]
        told = [step for story in stories for step in story if step["title"].startswith("Nobody knows")]
        assert {step["kind"] for step in told} == {"observation"}
        # The webhook that an earlier version could not read can be now.
        replayable = [
            item["webhookId"]
            for item in get(f"{url}/api/ops/attention").json()["items"]
            if "at that time" in item["detail"]
        ]
        [webhook_id] = replayable
        answer = post(f"{url}/api/ops/webhooks/{webhook_id}/replay", json={"by": "Ada"})
        assert answer.json()["outcome"] == "applied"
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(httpx.ConnectError):
        get(url)


@pytest.fixture
def holders() -> Iterator[list[socket.socket]]:
    """Whoever else listens."""
    held: list[socket.socket] = []
    yield held
    for one in held:
        one.close()


def test_a_port_that_is_taken_is_said_before_anything_is_played(run: Any, holders: list[socket.socket]) -> None:
    holders.append(socket.create_server(("127.0.0.1", 0)))
    port = holders[0].getsockname()[1]
    by_variable = run("demo", BRIDGE_PORT=str(port))
    assert (by_variable.returncode, f"cannot listen on 127.0.0.1:{port}: " in by_variable.stderr) == (1, True)
    ended = run("demo", "--port", str(port))
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in ended.stderr
    [free] = re.findall(r"with --port (\d+)", ended.stderr)
    assert int(free) != port
    with contextlib.suppress(OSError):  # somebody else has taken it since
        holders.append(socket.create_server(("127.0.0.1", int(free))))


def test_without_a_wish_another_port_is_taken_and_said(tmp_path: Path, holders: list[socket.socket]) -> None:
    with contextlib.suppress(OSError):  # somebody has it already
        holders.append(socket.create_server(("127.0.0.1", 8000)))
    said: list[str] = []
    with demo(tmp_path, "--days", "2", said=said) as addresses:
        assert ("one over a chain" in addresses) == (shutil.which("anvil", path=PROGRAMS) is not None)
        url = addresses["the payout console"].removesuffix("/ops")
        port = url.rpartition(":")[2]
        if holders or port != "8000":  # whoever else had it may have let it go meanwhile
            assert port != "8000"
            assert said[0] == f"Port 8000 is taken, perhaps by another bridge, so this one is on port {port}."
        assert get(f"{url}/health/ready").json()["status"] == "ready"


def test_a_bridge_that_is_not_there_is_explained(run: Any) -> None:
    ended = run("demo", "--url", "http://127.0.0.1:9", BRIDGE_SHKEEPER_API_KEYS="a-key-for-tests-only")
    assert (ended.returncode, "bridge serve --with-shkeeper" in ended.stderr) == (1, True)
    assert "Traceback" not in ended.stderr
