"""A Graph API on loopback with Meta's other side: pages, people who write to them, webhooks, and Meta's rules.

graph = Graph()
await graph.start()
page = graph.add_page("104", "Corner shop")
graph.add_person("7001", "Ada Lovelace", page.id)
await graph.subscribe("http://127.0.0.1:8000/hooks/…", verify_token)
await graph.write("7001", "Hello")
graph.received("7001")      # what Ada sees
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import aiohttp
from aiohttp import web

from omnibox.testing.world.graph_hooks import Hooks, PageEvent
from omnibox.testing.world.graph_login import Login
from omnibox.testing.world.graph_records import FIELDS, Fault, Media, Page, Person, Taken
from omnibox.testing.world.graph_rules import Refused

__all__ = ["FIELDS", "PAGE_INBOX_APP", "Echoes", "Fault", "Graph", "Media", "Page", "PageEvent", "Person", "Taken"]

_FIELD_OF = {
    "message": "messages",
    "message_edit": "message_edits",
    "reaction": "message_reactions",
    "delivery": "message_deliveries",
    "read": "message_reads",
    "postback": "messaging_postbacks",
    "referral": "messaging_referrals",
    "optin": "messaging_optins",
    "policy_enforcement": "messaging_policy_enforcement",
}
Echoes = Literal["first", "soon", "held", "never"]
"""When a message's echo comes: before the call is answered, about then, when `release_echoes` says so, or not."""

PAGE_INBOX_APP = "263902037430900"  # the app id Meta's own page inbox has in echoes, as reported


class Graph:
    """The server and the world behind it. `ledger` holds every message a page sent and Meta took."""

    def __init__(
        self,
        *,
        app_id: str = "990011223344556",
        app_secret: str = "0123456789abcdef0123456789abcdef",
        version: str = "26.0",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.app_id, self.app_secret, self.version = app_id, app_secret, version
        self.pages: dict[str, Page] = {}
        self.people: dict[str, Person] = {}
        self.threads: dict[str, list[Taken]] = {}  # by psid, oldest first
        self.ledger: list[Taken] = []
        self.faults: list[Fault] = []
        self.asked: list[tuple[str, str]] = []  # method and edge of every call
        self.actions: list[tuple[str, str]] = []  # who was shown what a page's people do
        self.refused: list[
            tuple[str, int, int | None]
        ] = []  # edge, code and subcode of every call Meta's rules refused
        self.heard: Callable[[str], None] = lambda what: None  # told of each call before and after it had its effect
        self.queries: list[list[str]] = []  # the names in the query string of every call
        self.uploads: dict[str, tuple[Media, int]] = {}  # with the time in ms
        self.media: dict[str, Media] = {}
        self.hooks = Hooks(app_secret)
        self.webhook_fields_active = True
        self.permissions = {"pages_messaging": "live", "pages_manage_metadata": "live"}  # empty: the app is not told
        self.login = Login(self)
        self.sends_echoes = True
        self.sends_deliveries = True
        self.echo_comes_first = False  # the echo is posted and taken before the call is answered
        self.echo_plan: Callable[[Taken], Echoes] = self._usual_echo
        self.held_echoes: list[PageEvent] = []
        self.delay_s = 0.0
        self.needs_proof = False
        self.port = 0
        self.is_stopping = asyncio.Event()
        self._clock, self._offset_s, self._last_ms = clock, 0.0, 0
        self._numbers = itertools.count(1)
        self._salt = secrets.token_hex(4)
        self._runner: web.AppRunner | None = None

    @property
    def base(self) -> str:
        """What goes into the setting `graph_base`."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self, port: int = 0) -> None:
        from omnibox.testing.world.graph_api import application

        self.is_stopping.clear()
        self._runner = web.AppRunner(application(self), access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        await self.hooks.start()

    async def stop(self) -> None:
        self.is_stopping.set()
        await self.hooks.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def now_ms(self) -> int:
        """Meta's time; no two events have the same."""
        self._last_ms = max(self._last_ms + 1, int((self._clock() + self._offset_s) * 1000))
        return self._last_ms

    def advance(self, seconds: float) -> None:
        """Let time pass, for Meta only."""
        self._offset_s += seconds

    def new_id(self, kind: str) -> str:
        return f"{kind}_{self._salt}{next(self._numbers):08x}"

    # Meta's desk

    def add_page(self, page_id: str, name: str, token: str = "") -> Page:
        """A page, subscribed to the app with every field."""
        page = Page(page_id, name, token or f"EAAsim{secrets.token_hex(24)}")
        self.pages[page_id] = page
        return page

    def add_person(self, psid: str, name: str, page_id: str) -> Person:
        """A person who has not written yet: the page cannot write to them until they do."""
        person = Person(psid, name, page_id)
        self.people[psid] = person
        self.threads[psid] = []
        return person

    def fail(self, fault: Fault) -> None:
        self.faults.append(fault)

    def fault_for(self, edge: str, psid: str = "") -> Fault | None:
        """The fault that hits this call; it is used up by one."""
        for fault in self.faults:
            if fault.edge in ("", edge) and fault.psid in ("", psid):
                if fault.after:
                    fault.after -= 1
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None

    async def subscribe(self, hook_url: str, verify_token: str) -> None:
        """Make the handshake and deliver events there from now on; raises ValueError where Meta would not accept it."""
        challenge = str(secrets.randbelow(10**10))
        query = {"hub.mode": "subscribe", "hub.verify_token": verify_token, "hub.challenge": challenge}
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
            session.get(hook_url, params=query, allow_redirects=False) as answer,
        ):
            if answer.status != 200 or await answer.text() != challenge:
                raise ValueError(f"the hook answered the handshake with {answer.status}")
        self.hooks.url = hook_url

    async def settled(self, timeout_s: float = 30) -> None:
        """Returns when every event so far was delivered or given up; raises TimeoutError."""
        await self.hooks.settled(timeout_s)

    # What people do

    async def write(self, psid: str, text: str = "", attachments: Sequence[Media | Mapping[str, Any]] = ()) -> str:
        """The person writes; returns the mid. An attachment is a file or, raw, the object Meta would send."""
        message: dict[str, Any] = {"mid": self.new_id("m")}
        if text:
            message["text"] = text
        shown = [self._attachment(item) for item in attachments]
        if shown:
            message["attachments"] = shown
        at_ms = self._touch(psid)
        page = self.people[psid].page
        self.threads[psid].append(
            Taken(message["mid"], page, psid, at_ms, is_from_page=False, text=text, attachments=tuple(shown))
        )
        await self._say(psid, {"message": message}, at_ms)
        return str(message["mid"])

    async def tap(self, psid: str, title: str, payload: str) -> str:
        """The person taps a quick reply; returns the mid."""
        mid, at_ms = self.new_id("m"), self._touch(psid)
        await self._say(psid, {"message": {"mid": mid, "text": title, "quick_reply": {"payload": payload}}}, at_ms)
        return mid

    async def postback(self, psid: str, title: str, payload: str) -> str:
        """The person presses a button; returns the mid."""
        mid, at_ms = self.new_id("m"), self._touch(psid)
        await self._say(psid, {"postback": {"mid": mid, "title": title, "payload": payload}}, at_ms)
        return mid

    async def press(self, psid: str, title: str) -> str:
        """The person presses what the page has shown under that title; returns the mid.

        Quick replies stand below the latest message only; raises `LookupError` for what is not there to press.
        """
        sees = self.people[psid].sees
        latest = sees[-1].mid if sees else ""
        for shown in reversed(sees):
            is_quick = title in shown.quick_replies
            if title in shown.presses and (shown.mid == latest or not is_quick):
                press = self.tap if is_quick else self.postback
                return await press(psid, title, shown.presses[title])
        raise LookupError(title)

    async def edit(self, psid: str, mid: str, text: str, num_edit: int = 1) -> None:
        await self._say(psid, {"message_edit": {"mid": mid, "text": text, "num_edit": num_edit}}, self.now_ms())

    async def unsend(self, psid: str, mid: str) -> None:
        self.threads[psid] = [taken for taken in self.threads[psid] if taken.mid != mid]
        await self._say(psid, {"message": {"mid": mid, "is_deleted": True}}, self.now_ms())

    async def react(self, psid: str, mid: str, emoji: str, action: str = "react") -> None:
        reaction = {"mid": mid, "action": action, "emoji": emoji, "reaction": "other"}
        await self._say(psid, {"reaction": reaction}, self.now_ms())

    async def refer(self, psid: str, ref: str) -> None:
        """The person follows a link of the page's into the thread."""
        referral = {"ref": ref, "source": "SHORTLINK", "type": "OPEN_THREAD"}
        await self._say(psid, {"referral": referral}, self._touch(psid))

    async def read(self, psid: str) -> None:
        """The person reads all there is."""
        at_ms = self.now_ms()
        await self._say(psid, {"read": {"watermark": at_ms}}, at_ms)

    def received(self, psid: str) -> list[Taken]:
        """What the page sent to that person, in order, as they see it."""
        return list(self.people[psid].sees)

    async def answer_elsewhere(self, psid: str, text: str) -> str:
        """Somebody answers in Meta's own page inbox; returns the mid."""
        page = self.people[psid].page
        taken = Taken(self.new_id("m"), page, psid, self.now_ms(), is_from_page=True, text=text, app_id=PAGE_INBOX_APP)
        self.threads[psid].append(taken)
        self.people[psid].sees.append(taken)
        await self._post(self.echo_of(taken))
        return taken.mid

    async def send_raw_event(self, page: str, element: Mapping[str, Any], array: str = "messaging") -> None:
        """Any element, as it is."""
        await self._post(PageEvent(page, self.now_ms(), dict(element), array))

    def _touch(self, psid: str) -> int:
        """The person does something that opens the window."""
        at_ms = self.now_ms()
        self.people[psid].last_inbound_ms = at_ms
        self.people[psid].has_blocked = False
        return at_ms

    async def _say(self, psid: str, what: Mapping[str, Any], at_ms: int) -> None:
        page = self.people[psid].page
        element = {"sender": {"id": psid}, "recipient": {"id": page}, "timestamp": at_ms, **what}
        await self._post(PageEvent(page, at_ms, element))

    async def _post(self, *events: PageEvent) -> None:
        """Hand the events to the webhook: only those of fields the page is subscribed to, once there is an address."""
        if self.hooks.url:
            await self.hooks.put(*(event for event in events if self._is_subscribed(event)))

    def _is_subscribed(self, event: PageEvent) -> bool:
        page = self.pages.get(event.page)
        name = next((_FIELD_OF[member] for member in _FIELD_OF if member in event.element), "")
        message = event.element.get("message")
        is_echo = isinstance(message, dict) and message.get("is_echo")
        name = "standby" if event.array == "standby" else "message_echoes" if is_echo else name
        return page is None or not name or name in page.subscribed_fields

    def _attachment(self, item: Media | Mapping[str, Any]) -> dict[str, Any]:
        if not isinstance(item, Media):
            return dict(item)
        main = item.content_type.partition("/")[0]
        kind = main if main in ("image", "audio", "video") else "file"
        return {"type": kind, "payload": {"url": self.media_url(item)}}

    def media_url(self, item: Media) -> str:
        """Where the file can be fetched."""
        key = self.new_id("f")
        self.media[key] = item
        return f"{self.base}/media/{key}/{item.name}"

    # What the page's calls do

    async def take(self, taken: Taken) -> None:
        """A page's message enters the thread: ledger, the person's screen, echo and delivery receipt."""
        self.ledger.append(taken)
        self.threads[taken.psid].append(taken)
        self.people[taken.psid].sees.append(taken)
        plan = self.echo_plan(taken)
        events = [self.echo_of(taken)] if plan in ("first", "soon") else []
        if plan == "held":
            self.held_echoes.append(self.echo_of(taken))
        if self.sends_deliveries:
            events.append(self.receipt_of(taken, "delivery"))
        await self._post(*events)
        if plan == "first":
            await self.hooks.settled()

    def _usual_echo(self, _: Taken) -> Echoes:
        if not self.sends_echoes:
            return "never"
        return "first" if self.echo_comes_first else "soon"

    async def release_echoes(self) -> None:
        """Post the echoes that were held back."""
        held, self.held_echoes = self.held_echoes, []
        await self._post(*held)

    def echo_of(self, taken: Taken) -> PageEvent:
        message: dict[str, Any] = {"mid": taken.mid, "is_echo": True, "app_id": int(taken.app_id or self.app_id)}
        for name, value in (
            ("text", taken.text),
            ("metadata", taken.metadata),
            ("attachments", list(taken.attachments)),
        ):
            if value:
                message[name] = value
        element = {
            "sender": {"id": taken.page},
            "recipient": {"id": taken.psid},
            "timestamp": taken.at_ms,
            "message": message,
        }
        return PageEvent(taken.page, taken.at_ms, element)

    def receipt_of(self, taken: Taken, kind: Literal["delivery", "read"]) -> PageEvent:
        """That a page's message was delivered, by its id, or that all up to it was read."""
        at_ms = self.now_ms()
        mids = {"mids": [taken.mid]} if kind == "delivery" else {}
        element = {"sender": {"id": taken.psid}, "recipient": {"id": taken.page}, "timestamp": at_ms}
        return PageEvent(taken.page, at_ms, element | {kind: mids | {"watermark": taken.at_ms}})

    def upload_of(self, attachment: Mapping[str, Any]) -> Media | None:
        """The uploaded file an attachment names; raises `Refused` for one that is unknown or older than 90 days."""
        key = attachment["payload"].get("attachment_id")
        if key is None or attachment["type"] == "template":
            return None
        media, at_ms = self.uploads.get(key, (None, 0))
        if media is None or self.now_ms() - at_ms > 90 * 24 * 3600 * 1000:
            raise Refused(100, 2018074, "The attachment id is not valid")
        return media

    def forget_uploads(self) -> None:
        """Every upload so far is too old."""
        self.uploads = {key: (media, 0) for key, (media, _) in self.uploads.items()}

    def block(self, psid: str) -> None:
        """The person blocks the page, until they write again."""
        self.people[psid].has_blocked = True
