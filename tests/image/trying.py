"""What the Dockerfile's steps have made, started as a container: as its user, without any capability, on a root that
cannot be written to, in a network of its own. Its health check and one webhook have to be answered."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.asking import post
from tests.bridge.http.exchanges import notice
from tests.image.building import say
from tests.system.conftest import GATEWAY_KEY, Gateway
from tests.waiting import GIVE_UP_SECONDS, wait_until

PREFIX = "IMAGE_"
SECRETS = {"BRIDGE_SHKEEPER_API_KEYS": GATEWAY_KEY, "BRIDGE_JWT_SECRETS": "secret-of-an-image-that-is-tried-only"}
PORT = 8000


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def lay_out(root: Path, user: int, place: str) -> None:
    """As the command at the head of the Dockerfile has it: read-only, but for the volume and /tmp."""
    mount("--make-rprivate", "/")
    mount("--bind", str(root), str(root))
    mount("-t", "proc", "proc", f"{root}/proc")
    mount("--bind", "/dev", f"{root}/dev")
    (root / "run/secrets").mkdir(parents=True, exist_ok=True)
    mount("-t", "tmpfs", "-o", f"uid={user},mode=0700", "secrets", f"{root}/run/secrets")
    for name, value in SECRETS.items():
        path = root / "run/secrets" / name
        path.write_text(value)
        os.chown(path, user, user)
        path.chmod(0o400)
    mount("-t", "tmpfs", "-o", "mode=1777", "tmp", f"{root}/tmp")
    mount("-t", "tmpfs", "-o", f"uid={user},gid={user},mode=0700", "volume", f"{root}{place}")
    mount("-o", "remount,ro,bind", f"{root}/run/secrets")
    mount("-o", "remount,ro,bind", str(root))


class Container:
    """Commands inside, as its user and with its environment."""

    def __init__(self, root: Path, user: str, place: str, environment: Mapping[str, str]) -> None:
        uid, _, gid = user.partition(":")
        rights = ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--clear-groups"]
        entered = ["chroot", str(root), "/usr/bin/setpriv", f"--reuid={uid}", f"--regid={gid}", *rights]
        self._entered = [*entered, "/usr/bin/env", f"--chdir={place}", "--"]
        self._environment = dict(environment)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*self._entered, *words], env=self._environment)

    def answers(self, *words: str) -> tuple[int, str]:
        command = [*self._entered, *words]
        ended = subprocess.run(command, env=self._environment, capture_output=True, text=True)
        return ended.returncode, ended.stdout + ended.stderr


def main() -> None:
    root, user, place = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    command, check = (words.split("\n") for words in sys.argv[4:6])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    lay_out(root, int(user.partition(":")[0]), place)
    of_image = {name.removeprefix(PREFIX): value for name, value in os.environ.items() if name.startswith(PREFIX)}
    container = Container(
        root, user, place, of_image | {"BRIDGE_ACCESS": "jwt", "BRIDGE_SECRETS_DIR": "/run/secrets"}
    )
    for path in ("/opt/bridge", "/etc", "/"):
        status, said = container.answers("touch", f"{path}/written")
        assert (status, "Read-only" in said or "denied" in said) == (1, True), (path, said)
    with container.start(*command) as bridge:
        try:

            def is_healthy() -> bool:
                assert bridge.poll() is None, "it ended at its start"
                return container.answers(*check)[0] == 0

            wait_until(is_healthy)
            body = notice("an-order-of-nobody")
            headers = Gateway(GATEWAY_KEY).headers(body)
            answer = post(f"http://127.0.0.1:{PORT}/webhooks/shkeeper", content=body, headers=headers)
            assert answer.status_code == 202, answer.text
            running_as = Path(f"{root}/proc/{bridge.pid}/status").read_text()
            rights = dict(line.split(":", 1) for line in running_as.splitlines())
            assert rights["Uid"].split() == [user.partition(":")[0]] * 4
            assert {int(rights[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
            bridge.send_signal(signal.SIGTERM)
            assert bridge.wait(GIVE_UP_SECONDS) == 0
        finally:
            bridge.kill()
    assert container.answers(*check)[0] != 0, "the health check says the same of a bridge that has ended"
    version = json.dumps(container.answers("bridge", "--version")[1].strip())
    say(f"{version} ran as {user}, read-only: its health check and a webhook were answered, and it stopped with 0.")


if __name__ == "__main__":
    main()
