"""Signing in to the console at the identity provider: attempts, sessions, and the tokens that the console brings.

Both are kept by the browser alone, sealed, in cookies that no script reads; so every bridge of a journal knows them,
and no copy of the journal holds them. A cookie authorises nothing but to ask for a token, which a page of another
origin cannot.
"""

import logging
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar

import jwt
from cryptography.fernet import Fernet, InvalidToken
from pydantic import ValidationError

from bridge.access.errors import SignInError, SignInRefusal, TokenError
from bridge.access.id_tokens import is_same
from bridge.access.identity_provider import IdentityProvider, ProviderAnswer, error_word
from bridge.access.key_sets import CONSOLE, console_key
from bridge.access.oidc_settings import OidcClient
from bridge.access.principals import Principal, Role
from bridge.access.refused_sign_ins import SIGN_INS, RefusedSignIns
from bridge.access.tokens import TokenVerifier
from coordinator.models import FrozenModel
from coordinator.waits import left

__all__ = ["Attempt", "ConsoleSession", "SessionState", "SignIns", "Signed"]

logger = logging.getLogger("bridge.access")

# Whoever signs in types a password, and perhaps waits for a second factor.
ATTEMPT_LIFE = timedelta(minutes=10)
# Browsers keep cookies of 4,096 bytes, with their names and attributes.
COOKIE_LIMIT_CHARACTERS = 3_800
# A session is renewed once so much of what the provider has said is over.
RENEWED_AFTER_SHARE = 0.5
# Where the provider does not answer, and what it said before still holds.
TRIED_AGAIN_AFTER = timedelta(seconds=30)

Sealed = TypeVar("Sealed", bound=FrozenModel)


class Attempt(FrozenModel):
    """Somebody of whom nobody knows yet who they are is on their way to the provider and back."""

    state: str
    nonce: str
    verifier: str
    to: str
    """The page that they wanted."""

    @classmethod
    def begun(cls, to: str) -> "Attempt":
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(state=state, nonce=nonce, verifier=verifier, to=to)

    @property
    def challenge(self) -> str:
        """What the provider is told of the verifier (RFC 7636, section 4.2)."""
        return urlsafe_b64encode(sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


class ConsoleSession(FrozenModel):
    """Somebody who signed in."""

    id: str
    """The `jti` of all its tokens."""
    subject: str
    user_id: str
    roles: frozenset[Role]
    since: datetime
    """When they signed in, by which it is revoked, however often it was renewed."""
    renewed_at: datetime
    until: datetime
    """When what the provider has said of them does not hold any more."""
    refresh_token: str | None

    @property
    def due_at(self) -> datetime:
        """When it is to be renewed."""
        return self.renewed_at + self._renewed_after

    @property
    def _renewed_after(self) -> timedelta:
        return RENEWED_AFTER_SHARE * (self.until - self.renewed_at)

    def left(self, now: datetime) -> timedelta:
        """How long that is from now on."""
        return left(self.due_at, now, self._renewed_after)


@dataclass(frozen=True, slots=True)
class Signed:
    """Somebody has signed in: the cookie of their session, and the page that they wanted."""

    cookie: str
    to: str


@dataclass(frozen=True, slots=True)
class SessionState:
    """How a browser's session stands."""

    token: str | None = None
    """What its pages bring."""
    renew_after: timedelta | None = None
    """When they ask again; None where that gives nothing."""
    cookie: str | None = None
    """What replaces the cookie; None: it is taken away."""
    refused: SignInRefusal | None = None


class SignIns:
    """Signs people in, and out."""

    def __init__(
        self,
        provider: IdentityProvider,
        client: OidcClient,
        verifier: TokenVerifier,
        *,
        redirect_uri: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`redirect_uri` is where the provider sends browsers back to, as it has it."""
        self.provider = provider
        self._settings = client.settings
        self._verifier = verifier
        self._redirect_uri = redirect_uri
        self._clock = clock
        self._key = console_key(client.console_secret)
        self._attempts = _Seal(client.derived_key("attempts to sign in"), ATTEMPT_LIFE, clock)
        self._sessions = _Seal(client.derived_key("console sessions"), self.session_life, clock)
        self._refused = RefusedSignIns()

    @property
    def name(self) -> str:
        """What the provider is called."""
        return self._settings.shown_name

    @property
    def session_life(self) -> timedelta:
        """How long a session lasts, however often it is renewed."""
        return timedelta(hours=self._settings.session_hours)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    async def begin(self, to: str, *, as_somebody_else: bool = False) -> tuple[str, str]:
        """Where a browser is sent, and the cookie that binds the attempt to it. Raises SignInError."""
        attempt = Attempt.begun(to)
        asked = {
            "redirect_uri": self._redirect_uri,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
        }
        if as_somebody_else:
            asked["prompt"] = "login"
        try:
            return await self.provider.address_to_sign_in(asked), self._attempts.close(attempt)
        except SignInError as error:
            raise self._refused.note(error) from None

    async def come_back(self, given: Mapping[str, str], cookie: str | None) -> Signed:
        """Somebody comes back from the provider, with what it says in the address. Raises SignInError."""
        attempt = self._attempts.open(cookie, Attempt)
        if attempt is None or not is_same(given.get("state"), attempt.state):
            why = "the attempt is not this browser's, used already, or too old"
            raise self._refused.note(SignInError("begun_elsewhere", why))
        try:
            said = await self._said(given, attempt)
        except SignInError as error:
            raise self._refused.note(error) from None
        now = self._now()
        person = said.person
        session = ConsoleSession(
            id=secrets.token_urlsafe(16),
            subject=person.subject,
            user_id=person.user_id,
            roles=person.roles,
            since=now,
            renewed_at=now,
            until=min(person.until, now + self.session_life),
            refresh_token=said.refresh_token,
        )
        SIGN_INS.labels("signed_in").inc()
        logger.info("%s signed in to the console as %s, session %s", session.user_id, _names(session), session.id)
        return Signed(self._closed(session), attempt.to)

    async def _said(self, given: Mapping[str, str], attempt: Attempt) -> ProviderAnswer:
        names_itself = (await self.provider.discovered()).names_itself
        issuer = given.get("iss")
        if issuer != self._settings.issuer and (names_itself or issuer is not None):
            raise SignInError("provider_wrong", "another issuer answers than was asked (RFC 9207)")
        if "code" not in given or "error" in given:
            error = given.get("error", "")
            if error in ("server_error", "temporarily_unavailable"):
                raise SignInError("provider_away", "the identity provider says that it cannot now")
            said = error_word(error) or "nothing"
            raise SignInError("not_signed_in", f"the identity provider gives no code; it says {said}")
        return await self.provider.redeem(
            given["code"], verifier=attempt.verifier, nonce=attempt.nonce, redirect_uri=self._redirect_uri
        )

    async def state_of(self, cookie: str | None) -> SessionState:
        """How the session of a browser stands, renewed where it is time to."""
        if not cookie:
            return SessionState()
        session = self.session_in(cookie)
        if session is None:
            why = "the session is too old, or sealed by another secret"
            return SessionState(refused=self._refused.note(SignInError("session_over", why)).code)
        try:
            session = await self._renewed(session)
            now = self._now()
            if now >= session.until:
                raise SignInError("session_over", "it is over")
            token = self._token(session)
            self._proven(token)
        except SignInError as error:
            if error.code == "provider_away":  # which may answer again
                return SessionState(cookie=cookie, refused=error.code)
            SIGN_INS.labels(error.code).inc()
            logger.info("the session %s of %s has ended: %s", session.id, session.user_id, error)
            return SessionState(refused=error.code)
        return SessionState(token, self._renew_after(session, now), self._closed(session))

    def _renew_after(self, session: ConsoleSession, now: datetime) -> timedelta | None:
        if session.refresh_token is None:
            return None
        return session.left(now) or TRIED_AGAIN_AFTER

    async def _renewed(self, session: ConsoleSession) -> ConsoleSession:
        now = self._now()
        if session.refresh_token is None or session.left(now) or now >= session.since + self.session_life:
            return session
        # What the provider said may be over long since; it is for the provider to say it again.
        self._proven(self._token(session.model_copy(update={"until": session.since + self.session_life})))
        try:
            said = await self.provider.renew(session.refresh_token)
        except SignInError as error:
            if error.code == "provider_away" and now < session.until:
                return session
            raise
        person = said.person
        if (person.subject, person.user_id) != (session.subject, session.user_id):
            raise SignInError("session_over", "it was renewed for somebody else")
        SIGN_INS.labels("renewed").inc()
        return session.model_copy(
            update={
                "roles": person.roles,
                "renewed_at": now,
                "until": min(person.until, session.since + self.session_life),
                "refresh_token": said.refresh_token,
            }
        )

    def session_in(self, cookie: str | None) -> ConsoleSession | None:
        """The session that a browser has; None if it has none."""
        return self._sessions.open(cookie, ConsoleSession)

    async def end(self, session: ConsoleSession | None, *, back_to: str) -> str | None:
        """Has the provider forget a session too, and returns where the browser is sent so that its user is signed out
        there. Its tokens are revoked by whoever asks."""
        if session is not None:
            SIGN_INS.labels("signed_out").inc()
            logger.info("%s signed out of the console, session %s", session.user_id, session.id)
        try:
            if session is not None and session.refresh_token is not None:
                await self.provider.revoke(session.refresh_token)
        except SignInError as error:
            logger.warning("a refresh token of somebody who signed out was not revoked: %s", error)
        try:
            return await self.provider.address_to_sign_out(back_to)
        except SignInError as error:
            logger.warning("somebody signed out of the console alone, and not at the identity provider: %s", error)
            return None

    def _token(self, session: ConsoleSession) -> str:
        claims: dict[str, Any] = {
            "iss": CONSOLE,
            "aud": CONSOLE,
            "sub": session.user_id,
            "jti": session.id,
            "iat": session.since.timestamp(),
            "exp": session.until.timestamp(),
            "roles": sorted(session.roles),
        }
        return jwt.encode(claims, self._key.key, self._key.algorithm, headers={"kid": self._key.key_id})

    def _proven(self, token: str) -> Principal:
        try:
            return self._verifier.principal(token)
        except TokenError as error:
            is_revoked = error.code == "token_revoked"
            raise SignInError("session_revoked" if is_revoked else "session_over", str(error)) from None

    def _closed(self, session: ConsoleSession) -> str:
        """The cookie of a session. Where a refresh token has no room in it, the session is not renewed."""
        cookie = self._sessions.close(session)
        if len(cookie) <= COOKIE_LIMIT_CHARACTERS:
            return cookie
        logger.warning(
            "the provider's refresh token is too long to be kept: the session %s ends at %s",
            session.id,
            session.until,
        )
        return self._sessions.close(session.model_copy(update={"refresh_token": None}))


def _names(session: ConsoleSession) -> str:
    return ", ".join(sorted(session.roles))


class _Seal:
    """What a browser keeps for the bridge: it can neither read it nor make another, nor bring it back too late."""

    def __init__(self, key: bytes, life: timedelta, clock: Callable[[], float]) -> None:
        self._fernet = Fernet(urlsafe_b64encode(key))
        self._life_seconds = int(life.total_seconds())
        self._clock = clock

    def close(self, content: FrozenModel) -> str:
        sealed = self._fernet.encrypt_at_time(content.model_dump_json().encode(), int(self._clock()))
        return sealed.decode().rstrip("=")  # which a cookie's value would have to be quoted for

    def open(self, text: str | None, kind: type[Sealed]) -> Sealed | None:
        """What is in it; None if it is nothing of ours, or too old."""
        text = text or ""
        try:
            padded = f"{text}{'=' * (-len(text) % 4)}".encode()
            content = self._fernet.decrypt_at_time(padded, self._life_seconds, int(self._clock()))
            return kind.model_validate_json(content)
        except (InvalidToken, ValidationError, ValueError):
            return None
