"""deploy/bridge.service: systemd finds nothing to say against it, and the bridge lives with what it forbids.

systemd itself does not run here. What its unit forbids by a filter of system calls, by memory that cannot be both
written and executed, and by new privileges, the kernel forbids the bridge in the same words.
"""

import ctypes
import functools
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.asking import get, post
from tests.bridge.http.exchanges import registration
from tests.commands import COLD
from tests.proxies import DEPLOY
from tests.system.conftest import GATEWAY_KEY, Gateway
from tests.waiting import GIVE_UP_SECONDS

UNIT = DEPLOY / "bridge.service"
SERVICE_TOKEN = "a-token-of-a-service-for-tests-only"
CREDENTIALS = {
    "BRIDGE_SHKEEPER_API_KEYS": GATEWAY_KEY,
    "services.toml": f'[marketplace]\ntoken = "{SERVICE_TOKEN}"\nregisters = ["payments"]\n',
}
"""What the unit has systemd bring."""
MOST_EXPOSED = 11
"""Tenths, of 100: what a network service needs."""
PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 38, 65
ERRNO_EPERM, ALLOW = 0x00050001, 0x7FFF0000


def settings_of_unit(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)


@functools.cache
def members(name: str) -> frozenset[str]:
    """The system calls in one of systemd's sets, and in the sets in it."""
    listed = subprocess.run(
        ["systemd-analyze", "syscall-filter", name], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    words = [line.strip() for line in listed.splitlines()[1:] if line.strip() and not line.strip().startswith("#")]
    return frozenset(call for word in words for call in (members(word) if word.startswith("@") else {word}))


def allowed_calls() -> list[str]:
    allowed: set[str] = set()
    for given in settings_of_unit("SystemCallFilter"):
        named = {call for name in given.lstrip("~").split() for call in members(name)}
        allowed = allowed - named if given.startswith("~") else allowed | named
    return sorted(allowed)


def confine(calls: list[str]) -> None:
    """Forbids the process that is to become the bridge what the unit forbids it."""
    kernel, filters = ctypes.CDLL(None, use_errno=True), ctypes.CDLL("libseccomp.so.2", use_errno=True)
    assert kernel.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    kernel.prctl(PR_SET_MDWE, 1, 0, 0, 0)  # of Linux 6.3 or newer
    filters.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(filters.seccomp_init(ERRNO_EPERM))
    for call in calls:
        number = filters.seccomp_syscall_resolve_name(call.encode())
        if number >= 0:  # others are of other machines
            assert filters.seccomp_rule_add(context, ALLOW, number, 0) == 0
    assert filters.seccomp_load(context) == 0


def test_systemd_has_little_to_say_against_it(tmp_path: Path) -> None:
    program = tmp_path / "bridge"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "bridge.service"
    unit.write_text(UNIT.read_text().replace("/opt/bridge/bin/bridge", str(program)))
    subprocess.run(["systemd-analyze", "verify", unit], check=True)
    judge = ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(unit)]
    judged = subprocess.run(judge, stdout=subprocess.PIPE, text=True)
    assert judged.returncode == 0, judged.stdout


def test_a_bridge_that_is_forbidden_all_that_the_unit_forbids_takes_a_webhook_and_ends(
    tmp_path: Path, gateway: Gateway
) -> None:
    calls = allowed_calls()
    assert "connect" in calls
    assert not {"setrlimit", "mount", "reboot", "ptrace", "nice"} & set(calls)
    secrets = tmp_path / "credentials"
    secrets.mkdir()
    (secrets / "BRIDGE_JWT_SECRETS").write_text("a secret of at least thirty-two bytes")
    for brought in settings_of_unit("LoadCredential"):
        name = brought.split(":")[0]
        assert name in CREDENTIALS, name
        (secrets / name).write_text(CREDENTIALS[name])
    variables = {"CREDENTIALS_DIRECTORY": str(secrets), "BRIDGE_ACCESS": "jwt", "PYTHONUNBUFFERED": "1"}
    [services_file] = [one for one in settings_of_unit("Environment") if one.startswith("BRIDGE_SERVICES_FILE=")]
    variables["BRIDGE_SERVICES_FILE"] = services_file.split("=")[1].replace("%d", str(secrets))
    with subprocess.Popen(
        [COLD, "serve", "--port", "0"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], **variables},
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=functools.partial(confine, calls),
    ) as bridge:
        try:
            assert bridge.stdout is not None
            said = ""
            while "Ctrl-C" not in said:
                said += (line := bridge.stdout.readline())
                assert line, said
            found = re.search(r"http://127\.0\.0\.1:\d+", said)
            assert found is not None
            assert get(f"{found[0]}/health/ready").json()["status"] == "ready"
            asked, bearer = registration(externalId="order-1"), {"Authorization": f"Bearer {SERVICE_TOKEN}"}
            assert post(f"{found[0]}/api/payments", json=asked).status_code == 401
            assert post(f"{found[0]}/api/payments", json=asked, headers=bearer).status_code == 201
            body = gateway.invoice("order-1", [], 10)
            assert (
                post(f"{found[0]}/webhooks/shkeeper", content=body, headers=gateway.headers(body)).status_code == 202
            )
            bridge.send_signal(signal.SIGTERM)
            assert bridge.wait(GIVE_UP_SECONDS) == 0
        finally:
            bridge.kill()


@pytest.mark.parametrize("setting", ["LoadCredential", "Environment"])
def test_what_it_sets_is_a_setting(setting: str) -> None:
    from bridge.settings import all_settings, variable_name

    known = {variable_name(name) for name in all_settings().model_fields}
    named = {re.split("[:=]", given)[0] for given in settings_of_unit(f"(?:# )?{setting}")}
    assert named
    assert named - {"services.toml"} <= known


def test_systemd_gives_it_more_time_to_stop_than_it_takes() -> None:
    from bridge.settings import Settings

    [seconds] = settings_of_unit("TimeoutStopSec")
    assert int(seconds) > Settings.model_fields["stop_seconds"].default
    assert shutil.which("systemd-analyze")
