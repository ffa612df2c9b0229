"""Tokens: whose they are, and every way in which one may be none. The forged ones are made here by hand."""

import base64
import hashlib
import hmac
import json
import os
import time
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Self

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from bridge.access import KeysError, TokenError
from bridge.access.tokens import TokenVerifier

SECRET = "a secret of at least thirty-two bytes"
OTHER_SECRET = "another secret of thirty-two bytes or more"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def jwk(key: Any, **members: Any) -> dict[str, Any]:
    algorithm = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**json.loads(algorithm.to_jwk(key.public_key())), **members}


def claims(**changes: Any) -> dict[str, Any]:
    every = {"sub": "u1", "exp": int(time.time()) + 600, **changes}
    return {name: value for name, value in every.items() if value is not None}


def signed(key: Any = SECRET, algorithm: str = "HS256", kid: str | None = None, /, **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm, headers={"kid": kid} if kid else None)


def encoded(part: object) -> str:
    text = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def by_hand(header: object, body: object, secret: bytes) -> str:
    """A token with any header, signed with HMAC-SHA256 whatever the header says."""
    signing = f"{encoded(header)}.{encoded(body)}"
    return f"{signing}.{encoded(hmac.new(secret, signing.encode(), hashlib.sha256).digest())}"


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [jwk(RSA_KEY, kid="r1"), jwk(EC_KEY, kid="e1")]}))
    return path


def refusal(verifier: TokenVerifier, token: object) -> tuple[str, str]:
    with pytest.raises(TokenError) as caught:
        verifier.principal(token)
    assert not isinstance(token, str) or len(token) < 8 or token not in str(caught.value)
    return caught.value.code, str(caught.value)


def test_a_token_says_who_somebody_is_and_what_they_are_granted() -> None:
    token = signed(requests=["r1"], chats=["c1", "c2"], checkouts=["k1"], exp=2_000_000_000)
    principal = TokenVerifier(secrets=[SECRET], leeway_seconds=0).principal(token)
    assert (principal.user_id, principal.is_staff) == ("u1", False)
    assert principal.rooms == {
        *("user-u1", "seller-u1", "sellers", "buyer-u1", "buyers"),
        *("request-r1", "chat-c1", "chat-c2", "template-checkout-k1"),
    }
    assert principal.expires_at == datetime.fromtimestamp(2_000_000_000, UTC)
    assert principal.may_see("chat-c2")
    assert not principal.may_see("chat-c3")
    assert not principal.may_see("ops")
    assert principal.may_speak_for("u1")
    assert not principal.may_speak_for("u2")


def test_staff_see_everything_and_still_speak_for_themselves_alone() -> None:
    principal = TokenVerifier(secrets=[SECRET]).principal(signed(sub="s1", staff=True))
    assert principal.is_staff
    assert principal.may_see("ops")
    assert principal.may_see("user-u2")
    assert principal.may_see_payment(parties=["b9", "s9"], in_rooms=["request-r9"])
    assert not principal.may_speak_for("u2")


def test_a_payment_is_for_its_parties_and_whoever_sees_its_request() -> None:
    verifier = TokenVerifier(secrets=[SECRET])
    for changes, sees in (
        ({"sub": "b1"}, True),
        ({"sub": "s1"}, True),
        ({"sub": "u1", "requests": ["r1"]}, True),
        ({"sub": "u1"}, False),
        ({"sub": "r1"}, False),
    ):
        principal = verifier.principal(signed(**changes))
        assert principal.may_see_payment(parties=["b1", "s1"], in_rooms=["request-r1"]) is sees


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [(RSA_KEY, "RS256", "r1"), (RSA_KEY, "RS256", None), (EC_KEY, "ES256", "e1"), (SECRET, "HS256", None)],
)
def test_each_algorithm_is_accepted_with_its_key(jwks: Path, key: Any, algorithm: str, kid: str | None) -> None:
    verifier = TokenVerifier(secrets=[OTHER_SECRET, SECRET], jwks_file=jwks)
    assert verifier.principal(signed(key, algorithm, kid)).user_id == "u1"


def test_an_unsigned_token_is_refused_however_it_is_spelled(jwks: Path) -> None:
    verifier = TokenVerifier(secrets=[SECRET], jwks_file=jwks)
    spellings: list[object] = ["none", "None", "NONE", "nOnE", "", None, 5, ["HS256"], {}]
    for algorithm in spellings:
        for signature in ("", "AA", encoded(b"\x00" * 32)):
            token = f"{encoded({'alg': algorithm, 'typ': 'JWT'})}.{encoded(claims())}.{signature}"
            assert refusal(verifier, token)[0] == "token_invalid"


def test_a_public_key_is_no_secret(jwks: Path) -> None:
    verifier = TokenVerifier(jwks_file=jwks)
    public = RSA_KEY.public_key()
    encodings = (serialization.Encoding.PEM, serialization.Encoding.DER)
    formats = (serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PublicFormat.PKCS1)
    secrets = [public.public_bytes(encoding, form) for encoding in encodings for form in formats]
    secrets += [secrets[0].rstrip(), json.dumps(jwk(RSA_KEY, kid="r1")).encode(), b""]
    for secret in secrets:
        for algorithm in ("HS256", "RS256"):
            for header in ({"alg": algorithm, "kid": "r1"}, {"alg": algorithm}):
                assert refusal(verifier, by_hand(header, claims(), secret))[0] == "token_invalid"


def test_a_token_of_another_key_is_refused(jwks: Path) -> None:
    verifier = TokenVerifier(secrets=[SECRET], jwks_file=jwks)
    forged = [
        signed(OTHER_SECRET),
        signed(OTHER_RSA_KEY, "RS256", "r1"),
        signed(RSA_KEY, "RS256", "e1"),
        signed(RSA_KEY, "RS256", "unknown"),
        signed(RSA_KEY, "PS256", "r1"),
        signed(RSA_KEY, "RS512", "r1"),
        signed(SECRET * 2, "HS512"),
        signed(ec.generate_private_key(ec.SECP256R1()), "ES256", "e1"),
    ]
    for token in forged:
        assert refusal(verifier, token)[0] == "token_invalid"


def test_a_changed_token_is_refused() -> None:
    verifier = TokenVerifier(secrets=[SECRET])
    header, body, signature = signed().split(".")
    assert refusal(verifier, f"{header}.{encoded(claims(staff=True))}.{signature}")[0] == "token_invalid"
    assert refusal(verifier, f"{header}.{body}.{signature[:-4]}AAAA")[0] == "token_invalid"
    assert refusal(verifier, f"{header}.{body}")[0] == "token_invalid"


def test_times_count_with_the_leeway_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    now = int(time.time())

    class StandingStill(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(now, tz)

    monkeypatch.setattr("jwt.api_jwt.datetime", StandingStill)
    strict, lenient = TokenVerifier(secrets=[SECRET], leeway_seconds=0), TokenVerifier(secrets=[SECRET])
    just_expired, long_expired = signed(exp=now - 5), signed(exp=now - 60)
    assert refusal(strict, just_expired)[0] == "token_expired"
    assert lenient.principal(just_expired).expires_at == datetime.fromtimestamp(now - 5 + 30, UTC)
    assert refusal(lenient, long_expired)[0] == "token_expired"
    for early in (signed(nbf=now + 10), signed(iat=now + 10)):
        assert "clocks" in refusal(strict, early)[1]
        assert lenient.principal(early).user_id == "u1"
    assert "clocks" in refusal(lenient, signed(nbf=now + 600))[1]


def test_an_audience_and_an_issuer_must_be_those_that_are_named() -> None:
    named = TokenVerifier(secrets=[SECRET], audience="bridge", issuer="https://shop.example")
    good = {"aud": ["shop", "bridge"], "iss": "https://shop.example"}
    assert named.principal(signed(**good)).user_id == "u1"
    assert "audience" in refusal(named, signed(**{**good, "aud": "shop"}))[1]
    assert "issuer" in refusal(named, signed(**{**good, "iss": "https://evil.example"}))[1]
    assert "claim aud" in refusal(named, signed(iss="https://shop.example"))[1]
    assert "claim iss" in refusal(named, signed(aud="bridge"))[1]
    assert "audience" in refusal(TokenVerifier(secrets=[SECRET]), signed(aud="somebody else"))[1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sub": None}, "claim sub"),
        ({"exp": None}, "claim exp"),
        ({"sub": ""}, "sub"),
        ({"sub": "a\nb"}, "sub"),
        ({"sub": "a" * 201}, "sub"),
        ({"exp": 1e300}, ""),
        ({"exp": 10**18}, ""),
        ({"staff": "yes"}, "staff"),
        ({"staff": 1}, "staff"),
        ({"requests": "r1"}, "requests"),
        ({"chats": [5]}, "chats"),
        ({"checkouts": {"k1": True}}, "checkouts"),
        ({"requests": [f"r{number}" for number in range(1_001)]}, "requests"),
    ],
)
def test_claims_that_are_not_as_they_should_be_are_named(changes: dict[str, Any], words: str) -> None:
    code, message = refusal(
        TokenVerifier(secrets=[SECRET]), by_hand({"alg": "HS256"}, claims(**changes), SECRET.encode())
    )
    assert code == "token_invalid"
    assert words in message


@pytest.mark.parametrize("token", [None, ""])
def test_no_token_is_missing(token: object) -> None:
    assert refusal(TokenVerifier(secrets=[SECRET]), token)[0] == "token_missing"


@given(
    token=st.one_of(st.integers(), st.binary(), st.lists(st.text()), st.text(min_size=1), st.just("a.b.c" * 50_000))
)
def test_whatever_is_no_token_is_invalid(token: object) -> None:
    assert refusal(TokenVerifier(secrets=[SECRET]), token)[0] == "token_invalid"


@given(header=st.binary(max_size=60), body=st.binary(max_size=60))
def test_what_is_signed_well_but_no_token_is_invalid(header: bytes, body: bytes) -> None:
    assert refusal(TokenVerifier(secrets=[SECRET]), by_hand(header, body, SECRET.encode()))[0] == "token_invalid"
    nested = b'{"sub":' + b"[" * 5_000 + b"]" * 5_000 + b"}"
    assert refusal(TokenVerifier(secrets=[SECRET]), by_hand({"alg": "HS256"}, nested, SECRET.encode()))


def test_a_changed_file_of_keys_is_read_again_and_what_left_it_is_refused_at_once(jwks: Path) -> None:
    verifier = TokenVerifier(jwks_file=jwks)
    new_token = signed(OTHER_RSA_KEY, "RS256", "r2")
    assert refusal(verifier, new_token)[0] == "token_invalid"
    rewrite(jwks, {"keys": [jwk(OTHER_RSA_KEY, kid="r2")]})
    assert verifier.principal(new_token).user_id == "u1"
    assert refusal(verifier, signed(RSA_KEY, "RS256", "r1"))[0] == "token_invalid"
    rewrite(jwks, {"keys": []})
    assert refusal(verifier, new_token)[0] == "token_invalid"


@pytest.mark.parametrize("name", ["jwks.json", "jwt.secrets"])
def test_a_file_that_is_gone_is_told_of_and_its_keys_count_for_a_moment_only(
    jwks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "jwt.secrets").write_text(f"{SECRET}\n")
    verifier = TokenVerifier(
        jwks_file=jwks if name == "jwks.json" else None,
        secrets_file=tmp_path / "jwt.secrets" if name == "jwt.secrets" else None,
    )
    token = signed(RSA_KEY, "RS256", "r1") if name == "jwks.json" else signed()
    assert verifier.trouble() is None
    (tmp_path / name).unlink()
    assert verifier.principal(token).user_id == "u1"
    assert f"{name}: No such file" in (verifier.trouble() or "")
    monkeypatch.setattr("bridge.access.watched_file.GRACE_SECONDS", 0)
    assert refusal(verifier, token)[0] == "token_invalid"


def test_a_token_says_by_which_key_it_was_proven(jwks: Path) -> None:
    verifier = TokenVerifier(secrets=[SECRET], jwks_file=jwks)
    by_secret, by_rsa = verifier.principal(signed()), verifier.principal(signed(RSA_KEY, "RS256", "r1"))
    assert {str(by_secret.proven_by), str(by_rsa.proven_by)} < verifier.key_names()
    rewrite(jwks, {"keys": [jwk(EC_KEY, kid="e1")]})
    assert by_secret.proven_by in verifier.key_names()
    assert by_rsa.proven_by not in verifier.key_names()


SMALL_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)
ED25519 = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "ed"}


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (ED25519, "is neither an RSA key"),
        (5, "is not an object"),
        ({**jwk(RSA_KEY), "use": "enc"}, "not for signatures"),
        ({**jwk(RSA_KEY), "key_ops": ["encrypt"]}, "not to verify with"),
        ({**jwk(RSA_KEY), "key_ops": "verify"}, "not to verify with"),
        ({**jwk(RSA_KEY), "alg": "RS512"}, "is for RS512"),
        ({**jwk(RSA_KEY), "alg": ["RS256"]}, "is for None"),
        (jwk(SMALL_RSA_KEY), "1024 bits"),
        (jwk(ec.generate_private_key(ec.SECP384R1())), "is neither"),
        ({"kty": "RSA", "n": 5, "e": "AQAB"}, "not a well-formed"),
        ({"kty": "EC", "crv": "P-256", "x": "AA"}, "not a well-formed"),
    ],
)
def test_a_key_that_does_not_serve_is_ignored_in_one_line_and_the_others_serve(
    jwks: Path, caplog: pytest.LogCaptureFixture, entry: object, why: str
) -> None:
    jwks.write_text(json.dumps({"keys": [entry, jwk(EC_KEY, kid="e1", use="sig", key_ops=["verify"])]}))
    verifier = TokenVerifier(jwks_file=jwks)
    assert verifier.principal(signed(EC_KEY, "ES256", "e1")).user_id == "u1"
    assert refusal(verifier, signed(RSA_KEY, "RS256"))[0] == "token_invalid"
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1
    assert why in told[0]


def rewrite(path: Path, content: object) -> None:
    before = path.stat().st_mtime_ns
    path.write_text(json.dumps(content))
    os.utime(path, ns=(before + 1_000_000, before + 1_000_000))  # also on a file system with coarse times


def with_private_key() -> dict[str, Any]:
    return json.loads(jwt.algorithms.ECAlgorithm.to_jwk(EC_KEY))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not JSON"),
        ("[]", "no JWK set"),
        ('{"keys": []}', "no key that serves here: it is empty"),
        ("[" * 15_000, "nests too deeply"),
        ('{"keys": [5]}', "key 0 is not an object"),
        (
            json.dumps({"keys": [jwk(EC_KEY), {"kty": "oct", "k": "c2VjcmV0"}]}),
            "key 1 holds a private key or a secret",
        ),
        (json.dumps({"keys": [with_private_key()]}), "key 0 holds a private key"),
        (json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA"}]}), "key 0 is neither"),
        (json.dumps({"keys": [jwk(ec.generate_private_key(ec.SECP384R1()))]}), "key 0 is neither"),
        (json.dumps({"keys": [{"kty": "RSA", "n": "!", "e": "AQAB"}]}), "not a well-formed RS256 key"),
        (json.dumps({"keys": [jwk(RSA_KEY, alg="PS256")]}), "key 0 is for PS256"),
    ],
)
def test_a_file_of_keys_that_cannot_be_used_is_explained(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(content)
    with pytest.raises(KeysError) as caught:
        TokenVerifier(jwks_file=path)
    assert words in str(caught.value)
    assert "c2VjcmV0" not in str(caught.value)


def test_keys_are_needed_and_secrets_must_not_be_guessable(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="neither"):
        TokenVerifier()
    with pytest.raises(KeysError, match="at least 32") as caught:
        TokenVerifier(secrets=["too short"])
    assert "too short" not in str(caught.value)
    for guessable in ("a" * 32, "abc" * 20, "0" * 64):
        with pytest.raises(KeysError, match="random") as caught:
            TokenVerifier(secrets=[guessable])
        assert guessable not in str(caught.value)
    with pytest.raises(KeysError, match="cannot read"):
        TokenVerifier(jwks_file=tmp_path / "none.json")
