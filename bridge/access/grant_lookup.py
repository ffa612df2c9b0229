"""Grant lookup: asks the marketplace what users are granted: one signed question, as Standard Webhooks has them,
within a deadline, and an answer of bounded size. It must never take anything but a whole answer for a grant."""

import secrets
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from time import monotonic

from prometheus_client import Counter

from bridge import __version__
from bridge.access.errors import GrantsUnknownError
from coordinator.compact_json import compact_json
from coordinator.endpoints.signing import signed_headers
from coordinator.json_text import NotJsonError, json_in
from providers.answers import HttpAnswer, NeighbourError, ask, neighbour
from providers.circuit import ONE_OF_A_KIND, Circuit, show_circuit
from providers.concurrency import ConcurrencyLimit, CrowdedError, TurnTooLateError

__all__ = ["GrantLookup"]

QUESTION = "grants-asked"
# A client is in a thousand rooms at most, and a name has some two hundred characters.
ANSWER_LIMIT_BYTES = 500_000
# A crowd that comes back asks as many at once; whoever cannot be asked for soon is refused, and comes again.
QUESTIONS_AT_ONCE, WAITING_LIMIT = 32, 5_000
# Who that is, the marketplace need not know: whatever it answers, it is there.
NOBODY = "bridge-asks-whether-it-may"
QUESTIONS = Counter("bridge_grants_questions", "Questions to the marketplace what users are granted", ["outcome"])


class GrantLookup:
    """Asks at one address."""

    def __init__(
        self,
        url: str,
        keys: Sequence[str],
        *,
        deadline_seconds: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`keys` sign: several while one is being changed."""
        self._url = url
        self._keys = keys
        self._deadline_seconds = deadline_seconds
        self._http = neighbour(keepalive_connections=QUESTIONS_AT_ONCE)
        self._circuit = Circuit(clock, self._is_there, ONE_OF_A_KIND)
        show_circuit("marketplace", self._circuit)
        self._trouble: str | None = None
        """Why the last question was not answered; None if it was."""
        self._concurrency = ConcurrencyLimit(QUESTIONS_AT_ONCE, waiting_limit=WAITING_LIMIT)

    async def aclose(self) -> None:
        await self._circuit.aclose()
        await self._http.aclose()

    def trouble(self) -> str | None:
        """What keeps the marketplace from being asked; None if nothing does, as far as is known."""
        return None if self._trouble is None else f"grants: {self._trouble}"

    async def __call__(self, user_id: str, rooms: Collection[str]) -> Collection[str]:
        """Which of some rooms a user may enter. Raises GrantsUnknownError."""
        try:
            async with self._concurrency.turn(within_seconds=self._deadline_seconds):
                return await self._asked(user_id, rooms)
        except CrowdedError:
            raise GrantsUnknownError("too many wait to be asked about; try again later") from None
        except TurnTooLateError:
            raise GrantsUnknownError("the marketplace could not be asked in time; try again later") from None

    async def _asked(self, user_id: str, rooms: Collection[str]) -> Collection[str]:
        put = self._circuit.admit()
        if put is None:
            raise GrantsUnknownError("the marketplace is not asked for a while; try again later")
        try:
            granted = await self._answered(user_id, rooms)
        except (NeighbourError, NotJsonError, ValueError) as error:
            QUESTIONS.labels("failed").inc()
            self._trouble = str(error)
            # It may be this one's own fault, which must keep back nobody else.
            self._circuit.fail(str(error))
            await self._circuit.blames_question(put)
            raise GrantsUnknownError("the marketplace does not say what is granted; try again later") from None
        QUESTIONS.labels("answered").inc()
        self._trouble = None
        self._circuit.succeed()
        return granted

    async def _is_there(self) -> bool:
        """Whether a question about nobody is answered, whatever the answer says."""
        try:
            answer = await self._answer(NOBODY, ())
        except NeighbourError:
            return False
        return answer.status < 500

    async def _answer(self, user_id: str, rooms: Collection[str]) -> HttpAnswer:
        now = datetime.now(UTC)
        data = {"userId": user_id, "rooms": [*rooms]}
        body = compact_json({"type": QUESTION, "timestamp": now.isoformat(), "data": data}).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"bridge/{__version__}",
            **signed_headers(f"msg_{secrets.token_hex(12)}", now, body, self._keys),
        }
        request = self._http.build_request("POST", self._url, content=body, headers=headers)
        return await ask(self._http, request, deadline_seconds=self._deadline_seconds, limit_bytes=ANSWER_LIMIT_BYTES)

    async def _answered(self, user_id: str, rooms: Collection[str]) -> Collection[str]:
        answer = await self._answer(user_id, rooms)
        if not answer.is_success:
            raise ValueError(f"it answers {answer.status}")
        said = json_in(answer.content)
        granted = said.get("rooms") if isinstance(said, dict) else None
        if not isinstance(granted, list) or not all(isinstance(one, str) for one in granted):
            raise ValueError('its answer is not {"rooms": […]}')
        return frozenset(granted)
