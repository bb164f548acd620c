"""`kill -9` while all three channels flow both ways: after a restart nothing is lost and nothing doubled."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections import Counter
from typing import Any

import aiohttp
from tests.e2e.conftest import Stage
from tests.e2e.serving import Served

from omnibox.testing.world.demo import CUSTOMER, MAILBOX, PSID, Admin, World
from omnibox.testing.world.visitor import Visitor

LOST = (aiohttp.ClientError, TimeoutError, ConnectionError, RuntimeError, AssertionError)
KILLS = 4


async def test_nothing_is_lost_or_doubled_by_kill_nine(stage: Stage) -> None:
    served = stage.served
    traffic = Traffic(served, stage.world, stage.admin)
    await traffic.begin()
    chance = random.Random(20261121)
    async with asyncio.TaskGroup() as group:
        flowing = [group.create_task(flow()) for flow in (traffic.chat, traffic.messenger, traffic.mail, traffic.agent)]
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.6, 1.6))
            await served.kill()
            await served.start()
        await asyncio.sleep(1)
        for task in flowing:
            task.cancel()
    await traffic.finish()
    problems = await traffic.compare()
    assert problems == []
    assert min(traffic.told.values()) > 3, traffic.told  # every channel really flowed


class Traffic:
    """What the world was told is stored, what it received, and the comparison of both with the inbox."""

    def __init__(self, served: Served, world: World, admin: Admin) -> None:
        self._served, self._world, self._admin = served, world, admin
        self.told: Counter[str] = Counter()
        self._acknowledged: dict[str, list[str]] = {"chat": [], "messenger": [], "mail": []}
        self._token = ""
        self._epoch = ""
        self._rows: dict[str, int] = {}
        self._replies: list[tuple[str, int, str]] = []

    async def begin(self) -> None:
        """One message on each channel, so that there is a conversation to answer."""
        async with self._visitor() as visitor:
            await visitor.say("chat 0")
            self._token = visitor.token
        await self._world.graph.write(PSID, "messenger 0")
        self._world.house.write(CUSTOMER, MAILBOX, "Order", "mail 0")
        names = {"chat 0": "chat", "messenger 0": "messenger", "mail 0": "mail"}
        async with asyncio.timeout(20):
            while len(self._rows) < 3:
                rows = (await self._admin.ask("GET", "/api/conversations"))["conversations"]
                self._rows = {names[row["last"]["text"]]: row["id"] for row in rows}
                await asyncio.sleep(0.05)
        for name, first in (("chat", "chat 0"), ("messenger", "messenger 0"), ("mail", "mail 0")):
            self._acknowledged[name].append(first)

    def _visitor(self) -> Visitor:
        return Visitor(self._served.base, self._world.desk.site, self._world.desk.base, self._token)

    async def chat(self) -> None:
        """A visitor: what is not acknowledged is said again, with the same id, as the widget does."""
        number = 0
        while True:
            number += 1
            text, client_id = f"chat {number}", secrets.token_hex(8)
            while True:
                with contextlib.suppress(*LOST):
                    async with self._visitor() as visitor:
                        answer = await visitor.say(text, client_id=client_id)
                        if answer["t"] == "ack":
                            break
                await asyncio.sleep(0.02)
            self._acknowledged["chat"].append(text)
            self.told["chat"] += 1

    async def messenger(self) -> None:
        """Meta: posts, and posts again until it hears 200."""
        number = 0
        while True:
            number += 1
            await self._world.graph.write(PSID, f"messenger {number}")
            self._acknowledged["messenger"].append(f"messenger {number}")
            self.told["messenger"] += 1
            await asyncio.sleep(0.02)

    async def mail(self) -> None:
        """A mail server: keeps every mail until it is fetched."""
        number = 0
        while True:
            number += 1
            first = f"<world-1@{CUSTOMER.rpartition('@')[2]}>"
            headers = [("In-Reply-To", first), ("References", first)]
            self._world.house.write(CUSTOMER, MAILBOX, "Re: Order", f"mail {number}", headers=headers)
            self._acknowledged["mail"].append(f"mail {number}")
            self.told["mail"] += 1
            await asyncio.sleep(0.1)

    async def agent(self) -> None:
        """Answers on each channel in turn; an unanswered click is made again with the same id."""
        number = 0
        while True:
            for channel, conversation in self._rows.items():
                number += 1
                text, client_id = f"answer {number}", secrets.token_hex(8)
                body = {"client_id": client_id, "text": text}
                while True:
                    with contextlib.suppress(*LOST):
                        await self._admin.ask("POST", f"/api/conversations/{conversation}/replies", body)
                        break
                    await asyncio.sleep(0.02)
                self._replies.append((channel, conversation, text))
                self.told["answers"] += 1
            await asyncio.sleep(0.05)

    async def finish(self) -> None:
        """Until everything that was under way has come to rest."""
        await self._world.graph.settled()
        async with asyncio.timeout(60):
            while await self._is_moving():
                await asyncio.sleep(0.1)

    async def _is_moving(self) -> bool:
        for channel, conversation in self._rows.items():
            messages = await self._messages(conversation)
            inbound = {each["text"].strip() for each in messages if each["kind"] == "inbound"}
            if set(self._acknowledged[channel]) - inbound:
                return True
            if any(each["state"] in ("queued", "sending") for each in messages if each["kind"] == "outbound"):
                held = any(each["state"] == "uncertain" for each in messages)
                if not held:
                    return True
        return False

    async def _messages(self, conversation: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        before = ""
        while True:
            path = f"/api/conversations/{conversation}/messages?limit=200{before}"
            page = await self._admin.ask("GET", path)
            found = page["messages"] + found
            if page["next"] is None:
                return found
            before = f"&before={page['next']}"

    async def compare(self) -> list[str]:
        """Every difference between the books, in words."""
        problems: list[str] = []
        rows = (await self._admin.ask("GET", "/api/conversations"))["conversations"]
        if len(rows) != 3:
            problems.append(f"{len(rows)} conversations")
        for channel, conversation in self._rows.items():
            messages = await self._messages(conversation)
            inbound = Counter(each["text"].strip() for each in messages if each["kind"] == "inbound")
            problems += [f"{channel}: lost «{text}»" for text in self._acknowledged[channel] if not inbound[text]]
            problems += [f"{channel}: doubled «{text}»" for text, count in inbound.items() if count > 1]
            outbound = Counter(each["text"] for each in messages if each["kind"] == "outbound")
            problems += [f"{channel}: reply doubled «{text}»" for text, count in outbound.items() if count > 1]
            seen = Counter(await self._seen_by_customer(channel))
            for each in messages:
                if each["kind"] == "outbound":
                    problems += _judge(channel, each, seen[each["text"]])
        return problems + [
            f"{channel}: reply lost «{text}»"
            for channel, conversation, text in self._replies
            if text not in {each["text"] for each in await self._messages(conversation)}
        ]

    async def _seen_by_customer(self, channel: str) -> list[str]:
        if channel == "messenger":
            return [taken.text for taken in self._world.graph.received(PSID)]
        if channel == "mail":
            from email import message_from_bytes

            parts = [message_from_bytes(raw) for raw in self._world.house.sent_to(CUSTOMER)]
            return [_plain(part).strip() for part in parts]
        async with self._visitor() as visitor:
            found = {each["id"]: each for each in visitor.messages.values() if each["kind"] == "outbound"}
            while True:
                oldest = min(visitor.messages)
                async with aiohttp.ClientSession() as http:
                    headers = {"Origin": self._world.desk.base, "Authorization": f"Bearer {self._token}"}
                    url = f"{self._served.base}/w/history?site={self._world.desk.site}&before={oldest}"
                    async with http.get(url, headers=headers) as response:
                        page = await response.json()
                visitor.messages |= {each["id"]: each for each in page["messages"]}
                found |= {each["id"]: each for each in page["messages"] if each["kind"] == "outbound"}
                if not page["more"]:
                    return [each["text"] for each in found.values()]


def _plain(part: Any) -> str:
    text = next(each for each in part.walk() if each.get_content_type() == "text/plain")
    return str(text.get_payload(decode=True).decode())


def _judge(channel: str, message: dict[str, Any], times: int) -> list[str]:
    """A sent reply arrived once, a failed one never, an uncertain one at most once; nothing else is an end."""
    text, state = message["text"], message["state"]
    if state in ("sent", "delivered", "read") and times != 1:
        return [f"{channel}: «{text}» is {state} and arrived {times} times"]
    if state == "uncertain" and times > 1:
        return [f"{channel}: «{text}» is uncertain and arrived {times} times"]
    if state == "failed" and times:
        return [f"{channel}: «{text}» failed and arrived"]
    if channel == "chat" and times != 1:
        return [f"chat: «{text}» is {state} and shown {times} times"]
    return []
