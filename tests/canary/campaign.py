"""Forty card numbers through every door into every place, and then everything that is left of them anywhere."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import smtplib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import sqlalchemy as sa
from tests.canary.cards import CARDS, spelled
from tests.canary.houses import HOOK, SUPPORT, Hub
from tests.canary.letters import letter
from tests.e2e.serving import BIN

from omnibox.events import read_head
from omnibox.store import Reader, Store
from omnibox.store.search import state
from omnibox.store.tables import attachment, delivery
from omnibox.testing.world.demo import MAILBOX, PAGE
from omnibox.testing.world.graph import Media
from omnibox.testing.world.smtp import SmtpFault
from omnibox.testing.world.visitor import Visitor

NUMBERS = range(len(CARDS))
ALL = "; ".join(spelled(number) for number in NUMBERS)
FEW = "; ".join(spelled(number) for number in (0, 5, 16, 22))  # where a text has to be short
SOON_S = 120.0  # patience on a busy machine
AT_ONCE = 8


async def until(question: Any) -> Any:
    last: Any = None
    try:
        async with asyncio.timeout(SOON_S):
            while not (last := await question()):
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"never came: {last}") from None
    return last


async def each(work: Any, numbers: Sequence[int] = NUMBERS) -> list[Any]:
    """`work(number)` for all of them, some at once."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> Any:
        async with gate:
            return await work(number)

    return list(await asyncio.gather(*(one(number) for number in numbers)))


# ── Customers


async def chat(hub: Hub) -> None:
    """The visitor door: messages, files, and all that a page could say of itself."""

    async def visit(number: int) -> None:
        card = spelled(number)
        origin = {"Origin": hub.world.desk.base, "Referer": f"{hub.world.desk.base}/?card={card.strip()}"}
        async with Visitor(hub.base, hub.site, hub.world.desk.base) as visitor, aiohttp.ClientSession() as http:
            own = origin | {"Authorization": f"Bearer {visitor.token}"}
            await visitor.send(t="hint", kind="typing", text=card, page={"url": f"/?c={card}", "title": card})
            form = aiohttp.FormData()
            form.add_field("file", f"a file {card}".encode(), filename=f"my {card}.txt", content_type="text/plain")
            async with http.post(f"{hub.base}/w/files?site={hub.site}", data=form, headers=own) as answer:
                kept = await answer.json()
                assert answer.status == 201, kept
            said = await visitor.say(f"My card is {card}, by chat", (kept["id"],))
            assert said["t"] == "ack", said
            await visitor.send(t="op", kind=card, client_id=secrets.token_hex(8), text=card)
            async with http.get(f"{hub.base}/w/history?site={hub.site}&before={card}", headers=own) as answer:
                assert answer.status == 422
            frames = {"frames": [{"t": "hello", "v": 1, "token": visitor.token}, {"t": "hint", "kind": card}]}
            async with http.post(f"{hub.base}/w/frames?site={hub.site}", json=frames, headers=own) as answer:
                hub.answered.append(await answer.read())
            await visitor.until(lambda: visitor.messages)
            hub.answered.append(json.dumps([visitor.welcome, *visitor.messages.values()], ensure_ascii=False).encode())

    await each(visit)


async def page(hub: Hub) -> None:
    """The webhook door of the page: all that a person can do there, and what cannot be read."""
    graph = hub.world.graph
    graph.hooks.switches.batch = 10
    for number in NUMBERS:
        card, psid = spelled(number), f"80{number:02}"
        graph.add_person(psid, f"Ada {card}", PAGE)
        file = Media(f"f{number}.txt", "text/plain", f"a file {card}".encode())
        link = {"type": "fallback", "title": card, "payload": {"url": f"https://shop.example/?c={card}", "title": card}}
        mid = await graph.write(psid, f"My card is {card}, by page", [file, link])
        await graph.edit(psid, mid, f"Once more: {card}")
        await graph.edit(psid, f"not yet here {number}", f"Before its message: {card}")
        await graph.react(psid, mid, card)
        await graph.tap(psid, f"Title {card}", f"payload {card}")
        await graph.postback(psid, f"Button {card}", f"payload {card}")
        await graph.refer(psid, f"ref {card}")
        await graph.answer_elsewhere(psid, f"We have {card}")
        await graph.send_raw_event(PAGE, {"sender": {"id": psid}, "unknown": {"text": f"{card} {card}"}, card: [card]})
        await graph.send_raw_event(PAGE, {"message": {"text": card, "mid": f"x{number}"}, "timestamp": card})
    for content in unreadable():
        digest = hmac.new(graph.app_secret.encode(), content, hashlib.sha256).hexdigest()
        await _post(hub.graph_hook, content, {"X-Hub-Signature-256": f"sha256={digest}"})
    await graph.settled()


async def orders(hub: Hub) -> None:
    """The example connector's hook."""

    async def post(number: int) -> None:
        card = spelled(number)
        item = {"id": f"h{number}", "from": f"p{number}", "to": HOOK, "text": f"Card {card}, by hook"}
        await say(json.dumps(item | {"time": time.time()}).encode())
        await say(json.dumps(item | {"time": card, "more": card}, ensure_ascii=bool(number % 2)).encode())

    async def say(content: bytes) -> None:
        digest = hmac.new(hub.hook_secret.encode(), content, hashlib.sha256).hexdigest()
        await _post(hub.hook_url, content, {"X-Signature": digest})

    await each(post)
    for content in unreadable():
        await say(content)


def unreadable() -> list[bytes]:
    """Bodies that no connector can read, one for each number, with it in some writing."""
    writings = (
        lambda card: json.dumps({"oops": f"card {card}", "list": [[card]]}).encode(),
        lambda card: json.dumps({"oops": f"card {card}"}, ensure_ascii=False).encode(),
        lambda card: json.dumps({"oops": f"card {card.replace(' ', chr(0xA0))}"}).encode(),
        lambda card: f'{{"oops": "card {card}"'.encode(),
        lambda card: ('{"oops": "' + "".join(f"\\u{ord(each):04x}" for each in card) + '"}').encode(),
        lambda card: f"card={card.replace(' ', '+')}&again={card}".encode(),
    )
    return [writings[number % len(writings)](spelled(number)) for number in NUMBERS]


async def _post(url: str, content: bytes, headers: dict[str, str]) -> None:
    headers |= {"Content-Type": "application/json"}
    async with aiohttp.ClientSession() as http, http.post(url, data=content, headers=headers) as answer:
        assert answer.status == 200, await answer.text()


async def mailbox(hub: Hub) -> None:
    """The mailbox that the hub reads, and the door to which mail is brought."""
    for number in NUMBERS:
        hub.world.house.deliver(letter(number, "imap", MAILBOX), MAILBOX)
    await asyncio.to_thread(_bring, hub.door_port)


def _bring(port: int) -> None:
    with smtplib.LMTP("127.0.0.1", port, timeout=30) as client:
        for number in NUMBERS:
            client.sendmail(f"c{number}.door@customer.example", [SUPPORT], letter(number, "door", SUPPORT))


async def past(hub: Hub, folder: Path) -> None:
    """Old mails out of a file."""
    box = folder / "old.mbox"
    letters = (letter(number, "past", SUPPORT).replace(b"\r\n", b"\n") for number in NUMBERS)
    box.write_bytes(b"".join(b"From a@b.example Fri Mar  1 10:00:00 2024\n" + each + b"\n" for each in letters))
    await command(hub, "import", str(box), "--channel", SUPPORT)
    box.unlink()


async def command(hub: Hub, *arguments: str) -> None:
    """Run `omnibox` beside the hub, as an operator does; what it prints is searched too."""
    environment = hub.parts[0]._environment
    process = await asyncio.create_subprocess_exec(
        str(BIN / "omnibox"),
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), SOON_S)
    hub.answered.append(said)
    assert process.returncode == 0, said


# ── Agents


async def rows(hub: Hub) -> list[dict[str, Any]]:
    """Every conversation there is."""
    found: list[dict[str, Any]] = []
    for view in ("all", "resolved"):
        before = ""
        while True:
            answer = await hub.admin.ask("GET", f"/api/conversations?view={view}&limit=100{before}")
            found += answer["conversations"]
            if not answer["next"]:
                break
            before = f"&before={answer['next']}"
    return found


async def answer(hub: Hub) -> None:
    """Replies with files on every channel, notes, cards of contacts, names and signatures; over both ways in."""
    admin = hub.admin
    me = await admin.ask("GET", "/api/me")
    await admin.ask("PATCH", "/api/me", {"name": f"Olivia {FEW}"[:90], "signature": f"Yours {FEW}"})
    assert me["id"]
    by_channel: dict[int, list[dict[str, Any]]] = {}
    for row in await rows(hub):
        by_channel.setdefault(row["channel"], []).append(row)
    at_a_glance = await admin.ask("GET", "/api/snapshot")
    offering = {each["name"] for each in at_a_glance["connectors"] if each["capabilities"]["offers"]}
    takes_cards = {each["id"] for each in at_a_glance["channels"] if each["connector"] in offering}
    turns = [own[turn] for turn in range(8) for own in by_channel.values() if turn < len(own)]
    hub.world.house.smtp._faults.append(SmtpFault("dot", "refuse", 554, f"5.6.0 no {spelled(0)}", times=1))

    async def write(number: int) -> None:
        row, card = turns[number % len(turns)], spelled(number)
        form = aiohttp.FormData()
        form.add_field("file", f"ours {card}".encode(), filename=f"ours {card}.csv", content_type="application/x-any")
        async with admin.http.post("/api/uploads", data=form) as answer:
            kept = await answer.json()
        takes_files = row["contact"]["email"] or row["presence"]
        body = {"text": f"Thanks for {card}, we say", "files": [kept["id"]] if takes_files else [], "anyway": True}
        if row["channel"] in takes_cards:
            body["offer"] = {"cards": [{"title": card[:80], "subtitle": f"It is {card}"[:80]}]}
        await admin.ask("POST", f"/api/conversations/{row['id']}/replies", body | {"client_id": secrets.token_hex(8)})
        body = {"client_id": secrets.token_hex(8), "text": f"Their card is {card}"}
        await admin.ask("POST", f"/api/conversations/{row['id']}/notes", body)
        frame = {"t": "op", "kind": "note", "conversation": row["id"], "client_id": secrets.token_hex(8), "text": card}
        await admin.ask("POST", "/api/frames", {"frames": [frame, {"t": "hint", "kind": "typing", "text": card}]})
        await admin.ask("PATCH", f"/api/contacts/{row['contact']['id']}", {"name": f"Ada {card}", "phone": card})
        admin.note("GET", f"/api/search?q={CARDS[number]}", None)
        async with admin.http.get("/api/search", params={"q": card}) as answer:
            assert answer.status == 200
            hub.answered.append(await answer.read())

    await each(write)


async def govern(hub: Hub) -> None:
    """What owners write: names, settings, patterns, invitations; and a colleague who joins."""
    admin = hub.admin
    connections = await admin.ask("GET", "/api/connections")
    for connection in connections:
        await admin.ask("PATCH", f"/api/connections/{connection['id']}", {"name": f"Renamed {FEW}"[:90]})
        for channel in connection["channels"]:
            change: dict[str, Any] = {"name": f"Renamed {spelled(7)}"}
            if connection["connector"] == "webchat":
                change["settings"] = {"greeting": f"Hello {ALL}"}
            await admin.ask("PATCH", f"/api/channels/{channel['id']}", change)
            await attempt(
                hub, "PUT", f"/api/channels/{channel['id']}/patterns", {"patterns": [CARDS[3], f"K {spelled(5)}"]}
            )
        await attempt(hub, "PATCH", f"/api/connections/{connection['id']}", {"settings": {"sent_folder": f"To {FEW}"}})
    invited = {"email": "new@shop.example", "name": f"New {spelled(4)}", "role": "agent"}
    link = (await admin.ask("POST", "/api/invitations", invited))["link"].rpartition("/")[2]
    joins = {"name": f"New {spelled(9)}", "password": secrets.token_hex(12)}
    admin.note("POST", f"/api/links/{link}", joins)
    own, place = {"X-Omnibox": "1"}, f"{hub.base}/api/links/{link}"
    async with aiohttp.ClientSession(headers=own) as http, http.post(place, json=joins) as answer:
        assert answer.status < 300, await answer.text()


async def attempt(hub: Hub, method: str, path: str, body: Any, **headers: str) -> None:
    """A request that may be refused, and breaks nothing."""
    hub.admin.note(method, path, body)
    async with hub.admin.http.request(method, path, json=body, headers=headers) as answer:
        assert answer.status < 500, (method, path, answer.status)
        hub.answered.append(await answer.read())


async def stumble(hub: Hub) -> None:
    """Requests that are refused, with a number wherever a request can have one."""

    async def ask(number: int) -> None:
        card = spelled(number).strip()
        plain = CARDS[number]
        tries: list[tuple[str, str, Any]] = [
            ("GET", f"/api/{plain}?q={plain}", None),
            ("GET", f"/{plain}", None),
            ("GET", f"/api/conversations?before={plain}&limit=1", None),
            ("GET", f"/api/search?q={plain}&after={plain}", None),
            ("GET", f"/api/files/{plain}", None),
            ("GET", f"/api/links/{plain}", None),
            ("POST", f"/hooks/{plain}", {"text": card}),
            ("POST", "/api/conversations/1/replies", {"text": card, "client_id": card[:3], card: card}),
            ("POST", "/api/connections", {"connector": card, "name": card, "settings": {card: card}}),
            ("PATCH", "/api/me", {"name": card * 30}),
            ("PATCH", "/api/contacts/1", {"email": card, card: card}),
            ("POST", "/api/login", {"email": card, "password": card}),
            ("POST", "/api/setup", {"code": card, "name": card, "email": card, "password": card}),
        ]
        named = {"User-Agent": f"Browser {plain}", "Referer": f"{hub.base}/?card={plain}"}
        for method, path, body in tries:
            await attempt(hub, method, path, body, **named)
        async with hub.admin.http.post("/api/login", data=f'{{"email": "{plain}"'.encode()) as answer:
            hub.answered.append(await answer.read())

    await each(ask, range(0, len(CARDS), 4))


async def look(hub: Hub) -> None:
    """Whatever agents and visitors can see."""
    paths = [
        "/api/snapshot",
        "/api/quarantine",
        "/api/connections",
        "/api/agents",
        "/api/counts",
        "/metrics",
        "/readyz",
    ]

    async def get(path: str) -> bytes:
        async with hub.admin.http.get(path) as answer:
            assert answer.status < 500, path
            hub.answered.append(await answer.read())
            hub.answered.append(str(answer.headers).encode())
            return hub.answered[-2]

    for path in paths:
        await get(path)
    found = await rows(hub)
    hub.answered.append(json.dumps(found, ensure_ascii=False).encode())

    async def read(number: int) -> None:
        row = found[number]
        await get(f"/api/contacts/{row['contact']['id']}")
        messages = json.loads(await get(f"/api/conversations/{row['id']}/messages?limit=100"))["messages"]
        for each_ in messages:
            if each_["has_html"] and not number % 4:
                await get(f"/api/messages/{each_['id']}/html")
            for file in each_["attachments"]:
                if file["url"] and not number % 4:  # the files themselves are searched where they lie
                    await get(file["url"])

    await each(read, range(len(found)))


async def settle(hub: Hub, conversations: int) -> None:
    """Until all that was said is taken, everything fetched, and every reply has left or failed."""

    async def is_there() -> bool:
        return len(await rows(hub)) >= conversations

    await until(is_there)

    store = Store(hub.database or f"sqlite:///{hub.home}/omnibox.db")
    await store.start()
    try:
        await until(lambda: store.read(_is_at_rest))
    finally:
        await store.stop()


def _is_at_rest(tx: Reader) -> bool:
    waiting = sa.select(sa.func.count()).where(delivery.c.state.in_(("queued", "sending")))
    fetched = sa.select(sa.func.count()).where(attachment.c.state == "pending")
    indexed = tx.execute(sa.select(state.c.seq)).scalar() == read_head(tx).seq
    return not tx.execute(waiting).scalar() and not tx.execute(fetched).scalar() and indexed


@asynccontextmanager
async def watched(hub: Hub) -> AsyncIterator[None]:
    """With an agent's screen and a visitor's page open; what they were shown is kept."""
    snapshot = await hub.admin.ask("GET", "/api/snapshot")
    async with hub.admin.http.ws_connect("/ws") as ws:
        hello = {"t": "hello", "v": 1, "token": snapshot["pass"], "epoch": snapshot["epoch"]}
        await ws.send_json(hello | {"cursor": snapshot["seq"]})
        reading = asyncio.create_task(_read(hub, ws))
        try:
            yield
        finally:
            reading.cancel()
            await asyncio.wait([reading])


async def _read(hub: Hub, ws: aiohttp.ClientWebSocketResponse) -> None:
    async for heard in ws:
        if heard.type is aiohttp.WSMsgType.TEXT:
            hub.answered.append(heard.data.encode())
            if (frame := heard.json())["t"] == "ping":
                await ws.send_json({"t": "pong", "n": frame["n"]})
