"""Who may act in the console, and in whose name. It must never take somebody's word for who they are where a token
says it."""

from collections.abc import Callable
from dataclasses import dataclass

from litestar.di import NamedDependency
from litestar.exceptions import PermissionDeniedException
from litestar.params import SkipValidation

from bridge.access import Principal, Role
from bridge.http.front.problems import wrong_field

__all__ = ["GivenOpsAccess", "OpsAccess"]


@dataclass(frozen=True, slots=True)
class OpsAccess:
    """How the bridge is set: whether it asks people who they are."""

    asks_for_tokens: bool
    names_services: Callable[[], bool]
    """Whether only services that are named may write; then nobody may who is asked nothing."""

    def may_act(self, principal: Principal) -> bool:
        """Whether they may do what the console's buttons do, but for approving payouts."""
        return self._may(principal, Role.ACT)

    def may_approve(self, principal: Principal) -> bool:
        """Whether they may approve and reject payouts."""
        return self._may(principal, Role.APPROVE)

    def _may(self, principal: Principal, role: Role) -> bool:
        if self.asks_for_tokens:
            return role in principal.roles
        return principal.speaks_for_everybody and not self.names_services()

    def actor(self, principal: Principal, given_name: str | None, role: Role = Role.ACT) -> str:
        """Who acts, for the record: the user of the token, or, where nobody is asked for one, whoever they say.

        Raises PermissionDeniedException, and ValidationException for a name that is missing.
        """
        if not self._may(principal, role):
            raise PermissionDeniedException(
                f"only staff whose token has the role {role} may do this"
                if self.asks_for_tokens
                else 'services are named here, and only they may write; set access = "jwt", so that staff can sign in'
            )
        if principal.user_id is not None:
            return principal.user_id
        if given_name is None:
            raise wrong_field("by", "missing; say who does this, for it is recorded")
        return given_name


GivenOpsAccess = NamedDependency[SkipValidation[OpsAccess]]
