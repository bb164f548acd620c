"""The HTML of a mail as readable plain text."""

from __future__ import annotations

import html as markup
import re
from collections.abc import Mapping
from typing import Any

from omnibox_email.charsets import words
from omnibox_email.content import hostile

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
MOST_TAGS = 300_000

# A line of these alone only pushes other words out of a preview.
_UNSEEN = re.compile("[ \u00a0\u00ad\u034f\u061c\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]+")
_BODY_ENDS = re.compile(r"</body\s*>", re.I)
_BODY_BEGINS = re.compile(r"<body\b", re.I)
_BLANK = re.compile(r"[ \t\r\n\f\u00a0]{2,}|[\t\r\n\f\u00a0]")  # all that is not one blank already


def html_to_text(html: str) -> str:
    """Readable text: paragraphs apart, `>` before quotations, links with their address, no scripts or styles."""
    from selectolax.lexbor import LexborHTMLParser

    html = html[:MOST_HTML]
    if is_hostile(html):
        return without_tags(html)
    if (end := _BODY_ENDS.search(html)) and _BODY_BEGINS.search(html, end.end()):
        html = _BODY_ENDS.sub("<br>", html)  # a gateway put its own page below: the parser makes one line of both
    root = LexborHTMLParser(html).root
    writer = _Writer()
    if root is not None:
        _walk(root, writer)
    return writer.text()


def is_hostile(html: str) -> bool:
    """Whether HTML is made to keep parsers busy: see `hostile.is_hostile`; what mail programs write never is."""
    return html.count("<") > MOST_TAGS or hostile.is_hostile(html)


_TAG_END = re.compile(r"[^<>]{0,100}>")
_INVISIBLE = re.compile(r"<(?:(script|style|title)\b|!--)", re.I)


def without_tags(html: str) -> str:
    """The words of HTML that no parser should see: tags cut out, nothing laid out."""
    bare = re.sub(r"<[^<>]{0,2000}>", "\n", _visible(html))
    lines = (line.strip() for line in markup.unescape(bare).split("\n"))
    return "\n".join(line for line in lines if line)


def _visible(html: str) -> str:
    """Without scripts, styles and comments; what is never closed goes to the end."""
    lowered = html.lower() if html.isascii() else html  # lower case of other letters may be longer
    kept, at = [], 0
    while found := _INVISIBLE.search(html, at):
        kept.append(html[at : found.start()])
        closing = f"</{found.group(1).lower()}" if found.group(1) else "-->"
        end = lowered.find(closing, found.end())
        after = _TAG_END.match(html, end + len(closing)) if end >= 0 and found.group(1) else None
        at = len(html) if end < 0 else after.end() if after else end + len(closing)
    return "".join(kept) + html[at:]


class _Writer:
    """Collects words and line breaks; blanks collapse, quotations carry their marks."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []
        self.quotes = 0
        self.preformatted = 0
        self.has_blank = False
        self.has_filler = False  # a blank that browsers do not collapse: an element of it alone is an empty line
        self.wants_empty = False
        self.prefix = ""
        self.quotations: set[int] = set()
        self.kept_as_set: set[int] = set()
        self.lists: list[int | None] = []  # the number of the next item of each open list; None: no numbers

    def empty_line(self) -> None:
        """The blank line that is still owed, with the marks of the present level."""
        if self.wants_empty and self.lines and self.lines[-1].strip("> "):
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
            self.has_filler = self.has_filler or "\u00a0" in text
            return
        ends = collapsed.endswith(" ")
        self._append(collapsed.rstrip(" "))
        self.has_blank = ends

    def _append(self, text: str) -> None:
        if not text:
            return
        if not self.line:
            self.empty_line()
            self.line.append(self._marks() + self._indent() + self.prefix)
            self.prefix = ""
        elif self.has_blank:
            self.line.append(" ")
        self.has_blank = False
        self.line.append(text)

    def _marks(self) -> str:
        return "> " * min(self.quotes, DEEPEST_QUOTE)

    def _indent(self) -> str:
        """Items of a list within a list stand further in."""
        return "  " * min(len(self.lists) - 1, DEEPEST_QUOTE) if self.prefix else ""

    def end_line(self, *, keep_empty: bool = False) -> None:
        if self.line:
            self.lines.append("".join(self.line).rstrip())
            self.line = []
        elif keep_empty:
            if self.wants_empty and self.lines:
                self.wants_empty = False
            self.lines.append(self._marks().rstrip())
        self.has_blank = self.has_filler = False

    def text(self) -> str:
        self.end_line()
        text = "\n".join("" if _UNSEEN.fullmatch(line) else line for line in self.lines)
        return re.sub(r"\n{3,}", "\n\n", text).strip("\n")


def _walk(root: Any, writer: _Writer) -> None:
    """Depth first without recursion: deep nesting is a way to attack."""
    stack: list[tuple[Any, bool]] = [(root, False)]
    while stack:
        node, is_leaving = stack.pop()
        tag = node.tag
        if is_leaving:
            _leave(node, tag, writer)
            if node.mem_id in writer.kept_as_set:
                writer.preformatted -= 1
            continue
        if tag == "-text":
            writer.words(node.text_content or "")
            continue
        if tag in HIDDEN or tag.startswith(("-", "_")):
            continue
        attributes = node.attributes
        if attributes and tag not in ("html", "body"):
            style = _style(node) if "style" in attributes else ""
            if _is_hidden(style, attributes):
                continue
            if "white-space:pre" in style and tag != "pre" and tag in BLOCKS:
                writer.kept_as_set.add(node.mem_id)
                writer.preformatted += 1
        _enter(node, tag, writer)
        stack.append((node, True))
        child = node.last_child
        while child is not None:
            stack.append((child, False))
            child = child.prev


_STYLE = re.compile(r"\s+")


def _style(node: Any) -> str:
    """The style of an element in small letters, without blanks."""
    return _STYLE.sub("", (node.attributes.get("style") or "")[:2000]).lower()


def _is_hidden(style: str, attributes: Mapping[str, str | None]) -> bool:
    if "hidden" in attributes:
        return True
    if "display:none" in style or "visibility:hidden" in style or "mso-hide:all" in style:
        return True
    return "overflow:hidden" in style and _FLAT.search(style) is not None


_FLAT = re.compile(r"(?:^|;)(?:max-)?height:0(?:px|pt|em|%)?(?:!important)?(?:;|$)")


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
        writer.prefix = _bullet(node, writer)
    elif tag in ("ul", "ol"):
        _open_list(node, tag, writer)


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


def _open_list(node: Any, tag: str, writer: _Writer) -> None:
    writer.lists.append(_number(node.attributes.get("start"), 1) if tag == "ol" else None)
    writer.wants_empty = writer.wants_empty and len(writer.lists) == 1


def _bullet(node: Any, writer: _Writer) -> str:
    number = writer.lists[-1] if writer.lists else None
    if number is None:
        return "* "
    number = _number(node.attributes.get("value"), number)
    writer.lists[-1] = number + 1
    return f"{number}. "


def _number(value: str | None, default: int) -> int:
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 7 else default


def _leave(node: Any, tag: str, writer: _Writer) -> None:
    if tag == "a":
        _add_address(node, writer)
    if tag not in BLOCKS:
        return
    writer.end_line(keep_empty=tag == "div" and writer.has_filler)
    writer.prefix = ""
    if tag in ("ul", "ol") and writer.lists:
        writer.lists.pop()
    writer.wants_empty = writer.wants_empty or (tag in PARAGRAPHS and not (tag in ("ul", "ol") and writer.lists))
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
