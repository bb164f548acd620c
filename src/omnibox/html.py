"""Foreign HTML as a page for a frame: cleaned once more, its own pictures inside it, nothing loaded from anywhere."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from html import escape
from urllib.parse import unquote

_TAGS = (
    "a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del details dfn"
    " div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark ol p pre q s"
    " samp section small span strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var"
)
TAGS = frozenset(_TAGS.split())
ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "*": frozenset({"align", "dir", "lang", "title"}),
    "a": frozenset({"href"}),
    "font": frozenset({"color", "face", "size"}),
    "img": frozenset({"alt", "height", "src", "width"}),
    "li": frozenset({"value"}),
    "ol": frozenset({"start", "type"}),
    "table": frozenset({"border", "cellpadding", "cellspacing", "width", "bgcolor"}),
    "td": frozenset({"colspan", "rowspan", "valign", "width", "bgcolor"}),
    "th": frozenset({"colspan", "rowspan", "valign", "width", "bgcolor"}),
}
_SILENT = "script style head title noscript template iframe object svg math select textarea"

# What the cleaner takes long for (nh3 0.3.8, measured 2026-11): 29 s for 100,000 elements inside each other, 2 s for
# half a megabyte of ampersands and letters from U+0080 to U+00BF in one run, which it copies again at each of them.
MOST_HTML = 2_000_000
MOST_TAGS = 150_000
DEEPEST = 500
LONG_RUN = 10_000
MOST_COPIED = 30_000_000_000

MOST_PICTURES = 20_000_000  # octets, each as often as it is shown

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_VOID = frozenset({"br", "col", "hr", "img", "input", "meta", "link", "wbr"})
_RUN = re.compile(rf"[^<]{{{LONG_RUN},}}")
_COPYING = re.compile("[&\u0080-\u00bf]")
_CONTENT_ID = re.compile(r"""cid:([^"'\s>]{1,500})""", re.IGNORECASE)
_REMOTE_IMAGE = re.compile(r"""<img\b[^<>]*?\s(?:data-remote-)?src=["']?\s*(?:https?:)?//""", re.IGNORECASE)

STYLE = (
    ":root{color-scheme:light;background:#fff;color:#1b1b1f}"
    "body{margin:0;padding:12px;font:14px/1.5 system-ui,sans-serif;overflow-wrap:break-word}"
    "img{max-width:100%;height:auto}"
    "img:not([src]){display:inline-block;min-width:12px;min-height:12px;outline:1px dashed #8a8a94;color:#5c5c66}"
    "img:not([src])[width='1'],img:not([src])[height='1']{display:none}"
    "blockquote{margin:8px 0;padding-left:12px;border-left:3px solid #c9c9d1}"
    "pre{white-space:pre-wrap}"
)


def count_remote_images(html: str) -> int:
    """How many pictures of the HTML lie on other machines, whether or not their address was set aside already."""
    return len(_REMOTE_IMAGE.findall(html)) if "<img" in html else 0


def content_ids(html: str) -> frozenset[str]:
    """The content ids that the HTML names."""
    return frozenset(unquote(found) for found in _CONTENT_ID.findall(html.replace("&amp;", "&")))


def page_of(html: str, plain: str, pictures: Mapping[str, tuple[str, bytes]]) -> str:
    """A whole document without scripts, forms and addresses that load.

    `pictures`: content type and bytes by content id. They are put into the page itself, since a frame without an origin
    is sent no cookie and could not fetch them. HTML made to keep the cleaner busy is replaced by its text, `plain`.
    """
    body = f"<pre>{escape(plain)}</pre>" if is_costly(html) else _clean(html, pictures)
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><title></title><style>{STYLE}</style></head>'
        f'<body dir="auto">{body}</body></html>'
    )


def is_costly(html: str) -> bool:
    """Whether cleaning it would take longer than a second or so: what mail programs write never does."""
    if len(html) > MOST_HTML or html.count("<") > MOST_TAGS or _depth(html) > DEEPEST:
        return True
    runs = (run.group() for run in _RUN.finditer(html))
    return sum(len(run) * len(_COPYING.findall(run)) for run in runs) > MOST_COPIED


def _depth(html: str) -> int:
    depth = deepest = 0
    for closing, name in _TAG.findall(html):
        if name.lower() not in _VOID:
            depth += -1 if closing else 1
            deepest = max(deepest, depth)
    return deepest


def _clean(html: str, pictures: Mapping[str, tuple[str, bytes]]) -> str:
    import nh3  # few processes ever show an original

    cleaned: str = nh3.clean(
        html,
        tags=set(TAGS),
        clean_content_tags=set(_SILENT.split()),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        attribute_filter=_filter(pictures),
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        url_relative="deny",  # it would lead into the inbox
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        strip_comments=True,
    )
    return cleaned


def _filter(pictures: Mapping[str, tuple[str, bytes]]) -> Callable[[str, str, str], str | None]:
    """Puts pictures where their content id stands, as long as there is room; `cid:` leads nowhere else."""
    left = MOST_PICTURES

    def keep(tag: str, name: str, value: str) -> str | None:
        nonlocal left
        if name not in ("href", "src"):
            return value
        scheme, _, rest = value.strip().partition(":")
        if tag == "a":
            return None if scheme.lower() == "cid" else value
        found = pictures.get(unquote(rest)) if scheme.lower() == "cid" else None
        if found is None or len(found[1]) > left:
            return None
        left -= len(found[1])
        return f"data:{found[0]};base64,{b64encode(found[1]).decode()}"

    return keep
