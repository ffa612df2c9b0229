"""Secrets that an orchestrator replaces while the bridge runs: what is new holds at once, what is gone does not."""

from pathlib import Path

import jwt
import pytest

from tests.asking import get, post
from tests.bridge.http.exchanges import registration
from tests.conftest import BridgeProcess, StartBridge
from tests.waiting import wait_until

OLD, NEW = "the first secret of thirty-two bytes or more", "the second secret of thirty-two bytes or more"
NEVER = 4_102_444_800
"""When a token expires that is to outlive the tests: in the year 2100."""


class Mounted:
    """A folder as Kubernetes mounts a secret: each file is a link through `..data`, which is swapped in one step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._versions = 0

    def put(self, **files: str) -> None:
        self._versions += 1
        version = self.folder / f"..2026_11_28_{self._versions}"
        version.mkdir()
        for name, content in files.items():
            (version / name).write_text(content)
            link = self.folder / name
            if not link.is_symlink():
                link.symlink_to(Path("..data") / name)
        pending = self.folder / "..data_tmp"
        pending.symlink_to(version.name)
        pending.rename(self.folder / "..data")


def bearer(secret: str) -> dict[str, str]:
    token = jwt.encode({"sub": "ada", "exp": NEVER, "roles": ["ops-view"]}, secret, "HS256")
    return {"Authorization": f"Bearer {token}"}


def services(token: str) -> str:
    return f'[marketplace]\ntoken = "{token}"\nregisters = ["payments"]\n'


@pytest.fixture
def mounted(tmp_path: Path) -> Mounted:
    return Mounted(tmp_path)


def test_what_is_replaced_in_the_folder_of_secrets_holds_at_once(make_bridge: StartBridge, mounted: Mounted) -> None:
    mounted.put(BRIDGE_JWT_SECRETS=OLD, services=services(OLD))
    bridge = make_bridge(
        BRIDGE_ACCESS="jwt",
        BRIDGE_SECRETS_DIR=str(mounted.folder),
        BRIDGE_SERVICES_FILE=str(mounted.folder / "services"),
    )
    assert (answers(bridge, OLD), answers(bridge, NEW)) == ((200, 201), (401, 401))
    mounted.put(BRIDGE_JWT_SECRETS=f"{NEW},{OLD}", services=services(NEW))
    wait_until(lambda: answers(bridge, NEW) == (200, 201))
    assert answers(bridge, OLD) == (200, 401)
    mounted.put(BRIDGE_JWT_SECRETS=f"{NEW}\n", services=services(NEW))
    wait_until(lambda: answers(bridge, OLD) == (401, 401))
    assert answers(bridge, NEW) == (200, 201)
    said = bridge.log.read_text()
    assert OLD not in said
    assert NEW not in said


def answers(bridge: BridgeProcess, secret: str) -> tuple[int, int]:
    """To staff with a token that it signs, and to a service whose token it is."""
    looked_up = get(f"{bridge.url}/api/ops/payments", headers=bearer(secret))
    service = {"Authorization": f"Bearer {secret}"}
    registered = post(f"{bridge.url}/api/payments", json=registration(), headers=service)
    return looked_up.status_code, registered.status_code
