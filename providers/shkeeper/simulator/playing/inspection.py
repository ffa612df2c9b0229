"""Inspection: what `GET /simulator` shows: everything that the local SHKeeper was asked, has booked, sent and posted,
and how it is set up. No keys and no passwords."""

import dataclasses
from typing import Any

from coordinator.money import trimmed
from providers.shkeeper.simulator.books.booked_invoice import BookedInvoice
from providers.shkeeper.simulator.books.outbox import Notice
from providers.shkeeper.simulator.books.payouts import BookedPayout, SentMoney
from providers.shkeeper.simulator.gateway import LocalGateway

__all__ = ["everything", "shown_invoice"]


def everything(gateway: LocalGateway) -> dict[str, Any]:
    terms = gateway.terms
    return {
        "asked": [{"call": asked.call, "content": asked.content} for asked in gateway.asked],
        "invoices": [shown_invoice(invoice) for invoice in gateway.invoices.invoices],
        "transactions": {
            txid: transaction.confirmations for txid, transaction in gateway.invoices.transactions.items()
        },
        "payouts": [_payout(payout) for payout in gateway.payouts.payouts],
        "sent": [_sent(money) for money in gateway.payouts.sent],
        "notices": [_notice(notice) for notice in gateway.outbox.notices],
        "faults": [fault.model_dump(mode="json") for fault in gateway.faults.waiting],
        "gateway": {
            "unconfirmed_notices": terms.unconfirmed_notices,
            "payout_notices": terms.payout_notices,
            "disable_crypto_when_lags": terms.disable_crypto_when_lags,
            "poll_seconds": gateway.payouts.poll_seconds,
        },
        "wallets": {coin: _set(wallet) for coin, wallet in terms.wallets.items()},
        "daemons": {coin: _set(daemon) for coin, daemon in gateway.daemons.by_coin.items()},
        "rates": [{"coin": coin, "fiat": fiat, "rate": f"{rate:f}"} for (coin, fiat), rate in terms.rates.items()],
        "fees": [{"coin": coin, "fiat": fiat} | _set(fees) for (coin, fiat), fees in terms.fees.items()],
    }


def shown_invoice(invoice: BookedInvoice) -> dict[str, Any]:
    paid = {"amount_crypto": trimmed(invoice.amount_crypto), "crypto": invoice.crypto}
    return invoice.looked_up() | paid | {"addresses": invoice.addresses}


def _notice(notice: Notice) -> dict[str, Any]:
    return {
        "subject": notice.subject,
        "txid": notice.txid,
        "tries": notice.tries,
        "accepted": notice.is_accepted,
        "last_status": notice.last_status,
    }


def _payout(payout: BookedPayout) -> dict[str, Any]:
    return {
        "external_id": payout.external_id,
        "crypto": payout.crypto,
        "destination": payout.destination,
        "amount": trimmed(payout.amount),
        "status": payout.status,
        "txids": payout.txids,
    }


def _sent(money: SentMoney) -> dict[str, Any]:
    return dataclasses.asdict(money) | {"amount": trimmed(money.amount)}


def _set(terms: Any) -> dict[str, Any]:
    """Settings as JSON has them: amounts are text."""
    return {
        name: value if isinstance(value, bool | int | str) else str(value)
        for name, value in dataclasses.asdict(terms).items()
    }
