"""The HTML of a mail made harmless: no scripts, no styles, nothing loaded from afar."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from html import escape
from typing import Any

from omnibox_email.charsets import words
from omnibox_email.content.text import MOST_HTML, is_hostile

TAGS = words(
    """
    a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del details
    dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark ol p pre
    q s samp section small span strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var
    """
)
ATTRIBUTES: Mapping[str, set[str]] = {
    "*": {"align", "dir", "lang", "title", "class"},
    "a": {"href", "name"},
    "blockquote": {"cite", "type"},
    "font": {"color", "face", "size"},
    "img": {"alt", "height", "src", "width", "data-remote-src"},
    "li": {"value"},
    "ol": {"start", "type"},
    "table": {"border", "cellpadding", "cellspacing", "width", "bgcolor"},
    "td": {"colspan", "rowspan", "valign", "width", "bgcolor"},
    "th": {"colspan", "rowspan", "valign", "width", "bgcolor"},
}
REMOTE = "data-remote-src"
MOST_CLEANED_TAGS = 150_000
MOST_SLOW = 3000
LONGEST_RUN = 10_000
LONGEST_VALUE = 4000
_SLOW = re.compile("[&\u0080-\u00bf]")
_RUN = re.compile("[^<]{2000}[^<&\\s\u0080-\u00bf]{0,2000}(?=[&\\s\u0080-\u00bf])")


def sanitise(html: str, plain: str) -> str:
    """HTML without scripts, styles, forms and remote content.

    Embedded images keep their `cid:`; the address of a remote one moves to `data-remote-src`, so that nothing is
    loaded before somebody asks for it. HTML made to keep parsers busy is replaced by its text, `plain`.
    """
    html = html[:MOST_HTML]
    if html.count("<") > MOST_CLEANED_TAGS or is_hostile(html):
        return f"<pre>{escape(plain)}</pre>"
    return str(_cleaner().clean(_set_remote_aside(_with_short_runs(html))))


def _with_short_runs(html: str) -> str:
    """Long runs of text cut by empty comments, which the cleaner drops.

    It copies a run again at each ampersand and at each letter from U+0080 to U+00BF (nh3 0.3.8, measured 2026-11: 8 s
    for a megabyte of them). Cut before such a letter or a blank, no entity is cut; inside a tag the comment is wrong,
    and harmless, since all of it is cleaned afterwards.
    """
    if len(html) < LONGEST_RUN or len(_SLOW.findall(html)) < MOST_SLOW:
        return html
    return _RUN.sub(r"\g<0><!---->", html)


def _set_remote_aside(html: str) -> str:
    if "<img" not in html and "<IMG" not in html and "<Img" not in html:
        return html
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(html)
    for image in tree.css("img"):
        source = (image.attributes.get("src") or "").strip()
        if REMOTE in image.attributes:
            del image.attrs[REMOTE]
        if source.lower().startswith(("http://", "https://", "//")):
            del image.attrs["src"]
            image.attrs[REMOTE] = source if not source.startswith("//") else f"https:{source}"
    return tree.html or ""


@lru_cache(maxsize=1)
def _cleaner() -> Any:
    import nh3

    return nh3.Cleaner(
        tags=set(TAGS),
        clean_content_tags={
            "script",
            "style",
            "head",
            "title",
            "noscript",
            "template",
            "iframe",
            "object",
            "svg",
            "math",
        },
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        attribute_filter=_filter,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )


def _filter(tag: str, name: str, value: str) -> str | None:
    if len(value) > LONGEST_VALUE and len(_SLOW.findall(value)) > MOST_SLOW:
        return None
    if tag == "img" and name == "src":
        return value if value.strip().lower().startswith("cid:") else None
    if name == REMOTE:
        return value if value.startswith(("http://", "https://")) else None
    if tag == "blockquote" and name == "cite":
        return None
    return value


_CID = re.compile(r"cid:([^\"'\s>)]{1,500})", re.I)


def content_ids(html: str) -> frozenset[str]:
    """The content ids that the HTML shows."""
    from urllib.parse import unquote

    return frozenset(unquote(found) for found in _CID.findall(html.replace("&amp;", "&")))
