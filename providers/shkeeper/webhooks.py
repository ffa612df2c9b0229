"""SHKeeper's webhooks: their wire format, and what they say in the coordinator's words.

Fields that the bridge does not use may be there or not, as they are from one version of the gateway to the next; what
is used must be right, or the webhook is unreadable as a whole.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, TypeAdapter, ValidationError

from coordinator.ids import Id
from coordinator.money import ZERO, Amount
from coordinator.observations import (
    Ending,
    InvoiceEnded,
    InvoiceSnapshot,
    Observation,
    Standing,
    Transfer,
    TransferSeen,
)
from providers.contract import Reading, WebhookUnreadableError
from providers.shkeeper.signature import verify

__all__ = ["InvoiceNotice", "ShkeeperWebhooks", "UnconfirmedNotice"]

PROVIDER = "shkeeper"
# A field's name is shown in a message up to this length: longer than any of SHKeeper's.
SHOWN_NAME_CHARACTERS = 40
_DATE_EXPECTED = "a date is text such as 2024-06-25 15:45:38"


def _text_of_number(value: object) -> object:
    """`external_id` may have been given to SHKeeper as a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _utc(value: object) -> object:
    """SHKeeper writes `2024-06-25 15:45:38`, with or without a fraction, in UTC but without saying so."""
    if not isinstance(value, str):
        raise ValueError(_DATE_EXPECTED)
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # an offset can push the first and last days of the calendar out of it
        # The original message would repeat the value, at any length.
        raise ValueError(_DATE_EXPECTED) from None


Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
Moment = Annotated[datetime, BeforeValidator(_utc)]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class WireTransaction(_Wire):
    """One confirmed transaction of an invoice."""

    txid: Id
    crypto: Code
    amount_crypto: Amount
    amount_fiat: Amount
    date: Moment | None = None
    trigger: bool = False


class InvoiceNotice(_Wire):
    """A snapshot of a whole invoice (SHKeeper: callback.py send_notification)."""

    external_id: Annotated[Id, BeforeValidator(_text_of_number)]
    status: Literal["UNPAID", "PARTIAL", "PAID", "OVERPAID", "CANCELLED", "REFUNDED"]
    fiat: Code
    balance_fiat: Amount
    overpaid_fiat: Amount = ZERO
    transactions: tuple[WireTransaction, ...]


class UnconfirmedNotice(_Wire):
    """A transaction that is not confirmed yet (SHKeeper: callback.py send_unconfirmed_notification)."""

    external_id: Annotated[Id, BeforeValidator(_text_of_number)]
    status: Literal["unconfirmed"]
    txid: Id
    crypto: Code
    amount: Amount


_INVOICE = TypeAdapter(InvoiceNotice)
_UNCONFIRMED = TypeAdapter(UnconfirmedNotice)

_STANDINGS = {
    "UNPAID": Standing.NOTHING,
    "PARTIAL": Standing.PARTIAL,
    "PAID": Standing.PAID,
    "OVERPAID": Standing.OVERPAID,
}
_ENDINGS = {"CANCELLED": Ending.CANCELLED, "REFUNDED": Ending.REFUNDED}


class ShkeeperWebhooks:
    """Verifies and reads what one SHKeeper sends."""

    provider = PROVIDER

    def __init__(
        self, *, api_keys: Sequence[str], window_seconds: int = 300, accept_api_key_only: bool = False
    ) -> None:
        self._api_keys = tuple(api_keys)
        self._window_seconds = window_seconds
        self._accept_api_key_only = accept_api_key_only

    def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Reading:
        """What a webhook says. Raises WebhookRefusedError and WebhookUnreadableError."""
        verify(
            headers,
            body,
            keys=self._api_keys,
            now=now,
            window_seconds=self._window_seconds,
            accept_api_key_only=self._accept_api_key_only,
        )
        content = _content(body)
        try:
            return _reading(content)
        except ValidationError as error:
            raise WebhookUnreadableError(_faults(error)) from None


def _content(body: bytes) -> dict[str, Any]:
    try:
        # Amounts are text; those that are numbers after all keep every digit.
        content = json.loads(
            body.decode(), parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_object
        )
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise WebhookUnreadableError("the body is not JSON in UTF-8") from None
    # NaN and an integer of thousands of digits are ValueErrors; an exponent of twenty digits is an ArithmeticError.
    except (ValueError, ArithmeticError, RecursionError):
        raise WebhookUnreadableError("the body nests too deeply, or has a number beyond all sense") from None
    if not isinstance(content, dict):
        raise WebhookUnreadableError("the body is not a JSON object")
    return content


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuses a field that is there twice: to guess which of two amounts counts is not the bridge's business."""
    content: dict[str, Any] = {}
    for name, value in members:
        if name in content:
            raise WebhookUnreadableError(
                f"the body has the field {name[:SHOWN_NAME_CHARACTERS]!a} twice in one object"
            )
        content[name] = value
    return content


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _reading(content: dict[str, Any]) -> Reading:
    if "payout_id" in content:
        raise WebhookUnreadableError("this is a payout notice, and this bridge follows no payouts yet")
    if content.get("status") == "unconfirmed":
        unconfirmed = _UNCONFIRMED.validate_python(content)
        return Reading(unconfirmed.external_id, _transfer_seen(unconfirmed), _key("unconfirmed", unconfirmed))
    invoice = _INVOICE.validate_python(content)
    return Reading(invoice.external_id, _observation(invoice), _key("invoice", invoice))


def _key(kind: str, notice: InvoiceNotice | UnconfirmedNotice) -> str:
    """One key for one message: of what is used, not of the bytes, so that a gateway which was updated between two
    tries, and now writes more fields or another order, still says the same."""
    return f"{kind}:{hashlib.sha256(notice.model_dump_json().encode()).hexdigest()}"


def _transfer_seen(notice: UnconfirmedNotice) -> TransferSeen:
    return TransferSeen(transfer=Transfer(transfer_id=notice.txid, asset=notice.crypto, amount=notice.amount))


def _observation(notice: InvoiceNotice) -> Observation:
    if notice.status in _ENDINGS:
        return InvoiceEnded(ending=_ENDINGS[notice.status])
    # A transaction pays an invoice once, so its hash names it; of two with one hash the last counts.
    transactions = {transaction.txid: transaction for transaction in notice.transactions}
    causes = [transaction.txid for transaction in notice.transactions if transaction.trigger]
    causes = causes or [transaction.txid for transaction in notice.transactions]
    return InvoiceSnapshot(
        standing=_STANDINGS[notice.status],
        currency=notice.fiat,
        received=notice.balance_fiat,
        excess=notice.overpaid_fiat if notice.status == "OVERPAID" else ZERO,
        transfers=tuple(_transfer(transaction) for transaction in transactions.values()),
        caused_by=causes[-1] if causes else None,
    )


def _transfer(transaction: WireTransaction) -> Transfer:
    return Transfer(
        transfer_id=transaction.txid,
        asset=transaction.crypto,
        amount=transaction.amount_crypto,
        value=transaction.amount_fiat,
        occurred_at=transaction.date,
    )


def _faults(error: ValidationError) -> str:
    """Which fields are wrong and why, without their values."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(
        f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in faults[:5]
    )
