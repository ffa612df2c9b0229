"""Sales over bridges that fail: a marketplace that registers payments and asks for payouts, each again until it is
answered, and buyers who pay what they were told to."""

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import httpx

from tests.asking import request
from tests.made_destinations import destination
from tests.system.nodes.conftest import Bridges
from tests.system.shkeeper.conftest import ORDER
from tests.waiting import wait_until

__all__ = ["Sales"]

# A balancer, and a bridge that cannot do its work now.
AWAY = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
# Nobody can tell by the books whether such an order arrived: a person has to.
AT_REST = {"completed", "ambiguous"}
PAUSE_SECONDS = 0.2


class Sales:
    """One sale after the other, in a thread of its own; the seller of each is paid out once it is completed."""

    def __init__(self, bridges: Bridges) -> None:
        self._url, self._shkeeper = bridges.url, bridges.shkeeper
        self._is_over = threading.Event()
        self._trouble: BaseException | None = None
        self.payments: list[str] = []
        self.payouts: list[str] = []
        """As many, in the same order, once all is over."""

    @contextmanager
    def going_on(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            thread.join()
        if self._trouble is not None:
            raise self._trouble

    def _run(self) -> None:
        try:
            for number in itertools.count():
                if self._is_over.wait(PAUSE_SECONDS):
                    return
                self._sell(number)
                self._pay_out_next()
        except BaseException as error:
            self._trouble = error

    def _sell(self, number: int) -> None:
        order = {**ORDER, "requestId": f"sale-{number}"}
        payment = self._asked("POST", "/api/payments", json=order, headers={"Idempotency-Key": f"sale-{number}"})
        payment_id: str = payment["paymentId"]
        self.payments.append(payment_id)
        path = f"/api/payments/{payment_id}"
        address = wait_until(lambda: self._asked("GET", path)["invoices"][0]["address"])
        self._shkeeper.transfer(address)

    def _pay_out_next(self) -> None:
        """Of the sale that waits longest, if it is completed: SHKeeper's notice may be on its way."""
        payment_id = self.payments[len(self.payouts)]
        if self._status(payment_id) == "completed":
            self._pay_out(payment_id)

    def _pay_out(self, payment_id: str) -> None:
        asked = {
            "paymentId": payment_id,
            "coin": "ETH-USDT",
            "amount": "98",
            "destination": destination("ETH-USDT", payment_id),
        }
        key = {"Idempotency-Key": f"payout-{payment_id}"}
        [payout] = self._asked("POST", "/api/payouts", json={"payouts": [asked]}, headers=key)["payouts"]
        self.payouts.append(payout["payoutId"])

    def finish(self) -> None:
        """All is paid, and paid out, now that nothing fails any more."""
        self._shkeeper.works_again()
        for payment_id in self.payments:
            wait_until(lambda: self._status(payment_id) == "completed")  # noqa: B023
        for payment_id in self.payments[len(self.payouts) :]:
            self._pay_out(payment_id)
        wait_until(lambda: all(payout["status"] in AT_REST for payout in self._payouts()))

    def wrongs(self) -> list[str]:
        """What no fault may bring about: nothing is sent twice, or to nobody, and what is completed was sent."""
        sent = list(self._shkeeper.gateway.payouts.sent)
        times = Counter(money.destination for money in sent)
        to = {payout["payoutId"]: payout["destination"] for payout in self._payouts()}
        wrongs = [f"{destination} was sent {count} times" for destination, count in times.items() if count > 1]
        wrongs += [f"nobody asked for what went to {one}" for one in times if one not in to.values()]
        wrongs += [
            f"{payout} is {status} and was sent {times[to[payout]]} times"
            for payout, status in ((payout["payoutId"], payout["status"]) for payout in self._payouts())
            if status == "completed" and times[to[payout]] != 1
        ]
        return wrongs + ([] if len({*self.payouts}) == len(self.payments) else ["a payout is missing"])

    def _payouts(self) -> list[dict[str, Any]]:
        return [self._asked("GET", f"/api/payouts/{payout_id}") for payout_id in self.payouts]

    def _status(self, payment_id: str) -> str:
        status: str = self._asked("GET", f"/api/payments/{payment_id}")["status"]
        return status

    def _asked(self, method: str, path: str, **parts: Any) -> dict[str, Any]:
        """The answer, asked for again until there is one."""

        def answered() -> httpx.Response | None:
            try:
                answer = request(method, f"{self._url}{path}", **parts)
            except httpx.TransportError:
                return None
            return None if answer.status_code in AWAY else answer

        answer = wait_until(answered)
        assert answer is not None
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        document: dict[str, Any] = answer.json()
        return document
