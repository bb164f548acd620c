"""Where history begins by the marks that mail programs leave in their HTML."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from omnibox_email.content.text import BLOCKS, HIDDEN, is_hostile
from omnibox_email.quotes.blocks import field_of
from omnibox_email.quotes.lines import LONGEST_LINE, MOST_CHARACTERS, MOST_LINES, squash
from omnibox_email.quotes.openings import Hint

MOST_HTML = 1_000_000
MOST_TAGS = 50_000
LONGEST_SIGNATURE = 800
LONGEST_INTRODUCTION = 300
LONGEST_FIELD = 60
MOST_LOOKED_AT = 30
ANCHORS = (64, 40, 24, 14)

# What holds history and nothing else: class, id, name and data-marker of elements, one pattern over them all.
_HOLDS = re.compile(
    r"(?<![\w-])(?:gmail_quote(?:_container)?|yahoo_quoted\w*|ydp\w*yahoo_quoted\w*|yahooquoted\w*"
    r"|protonmail_quote|tutanota_quote|moz-forward-container|zmail_extra|blockquote_zmail|__quoted_text__"
    r"|spark_quote|messagereplysection|front-blockquote|missive_quote|freshdesk_quote|nylas-quote"
    r"|history_container|clean_bq|isreplycontent|isforwardcontent|canaryblockquote|edo-original"
    r"|mail-editor-reference-message-container|ms-outlook-mobile-reference-message|olk_src_body_section"
    r"|replyforwardmessage|quoted-content|mailru-blockquote|mail-quote-collapse|quotedcontent|original-content"
    r"|intercom-reply-history|hs_reply|cm_quote|quoted_output_body|qmail_quote|ntes_quote|mailmaster_quote"
    r"|wmquote|email_quote|quoted-text|reply-quote|mail_quote|forwarded-message|airmail_ext_on|skiff_quote"
    r"|polymail_quote)(?![\w-])"
)
# Elements that only head the history: it goes on to the end of the mail.
_HEADS = re.compile(
    r"(?<![\w-])(?:divrplyfwdmsg|appendonsend|outlookmessageheader|stopspelling|zwchr|__divider__|__headers__"
    r"|mail_extra_header|hotmail_original|replysplit)(?![\w-])"
)
# Introductions: what holds the history comes next.
_INTRODUCES = re.compile(r"(?<![\w-])(?:moz-cite-prefix|gmail_attr|reply-intro|airmail_on)(?![\w-])")
_SIGNS = re.compile(
    r"(?<![\w-])(?:(?:[a-z\d]{2,20}[-_]){1,4}signature(?:_block)?|zm-_id_-sgn\d*|__sig_pre__|__sig_post__|mb_sig|canarysig"
    r"|messagesignaturesection|_rc_sig|spneditorsign|bloop_sign|applemailsignature|emailsignature|mailsignature)(?![\w-])"
    r"|^(?:x_)*signature$|(?<= )(?:x_)*signature(?= )"
)
_APPLE_SIGNS = "linebreakatbeginningofsignature"
_PREFIX = re.compile(r"(?<![\w-])(?:x_|ecx|yiv\d+|m_-?\d+)+")
# Outlook draws a line above the headers of what it answers, in these colours.
_RULED = re.compile(
    r"border(?:-top)?:(?:none;border-top:)?solid(?:#e1e1e1|#b5c4df|windowtext)1\.0pt"
    r"|border-top:(?:1(?:\.0)?p[tx])?solid(?:#e1e1e1|#b5c4df|rgb\(229,229,229\)|rgb\(225,225,225\)"
    r"|rgb\(181,196,223\))|border-top:(?:#e1e1e1|#b5c4df)1(?:\.0)?ptsolid"
    r"|border-top-color:(?:rgb\(229,229,229\)|rgb\(225,225,225\)|rgb\(181,196,223\)|#e1e1e1|#b5c4df)"
)
_CLOSES = re.compile(r"[:：]\s*\Z")
_TELLS = re.compile(r"@|(?:19|20)\d\d|\d[:.h]\d\d")


@dataclass(frozen=True, slots=True)
class Found:
    """What the HTML tells: where history begins and which words are signature."""

    history: Hint | None
    signatures: tuple[str, ...]


@dataclass(slots=True)
class _Reading:
    """Letters and digits of the HTML in order, and what stands where in them."""

    pieces: list[str] = field(default_factory=list)
    size: int = 0
    line: list[str] = field(default_factory=list)
    line_start: int = 0
    above: tuple[str, int] = ("", 0)
    spans: list[list[int]] = field(default_factory=list)  # begin and end of each container; no end: to the last word
    is_inside: bool = False
    is_introduced: bool = False
    signatures: list[tuple[int, int]] = field(default_factory=list)
    signs_from: int | None = None  # where Apple's mark says that the signature begins

    def add(self, text: str) -> None:
        if text.strip():
            self.line.append(text)
        piece = squash(text)
        self.pieces.append(piece)
        self.size += len(piece)

    def break_line(self) -> None:
        shown = " ".join("".join(self.line).split())
        if shown:
            self.above = (shown, self.line_start)
        self.line = []
        self.line_start = self.size


def hint_of(text: str, html: str) -> Found | None:
    """What `html` tells about `text`, the plain form of the same mail; None where it has no marks we know."""
    if "=" not in html:
        return None  # there are no attributes
    if len(html) > MOST_HTML or html.count("<") > MOST_TAGS or is_hostile(html):
        return None
    from selectolax.lexbor import LexborHTMLParser

    root = LexborHTMLParser(html).root
    reading = _Reading()
    if root is not None:
        _walk(root, reading)
    letters = "".join(reading.pieces)
    if reading.signs_from is not None:
        reading.signatures.append((reading.signs_from, reading.spans[0][0] if reading.spans else reading.size))
    signatures = tuple(letters[start:end] for start, end in reading.signatures if end - start <= LONGEST_SIGNATURE)
    history = _locate(text, letters, reading.spans) if reading.spans else None
    return Found(history, signatures) if history or signatures else None


def _walk(root: Any, reading: _Reading) -> None:
    """Depth first without recursion; containers within containers do not count."""
    stack: list[tuple[Any, str]] = [(root, "")]
    while stack:
        node, closing = stack.pop()
        if closing:
            _leave(node, closing, reading)
            continue
        tag = node.tag
        if tag == "-text":
            reading.add(node.text_content or "")
            continue
        if tag in HIDDEN or tag.startswith(("-", "_")):
            continue
        role = _enter(node, tag, reading)
        if role or tag in BLOCKS:
            stack.append((node, role or "block"))
        child = node.last_child
        while child is not None:
            stack.append((child, ""))
            child = child.prev


def _enter(node: Any, tag: str, reading: _Reading) -> str:
    """What the element is for us: `history`, `signature:<where it begins>`, or nothing."""
    if tag == "br" or tag in BLOCKS:
        reading.break_line()
    if reading.is_inside and not reading.is_introduced:
        return ""
    names = _names(node)
    if tag == "br" and names == _APPLE_SIGNS and not reading.spans:
        reading.signs_from = reading.size
    role = _role(node, tag, names)
    if role == "holds":
        if not reading.is_introduced:
            reading.spans.append([_with_introduction(reading)])
        reading.is_inside, reading.is_introduced = True, False
        return "history"
    if role and not reading.is_inside:
        reading.spans.append([reading.size])
        reading.is_inside, reading.is_introduced = True, role == "introduces"
    signs = tag == "signature" or (names and _SIGNS.search(names))
    return f"signature:{reading.size}" if signs and not role else ""


def _names(node: Any) -> str:
    attributes = node.attributes
    if not attributes:
        return ""
    values = (attributes.get(key) or "" for key in ("class", "id", "name", "data-marker"))
    return _PREFIX.sub("", " ".join(value for value in values if value)[:400].lower())


def _role(node: Any, tag: str, names: str) -> str:
    if tag == "blockquote":
        kind = (node.attributes.get("type") or "").lower()
        if (
            kind == "cite"
            or not (node.attributes.get("cite") or "http").lower().startswith("http")  # a page is what the writer cites
            or (names and "gmail_quote" not in names and _HOLDS.search(names))
        ):
            return "holds"
        return ""
    if names and tag not in ("a", "img", "td", "tr"):
        if _HOLDS.search(names) or (tag == "div" and names == "quote"):
            return "holds"
        if _INTRODUCES.search(names):
            return "introduces"
        if _HEADS.search(names):
            return "heads"
    style = (node.attributes.get("style") or "") if tag in ("div", "td", "p") else ""
    if style and "border" in style.lower() and _RULED.search(re.sub(r"\s+", "", style[:300].lower())):
        return "heads" if _begins_with_field(node) else ""
    return ""


def _begins_with_field(node: Any) -> bool:
    """Whether the first words of an element are a label such as «From:»; looks at few elements."""
    words, at = "", node.child
    for _ in range(MOST_LOOKED_AT):
        if at is None or len(words) > LONGEST_FIELD:
            break
        if at.tag == "-text":
            words += at.text_content or ""
            at = at.next or (at.parent.next if at.parent is not None else None)
        else:
            at = at.child or at.next
    return field_of(words.strip().split("\n")[0]) is not None


def _with_introduction(reading: _Reading) -> int:
    """Where the container begins, or the introduction on the line above it."""
    above, start = reading.above
    is_one = len(above) <= LONGEST_INTRODUCTION and _CLOSES.search(above) and _TELLS.search(above)
    return start if is_one else reading.size


def _leave(node: Any, closing: str, reading: _Reading) -> None:
    if node.tag in BLOCKS:
        reading.break_line()
    if closing == "history":
        reading.spans[-1].append(reading.size)
        reading.is_inside = False
    elif closing.startswith("signature:"):
        start = int(closing.split(":")[1])
        if start < reading.size:
            reading.signatures.append((start, reading.size))


# ---- finding it in the plain form ----


def _locate(text: str, letters: str, spans: Sequence[Sequence[int]]) -> Hint | None:
    """The plain line that history begins at, and the one own words go on at below it."""
    start = spans[0][0]
    below = _own_below(letters, spans)
    if below is None:
        return None  # answers between containers: the marks of the plain form tell more
    lines = text[:MOST_CHARACTERS].split("\n")[:MOST_LINES]
    squashed = [squash(line[:LONGEST_LINE]) for line in lines]
    offsets = [0]
    for line in squashed:
        offsets.append(offsets[-1] + len(line))
    plain = "".join(squashed)
    begins = _line_of(plain, offsets, letters[start : start + ANCHORS[0]], near=start)
    if begins is None or not any(squashed[:begins]):
        return None
    if not below:
        return Hint(begins)
    resumes = _line_of(plain, offsets, below[: ANCHORS[0]], near=len(plain) - len(below))
    return Hint(begins, resumes) if resumes is not None and resumes > begins else None


def _own_below(letters: str, spans: Sequence[Sequence[int]]) -> str | None:
    """The words below the last container; None where some stand between two of them."""
    for one, other in pairwise(spans):
        if letters[one[-1] : other[0]]:
            return None
    return letters[spans[-1][1] :] if len(spans[-1]) > 1 else ""


def _line_of(plain: str, offsets: Sequence[int], anchor: str, near: int) -> int | None:
    """The line that begins with `anchor`, the one nearest to offset `near`; shorter anchors where none does."""
    for size in ANCHORS:
        wanted = anchor[:size]
        if len(anchor) < size and size != ANCHORS[-1] and len(anchor) > ANCHORS[-1]:
            wanted = anchor
        if len(wanted) < min(ANCHORS[-1], 4):
            return None
        places: list[int] = []
        at = plain.find(wanted)
        while at >= 0 and len(places) < 20:
            line = bisect_left(offsets, at)
            if line < len(offsets) - 1 and offsets[line] == at:
                places.append(line)
            at = plain.find(wanted, at + 1)
        if places:
            best = min(places, key=lambda line: abs(offsets[line] - near))
            while best + 1 < len(offsets) - 1 and offsets[best + 1] == offsets[best]:
                best += 1
            return best
    return None
