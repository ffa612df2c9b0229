"""How much is sent again."""

from bridge.sockets.limits import Limits
from bridge.sockets.rate_limit import RateLimit
from bridge.sockets.recovery.replays import Replays


async def test_of_one_address_as_much_is_sent_again_as_the_sessions_it_may_open_could_send() -> None:
    replays = Replays(Limits(messages=RateLimit(0.001, 10), connections=RateLimit(0.001, 3)))
    for session in ("s1", "s2", "s3"):
        here = replays.for_address("203.0.113.7")
        assert not here.is_spent(session)
        here.spend(session, 11)
        assert here.is_spent(session)
    assert here.is_spent("s4")
    assert not replays.for_address("203.0.113.8").is_spent("s4")
    assert not replays.for_address(None).is_spent("s4")
    assert replays.for_address(None).is_spent("s1")
