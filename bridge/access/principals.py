"""Principals: who somebody is, what a token's claims grant them, and the questions that sockets and routes ask of
it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel as Model
from pydantic import BeforeValidator, ConfigDict, Field, StrictBool

from bridge.access.errors import NotPermittedError
from coordinator import rooms
from coordinator.ids import Id

__all__ = [
    "ANYBODY",
    "Claims",
    "Principal",
    "Role",
    "described_token",
    "principal_of",
    "signed_in_at_the_provider",
]

# A token with more than this is a mistake; and what it lists lives in memory for as long as its client.
LISTED_LIMIT = 1_000

Listed = Annotated[tuple[Id, ...], Field(max_length=LISTED_LIMIT)]


class Role(StrEnum):
    """A part of what staff may. Each of them sees everything."""

    VIEW = "ops-view"
    ACT = "ops-act"
    """What the console's buttons do, but for approving payouts."""
    APPROVE = "ops-approve"
    """To approve and reject payouts that somebody else asked for."""


def _known_roles(value: object) -> object:
    """Roles of other programs are their business, whatever they look like."""
    given = value if isinstance(value, list) else []
    return {role for role in Role if role in given}


def _known_token_id(value: object) -> str | None:
    """What is no string names no token (RFC 7519, section 4.1.7)."""
    return value if isinstance(value, str) else None


class Claims(Model):
    """The claims of a token that mean something here. Others are the business of whoever issued it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sub: Id = Field(description="The user's id.")
    exp: float = Field(description="When the token expires, in Unix seconds.")
    iat: float | None = Field(None, description="When it was issued, in Unix seconds.")
    jti: Annotated[str | None, BeforeValidator(_known_token_id)] = Field(
        None, description="Its id, by which it alone can be taken back."
    )
    requests: Listed = Field((), description="Ids of purchase requests that the user takes part in.")
    chats: Listed = Field((), description="Ids of chats that the user is a member of.")
    checkouts: Listed = Field((), description="Ids of the user's template checkouts.")
    staff: StrictBool = Field(False, description="Finance ops and support: they have every role.")
    roles: Annotated[frozenset[Role], BeforeValidator(_known_roles)] = Field(
        frozenset(), description="Parts of what staff may."
    )


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who connects or asks: who they are, and what they are granted."""

    name: str
    """For logs: the user's id, or what else somebody is known by."""
    user_id: str | None = None
    """None for somebody who is no user, such as a service."""
    is_of_marketplace: bool = True
    """Whether the id is one of the marketplace's. An identity provider has ids of its own, and one of those may be
    the same as that of a buyer."""
    rooms: frozenset[str] = frozenset()
    sees_everything: bool = False
    sees_every_payment: bool = False
    sees_every_payout: bool = False
    service: str | None = None
    """Its name, if it is a service."""
    receives: frozenset[str] = frozenset()
    """The events that may be sent to endpoints of that service."""
    orders_payouts: bool = False
    """Whether it is a service that may have payouts sent."""
    speaks_for_everybody: bool = False
    is_staff: bool = False
    """Whether they have any role."""
    roles: frozenset[Role] = frozenset()
    expires_at: datetime | None = None
    """From when on the grant is void. None: never."""
    proven_by: str | None = None
    """The key by which a token proved it, by its name in memory; None if none did."""
    token_id: str | None = None
    """The `jti` of that token."""
    issued_at: datetime | None = None
    """When that token was issued, if it says so."""

    def may_see(self, room: str) -> bool:
        """Whether they may join a room, and read what was told in it."""
        return self.sees_everything or room in self.rooms

    def may_see_payment(self, *, parties: Collection[str], in_rooms: Collection[str]) -> bool:
        """Whether they may see a payment: the users who are its parties may, and whoever may see one of the rooms in
        which it is told of, its purchase requests' and its checkout's."""
        return self.sees_every_payment or self.user_id in parties or any(map(self.may_see, in_rooms))

    def may_list_payments(self, user_id: str) -> bool:
        """Whether they may list all payments of a user: their own, or those of whoever it is."""
        return self.sees_everything or self.sees_every_payment or self.is_user(user_id)

    def is_user(self, user_id: str) -> bool:
        """Whether they are this user, by their token."""
        return self.is_of_marketplace and self.user_id is not None and self.user_id == user_id

    def may_see_payout(self, *, payee_id: str) -> bool:
        """Whether they may see a payout: whom it pays may, and finance ops."""
        return self.has_payouts_sent or self.is_user(payee_id)

    def may_say_where(self, *, buyer_id: str, opened_through: str | None) -> bool:
        """Whether they may say where a refund is sent: its buyer, and of the services that have payouts sent the one
        through which it was opened, and those that act on every payment. Staff may not, so that nobody has to tell
        them an address."""
        if self.orders_payouts:
            return self.sees_every_payment or self.name == opened_through
        return self.may_speak_for(buyer_id)

    def may_see_all_shares(self, *, buyer_id: str, of_checkout: str) -> bool:
        """Whether they may see all shares of a template checkout, by its room: its buyer may, services that see every
        payment or payout, and finance ops. Others see what is theirs."""
        sees_all = self.sees_every_payment or self.has_payouts_sent
        return sees_all or self.user_id == buyer_id or self.may_see(of_checkout)

    def may_see_share(self, *, seller_id: str, of_request: str) -> bool:
        """Whether they may see one share of a payment, by the room of its purchase request."""
        return self.user_id == seller_id or self.may_see(of_request)

    def require_rooms(self, names: Iterable[str]) -> None:
        """Raises NotPermittedError unless they may see what is told in some rooms."""
        denied = next((name for name in names if not self.may_see(name)), None)
        if denied is not None:
            raise NotPermittedError(f"the token does not grant {denied}")

    def require_console(self) -> None:
        """Raises NotPermittedError unless they may see all that the console shows."""
        if not self.may_see_console:
            raise NotPermittedError("only staff, and services that read, may see the console")

    def require_all_events(self) -> None:
        """Raises NotPermittedError unless they may read every event."""
        if not self.may_read_all_events:
            raise NotPermittedError("only staff, and services that read, may read every event")

    def require_all_payouts(self) -> None:
        """Raises NotPermittedError unless all that is known of payouts is their business."""
        if not self.has_payouts_sent:
            raise NotPermittedError("only finance ops, and services that have payouts sent, may see that")

    def require_strangers_money(self) -> None:
        """Raises NotPermittedError unless they may see money that came for nothing that is known."""
        if not self.may_see_strangers_money:
            raise NotPermittedError("only staff, and services that register payments, may see this")

    def require_payments_of(self, user_id: str) -> None:
        """Raises NotPermittedError unless they may list all payments of a user."""
        if not self.may_list_payments(user_id):
            raise NotPermittedError(f"the token does not grant what is {user_id}'s own")

    def require_payouts_of(self, payee_id: str) -> None:
        """Raises NotPermittedError unless they may list all payouts to somebody."""
        if not self.may_see_payout(payee_id=payee_id):
            raise NotPermittedError(f"the token does not grant what is {payee_id}'s own")

    def require_word_where(self, *, buyer_id: str, opened_through: str | None) -> None:
        """Raises NotPermittedError unless they may say where a refund is sent."""
        if not self.may_say_where(buyer_id=buyer_id, opened_through=opened_through):
            raise NotPermittedError(
                "only the buyer may say where this refund is sent, on the payment's page; and, of the services that"
                " have payouts sent, the one that opened it or one that registers payments too"
            )

    def require_received(self, events: Collection[str]) -> None:
        """Raises NotPermittedError if they are a service that may not be sent one of the events."""
        if self.service is not None and (denied := sorted(set(events) - self.receives)):
            raise NotPermittedError(f"the service {self.service} does not receive {', '.join(denied)}")

    def require_endpoints(self) -> None:
        """Raises NotPermittedError if they are a service that is sent nothing."""
        if self.service is not None and not self.receives:
            raise NotPermittedError(f"the service {self.service} receives no events")

    @property
    def may_see_confidential(self) -> bool:
        """Whether they receive confidential events without being in one of their rooms."""
        return self.sees_everything

    @property
    def may_read_all_events(self) -> bool:
        """Whether they may read every event, whomever it went to."""
        return self.sees_everything

    @property
    def may_see_console(self) -> bool:
        """Whether they may see all that the console shows."""
        return self.sees_everything

    @property
    def may_see_strangers_money(self) -> bool:
        """Whether they may see money that came for nothing that is known."""
        return self.sees_everything or self.sees_every_payment

    @property
    def has_payouts_sent(self) -> bool:
        """Whether all that is known of payouts is their business: they are finance ops, or a service of theirs."""
        return self.sees_everything or self.sees_every_payout

    def may_see_endpoint(self, service: str | None) -> bool:
        """Whether they may see an endpoint of a service, or of nobody in particular."""
        return self.sees_everything or (self.service is not None and self.service == service)

    def may_change_endpoint(self, service: str | None) -> bool:
        """Whether they may change one that they see: a service its own, and staff who act any."""
        return self.service is None or self.service == service

    def may_speak_for(self, user_id: str) -> bool:
        """Whether they may say that this user is online, or types."""
        return self.speaks_for_everybody or self.is_user(user_id)


ANYBODY = Principal("anybody", sees_everything=True, speaks_for_everybody=True)
"""Everyone, where nobody is asked who they are."""


def principal_of(claims: Claims, expires_at: datetime) -> Principal:
    """The user whom a token names, with the rooms that its claims grant."""
    user_id = claims.sub
    granted = {
        rooms.user(user_id),
        rooms.seller(user_id),
        rooms.SELLERS,
        rooms.buyer(user_id),
        rooms.BUYERS,
        *map(rooms.request, claims.requests),
        *map(rooms.chat, claims.chats),
        *map(rooms.template_checkout, claims.checkouts),
    }
    roles = frozenset(Role) if claims.staff else claims.roles
    return Principal(
        user_id,
        user_id=user_id,
        rooms=frozenset(granted),
        sees_everything=bool(roles),
        is_staff=bool(roles),
        roles=roles,
        expires_at=expires_at,
        token_id=claims.jti,
        issued_at=None if claims.iat is None else datetime.fromtimestamp(claims.iat, UTC),
    )


def signed_in_at_the_provider(principal: Principal) -> Principal:
    """Somebody of the staff who signed in at the identity provider: with their roles, and with nothing that a user of
    the marketplace has of their own."""
    return replace(principal, rooms=frozenset(), is_of_marketplace=False)


def described_token(principal: Principal, leeway: timedelta) -> dict[str, object]:
    """What a token grants, for a person to read or a program: its times as it says them itself, without the leeway
    that clocks have."""
    expires = principal.expires_at and principal.expires_at - leeway
    issued = principal.issued_at and principal.issued_at + leeway
    return {
        "user": principal.user_id,
        "expires": expires and expires.isoformat(timespec="seconds"),
        "issued": issued and issued.isoformat(timespec="seconds"),
        "id": principal.token_id,
        "roles": sorted(principal.roles),
        "rooms": sorted(principal.rooms),
    }
