"""HTML of mails: as readable plain text, and made harmless."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from html import escape
from typing import Any

from omnibox_email.charsets import words

MOST_HTML = 10_000_000
HIDDEN = words(
    """
    script style head title template noscript object iframe svg math select
    """
)
BLOCKS = words(
    """
    address article aside blockquote body center dd div dl dt fieldset figure figcaption footer form h1 h2 h3 h4
    h5 h6 header hr html li main nav ol p pre section table tbody tfoot thead tr ul
    """
)
PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "pre", "blockquote", "table"})
DEEPEST_QUOTE = 20

_BLANK = re.compile(r"[ \t\r\n\f\u00a0]+")


def html_to_text(html: str) -> str:
    """Readable text: paragraphs apart, `>` before quotations, links with their address, no scripts or styles."""
    from selectolax.lexbor import LexborHTMLParser

    root = LexborHTMLParser(html[:MOST_HTML]).root
    writer = _Writer()
    if root is not None:
        _walk(root, writer)
    return writer.text()


class _Writer:
    """Collects words and line breaks; blanks collapse, quotations carry their marks."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []
        self.quotes = 0
        self.preformatted = 0
        self.has_blank = False
        self.wants_empty = False
        self.prefix = ""
        self.quotations: set[int] = set()

    def empty_line(self) -> None:
        """The blank line that is still owed, with the marks of the present level."""
        if self.wants_empty and self.lines:
            self.lines.append(self._marks().rstrip())
        self.wants_empty = False

    def words(self, text: str) -> None:
        if self.preformatted:
            first, *more = text.replace("\r\n", "\n").split("\n")
            self._append(first)
            for line in more:
                self.end_line(keep_empty=True)
                self._append(line)
            return
        collapsed = _BLANK.sub(" ", text)
        if collapsed.startswith(" "):
            self.has_blank = self.has_blank or bool(self.line)
            collapsed = collapsed[1:]
        if not collapsed:
            return
        ends = collapsed.endswith(" ")
        self._append(collapsed.rstrip(" "))
        self.has_blank = ends

    def _append(self, text: str) -> None:
        if not text:
            return
        if not self.line:
            self.empty_line()
            self.line.append(self._marks() + self.prefix)
            self.prefix = ""
        elif self.has_blank:
            self.line.append(" ")
        self.has_blank = False
        self.line.append(text)

    def _marks(self) -> str:
        return "> " * min(self.quotes, DEEPEST_QUOTE)

    def end_line(self, *, keep_empty: bool = False) -> None:
        if self.line:
            self.lines.append("".join(self.line).rstrip())
            self.line = []
        elif keep_empty:
            if self.wants_empty and self.lines:
                self.wants_empty = False
            self.lines.append(self._marks().rstrip())
        self.has_blank = False

    def text(self) -> str:
        self.end_line()
        text = "\n".join(self.lines)
        return re.sub(r"\n{3,}", "\n\n", text).strip("\n")


def _walk(root: Any, writer: _Writer) -> None:
    """Depth first without recursion: deep nesting is a way to attack."""
    stack: list[tuple[Any, bool]] = [(root, False)]
    while stack:
        node, is_leaving = stack.pop()
        tag = node.tag
        if is_leaving:
            _leave(node, tag, writer)
            continue
        if tag == "-text":
            writer.words(node.text_content or "")
            continue
        if tag in HIDDEN or tag.startswith(("-", "_")) or _is_hidden(node, tag):
            continue
        _enter(node, tag, writer)
        stack.append((node, True))
        child = node.last_child
        while child is not None:
            stack.append((child, False))
            child = child.prev


def _is_hidden(node: Any, tag: str) -> bool:
    if tag in BLOCKS or tag in ("span", "font", "a", "img", "td"):
        style = (node.attributes.get("style") or "").replace(" ", "").lower()
        return "display:none" in style or "mso-hide:all" in style
    return False


def _enter(node: Any, tag: str, writer: _Writer) -> None:
    if tag == "br":
        writer.end_line(keep_empty=True)
    elif tag == "hr":
        writer.end_line()
        writer.words("---")
        writer.end_line()
    elif tag == "img":
        alt = (node.attributes.get("alt") or "").strip()
        if alt:
            writer.words(f" {alt} ")
    elif tag in ("td", "th"):
        writer.has_blank = bool(writer.line)
    if tag not in BLOCKS:
        return
    writer.end_line()
    writer.wants_empty = writer.wants_empty or tag in PARAGRAPHS
    if tag == "blockquote" and _is_quotation(node, writer):
        writer.empty_line()
        writer.quotes += 1
        writer.quotations.add(node.mem_id)
    elif tag == "pre":
        writer.preformatted += 1
    elif tag == "li":
        writer.prefix = _bullet(node)


_QUOTE_CLASS = re.compile(r"quote|cite|moz-", re.I)


def _is_quotation(node: Any, writer: _Writer) -> bool:
    """Whether a blockquote is what somebody else wrote; writers use the element for their own emphasis as well."""
    attributes = node.attributes
    if writer.quotes or (attributes.get("type") or "").lower() == "cite" or attributes.get("cite"):
        return True
    parent = node.parent
    classes = f"{attributes.get('class') or ''} {(parent.attributes.get('class') or '') if parent is not None else ''}"
    if _QUOTE_CLASS.search(classes):
        return True
    return bool(writer.lines) and writer.lines[-1].rstrip().endswith((":", "："))


def _bullet(node: Any) -> str:
    parent = node.parent
    return "1. " if parent is not None and parent.tag == "ol" and node.prev is None else "* "


def _leave(node: Any, tag: str, writer: _Writer) -> None:
    if tag == "a":
        _add_address(node, writer)
    if tag not in BLOCKS:
        return
    writer.end_line()
    writer.prefix = ""
    writer.wants_empty = writer.wants_empty or tag in PARAGRAPHS
    if tag == "blockquote" and node.mem_id in writer.quotations:
        writer.quotes -= 1
    elif tag == "pre":
        writer.preformatted -= 1


def _add_address(node: Any, writer: _Writer) -> None:
    """The address behind a link, where the words do not show it."""
    target = (node.attributes.get("href") or "").strip()
    if not target.lower().startswith(("http://", "https://")) or len(target) > 500 or not writer.line:
        return
    shown = _BLANK.sub(" ", node.text(deep=True)[:600]).strip()
    if not shown:
        return
    bare = target.split("://", 1)[1].rstrip("/")
    if bare not in shown and shown.rstrip("/") not in target:
        writer.words(f" <{target}>")


# ---- harmless HTML ----

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
MOST_TAGS = 150_000
MOST_SLOW = 3000
LONGEST_RUN = 10_000
_SLOW = re.compile("[&\u0080-\u00bf]")


def sanitise(html: str) -> str:
    """HTML without scripts, styles, forms and remote content.

    Embedded images keep their `cid:`; the address of a remote one moves to `data-remote-src`, so that nothing is
    loaded before somebody asks for it.
    """
    html = html[:MOST_HTML]
    if _is_costly(html):
        return f"<pre>{escape(html_to_text(html))}</pre>"
    return str(_cleaner().clean(_set_remote_aside(html)))


def _is_costly(html: str) -> bool:
    """Whether cleaning would take more than linear time (nh3 0.3.8, measured 2026-11): a run of text is copied at each
    ampersand and at each letter from U+0080 to U+00BF, and tags that are never closed are opened again and again."""
    if html.count("<") > MOST_TAGS:
        return True
    return any(len(run) > LONGEST_RUN and len(_SLOW.findall(run)) > MOST_SLOW for run in html.split("<"))


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
