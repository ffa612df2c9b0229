"""Who may do what: principals with the rooms they are granted, and the tokens that prove who somebody is.

Nothing here knows a route or a socket; both ask the same principals the same questions. `bridge.access.tokens` is
imported by whoever asks for tokens: it brings PyJWT and cryptography, which nobody else needs.
"""

from bridge.access.acting import Acting, act_as, acting_now
from bridge.access.errors import (
    AccessChangedError,
    GrantsUnknownError,
    KeysError,
    NotPermittedError,
    TokenError,
    TokenErrorCode,
)
from bridge.access.grants import Grants
from bridge.access.principals import ANYBODY, Claims, Principal, Role, principal_of
from bridge.access.revocations import Revocations
from bridge.access.staff import StaffAccess

__all__ = [
    "ANYBODY",
    "AccessChangedError",
    "Acting",
    "Claims",
    "Grants",
    "GrantsUnknownError",
    "KeysError",
    "NotPermittedError",
    "Principal",
    "Revocations",
    "Role",
    "StaffAccess",
    "TokenError",
    "TokenErrorCode",
    "act_as",
    "acting_now",
    "principal_of",
]
