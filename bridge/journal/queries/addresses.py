"""Addresses that are our own: whether money sent to one would only come back to the wallets that it left."""

from collections.abc import Collection
from enum import StrEnum

from sqlalchemy import Connection, exists, select

from bridge.journal.tables import schema
from coordinator.payments.observed.claims import address_claim

__all__ = ["OwnAddress", "own_address"]


class OwnAddress(StrEnum):
    """What an address of our own is for."""

    OF_AN_INVOICE = "the provider gave it out for an invoice"
    RECEIVES = "payments over a chain are received there"
    SENDS = "payouts over a chain are sent from there"


def own_address(
    connection: Connection, provider: str, spellings: Collection[str], chains: Collection[str]
) -> OwnAddress | None:
    """What an address is for, however it is written, if it is our own: of the invoices that were opened here, and of
    the wallets on some chains."""
    claims, payments, payouts = schema.claims, schema.payments, schema.payouts
    names = {address_claim(provider, one) for one in spellings}
    if connection.scalar(select(exists().where(claims.c.claim.in_(names)))):
        return OwnAddress.OF_AN_INVOICE
    if connection.scalar(select(exists().where(payments.c.chain.in_(chains), payments.c.recipient.in_(spellings)))):
        return OwnAddress.RECEIVES
    if connection.scalar(select(exists().where(payouts.c.sender.is_not(None), payouts.c.sender.in_(spellings)))):
        return OwnAddress.SENDS
    return None
