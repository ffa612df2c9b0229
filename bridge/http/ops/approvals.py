"""Approval of payouts: somebody else than who asked has one sent that waits, or has one fail that nobody was asked
to send yet, as whoever asked for it can. They say so in the console, or a service tells for whom; the transaction
decides which word came first."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from litestar import post
from litestar.exceptions import ClientException, PermissionDeniedException
from litestar.openapi.spec import Example
from litestar.params import Body, FromPath
from pydantic import Field

from bridge.access import Role
from bridge.http.documents.payouts import PayoutDocument, known_payout, payout_document
from bridge.http.front.dependencies import (
    GivenChains,
    GivenJournal,
    GivenPayoutSender,
    GivenPrincipal,
    GivenService,
    GivenServices,
)
from bridge.http.front.notes import Note
from bridge.http.front.openapi import problem_responses
from bridge.http.front.staff import GivenOpsAccess
from bridge.http.ops.actions import REFUSALS, By, Doing, PayoutDoing, payout_done
from bridge.journal import Action, Journal
from bridge.workers.chains.followers import ChainFollowers
from bridge.workers.payouts.sender import PayoutSender
from coordinator.models import FrozenModel
from coordinator.payouts.approval import Approver, NothingToApproveError, NotTheirOwnError, SamePersonError
from coordinator.payouts.payouts import Payout
from providers.errors import ProviderError

__all__ = [
    "approve_payout",
    "approve_payout_in_console",
    "reject_payout",
    "reject_payout_in_console",
    "withdraw_payout",
    "withdraw_payout_in_console",
]

APPROVAL = (
    "For one that is `awaiting_approval`, by somebody else than who asked for it. It is sent then, unless payouts "
    "are held; it must still be no more than its seller has earned. The first word counts, a second one is answered "
    "409. What is told of its payment before it is sent, and nobody has seen, has it await approval once more."
)
REJECTION = (
    "For one that nobody was asked to send yet, be it `awaiting_approval`, approved, or held back otherwise, by "
    "somebody else than who asked for it. It fails, nothing of it is sent, and another payout can be made for its "
    "payment. The first rejection counts, a second one is answered 409."
)
WITHDRAWAL = (
    "For one that nobody was asked to send yet, by whoever asked for it. It fails, nothing of it is sent, and "
    "another payout can be made for its payment. One of a refund gives its money back to the payment. One that a "
    "wallet of the marketplace's own is to send (`sender`) is withdrawn until its chain, which is asked first, shows "
    "it; that the wallet does not send it is the word of whoever withdraws it."
)
TOO_LATE = "Its provider was asked to send it, or it has ended; the answer says so"
SERVICE_REFUSALS = {
    400: "A field is missing or wrong; the answer names it",
    401: "No token of a service",
    403: "The service may not approve payouts, or the payout was asked for by it or by that person, or hangs on "
    "what they said, or is approved in the name of a service",
    404: "No such payout",
    409: "It awaits no approval, or not any more; the answer says why",
    503: "Not known to be stored; send it again, with the same key",
}
CONSOLE_REFUSALS = {
    **REFUSALS,
    403: "They may not approve payouts, or asked for this one, or it hangs on what they said; or a page of another "
    "origin asks",
    404: "No such payout",
    409: "It awaits no approval, or not any more; the answer says why",
}
REJECTION_REFUSALS = {**SERVICE_REFUSALS, 409: TOO_LATE}
CONSOLE_REJECTION_REFUSALS = {**CONSOLE_REFUSALS, 409: TOO_LATE}
REASONS_LIMIT = 100
WHY = "Why. It is stored with the payout, where its seller can read it."
Seen = Annotated[
    tuple[str, ...] | None,
    Field(
        max_length=REASONS_LIMIT,
        description="The reasons for which it waits that they have seen, as the payout has them: if there is another "
        "by now, nothing is approved (409). Left out, whatever the reasons are, of a payout that nobody has approved "
        "yet; one that waits once more since is approved with them alone, so that a repeat approves nothing new.",
    ),
]


class ServiceApproval(FrozenModel):
    """That somebody approves a payout, as a service tells it."""

    approved_by: By = Field(description="The person; somebody else than who asked for it.")
    reasons: Seen = None
    note: Note | None = Field(None, description="Why, for the record.")


class ServiceRejection(FrozenModel):
    """That somebody rejects a payout, as a service tells it."""

    rejected_by: By = Field(description="The person; somebody else than who asked for it.")
    note: Note = Field(description=WHY)


class ConsoleApproval(Doing):
    """That somebody approves a payout."""

    reasons: Seen = None
    note: Note | None = Field(None, description="Why, for the record.")


class ConsoleRejection(Doing):
    """That somebody rejects a payout."""

    note: Note = Field(description=WHY)


class ServiceWithdrawal(FrozenModel):
    """That a payout is to be sent no more, as the service tells it that asked for it."""

    withdrawn_by: By | None = Field(None, description="The person, if it is one. Otherwise the service counts.")
    note: Note | None = Field(None, description=WHY)


class ConsoleWithdrawal(Doing):
    """That a payout is to be sent no more, by the person who asked for it."""

    note: Note | None = Field(None, description=WHY)


@contextmanager
def approval_refusals() -> Iterator[None]:
    """Answers for what cannot be decided, or not by them."""
    try:
        yield
    except (SamePersonError, NotTheirOwnError) as error:
        raise PermissionDeniedException(str(error)) from None
    except NothingToApproveError as error:
        raise ClientException(str(error), status_code=409) from None
    except ProviderError as error:
        said = f"The provider has to say first whether it was sent before the journal was restored: {error}"
        raise ClientException(said, status_code=409) from None


@dataclass(frozen=True, slots=True)
class ApprovalDecision:
    """What somebody decides about a payout, whichever way they say it."""

    journal: Journal
    sender: PayoutSender
    payout_id: str
    by: Approver

    async def approve(self, note: str | None) -> Action:
        await known_payout(self.journal, self.payout_id)
        with approval_refusals():
            _, action = await self.journal.approvals.approve(self.payout_id, by=self.by, note=note)
        return action

    async def reject(self, note: str) -> Action:
        with approval_refusals():
            await self._compare_before_revoking()
            _, action = await self.journal.approvals.reject(self.payout_id, by=self.by, note=note)
        return action

    async def withdraw(self, note: str | None, chains: ChainFollowers) -> Action:
        with approval_refusals():
            payout = await self._compare_before_revoking()
            unsaid = await chains.check_now(payout) if payout.is_only_expected else None
            if unsaid is not None:
                said = f"The chain has to say first whether its wallet has sent it: {unsaid}"
                raise ClientException(said, status_code=409)
            _, action = await self.journal.approvals.withdraw(self.payout_id, by=self.by, note=note)
        return action

    async def _compare_before_revoking(self) -> Payout:
        record = await known_payout(self.journal, self.payout_id)
        await self.sender.compare_before_revoking(record.payout)
        return record.payout


@post(
    "/{payout_id:str}/approval",
    status_code=200,
    summary="Tell that somebody approves a payout",
    description=APPROVAL,
    responses=problem_responses(SERVICE_REFUSALS),
)
async def approve_payout(
    payout_id: FromPath[str],
    data: Annotated[ServiceApproval, Body(examples=[Example(value={"approvedBy": "bo", "note": "compared it"})])],
    journal: GivenJournal,
    service: GivenService,
    services: GivenServices,
    sender: GivenPayoutSender,
) -> PayoutDocument:
    service.require_approvals()
    by = Approver(data.approved_by, service.own_name, services.now().names, data.reasons)
    await ApprovalDecision(journal, sender, payout_id, by).approve(data.note)
    holds = await journal.console.payout_holds()
    return payout_document(await known_payout(journal, payout_id), journal.clock(), in_full=True, holds=holds)


@post(
    "/{payout_id:str}/rejection",
    status_code=200,
    summary="Tell that somebody rejects a payout",
    description=REJECTION,
    responses=problem_responses(REJECTION_REFUSALS),
)
async def reject_payout(
    payout_id: FromPath[str],
    data: Annotated[ServiceRejection, Body(examples=[Example(value={"rejectedBy": "bo", "note": "not our seller"})])],
    journal: GivenJournal,
    service: GivenService,
    sender: GivenPayoutSender,
) -> PayoutDocument:
    service.require_approvals()
    await ApprovalDecision(journal, sender, payout_id, Approver(data.rejected_by, service.own_name)).reject(data.note)
    holds = await journal.console.payout_holds()
    return payout_document(await known_payout(journal, payout_id), journal.clock(), in_full=True, holds=holds)


@post(
    "/{payout_id:str}/cancellation",
    status_code=200,
    summary="Withdraw a payout",
    description=WITHDRAWAL,
    responses=problem_responses(
        {
            **SERVICE_REFUSALS,
            403: "The service may not have payouts sent, or did not ask for this one",
            409: TOO_LATE,
        }
    ),
)
async def withdraw_payout(
    payout_id: FromPath[str],
    data: Annotated[ServiceWithdrawal, Body(examples=[Example(value={"note": "the seller's address is wrong"})])],
    journal: GivenJournal,
    service: GivenService,
    sender: GivenPayoutSender,
    chains: GivenChains,
) -> PayoutDocument:
    service.require_payouts()
    by = Approver(data.withdrawn_by or service.display_name, service.own_name)
    await ApprovalDecision(journal, sender, payout_id, by).withdraw(data.note, chains)
    holds = await journal.console.payout_holds()
    return payout_document(await known_payout(journal, payout_id), journal.clock(), in_full=True, holds=holds)


@post(
    "/payouts/{payout_id:str}/approval",
    status_code=200,
    summary="Approve a payout",
    description=APPROVAL,
    responses=problem_responses(CONSOLE_REFUSALS),
)
async def approve_payout_in_console(
    payout_id: FromPath[str],
    data: Annotated[ConsoleApproval, Body(examples=[Example(value={"by": "Bo"})])],
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
    services: GivenServices,
    sender: GivenPayoutSender,
    chains: GivenChains,
) -> PayoutDoing:
    name = ops_access.actor(principal, data.by, Role.APPROVE)
    by = Approver(name, services=services.now().names, seen=data.reasons)
    action = await ApprovalDecision(journal, sender, payout_id, by).approve(data.note)
    return await payout_done(journal, chains, payout_id, action)


@post(
    "/payouts/{payout_id:str}/rejection",
    status_code=200,
    summary="Reject a payout",
    description=REJECTION,
    responses=problem_responses(CONSOLE_REJECTION_REFUSALS),
)
async def reject_payout_in_console(
    payout_id: FromPath[str],
    data: Annotated[ConsoleRejection, Body(examples=[Example(value={"by": "Bo", "note": "not our seller"})])],
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
    sender: GivenPayoutSender,
    chains: GivenChains,
) -> PayoutDoing:
    by = ops_access.actor(principal, data.by, Role.APPROVE)
    action = await ApprovalDecision(journal, sender, payout_id, Approver(by)).reject(data.note)
    return await payout_done(journal, chains, payout_id, action)


@post(
    "/payouts/{payout_id:str}/cancellation",
    status_code=200,
    summary="Withdraw a payout",
    description=WITHDRAWAL,
    responses=problem_responses(
        {**REFUSALS, 403: "They may not act, or did not ask for this one", 404: "No such payout", 409: TOO_LATE}
    ),
)
async def withdraw_payout_in_console(
    payout_id: FromPath[str],
    data: Annotated[ConsoleWithdrawal, Body(examples=[Example(value={"by": "Ada"})])],
    journal: GivenJournal,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
    sender: GivenPayoutSender,
    chains: GivenChains,
) -> PayoutDoing:
    by = ops_access.actor(principal, data.by)
    action = await ApprovalDecision(journal, sender, payout_id, Approver(by)).withdraw(data.note, chains)
    return await payout_done(journal, chains, payout_id, action)
