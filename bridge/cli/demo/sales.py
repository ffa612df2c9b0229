"""The demonstration's present: buyers who pay, or do not, and payouts that arrive, or do not, sale after sale.

It speaks to the bridge as a marketplace does, and to the local SHKeeper as the world around it does, over HTTP alone.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

import httpx

from bridge.cli.demo import chain
from bridge.cli.demo.books import CENT, COIN
from bridge.cli.demo.past import BUYERS, SELLERS
from providers.shkeeper.simulator.notices import signed_headers
from providers.shkeeper.simulator.scenarios import Invoice

__all__ = ["Afternoon", "Showing"]

COINS = (COIN, COIN, "ETH-USDC", "BNB-USDT", "TRX", "BTC")
# Of wallets that send one after the other.
PAID_OUT_IN = (COIN, "BNB-USDT")
TIMEOUT_SECONDS = 30.0


Acts = Sequence[tuple[int, Callable[[], Awaitable[object]]]]
"""What buyers do, with how often they do it beside the others."""


@dataclass(frozen=True, slots=True)
class Showing:
    """A payment that is played slowly, to be looked at."""

    payment_id: str
    checkout_id: str
    buyer_id: str
    seller_id: str
    chain_payment_id: str | None
    """Of one that is paid over the demonstration's own chain, where there is one."""


class Afternoon:
    """Plays sales until it is stopped."""

    def __init__(
        self,
        *,
        bridge_url: str,
        shkeeper_url: str,
        key: str,
        pace: float,
        random: Random,
        chain_url: str | None = None,
    ) -> None:
        """`pace` is how many seconds a step takes; `chain_url` is of the node of its own chain."""
        self._bridge = httpx.AsyncClient(base_url=bridge_url, timeout=TIMEOUT_SECONDS, trust_env=False)
        self._shkeeper = httpx.AsyncClient(base_url=shkeeper_url, timeout=TIMEOUT_SECONDS, trust_env=False)
        self._key = key
        self._pace = pace
        self._random = random
        self._wallet = None if chain_url is None else chain.Wallet(chain_url)
        over_chain: Acts = () if chain_url is None else ((8, self._pays_over_chain),)
        self._acts: Acts = (
            *over_chain,
            (40, self._pays),
            (10, self._pays_in_parts),
            (6, self._pays_too_little),
            (6, self._pays_too_much),
            (8, self._does_not_pay),
            (10, self._checks_out),
            (5, lambda: self._pays(outcome="fails")),
            (4, lambda: self._pays(outcome="refused")),
            (5, lambda: self._pays(outcome="stuck")),
            (3, self._pays_and_the_answer_is_lost),
            (2, self._webhook_of_a_stranger),
            (1, self._webhook_without_sense),
        )

    async def begin(self) -> Showing:
        """Begins the sales that are shown, and says which they are. Raises httpx.HTTPError."""
        payment = await self._register(amount=Decimal("49.90"))
        checkout = await self._register_checkout()
        self._shown = [self._show(payment), self._pay_and_pay_out(checkout["payment"], 6 * self._pace)]
        over_chain_id: str | None = None
        if self._wallet is not None:
            over_chain = await self._register_over_chain()
            over_chain_id = over_chain["paymentId"]
            self._shown.append(self._pay_over_chain(over_chain, 6))
        return Showing(
            payment["paymentId"],
            checkout["checkoutId"],
            payment["buyerId"],
            payment["sellerId"],
            over_chain_id,
        )

    async def play(self, say: Callable[[str], None]) -> None:
        """One sale of each kind, then more, until it is cancelled. What goes wrong is said, and the play goes on."""
        weights = [weight for weight, _ in self._acts]
        first = [act for _, act in self._acts]
        async with asyncio.TaskGroup() as sales:
            for shown in self._shown:
                sales.create_task(self._try(shown, say))
            while True:
                act = first.pop(0) if first else self._random.choices(self._acts, weights)[0][1]
                sales.create_task(self._try(act(), say))
                await self._wait(self._random.uniform(0.5, 1.5))

    async def aclose(self) -> None:
        await self._bridge.aclose()
        await self._shkeeper.aclose()
        if self._wallet is not None:
            await self._wallet.aclose()

    async def _try(self, act: Awaitable[object], say: Callable[[str], None]) -> None:
        try:
            await act
        except httpx.HTTPStatusError as error:
            say(f"a sale could not be played: {error.request.url.path} answered {error.response.status_code}")
        except httpx.HTTPError as error:
            say(f"a sale could not be played: {error.request.url.path} did not answer ({type(error).__name__})")

    async def _wait(self, steps: float) -> None:
        await asyncio.sleep(steps * self._pace)

    # What buyers do

    async def _show(self, payment: dict[str, Any]) -> None:
        await self._wait(5)
        await self._pay(payment, Decimal("0.4"))
        await self._wait(6)
        await self._pay(payment, None)
        await self._pay_out(payment)

    async def _pays(self, outcome: str = "arrives") -> None:
        await self._pay_and_pay_out(await self._register(), 2, outcome)

    async def _pay_and_pay_out(self, payment: dict[str, Any], steps: float, outcome: str = "arrives") -> None:
        await self._wait(steps)
        await self._pay(payment, None)
        await self._wait(1)
        await self._pay_out(payment, outcome)

    async def _pays_in_parts(self) -> None:
        payment = await self._register()
        await self._wait(1)
        await self._pay(payment, Decimal("0.5"))
        await self._pay_and_pay_out(payment, 3)

    async def _pays_too_little(self) -> None:
        await self._pay(await self._register(), Decimal("0.6"))

    async def _pays_too_much(self) -> None:
        payment = await self._register()
        await self._pay(payment, Decimal("1.3"))
        await self._pay_out(payment)

    async def _does_not_pay(self) -> None:
        await self._register()

    async def _checks_out(self) -> None:
        await self._pay_and_pay_out((await self._register_checkout())["payment"], 2)

    async def _pays_and_the_answer_is_lost(self) -> None:
        payment = await self._register()
        await self._pay(payment, None)
        await self._pay_out(payment, fault={"call": "payout", "what": "reset", "happens": "before", "times": 1})

    async def _pays_over_chain(self) -> None:
        await self._pay_over_chain(await self._register_over_chain(), 2)

    async def _webhook_of_a_stranger(self) -> None:
        """SHKeeper was used for something that is not the marketplace's."""
        await self._notify(self._strangers_invoice().notice(), expected=202)

    async def _webhook_without_sense(self) -> None:
        body = self._strangers_invoice().notice().replace(b'"PAID"', b'"ON_HOLD"')
        await self._notify(body, expected=400)

    def _strangers_invoice(self) -> Invoice:
        amount = self._amount()
        return Invoice(f"donation-{secrets.token_hex(4)}", amount, "USD", datetime.now(UTC)).pay(amount)

    # How they do it

    def _amount(self) -> Decimal:
        return (Decimal(self._random.lognormvariate(3.8, 0.8)) + 5).quantize(CENT)

    async def _register(self, amount: Decimal | None = None) -> dict[str, Any]:
        return await self._ask(
            "payments",
            {
                "provider": "shkeeper",
                "requestId": f"request-{secrets.token_hex(4)}",
                "buyerId": self._random.choice(BUYERS),
                "sellerId": self._random.choice(SELLERS),
                "amount": str(amount or self._amount()),
                "currency": "USD",
                "coin": self._random.choice(COINS),
            },
        )

    async def _register_over_chain(self) -> dict[str, Any]:
        return await self._ask(
            "payments",
            {
                "provider": "onchain",
                "chain": chain.CHAIN,
                "recipient": f"0x{secrets.token_hex(20)}",
                "requestId": f"request-{secrets.token_hex(4)}",
                "buyerId": self._random.choice(BUYERS),
                "sellerId": self._random.choice(SELLERS),
                "amount": f"{self._random.uniform(0.005, 0.05):.4f}",
                "currency": chain.COIN,
            },
        )

    async def _register_checkout(self) -> dict[str, Any]:
        shares = [
            {"requestId": f"request-{secrets.token_hex(4)}", "sellerId": seller, "amount": str(self._amount())}
            for seller in self._random.sample(SELLERS, 2)
        ]
        return await self._ask(
            "template-checkouts",
            {
                "provider": "shkeeper",
                "checkoutId": f"checkout-{secrets.token_hex(4)}",
                "buyerId": self._random.choice(BUYERS),
                "currency": "USD",
                "coin": COIN,
                "shares": shares,
            },
        )

    async def _pay(self, payment: dict[str, Any], share: Decimal | None) -> None:
        """A share of what is asked for, or all that is missing, as a transfer that is seen and then confirmed."""
        invoice = payment["invoices"][0]
        amount = {}
        if share is not None:
            amount = {"amount": f"{(Decimal(invoice['coinAmount']) * share).quantize(Decimal('1e-6')):f}"}
        sent = await self._play("transfers", {"address": invoice["address"], "confirmed": False} | amount)
        await self._wait(2)
        await self._play(f"transfers/{sent['txid']}/confirm", {})
        await self._wait(0.5)

    async def _pay_over_chain(self, payment: dict[str, Any], steps: float) -> None:
        await self._wait(steps)
        if self._wallet is not None:
            await self._wallet.pay(payment["direct"]["recipient"], Decimal(payment["amount"]))

    async def _pay_out(
        self, payment: dict[str, Any], outcome: str = "arrives", fault: dict[str, Any] | None = None
    ) -> None:
        """To each seller of a payment, as soon as it is completed."""
        while (payment := await self._read_payment(payment["paymentId"]))["status"] != "completed":
            await self._wait(1)
        shares = {share["sellerId"]: Decimal(share["amount"]) for share in await self._shares(payment)}
        destinations = {seller: f"0x{secrets.token_hex(20)}" for seller in shares}
        for destination in destinations.values():
            await self._play("outcomes", {"destination": destination, "outcome": outcome})
            if fault is not None:
                await self._play("faults", {**fault, "about": destination})
        payouts = [
            {
                "paymentId": payment["paymentId"],
                "sellerId": seller,
                "coin": self._random.choice(PAID_OUT_IN),
                "amount": str((shares[seller] * Decimal("0.98")).quantize(CENT)),
                "destination": destination,
            }
            for seller, destination in destinations.items()
        ]
        await self._ask("payouts", {"payouts": payouts})

    async def _shares(self, payment: dict[str, Any]) -> list[dict[str, Any]]:
        if payment["checkoutId"] is None:
            return [payment]
        answer = await self._bridge.get(f"/api/template-checkouts/{payment['checkoutId']}")
        shares: list[dict[str, Any]] = answer.raise_for_status().json()["shares"]
        return shares

    async def _read_payment(self, payment_id: str) -> dict[str, Any]:
        answer = await self._bridge.get(f"/api/payments/{payment_id}")
        payment: dict[str, Any] = answer.raise_for_status().json()
        return payment

    async def _ask(self, what: str, content: dict[str, Any]) -> dict[str, Any]:
        answer = await self._bridge.post(f"/api/{what}", json=content)
        made: dict[str, Any] = answer.raise_for_status().json()
        return made

    async def _play(self, what: str, content: dict[str, Any]) -> dict[str, Any]:
        answer = await self._shkeeper.post(f"/simulator/{what}", json=content)
        played: dict[str, Any] = answer.raise_for_status().json()
        return played

    async def _notify(self, body: bytes, *, expected: int) -> None:
        headers = signed_headers(self._key, body, datetime.now(UTC))
        answer = await self._bridge.post("/webhooks/shkeeper", content=body, headers=headers)
        if answer.status_code != expected:
            answer.raise_for_status()
