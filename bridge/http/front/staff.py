"""Who may act in the console, and in whose name. It must never take somebody's word for who they are where a token
says it."""

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from bridge.access import Principal, Role, StaffAccess
from bridge.http.front.problems import wrong_field

__all__ = ["GivenOpsAccess", "OpsAccess"]


class OpsAccess(StaffAccess):
    """The same for the routes of the console: who acts, or an answer that says why not."""

    def actor(self, principal: Principal, given_name: str | None, role: Role = Role.ACT) -> str:
        """Who acts, for the record: the user of the token, or, where nobody is asked for one, whoever they say.

        Raises NotPermittedError, and ValidationException for a name that is missing.
        """
        self.require(principal, role)
        if principal.user_id is not None:
            return principal.user_id
        if given_name is None:
            raise wrong_field("by", "missing; say who does this, for it is recorded")
        return given_name


GivenOpsAccess = NamedDependency[SkipValidation[OpsAccess]]
