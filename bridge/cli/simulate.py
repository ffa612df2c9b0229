"""`bridge simulate`: plays a provider, so that the bridge can be tried out without one."""

import secrets
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.address import bridge_url
from bridge.cli.asking import Url, answered_otherwise, bridge_in_use, token_remedy, unanswered
from bridge.cli.console import bold, on_one_line, say, styled, symbol
from bridge.cli.local_shkeeper import DEFAULT_PORT, run_local_shkeeper
from bridge.cli.local_shkeeper import DEFAULT_URL as DEFAULT_SHKEEPER_URL
from bridge.cli.options import Config, command_group
from bridge.environment import TOKEN_VARIABLE
from coordinator.errors import BridgeError
from coordinator.money import format_amount, parse_amount

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import httpx

    from providers.shkeeper.simulator.scenarios import NoticeDelivery

__all__ = ["configured_key", "simulate"]

simulate = command_group("Play a payment provider.")

TIMEOUT_SECONDS = 30.0  # as long as SHKeeper waits


class SimulationError(BridgeError):
    """The simulation could not be played."""


@simulate.callback()
def providers() -> None:
    """Play a payment provider."""


def _scenario(name: str) -> str:
    from providers.shkeeper.simulator.scenarios import SCENARIOS

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


def _amount_if_any(text: str | None) -> str | None:
    return None if text is None else _amount(text)


@simulate.command()
def shkeeper(
    scenario: Annotated[
        str,
        typer.Option(
            callback=_scenario,
            help="life, unconfirmed, partial, paid, overpaid, duplicate, out-of-order or bad-signature.",
        ),
    ] = "life",
    url: Url = None,
    payment_amount: Annotated[str, typer.Option(callback=_amount, help="What is to be paid.")] = "49.90",
    currency: Annotated[str, typer.Option(help="The invoice's fiat currency.")] = "USD",
    external_id: Annotated[str | None, typer.Option(help="SHKeeper's id of the invoice (default: a new one)")] = None,
    request_id: Annotated[str | None, typer.Option(help="The purchase request (default: a new one)")] = None,
    buyer_id: Annotated[str | None, typer.Option(help="Who pays (default: somebody new)")] = None,
    seller_id: Annotated[str | None, typer.Option(help="Who is paid (default: somebody new)")] = None,
    offer_id: Annotated[str | None, typer.Option(help="The offer that was accepted (default: a new one)")] = None,
    register: Annotated[bool, typer.Option(help="Register the payment first.")] = True,
    pause: Annotated[float, typer.Option(min=0, help="Seconds between two webhooks.")] = 0.8,
    token: Annotated[
        str | None,
        typer.Option(envvar=TOKEN_VARIABLE, help="The token of a service, where the bridge asks for one."),
    ] = None,
    key: Annotated[str | None, typer.Option(help="Key to sign with (default: the configured one)")] = None,
    config: Config = None,
    serve: Annotated[bool, typer.Option("--serve", help="Run a whole local SHKeeper instead, until Ctrl-C.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where it listens, with --serve.")] = DEFAULT_PORT,
) -> None:
    """Play SHKeeper: post real-format, signed webhooks through the life of an invoice, or run a whole local gateway.

    Example: [bold]bridge simulate shkeeper --scenario out-of-order --seller-id seller-1[/bold]

    Example: [bold]bridge simulate shkeeper --serve[/bold]
    """
    import httpx

    from providers.shkeeper.simulator.scenarios import SCENARIOS, Invoice

    signing_key = _usable(key or configured_key(config))
    if serve:
        _serve(signing_key, config, port)
        return
    name = external_id or _fresh("order")
    invoice = Invoice(name, Decimal(payment_amount), currency, datetime.now(UTC))
    registration = {
        "provider": "shkeeper",
        "externalId": name,
        "requestId": request_id or _fresh("request"),
        "buyerId": buyer_id or _fresh("buyer"),
        "sellerId": seller_id or _fresh("seller"),
        "offerId": offer_id or _fresh("offer"),
        "amount": format_amount(Decimal(payment_amount)),
        "currency": currency,
    }
    deliveries = SCENARIOS[scenario](invoice)
    headers = {"Authorization": f"Bearer {_usable(token)}"} if token else {}
    place = bridge_in_use(url, config)
    with httpx.Client(base_url=place, timeout=TIMEOUT_SECONDS, headers=headers, trust_env=False) as client:
        try:
            registered = _register(client, registration) if register else None
            outcomes = list(_deliver_all(client, deliveries, signing_key, pause))
            payment_id = registered or next((known for _, known in reversed(outcomes) if known), None)
            _show_result(client, name, payment_id)
        except httpx.HTTPError as error:
            raise SimulationError(unanswered(place, on_one_line(str(error)))) from None
    wrong = sum(not is_right for is_right, _ in outcomes)
    if wrong:
        raise SimulationError(f"{wrong} of {len(outcomes)} webhooks were answered otherwise than expected")


def _serve(key: str, config: Path | None, port: int) -> None:
    """Runs the local SHKeeper with the user and password that the bridge is configured with, if it is."""
    from bridge.settings import load_settings
    from providers.shkeeper.settings import ShkeeperSettings
    from providers.shkeeper.simulator.gateway import Configuration

    settings = ShkeeperSettings.of(load_settings(config))
    user, password = settings.shkeeper_user, settings.shkeeper_password.get_secret_value()
    run_local_shkeeper(Configuration(key, user=user or "admin", password=password or "admin"), port)


@simulate.command()
def transfer(
    address: Annotated[str, typer.Argument(help="The address of an invoice.")],
    amount: Annotated[
        str | None, typer.Option(callback=_amount_if_any, help="How many coins (default: what the invoice lacks)")
    ] = None,
    confirm_after: Annotated[
        float, typer.Option(min=0, help="Seconds until a block holds it (default: it holds it already)")
    ] = 0,
    shkeeper: Annotated[
        str, typer.Option(callback=bridge_url, help="Where the local SHKeeper is.")
    ] = DEFAULT_SHKEEPER_URL,
) -> None:
    """Play a buyer's wallet: send coins to the address of an invoice of the local SHKeeper.

    Example: [bold]bridge simulate transfer 0x6f2F… --amount 20[/bold]
    """
    import httpx

    content = {"address": address, "confirmed": not confirm_after} | ({"amount": amount} if amount else {})
    with httpx.Client(base_url=shkeeper, timeout=TIMEOUT_SECONDS) as client:
        txid = _play(client, "Sent", "/simulator/transfers", content)
        if confirm_after:
            time.sleep(confirm_after)
            _play(client, "Confirmed", f"/simulator/transfers/{txid}/confirm", {})


def _play(client: "httpx.Client", done: str, path: str, content: dict[str, object]) -> str:
    """Has the local SHKeeper play something, and says how the invoice stands then. Returns the transaction's hash."""
    import httpx

    try:
        answer = client.post(path, json=content)
    except httpx.HTTPError as error:
        raise SimulationError(
            f"no answer from {client.base_url} ({error}); start it with: bridge simulate shkeeper --serve"
        ) from None
    if not answer.is_success:
        raise SimulationError(f"the local SHKeeper says: {answer.text}")
    played = _content(answer)
    invoice, txid = played["invoice"], str(played["txid"])
    say(
        f"{done}. The invoice of {bold(on_one_line(invoice['external_id']))} stands at {invoice['status']}:"
        f" {invoice['balance_fiat']} of {invoice['amount_fiat']} {on_one_line(invoice['fiat'])}"
    )
    return txid


def _fresh(kind: str) -> str:
    return f"{kind}-{secrets.token_hex(3)}"


def configured_key(config: Path | None) -> str:
    from bridge.settings import load_settings
    from providers.shkeeper.settings import ShkeeperSettings

    keys = ShkeeperSettings.of(load_settings(config)).shkeeper_keys
    if not keys:
        raise SimulationError("no key to sign with; set BRIDGE_SHKEEPER_API_KEYS as for the bridge, or --key")
    return keys[0]


def _usable(secret: str) -> str:
    """The key or token, if a header can carry it. Otherwise the HTTP client would complain, and quote it."""
    secret = secret.strip()
    if not secret or not secret.isascii() or not secret.isprintable():
        raise SimulationError("a key or token must be one line of plain ASCII characters; is it only one?")
    return secret


def _content(answer: "httpx.Response") -> dict[str, Any]:
    """What a bridge answers, which is a JSON object always."""
    try:
        content = answer.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise SimulationError(answered_otherwise(f"{answer.url} answered {answer.status_code}"))
    return content


def _register(client: "httpx.Client", registration: dict[str, str]) -> str:
    answer = client.post("/api/payments", json=registration)
    content = _content(answer)
    if not answer.is_success or "paymentId" not in content:
        remedy = f"; {token_remedy('the token of a service')}" if answer.status_code == 401 else ""
        said = content.get("detail", answer.text)
        raise SimulationError(f"the bridge did not register the payment: {said}{remedy}")
    payment_id: str = content["paymentId"]
    say(
        f"{bold(on_one_line(registration['externalId']))} is registered as {on_one_line(payment_id)}: "
        f"{registration['amount']} {on_one_line(registration['currency'])} for"
        f" {on_one_line(registration['requestId'])}, "
        f"from {on_one_line(registration['buyerId'])} to {on_one_line(registration['sellerId'])}"
    )
    return payment_id


def _deliver_all(
    client: "httpx.Client", deliveries: "Sequence[NoticeDelivery]", key: str, pause: float
) -> "Iterator[tuple[bool, str | None]]":
    """Posts the webhooks and says how each went: whether the answer was the right one, and for which payment."""
    for number, delivery in enumerate(deliveries, start=1):
        if number > 1:
            time.sleep(pause)
        answer = client.post(
            "/webhooks/shkeeper", content=delivery.body, headers=delivery.headers(key, datetime.now(UTC))
        )
        content = _content(answer)
        is_right = answer.status_code == delivery.expected_status
        mark = styled(symbol("✓", "ok"), "green") if is_right else styled(symbol("✗", "x"), "red")
        said = str(content.get("outcome") or content.get("detail") or "")
        say(
            f"  {mark} {number}  {on_one_line(delivery.label):<46} expected {delivery.expected_status}, "
            f"got {answer.status_code}  {styled(on_one_line(said), dim=True)}"
        )
        yield is_right, content.get("paymentId")


def _show_result(client: "httpx.Client", external_id: str, payment_id: str | None) -> None:
    if payment_id is None:
        say(f"No payment is registered for {bold(on_one_line(external_id))}; what was accepted waits for it.")
        return
    answer = client.get(f"/api/payments/{payment_id}")
    payment = _content(answer)
    if not answer.is_success:
        raise SimulationError(
            f"the bridge did not give the status of {payment_id}: {payment.get('detail', answer.text)}"
        )
    excess = f", {payment['excess']} too much" if Decimal(payment["excess"]) else ""
    say(
        f"Its status is {bold(payment['status'])}, escrow {payment['escrowState']}: "
        f"received {payment['received']} of {payment['amount']} {on_one_line(payment['currency'])}{excess}"
    )
