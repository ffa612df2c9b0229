"""Wallets against the books: what each should hold and holds, day by day, and what moved without the bridge."""

from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from litestar import get, post
from litestar.openapi.spec import Example
from litestar.params import Body, QueryParameter
from litestar.response import Stream
from pydantic import AwareDatetime, Field

from bridge.compression import COMPRESSED
from bridge.http.front.dependencies import GivenJournal, GivenPrincipal, GivenUsualZone, GivenWallets
from bridge.http.front.idempotency import idempotency_of
from bridge.http.front.notes import Note
from bridge.http.front.openapi import IdempotencyKeyHeader, problem_responses
from bridge.http.front.problems import AnyRequest, wrong_field
from bridge.http.front.staff import GivenOpsAccess
from bridge.http.ops.actions import REFUSALS, Doing
from bridge.http.ops.days import DayRange, GivenDayRange
from bridge.http.ops.exports import export, exported, one_page
from bridge.http.ops.rows import ActionItem, action_item
from bridge.journal import Journal
from coordinator.books.days import date_in
from coordinator.books.wallets import Agreement, Movement, Should, WalletCoin, WalletComparison
from coordinator.ids import Id
from coordinator.models import FrozenModel
from coordinator.money import (
    ZERO,
    Amount,
    PositiveAmount,
    SignedAmount,
    decimals_of,
    difference,
    format_amount,
    trimmed,
)

__all__ = [
    "compare_wallets",
    "export_reconciliation",
    "get_reconciliation",
    "get_wallets",
    "list_wallet_movements",
    "note_wallet_movement",
]

MOVEMENTS_LIMIT = 1_000
SCOPE = "wallet-movements"
"""Of the idempotency keys of what is noted."""
SEEN = {"seen"}
MOVEMENT_EXAMPLE = {
    "wallet": "shkeeper",
    "coin": "ETH-USDT",
    "direction": "out",
    "amount": "5000.00",
    "reason": "to the cold wallet",
    "by": "Ada",
}


class ComparisonRow(FrozenModel):
    """What came of comparing a wallet with the books on a day."""

    day: str = Field(description="Of the time zone that is set; of a day the last comparison is kept.")
    wallet: str
    coin: str
    compared_at: AwareDatetime
    standing: Agreement = Field(description="`unknown` where nobody could say what it holds.")
    held: Amount | None = Field(description="What the provider or the chain said; null where that is not known.")
    unknown_because: str | None
    booked: SignedAmount
    noted: SignedAmount
    leaving: Amount = Field(description="Payouts that were on their way, and may have left already.")
    arriving: Amount = Field(description="What was seen and did not count yet, and may have come already.")
    gathering: Amount = Field(description="What came shortly before, and may still lie where it was paid to.")
    network_fees: SignedAmount = Field(description="What of `booked` the network took for payouts and refunds.")
    fee_unknown: SignedAmount = Field(
        description="What was sent where nobody says what the network took, out of this coin or another."
    )
    difference: SignedAmount | None = Field(
        description="How much more was held than the books can explain; less than zero: how much was missing."
    )
    tolerance: Amount
    differs_since: AwareDatetime | None


class WalletBalance(FrozenModel):
    """What the books say of a wallet and a coin now, and what came of comparing them last."""

    wallet: str = Field(description="The provider that keeps it, or the chain and the address.")
    coin: str
    booked: SignedAmount = Field(
        description="What came for payments, less what payouts and refunds have brought to others, and less what the "
        "network took for them as far as anybody says. What the wallet holds of other origin is not known here."
    )
    noted: SignedAmount = Field(
        description="What people have noted that moved besides, and what was there at the first comparison."
    )
    network_fees: SignedAmount = Field(description="What of `booked` the network took for payouts and refunds.")
    fee_unknown: SignedAmount = Field(
        description="What was sent where nobody says what the network took, out of this coin or another."
    )
    comparison: ComparisonRow | None = Field(description="The last; null where nobody can be asked.")


class Wallets(FrozenModel):
    """What wallets should hold, and what they held when they were compared last."""

    wallets: list[WalletBalance]


class Reconciliation(FrozenModel):
    """What came of comparing wallets with the books, oldest day first."""

    time_zone: str = Field(description="Whose days they are: that of the setting.")
    comparisons: list[ComparisonRow]


class Movements(FrozenModel):
    """What moved without the bridge, newest first."""

    movements: list[Movement]


class MovementNoted(Doing):
    """Money that moved without the bridge."""

    wallet: Id = Field(description="As `GET /api/ops/wallets` calls it.")
    coin: Id
    direction: Literal["in", "out"] = Field(description="Whether it came into the wallet or left it.")
    amount: PositiveAmount
    reason: Note
    seen: bool = Field(
        False,
        description="That it leaves the wallet and the books further apart than they were when they were compared "
        "last (409, `movement_doubted`), and somebody has seen that it moved all the same.",
    )


class MovementOnRecord(FrozenModel):
    """What was noted."""

    message: str
    action: ActionItem | None = Field(description="Null for a repeat, which noted nothing.")


def _row(found: WalletComparison, zone: ZoneInfo, day: str | None = None) -> ComparisonRow:
    said = {name: value for name, value in found if name in ComparisonRow.model_fields}
    return ComparisonRow(day=day or date_in(zone, found.compared_at).isoformat(), **said)


@get("/wallets", summary="What wallets should hold, and what they held last", middleware=COMPRESSED)
async def get_wallets(journal: GivenJournal, usual_zone: GivenUsualZone) -> Wallets:
    return await _wallets(journal, usual_zone)


async def _wallets(journal: Journal, zone: ZoneInfo) -> Wallets:
    should, last = await journal.wallets.should(journal.clock()), await journal.wallets.last()
    return Wallets(
        wallets=[
            WalletBalance(
                wallet=of.wallet,
                coin=of.coin,
                booked=should[of].booked if of in should else last[of].booked,
                noted=should[of].noted if of in should else last[of].noted,
                network_fees=should[of].network_fees if of in should else last[of].network_fees,
                fee_unknown=should[of].fee_unknown if of in should else last[of].fee_unknown,
                comparison=_row(last[of], zone) if of in last else None,
            )
            for of in sorted({*should, *last})
        ]
    )


@get(
    "/reconciliation",
    summary="What came of comparing wallets with the books from day to day",
    middleware=COMPRESSED,
    description="They are compared once a day (`wallets.compare_at`), and when somebody asks.",
)
async def get_reconciliation(
    journal: GivenJournal,
    usual_zone: GivenUsualZone,
    day_range: GivenDayRange,
) -> Reconciliation:
    rows = await _rows(journal, usual_zone, day_range)
    return Reconciliation(time_zone=usual_zone.key, comparisons=rows)


@export("reconciliation", "The same, for a spreadsheet")
async def export_reconciliation(
    request: AnyRequest,
    journal: GivenJournal,
    usual_zone: GivenUsualZone,
    day_range: GivenDayRange,
) -> Stream:
    rows = await _rows(journal, usual_zone, day_range)
    return await exported(request, ComparisonRow, one_page(rows), usual_zone)


@post(
    "/reconciliation",
    status_code=200,
    summary="Compare wallets with the books now",
    description=(
        "Asks the providers and the chains what they hold, which takes under a minute; whoever does not answer by "
        "then is `unknown`. What differs is on the list of what needs a person if it still does ten minutes later."
    ),
    responses=problem_responses({**REFUSALS}),
)
async def compare_wallets(
    journal: GivenJournal,
    wallets: GivenWallets,
    usual_zone: GivenUsualZone,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
) -> Wallets:
    ops_access.require(principal)
    await wallets.compare()
    return await _wallets(journal, usual_zone)


@get("/wallet-movements", summary="What moved without the bridge", middleware=COMPRESSED)
async def list_wallet_movements(
    journal: GivenJournal, limit: Annotated[int, QueryParameter(ge=1, le=MOVEMENTS_LIMIT)] = 100
) -> Movements:
    return Movements(movements=list(await journal.wallets.movements(limit)))


@post(
    "/wallet-movements",
    status_code=200,
    summary="Note money that moved without the bridge",
    description=(
        "Such as a withdrawal of your own, what somebody put in, or the network's fees of a month. It moves nothing, "
        "and cannot be taken back: what was noted wrongly is noted once more, the other way. A repeat with the same "
        "`Idempotency-Key` notes nothing."
    ),
    responses=problem_responses(
        {
            **REFUSALS,
            409: "It would leave the wallet and the books further apart (`movement_doubted`); say `seen` to note it",
            422: "The `Idempotency-Key` was used for another request",
        }
    ),
)
async def note_wallet_movement(
    data: Annotated[MovementNoted, Body(examples=[Example(value=MOVEMENT_EXAMPLE)])],
    journal: GivenJournal,
    wallets: GivenWallets,
    principal: GivenPrincipal,
    ops_access: GivenOpsAccess,
    idempotency_key: IdempotencyKeyHeader = None,
) -> MovementOnRecord:
    by = ops_access.actor(principal, data.by)
    of = WalletCoin(data.wallet, data.coin)
    should, last = await journal.wallets.should(journal.clock()), await journal.wallets.last()
    if of not in should and of not in last:
        raise wrong_field(
            "coin", f"no {data.coin} in a wallet {data.wallet!r} is known; look at GET /api/ops/wallets"
        )
    _require_amount_of(wallets.decimals_of(of), data)
    amount = data.amount if data.direction == "in" else difference(ZERO, data.amount)
    action = await journal.wallets.note(
        of,
        amount,
        data.reason,
        by=by,
        idempotency=idempotency_of(SCOPE, idempotency_key, data.model_copy(update={"by": by}), unsaid=SEEN),
        doubted_by=None if data.seen else should.get(of, Should()),
    )
    if action is None:
        return MovementOnRecord(message="It was noted already; nothing was noted once more.", action=None)
    way = "came into" if data.direction == "in" else "left"
    message = f"It is noted that {format_amount(data.amount)} {data.coin} {way} the wallet."
    return MovementOnRecord(message=message, action=action_item(action))


def _require_amount_of(decimals: int | None, data: MovementNoted) -> None:
    if decimals is not None and decimals_of(Decimal(trimmed(data.amount))) > decimals:
        raise wrong_field("amount", f"{data.coin} has {decimals} decimals; give no more")


async def _rows(journal: Journal, zone: ZoneInfo, day_range: DayRange) -> list[ComparisonRow]:
    spans = day_range.spans(journal.clock(), zone)
    found = await journal.wallets.of_days(spans[0].name, spans[-1].name)
    return [_row(one, zone, day) for day, one in found]
