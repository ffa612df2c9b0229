"""The events of points, levels and referrals."""

from typing import Annotated, ClassVar

from pydantic import Field

from bridge.catalogue.chat import Moment
from coordinator import rooms
from coordinator.events import AudienceRule, Payload, RoomRule, Text
from coordinator.ids import Id

__all__ = ["LevelUp", "ReferralReward", "ReferralSignup"]

_USER = AudienceRule(rooms=(RoomRule(rooms.user, "userId"),))

Whole = Annotated[int, Field(strict=True)]


class LevelUp(Payload):
    """A user reached another level."""

    event_name: ClassVar[str] = "level-up"
    audience_rule: ClassVar[AudienceRule] = _USER

    old_level: Whole
    new_level: Whole
    lifetime_points: Whole
    perks: list[Text]


class ReferralReward(Payload):
    """A user earned points by somebody they brought."""

    event_name: ClassVar[str] = "referral-reward"
    audience_rule: ClassVar[AudienceRule] = _USER

    referred_user_id: Id
    points: Whole
    transaction_id: Id


class ReferralSignup(Payload):
    """Somebody whom a user brought has signed up."""

    event_name: ClassVar[str] = "referral-signup"
    audience_rule: ClassVar[AudienceRule] = _USER

    referred_user_id: Id
    name: Text
    joined_at: Moment
