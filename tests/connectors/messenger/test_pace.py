"""Meta's quota is heeded before Meta has to refuse: spread out from 80 %, only what is urgent from 95 %."""

from __future__ import annotations

import json
from typing import Any

import pytest

import omnibox_messenger.pace
from omnibox.connector import ChannelSettings, Temporary
from omnibox.testing.world.graph_rules import Quota
from omnibox_messenger.pace import RATES, Kind, Pace

from .conftest import PAGE, PSID, Shop


class Time:
    """A clock that a sleep moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def passing() -> Time:
    return Time()


def business(**use: Any) -> dict[str, str]:
    return {"X-Business-Use-Case-Usage": json.dumps({"104": [{"type": "messenger", **use}]})}


async def took_s(pace: Pace, time: Time, calls: int, kind: Kind = "text") -> float:
    before = time.now
    for _ in range(calls):
        await pace.turn(kind)
    return time.now - before


@pytest.mark.parametrize("kind", sorted(RATES))
async def test_no_more_leave_in_a_second_than_meta_takes(passing: Time, kind: Kind) -> None:
    pace = Pace(passing, passing.sleep)
    calls = int(RATES[kind] * 10)
    burst_s = omnibox_messenger.pace.BURST_S
    took = await took_s(pace, passing, calls + 1, kind)
    assert took == pytest.approx(10 / omnibox_messenger.pace.OURS - burst_s, abs=2 / RATES[kind] + 0.01)
    assert took >= 9.999  # one more than Meta takes in ten seconds


@pytest.mark.parametrize(
    ("headers", "usage"),
    [
        ({}, 0),
        ({"X-App-Usage": '{"call_count":81,"total_time":3,"total_cputime":12}'}, 81),
        ({"x-app-usage": '{"call_count":3,"total_time":90,"total_cputime":12}'}, 90),
        ({"X-Page-Usage": '{"call_count":"88"}'}, 88),
        ({"X-App-Usage": '{"call_count":1}', **business(call_count=97)}, 97),
        ({"X-App-Usage": "nonsense"}, 0),
        ({"X-Business-Use-Case-Usage": '{"104":{"call_count":83}}'}, 83),
        ({"X-Business-Use-Case-Usage": "[]"}, 0),
    ],
    ids=str,
)
def test_the_highest_share_counts_wherever_it_stands(headers: dict[str, str], usage: float) -> None:
    pace = Pace()
    pace.hear(headers)
    assert pace.usage == usage


async def test_calls_are_spread_out_as_the_quota_ends(passing: Time) -> None:
    took = []
    for share in (50, 79, 81, 90, 96):
        pace = Pace(passing, passing.sleep)
        pace.hear(business(call_count=share))
        await pace.turn("text")
        before = passing.now
        waited_s = 0.0
        try:
            await pace.turn("text")
        except Temporary as error:
            waited_s = error.retry_after if error.whole_channel else 0.0
        took.append(waited_s or passing.now - before)
    assert took[0] == took[1] == 0
    assert 0 < took[2] < took[3] < omnibox_messenger.pace.GAP_S < took[4]


async def test_what_nobody_waits_for_stops_first(passing: Time) -> None:
    pace = Pace(passing, passing.sleep)
    pace.hear(business(call_count=95))
    with pytest.raises(Temporary, match="near_limit"):
        await pace.turn("other", is_urgent=False)
    await pace.turn("text")
    pace.hear(business(call_count=94))
    await pace.turn("other", is_urgent=False)


@pytest.mark.parametrize(
    ("use", "wait_s"),
    [
        ({"call_count": 100}, 60),
        ({"call_count": 20, "estimated_time_to_regain_access": 5}, 300),
        ({"call_count": 130, "estimated_time_to_regain_access": 900}, 3600),
    ],
    ids=str,
)
async def test_a_used_up_quota_rests_the_page_until_meta_says(
    passing: Time, use: dict[str, Any], wait_s: float
) -> None:
    pace = Pace(passing, passing.sleep)
    pace.hear(business(**use))
    for _ in range(2):
        with pytest.raises(Temporary) as caught:
            await pace.turn("text")
        assert (caught.value.retry_after, caught.value.whole_channel) == (wait_s, True)
    passing.now += wait_s
    await pace.turn("text")  # and its answer says how it stands


async def test_a_page_under_load_is_never_refused_by_its_quota(shop: Shop, passing: Time) -> None:
    """Four times as many replies as an hour's quota holds: they take hours, and Meta has nothing to refuse."""
    page = shop.graph.pages[PAGE]
    page.quota = Quota(per_hour=60)
    await shop.graph.write(PSID, "hello")
    shop.messenger._paces[PAGE] = Pace(passing, passing.sleep)
    began = last = passing.now
    codes: set[str] = set()
    left = 0
    while left < 240:
        try:
            await shop.messenger.send(shop.reply(f"Part {left}"))
            left += 1
        except Temporary as error:
            codes.add(error.code)
            passing.now += error.retry_after
        shop.graph.advance(passing.now - last)
        last = passing.now
    assert shop.graph.refused == []
    assert codes == {"messenger.near_limit"}
    assert [taken.text for taken in shop.graph.received(PSID)] == [f"Part {number}" for number in range(240)]
    assert passing.now - began >= 3 * 3600


async def test_one_page_at_its_limit_holds_up_no_other(shop: Shop) -> None:
    other = shop.graph.add_page("117300425598342", "Second shop")
    shop.graph.add_person("7233019486120554", "Grace Hopper", other.id)
    shop.context.channels = [*shop.context.channels, ChannelSettings(other.id, "", {"page_access_token": other.token})]
    shop.graph.pages[PAGE].quota = Quota(per_hour=1)
    for psid in (PSID, "7233019486120554"):
        await shop.graph.write(psid, "hello")
    await shop.messenger.send(shop.reply("takes all of it"))
    for _ in range(3):
        with pytest.raises(Temporary, match="near_limit"):
            await shop.messenger.send(shop.reply())
        await shop.messenger.send(shop.reply(channel=other.id, address="7233019486120554"))
    assert shop.graph.refused == []
