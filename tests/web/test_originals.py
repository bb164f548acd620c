"""The door to a message's HTML: whatever was stored, what comes out runs nothing, loads nothing and shows its own."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any

import pytest
import sqlalchemy as sa
from selectolax.lexbor import LexborHTMLParser
from tests.web.house import Browser, House

from omnibox.html import ATTRIBUTES, TAGS, count_remote_images, is_costly, page_of
from omnibox.masking import mask, mask_content, mask_html
from omnibox.store import Transaction
from omnibox.store import tables as t

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
SHOWN = f"data:image/png;base64,{b64encode(PNG).decode()}"

HOSTILE = (
    "<script>hook()</script>",
    "<scr<script>ipt>hook()</scr</script>ipt>",
    "<img src=x onerror=hook()>",
    "<img src='cid:a' onload=hook()>",
    "<img src=javascript:hook()>",
    "<img srcset='https://far.example/x 2x' src='https://far.example/y' lowsrc=//far.example/z>",
    "<svg onload=hook()><script>hook()</script><a xlink:href='javascript:hook()'>x</a></svg>",
    "<svg><style><img src=x onerror=hook()></style></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=hook()&gt;'>",
    "<noscript><p title='</noscript><img src=x onerror=hook()>'></noscript>",
    "<template><script>hook()</script></template>",
    "<iframe src='javascript:hook()'></iframe><iframe srcdoc='<script>hook()</script>'></iframe>",
    "<object data='https://far.example/x'></object><embed src='https://far.example/x'>",
    "<form action='https://far.example/'><input autofocus onfocus=hook()><button formaction=javascript:hook()>x</form>",
    "<base href='https://far.example/'><a href='x'>x</a>",
    "<meta http-equiv=refresh content='0;url=https://far.example/'>",
    "<link rel=stylesheet href='https://far.example/x.css'><link rel=dns-prefetch href='//far.example'>",
    "<style>@import 'https://far.example/x.css'; body { position: fixed }</style>",
    "<div style='background:url(https://far.example/x);position:fixed;inset:0'>x</div>",
    "<table background='https://far.example/x'><tr><td background='//far.example/y'>x</td></tr></table>",
    "<body background='https://far.example/x' onload=hook()>x</body>",
    "<video poster='https://far.example/x' src='//far.example/v' autoplay><audio src=//far.example/a>",
    "<a href='javascript:hook()'>x</a><a href='&#106;ava\tscript:hook()'>x</a><a href='data:text/html,x'>x</a>",
    "<a href='vbscript:x'>x</a><a href='/api/logout'>x</a><a href='//far.example'>x</a><a href='cid:a'>x</a>",
    "<a href='https://far.example/' target=_top rel=opener ping='https://far.example/p'>x</a>",
    "<img data-remote-src='https://far.example/x' src='data:image/svg+xml,<svg onload=hook()>'>",
    "<details ontoggle=hook() open><summary>x</summary></details><marquee onstart=hook()>x</marquee>",
    "<b id=root name=cookie class='frame'>x</b></body></html><script>hook()</script>",
    "<!--><script>hook()</script>--><![CDATA[<script>hook()</script>]]><?xml-stylesheet href='//far.example/x'?>",
    "<p title='\"><script>hook()</script>'>x</p><textarea></textarea><img src=x onerror=hook()>",
)


async def keep(house: House, html: str | None, text: str = "Plain words", **change: Any) -> int:
    """Gives the conversation that nobody has a message with this HTML, as if a connector had handed it over."""
    here = t.message.c.conversation_id == house.ids["nobody"]
    values = {"html": None if html is None else mask_html(html), "text": mask(text), **change}

    def write(tx: Transaction) -> int:
        found: int = tx.execute(sa.update(t.message).where(here).values(values).returning(t.message.c.id)).scalar_one()
        return found

    return (await house.store.write(write)).result


async def attach(house: House, message_id: int | None, content_id: str, content: bytes = PNG, **change: Any) -> None:
    blob = await house.hub.blobs.put(mask_content(content, ""))
    row = {
        "message_id": message_id,
        "key": f"key {message_id} {content_id} {len(content)}",
        "content_type": "image/png",
        "content_id": content_id,
        "size": len(content),
        "blob": blob,
        "state": "ready",
        "created_at": house.clock(),
        "is_inline": True,
        **change,
    }

    def write(tx: Transaction) -> None:
        tx.execute(sa.insert(t.attachment), row)

    await house.store.write(write)


@pytest.fixture
async def agent(house: House) -> Browser:
    return await house.browser("agent")


def body_of(page: str) -> str:
    return page.partition('<body dir="auto">')[2]


def assert_inert(page: str) -> None:
    """Only tags and attributes that are known, links that open elsewhere, pictures that are inside."""
    tree = LexborHTMLParser(body_of(page))
    for node in tree.css("body *"):
        assert node.tag in TAGS, page
        allowed = {*ATTRIBUTES["*"], *ATTRIBUTES.get(node.tag or "", ())}
        allowed |= {"rel", "target"} if node.tag == "a" else set()
        assert set(node.attributes) <= allowed, page
    for link in tree.css("a"):
        assert (link.attributes["target"], link.attributes["rel"]) == ("_blank", "noopener noreferrer nofollow")
        assert re.match(r"(?:https?|mailto|tel):", link.attributes.get("href", "tel:") or "")
    for image in tree.css("img[src]"):
        assert (image.attributes["src"] or "").startswith("data:image/png;base64,")


async def test_the_original_comes_with_a_policy_of_its_own(house: House, agent: Browser) -> None:
    message = await keep(house, "<p><b>Bold</b> words</p>")
    answer = await agent.get(f"/api/messages/{message}/html")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "private, no-store"
    policy = dict(part.partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy.pop("style-src").startswith("'sha256-")
    assert policy == {
        "default-src": "'none'",
        "img-src": "data:",
        "form-action": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'self'",
        "sandbox": "allow-popups allow-popups-to-escape-sandbox",
    }
    assert "<p><b>Bold</b> words</p>" in answer.body.decode()


@pytest.mark.parametrize("html", HOSTILE)
async def test_hostile_html_is_inert(house: House, agent: Browser, html: str) -> None:
    message = await keep(house, html)
    await attach(house, message, "a")
    answer = await agent.get(f"/api/messages/{message}/html")
    assert answer.status == 200
    assert_inert(answer.body.decode())


async def test_a_message_shows_its_own_pictures(house: House, agent: Browser) -> None:
    message = await keep(house, "<img src='cid:a%40b' alt='A'><img src='CID:c&amp;d' alt='C'><img src='cid:none'>")
    await attach(house, message, "a@b")
    await attach(house, message, "c&d")
    page = (await agent.get(f"/api/messages/{message}/html")).body.decode()
    assert page.count(f'src="{SHOWN}"') == 2
    assert page.count("<img") == 3


@pytest.mark.parametrize(
    "case",
    [
        {"whose": "other"},
        {"whose": "none"},
        {"state": "pending"},
        {"state": "failed"},
        {"content": b"<svg xmlns='http://www.w3.org/2000/svg' onload='hook()'/>", "content_type": "image/svg+xml"},
        {"content": b"<!doctype html><script>hook()</script>"},
        {"blob": "0" * 64},
        {"size": None},
    ],
    ids=str,
)
async def test_no_other_file_gets_in(house: House, agent: Browser, case: dict[str, Any]) -> None:
    message = await keep(house, "<img src='cid:a' alt='A'>")
    whose = {"other": message - 1, "none": None}.get(case.pop("whose", ""), message)
    await attach(house, whose, "a", **case)
    page = (await agent.get(f"/api/messages/{message}/html")).body.decode()
    assert body_of(page) == '<img alt="A"></body></html>'


async def test_a_picture_repeated_without_end_does_not_make_an_endless_page(house: House, agent: Browser) -> None:
    message = await keep(house, "<img src='cid:a'>" * 100)
    await attach(house, message, "a", PNG + b"\0" * 3_000_000)
    page = (await agent.get(f"/api/messages/{message}/html")).body.decode()
    assert page.count("<img src=") == 6
    assert len(page) < 30_000_000


@pytest.mark.parametrize(("html", "is_deleted"), [(None, False), ("<p>gone</p>", True)])
async def test_there_is_nothing_where_there_is_no_original(
    house: House, agent: Browser, html: str | None, is_deleted: bool
) -> None:
    message = await keep(house, html, deleted_at=house.clock() if is_deleted else None)
    for number in (message, 999_999):
        answer = await agent.get(f"/api/messages/{number}/html")
        assert (answer.status, answer.code) == (404, "not_found")
        assert answer.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("who", ["anonymous", "removed"])
async def test_nobody_reads_it_without_a_session(house: House, who: str) -> None:
    message = await keep(house, "<p>Between us</p>")
    answer = await (await house.browser(who)).get(f"/api/messages/{message}/html")
    assert (answer.status, answer.code) == (401, "signed_out")
    assert b"Between us" not in answer.body


async def test_the_inbox_is_told_how_many_pictures_were_left_out(house: House, agent: Browser) -> None:
    await keep(house, "<img data-remote-src='https://far.example/1'><img alt='data-remote-src' src='cid:a'><p>x</p>")
    path = f"/api/conversations/{house.ids['nobody']}/messages"
    (shown,) = (await agent.get(path)).json["messages"]
    assert (shown["has_html"], shown["remote_images"]) == (True, 1)
    await keep(house, None)
    (shown,) = (await agent.get(path)).json["messages"]
    assert (shown["has_html"], shown["remote_images"]) == (False, 0)


@pytest.mark.parametrize(
    ("html", "count"),
    [
        ("", 0),
        ("src='https://far.example/'", 0),
        ("<img src='cid:a'> src='https://far.example/'", 0),
        ('<img alt="a" src="//far.example/1"><img src=https://far.example/2><IMG>', 2),
        ('<img width="1" data-remote-src="http://far.example/1">', 1),
    ],
)
def test_remote_images_are_counted_wherever_their_address_stands(html: str, count: int) -> None:
    assert count_remote_images(html) == count


@pytest.mark.parametrize(
    "html",
    ["<div>" * 5000, "<b>x</b>" * 200_000, "x" * 2_000_001, "é&" * 200_000, f"<p title='{'é&' * 200_000}'>x</p>"],
    ids=["depth", "tags", "length", "run", "attribute"],
)
def test_html_made_to_keep_the_cleaner_busy_is_shown_as_its_text(html: str) -> None:
    assert is_costly(html)
    assert body_of(page_of(html, "<Plain> words", {})) == "<pre>&lt;Plain&gt; words</pre></body></html>"


def test_a_long_ordinary_mail_is_not_taken_for_one() -> None:
    letter = "<p>Qué tal el envío & la garantía de España</p><br>" * 20_000
    log = "<pre>" + "línea del registro: todo está bien\n" * 20_000 + "</pre>"
    assert not is_costly(letter)
    assert not is_costly(log)
