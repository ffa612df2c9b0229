"""Services of the marketplace, and their rights: what each may publish, register, approve, manage and read."""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.access.errors import NotPermittedError
from bridge.access.principals import Principal
from bridge.catalogue import EVENTS
from coordinator.events import Event

__all__ = ["ANY_SERVICE", "SOMEBODY", "Service"]

SOMEBODY = "somebody"
"""Whoever asks where nobody is asked for a name."""


@dataclass(frozen=True, slots=True)
class Service:
    """One of the marketplace's services, and what it may."""

    name: str
    events: frozenset[str] = frozenset()
    """The events that it may publish."""
    registers_payments: bool = False
    """Whether it may register payments; it sees every payment then."""
    registers_payouts: bool = False
    """Whether it may have payouts sent; it sees every payout then."""
    approves_payouts: bool = False
    """Whether it may tell that somebody approved a payout; it sees every payout then."""
    manages_access: bool = False
    """Whether it may disconnect users, and take back what their tokens grant."""
    receives: frozenset[str] = frozenset()
    """The events that may be sent to its endpoints."""
    reads: bool = False
    """Whether it may read all there is."""

    @property
    def own_name(self) -> str | None:
        """Its name, where services are named."""
        return None if self is ANY_SERVICE else self.name

    @property
    def display_name(self) -> str:
        """Who it is, for a person to read."""
        return self.own_name or SOMEBODY

    def scope(self, kind: str) -> str:
        """Within which its idempotency keys are its own; of nobody in particular where nobody is asked."""
        return kind if self is ANY_SERVICE else f"{kind}/{self.name}"

    @property
    def principal(self) -> Principal:
        """The service where it wants to read, with what follows from what it may do."""
        return Principal(
            self.name,
            service=self.name,
            receives=self.receives,
            sees_everything=self.reads,
            sees_every_payment=self.registers_payments,
            sees_every_payout=self.registers_payouts or self.approves_payouts,
            orders_payouts=self.registers_payouts,
        )

    def require_events(self, events: Sequence[Event]) -> None:
        """Raises NotPermittedError if the service may not publish one of them."""
        denied = sorted({event.name for event in events} - self.events)
        if denied:
            raise NotPermittedError(f"the service {self.name} may not publish {', '.join(denied)}")

    def require_payouts(self) -> None:
        """Raises NotPermittedError if the service may not have payouts sent."""
        if not self.registers_payouts:
            raise NotPermittedError(f"the service {self.name} may not have payouts sent")

    def require_approvals(self) -> None:
        """Raises NotPermittedError if the service may not tell that somebody approved a payout."""
        if not self.approves_payouts:
            raise NotPermittedError(f"the service {self.name} may not approve payouts")

    def require_access(self) -> None:
        """Raises NotPermittedError if the service may not take back what tokens grant."""
        if not self.manages_access:
            raise NotPermittedError(f"the service {self.name} may not manage access")

    def require_payments(self) -> None:
        """Raises NotPermittedError if the service may not register payments."""
        if not self.registers_payments:
            raise NotPermittedError(f"the service {self.name} may not register payments")


ANY_SERVICE = Service(
    "anybody",
    frozenset(EVENTS),
    registers_payments=True,
    registers_payouts=True,
    approves_payouts=True,
    manages_access=True,
    reads=True,
)
"""Whoever asks, where no services are named and nobody is asked who they are."""
