"""What `bridge doctor`, and a start, say of the identity provider at which staff sign in."""

import json
from typing import Any

import pytest

from tests.forging_provider import forging_provider
from tests.identity_provider import CLIENT_SECRET, oidc_settings

OTHERS = {
    "BRIDGE_ACCESS": "jwt",
    "BRIDGE_PUBLIC_URL": "https://bridge.example",
    "BRIDGE_OIDC_CLIENT_SECRET": CLIENT_SECRET,
    "BRIDGE_PORT": "0",
}


def test_doctor_asks_the_provider_and_says_what_is_wrong(run: Any) -> None:
    with forging_provider() as provider:

        def said(**changes: str) -> str:
            told = run("doctor", **{**OTHERS, "BRIDGE_OIDC": oidc_settings(provider.url), **changes})
            printed: str = told.stdout
            assert CLIENT_SECRET not in printed + told.stderr
            return printed

        assert "staff sign in at Example ID, which knows the client and has no place to sign people out" in said()
        few = oidc_settings(provider.url, roles={"ops-view": ["finance"]})
        assert "gives nobody who signs in there ops-act or ops-approve" in said(BRIDGE_OIDC=few)
        provider.about = {
            "id_token_signing_alg_values_supported": ["HS256", "EdDSA"],
            "code_challenge_methods_supported": ["plain"],
        }
        assert "the provider signs with HS256, EdDSA" in said()
        assert "does not say that it knows PKCE" in said()
        provider.about = {}
        provider.tokens = 401, {"error": "invalid_client"}
        assert "it does not accept the client" in said()
        provider.about = {"issuer": "https://other.example"}
        assert "it calls itself by another issuer than oidc.issuer" in said()
    assert "the identity provider does not answer" in said()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"BRIDGE_ACCESS": "open"}, 'set access = "jwt"'),
        ({"BRIDGE_PUBLIC_URL": ""}, "oidc.issuer needs public_url"),
        ({"BRIDGE_PUBLIC_URL": "http://bridge.example"}, "oidc.issuer needs public_url"),
        ({"BRIDGE_OIDC_CLIENT_SECRET": ""}, "the client secret is missing"),
        ({"BRIDGE_OIDC_CLIENT_SECRET": "short"}, "the client secret has 5 bytes"),
        (
            {"BRIDGE_OIDC": json.dumps({"issuer": "https://id.example", "client_id": "bridge"})},
            "nobody could sign in",
        ),
        ({"BRIDGE_OIDC": json.dumps({"client_secret": "in the open"})}, "there is no such setting"),
    ],
)
def test_a_bridge_at_which_nobody_could_sign_in_as_they_should_does_not_start(
    run: Any, changes: dict[str, str], expected: str
) -> None:
    told = run("serve", **{**OTHERS, "BRIDGE_OIDC": oidc_settings("https://id.example"), **changes})
    assert told.returncode == 1
    assert expected in told.stderr
    assert "in the open" not in told.stderr


def test_the_client_secret_comes_from_a_file_too_and_never_from_the_configuration(run: Any, tmp_path: Any) -> None:
    (tmp_path / "secret").write_text(f"{CLIENT_SECRET}\n")
    (tmp_path / "secret").chmod(0o644)
    others = {name: value for name, value in OTHERS.items() if name != "BRIDGE_OIDC_CLIENT_SECRET"}
    with forging_provider() as provider:
        told = run("doctor", BRIDGE_OIDC=oidc_settings(provider.url, client_secret_file="secret"), **others)
    assert "staff sign in at Example ID" in told.stdout
    assert "others on this machine can read secret" in told.stdout
    (tmp_path / "bridge.toml").write_text(f'oidc_client_secret = "{CLIENT_SECRET}"\n')
    told = run("doctor", "--config", "bridge.toml", **others)
    assert "set BRIDGE_OIDC_CLIENT_SECRET" in told.stdout
    assert CLIENT_SECRET not in told.stdout
