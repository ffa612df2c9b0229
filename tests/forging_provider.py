"""An identity provider that says what a test has it say, also what no certified one would."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.answering_server import Asked, answering_requests
from tests.waiting import GIVE_UP_SECONDS

__all__ = ["FORGED_KEY", "OWN_KEY", "ForgingProvider", "forging_provider", "key_set"]

OWN_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FORGED_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_set(**keys: Any) -> dict[str, Any]:
    """A JWK set of some keys, by their ids."""
    to_jwk = jwt.algorithms.RSAAlgorithm.to_jwk
    return {"keys": [{**json.loads(to_jwk(key.public_key())), "kid": name} for name, key in keys.items()]}


class ForgingProvider:
    """What it says, and what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.begin_anew()

    def begin_anew(self) -> None:
        """It is honest again, and has been asked nothing."""
        self.about: dict[str, Any] = {}
        """What it says of itself otherwise than as it is."""
        self.keys: dict[str, Any] = key_set(own=OWN_KEY)
        self.tokens: tuple[int, dict[str, Any]] | None = (400, {"error": "invalid_grant"})
        """What it gives for codes and refresh tokens; None: it hangs up."""
        self.may_answer = threading.Event()
        """Until then nobody is given anything."""
        self.may_answer.set()
        self.asked: list[Asked] = []

    def answer(self, asked: Asked) -> tuple[int, Any] | None:
        self.asked.append(asked)
        if asked.path == "/.well-known/openid-configuration":
            return 200, {**self.truth, **self.about}
        if asked.path == "/keys":
            return 200, self.keys
        if asked.path != "/token":
            return 200, {}
        self.may_answer.wait(GIVE_UP_SECONDS)
        return self.tokens

    @property
    def truth(self) -> dict[str, Any]:
        names = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        return {"issuer": self.url, **{name: f"{self.url}{path}" for name, path in names.items()}}

    def said_to(self, path: str) -> list[dict[str, str]]:
        """The forms that came to a path."""
        return [
            {name: value for name, [value] in parse_qs(one.body.decode()).items()}
            for one in self.asked
            if one.path == path
        ]

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        usual = {"iss": self.url, "aud": "bridge", "sub": "ada", "iat": now, "exp": now + 600, "roles": ["finance"]}
        return {name: value for name, value in {**usual, **changes}.items() if value is not None}

    def gives(self, id_token: object, **others: Any) -> None:
        self.tokens = 200, {"token_type": "Bearer", "access_token": "unused", "id_token": id_token, **others}

    def signs(self, key: Any = OWN_KEY, algorithm: str = "RS256", kid: str = "own", **changes: Any) -> str:
        return jwt.encode(self.claims(**changes), key, algorithm, headers={"kid": kid})


@contextmanager
def forging_provider() -> Iterator[ForgingProvider]:
    provider = ForgingProvider()
    with answering_requests(provider.answer) as url:
        provider.url = url
        yield provider
