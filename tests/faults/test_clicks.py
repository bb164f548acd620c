"""An agent's impatience: two clicks, a browser that asks again, two tabs, a line that was away. It is one reply."""

from __future__ import annotations

import asyncio

from tests.faults.houses import received, times, until
from tests.inbox.house import House

from omnibox.testing.world.demo import PSID


async def test_one_click_however_often_it_is_told_is_one_reply(house: House) -> None:
    await house.world.graph.write(PSID, "Hello")
    row = await house.row("Ada Moreno")
    path = f"/api/conversations/{row['id']}/replies"
    frame = {"t": "op", "kind": "reply", "conversation": row["id"]}
    for number in range(times(3, 30)):
        click = {"client_id": f"click-{number:04}", "text": f"answer {number}"}
        frames = {"frames": [frame | click, frame | click]}  # the long poll's way, twice in one request
        asked = [house.admin.ask("POST", path, click) for _ in range(5)]  # two tabs, a retry, a double click
        asked += [house.admin.ask("POST", "/api/frames", frames)]
        *messages, answers = await asyncio.gather(*asked)
        ids = {each["id"] for each in messages} | {each["id"] for each in answers["frames"]}
        assert len(ids) == 1
        assert {each["t"] for each in answers["frames"]} == {"ack"}
    await until(lambda: len(received(house, PSID)) >= times(3, 30))
    again = await house.admin.ask("POST", path, {"client_id": "click-0000", "text": "another text, hours later"})
    assert again["text"] == "answer 0"  # a line that was away tells it again: it is known, whatever it says now
    await house.world.graph.settled()
    assert received(house, PSID) == [f"answer {number}" for number in range(times(3, 30))]
    assert len(await house.messages(row["id"])) == 1 + times(3, 30)


async def test_a_line_cut_amid_the_click_leaves_one_reply_or_none(house: House) -> None:
    """Wherever the request breaks off, asking again makes it one."""
    await house.world.graph.write(PSID, "Hello")
    row = await house.row("Ada Moreno")
    path = f"/api/conversations/{row['id']}/replies"
    for number in range(times(8, 80)):
        click = {"client_id": f"broken-{number:03}", "text": f"answer {number}"}
        asking = asyncio.create_task(house.admin.ask("POST", path, click))
        for _ in range(number):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])  # cut, or quicker than that
        await house.admin.ask("POST", path, click)
    await until(lambda: len(received(house, PSID)) >= times(8, 80))
    texts = [each["text"] for each in await house.messages(row["id"]) if each["kind"] == "outbound"]
    assert texts[-8:] == [f"answer {number}" for number in range(times(8, 80))][-8:]
    assert received(house, PSID) == [f"answer {number}" for number in range(times(8, 80))]
