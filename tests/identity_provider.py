"""A certified OpenID provider on loopback (npm `oidc-provider`), and a bridge whose staff sign in there."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import BridgeProcess

__all__ = ["CLIENT_SECRET", "BridgeWithProvider", "IdentityProvider", "oidc_settings", "running_provider"]

JAVASCRIPT = Path(__file__).parent / "javascript"
CLIENT_SECRET = "a client secret of thirty-two bytes or more"
ROLES = {"ops-view": ["finance"], "ops-act": ["finance-leads"], "ops-approve": ["directors"]}


def oidc_settings(issuer: str, **others: Any) -> str:
    """What a bridge is told of a provider."""
    usual = {"name": "Example ID", "client_id": "bridge", "roles": ROLES, "timeout_seconds": 30}
    return json.dumps({"issuer": issuer, **usual, **others})


class BridgeWithProvider(BridgeProcess):
    """A bridge that knows how others reach it."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        super().__init__(folder, {"BRIDGE_ACCESS": "jwt", "BRIDGE_OIDC_CLIENT_SECRET": CLIENT_SECRET, **variables})
        self._environment["BRIDGE_PUBLIC_URL"] = self.url


class IdentityProvider:
    """The provider, which does as it is told."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.issuer = f"http://localhost:{self._line()}"

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def tell(self, **command: Any) -> None:
        """From now on it does so; the module says what there is."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        assert (line := self._line()) == "done", line


@contextmanager
def running_provider() -> Iterator[IdentityProvider]:
    pipe = subprocess.PIPE
    command = ["node", "identity-provider.mjs"]
    with subprocess.Popen(command, cwd=JAVASCRIPT, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield IdentityProvider(process)
        finally:
            process.terminate()
