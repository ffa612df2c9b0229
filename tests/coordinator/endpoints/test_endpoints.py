"""An endpoint's life: what a try makes of a delivery, and of the endpoint."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from coordinator.endpoints.endpoints import (
    STANDARD_RETRIES,
    DeliveryStatus,
    Endpoint,
    EndpointDelivery,
    EndpointRules,
    Secret,
    Try,
    after_try,
    matches,
    message_id,
    settled,
)
from coordinator.endpoints.retry_after import LONGEST_REST, rest_asked
from coordinator.endpoints.signing import new_secret, require_secret, signed_headers

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
RULES = EndpointRules()
DELIVERY = EndpointDelivery("end_1", "evt_1", "new-offer", 7, NOW)


def endpoint(*, is_ordered: bool = True) -> Endpoint:
    return Endpoint(
        "end_1", "https://shop.example/", ("*",), is_ordered, (Secret("old"),), None, "ada", NOW, cursor=6
    )


def answered(status: int | None, at: datetime = NOW, said: str = "") -> Try:
    return Try(at, status, said, 12)


def test_tries_go_on_for_three_days_about_their_times_and_then_end() -> None:
    delivery, at, pauses = DELIVERY, NOW, []
    for chance in (0.0, 0.5, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5):
        delivery = after_try(delivery, answered(500, at), RULES, chance, only_once=False)
        assert (delivery.status, delivery.message_id) == (DeliveryStatus.PENDING, "evt_1")
        assert delivery.next_at is not None
        pauses.append(delivery.next_at - at)
        at = delivery.next_at
    assert [pause / usual for pause, usual in zip(pauses, STANDARD_RETRIES, strict=True)] == pytest.approx(
        [0.9, 1, 1.1, 1, 1, 1, 1, 1, 1]
    )
    assert timedelta(days=3) < RULES.patience < timedelta(days=3.5)
    ended = after_try(delivery, answered(500, at), RULES, 0.5, only_once=False)
    assert (ended.status, ended.tries, ended.next_at) == (DeliveryStatus.FAILED, 10, None)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 7200 ", 7_200),
        ("Fri, 01 May 2026 12:10:00 GMT", 600),
        ("Fri, 01 May 2026 12:10:00", 600),
        ("9" * 400, LONGEST_REST.total_seconds()),
        ("Fri, 01 May 2099 12:10:00 GMT", LONGEST_REST.total_seconds()),
        *[(text, None) for text in ("", "0", "-5", "1.5", "soon", "\u0665", "Fri, 01 May 2026 11:00:00 GMT")],
        ("Fri, 01 May 20266 12:10:00 GMT", None),
    ],
)
def test_how_long_an_answer_asks_to_be_let_alone_is_read_as_seconds_or_a_date(
    header: str, seconds: float | None
) -> None:
    found = rest_asked(header, NOW)
    assert (found and found.total_seconds()) == seconds


def test_whoever_asks_for_it_is_tried_later_and_never_sooner() -> None:
    first, second = STANDARD_RETRIES[:2]
    for asked, pause in ((timedelta(seconds=1), 0.9 * first), (second, second)):
        tried = replace(answered(429), rest_asked=asked)
        assert after_try(DELIVERY, tried, RULES, 0.0, only_once=False).next_at == NOW + pause
    taken = replace(answered(200), rest_asked=second)
    assert after_try(DELIVERY, taken, RULES, 0.0, only_once=False).next_at is None


@pytest.mark.parametrize(
    ("status", "is_taken"), [(200, True), (204, True), (301, False), (404, False), (None, False)]
)
def test_only_an_answer_of_success_takes_it(status: int | None, is_taken: bool) -> None:
    after = after_try(DELIVERY, answered(status), RULES, 0.5, only_once=True)
    assert after.status is (DeliveryStatus.DELIVERED if is_taken else DeliveryStatus.FAILED)


def test_of_an_answer_only_what_can_be_stored_and_shown_is_kept() -> None:
    after = after_try(DELIVERY, answered(500, said="no\0\x1b[31m" + "x" * 1000), RULES, 0.5, only_once=False)
    assert after.said == "no  [31m" + "x" * 492


def test_a_success_ends_a_failure_and_a_failure_that_lasts_disables() -> None:
    refused = after_try(DELIVERY, answered(500), RULES, 0.5, only_once=False)
    failing = endpoint(is_ordered=False).after(refused, RULES)
    assert (failing.failing_since, failing.is_enabled) == (NOW, True)
    later = after_try(DELIVERY, answered(500, NOW + RULES.patience), RULES, 0.5, only_once=False)
    assert not failing.after(later, RULES).is_enabled
    taken = after_try(DELIVERY, answered(200, NOW + RULES.patience), RULES, 0.5, only_once=False)
    assert failing.after(taken, RULES) == replace(endpoint(is_ordered=False), taken_at=NOW + RULES.patience)


def test_what_nothing_may_overtake_disables_its_endpoint_and_anything_else_is_missed() -> None:
    given_up = after_try(DELIVERY, answered(400), EndpointRules(retries=()), 0.5, only_once=False)
    ordered = endpoint().after(given_up, RULES)
    assert (ordered.is_enabled, ordered.missed, ordered.cursor) == (False, 0, 6)
    other = replace(endpoint(is_ordered=False), taken_at=NOW).after(given_up, RULES)
    assert (other.is_enabled, other.missed) == (True, 1)
    # Of what lies behind it, which somebody wanted again, nothing is held up.
    replayed = endpoint().after(EndpointDelivery("end_1", "evt_0", "new-offer", 6, NOW).given_up(NOW, "no"), RULES)
    assert (replayed.is_enabled, replayed.missed) == (True, 1)


PAUSES = st.sampled_from((0, 1, 5, 300, 3_600, 86_400)).map(lambda seconds: timedelta(seconds=seconds))


@given(
    st.lists(PAUSES, max_size=6),
    st.integers(0, 14 * 86_400).map(lambda seconds: timedelta(seconds=seconds)),
    st.lists(st.integers(0, 86_400).map(lambda seconds: timedelta(seconds=seconds)), min_size=1, max_size=3),
    st.lists(st.floats(0, 1), min_size=1, max_size=5),
)
def test_an_outage_in_which_nothing_is_taken_loses_nothing(
    retries: list[timedelta], outage: timedelta, came: list[timedelta], chances: list[float]
) -> None:
    rules, chance = EndpointRules(retries=retries), itertools.cycle(chances)
    to = endpoint(is_ordered=False)
    waiting = {
        number: replace(
            DELIVERY, message_id=f"evt_{number}", offset=7 + number, created_at=NOW + at, next_at=NOW + at
        )
        for number, at in enumerate(came)
    }
    taken, now = set(), NOW
    while waiting:
        number, delivery = min(waiting.items(), key=lambda one: one[1].next_at or now)
        now = max(now, delivery.next_at or now)
        if not to.is_enabled:
            # Somebody enables it once it is over; what came meanwhile was not tried.
            now = max(now, NOW + outage)
            to = to.enabled()
        tried = answered(200 if now >= NOW + outage else None, now)
        to, delivery = settled(to, after_try(delivery, tried, rules, next(chance), only_once=False), rules)
        assert delivery.status is not DeliveryStatus.FAILED
        if delivery.status is DeliveryStatus.DELIVERED:
            del waiting[number]
            taken.add(number)
        else:
            assert to.is_enabled or now - NOW >= rules.patience
            waiting[number] = delivery
    assert (to.missed, len(taken)) == (0, len(came))


def test_what_is_not_taken_while_others_are_is_missed_and_one_that_is_not_enabled_yet_keeps_it() -> None:
    rules = EndpointRules(retries=())
    refused = after_try(DELIVERY, answered(500), rules, 0.5, only_once=False)
    taking = replace(endpoint(is_ordered=False), taken_at=NOW)
    assert settled(taking, refused, rules)[1].status is DeliveryStatus.FAILED
    before = replace(taking, taken_at=NOW - timedelta(seconds=1))
    after, kept = settled(before, refused, rules)
    assert (after.missed, kept.status, kept.next_at) == (0, DeliveryStatus.PENDING, NOW + timedelta(minutes=1))
    gone, kept = settled(taking, replace(refused, answer_status=410), rules)
    assert (gone.is_enabled, gone.missed, kept.status) == (False, 0, DeliveryStatus.PENDING)


def test_one_that_is_disabled_stays_so_whatever_a_test_brings() -> None:
    disabled = endpoint().disabled(NOW, "it was enough", "ada")
    test = EndpointDelivery("end_1", "test_1", "endpoint-test", None, NOW)
    for status in (200, 410, 500):
        tried = after_try(test, answered(status), RULES, 0.5, only_once=True)
        assert disabled.after(tried, RULES) == disabled


def test_a_new_secret_signs_beside_the_old_ones_for_a_while() -> None:
    first, second = new_secret(), new_secret()
    one = endpoint().changed(secrets=(Secret(first),)).with_secret(second, NOW, timedelta(hours=1))
    assert one.keys(NOW) == [second, first]
    assert one.keys(NOW + timedelta(hours=1)) == [second]
    now = datetime.now(UTC)
    headers = signed_headers("evt_1", now, b'{"a":1}', one.keys(NOW))
    for secret in (first, second):
        assert Webhook(secret).verify(b'{"a":1}', headers) == {"a": 1}
    assert first not in repr(one)


@pytest.mark.parametrize(
    "text", ["", "whsec_", "whsec_c2hvcnQ=", "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0", "whsec_!!!!"]
)
def test_what_is_no_secret_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected whsec_ and 24 to 64 random bytes in Base64$"):
        require_secret(text)


@pytest.mark.parametrize(
    ("pattern", "event", "fits"),
    [
        ("*", "new-offer", True),
        ("payment-*", "payment-update", True),
        ("payment-*", "payout-update", False),
        ("*-update", "payment-update", True),
        ("new-offer", "new-offers", False),
        ("new.offer", "new-offer", False),
    ],
)
def test_a_star_stands_for_anything(pattern: str, event: str, fits: bool) -> None:
    assert matches(pattern, event) is fits


def test_an_event_has_one_id_and_another_in_its_place_another() -> None:
    told = message_id(7, NOW, "new-offer", "{}")
    assert told == message_id(7, NOW, "new-offer", "{}")
    others = {message_id(8, NOW, "new-offer", "{}"), message_id(7, NOW, "new-offer", "[]")}
    assert told not in others
