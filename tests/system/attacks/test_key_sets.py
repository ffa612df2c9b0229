"""Keys of a running bridge: what is taken back is refused at once and shut out within seconds, and a file that is
gone is seen and opens nothing."""

import json
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.warnings import InsecureKeyLengthWarning

from tests.asking import get, post
from tests.conftest import BridgeProcess, StartBridge
from tests.system.attacks.strangers import Stranger
from tests.system.conftest import StartListener
from tests.waiting import GIVE_UP_SECONDS, wait_until

NEVER = 4_102_444_800
SERVICE_TOKEN, OTHER_TOKEN = "the-token-of-the-shop", "the-token-of-the-chat"
FIRST, SECOND = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
ED25519 = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "ed"}


def key_set(*keys: Any) -> str:
    public = [
        one if isinstance(one, dict) else json.loads(jwt.algorithms.ECAlgorithm.to_jwk(one.public_key()))
        for one in keys
    ]
    return json.dumps({"keys": public})


def token(key: Any, user_id: str = "u1", *, expires_at: float = NEVER) -> str:
    return jwt.encode({"sub": user_id, "exp": expires_at, "staff": True}, key, "ES256")


def services(*tokens: str) -> str:
    may = 'registers = ["payments", "payouts"]\npublishes = ["chat"]\napproves = ["payouts"]'
    return "\n".join(f'[service-{number}]\ntoken = "{one}"\n{may}' for number, one in enumerate(tokens))


class Files:
    """Those that the bridge reads."""

    def __init__(self, folder: Path) -> None:
        self.keys, self.services = folder / "jwks.json", folder / "services.toml"
        self.keys.write_text(key_set(FIRST, SECOND, ED25519))
        self.services.write_text(services(SERVICE_TOKEN, OTHER_TOKEN))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def bridge(make_bridge: StartBridge, files: Files) -> BridgeProcess:
    return make_bridge(
        BRIDGE_ACCESS="jwt", BRIDGE_JWT_JWKS_FILE=str(files.keys), BRIDGE_SERVICES_FILE=str(files.services)
    )


def status(bridge: BridgeProcess, bearer: str, path: str = "/api/notifications/unread-count") -> int:
    return get(f"{bridge.url}{path}", headers={"Authorization": f"Bearer {bearer}"}).status_code


def may_write(bridge: BridgeProcess, bearer: str | None) -> bool:
    headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
    answered = post(f"{bridge.url}/api/payments", json={}, headers=headers).status_code
    assert answered in (400, 401)  # what is asked for makes no sense, or nobody knows who asks
    return answered == 400


def readiness(bridge: BridgeProcess) -> dict[str, str]:
    checks: dict[str, str] = get(f"{bridge.url}/health/ready").json()["checks"]
    return checks


def test_whose_key_is_taken_back_is_told_so_and_shut_out(
    bridge: BridgeProcess, files: Files, listen: StartListener
) -> None:
    first = listen(bridge.url, [["join-user-room", "u1"]], token(FIRST), token(SECOND))
    second = listen(bridge.url, [["join-user-room", "u2"]], token(SECOND, "u2"))
    files.keys.write_text(key_set(SECOND, ED25519))
    assert status(bridge, token(FIRST)) == 401
    assert status(bridge, token(SECOND)) == 200
    ended = first.wait_for(lambda line: line.get("event") == "session-ended")
    assert ended["args"][0]["reason"] == "key_withdrawn"
    first.wait_for(lambda line: "ready" in line)  # with the token that it has by then
    second.fence()
    assert "session-ended" not in [event for event, _ in second.events]


def test_a_key_of_an_unknown_kind_is_ignored_with_one_line(bridge: BridgeProcess) -> None:
    assert status(bridge, token(FIRST)) == 200
    told = [line for line in bridge.log.read_text().splitlines() if "is ignored" in line]
    assert len(told) == 1
    assert "key 2 is neither an RSA key nor an EC key on P-256" in told[0]


@pytest.mark.parametrize("content", [None, "{", "[" * 100_000])
def test_keys_of_a_file_that_is_gone_are_seen_as_such_and_then_refused(
    bridge: BridgeProcess, files: Files, content: str | None, listen: StartListener
) -> None:
    client = listen(bridge.url, [], token(FIRST))
    assert readiness(bridge)["keys"] == "ok"
    if content is None:
        files.keys.unlink()
    else:
        files.keys.write_text(content)
    assert readiness(bridge)["keys"].startswith(f"degraded: {'cannot read ' if content is None else ''}{files.keys}")
    wait_until(lambda: status(bridge, token(FIRST)) == 401)
    client.wait_for(lambda line: line.get("event") == "session-ended")
    assert "ERROR" in bridge.log.read_text()
    files.keys.write_text(key_set(FIRST))
    assert status(bridge, token(FIRST)) == 200
    assert readiness(bridge)["keys"] == "ok"


def test_a_service_that_is_taken_out_may_not_write_and_none_left_opens_no_door(
    bridge: BridgeProcess, files: Files
) -> None:
    assert may_write(bridge, SERVICE_TOKEN)
    files.services.write_text(services(OTHER_TOKEN))
    assert not may_write(bridge, SERVICE_TOKEN)
    assert may_write(bridge, OTHER_TOKEN)
    files.services.unlink()
    assert readiness(bridge)["services"].startswith("degraded: cannot read")
    wait_until(lambda: not may_write(bridge, OTHER_TOKEN))
    assert not may_write(bridge, None)


def begins(stranger: Stranger, path: str, bearer: str) -> bool:
    """A request whose body has begun, if its sender is found good: the bridge says that it may go on."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {bearer}\r\nContent-Length: 2\r\n"
    stranger.send(f"{head}Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n".encode())
    if stranger.answer("HEAD").status != 100:
        return False
    stranger.send(b"{")
    return True


def acting(bridge: BridgeProcess) -> dict[str, list[str]]:
    """The paths of the routes that act, by whose token they take."""
    paths: dict[str, list[str]] = {"serviceToken": [], "userToken": []}
    for path, item in get(f"{bridge.url}/schema/openapi.json").json()["paths"].items():
        if security := item.get("post", {}).get("security"):
            paths[next(iter(security[0]))].append(path.replace("{", "").replace("}", ""))
    return paths


def test_whose_token_was_taken_back_while_the_body_came_is_refused_by_every_route_that_acts(
    bridge: BridgeProcess, files: Files
) -> None:
    paths = acting(bridge)
    bearers = {"serviceToken": SERVICE_TOKEN, "userToken": token(FIRST)}
    assert min(map(len, paths.values())) > 5
    with ExitStack() as connections:
        begun = [(path, connections.enter_context(Stranger(bridge))) for kind in paths for path in paths[kind]]
        for path, stranger in begun:
            assert begins(stranger, path, bearers["serviceToken" if path in paths["serviceToken"] else "userToken"])
        files.services.write_text(services(OTHER_TOKEN))
        files.keys.write_text(key_set(SECOND))
        for _, stranger in begun:
            stranger.send(b"}")
        answered = {path: stranger.answer().status for path, stranger in begun}
    assert {path: status for path, status in answered.items() if status != 401} == {}


def test_a_token_that_expired_while_the_body_came_is_refused(make_bridge: StartBridge, files: Files) -> None:
    bridge = make_bridge(BRIDGE_ACCESS="jwt", BRIDGE_JWT_JWKS_FILE=str(files.keys), BRIDGE_JWT_LEEWAY_SECONDS="0")
    lives_seconds, is_begun = 2, False
    while not is_begun:  # where a machine is so slow that it had expired before
        short = token(FIRST, expires_at=int(time.time()) + lives_seconds)
        with Stranger(bridge) as stranger:
            if is_begun := begins(stranger, "/api/ops/attention/dismissal", short):
                wait_until(lambda: status(bridge, short) == 401)  # noqa: B023
                stranger.send(b"}")
                assert stranger.answer().status == 401
        lives_seconds *= 2
        assert lives_seconds < GIVE_UP_SECONDS


def test_where_users_bring_no_tokens_no_services_left_opens_no_door_either(
    make_bridge: StartBridge, files: Files
) -> None:
    bridge = make_bridge(BRIDGE_SERVICES_FILE=str(files.services))
    assert may_write(bridge, SERVICE_TOKEN)
    assert not may_write(bridge, None)
    files.services.write_text("")
    assert not may_write(bridge, SERVICE_TOKEN)
    assert not may_write(bridge, None)


def test_services_that_are_named_later_shut_the_door_behind_them(make_bridge: StartBridge, files: Files) -> None:
    files.services.write_text("")
    bridge = make_bridge(BRIDGE_SERVICES_FILE=str(files.services))
    assert may_write(bridge, None)
    files.services.write_text(services(SERVICE_TOKEN))
    assert not may_write(bridge, None)
    assert may_write(bridge, SERVICE_TOKEN)


def test_a_small_rsa_key_is_no_key(make_bridge: StartBridge, files: Files) -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    entry = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(small.public_key()))
    files.keys.write_text(key_set(FIRST, entry))
    bridge = make_bridge(BRIDGE_ACCESS="jwt", BRIDGE_JWT_JWKS_FILE=str(files.keys))
    with pytest.warns(InsecureKeyLengthWarning):
        signed = jwt.encode({"sub": "u1", "exp": NEVER}, small, "RS256")
    assert status(bridge, signed) == 401
    assert "has 1024 bits" in bridge.log.read_text()
