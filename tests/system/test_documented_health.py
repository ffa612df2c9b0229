"""The chapter "Health" of docs/operations.md has every part that bridges really answer for, and no other."""

import json
import re
from pathlib import Path

from tests.asking import get
from tests.conftest import StartBridge
from tests.documented import chapters_of
from tests.postgresql import journal_cluster
from tests.system.conftest import GATEWAY_KEY

SECRET = "a secret of at least thirty-two bytes"
NOBODY = "127.0.0.1:9"
# Only where something waited at the start at a provider that is set up no more: tests/system/shkeeper/ has that.
AT_UNSET_PROVIDERS = "providers"


def parts_of_the_chapter() -> set[str]:
    return set(re.findall(r"^\| `([a-z-]+)` \|", chapters_of("operations.md")["Health"], re.MULTILINE))


def test_each_part_that_is_answered_for_is_documented_and_the_other_way_around(
    make_bridge: StartBridge, tmp_path: Path
) -> None:
    services, signing, chat = tmp_path / "services.toml", tmp_path / "grants.secret", tmp_path / "chat.url"
    services.write_text('[shop]\ntoken = "a-token-of-a-service-for-tests-only"\nregisters = ["payments"]\n')
    signing.write_text("whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    chat.write_text(f"http://{NOBODY}/hook")
    roles = {"ops-view": ["finance"]}
    settings = {
        "BRIDGE_ACCESS": "jwt",
        "BRIDGE_JWT_SECRETS": SECRET,
        "BRIDGE_SERVICES_FILE": str(services),
        "BRIDGE_PUBLIC_URL": "https://bridge.example",
        "BRIDGE_GRANTS": json.dumps({"url": f"https://{NOBODY}/grants", "secret_file": str(signing)}),
        "BRIDGE_OIDC": json.dumps({"issuer": f"http://{NOBODY}", "client_id": "bridge", "roles": roles}),
        "BRIDGE_OIDC_CLIENT_SECRET": SECRET,
        "BRIDGE_ALERTS": json.dumps({"channels": {"chat": {"kind": "chat", "url_file": str(chat)}}}),
        "BRIDGE_SHKEEPER_API_KEYS": GATEWAY_KEY,
        "BRIDGE_SHKEEPER_URL": f"http://{NOBODY}",
        "BRIDGE_SHKEEPER_USER": "admin",
        "BRIDGE_SHKEEPER_PASSWORD": "a password for tests",
    }
    with journal_cluster() as cluster:
        bridges = [make_bridge(**settings), make_bridge(BRIDGE_DATABASE_URL=cluster.journal_url())]
        answers = [get(f"{bridge.url}/health/ready") for bridge in bridges]
        assert get(f"{bridges[0].url}/health/live").json() == {"status": "alive"}
        for bridge in bridges:
            bridge.kill()
    assert [(answer.status_code, answer.json()["status"]) for answer in answers] == [(200, "ready")] * 2
    answered = {part for answer in answers for part in answer.json()["checks"]}
    assert answered - {"shkeeper"} == parts_of_the_chapter() - {AT_UNSET_PROVIDERS}


def test_the_description_of_the_answer_names_each_of_them() -> None:
    from bridge.http.health import Readiness

    described = Readiness.model_fields["checks"].description or ""
    assert {part for part in parts_of_the_chapter() if f"`{part}`" not in described} == set()
