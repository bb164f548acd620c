"""The demo console: a page from which one plays the customers, and a shop page that holds the chat widget."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.utils import parseaddr
from importlib.resources import files
from typing import Any

from aiohttp import web

from omnibox.testing.world.graph import Graph
from omnibox.testing.world.mail import MailHouse

PAGES = files("omnibox.testing.world") / "pages"
LONGEST = 5_000


class Desk:
    """Plays one Messenger user and one mail customer by hand. `inbox_url` and `site` are set before pages are asked."""

    def __init__(self, graph: Graph, house: MailHouse, *, psid: str, customer: str, mailbox: str) -> None:
        self._graph = graph
        self._house = house
        self._psid = psid
        self._customer = customer
        self._mailbox = mailbox
        self._runner: web.AppRunner | None = None
        self._written: list[dict[str, str]] = []
        self.inbox_url = ""
        self.site = ""
        self.port = 0

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self, port: int = 0) -> None:
        app = web.Application()
        app.router.add_get("/", self._console)
        app.router.add_get("/shop", self._shop)
        app.router.add_get("/state", self._state)
        app.router.add_post("/messenger", self._write_message)
        app.router.add_post("/mail", self._write_mail)
        app.router.add_post("/answer", self._answer_mail)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _console(self, _: web.Request) -> web.Response:
        return self._page("console.html")

    async def _shop(self, _: web.Request) -> web.Response:
        return self._page("shop.html")

    def _page(self, name: str) -> web.Response:
        text = (PAGES / name).read_text("utf-8")
        for mark, value in (("__BASE__", self.inbox_url), ("__SITE__", self.site), ("__MAILBOX__", self._mailbox)):
            text = text.replace(mark, value)
        return web.Response(text=text, content_type="text/html")

    async def _state(self, _: web.Request) -> web.Response:
        """What the two customers see."""
        thread = self._graph.threads.get(self._psid, [])
        person = self._graph.people[self._psid]
        mails = [_summary(raw) for raw in self._house.sent_to(self._customer)]
        return web.json_response(
            {
                "messenger": {
                    "name": person.name,
                    "messages": [
                        {"mine": not taken.is_from_page, "text": taken.text, "files": len(taken.attachments)}
                        for taken in thread
                    ],
                },
                "mail": {"address": self._customer, "received": mails, "written": self._written},
            }
        )

    async def _write_message(self, request: web.Request) -> web.Response:
        text = _text(await request.post(), "text")
        await self._graph.write(self._psid, text)
        return web.json_response({})

    async def _write_mail(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.write_mail(_text(form, "subject"), _text(form, "text"))
        return web.json_response({})

    def write_mail(self, subject: str, text: str) -> None:
        """The customer writes to the shop."""
        self._house.write(self._customer, self._mailbox, subject, text, name="Leo Conti")
        self._written.append({"subject": subject, "text": text})

    async def _answer_mail(self, request: web.Request) -> web.Response:
        received = self._house.sent_to(self._customer)
        if not received:
            raise web.HTTPConflict(text="there is nothing to answer yet")
        text = _text(await request.post(), "text")
        self._house.answer(self._customer, received[-1], text)
        self._written.append({"subject": f"Re: {_summary(received[-1])['subject']}", "text": text})
        return web.json_response({})


def _text(form: Any, name: str) -> str:
    text = str(form.get(name, "")).strip()[:LONGEST]
    if not text:
        raise web.HTTPUnprocessableEntity(text=f"{name} is empty")
    return text


def _summary(raw: bytes) -> dict[str, Any]:
    mail = message_from_bytes(raw, policy=policy.default)
    part = mail.get_body(("plain",))
    return {
        "from": parseaddr(str(mail["From"]))[1],
        "subject": str(mail["Subject"] or ""),
        "text": part.get_content().strip() if part is not None else "",
        "headers": {name: str(mail[name]) for name in ("Message-ID", "In-Reply-To", "References") if mail[name]},
        "files": [attachment.get_filename() for attachment in mail.iter_attachments()],
    }
