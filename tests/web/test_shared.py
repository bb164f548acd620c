"""What many ask at the same time is found once for all, is never older than the question, and stays each one's own."""

from __future__ import annotations

import asyncio

from tests.web.house import House
from tests.web.lines import screen

from omnibox.web.shared import Shared

CROWD = 40


class Slow:
    """Finds the number of its own turn, once it is let go."""

    def __init__(self) -> None:
        self.turns = 0
        self.go = asyncio.Event()

    async def find(self) -> int:
        self.turns += 1
        mine = self.turns
        await self.go.wait()
        return mine


async def turns(count: int) -> None:
    """Let everything that can run, run."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_crowd_costs_one_answer_and_whoever_comes_later_one_more() -> None:
    shared, slow = Shared(), Slow()
    early = [asyncio.create_task(shared.answer("q", slow.find)) for _ in range(CROWD)]
    await turns(5)
    late = [asyncio.create_task(shared.answer("q", slow.find)) for _ in range(CROWD)]
    await turns(5)
    other = asyncio.create_task(shared.answer("another", slow.find))
    await turns(5)
    slow.go.set()
    assert set(await asyncio.gather(*early)) == {1}
    assert await other == 2  # another question waits for nobody
    assert set(await asyncio.gather(*late)) == {3}  # begun after they asked
    assert not shared._begun  # nothing is kept of what was answered
    assert not shared._next


async def test_who_leaves_takes_nothing_from_the_others() -> None:
    shared, slow = Shared(), Slow()
    asking = [asyncio.create_task(shared.answer("q", slow.find)) for _ in range(3)]
    await turns(5)
    asking[0].cancel()
    await turns(5)
    slow.go.set()
    assert await asyncio.gather(*asking[1:]) == [1, 1]


async def test_a_failure_is_everybodys_and_is_not_kept() -> None:
    shared = Shared()

    async def fail() -> int:
        raise ConnectionError

    found = await asyncio.gather(*(shared.answer("q", fail) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in found] == [ConnectionError] * 3
    slow = Slow()
    slow.go.set()
    assert await shared.answer("q", slow.find) == 1


async def test_in_a_crowd_each_gets_a_snapshot_of_their_own(house: House) -> None:
    people = ("owner", "agent", "agent2")
    browsers = {who: await house.browser(who) for who in people}

    async def look(who: str) -> None:
        seen = (await browsers[who].get("/api/snapshot")).json
        assert seen["me"]["email"] == f"{who}@example.org"
        assert seen["may"]["agents"] is (who == "owner")
        assert seen["counts"] == (await browsers[who].get("/api/counts")).json
        async with screen(house, who=who) as end:
            end.say(t="hello", v=1, token=seen["pass"], epoch=seen["epoch"], cursor=seen["seq"])
            await end.hear_frame("welcome")  # the pass is theirs

    await asyncio.gather(*(look(who) for who in people * 5))


async def test_whoever_changed_something_sees_it_in_their_next_snapshot_whoever_else_asks(house: House) -> None:
    owner, crowd = await house.browser("owner"), await house.browser("agent")

    async def ask_on() -> None:
        while True:
            await crowd.get("/api/snapshot")

    asking = [asyncio.create_task(ask_on()) for _ in range(4)]
    for number in range(10):
        await owner.patch("/api/me", {"name": f"Name {number}"})
        seen = (await owner.get("/api/snapshot")).json
        assert f"Name {number}" in {each["name"] for each in seen["agents"]}
    for each in asking:
        each.cancel()
    await asyncio.wait(asking)


async def test_screens_that_come_back_together_each_hear_what_they_missed(house: House) -> None:
    agent = await house.browser("agent")
    cursors = []
    for number in range(3):
        cursors.append((await agent.get("/api/snapshot")).json)
        note = {"client_id": f"a note {number}", "text": f"note {number}"}
        assert (await agent.post(f"/api/conversations/{house.ids['own agent']}/notes", note)).status == 201

    async def come_back(behind: int) -> None:
        seen = cursors[-behind]
        async with screen(house) as end:
            end.say(t="hello", v=1, token=seen["pass"], epoch=seen["epoch"], cursor=seen["seq"])
            frame = await end.hear_frame("events")
        assert frame["after"] == seen["seq"]
        texts = [each["message"]["text"] for each in frame["events"] if each["type"] == "message.added"]
        assert texts == [f"note {number}" for number in range(3)][-behind:]

    await asyncio.gather(*(come_back(behind) for behind in (1, 2, 3) * 10))
