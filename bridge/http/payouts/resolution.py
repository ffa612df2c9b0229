"""Resolution of a payout, as it comes over REST and from the console, and how it is refused."""

from collections.abc import Iterator
from contextlib import contextmanager

from litestar.exceptions import ClientException
from pydantic import Field

from bridge.http.front.notes import Note
from bridge.http.front.problems import wrong_field
from bridge.workers.payout_findings import NotAskedError
from coordinator.ids import Id
from coordinator.models import FrozenModel
from coordinator.payouts.resolution import NothingToResolveError, ResolutionOutcome, TransactionWrongError

__all__ = ["Resolution", "resolution_refusals"]


class Resolution(FrozenModel):
    """What a person found out about a payout, on the chain, at the provider or from the seller."""

    outcome: ResolutionOutcome
    tx_hash: Id | None = Field(
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


@contextmanager
def resolution_refusals() -> Iterator[None]:
    """Answers for what cannot be resolved so."""
    try:
        yield
    except TransactionWrongError as error:
        raise wrong_field("txHash", str(error)) from None
    except (NothingToResolveError, NotAskedError) as error:
        raise ClientException(str(error), status_code=409) from None
