"""Chains over REST: which are followed and how far, and what was paid on them that is nobody's."""

from typing import Annotated

from litestar import Router, get
from litestar.params import QueryParameter
from pydantic import AwareDatetime, Field

from bridge.http.front.dependencies import GivenChains, GivenJournal, GivenPrincipal
from bridge.http.front.openapi import problem_responses
from bridge.journal import ChainAlarm, UnmatchedTransfer
from coordinator.models import FrozenModel
from coordinator.money import Amount

__all__ = ["chain_router"]


class TokenItem(FrozenModel):
    """A coin of a chain."""

    symbol: str
    decimals: int
    address: str | None = Field(description="The contract; null for the chain's own coin.")


class ChainItem(FrozenModel):
    """A chain that payments and payouts may be on, and how far it is followed."""

    name: str
    chain_id: int
    required_confirmations: int | None = Field(
        description="How many blocks make a transfer final; null where the chain itself says what is."
    )
    explorer: str | None = Field(description="A link to a transaction, with `{tx_hash}` in it.")
    tokens: list[TokenItem]
    head: int = Field(description="The newest block that its nodes have shown.")
    head_at: AwareDatetime | None = Field(description="When that block was made; null before the first look.")
    blocks_behind: int | None = Field(
        description="How many are still to be followed; null before the first look, and while the newest lies below "
        "those that were followed."
    )
    problem: str | None = Field(
        description="Why it is not followed at the moment, what of it stands still, in what its endpoints differ, "
        "what money on it waits for, or what it took back within the last day that was final."
    )
    followed_by: str | None = Field(
        description="The bridge that follows it, of several that share a journal; null where one works alone, and "
        "while none does."
    )


class ChainList(FrozenModel):
    """The chains that are followed."""

    chains: list[ChainItem]


class UnmatchedItem(FrozenModel):
    """A transfer to an address where money is waited for, of which nobody knows what it is for."""

    chain: str
    tx_hash: str
    token: str
    amount: Amount
    sender: str
    recipient: str
    block_number: int
    mined_at: AwareDatetime
    reason: str | None
    place: str = Field(
        description="Which of its transaction's transfers it is: the log index of a token's, or the call of the "
        "chain's own coin. Pass it with `foundBy` to give this one alone to a payment."
    )
    smaller: int = Field(
        description="So many more of this sender, to the same recipient in the same token, are no larger and not "
        "listed; 0 where it stands for itself."
    )


class AlarmItem(FrozenModel):
    """A block that a person has to look at, or a coin that is not followed."""

    chain: str
    kind: str = Field(
        description="`taken-back`: it was final, and the chain took it back. `contradicted`: two endpoints say "
        "different things of it. `unread`: from it on blocks were read by one endpoint alone. `unfollowed`: somebody "
        "waits for a coin that the configuration does not follow."
    )
    block_number: int = Field(description="0 where it is about none.")
    message: str
    raised_at: AwareDatetime


class ChainTroubles(FrozenModel):
    """What a person has to look at."""

    unmatched: list[UnmatchedItem] = Field(description="The largest of each token first.")
    next: int | None = Field(description="Pass it as `after` for more transfers; null at the end.")
    alarms: list[AlarmItem] = Field(description="Newest first.")


@get("/", summary="The chains that are followed", responses=problem_responses({401: "No good token"}))
async def list_chains(chains: GivenChains, principal: GivenPrincipal) -> ChainList:
    taken_back = await chains.taken_back()
    return ChainList(
        chains=[
            ChainItem(
                name=status.chain.name,
                chain_id=status.chain.chain_id,
                required_confirmations=status.chain.required_confirmations,
                explorer=status.chain.explorer,
                tokens=[
                    TokenItem(symbol=token.symbol, decimals=token.decimals, address=token.address)
                    for token in status.chain.tokens
                ],
                head=status.head,
                head_at=status.head_at,
                blocks_behind=status.blocks_behind,
                problem=status.problem or _taken_back(taken_back.get(status.chain.name)),
                followed_by=status.followed_by,
            )
            for status in await chains.statuses()
        ]
    )


@get(
    "/troubles",
    summary="What a person has to look at",
    description=(
        "Transfers that came to an address where money is waited for and fit nothing: name the payment with "
        "`POST /api/payments/{paymentId}/transaction`, and the `place` where a transaction carries several. Of a "
        "sender's to one recipient in one token the three largest are listed each for itself, the others as one, by "
        "the largest of them. Reorganisations that took back what was final. Blocks about which two endpoints "
        "contradict each other. And coins that somebody waits for and that are not followed."
    ),
    responses=problem_responses({401: "No good token", 403: "Neither staff nor a service that sees every payment"}),
)
async def list_troubles(
    journal: GivenJournal,
    principal: GivenPrincipal,
    limit: Annotated[int, QueryParameter(ge=1, le=1_000, description="How many transfers at most.")] = 200,
    after: Annotated[int, QueryParameter(ge=0, le=1_000_000, description="`next` of the page before.")] = 0,
) -> ChainTroubles:
    principal.require_strangers_money()
    # One more than is shown tells whether there is another page.
    transfers = await journal.chains.unmatched_transfers(limit + 1, after)
    alarms = await journal.chains.alarms(None)
    return ChainTroubles(
        unmatched=[_unmatched(one) for one in transfers[:limit]],
        next=after + limit if len(transfers) > limit else None,
        alarms=[_alarm(one) for one in alarms],
    )


chain_router = Router("/api/chains", route_handlers=[list_chains, list_troubles], tags=["Chains"])


def _taken_back(alarm: ChainAlarm | None) -> str | None:
    """What anybody may know of it: whose money was in it is told to staff."""
    if alarm is None:
        return None
    return f"it took back block {alarm.block_number}, which was final; see /api/chains/troubles"


def _unmatched(unmatched: UnmatchedTransfer) -> UnmatchedItem:
    transfer = unmatched.transfer
    return UnmatchedItem(
        chain=transfer.chain,
        tx_hash=transfer.tx_hash,
        token=transfer.symbol,
        amount=transfer.amount,
        sender=transfer.sender,
        recipient=transfer.recipient,
        block_number=transfer.block_number,
        mined_at=transfer.mined_at,
        reason=transfer.reason,
        place=transfer.place,
        smaller=unmatched.smaller,
    )


def _alarm(alarm: ChainAlarm) -> AlarmItem:
    return AlarmItem(
        chain=alarm.chain,
        kind=alarm.kind,
        block_number=alarm.block_number,
        message=alarm.message,
        raised_at=alarm.raised_at,
    )
