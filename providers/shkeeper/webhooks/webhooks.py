"""SHKeeper's webhooks: their wire format, and what they say in the coordinator's words.

Fields that the bridge does not use may be there or not, as they are from one version of the gateway to the next; what
is used must be right, or the webhook is unreadable as a whole.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

from pydantic import ValidationError

from coordinator.money import ZERO, Amount
from coordinator.payments.agreed.fees import Fee, FeePolicy
from coordinator.payments.observed.observations import (
    Ending,
    InvoiceEnded,
    InvoiceSnapshot,
    Observation,
    Standing,
    Transfer,
    TransferSeen,
)
from coordinator.payouts.observations import PayoutBooked, PayoutConfirmed, PayoutObservation, PayoutSent, Stated
from providers.contract import PayoutReading, Reading
from providers.errors import WebhookUnreadableError
from providers.shkeeper.coins import TRC20
from providers.shkeeper.destinations import usual_spelling
from providers.shkeeper.webhooks.confirmations import settling_seconds
from providers.shkeeper.webhooks.signature import require_headers, verify
from providers.shkeeper.webhooks.usual_notice import NoticeRead, usual_notice
from providers.shkeeper.wire import (
    Address,
    Code,
    GivenId,
    Hash,
    Moment,
    TransactionId,
    UnreadableError,
    Wire,
    Words,
    faults,
    read_object,
)

__all__ = [
    "ENDINGS",
    "STANDINGS",
    "InvoiceNotice",
    "PayoutNotice",
    "ShkeeperWebhooks",
    "UnconfirmedNotice",
    "notice_by_model",
]

PROVIDER = "shkeeper"


class WireTransaction(Wire):
    """One confirmed transaction of an invoice."""

    txid: TransactionId
    crypto: Code
    amount_crypto: Amount
    amount_fiat: Amount
    fee_fiat: Amount | None = None
    date: Moment | None = None
    trigger: bool = False


class InvoiceNotice(Wire):
    """A snapshot of a whole invoice (SHKeeper: callback.py send_notification)."""

    external_id: GivenId
    status: Literal["UNPAID", "PARTIAL", "PAID", "OVERPAID", "CANCELLED", "REFUNDED"]
    fiat: Code
    crypto: Code | None = None
    addr: Address | None = None
    balance_fiat: Amount
    paid: bool | None = None
    overpaid_fiat: Amount | None = None
    transactions: tuple[WireTransaction, ...]
    fee_policy: Words | None = None
    fee_percent: Amount | None = None
    fee_fixed: Amount | None = None


def _fee_in(said: Mapping[str, Any]) -> Fee | None:
    """What an invoice asks for on top; None where the gateway does not say so, or in words that are not known."""
    percent, fixed = said["fee_percent"], said["fee_fixed"]
    # Older gateways know only of percents, and do not name a policy.
    policy = FEE_POLICIES.get(said["fee_policy"] or "PERCENT_FEE")
    if policy is None or (percent is None and fixed is None):
        return None
    return _fee(policy, percent or ZERO, fixed or ZERO)


@lru_cache
def _fee(policy: FeePolicy, percent: Decimal, fixed: Decimal) -> Fee:
    """An operator has one fee, or a few."""
    return Fee(policy=policy, percent=percent, fixed=fixed)


class UnconfirmedNotice(Wire):
    """A transaction that is not confirmed yet (SHKeeper: callback.py send_unconfirmed_notification)."""

    external_id: GivenId
    status: Literal["unconfirmed"]
    txid: TransactionId
    crypto: Code
    addr: Address | None = None
    amount: Amount


class PayoutNotice(Wire):
    """A payout has arrived (SHKeeper: callback.py send_payout_notification); nothing else is told of payouts.

    `payout_id` is SHKeeper's own; `external_id` the one that it was asked with.
    """

    payout_id: int
    external_id: GivenId | None = None
    status: Literal["SUCCESS"]
    tx_hash: Hash
    crypto: Code | None = None
    amount: Amount | None = None


STANDINGS = {
    "UNPAID": Standing.NOTHING,
    "PARTIAL": Standing.PARTIAL,
    "PAID": Standing.PAID,
    "OVERPAID": Standing.OVERPAID,
}
FEE_POLICIES = {
    "NO_FEE": FeePolicy.NONE,
    "PERCENT_FEE": FeePolicy.PERCENT,
    "FIXED_FEE": FeePolicy.FIXED,
    "PERCENT_OR_MINIMAL_FIXED_FEE": FeePolicy.PERCENT_AT_LEAST_FIXED,
}
ENDINGS = {"CANCELLED": Ending.CANCELLED, "REFUNDED": Ending.REFUNDED}


class ShkeeperWebhooks:
    """Verifies and reads what one SHKeeper sends."""

    provider = PROVIDER

    def __init__(
        self,
        *,
        api_keys: Sequence[str],
        window_seconds: int = 300,
        accept_api_key_only: bool = False,
        confirmations: Mapping[str, int] | None = None,
    ) -> None:
        """`confirmations` is how many the operator asks for, by coin."""
        self._confirmations = confirmations or {}
        self._dates_ahead_seconds = 0
        self._api_keys = tuple(api_keys)
        self._window_seconds = window_seconds
        self._accept_api_key_only = accept_api_key_only

    def require(self, headers: Mapping[str, str]) -> None:
        """Raises WebhookRefusedError for what is refused whatever its body is."""
        require_headers(headers, keys=self._api_keys, accept_api_key_only=self._accept_api_key_only)

    def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Reading | PayoutReading:
        """What a webhook says. Raises WebhookRefusedError and WebhookUnreadableError."""
        verify(
            headers,
            body,
            keys=self._api_keys,
            now=now,
            window_seconds=self._window_seconds,
            accept_api_key_only=self._accept_api_key_only,
        )
        return self.read_again(body)

    def read_again(self, body: bytes) -> Reading | PayoutReading:
        """What the body of a webhook says, which was verified when it came. Raises WebhookUnreadableError."""
        try:
            return _reading(read_object(body), self._confirmations, self._dates_ahead_seconds)
        except ValidationError as error:
            raise WebhookUnreadableError(faults(error)) from None
        except UnreadableError as error:
            raise WebhookUnreadableError(f"the body {error}") from None

    def settling_seconds(self, coin: str) -> int:
        """How long after it dated a transfer a notice of it may be held until it has its confirmations."""
        return settling_seconds(coin, self._confirmations)

    def correct_dates(self, ahead: timedelta) -> None:
        """Has it known that the gateway's dates are so far ahead of UTC, from the next notice on."""
        self._dates_ahead_seconds = int(ahead.total_seconds())


def _reading(
    content: dict[str, Any], confirmations: Mapping[str, int], dates_ahead_seconds: int
) -> Reading | PayoutReading:
    if "payout_id" in content:
        return _payout_reading(PayoutNotice.model_validate(content))
    if content.get("status") == "unconfirmed":
        unconfirmed = UnconfirmedNotice.model_validate(content)
        key = _key("unconfirmed", unconfirmed.model_dump_json())
        return Reading(unconfirmed.external_id, _transfer_seen(unconfirmed), key)
    said, text = usual_notice(content) or notice_by_model(content)
    return Reading(said["external_id"], _observation(said, confirmations, dates_ahead_seconds), _key("invoice", text))


def notice_by_model(content: Mapping[str, Any]) -> NoticeRead:
    """The notice of an invoice, in whatever form. Raises ValidationError."""
    notice = InvoiceNotice.model_validate(content)
    return NoticeRead(
        {**notice.__dict__, "transactions": [one.__dict__ for one in notice.transactions]}, notice.model_dump_json()
    )


def _payout_reading(notice: PayoutNotice) -> PayoutReading:
    stated = Stated(coin=notice.crypto, amount=notice.amount)
    observations: list[PayoutObservation] = [PayoutSent(tx_hashes=(notice.tx_hash,), stated=stated)]
    # Of these it is looked up whether it moved anything.
    if notice.crypto not in TRC20:
        observations.append(PayoutConfirmed(stated=stated))
    if notice.external_id is not None:
        record = str(notice.payout_id)
        observations.append(PayoutBooked(external_id=notice.external_id, provider_id=record, stated=stated))
    key = _key("payout", notice.model_dump_json())
    return PayoutReading(notice.external_id, notice.crypto, tuple(observations), key)


def _key(kind: str, notice_json: str) -> str:
    """One key for one message: of what is used, not of the bytes, so that a gateway which was updated between two
    tries, and now writes more fields or another order, still says the same."""
    return f"{kind}:{hashlib.sha256(notice_json.encode()).hexdigest()}"


def _transfer_seen(notice: UnconfirmedNotice) -> TransferSeen:
    transfer = Transfer(transfer_id=notice.txid, asset=notice.crypto, amount=notice.amount)
    return TransferSeen(transfer=transfer, address=_address(notice.crypto, notice.addr))


def _address(coin: str | None, address: str | None) -> str | None:
    return address if coin is None or not address else usual_spelling(coin, address)


def _observation(said: Mapping[str, Any], confirmations: Mapping[str, int], dates_ahead_seconds: int) -> Observation:
    transactions: Sequence[Mapping[str, Any]] = said["transactions"]
    # A transaction pays an invoice once, so its hash names it. One that is there twice is told of twice.
    transfers = tuple([_transfer(one) for one in transactions])
    if len(transfers) > 1:
        transfers = tuple(dict.fromkeys(transfers))
    status: str = said["status"]
    address = _address(said["crypto"], said["addr"])
    if status in ENDINGS:
        return InvoiceEnded(ending=ENDINGS[status], currency=said["fiat"], address=address, transfers=transfers)
    caused_by, proven, settling = _causes(transactions, confirmations)
    return InvoiceSnapshot.of_checked(
        standing=STANDINGS[status],
        currency=said["fiat"],
        received=said["balance_fiat"],
        transfers=transfers,
        caused_by=caused_by,
        proven=proven,
        settling_seconds=settling,
        coin=said["crypto"],
        fee=_fee_in(said),
        address=address,
        above_limit=said["overpaid_fiat"],
        calls_paid=said["paid"],
        dates_ahead_seconds=dates_ahead_seconds,
    )


def _causes(
    transactions: Sequence[Mapping[str, Any]], confirmations: Mapping[str, int]
) -> tuple[str | None, frozenset[str] | None, Mapping[str, int]]:
    """By its id, what a message is sent about; what it proves, where that is not all; and of the coins of the rest,
    when that has settled."""
    if len(transactions) == 1 and transactions[0]["trigger"]:
        return transactions[0]["txid"], None, {}
    # It is sent about one transaction, which has enough confirmations. The others in it may have one alone; and all
    # of them, if it does not say which one that is.
    causes = {one["txid"] for one in transactions if one["trigger"]}
    cause = causes.pop() if len(causes) == 1 else None
    others = [one for one in transactions if one["txid"] != cause]
    settling = {one["crypto"]: settling_seconds(one["crypto"], confirmations) for one in others}
    proven: frozenset[str] = frozenset() if cause is None else frozenset((cause,))
    return cause, proven if others else None, settling


def _transfer(said: Mapping[str, Any]) -> Transfer:
    return Transfer.of_checked(
        transfer_id=said["txid"],
        asset=said["crypto"],
        amount=said["amount_crypto"],
        value=said["amount_fiat"],
        fee=said["fee_fiat"],
        occurred_at=said["date"],
    )
