"""Signing in to the console at the identity provider: where browsers go, come back, and ask for tokens.

A browser's cookies authorise nothing of the API: a page of the bridge's own asks with them for the token that it
brings from then on. Where a browser goes is never taken from a request, but for the page of the console.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.exceptions import PermissionDeniedException
from litestar.params import QueryParameter, SkipValidation
from pydantic import Field

from bridge.access.errors import SignInError, SignInRefusal
from bridge.catalogue.access import AccessChanged
from bridge.catalogue.chat import moment_text
from bridge.http.front.dependencies import GivenJournal
from coordinator.models import FrozenModel

if TYPE_CHECKING:
    from bridge.access.sign_ins import SignIns

__all__ = [
    "RETURN_PATH",
    "SignInDesk",
    "begin_sign_in",
    "end_console_session",
    "get_console_session",
    "return_from_provider",
]

CONSOLE_PATH = "/ops"
BEGIN_PATH = f"{CONSOLE_PATH}/sign-in"
RETURN_PATH = f"{BEGIN_PATH}/return"
# A page of the console, with what it is asked for; none that leads out of it again.
A_PAGE = re.compile(r"(?!.*(?:\.\.|%2[EFef]|%5[Cc]))/ops(?:/[\w.~%-]+)*(?:\?[\w.~%=&:,+/-]*)?", re.ASCII)
# What the provider says in the address is used up at once, and nobody is told of it.
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
SIGNED_OUT = "signed out"

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class SignInDesk:
    """Who signs people in, and whose pages and cookies have to do with it."""

    sign_ins: "SignIns"
    public_url: str
    own_origins: tuple[str, ...]

    @property
    def begins_at(self) -> str:
        """Where browsers begin: under the name by which the provider sends them back, since cookies belong to one."""
        return f"{self.public_url}{BEGIN_PATH}"

    @property
    def is_encrypted(self) -> bool:
        return self.public_url.startswith("https://")

    def attempt_cookie(self, request: AnyRequest) -> str | None:
        return request.cookies.get(self._name("sign-in"))

    def session_cookie(self, request: AnyRequest) -> str | None:
        return request.cookies.get(self._name("session"))

    def keep_attempt(self, value: str | None) -> Cookie:
        """It has to come back from another site, with an address that is opened there."""
        return Cookie(
            self._name("sign-in"),
            value=value,
            max_age=600 if value else 0,
            secure=self.is_encrypted,
            httponly=True,
            samesite="lax",
        )

    def keep_session(self, value: str | None) -> Cookie:
        return Cookie(
            self._name("session"),
            value=value,
            max_age=int(self.sign_ins.session_life.total_seconds()) if value else 0,
            secure=self.is_encrypted,
            httponly=True,
            samesite="strict",
        )

    def _name(self, name: str) -> str:
        """With the prefix a browser takes the cookie from this very host alone, and from no neighbour of its name."""
        return f"{'__Host-' if self.is_encrypted else ''}bridge-{name}"

    def require_own_page(self, request: AnyRequest) -> None:
        """Raises PermissionDeniedException for whoever is no page of the bridge's own: a cookie comes with whatever a
        browser asks for, also for somebody else."""
        if request.headers.get("origin") not in self.own_origins:
            raise PermissionDeniedException("only the bridge's own pages may ask for this")


GivenSignInDesk = NamedDependency[SkipValidation[SignInDesk | None]]


class ConsoleSessionAnswer(FrozenModel):
    """How people sign in to the console, and the token of whoever has signed in."""

    provider: str | None = Field(description="What the identity provider is called; null where there is none.")
    sign_in_at: str | None = None
    token: str | None = None
    renew_after_seconds: float | None = None
    refused: SignInRefusal | None = None


class ConsoleSessionEnd(FrozenModel):
    """Where to go, so that one is signed out at the identity provider too; null where it has no such place."""

    next: str | None


@get(BEGIN_PATH, include_in_schema=False)
async def begin_sign_in(
    sign_in_desk: GivenSignInDesk,
    to: Annotated[str, QueryParameter()] = CONSOLE_PATH,
    somebody_else: Annotated[bool, QueryParameter(name="somebodyElse")] = False,
) -> Response[bytes]:
    if sign_in_desk is None:
        return _go(CONSOLE_PATH)
    page = to if A_PAGE.fullmatch(to) else CONSOLE_PATH
    try:
        address, cookie = await sign_in_desk.sign_ins.begin(page, as_somebody_else=somebody_else)
    except SignInError as error:
        return _refused(error.code)
    return _go(address, sign_in_desk.keep_attempt(cookie))


@get(RETURN_PATH, include_in_schema=False)
async def return_from_provider(sign_in_desk: GivenSignInDesk, request: AnyRequest) -> Response[bytes]:
    if sign_in_desk is None:
        return _go(CONSOLE_PATH)
    given = _said_once(request)
    over = sign_in_desk.keep_attempt(None)
    try:
        signed = await sign_in_desk.sign_ins.come_back(given, sign_in_desk.attempt_cookie(request))
    except SignInError as error:
        # What a stranger makes up does not end an attempt that is under way.
        return _refused(error.code) if error.code == "begun_elsewhere" else _refused(error.code, over)
    return _go(signed.to, over, sign_in_desk.keep_session(signed.cookie))


@post(f"{BEGIN_PATH}/session", status_code=200, include_in_schema=False)
async def get_console_session(sign_in_desk: GivenSignInDesk, request: AnyRequest) -> Response[ConsoleSessionAnswer]:
    if sign_in_desk is None:
        return Response(ConsoleSessionAnswer(provider=None))
    sign_in_desk.require_own_page(request)
    cookie = sign_in_desk.session_cookie(request)
    state = await sign_in_desk.sign_ins.state_of(cookie)
    answer = ConsoleSessionAnswer(
        provider=sign_in_desk.sign_ins.name,
        sign_in_at=sign_in_desk.begins_at,
        token=state.token,
        renew_after_seconds=_seconds(state.renew_after),
        refused=state.refused,
    )
    is_changed = state.cookie != cookie
    return Response(answer, cookies=[sign_in_desk.keep_session(state.cookie)] if is_changed else [])


@post(f"{BEGIN_PATH}/end", status_code=200, include_in_schema=False)
async def end_console_session(
    sign_in_desk: GivenSignInDesk, request: AnyRequest, journal: GivenJournal
) -> Response[ConsoleSessionEnd]:
    if sign_in_desk is None:
        return Response(ConsoleSessionEnd(next=None))
    sign_in_desk.require_own_page(request)
    session = sign_in_desk.sign_ins.session_in(sign_in_desk.session_cookie(request))
    if session is not None:
        # Whatever was copied of it, at whichever bridge, is not good any more either. If that cannot be written down,
        # nobody is told that they are signed out.
        change = AccessChanged(change="token_revoked", token_id=session.id, changed_at=moment_text(journal.clock()))
        await journal.access.change(change, by=session.user_id, note=SIGNED_OUT)
    address = await sign_in_desk.sign_ins.end(session, back_to=f"{sign_in_desk.public_url}{CONSOLE_PATH}")
    return Response(ConsoleSessionEnd(next=address), cookies=[sign_in_desk.keep_session(None)])


def _said_once(request: AnyRequest) -> Mapping[str, str]:
    """What the address says, without what it says twice (RFC 6749, section 3.1)."""
    items = [*request.query_params.multi_items()]
    names = [name for name, _ in items]
    return {name: str(value) for name, value in items if names.count(name) == 1}


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()


def _refused(code: SignInRefusal, *cookies: Cookie) -> Response[bytes]:
    return _go(f"{CONSOLE_PATH}?refused={code}", *cookies)


def _go(address: str, *cookies: Cookie) -> Response[bytes]:
    return Response(b"", status_code=303, headers={**HEADERS, "Location": address}, cookies=[*cookies])
