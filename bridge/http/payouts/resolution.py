"""Resolution of a payout, as it comes over REST and from the console, and how it is refused."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated

from litestar.exceptions import ClientException
from pydantic import AfterValidator, Field

from bridge.http.front.notes import Note
from bridge.http.front.problems import wrong_field
from bridge.workers.payouts.findings import NotAskedError
from coordinator.ids import Id
from coordinator.models import FrozenModel
from coordinator.payments.observed.transfers import is_cut_off
from coordinator.payouts.payouts import Payout
from coordinator.payouts.resolution import NothingToResolveError, ResolutionOutcome, TransactionWrongError

__all__ = ["Resolution", "require_how_it_was_found", "resolution_refusals"]

# Hexadecimal, base58 or base64; of what goes over no chain, a provider's name for it.
_TRANSACTION = re.compile(r"[A-Za-z0-9_+/=:.-]+")

_FOLLOWS: Mapping[ResolutionOutcome, str] = {
    "sent": "no chain that is followed shows it",
    "arrived": "it completes the payout whatever the chain says",
    "not-sent": "its payment can be paid out again then",
    "returned": "its payment can be paid out again then",
}


def _of_a_transaction(named: str) -> str:
    # Otherwise it would not be found again as the transaction that did something else before.
    if _TRANSACTION.fullmatch(named) is None or "://" in named:
        raise ValueError("expected the transaction's hash alone, without blanks, and not the address of a page")
    if is_cut_off(named):
        raise ValueError("expected the whole hash: 0x and 64 hexadecimal digits")
    return named


class Resolution(FrozenModel):
    """What a person found out about a payout, on the chain, at the provider or from the seller."""

    outcome: ResolutionOutcome
    tx_hash: Annotated[Id, AfterValidator(_of_a_transaction)] | None = Field(
        None,
        description="The transaction that carries it, if it was sent; that brought it back, if it came back. One "
        "that was `completed` without a chain that is followed came back by its own transaction, if that failed: say "
        "so in a `note`.",
    )
    note: Note | None = Field(None, description="How it was found out. It is stored with the payout.")
    for_several: bool = Field(
        False,
        description="The transaction is known for another payout or refund already, or as what another payment's "
        "buyer paid with (409, `transaction_taken`), and somebody has seen that it is for both.",
    )


def require_how_it_was_found(resolution: Resolution, payout: Payout) -> None:
    """Raises ValidationException if nobody says how they found out what nothing but their word confirms: a followed
    chain shows by itself what a named transaction sent, and nothing else."""
    is_shown = resolution.outcome == "sent" and payout.chain is not None
    if resolution.note is None and not is_shown:
        raise wrong_field("note", f"missing; say how that was found out, for {_FOLLOWS[resolution.outcome]}")


@contextmanager
def resolution_refusals() -> Iterator[None]:
    """Answers for what cannot be resolved so."""
    try:
        yield
    except TransactionWrongError as error:
        raise wrong_field("txHash", str(error)) from None
    except (NothingToResolveError, NotAskedError) as error:
        raise ClientException(str(error), status_code=409) from None
