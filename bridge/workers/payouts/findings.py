"""Findings about payouts: what the provider and the chain say when somebody asks, and what a person says after them.

A person's decision closes a question that no machine can answer, so the machines are asked first, and their answers
are stored before it is decided whether there is anything left for a person to say.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.journal import Action, Journal
from bridge.workers.chains.followers import ChainFollowers
from bridge.workers.payouts.sender import PayoutSender
from coordinator.errors import BridgeError
from coordinator.payouts.observations import PayoutObservation
from coordinator.payouts.payouts import Payout
from coordinator.payouts.resolution import (
    ResolutionOutcome,
    TransactionWrongError,
    require_how_it_was_found,
    resolve,
)
from providers.errors import ProviderError

__all__ = ["Findings", "Inquiry", "NotAskedError"]

# People leave out its 0x, which makes it no other one.
OF_A_CHAIN = "(0[xX])?[0-9a-fA-F]{64}"


class NotAskedError(BridgeError):
    """The provider could not be asked, and without its answer nobody's counts."""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """The result of asking about a payout."""

    observations: Sequence[tuple[str, PayoutObservation]]
    """What its provider says, each after its key."""
    problems: Sequence[str]
    """What kept others from answering."""


@dataclass(frozen=True, slots=True)
class Findings:
    """Everybody who can say what became of a payout."""

    journal: Journal
    sender: PayoutSender
    chains: ChainFollowers

    async def recheck(self, payout: Payout, *, by: str) -> Action:
        """Asks the provider and the chain, and records their answers and who had them asked."""
        inquiry = await self._ask(payout)
        _, action = await self.journal.console.record_recheck(
            payout.payout_id,
            by=by,
            observations=inquiry.observations,
            before=payout,
            problems=inquiry.problems,
        )
        return action

    async def settle(
        self,
        payout: Payout,
        outcome: ResolutionOutcome,
        tx_hash: str | None,
        *,
        by: str,
        through: str | None = None,
        note: str | None,
        for_several: bool = False,
    ) -> Action:
        """Asks the provider and the chain, and then accepts a person's decision on what they left open.

        Raises NothingToResolveError, TransactionWrongError, UnexplainedResolutionError, TransactionTakenError and
        NotAskedError.
        """
        require_how_it_was_found(payout, outcome, note)
        # If the decision cannot count, whatever they say, there is no reason to ask.
        resolve(payout, outcome, tx_hash, found_by=by, note=note, now=self.journal.clock())
        self._require_form(payout, tx_hash)
        inquiry = await self._ask(payout)
        provider_knows = outcome == "not-sent" and await self._is_known(payout, inquiry.problems)
        await self.journal.payouts.record_observations(payout.payout_id, inquiry.observations)
        _, action = await self.journal.console.record_resolution(
            payout.payout_id,
            outcome,
            tx_hash,
            by=by,
            through=through,
            note=note,
            provider_knows=provider_knows,
            for_several=for_several,
        )
        return action

    def _require_form(self, payout: Payout, tx_hash: str | None) -> None:
        """Raises TransactionWrongError if no transaction of the payout's coin is called so."""
        if tx_hash is None:
            return
        if payout.chain is not None and re.fullmatch(OF_A_CHAIN, tx_hash) is None:
            raise TransactionWrongError(f"expected a transaction of {payout.chain}: 0x and 64 hexadecimal digits")
        expected = self.sender.transaction_expected(payout.provider, payout.coin, tx_hash)
        if expected is not None:
            raise TransactionWrongError(f"expected {expected}, which this is not")

    async def _ask(self, payout: Payout) -> Inquiry:
        problems: list[str] = []
        observations: Sequence[tuple[str, PayoutObservation]] = ()
        try:
            observations = await self.sender.ask_now(payout)
        except ProviderError as error:
            problems.append(f"{payout.provider} does not say: {error}")
        chain_problem = await self.chains.check_now(payout)
        if self.sender.is_to_be_sent(payout):
            problems.append("it was not asked for yet; that is tried now")
        if chain_problem is not None:
            problems.append(f"the chain does not say: {chain_problem}")
        return Inquiry(observations, problems)

    async def _is_known(self, payout: Payout, problems: Sequence[str]) -> bool:
        """Whether the provider has it in its books. Raises NotAskedError if an answer was incomplete."""
        problem = "; ".join(problems)
        if not problem:
            try:
                return await self.sender.is_known(payout)
            except ProviderError as error:
                problem = f"{payout.provider} does not say: {error}"
        raise NotAskedError(f"{problem}. Whether it was sent is for them to say first; try again later.")
