"""Payment requests: what somebody wants to have paid over a chain, or paid out over one, checked against what the
chain and its token can do."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from pydantic import TypeAdapter, ValidationError

from coordinator.money import base_units
from coordinator.payments.agreed.agreements import DirectPayment
from providers.accounts import why_nobody_sends_from
from providers.errors import NotPayableError
from providers.onchain.chains import Address, Chain, Token, fits

__all__ = [
    "PROVIDER",
    "NotOnChainError",
    "WalletPayout",
    "direct_payment",
    "payment_uri",
    "read_address",
    "read_chain",
    "read_holder",
    "read_token",
    "wallet_payout",
]

PROVIDER = "onchain"
_ADDRESS = TypeAdapter(Address)


class NotOnChainError(NotPayableError):
    """Something of the kind cannot be paid over the chain."""


def direct_payment(
    chains: Mapping[str, Chain],
    *,
    chain: str | None,
    symbol: str,
    recipient: str | None,
    payer: str | None,
    amount: Decimal,
) -> DirectPayment:
    """Where a payment goes. Raises NotOnChainError, which says what is wrong."""
    on = read_chain(chains, chain)
    token = read_token(on, symbol, amount, field="currency")
    to = read_holder(on, recipient, field="recipient")
    sender = None if payer is None else read_holder(on, payer, field="payer")
    if sender == to:
        raise NotOnChainError("payer", "this is the recipient itself; expected the buyer's wallet")
    return DirectPayment(
        chain=on.name,
        recipient=to,
        payer=sender,
        payment_uri=payment_uri(on, token, to, amount),
    )


@dataclass(frozen=True, slots=True)
class WalletPayout:
    """Where a payout goes that the marketplace's own wallet sends."""

    chain: str
    destination: str
    sender: str | None
    """The wallet whose transfer is expected, where its transaction is not named."""


def wallet_payout(
    chains: Mapping[str, Chain],
    *,
    chain: str | None,
    symbol: str,
    amount: Decimal,
    destination: str,
    tx_hash: str | None,
    sender: str | None,
) -> WalletPayout:
    """Where a payout goes. Raises NotOnChainError, which says what is wrong."""
    on = read_chain(chains, chain)
    read_token(on, symbol, amount, field="coin")
    if tx_hash is None and sender is None:
        raise NotOnChainError("txHash", "missing; name the transaction, or the sender whose transfer is expected")
    wallet = None if sender is None else read_holder(on, sender, field="sender")
    to = read_holder(on, destination, field="destination")
    if to == wallet:
        raise NotOnChainError("destination", "this is the wallet that sends it; expected the seller's")
    return WalletPayout(on.name, to, wallet)


def read_chain(chains: Mapping[str, Chain], name: str | None) -> Chain:
    """Raises NotOnChainError unless the chain is one that is followed."""
    known = ", ".join(chains) or "none; set the endpoints of one, such as BRIDGE_ENDPOINTS_ETHEREUM"
    if name is None:
        raise NotOnChainError("chain", f"missing; followed: {known}")
    if name not in chains:
        raise NotOnChainError("chain", f"this bridge follows no chain {name!r}; followed: {known}")
    return chains[name]


def read_token(chain: Chain, symbol: str, amount: Decimal, *, field: str) -> Token:
    """Raises NotOnChainError unless the chain has the token, and the token so many decimals."""
    token = chain.token(symbol)
    if token is None:
        known = ", ".join(token.symbol for token in chain.tokens)
        raise NotOnChainError(field, f"{chain.name} has no token {symbol!r} here; known: {known}")
    if not fits(token, amount):
        raise NotOnChainError("amount", f"{symbol} has {token.decimals} decimals on {chain.name}")
    return token


def read_address(address: str | None, *, field: str) -> str:
    """The address with its capitals. Raises NotOnChainError unless it is one."""
    if address is None:
        raise NotOnChainError(field, "missing; an address is 0x and 40 hexadecimal digits")
    try:
        return _ADDRESS.validate_python(address)
    except ValidationError as error:
        raise NotOnChainError(field, error.errors()[0]["msg"].removeprefix("Value error, ")) from None


def read_holder(chain: Chain, address: str | None, *, field: str) -> str:
    """The address of somebody who can send on what comes to it. Raises NotOnChainError unless it may be one."""
    holder = read_address(address, field=field)
    token = next((token for token in chain.tokens if token.address == holder), None)
    if token is not None:
        raise NotOnChainError(field, f"this is the contract of the token {token.symbol}, which gives nothing back")
    objection = why_nobody_sends_from(holder)
    if objection is not None:
        raise NotOnChainError(field, objection)
    return holder


def payment_uri(chain: Chain, token: Token, recipient: str, amount: Decimal) -> str:
    """What a wallet opens and a QR code shows (ERC-681)."""
    units = base_units(amount, token.decimals)
    if token.address is None:
        return f"ethereum:{recipient}@{chain.chain_id}?value={units}"
    return f"ethereum:{token.address}@{chain.chain_id}/transfer?address={recipient}&uint256={units}"
