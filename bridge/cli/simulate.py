"""`bridge simulate`: plays a provider, so that the bridge can be tried out without one."""

import secrets
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from bridge.cli.console import output
from coordinator.errors import BridgeError
from coordinator.money import format_amount, parse_amount

if TYPE_CHECKING:
    import httpx

    from providers.shkeeper.simulator import Delivery

__all__ = ["simulate"]

simulate = typer.Typer(help="Play a payment provider.", no_args_is_help=True)

TIMEOUT_SECONDS = 30.0  # as long as SHKeeper waits
DEFAULT_URL = "http://127.0.0.1:8000"


class SimulationError(BridgeError):
    """The simulation could not be played."""


@simulate.callback()
def providers() -> None:
    """Play a payment provider."""


def _scenario(name: str) -> str:
    from providers.shkeeper.simulator import SCENARIOS

    if name not in SCENARIOS:
        raise typer.BadParameter(f"there is no scenario {name!r}; known: {', '.join(SCENARIOS)}")
    return name


def _amount(text: str) -> str:
    try:
        amount = parse_amount(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if not amount:
        raise typer.BadParameter("the amount must be more than zero")
    return text


@simulate.command()
def shkeeper(
    scenario: Annotated[
        str,
        typer.Option(
            callback=_scenario,
            help="life, unconfirmed, partial, paid, overpaid, duplicate, out-of-order or bad-signature.",
        ),
    ] = "life",
    url: Annotated[str, typer.Option(help="Where the bridge is.")] = DEFAULT_URL,
    payment_amount: Annotated[str, typer.Option(callback=_amount, help="What is to be paid.")] = "49.90",
    currency: Annotated[str, typer.Option(help="The invoice's fiat currency.")] = "USD",
    external_id: Annotated[str | None, typer.Option(help="SHKeeper's id of the invoice [default: a new one]")] = None,
    request_id: Annotated[str | None, typer.Option(help="The purchase request [default: a new one]")] = None,
    buyer_id: Annotated[str, typer.Option(help="Who pays.")] = "buyer-1",
    seller_id: Annotated[str, typer.Option(help="Who is paid.")] = "seller-1",
    offer_id: Annotated[str | None, typer.Option(help="The offer that was accepted [default: none]")] = None,
    register: Annotated[bool, typer.Option(help="Register the payment first.")] = True,
    pause: Annotated[float, typer.Option(min=0, help="Seconds between two webhooks.")] = 0.8,
    key: Annotated[str | None, typer.Option(help="Key to sign with [default: the configured one]")] = None,
    config: Annotated[Path | None, typer.Option(help="Configuration file [default: config/bridge.toml]")] = None,
) -> None:
    """Play SHKeeper through the life of an invoice: sign real-format webhooks and post them.

    Example: [bold]bridge simulate shkeeper --scenario out-of-order --seller-id seller-1[/bold]
    """
    import httpx

    from providers.shkeeper.simulator import SCENARIOS, Invoice

    signing_key = key or _configured_key(config)
    name = external_id or f"order-{secrets.token_hex(3)}"
    invoice = Invoice(name, Decimal(payment_amount), currency, datetime.now(UTC))
    registration = {
        "provider": "shkeeper",
        "externalId": name,
        "requestId": request_id or f"request-{secrets.token_hex(3)}",
        "buyerId": buyer_id,
        "sellerId": seller_id,
        "amount": format_amount(Decimal(payment_amount)),
        "currency": currency,
        **({"offerId": offer_id} if offer_id else {}),
    }
    with httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS) as client:
        try:
            payment_id = _register(client, registration) if register else None
            deliveries = SCENARIOS[scenario](invoice)
            wrong = sum(not _deliver(client, delivery, signing_key, pause) for delivery in deliveries)
            if payment_id is not None:
                _show_result(client.get(f"/api/payments/{payment_id}").json())
        except httpx.HTTPError as error:
            raise SimulationError(f"no answer from {url} ({error}); is it running? Start it with: make run") from None
    if wrong:
        raise SimulationError(f"{wrong} of {len(deliveries)} webhooks were answered otherwise than expected")


def _configured_key(config: Path | None) -> str:
    from bridge.settings import load_settings

    keys = load_settings(config).shkeeper_keys
    if not keys:
        raise SimulationError("no key to sign with; set BRIDGE_SHKEEPER_API_KEYS as for the bridge, or --key")
    return keys[0]


def _register(client: "httpx.Client", registration: dict[str, str]) -> str:
    answer = client.post("/api/payments", json=registration)
    content: dict[str, Any] = answer.json()
    if not answer.is_success:
        raise SimulationError(f"the bridge did not register the payment: {content.get('detail', answer.text)}")
    payment_id: str = content["paymentId"]
    output.print(
        f"[bold]{escape(registration['externalId'])}[/bold] is registered as {payment_id}: "
        f"{registration['amount']} {registration['currency']} for {escape(registration['requestId'])}, "
        f"from {escape(registration['buyerId'])} to {escape(registration['sellerId'])}"
    )
    return payment_id


def _deliver(client: "httpx.Client", delivery: "Delivery", key: str, pause: float) -> bool:
    """Posts one webhook and says how it went; whether the answer was the right one."""
    time.sleep(pause)
    answer = client.post(
        "/webhooks/shkeeper", content=delivery.body, headers=delivery.headers(key, datetime.now(UTC))
    )
    is_right = answer.status_code == delivery.expected_status
    mark = "[green]✓[/green]" if is_right else "[red]✗[/red]"
    expected = "" if is_right else f", expected {delivery.expected_status}"
    content = answer.json()
    said = content.get("outcome") or content.get("detail") or ""
    output.print(f"  {mark} {escape(delivery.label):<55} {answer.status_code}{expected}  [dim]{escape(said)}[/dim]")
    return is_right


def _show_result(payment: dict[str, Any]) -> None:
    excess = f", {payment['excess']} too much" if Decimal(payment["excess"]) else ""
    output.print(
        f"It stands at [bold]{payment['status']}[/bold], escrow {payment['escrowState']}: "
        f"received {payment['received']} of {payment['amount']} {payment['currency']}{excess}"
    )
