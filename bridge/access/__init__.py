"""Who may do what: principals with the rooms they are granted, and the tokens that prove who somebody is.

Nothing here knows a route or a socket; both ask the same principals the same questions.
"""

from bridge.access.principals import ANYBODY, Claims, Principal, principal_of
from bridge.access.tokens import KeysError, TokenError, TokenErrorCode, TokenVerifier

__all__ = [
    "ANYBODY",
    "Claims",
    "KeysError",
    "Principal",
    "TokenError",
    "TokenErrorCode",
    "TokenVerifier",
    "principal_of",
]
