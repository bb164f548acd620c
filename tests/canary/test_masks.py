"""Take the mask away at any door, and what would be stored is refused: by a column, or by the place of the files."""

from __future__ import annotations

import ast
import hashlib
import hmac
import secrets
from base64 import b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa
from tests.canary.cards import spelled
from tests.canary.letters import files, html
from tests.canary.places import text_columns
from tests.canary.search import found, in_folder
from tests.inbox.conftest import house as house  # the fixture
from tests.inbox.house import House

import omnibox
from omnibox.connector import File, Inbound, Unreadable
from omnibox.inbox import intake
from omnibox.inbox.way import Way
from omnibox.testing.world.demo import MAILBOX, PSID

CORE = Path(omnibox.__file__).parent
CARD = spelled(0)
Door = Callable[[House], Awaitable[bool]]
"""Puts a canary in; returns whether the hub refused it or set it aside."""


async def quarantined(house: House) -> int:
    return len(await house.admin.ask("GET", "/api/quarantine"))


async def status_of(house: House, method: str, path: str, body: Any = None, **options: Any) -> int:
    async with house.admin.http.request(method, path, json=body, **options) as answer:
        await answer.read()
        return answer.status


async def chat(house: House) -> bool:
    try:
        async with house.visitor() as visitor:
            return (await visitor.say(f"card {CARD}"))["t"] == "nack"
    except ConnectionError:
        return True


async def page(house: House) -> bool:
    """Set aside, or refused each time that the platform brings it."""
    graph = house.world.graph
    graph.hooks.switches.retry_waits_s = (0.01,)
    before = await quarantined(house), len(graph.hooks.undelivered)
    await graph.write(PSID, f"card {CARD}")
    await graph.settled()
    return (await quarantined(house), len(graph.hooks.undelivered)) != before


async def body(house: House) -> bool:
    connections = await house.admin.ask("GET", "/api/connections")
    url = next(each["hook_url"] for each in connections if each["connector"] == "messenger")
    content = f'{{"oops": "{CARD}"'.encode()
    digest = hmac.new(house.world.graph.app_secret.encode(), content, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={digest}", "Content-Type": "application/json"}
    async with house.admin.http.post("/" + url.split("/", 3)[3], data=content, headers=headers) as answer:
        return answer.status >= 500


async def way_of(house: House, address: str) -> Way:
    channels = (await house.admin.ask("GET", "/api/snapshot"))["channels"]
    way = house.hub.connections.way(next(each["id"] for each in channels if each["address"] == address))
    assert way is not None
    return way


async def raw(house: House) -> bool:
    """The beginning of a mail that could not be read, as the connector hands it over."""
    excerpt = f"Content-Transfer-Encoding: base64\r\n\r\n{b64encode(f'card {CARD} and more'.encode()).decode()}\r\n"
    way = await way_of(house, MAILBOX)
    await house.hub.intake.receive(way.origin, [Unreadable("odd", secrets.token_hex(4), excerpt, len(excerpt))])
    return False


async def in_two(house: House) -> bool:
    async with house.visitor() as visitor:
        await visitor.say(f"card {CARD[:9]}")
        await visitor.say(CARD[10:])
    return False


async def mail(house: House) -> bool:
    """A mail with everything, as the connector hands it over: set aside, or nothing of it is taken."""
    way = await way_of(house, MAILBOX)
    key = secrets.token_hex(8)
    said = Inbound(
        event_key=key,
        address=f"{key}@customer.example",
        to=MAILBOX,
        sent_at=house.clock(),
        subject=f"Order {CARD}",
        text=f"card {CARD}",
        reply_text=f"card {CARD}",
        html=html(CARD),
        name=f"Ana {CARD}",
        files=(File(CARD.encode(), name=f"a {CARD}.txt", content_type="text/plain"),),
    )
    try:
        (result,) = await house.hub.intake.receive(way.origin, [said])
    except (TypeError, sa.exc.StatementError):
        return True
    return result.outcome == "quarantined"


async def upload(house: House) -> bool:
    form = aiohttp.FormData()
    _, _, content = files(CARD, CARD)[0]
    form.add_field("file", content, filename=f"a {CARD}.txt", content_type="text/plain")
    async with house.admin.http.post("/api/uploads", data=form) as answer:
        return answer.status >= 500


async def row_id(house: House) -> int:
    rows = await house.rows()
    return int(next(row["id"] for row in rows if row["contact"]["label"] == "Ada Moreno"))


async def reply(house: House) -> bool:
    body = {"client_id": secrets.token_hex(8), "text": CARD, "anyway": True}
    return await status_of(house, "POST", f"/api/conversations/{await row_id(house)}/replies", body) >= 500


async def choices(house: House) -> bool:
    offer = {"cards": [{"title": CARD, "subtitle": f"It is {CARD}"}]}
    body = {"client_id": secrets.token_hex(8), "offer": offer, "anyway": True}
    return await status_of(house, "POST", f"/api/conversations/{await row_id(house)}/replies", body) >= 500


async def note(house: House) -> bool:
    body = {"client_id": secrets.token_hex(8), "text": CARD}
    return await status_of(house, "POST", f"/api/conversations/{await row_id(house)}/notes", body) >= 500


async def contact(house: House) -> bool:
    row = await house.admin.ask("GET", f"/api/conversations/{await row_id(house)}")
    return await status_of(house, "PATCH", f"/api/contacts/{row['contact']['id']}", {"phone": CARD}) >= 500


async def profile(house: House) -> bool:
    return await status_of(house, "PATCH", "/api/me", {"name": CARD, "signature": CARD}) >= 500


async def naming(house: House) -> bool:
    connection = (await house.admin.ask("GET", "/api/connections"))[0]
    return await status_of(house, "PATCH", f"/api/connections/{connection['id']}", {"name": CARD}) >= 500


def plain(text: str, *_: Any, **__: Any) -> str:
    return str(text)


def bare(content: bytes, *_: Any, **__: Any) -> bytes:
    return bytes(content)


def method(_: Any, text: str) -> str:
    return str(text)


DOORS: dict[str, tuple[Any, tuple[Door, ...]]] = {
    "inbox.intake.mask": (plain, (chat, page, mail)),
    "inbox.intake.mask_html": (plain, (mail,)),
    "inbox.intake.mask_content": (bare, (upload,)),
    "inbox.conversations.mask": (plain, (chat, page)),
    "inbox.replies.mask": (plain, (reply,)),
    "inbox.offers.mask": (plain, (choices,)),
    "inbox.contacts.mask": (plain, (contact,)),
    "web.conversations.mask": (plain, (reply, note)),
    "web.given.mask": (plain, (naming,)),
    "team.agents.mask": (plain, (profile,)),
    "masking.extra.Rules.mask": (method, (upload, body)),
}

# Where a mask is called on what is masked, or is none of people's words; a column refuses plain text there too.
NO_DOORS = {
    "inbox.merging": "an edit has come in by intake; the list shows its beginning",
    "inbox.taking": "the words of a notice have come in by intake",
    "inbox.splits": "two masked texts together: tests/inbox/test_splits.py",
    "cards.pieces": "the same in the history: tests/cards/test_remask.py",
    "inbox.indexing": "masked texts after folding: the campaign searches the index",
    "inbox.figures": "an excerpt of a masked text",
    "inbox.lines": "a sentence of the code",
    "inbox.elsewhere": "a masked name",
    "inbox.acknowledging": "a setting, masked when it is saved",
    "inbox.people": "names of recipients: the campaign's column participant.name",
    "inbox.errands": "what is fetched later: the campaign's files and names of profiles",
    "fields": "texts of settings: the campaign's pages of visitors and of settings",
    "consents": "names that a platform gives: tests/web/test_consents.py",
    "web.consents": "the same, as they are shown",
    "web.cards": "an owner's patterns: the campaign's request",
    "web.files": "names of files: by way of Rules",
    "store.search.queries": "what is looked for; it is not stored",
    "logformat": "lines of the log: tests/test_logs.py",
    "cards.looking": "the auditor and what masks again: tests of their own",
}


async def leaks(house: House) -> dict[str, Any]:
    """Where the canary stands now."""
    hits: dict[str, Any] = dict(in_folder(house.config.files_folder))

    def read(tx: sa.Connection) -> None:
        for name, column in text_columns().items():
            values = tx.execute(sa.select(sa.cast(column, sa.Text)).where(column.is_not(None))).scalars()
            if seen := found("\n".join(values).encode()):
                hits[name] = seen

    await house.hub.store.read(read)
    return hits


async def test_without_its_mask_a_door_lets_nothing_through(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.world.graph.write(PSID, "Hello")
    await house.row("Ada Moreno")
    results: dict[str, bool] = {}
    for place, (without, doors) in DOORS.items():
        for door in doors:
            with monkeypatch.context() as patch:
                patch.setattr(f"omnibox.{place}", without)
                patch.setattr(intake, "_texts", {})  # it remembers the masks
                results[f"{place} {door.__name__}"] = await door(house)
            assert await leaks(house) == {}, (place, door.__name__)
    assert [name for name, is_refused in results.items() if not is_refused] == []
    # And each of these doors is open to what is masked.
    for door in dict.fromkeys(each for _, doors in DOORS.values() for each in doors):
        assert not await door(house), door.__name__
    assert await leaks(house) == {}


@pytest.mark.parametrize(
    ("place", "without", "door"),
    [("intake.mask_raw", plain, raw), ("splits.mask_split", lambda texts, latest: None, in_two)],
)
async def test_what_no_type_can_tell_the_search_sees(
    house: House, monkeypatch: pytest.MonkeyPatch, place: str, without: Any, door: Door
) -> None:
    await door(house)
    assert await leaks(house) == {}
    with monkeypatch.context() as patch:
        patch.setattr(f"omnibox.inbox.{place}", without)
        await door(house)
    assert await leaks(house) != {}


def masking_calls() -> set[str]:
    """The modules of the core that mask, by name."""
    names = {"mask", "mask_html", "mask_raw", "mask_content", "mask_bytes", "mask_split"}
    found: set[str] = set()
    for path in CORE.rglob("*.py"):
        parts = path.relative_to(CORE).with_suffix("").parts
        if parts[0] in ("masking", "testing", "_web", "cli"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
                if called in names:
                    found.add(".".join(parts))
    return found


def test_every_module_that_masks_is_a_door_or_none() -> None:
    doors = {place.rpartition(".")[0] for place in DOORS if not place.startswith("masking.")}
    assert masking_calls() - doors - set(NO_DOORS) == set(), "add it to DOORS, with what goes through it"
    assert (doors | set(NO_DOORS)) - masking_calls() == set(), "these mask no longer"


def test_only_the_masking_makes_masked_text() -> None:
    """Elsewhere `Masked(…)` would be a promise that nobody kept; the store makes it of what it has stored masked."""
    makers = set()
    for path in CORE.rglob("*.py"):
        place = str(path.relative_to(CORE))
        if not place.startswith("masking/"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Masked", "MaskedBytes"):
                    makers.add(place)
    assert makers == {"store/columns.py"}
