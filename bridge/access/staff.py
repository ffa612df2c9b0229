"""What staff may do in the console, where tokens say who they are and where nobody is asked."""

from collections.abc import Callable
from dataclasses import dataclass

from bridge.access.errors import NotPermittedError
from bridge.access.principals import Principal, Role

__all__ = ["StaffAccess"]


@dataclass(frozen=True, slots=True)
class StaffAccess:
    """How the bridge is set: whether it asks people who they are."""

    asks_for_tokens: bool
    names_services: Callable[[], bool]
    """Whether only services that are named may write; then nobody may who is asked nothing."""

    def may(self, principal: Principal, role: Role) -> bool:
        """Whether they may do what needs a role."""
        if self.asks_for_tokens:
            return role in principal.roles
        return principal.speaks_for_everybody and not self.names_services()

    def may_be_anybody(self, principal: Principal) -> bool:
        """Whether somebody is asked nothing where only services may write: whoever has the page."""
        return principal.speaks_for_everybody and self.names_services()

    def require(self, principal: Principal, role: Role = Role.ACT) -> None:
        """Raises NotPermittedError unless they may do what needs a role."""
        if not self.may(principal, role):
            raise NotPermittedError(
                f"only staff whose token has the role {role} may do this"
                if self.asks_for_tokens
                else 'services are named here, and only they may write; set access = "jwt", so that staff can sign in'
            )

    def may_act(self, principal: Principal) -> bool:
        """Whether they may do what the console's buttons do, but for approving payouts."""
        return self.may(principal, Role.ACT)

    def may_approve(self, principal: Principal) -> bool:
        """Whether they may approve and reject payouts."""
        return self.may(principal, Role.APPROVE)
