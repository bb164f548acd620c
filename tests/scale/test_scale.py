"""Several processes behave as one: what one is told the others know, and what one drops another picks up."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter

import aiohttp
import pytest
from tests.faults.figures import Figure
from tests.faults.houses import times
from tests.faults.screens import Screen as Follower
from tests.scale.cluster import Cluster, Part, Screen, until
from tests.servers import Postgres, Redis

from omnibox.testing.world.demo import CUSTOMER, MAILBOX, PAGE
from omnibox.testing.world.graph import Fault

pytestmark = pytest.mark.asyncio(loop_scope="module")


# ── What one is told the others know


async def test_the_set_up_code_is_the_same_wherever_it_is_read(cluster: Cluster) -> None:
    assert cluster.codes[0] == cluster.codes[1]
    assert not any("set-up code" in line for worker in cluster.workers for line in worker.lines)


async def test_every_process_says_whether_it_is_ready(cluster: Cluster) -> None:
    for part in (*cluster.webs, *cluster.workers):
        assert await part.asked("/healthz") == (200, "ok\n", "")

        async def ready(part: Part = part) -> bool:
            return (await part.asked("/readyz"))[:2] == (200, "ready\n")

        await until(ready)


async def test_a_worker_has_no_other_doors(cluster: Cluster) -> None:
    for path in ("/", "/api/setup", "/w/loader.js"):
        assert (await cluster.workers[0].asked(path))[0] == 404


async def test_a_message_to_one_process_appears_live_at_the_other(cluster: Cluster) -> None:
    async with Screen(cluster.admins[1]) as screen, cluster.visitor(0) as visitor:
        assert (await visitor.say("Hello from the website"))["t"] == "ack"
        await screen.shows("Hello from the website")
        await cluster.person("Hello from the page")
        await screen.shows("Hello from the page")


async def test_screens_of_both_processes_that_break_at_once_each_have_everything_once(cluster: Cluster) -> None:
    """What both write meanwhile, in one order."""
    _, conversation = await cluster.person("Please note")
    screens = [Follower(admin) for admin in cluster.admins for _ in range(times(8, 200))]
    await asyncio.gather(*(each.open() for each in screens))
    texts = [f"note {number} for every screen" for number in range(30)]
    for number, text in enumerate(texts):
        if number in (10, 20):
            for screen in screens:
                screen.cut()
        note = {"client_id": secrets.token_hex(8), "text": text}
        await cluster.admins[number % 2].ask("POST", f"/api/conversations/{conversation}/notes", note)
    await asyncio.gather(*(screen.shows(texts[-1]) for screen in screens))
    await asyncio.gather(*(screen.close() for screen in screens))
    for screen in screens:
        assert screen.problems == []
        assert [text for text in screen.added if text in texts] == texts
        assert {screen.added[text] for text in texts} == {1}
        assert screen.codes


async def test_a_reply_written_at_one_process_reaches_the_visitor_at_the_other(cluster: Cluster) -> None:
    async with Screen(cluster.admins[1]) as screen, cluster.visitor(0) as visitor:
        await visitor.say("Is anybody there?")
        await screen.shows("Is anybody there?")
        told = [event for event in screen.events if (event.get("message") or {}).get("text") == "Is anybody there?"]
        conversation = told[0]["conversation"]["id"]
        await cluster.reply(1, conversation, "Yes, here")
        await visitor.until(lambda: any(each["text"] == "Yes, here" for each in visitor.messages.values()))


async def test_typing_and_presence_cross(cluster: Cluster) -> None:
    async with cluster.visitor(0) as visitor:
        await visitor.say("I come and go")

        async def conversation_of() -> int | None:
            rows = (await cluster.admins[1].ask("GET", "/api/conversations"))["conversations"]
            return next((row["id"] for row in rows if row["last"]["text"] == "I come and go"), None)

        conversation = await until(conversation_of)
        async with Screen(cluster.admins[1]) as screen:
            await visitor.send(t="hint", kind="typing")
            await screen.send(t="hint", kind="typing", conversation=conversation)

            async def heard() -> bool:
                wanted = {"t": "hint", "kind": "typing", "conversation": conversation, "by": "contact"}
                return wanted in screen.hints

            await until(heard)
            await visitor.until(lambda: {"t": "hint", "kind": "typing", "name": "Olivia Owner"} in visitor.hints)

            async def seen_by_the_other() -> bool:
                me = (await cluster.admins[0].ask("GET", "/api/me"))["is_online"]
                row = await cluster.admins[1].ask("GET", f"/api/conversations/{conversation}")
                return bool(me) and row["presence"] == "here"

            await until(seen_by_the_other)
        async with cluster.visitor(0) as other:
            assert other.welcome["config"]["online"] is True  # by a screen at the other process


async def test_wrong_passwords_are_counted_over_all_processes(cluster: Cluster) -> None:
    answers = []
    for number in range(7):
        body = {"email": "nobody@brightleaf.example", "password": f"wrong password {number}"}
        async with (
            aiohttp.ClientSession(cluster.webs[number % 2].base, headers={"X-Omnibox": "1"}) as stranger,
            stranger.post("/api/login", json=body) as answer,
        ):
            answers.append(answer.status)
    assert answers == [401] * 5 + [429] * 2


# ── What workers share


async def test_replies_of_a_conversation_leave_once_and_in_order_whoever_sends(cluster: Cluster) -> None:
    psid, conversation = await cluster.person("Please answer in order")
    assert len(cluster.working) == 4
    texts = [f"part {number}" for number in range(16)]
    for number, text in enumerate(texts):
        await cluster.reply(number % 2, conversation, text)

    async def all_known() -> bool:
        states = [each["state"] for each in await cluster.messages(conversation) if each["kind"] == "outbound"]
        return set(states) <= {"sent", "delivered", "read"}

    await until(all_known)
    assert [taken.text for taken in cluster.world.graph.received(psid)] == texts


async def test_a_rate_limit_holds_the_channel_in_every_process(cluster: Cluster) -> None:
    people = [await cluster.person(f"Limited {number}") for number in range(4)]
    graph = cluster.world.graph
    graph.fail(Fault(code=613, headers={"Retry-After": "3"}))
    await cluster.reply(0, people[0][1], "first")

    async def is_held() -> bool:
        message = next(each for each in await cluster.messages(people[0][1]) if each["text"] == "first")
        return str(message["deliveries"][0]["code"]).endswith("rate_limited")

    await until(is_held)
    calls = graph.asked.count(("POST", "messages"))
    held_at = graph.now_ms()
    for number, (_, conversation) in enumerate(people):
        await cluster.reply(number % 2, conversation, f"behind {number}")

    async def all_left() -> bool:
        return all(len(graph.received(psid)) == (2 if psid == people[0][0] else 1) for psid, _ in people)

    await until(all_left)
    first = min(taken.at_ms for psid, _ in people for taken in graph.received(psid))
    assert first >= held_at + 1500, "something left while the channel was held"
    assert graph.asked.count(("POST", "messages")) == calls + len(people) + 1


async def test_new_settings_at_one_process_reach_a_worker(cluster: Cluster) -> None:
    psid, conversation = await cluster.person("With which token?")
    page = cluster.world.graph.pages[PAGE]
    page.token = f"renewed-{secrets.token_hex(8)}"
    channels = (await cluster.admins[0].ask("GET", "/api/snapshot"))["channels"]
    channel = next(each["id"] for each in channels if each["connector"] == "messenger")
    others = [cluster.webs[1], *cluster.working]
    before = [other.count("taken up") for other in others]
    await cluster.admins[0].ask("PATCH", f"/api/channels/{channel}", {"settings": {"page_access_token": page.token}})

    async def all_know() -> bool:
        return all(other.count("taken up") > count for other, count in zip(others, before, strict=True))

    await until(all_know)
    for number in range(6):
        await cluster.reply(1, conversation, f"by the new token {number}")

    async def all_left() -> bool:
        return len(cluster.world.graph.received(psid)) == 6

    await until(all_left)


async def test_a_mailbox_has_one_reader_and_moves_when_it_is_killed(cluster: Cluster) -> None:
    house = cluster.world.house
    written = {"mail before", "mail meanwhile", "mail after"}
    house.write(CUSTOMER, MAILBOX, "Order", "mail before")
    first = await cluster.reader()
    assert len(house.inbox(MAILBOX).watchers) == 1
    await first.kill()
    house.write(CUSTOMER, MAILBOX, "Order", "mail meanwhile")
    second = await cluster.reader()
    assert second is not first
    house.write(CUSTOMER, MAILBOX, "Order", "mail after")

    async def all_there() -> bool:
        return written <= set(await cluster.mails())

    await until(all_there)
    await second.stop()  # it lets go: nobody waits for a lease to run out
    house.write(CUSTOMER, MAILBOX, "Order", "mail at last")
    assert await cluster.reader() not in (first, second)
    written.add("mail at last")
    await until(all_there)
    assert max(Counter(await cluster.mails()).values()) == 1


async def test_what_a_killed_worker_was_sending_is_settled_by_another(cluster: Cluster) -> None:
    psid, conversation = await cluster.person("Will it arrive?")
    graph = cluster.world.graph
    graph.fail(Fault(shape="hang"))
    calls = graph.asked.count(("POST", "messages"))
    await cluster.reply(0, conversation, "caught in the middle")
    await cluster.reply(1, conversation, "the next one")

    async def is_leaving() -> bool:
        return graph.asked.count(("POST", "messages")) > calls

    await until(is_leaving)
    for worker in cluster.working:  # one of them is sending
        await worker.kill()
    await cluster.workers[0].start()

    async def is_settled() -> bool:
        return await cluster.state_of(conversation, "caught in the middle") == "uncertain"

    await until(is_settled)
    assert [taken.text for taken in graph.received(psid)] == []  # it had left as far as anybody knows: no blind resend


# ── Servers that go away


async def test_without_redis_views_go_on_by_polling(cluster: Cluster, own_redis: Redis, figure: Figure) -> None:
    async with Screen(cluster.admins[0]) as first, Screen(cluster.admins[1]) as second, cluster.visitor(0) as visitor:
        said = ["Redis is gone"]

        async def shown_after(text: str) -> float:
            """Seconds until every open view shows it."""
            began = time.monotonic()
            await asyncio.gather(first.shows(text), second.shows(text))
            return time.monotonic() - began

        own_redis.stop()
        stopped_at = time.monotonic()

        async def says_so() -> bool:
            status, text, _ = await cluster.webs[1].asked("/readyz")
            assert status == 200
            return "bus: Redis does not answer" in text

        await until(says_so)
        await visitor.say("Redis is gone")
        lags = [await shown_after("Redis is gone")]
        while time.monotonic() - stopped_at < times(0, 60):
            said.append(f"still gone {len(said)}")
            await visitor.say(said[-1])
            lags.append(await shown_after(said[-1]))
        said.append("Redis is back")
        await visitor.say(said[-1])  # nobody was rung for it
        own_redis.start()
        figure("Redis gone for 60 s: from a message to every open view", lags)
        figure("Redis back: until every open view has everything", [await shown_after(said[-1])])

        async def is_whole() -> bool:
            return (await cluster.webs[1].asked("/readyz"))[1] == "ready\n"

        await until(is_whole)
        assert first.texts == second.texts == said


async def test_a_restart_of_the_database_loses_nothing(
    cluster: Cluster, own_postgres: Postgres, figure: Figure
) -> None:
    psid, conversation = await cluster.person("Before the restart")
    acknowledged: list[str] = []
    answers: Counter[tuple[int, bool]] = Counter()
    refused_at: list[float] = []
    is_over = asyncio.Event()

    async def write(web: int) -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            body = {"client_id": secrets.token_hex(8), "text": f"reply {web} {number}", "anyway": True}
            while True:
                path = f"/api/conversations/{conversation}/replies"
                async with cluster.admins[web].http.post(path, json=body) as answer:
                    answers[answer.status, "Retry-After" in answer.headers] += 1
                    if answer.status == 503:
                        refused_at.append(time.monotonic())
                    if answer.status < 300:
                        break
                await asyncio.sleep(0.1)
            acknowledged.append(body["text"])
            await asyncio.sleep(0.05)

    async with asyncio.TaskGroup() as group:
        for web in (0, 1):
            group.create_task(write(web))
        await until(lambda: has(acknowledged, 6))
        own_postgres.stop("fast")

        async def says_so() -> bool:
            status, text, retry_after = await cluster.webs[0].asked("/readyz")
            worker = await cluster.working[0].asked("/readyz")
            return status == worker[0] == 503 and text.startswith("database: ") and retry_after != ""

        await until(says_so)
        assert (await cluster.webs[0].asked("/healthz"))[0] == 200
        own_postgres.start()
        started_at = time.monotonic()
        before = len(acknowledged)
        await until(lambda: has(acknowledged, before + 6))
        is_over.set()
    assert {status for status, _ in answers} <= {200, 201, 503}
    assert answers[503, True] > 0
    assert answers[503, False] == 0
    figure("PostgreSQL restarted below six processes: first to last 503", [refused_at[-1] - refused_at[0]])
    figure("503s, after the server is back", [max(0.0, refused_at[-1] - started_at)])

    async def all_left() -> bool:
        return len(cluster.world.graph.received(psid)) >= len(acknowledged)

    await until(all_left)
    received = [taken.text for taken in cluster.world.graph.received(psid)]
    assert Counter(received) == Counter(acknowledged)
    for web in "01":
        own = [text for text in received if text.startswith(f"reply {web} ")]
        assert own == sorted(own, key=lambda text: int(text.rpartition(" ")[2]))
    for part in (*cluster.webs, *cluster.working):
        assert (await part.asked("/readyz"))[0] == 200


async def has(found: list[str], most: int) -> bool:
    return len(found) >= most


async def test_nobody_met_a_defect_on_the_way(cluster: Cluster) -> None:
    found = [line for part in (*cluster.webs, *cluster.workers) for line in part.lines if is_defect(line)]
    assert found == []


def is_defect(line: str) -> bool:
    return line.startswith("Traceback") or '"level": "error"' in line or '"level": "critical"' in line
