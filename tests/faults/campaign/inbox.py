"""The agent's side: the API asked until it answers, and a browser tab that only ever follows the live feed."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
from tests.faults.campaign.books import Channel, Shown, mark_of, word_in
from tests.faults.campaign.hub import LOST

from omnibox.testing.world.demo import Admin

CHANNEL_OF: dict[str, Channel] = {"webchat": "chat", "messenger": "messenger", "email": "mail"}
ANSWER_S = 10
AGAIN_S = 0.05
TURNED_AWAY = frozenset({429, 502, 503})  # come back later; nothing else a hub says may be asked again


class Refused(Exception):
    """The API said no, for good, at the last of `tries`; those before may have had their effect."""

    def __init__(self, status: int, code: str, tries: int) -> None:
        super().__init__(status, code)
        self.status, self.code, self.tries = status, code, tries


@dataclass(frozen=True, slots=True)
class Answer:
    """`tries` went out, any of which may have had its effect."""

    body: Any
    tries: int


class Desk:
    """An owner who is signed in, and insists."""

    def __init__(self, admin: Admin) -> None:
        self.http = admin.http
        self.channels: dict[int, Channel] = {}
        self.heard: Callable[[str], None] = lambda what: None  # told of each answer that acknowledges something

    async def learn_channels(self) -> None:
        found = (await self.ask("GET", "/api/snapshot")).body["channels"]
        self.channels = {each["id"]: CHANNEL_OF[each["connector"]] for each in found}

    async def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Ask until there is an answer; raises `Refused`."""
        tries = 0
        while True:
            tries += 1
            try:
                async with asyncio.timeout(ANSWER_S), self.http.request(method, path, json=body) as answer:
                    if answer.status < 300:
                        body = await answer.json() if answer.status != 204 else None
                        if method != "GET":
                            self.heard(f"{re.sub('[0-9]+', 'n', path)} answered")
                        return Answer(body, tries)
                    if answer.status not in TURNED_AWAY:
                        raise Refused(answer.status, (await answer.json())["error"]["code"], tries)
            except LOST:
                pass
            await asyncio.sleep(AGAIN_S)

    async def upload(self, name: str, content: bytes) -> str:
        while True:
            form = aiohttp.FormData()
            form.add_field("file", content, filename=name, content_type="application/octet-stream")
            try:
                async with asyncio.timeout(ANSWER_S), self.http.post("/api/uploads", data=form) as answer:
                    if answer.status == 201:
                        return str((await answer.json())["id"])
            except LOST:
                pass
            await asyncio.sleep(AGAIN_S)

    async def conversations(self) -> list[dict[str, Any]]:
        """Every conversation, open or resolved."""
        found: list[dict[str, Any]] = []
        for view in ("all", "resolved"):
            before = ""
            while True:
                page = (await self.ask("GET", f"/api/conversations?view={view}&limit=100{before}")).body
                found += page["conversations"]
                if page["next"] is None:
                    break
                before = f"&before={page['next']}"
        return found

    async def messages(self, conversation: int) -> list[dict[str, Any]]:
        """Every message of a conversation, oldest first."""
        found: list[dict[str, Any]] = []
        before = ""
        while True:
            page = (await self.ask("GET", f"/api/conversations/{conversation}/messages?limit=200{before}")).body
            found = page["messages"] + found
            if page["next"] is None:
                return found
            before = f"&before={page['next']}"

    async def words_in_files(self, message: dict[str, Any]) -> tuple[str, ...]:
        """The words in the files of a message, as an agent downloads them."""
        words: list[str] = []
        for file in message["attachments"]:
            if file["state"] != "ready":
                words.append(file["state"])
                continue
            async with asyncio.timeout(ANSWER_S), self.http.get(file["url"]) as answer:
                words.append(word_in(await answer.read()) if answer.status == 200 else str(answer.status))
        return tuple(words)

    def shown(self, message: dict[str, Any]) -> Shown:
        return Shown(
            message["id"],
            self.channels[message["channel"]],
            message["kind"],
            mark_of(message["text"]) or "without-text",
            tuple(each["state"] for each in message["deliveries"]),
            sum(file["state"] == "ready" for file in message["attachments"]),
        )


class LiveView:
    """A tab that was opened before the first message and has only followed since; `breaks` are its lost sockets."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.messages: dict[int, dict[str, Any]] = {}
        self.rows: dict[int, dict[str, Any]] = {}
        self.announced: Counter[int] = Counter()
        self.problems: list[str] = []
        self.cursor = 0
        self.breaks = 0
        self._epoch = ""
        self.moved = asyncio.Event()

    async def open(self) -> None:
        snapshot = (await self._desk.ask("GET", "/api/snapshot")).body
        self._epoch, self.cursor = snapshot["epoch"], snapshot["seq"]

    async def follow(self) -> None:
        """Until cancelled; a socket that breaks is opened again and resumed from the cursor."""
        while True:
            try:
                await self._one_socket()
            except LOST:
                pass  # it is being killed
            except Exception as error:
                self.problems.append(f"the live view could not go on: {error!r}")
                raise
            self.breaks += 1
            await asyncio.sleep(AGAIN_S)

    async def _one_socket(self) -> None:
        token = (await self._desk.ask("GET", "/api/snapshot")).body["pass"]
        async with self._desk.http.ws_connect("/ws", timeout=aiohttp.ClientWSTimeout(ws_close=2)) as ws:
            hello = {"t": "hello", "v": 1, "token": token, "epoch": self._epoch, "cursor": self.cursor}
            await ws.send_json(hello)
            async for received in ws:
                if received.type is not aiohttp.WSMsgType.TEXT:
                    return
                frame = received.json()
                if frame["t"] == "reset":
                    self.problems.append(f"the feed sent the live view away: {frame['reason']}")
                    return
                if frame["t"] == "events":
                    self._take(frame)
                if frame["t"] == "ping":
                    await ws.send_json({"t": "pong", "n": frame["n"]})

    def _take(self, frame: dict[str, Any]) -> None:
        if frame["after"] != self.cursor:
            self.problems.append(f"the feed went on after {frame['after']} where {self.cursor} had been seen")
        for event in frame["events"]:
            if message := event.get("message"):
                known = self.messages.get(message["id"])
                if known is None or known["rev"] <= message["rev"]:
                    self.messages[message["id"]] = message
                self.announced[message["id"]] += event["type"] == "message.added"
            if row := event.get("conversation"):
                self.rows[row["id"]] = row
        self.cursor = frame["upto"]
        self.moved.set()

    def deliveries(self, *states: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Every delivery in one of the states, with its message."""
        for message in self.messages.values():
            for delivery in message["deliveries"]:
                if delivery["state"] in states:
                    yield message, delivery

    def marks(self, kind: str = "inbound") -> set[str]:
        return {mark_of(each["text"]) for each in self.messages.values() if each["kind"] == kind}
