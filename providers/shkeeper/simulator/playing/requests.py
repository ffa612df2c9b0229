"""Requests to `/simulator`: what their bodies may hold. Amounts are text, and unknown fields are refused."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from coordinator.money import Amount, PositiveAmount
from providers.shkeeper.simulator.books.payout_tasks import Outcome
from providers.shkeeper.simulator.terms.daemons import State
from providers.shkeeper.simulator.terms.terms import FeePolicy

__all__ = [
    "AgeRequest",
    "AtOnceRequest",
    "ConfirmationsRequest",
    "DaemonRequest",
    "FeesRequest",
    "GatewayRequest",
    "OutcomeRequest",
    "OutputRequest",
    "PlayRequest",
    "RateRequest",
    "TransactionRequest",
    "TransferRequest",
    "WalletRequest",
]

Confirmations = Annotated[int, Field(ge=0, le=1_000_000)]
# A hash goes into paths.
Txid = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._-]+$")]


class PlayRequest(BaseModel):
    """The body of a request."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TransferRequest(PlayRequest):
    """A buyer's wallet sends coins to an address; without an amount, as many as the invoice lacks."""

    address: str
    amount: PositiveAmount | None = None
    confirmed: bool = True
    confirmations: Confirmations | None = None
    """How many it has; if left out, as many as are wanted, or none if it is not confirmed."""
    txid: Txid | None = None


class OutputRequest(PlayRequest):
    """What a transaction sends to one address."""

    address: str
    amount: PositiveAmount


class TransactionRequest(PlayRequest):
    """One transaction pays several addresses, or one address several times."""

    outputs: Annotated[list[OutputRequest], Field(min_length=1, max_length=100)]
    confirmations: Confirmations = 1
    txid: Txid | None = None


class AtOnceRequest(PlayRequest):
    """Several transfers come at the same moment, of which only so many are counted in the balance."""

    address: str
    amounts: Annotated[list[PositiveAmount], Field(min_length=1, max_length=100)]
    counted: Annotated[int, Field(ge=0, le=100)] = 1


class ConfirmationsRequest(PlayRequest):
    """How many confirmations a transfer has now, and whether its coin's daemon tells SHKeeper so."""

    confirmations: Confirmations
    reported: bool = True


class OutcomeRequest(PlayRequest):
    """What is to become of money for a destination, and in which words that is said."""

    destination: str
    outcome: Outcome
    message: str | None = None


class RateRequest(PlayRequest):
    """What one coin is worth from now on."""

    coin: str
    fiat: str = "USD"
    rate: PositiveAmount


class FeesRequest(PlayRequest):
    """The fee in one coin and currency from now on."""

    coin: str
    fiat: str = "USD"
    policy: FeePolicy = FeePolicy.PERCENT_FEE
    percent: Amount = Decimal(2)
    fixed: Amount = Decimal(0)


class WalletRequest(PlayRequest):
    """What the operator sets for one coin; what is left out stays."""

    enabled: bool | None = None
    confirmations: Confirmations | None = None
    recalculate_after: Annotated[int, Field(ge=0)] | None = None
    lower_limit: Amount | None = None
    upper_limit: Amount | None = None


class DaemonRequest(PlayRequest):
    """How one coin's daemon is from now on; what is left out stays."""

    state: State | None = None
    blocks_behind: Annotated[int, Field(ge=0)] | None = None
    balance: Amount | None = None
    gathers: bool | None = None
    tells_balance: bool | None = None
    payout_confirmations: Confirmations | None = None


class GatewayRequest(PlayRequest):
    """What the operator sets for all coins; what is left out stays."""

    unconfirmed_notices: bool | None = None
    payout_notices: bool | None = None
    disable_crypto_when_lags: bool | None = None
    poll_seconds: Annotated[float, Field(ge=0)] | None = None
    reserves_payouts: bool | None = None


class AgeRequest(PlayRequest):
    """So much older is an invoice than it was."""

    hours: Annotated[float, Field(ge=0, le=100_000)]
