"""Advice on payments: what a person can do about each problem of one. Pure.

It names a decision only where that is offered, because the reader looks for the button.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from coordinator.attention.items import Remedy
from coordinator.payments.payments import Payment, PaymentStatus
from coordinator.payments.problems.problems import ProblemKind, hold_on_payouts

__all__ = ["advice_on"]


class _If(NamedTuple):
    """A sentence for where something is offered."""

    remedy: Remedy
    sentence: str
    otherwise: str = ""


_Sentence = str | _If

_SETTLE = "Sent back otherwise, mark this as settled."
_SETTLE_CLOSES = "Sent back otherwise, mark this as settled, which cancels it too."
_REFUND_CLOSES = _If("refund", "Open a refund if it is to go back, which cancels it.")
_ACCEPT = _If("accept", "If the money is there, accept it as paid.")
_WAIT = _If("wait", "Keep waiting if it is on its way.")

_ADVICE: Mapping[ProblemKind, tuple[_Sentence, ...]] = {
    ProblemKind.OVERDRAWN: (
        "Look at its payouts and refunds at once: one may have gone out twice, or after it was found to have failed,"
        " or what had come was taken back. Hold all payouts if more of it may happen. Have whoever got too much give"
        " it back, then mark this as settled.",
        _If(
            "dismiss",
            "If somebody took it as paid with less and the marketplace pays the rest, dismiss it with a note.",
        ),
    ),
    ProblemKind.REFUNDED_WHILE_PAID_OUT: (
        "Stop the payout if it can still be stopped. If both went out, have the seller or the buyer give it back."
        " Then mark this as settled.",
    ),
    ProblemKind.REFUND_TOLD_TWICE: (
        "Look in the provider's own books whether that is the money of this refund. If it is, it counts twice until"
        " you withdraw the refund, where nobody gave an address yet, or say of its payout that it came back, by its"
        " own transaction and with a note.",
        _If("dismiss", "If the buyer got both, dismiss this."),
    ),
    ProblemKind.CALLED_REFUNDED: (
        "Look at the invoice in the provider's own books and at its transactions in an explorer, whether money went"
        " back to the buyer. It is asked about again, and this leaves the list once the provider takes it back;"
        " until then nothing is paid out of it.",
        _If(
            "accept",
            "If nothing went back, accept it as paid. A payout of it that was ordered is sent then; reject that first"
            " if it is not to be.",
        ),
        _If(
            "refund",
            "If it did go back, have that written down as a refund that was sent without the bridge (POST"
            ' /api/refunds with "sent"): the payment is refunded then.',
        ),
        _If("cancel", "If the sale is off, cancel it."),
        _If("dismiss", "If no money ever came, dismiss this."),
    ),
    ProblemKind.DISPUTED: (
        "Answer it at the provider in time, with what proves the sale, or give in there: the bank decides, and this"
        " leaves the list once it has. Until then nothing of it is paid out, or sent back."
        " Stop a payout that is under way if it can still be stopped.",
    ),
    ProblemKind.TWICE_PAID: (
        "Pay the seller for one of them only.",
        _If("refund", "Open a refund for the other one: the buyer is asked where to send it."),
        _SETTLE,
    ),
    ProblemKind.CONTRADICTING_BOOKS: (
        "Look at the invoice in the provider's own books and at its transactions in an explorer.",
        _ACCEPT,
        _If("wait", "If it is not, keep waiting."),
        _If("cancel", "If it will not come, cancel it."),
        "If only the coin's price has risen since the buyer was asked, a new one settles it while the price is as"
        ' high: "New price" on its page, or POST /api/payments/{paymentId}/invoices with "fresh". Until somebody'
        " decides, or the provider's books agree, it is not completed, and nothing is paid out of one that is.",
    ),
    ProblemKind.UNREADABLE_BOOKS: (
        "Look at the invoice in the provider's own books and at its transactions in an explorer. It is asked for"
        " again, and leaves this list once there is an answer that can be read.",
        _ACCEPT,
        "The bridge may have to be updated for a newer version of the provider.",
    ),
    ProblemKind.FOREIGN: (
        "It was not counted. Find out whose money or request it is: in the provider's books by the id, and from the"
        " marketplace.",
        _If("accept", "If it is this payment's after all, accept it as paid."),
        "If it is another's, send the money back where it came from, and mark this as settled.",
        _If("dismiss", "Where no money came, dismiss it."),
    ),
    ProblemKind.FORGOTTEN: (
        "Find out whether the provider was restored from a backup, emptied or replaced, and get its old books back if"
        " you can. Look in an explorer for money at the addresses that the buyer was shown before: nobody watches"
        " them any more. An unpaid invoice was opened anew, and the buyer sees where to pay now.",
        _If("accept", "If money lies at an old address, accept it as paid."),
        "If it was sent back, mark this as settled.",
        _If("dismiss", "If none lies there, dismiss it."),
    ),
    ProblemKind.PRICE_DOUBTED: (
        "Compare what came with the coin's price of that time elsewhere, and look at the price that the provider asks"
        " for now. What is paid out of it awaits a second person.",
        _If("dismiss", "If the price was right, dismiss this."),
        _If("refund", "If it was wrong, have the buyer pay the rest, or open a refund in the coin that came."),
        _SETTLE,
    ),
    ProblemKind.FEE_TOO_HIGH: (
        "Look at the fee that the provider's wallet is set to. Where it is more than the payment itself, the buyer is"
        " asked for the amount without it, so that the provider may call the payment partly paid.",
        _If("dismiss", "Once it is set right, or if it is meant so, dismiss this."),
    ),
    ProblemKind.OTHER_CURRENCY: (
        "It was not counted.",
        _If("accept", "If it is worth what was agreed, accept it as paid."),
        "Otherwise send it back to the buyer, and mark this as settled.",
    ),
    ProblemKind.PAID_AFTER_CANCELLATION: (
        _If(
            "accept",
            "If the sale still holds, accept it as paid: the seller is told and can be paid.",
            "If the sale still holds and it is completed, there is nothing more to decide: mark this as settled.",
        ),
        _If(
            "refund",
            "If the sale is off, open a refund, of a checkout just of the share of that seller, and pay out nothing"
            " of it.",
        ),
        _SETTLE,
    ),
    ProblemKind.SHORT: (
        "Let the buyer pay the rest.",
        _If("accept", "Accept it as paid if the seller agrees."),
        _REFUND_CLOSES,
        _SETTLE_CLOSES,
        "One that is completed already is settled with the seller. Where only the fee is not known, look in the"
        " provider's books what it took.",
    ),
    ProblemKind.PARTLY_PAID_EXPIRED: (
        "Ask the buyer.",
        _If("wait", "Keep waiting if the rest is on its way."),
        _If("accept", "Accept it as paid if the seller agrees."),
        _REFUND_CLOSES,
        _SETTLE_CLOSES,
    ),
    ProblemKind.UNCONFIRMED_TOO_LONG: (
        "Look at the transaction in an explorer.",
        _WAIT,
        "If it was replaced or dropped, the buyer has to pay again.",
    ),
    ProblemKind.LATENESS_DOUBTED: (
        "Look in an explorer when its transaction was mined. It counts either way, and is shown as late.",
        _If("dismiss", "If it came in time, or the sale holds all the same, dismiss this."),
        _If("refund", "If it came too late for the sale, open a refund."),
        _SETTLE,
    ),
    ProblemKind.OVER: (
        _If("refund", "Open a refund of what is too much."),
        _If("dismiss", "If to send it back costs more than it is, dismiss this."),
        _SETTLE,
    ),
}

# Of a sum that lacks a transfer: its buyer finds no place to pay the rest.
_HOLDS_THE_REST: tuple[_Sentence, ...] = (
    "Of what the provider says the least counts. Until its books agree, or it tells what each transfer is worth, the"
    " buyer is asked for nothing more, so that nobody pays the same again.",
    *_ADVICE[ProblemKind.CONTRADICTING_BOOKS][:4],
)

# Of a contradiction from which nothing follows.
_HOLDS_NOTHING: tuple[_Sentence, ...] = (
    "It holds nothing back: of what the provider says the least counts, and once that is enough it is paid out as"
    " always. If it says more, look in its own books and in an explorer whether more has come than the transfers are"
    " worth at the prices that were asked for; as a rule a price has moved.",
    _If("dismiss", "Dismiss this then."),
)


def advice_on(payment: Payment, kind: ProblemKind, remedies: Collection[Remedy]) -> str:
    """What can be done about one problem of a payment, out of what is offered."""
    sentences = _ADVICE[kind]
    if kind is ProblemKind.CONTRADICTING_BOOKS and not payment.is_held and hold_on_payouts(payment) is None:
        sentences = _HOLDS_THE_REST if payment.missing and payment.is_in_doubt else _HOLDS_NOTHING
    said = [
        _said(sentence, remedies, is_completed=payment.status is PaymentStatus.COMPLETED) for sentence in sentences
    ]
    return " ".join(sentence for sentence in said if sentence)


def _said(sentence: _Sentence, remedies: Collection[Remedy], *, is_completed: bool) -> str:
    if isinstance(sentence, str):
        return sentence
    if sentence.remedy in remedies:
        return sentence.sentence
    return sentence.otherwise if is_completed else ""
