"""SHKeeper's books, as far as invoices go, behind the scripted gateway."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tests.scripted_gateway import Gateway, Request, says

__all__ = ["ADDRESS", "DOWN", "OPENED", "Books"]

ADDRESS = "0x8686868686868686868686868686868686868686"
OPENED = {"status": "success", "amount": "100", "exchange_rate": "1", "wallet": ADDRESS, "display_name": "USDT"}
DOWN = says({"status": "error", "message": "oops"}, 500)


class Books:
    """SHKeeper's, as far as invoices go."""

    def __init__(self, gateway: Gateway) -> None:
        self.opening: Callable[[Request], bytes | None] = says(OPENED)
        self.coins: Callable[[Request], bytes | None] = says({"status": "success", "crypto": ["ETH-USDT", "BTC"]})
        self.invoices: dict[str, dict[str, Any]] = {}
        self.looking: Callable[[Request], bytes | None] = self._look
        self.wallet = "Offline"
        """How the coins' wallets are, which is asked where an invoice could not be opened."""
        self._gateway = gateway
        gateway.answers(self._answer)

    def _answer(self, request: Request) -> bytes | None:
        if "/payment_request" in request.path:
            return self.opening(request)
        if request.path.endswith("/balance"):
            return says({"amount_crypto": "1", "server_status": self.wallet})(request)
        return self.coins(request) if request.path.endswith("/crypto") else self.looking(request)

    def _look(self, request: Request) -> bytes:
        external_id = request.path.rpartition("/")[2]
        known = [self.invoices[external_id]] if external_id in self.invoices else []
        return says({"status": "success", "invoices": known})(request)

    def received(self, external_id: str, status: str, balance: str) -> None:
        """That so much has come in all, what is new of it with one more transaction."""
        known = self.invoices.get(external_id)
        transactions = [] if known is None else known["txs"]
        more = Decimal(balance) - Decimal("0" if known is None else known["balance_fiat"])
        if more or known is None:
            # To each payment a transaction of its own, since it is asked for by one address as all others are.
            txid = f"0x{len(transactions) + 1}" + ("" if external_id == "pay_1" else f"-{external_id}")
            moved = {"crypto": "ETH-USDT", "addr": ADDRESS, "amount": str(more), "status": "CONFIRMED"}
            transactions = [*transactions, {"txid": txid, **moved}]
        self.invoices[external_id] = {
            "external_id": external_id,
            "fiat": "USD",
            "amount_fiat": "100",
            "balance_fiat": balance,
            "status": status,
            "txs": transactions,
        }

    @property
    def asked(self) -> list[str]:
        return [asked for asked in self._gateway.asked if not asked.endswith("crypto")]
