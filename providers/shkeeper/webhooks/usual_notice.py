"""An invoice's notice as SHKeeper writes nearly all of them, read past the model: with all fields, amounts and dates
in their shortest form, and no character that JSON writes in another way.

Whatever is not of this form the model reads; what is of it reads the same by either, which is for its property-based
test to show.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any, NamedTuple

from providers.shkeeper.wire import HASH

__all__ = ["NoticeRead", "usual_notice"]

TEXT, CODE = r"[!#-\[\]-~]", r"[A-Za-z0-9._-]{1,64}"
ID, ADDRESS = rf"{TEXT}{{1,200}}", rf"{TEXT}{{1,1000}}"
TXID = rf"(?!0[xX]0[xX]){HASH}"
AMOUNT = r"(?:0|[1-9][0-9]{0,77})(?:\.[0-9]{1,30})?"
DATE = r"[12][0-9]{3}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}"

# In the order of the model, by which its key is made.
OF_NOTICE = {
    "external_id": ID,
    "status": "UNPAID|PARTIAL|PAID|OVERPAID|CANCELLED|REFUNDED",
    "fiat": CODE,
    "crypto": CODE,
    "addr": ADDRESS,
    "balance_fiat": AMOUNT,
    "overpaid_fiat": AMOUNT,
    "fee_policy": "[A-Z_]{1,64}",
    "fee_percent": AMOUNT,
    "fee_fixed": AMOUNT,
}
OF_TRANSACTION = {
    "txid": TXID,
    "crypto": CODE,
    "amount_crypto": AMOUNT,
    "amount_fiat": AMOUNT,
    "fee_fiat": AMOUNT,
    "date": DATE,
}


class NoticeRead(NamedTuple):
    """The notice of an invoice."""

    said: Mapping[str, Any]
    """Its fields, as the model has them; and those of each of its transactions."""
    text: str
    """The same as JSON, as the model writes it."""


def _form_of(fields: Mapping[str, str]) -> re.Pattern[str]:
    """That of the values of fields, each on a line of its own."""
    return re.compile("\n".join(f"(?:{form})" for form in fields.values()))


_texts, _texts_of_transaction = itemgetter(*OF_NOTICE), itemgetter(*OF_TRANSACTION)
_FORM, _FORM_OF_TRANSACTION = _form_of(OF_NOTICE), _form_of(OF_TRANSACTION)


def usual_notice(content: Mapping[str, Any]) -> NoticeRead | None:
    """The notice that an object is, if it has the usual form."""
    try:
        texts, paid, transactions = _texts(content), content["paid"], content["transactions"]
        if _FORM.fullmatch("\n".join(texts)) is None or type(paid) is not bool or type(transactions) is not list:
            return None
        listed = [_usual_transaction(one) for one in transactions]
    except (KeyError, TypeError, ValueError):  # a field is missing, is no text, or is no date
        return None
    external_id, status, fiat, crypto, addr, balance, overpaid, policy, percent, fixed = texts
    said = {
        "external_id": external_id,
        "status": status,
        "fiat": fiat,
        "crypto": crypto,
        "addr": addr,
        "balance_fiat": Decimal(balance),
        "paid": paid,
        "overpaid_fiat": Decimal(overpaid),
        "transactions": [one.said for one in listed],
        "fee_policy": policy,
        "fee_percent": Decimal(percent),
        "fee_fixed": Decimal(fixed),
    }
    text = (
        f'{{"external_id":"{external_id}","status":"{status}","fiat":"{fiat}","crypto":"{crypto}","addr":"{addr}"'
        f',"balance_fiat":"{balance}","paid":{"true" if paid else "false"},"overpaid_fiat":"{overpaid}"'
        f',"transactions":[{",".join([one.text for one in listed])}]'
        f',"fee_policy":"{policy}","fee_percent":"{percent}","fee_fixed":"{fixed}"}}'
    )
    return NoticeRead(said, text)


def _usual_transaction(content: Any) -> NoticeRead:
    """Raises KeyError, TypeError and ValueError where it is not of the usual form."""
    texts, trigger = _texts_of_transaction(content), content["trigger"]
    if _FORM_OF_TRANSACTION.fullmatch("\n".join(texts)) is None or type(trigger) is not bool:
        raise ValueError("a transaction is not of the usual form")
    txid, crypto, amount_crypto, amount_fiat, fee, date = texts
    said = {
        "txid": txid,
        "crypto": crypto,
        "amount_crypto": Decimal(amount_crypto),
        "amount_fiat": Decimal(amount_fiat),
        "fee_fiat": Decimal(fee),
        "date": datetime.fromisoformat(f"{date}+00:00"),
        "trigger": trigger,
    }
    text = (
        f'{{"txid":"{txid}","crypto":"{crypto}","amount_crypto":"{amount_crypto}","amount_fiat":"{amount_fiat}"'
        f',"fee_fiat":"{fee}","date":"{date[:10]}T{date[11:]}Z","trigger":{"true" if trigger else "false"}}}'
    )
    return NoticeRead(said, text)
