"""Who the console is speaking with, which it asks before anything else."""

from typing import Literal

from litestar import get
from pydantic import Field

from bridge.http.front.dependencies import GivenPrincipal
from bridge.http.front.staff import GivenOpsAccess
from coordinator.models import FrozenModel

__all__ = ["get_ops_session"]


class OpsSession(FrozenModel):
    """How the bridge is set, and who asks."""

    access: Literal["open", "jwt"] = Field(description="Whether people are asked for tokens.")
    user_id: str | None = Field(description="Whom the token names; null without one.")
    may_act: bool = Field(
        description="Whether they may act: replay, re-check, resolve, hold. Where nobody is asked for a token "
        "anybody may, unless services are named."
    )
    may_approve: bool = Field(description="Whether they may approve and reject payouts that others asked for.")


@get("/session", summary="Who asks")
async def get_ops_session(principal: GivenPrincipal, ops_access: GivenOpsAccess) -> OpsSession:
    return OpsSession(
        access="jwt" if ops_access.asks_for_tokens else "open",
        user_id=principal.user_id,
        may_act=ops_access.may_act(principal),
        may_approve=ops_access.may_approve(principal),
    )
