"""What of a mail is shown and what is attached: sorts the leaves of its tree, keeps order, loses nothing."""

from __future__ import annotations

import html as markup
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from omnibox_email import charsets
from omnibox_email.charsets import bodies, words
from omnibox_email.content import mime, uuencode
from omnibox_email.content import text as html_text
from omnibox_email.heads import headers

MOST_TEXT = 10_000_000
MOST_ATTACHMENTS = 1000

PLAIN = words(
    """
    text/plain text/enriched text/richtext text/markdown text/x-markdown text/x-web-markdown text/ascii text/us-ascii
    text/utf-8 text/txt text/text
    """
)
HTML = words("text/html text/htm text/xhtml application/xhtml+xml")
# Texts that programs open, not readers; any other text that is a whole mail is shown.
FILES = words(
    """
    text/calendar text/x-vcalendar text/vcard text/x-vcard text/directory text/csv text/comma-separated-values
    text/tab-separated-values text/css text/javascript text/rtf text/xml text/rfc822-headers text/x-diff text/x-patch
    """
)
# Forms of a mail for watches and for AMP: the same words again, which no client lists as a file.
DROPPED_FORMS = words("text/x-amp-html text/watch-html text/x-amp4email")
MARKDOWN = words("text/markdown text/x-markdown text/x-web-markdown")  # the source of the other forms
# Telephones put the words of a picture message behind its pictures, in a part with a name.
MEDIA = ("image/", "audio/", "video/", "application/smil")
_RICH = words("text/enriched text/richtext")
_BEGIN = re.compile(rb"(?:\A|[\r\n])begin(?:-base64)?[ \t]+[0-7]{3}")
_MARKUP = re.compile(rb"[\s\xef\xbb\xbf]{0,100}<(?:!doctype\s{1,9}html|html|head|body)[\s>]", re.I)
_PART_HEADER = re.compile(r"^content-(?:type|transfer-encoding|disposition|id):.*\n(?:[ \t]+\S.*\n)*+", re.I | re.M)
_DELIMITER_LINE = re.compile(r"^--\S{0,400}[ \t]*$\n?", re.M)


@dataclass(slots=True)
class Shown:
    """One shown part: its plain text, and its HTML where it has any.

    `plain` is None until somebody asks for the words of the HTML: beside a plain form nobody does.
    """

    plain: str | None
    html: str | None

    @property
    def text(self) -> str:
        if self.plain is None:
            self.plain = html_text.html_to_text(self.html or "")
        return self.plain


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A leaf that is not shown as text, its bytes decoded."""

    content: bytes
    name: str | None
    content_type: str
    content_id: str | None
    disposition: str


class Body:
    """The shown parts and the files of one mail."""

    def __init__(self, raw: bytes, hints: Sequence[str]) -> None:
        self.raw = raw
        self.hints = hints
        self.shown: list[Shown] = []
        self.files: list[Enclosed] = []
        self.is_cut = False

    def read(self, root: mime.Node) -> None:
        """Sort everything below `root`."""
        self._take(root, is_root=True)
        if root.is_multipart and not self.files and not any(part.text.strip() for part in self.shown):
            self._take_outside(root)

    def _take(self, node: mime.Node, *, is_root: bool = False) -> None:
        if not node.is_multipart:
            self._leaf(node, is_root=is_root)
        elif node.type == "multipart/alternative":
            self._alternative(node)
        else:
            for child in node.children:
                self._take(child)

    def _alternative(self, node: mime.Node) -> None:
        """One message in several forms: plain text from one, HTML from the richest; files of all."""
        before, self.shown = self.shown, []
        forms: list[list[Shown]] = []
        has_plain = any(child.type == "text/plain" for child in node.children)
        dropped = DROPPED_FORMS | MARKDOWN if has_plain else DROPPED_FORMS
        for child in node.children:
            if child.type in dropped and len(node.children) > 1:
                continue
            self._take(child)
            if self.shown:
                forms.append(self.shown)
            self.shown = []
        self.shown = before
        plain = [form for form in forms if all(part.html is None for part in form)]
        rich = [form for form in forms if any(part.html is not None for part in form)]
        if plain and rich:
            plain_text = join(part.text for form in _different(plain) for part in form)
            html = join_html(rich[-1])
            self.shown.append(Shown(plain_text if plain_text.strip() else join(part.text for part in rich[-1]), html))
        elif rich:
            self.shown.extend(rich[-1])
        else:
            self.shown.extend(part for form in _different(plain) for part in form)

    def _leaf(self, node: mime.Node, *, is_root: bool) -> None:
        disposition = headers.parameterised(node.headers.first("content-disposition"), self.hints).value
        name = mime.file_name(node.headers, node.kind, self.hints)
        content = mime.content(self.raw, node)
        if self._is_shown(node, disposition, name, is_root=is_root):
            self._text(node, content, is_html=node.type in HTML or self._is_markup(node, content))
            return
        if len(self.files) >= MOST_ATTACHMENTS:
            self.is_cut = True
            return
        content_id = mime.content_id(node.headers)
        self.files.append(Enclosed(content, name or self._name_within(node), node.type, content_id, disposition))

    def _is_shown(self, node: mime.Node, disposition: str, name: str | None, *, is_root: bool) -> bool:
        if node.type.startswith("multipart/"):
            return not node.is_cut  # no part in it: what stands there is the text
        is_text = node.type in PLAIN or node.type in HTML
        if is_root and node.type.startswith("text/") and node.type not in FILES:
            is_text = True
        if not is_text or disposition == "attachment":
            return False
        is_first = not self.shown and all(file.content_type.startswith(MEDIA) for file in self.files)
        return name is None or is_root or (is_first and disposition != "inline")

    def _is_markup(self, node: mime.Node, content: bytes) -> bool:
        """Whether a text that nobody labelled is HTML."""
        is_labelled = node.headers.has("content-type") and not node.type.startswith("multipart/")
        return not is_labelled and _MARKUP.match(content) is not None

    def _name_within(self, node: mime.Node) -> str | None:
        """The name that a uuencoded part gives itself."""
        head = self.raw[node.start : min(node.end, node.start + 1000)]
        found = re.match(rb"\s{0,99}begin[ \t]+[0-7]{3,4}[ \t]+([^\r\n]{1,300})[\r\n]", head)
        if found is None or not node.headers.has("content-transfer-encoding"):
            return None
        return mime.clean_name(charsets.guess(found.group(1)))

    def _text(self, node: mime.Node, content: bytes, *, is_html: bool) -> None:
        label = node.kind.parameters.get("charset", "")
        if len(content) > MOST_TEXT:
            content, self.is_cut = content[:MOST_TEXT], True
        if is_html:
            source = charsets.clean(bodies.decode(content, label, self.hints, is_html=True))
            self.shown.append(Shown(None, source))
            return
        if b"begin" in content and _BEGIN.search(content):
            content = self._take_uuencoded(content)
        plain = charsets.clean(bodies.decode(content, label, self.hints))
        if node.type in _RICH:
            plain = _without_commands(plain)
        if node.kind.parameters.get("format", "").lower() == "flowed":
            plain = unflow(plain, deletes_space=node.kind.parameters.get("delsp", "").lower() == "yes")
        self.shown.append(Shown(plain, None))

    def _take_uuencoded(self, content: bytes) -> bytes:
        found, rest = uuencode.split(content)
        for one in found[: MOST_ATTACHMENTS - len(self.files)]:
            name = mime.clean_name(charsets.guess(one.name, self.hints))
            self.files.append(Enclosed(one.content, name, "application/octet-stream", None, "attachment"))
        return rest

    def _take_outside(self, root: mime.Node) -> None:
        """A mail whose parts hold nothing at all: the words before, between and behind them."""
        outside = charsets.clean(bodies.decode(self.raw[root.start : root.end][:MOST_TEXT], "", self.hints))
        outside = _PART_HEADER.sub("", _DELIMITER_LINE.sub("", outside))
        html = join_html(self.shown) if any(part.html for part in self.shown) else None
        self.shown = [Shown(html_text.html_to_text(outside) if html else outside, html)]

    def joined(self) -> tuple[str, str | None]:
        """The text of all shown parts, and their HTML where any has it."""
        has_html = any(part.html is not None for part in self.shown)
        return join(part.text for part in self.shown), join_html(self.shown) if has_html else None


def _different(forms: list[list[Shown]]) -> list[list[Shown]]:
    if len(forms) < 2:
        return forms
    seen: set[str] = set()
    out = []
    for form in forms:
        content = " ".join(" ".join(part.text.split()) for part in form)
        if content not in seen:
            out.append(form)
        seen.add(content)
    return out


def join(texts: Iterable[str]) -> str:
    filled = [one.strip("\n") for one in texts if one.strip()]
    return "\n\n".join(filled)


def join_html(parts: Sequence[Shown]) -> str:
    if len(parts) == 1 and parts[0].html is not None:
        return parts[0].html
    return "".join(part.html if part.html is not None else f"<pre>{markup.escape(part.text)}</pre>" for part in parts)


_COMMAND = re.compile(r"<<|<(/?)([A-Za-z][A-Za-z0-9-]{0,60})>|(?<!\n)\n(?!\n)|\n(\n+)")


def _without_commands(text: str) -> str:
    """Words of text/enriched (RFC 1896): commands cut out, single line ends are blanks, `<<` is `<`."""
    out: list[str] = []
    at, hidden = 0, 0
    for found in _COMMAND.finditer(text):
        if not hidden:
            out.append(text[at : found.start()])
        at = found.end()
        if found.group(2) is not None:
            if found.group(2).lower() == "param":
                hidden = 0 if found.group(1) else 1
            elif found.group(2).lower() in ("nl", "np", "paragraph"):
                out.append("\n")
        elif not hidden:
            out.append("<" if found.group() == "<<" else found.group(3) or " ")
    return "".join([*out, text[at:]]).rstrip()


def unflow(text: str, *, deletes_space: bool) -> str:
    """Paragraphs of a format=flowed text (RFC 3676) as single lines."""
    out: list[list[str]] = []
    open_depth = -1
    for line in text.split("\n"):
        bare = line.lstrip(">")
        depth = len(line) - len(bare)
        content = bare[1:] if bare.startswith(" ") else bare
        is_signature = content == "-- "
        is_open = content.endswith(" ") and not is_signature
        shown = content[:-1] if is_open and deletes_space else content
        if open_depth == depth and not is_signature and out:
            out[-1].append(shown)
        else:
            out.append([">" * depth + " " if depth else "", shown])
        open_depth = depth if is_open else -1
    return "\n".join("".join(pieces) for pieces in out)
