"""The identity provider, as the bridge asks it: what it says of itself (OpenID Connect Discovery 1.0), its keys, and
what it gives for codes and refresh tokens. Each question has a deadline, its answer a bound, and whatever is no whole
answer signs nobody in. No code, token or secret stands in an error.
"""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bridge.access.errors import KeysError, SignInError
from bridge.access.id_tokens import OtherKeyError, Person, person_in
from bridge.access.key_sets import Key, keys_of_set
from bridge.access.oidc_settings import OidcClient
from coordinator.json_text import NotJsonError, json_in
from providers.answers import HttpAnswer, NeighbourError, ask, neighbour
from providers.circuit import ONE_OF_A_KIND, Circuit, show_circuit
from providers.concurrency import ConcurrencyLimit, CrowdedError, TurnTooLateError
from providers.findings import is_private

__all__ = ["Discovered", "IdentityProvider", "ProviderAnswer", "error_word"]

ANSWER_LIMIT_BYTES = 500_000
# What it says of itself, and its keys, are asked for again after so long; keys also where one of them is not known.
REMEMBERED_SECONDS = 3_600.0
# Staff, and whoever tries codes that are none. The others wait, or are told to try again.
QUESTIONS_AT_ONCE, WAITING_LIMIT = 8, 100
# By how much the clocks of provider and bridge may be apart.
LEEWAY = timedelta(seconds=30)


class Discovered(BaseModel):
    """What a provider says of itself, as far as it means something here."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None = None
    revocation_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    id_token_signing_alg_values_supported: tuple[str, ...] = ()
    code_challenge_methods_supported: tuple[str, ...] = ()
    names_itself: bool = Field(False, alias="authorization_response_iss_parameter_supported")
    """Whether it says who it is wherever it sends a browser back (RFC 9207)."""

    @field_validator(
        "authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint", "revocation_endpoint"
    )
    @classmethod
    def _is_safe(cls, value: str | None) -> str | None:
        if value is None:
            return None
        is_plain = value.isprintable() and " " not in value and "#" not in value
        if not (is_plain and is_private(value) and urlsplit(value).hostname):
            raise ValueError("expected an address that begins with https://")
        return value


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """What the provider gave: who somebody is, and by what that is renewed, if it can be."""

    person: Person
    refresh_token: str | None


class IdentityProvider:
    """Asks one provider."""

    def __init__(self, client: OidcClient, *, clock: Callable[[], float] = monotonic) -> None:
        self._client = client
        self._settings = client.settings
        self._clock = clock
        self._http = neighbour()
        self._circuit = Circuit(clock, self._is_there, ONE_OF_A_KIND)
        show_circuit("identity-provider", self._circuit)
        self._trouble: str | None = None
        """Why the last question was not answered; None if it was."""
        self._concurrency = ConcurrencyLimit(QUESTIONS_AT_ONCE, waiting_limit=WAITING_LIMIT)
        self._looking = asyncio.Lock()
        self._discovered: tuple[float, Discovered] | None = None
        self._keys: tuple[float, list[Key]] | None = None

    async def aclose(self) -> None:
        await self._circuit.aclose()
        await self._http.aclose()

    def trouble(self) -> str | None:
        """What keeps people from signing in; None if nothing does, as far as is known."""
        return None if self._trouble is None else f"nobody can sign in: {self._trouble}"

    async def discovered(self) -> Discovered:
        """What it says of itself. Raises SignInError."""
        async with self._looking:
            if self._discovered is None or self._clock() >= self._discovered[0] + REMEMBERED_SECONDS:
                said = await self._asked_for(self._where_it_says, "what it says of itself")
                self._discovered = self._clock(), self._believed(said)
            return self._discovered[1]

    @property
    def _where_it_says(self) -> str:
        return f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration"

    def _believed(self, content: bytes) -> Discovered:
        try:
            found = Discovered.model_validate(json_in(content))
        except ValidationError as error:
            names = ", ".join(sorted({str(fault["loc"][0]) for fault in error.errors() if fault["loc"]}))
            raise self._wrong(f"what it says of itself lacks something, or has an unsafe address: {names}") from None
        except NotJsonError:
            raise self._wrong("what it says of itself is not JSON; is oidc.issuer its issuer?") from None
        if found.issuer != self._settings.issuer:
            raise self._wrong("it calls itself by another issuer than oidc.issuer")
        return found

    async def keys(self, *, anew: bool = False) -> list[Key]:
        """Those that it signs with. Raises SignInError."""
        where = (await self.discovered()).jwks_uri
        async with self._looking:
            if anew or self._keys is None or self._clock() >= self._keys[0] + REMEMBERED_SECONDS:
                content = await self._asked_for(where, "its keys")
                try:
                    self._keys = self._clock(), keys_of_set(content, where)
                except KeysError as error:
                    raise self._wrong(f"its keys do not serve: {error}") from None
            return self._keys[1]

    async def address_to_sign_in(self, parameters: Mapping[str, str]) -> str:
        """Where a browser is sent, so that somebody signs in. Raises SignInError."""
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "scope": self._settings.scopes,
            "code_challenge_method": "S256",
            **parameters,
        }
        return _with_query((await self.discovered()).authorization_endpoint, asked)

    async def address_to_sign_out(self, back_to: str) -> str | None:
        """Where a browser is sent, so that somebody is signed out there as well; None where it has no such place.
        Raises SignInError."""
        where = (await self.discovered()).end_session_endpoint
        asked = {"client_id": self._settings.client_id, "post_logout_redirect_uri": back_to}
        return None if where is None else _with_query(where, asked)

    async def redeem(self, code: str, *, verifier: str, nonce: str, redirect_uri: str) -> ProviderAnswer:
        """What it gives for a code. Raises SignInError."""
        asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return await self._granted({**asked, "code_verifier": verifier}, nonce)

    async def renew(self, refresh_token: str) -> ProviderAnswer:
        """What it gives for a refresh token; the next one, where it gives none. Raises SignInError."""
        said = await self._granted({"grant_type": "refresh_token", "refresh_token": refresh_token}, None)
        return ProviderAnswer(said.person, said.refresh_token or refresh_token)

    async def revoke(self, refresh_token: str) -> None:
        """Has it forget a refresh token, where it can (RFC 7009). Raises SignInError."""
        where = (await self.discovered()).revocation_endpoint
        if where is not None:
            await self._answered(await self._posted(where, {"token": refresh_token}), "a revocation")

    async def require_good_secret(self) -> None:
        """Raises SignInError where it does not know the client by its secret: a code that is none is refused for
        itself only where the client was believed (RFC 6749, section 5.2)."""
        where = (await self.discovered()).token_endpoint
        redirect_uri = f"{self._settings.issuer}/none"
        content = {"grant_type": "authorization_code", "code": "none", "redirect_uri": redirect_uri}
        answer = await self._posted(where, {**content, "code_verifier": "0" * 43})
        if _error_in(answer) in ("invalid_client", "unauthorized_client"):
            raise self._wrong(
                "it does not accept the client; are oidc.client_id and the client secret as it has them?"
            )

    async def _granted(self, content: Mapping[str, str], nonce: str | None) -> ProviderAnswer:
        where = (await self.discovered()).token_endpoint
        answer = await self._posted(where, content)
        if _error_in(answer) == "invalid_grant":
            is_code = nonce is not None
            raise SignInError(
                "begun_elsewhere" if is_code else "session_over",
                "the code is used, too old or another's" if is_code else "it does not renew the session",
            )
        said = await self._answered(answer, "a code" if nonce is not None else "a refresh token")
        refresh_token = said.get("refresh_token")
        person = await self._person(said.get("id_token"), nonce)
        return ProviderAnswer(person, refresh_token if isinstance(refresh_token, str) and refresh_token else None)

    async def _person(self, token: object, nonce: str | None) -> Person:
        try:
            return person_in(token, await self.keys(), self._settings, nonce=nonce, leeway=LEEWAY)
        except OtherKeyError:
            pass
        try:
            return person_in(token, await self.keys(anew=True), self._settings, nonce=nonce, leeway=LEEWAY)
        except OtherKeyError as error:
            raise self._wrong(f"its ID token is not accepted: {error}") from None

    async def _answered(self, answer: HttpAnswer, what: str) -> dict[str, Any]:
        error = _error_in(answer)
        if not answer.is_success or error is not None:
            raise self._wrong(f"it refuses {what}: {answer.status}, {error or 'without saying why'}")
        if not answer.content:
            return {}
        try:
            said = json_in(answer.content)
        except NotJsonError:
            said = None
        if not isinstance(said, dict):
            raise self._wrong(f"what it answers to {what} is no JSON object")
        return said

    async def _asked_for(self, address: str, what: str) -> bytes:
        answer = await self._ask("GET", address)
        if not answer.is_success:
            raise self._wrong(f"it answers {answer.status} to the question for {what}; is oidc.issuer its issuer?")
        return answer.content

    async def _posted(self, address: str, content: Mapping[str, str]) -> HttpAnswer:
        """With the client's secret, in the way that the provider likes best (RFC 6749, section 2.3.1)."""
        methods = (await self.discovered()).token_endpoint_auth_methods_supported
        name, secret = self._settings.client_id, self._client.secret
        if "client_secret_basic" in methods or "client_secret_post" not in methods:
            proof = b64encode(f"{quote_plus(name)}:{quote_plus(secret)}".encode()).decode()
            return await self._ask("POST", address, content, {"Authorization": f"Basic {proof}"})
        return await self._ask("POST", address, {**content, "client_id": name, "client_secret": secret})

    async def _ask(
        self,
        method: str,
        address: str,
        content: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        put = self._circuit.admit()
        if put is None:
            raise SignInError("provider_away", "the identity provider is not asked for a while")
        within = self._settings.timeout_seconds
        try:
            async with self._concurrency.turn(within_seconds=within):
                request = self._http.build_request(
                    method, address, data=content, headers={"Accept": "application/json", **(headers or {})}
                )
                answer = await ask(self._http, request, deadline_seconds=within, limit_bytes=ANSWER_LIMIT_BYTES)
        except CrowdedError:
            raise SignInError("provider_away", "too many sign in at once") from None
        except TurnTooLateError:
            raise SignInError("provider_away", "the identity provider could not be asked in time") from None
        except NeighbourError as error:
            raise await self._away(str(error), put) from None
        if answer.status >= 500:
            raise await self._away(f"it answers {answer.status}", put)
        self._trouble = None
        self._circuit.succeed()
        return answer

    async def _is_there(self) -> bool:
        """Whether it still says what it says of itself: it may fail over one code, and answer everybody else."""
        try:
            request = self._http.build_request("GET", self._where_it_says, headers={"Accept": "application/json"})
            within = self._settings.timeout_seconds
            answer = await ask(self._http, request, deadline_seconds=within, limit_bytes=ANSWER_LIMIT_BYTES)
        except NeighbourError:
            return False
        return answer.status < 500

    async def _away(self, reason: str, put: int) -> SignInError:
        self._trouble = reason
        self._circuit.fail(reason)
        await self._circuit.blames_question(put)
        return SignInError("provider_away", f"the identity provider does not answer: {reason}")

    def _wrong(self, reason: str) -> SignInError:
        return SignInError("provider_wrong", f"the identity provider cannot be believed: {reason}")


def _error_in(answer: HttpAnswer) -> str | None:
    """The error that an answer names."""
    try:
        said = json_in(answer.content)
    except NotJsonError:
        return None
    return error_word(said.get("error")) if isinstance(said, dict) else None


def error_word(error: object) -> str | None:
    """What is given as an error, if it is one word as they are in OAuth 2.0: of it nothing else is repeated."""
    return error if isinstance(error, str) and error.replace("_", "").isalpha() and len(error) < 60 else None


def _with_query(address: str, asked: Mapping[str, str]) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"
