"""Resolution of a payout, as it comes over REST and from the console, and how it is refused."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from litestar.exceptions import ClientException
from pydantic import AfterValidator, Field

from bridge.http.front.notes import Note
from bridge.http.front.problems import wrong_field
from bridge.workers.payouts.findings import NotAskedError
from coordinator.ids import Id
from coordinator.models import FrozenModel
from coordinator.payments.observed.transfers import hash_expected
from coordinator.payouts.resolution import (
    NothingToResolveError,
    ResolutionOutcome,
    TransactionWrongError,
    UnexplainedResolutionError,
)

__all__ = ["Resolution", "resolution_refusals"]

# Hexadecimal, base58 or base64; of what goes over no chain, a provider's name for it.
_TRANSACTION = re.compile(r"[A-Za-z0-9_+/=:.-]+")


def _of_a_transaction(named: str) -> str:
    # Otherwise it would not be found again as the transaction that did something else before.
    if _TRANSACTION.fullmatch(named) is None or "://" in named:
        raise ValueError("expected the transaction's hash alone, without blanks, and not the address of a page")
    expected = hash_expected(named)
    if expected is not None:
        raise ValueError(f"expected {expected}")
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
    note: Note | None = Field(
        None,
        description="How it was found out. It is stored with the payout. Only what was `sent` over a chain that is "
        "followed needs none (400 without): nothing but this word confirms the rest.",
    )
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
    except UnexplainedResolutionError as error:
        raise wrong_field("note", str(error)) from None
    except (NothingToResolveError, NotAskedError) as error:
        raise ClientException(str(error), status_code=409) from None
