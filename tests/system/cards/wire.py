"""What the provider of cards says, and what of it is seen: of payments in the coordinator's words, of payouts too.

It counts in hundredths, knows no addresses and no transactions, and calls everything by names of its own.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from coordinator.payments.deciding.evidence import LookedUpInvoice
from coordinator.payments.observed.observations import (
    Ending,
    InvoiceEnded,
    InvoiceSnapshot,
    Observation,
    Standing,
    Transfer,
    TransferSeen,
)
from coordinator.payments.observed.reversals import DisputeStage, PaymentDisputed, RefundedThere
from coordinator.payouts.observations import (
    PayoutAccepted,
    PayoutBooked,
    PayoutConfirmed,
    PayoutFailed,
    PayoutObservation,
    PayoutReturned,
    Stated,
)
from providers.contract import PayoutReading, Reading
from providers.errors import WebhookUnreadableError

__all__ = ["PROVIDER", "Event", "WireDispute", "WirePayout", "WireSession", "in_hundredths", "read_payout"]

PROVIDER = "cards"
# Banks take two working days, and there are weekends and holidays.
PAYOUTS_TAKE_SECONDS = 7 * 86_400

Hundredths = Annotated[int, Field(ge=0, le=10**12)]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


def in_hundredths(amount: Decimal) -> int:
    return int(amount.scaleb(2))


def _amount(hundredths: int) -> Decimal:
    return Decimal(hundredths).scaleb(-2)


class WireRefund(_Wire):
    id: Name
    amount: Hundredths

    def seen(self, currency: str) -> Observation:
        return RefundedThere(reference=self.id, amount=_amount(self.amount), currency=currency)


class WireDispute(_Wire):
    id: Name
    reference: Name
    status: Literal["open", "won", "lost"]
    amount: Hundredths
    currency: Currency
    reason: str | None = None

    def seen(self) -> Observation:
        return PaymentDisputed(
            reference=self.id,
            stage=DisputeStage(self.status),
            amount=_amount(self.amount),
            currency=self.currency,
            reason=self.reason,
        )


class WireSession(_Wire):
    """A checkout, which is opened for one payment."""

    id: Name
    reference: Name
    url: str
    amount: Hundredths
    currency: Currency
    status: Literal["open", "authorised", "captured", "voided"]
    charge: Name | None = None
    captured: Hundredths = 0
    refunds: tuple[WireRefund, ...] = ()
    disputes: tuple[WireDispute, ...] = ()

    def seen(self, *, is_looked_up: bool) -> Iterator[Observation]:
        """How it stands, without what went back."""
        if self.status == "authorised":
            yield TransferSeen(transfer=self._transfer(self.amount), is_looked_up=is_looked_up)
        elif self.status == "captured":
            transfer = self._transfer(self.captured)
            yield InvoiceSnapshot(
                standing=Standing.PAID if self.captured >= self.amount else Standing.PARTIAL,
                currency=self.currency,
                received=_amount(self.captured),
                transfers=(transfer.model_copy(update={"value": transfer.amount}),),
                coin=self.currency,
                agreed=_amount(self.amount) if is_looked_up else None,
            )
        elif self.status == "voided":
            yield InvoiceEnded(ending=Ending.CANCELLED, currency=self.currency, is_looked_up=is_looked_up)

    def looked_up(self) -> LookedUpInvoice:
        reversals = [*(one.seen(self.currency) for one in self.refunds), *(one.seen() for one in self.disputes)]
        return LookedUpInvoice(
            currency=self.currency,
            agreed=_amount(self.amount),
            observations=(*self.seen(is_looked_up=True), *reversals),
            name=self.reference,
        )

    def _transfer(self, hundredths: int) -> Transfer:
        return Transfer(
            transfer_id=self.charge or self.id, asset=self.currency, amount=_amount(hundredths), over_a_chain=False
        )


class WirePayout(_Wire):
    id: Name
    reference: Name
    account: Name
    amount: Hundredths
    currency: Currency
    status: Literal["in_transit", "paid", "returned", "failed"]
    returned_as: Name | None = None
    reason: str | None = None

    @property
    def stated(self) -> Stated:
        return Stated(coin=self.currency, amount=_amount(self.amount), destination=self.account)

    def seen(self) -> tuple[PayoutObservation, ...]:
        booked = PayoutBooked(external_id=self.reference, stated=self.stated)
        accepted = PayoutAccepted(
            task_id=self.id, parts=1, over_no_chain=True, expected_within_seconds=PAYOUTS_TAKE_SECONDS
        )
        reason = self.reason or "the bank does not say why"
        match self.status:
            case "in_transit":
                return accepted, booked
            case "paid":
                return accepted, PayoutConfirmed(stated=self.stated, over_no_chain=True), booked
            case "returned":
                return accepted, PayoutReturned(tx_hash=self.returned_as or self.id, reason=reason), booked
            case "failed":
                return PayoutFailed(reason=reason), booked


def read_payout(payout: WirePayout, key: str) -> PayoutReading:
    return PayoutReading(payout.reference, payout.currency, payout.seen(), key)


class Event(_Wire):
    """A webhook: what it is about depends on its kind, some of which say only where there is news."""

    id: Name
    type: str
    shop: str
    data: dict[str, Any]

    @classmethod
    def read(cls, body: bytes) -> "Event":
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            raise WebhookUnreadableError(_faults(error)) from None

    def told(self) -> Reading | PayoutReading | None:
        """What it says by itself; None of a kind that says nothing here."""
        try:
            match self.type:
                case "checkout.authorised" | "checkout.captured" | "checkout.voided":
                    session = WireSession.model_validate(self.data)
                    [seen] = session.seen(is_looked_up=False)
                    return Reading(session.reference, seen, self.id)
                case "refund.made":
                    refund = WireRefund.model_validate(self.data)
                    session = WireSession.model_validate(self.data["session"])
                    return Reading(session.reference, refund.seen(session.currency), self.id)
                case "payout.paid" | "payout.returned" | "payout.failed":
                    return read_payout(WirePayout.model_validate(self.data), self.id)
        except ValidationError as error:
            raise WebhookUnreadableError(_faults(error)) from None
        except (KeyError, ValueError):
            raise WebhookUnreadableError(f"a {self.type} that is not about one") from None
        return None


def _faults(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False))
