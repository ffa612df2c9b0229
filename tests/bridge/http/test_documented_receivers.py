"""The receivers of docs/services.md, run as they stand there."""

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.servers import free_port
from tests.asking import client_of
from tests.waiting import wait_until

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "services.md"
NAMES = {"Node": ["node", "--input-type=module"], "Python": [sys.executable, "-"]}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(scope="module")
def bridge(make_bridge: Any) -> Any:
    return make_bridge(BRIDGE_ENDPOINT_NETWORKS="127.0.0.0/8", BRIDGE_ENDPOINT_RETRY_SECONDS=",".join(["0.1"] * 50))


def receivers() -> Iterator[tuple[str, str]]:
    section = PAGE.read_text().partition("\n## Webhooks to your back end\n")[2].partition("\n## ")[0]
    for name in NAMES:
        [example] = re.findall(rf"in {name} \(`.*\n\n((?:^    .*\n|^\n(?=\n?    ))+)", section, re.MULTILINE)
        yield name, textwrap.dedent(example)


@pytest.mark.parametrize(("name", "example"), list(receivers()), ids=list(NAMES))
def test_a_receiver_takes_each_event_once_that_is_signed(bridge: Any, name: str, example: str) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/{name}"
    with (
        subprocess.Popen(
            NAMES[name],
            cwd=ROOT / "tests" / "javascript",
            env={"PATH": os.environ["PATH"], "PORT": str(port), "BRIDGE_WEBHOOK_SECRET": SECRET},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as receiver,
        client_of(bridge.url) as client,
    ):
        try:
            assert receiver.stdin is not None
            assert receiver.stdout is not None
            receiver.stdin.write(example)
            receiver.stdin.close()
            wanted = {"url": url, "events": ["delivery-*"], "secret": SECRET, "by": "ada"}
            endpoint = client.post("/api/endpoints", json=wanted).raise_for_status().json()
            event = {"event": "delivery-update", "data": {"requestId": name, "status": "shipped"}}
            client.post("/api/events", json=event).raise_for_status()
            assert "delivery-update" in receiver.stdout.readline()
            path = f"/api/endpoints/{endpoint['endpointId']}"
            [sent] = wait_until(lambda: client.get(f"{path}/deliveries?status=delivered").json()["deliveries"])
            client.post(f"{path}/deliveries/{sent['messageId']}/replay", json={}).raise_for_status()
            wait_until(lambda: client.get(f"{path}/deliveries?status=pending").json()["deliveries"] == [])
            client.post(f"{path}/test", json={}).raise_for_status()
            # Of what was sent again nothing is said: it was taken before.
            assert "endpoint-test" in receiver.stdout.readline()
            assert httpx.post(url, content=b"{}", trust_env=False).status_code == 401
            client.post(f"{path}/removal", json={}).raise_for_status()
        finally:
            receiver.kill()
