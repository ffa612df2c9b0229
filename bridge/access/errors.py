"""Errors of access: what somebody may not do, keys that cannot be used, and tokens that are not accepted."""

from typing import Literal

from coordinator.errors import BridgeError

__all__ = [
    "AccessChangedError",
    "GrantsUnknownError",
    "KeysError",
    "NoKeyServesError",
    "NotPermittedError",
    "SignInError",
    "SignInRefusal",
    "TokenError",
    "TokenErrorCode",
]

TokenErrorCode = Literal["token_missing", "token_expired", "token_invalid", "token_revoked"]
SignInRefusal = Literal[
    "begun_elsewhere",
    "no_role",
    "not_signed_in",
    "provider_away",
    "provider_wrong",
    "session_over",
    "session_revoked",
]
"""Why somebody is not signed in: the attempt is not this browser's or too old; nothing that the identity provider
says of them gives a role; they did not sign in there; it does not answer; what it says cannot be believed, or its
client is set up otherwise; their session is over; it was revoked."""


class AccessChangedError(BridgeError):
    """A room was taken from somebody, which the bridge that lets them in has not heard of yet. It will have in a
    moment: the same can be asked again, and is decided by what they are granted then."""


class GrantsUnknownError(BridgeError):
    """The marketplace was asked what somebody is granted, and it is not known what it says: so they are granted
    nothing of it. The same can be asked again."""


class KeysError(BridgeError):
    """The keys that tokens are to be verified with cannot be used; the message says which and why."""


class NoKeyServesError(KeysError):
    """A file of keys can be read, and has none that serves: whoever wrote it has taken all back."""


class NotPermittedError(BridgeError):
    """Somebody is known, and may not do what they ask for; the message says who may."""


class SignInError(BridgeError):
    """Somebody is not signed in. `code` is for the page; the message is for the log, and has no code or token in
    it."""

    def __init__(self, code: SignInRefusal, message: str) -> None:
        super().__init__(message)
        self.code = code


class TokenError(BridgeError):
    """A token is not accepted. `code` is for programs; the message is for people and tells nothing of the token."""

    def __init__(self, code: TokenErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
