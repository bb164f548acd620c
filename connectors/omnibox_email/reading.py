"""Raw bytes to a `Mail`: everything we know of it, read once, never raising."""

from __future__ import annotations

import hashlib
import html as markup
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from omnibox_email import addresses, automatic, bounces, charsets, dates, headers, mime, quotes, sanitising
from omnibox_email import text as html_text
from omnibox_email.addresses import Mailbox
from omnibox_email.charsets import words
from omnibox_email.headers import Headers

MOST_TEXT = 10_000_000
MOST_ATTACHMENTS = 1000
MOST_RECEIVED = 50
# Relays put these on top; the same mail fetched from two mailboxes differs in them alone.
TRACE = words(
    """
    received return-path delivered-to x-original-to envelope-to x-received authentication-results received-spf
    arc-seal arc-message-signature arc-authentication-results x-google-smtp-source x-gm-message-state x-forefront-
    antispam-report x-spam-status x-spam-level x-spam-flag x-spam-score x-spam-checker-version x-uid x-uidl status
    x-status x-keywords delivery-date x-delivered-to x-ms-exchange-organization-scl
    """
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a mail. `is_shown` means: the HTML shows it in place."""

    content: bytes = field(repr=False)
    name: str | None = field(repr=False)
    content_type: str
    content_id: str | None
    is_inline: bool
    is_shown: bool

    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail, read. Texts are as the sender wrote them: cleaned, not masked."""

    message_id: str | None
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    sender: Mailbox | None
    sender_doubt: str | None
    to: tuple[Mailbox, ...] = field(repr=False)
    cc: tuple[Mailbox, ...] = field(repr=False)
    reply_to: tuple[Mailbox, ...] = field(repr=False)
    delivered_to: tuple[str, ...] = field(repr=False)
    subject: str | None = field(repr=False)
    text: str = field(repr=False)
    html: str | None = field(repr=False)
    reply_text: str = field(repr=False)
    attachments: tuple[Attachment, ...]
    sent_at: datetime | None
    automatic: str | None
    bounce: bounces.Bounce | None
    omnibox_id: str
    is_looping: bool
    is_cut: bool
    digest: str


def read(raw: bytes) -> Mail:
    """The mail in `raw`; any bytes give one."""
    raw = raw if b"\n" in raw else raw.replace(b"\r", b"\n")
    tree = mime.parse(raw)
    block = tree.root.headers
    hints = _hints(tree)
    body = _Body(raw, hints)
    body.take(tree.root)
    shown, html = body.joined(raw, tree)
    sender, doubt = _sender(block, hints)
    subject = headers.text_of(block.first("subject"), hints) if block.has("subject") else None
    address = sender.address if sender else ""
    report = tree.root.kind.parameters.get("report-type", "").lower()
    bounce = bounces.read(raw, tree, address, subject or "", shown)
    reason = automatic.reason(block, address, tree.root.type, report) or ("bounce" if bounce else None)
    ids = headers.ids_of(block.first("message-id"))
    return Mail(
        message_id=ids[0] if ids else None,
        in_reply_to=tuple(headers.ids_of(b" ".join(block.all("in-reply-to")))),
        references=tuple(headers.ids_of(b" ".join(block.all("references")))),
        sender=sender,
        sender_doubt=doubt,
        to=_list(block, "to", hints),
        cc=_list(block, "cc", hints),
        reply_to=_list(block, "reply-to", hints),
        delivered_to=_delivered_to(block),
        subject=subject,
        text=shown,
        html=sanitising.sanitise(html, shown) if html is not None else None,
        reply_text=quotes.reply_text(shown),
        attachments=body.attachments(html),
        sent_at=dates.parse_date(headers.to_text(block.first("date"))),
        automatic=reason,
        bounce=bounce,
        omnibox_id=block.plain("x-omnibox-id")[:200],
        is_looping=len(block.all("received")) > MOST_RECEIVED,
        is_cut=tree.is_cut or body.is_cut,
        digest=canonical_digest(raw, tree),
    )


def canonical_digest(raw: bytes, tree: mime.Tree) -> str:
    """SHA-256 of the mail with LF line ends and without the trace headers that relays add."""
    digest = hashlib.sha256()
    for name, value in tree.root.headers.fields:
        if name not in TRACE:
            digest.update(name.encode("latin-1") + b":" + b" ".join(value.split()) + b"\n")
    body = raw[tree.root.start :]
    digest.update(b"\n" + body.replace(b"\r\n", b"\n").rstrip(b"\n"))
    return digest.hexdigest()


def _hints(tree: mime.Tree) -> tuple[str, ...]:
    """Charsets named in the mail: raw 8-bit headers are most likely in one of them."""
    labels = []
    for count, leaf in enumerate(mime.leaves(tree.root)):
        if count >= 10:
            break
        if leaf.type.startswith("text/") and (label := leaf.kind.parameters.get("charset")):
            labels.append(label)
    return tuple(dict.fromkeys(labels))


def _list(block: Headers, name: str, hints: Sequence[str]) -> tuple[Mailbox, ...]:
    return tuple(addresses.parse_list(b", ".join(block.all(name)), hints))


def _sender(block: Headers, hints: Sequence[str]) -> tuple[Mailbox | None, str | None]:
    """Who wrote the mail, and why that is not certain."""
    named = _list(block, "from", hints)
    usable = [box for box in named if addresses.is_usable(box.address)]
    if usable:
        different = {addresses.fold(box.address) for box in usable}
        doubt = usable[0].doubt or ("several-senders" if len(different) > 1 or len(block.all("from")) > 1 else "")
        return usable[0], doubt or None
    name = next((box.name or box.address or None for box in named), None)
    for header in ("reply-to", "sender", "return-path"):
        for box in _list(block, header, hints):
            if addresses.is_usable(box.address):
                return Mailbox(name or box.name, box.address), "no-from"
    return None, "no-from"


def _delivered_to(block: Headers) -> tuple[str, ...]:
    names = ("delivered-to", "x-original-to", "envelope-to", "x-delivered-to")
    boxes = (box for name in names for value in block.all(name)[:20] for box in addresses.parse_list(value))
    return tuple(dict.fromkeys(box.address for box in boxes if addresses.is_usable(box.address)))


# ---- the body ----


@dataclass(slots=True)
class _Shown:
    """One shown part: its plain text, and its HTML where it has any."""

    text: str
    html: str | None


class _Body:
    """Sorts the leaves of a tree into what is shown and what is attached."""

    def __init__(self, raw: bytes, hints: Sequence[str]) -> None:
        self.raw = raw
        self.hints = hints
        self.shown: list[_Shown] = []
        self.files: list[tuple[mime.Node, bytes, str | None, str]] = []
        self.is_cut = False

    def take(self, node: mime.Node) -> None:
        if not node.is_multipart:
            self._leaf(node)
        elif node.type == "multipart/alternative":
            self._alternative(node)
        else:
            for child in node.children:
                self.take(child)

    def _alternative(self, node: mime.Node) -> None:
        """One message in several forms: plain text from one, HTML from the richest; files of all."""
        before, self.shown = self.shown, []
        forms: list[list[_Shown]] = []
        for child in node.children:
            self.take(child)
            if self.shown:
                forms.append(self.shown)
            self.shown = []
        self.shown = before
        plain = [form for form in forms if all(part.html is None for part in form)]
        rich = [form for form in forms if any(part.html is not None for part in form)]
        if plain and rich:
            plain_text = _join(part.text for form in _different(plain) for part in form)
            html = _join_html(rich[-1])
            self.shown.append(_Shown(plain_text if plain_text.strip() else _join(part.text for part in rich[-1]), html))
        elif rich:
            self.shown.extend(rich[-1])
        else:
            self.shown.extend(part for form in _different(plain) for part in form)

    def _leaf(self, node: mime.Node) -> None:
        disposition = headers.parameterised(node.headers.first("content-disposition"), self.hints)
        name = mime.file_name(node.headers, node.kind, self.hints)
        content = mime.content(self.raw, node)
        is_text = node.type in ("text/plain", "text/html")
        is_first = not self.shown and not self.files
        if node.type.startswith("multipart/"):
            if node.start < node.end and not node.is_cut:
                self._text(node, content, is_html=False)  # no part in it: what stands there is the text
                return
        elif (
            is_text
            and disposition.value != "attachment"
            and (name is None or (is_first and disposition.value != "inline"))
        ):
            self._text(node, content, is_html=node.type == "text/html")
            return
        if len(self.files) >= MOST_ATTACHMENTS:
            self.is_cut = True
            return
        self.files.append((node, content, name, disposition.value))

    def _text(self, node: mime.Node, content: bytes, *, is_html: bool) -> None:
        label = node.kind.parameters.get("charset", "")
        if len(content) > MOST_TEXT:
            content, self.is_cut = content[:MOST_TEXT], True
        if is_html:
            source = charsets.clean(charsets.decode(content, label or _meta_charset(content), self.hints))
            self.shown.append(_Shown(html_text.html_to_text(source), source))
            return
        if b"\nbegin " in content or content.startswith(b"begin "):
            embedded, content = mime.split_uuencoded(content)
            for name, file in embedded[:MOST_ATTACHMENTS]:
                self.files.append((node, file, mime.clean_name(charsets.guess(name)), "uuencode"))
        plain = charsets.clean(charsets.decode(content, label, self.hints))
        if node.kind.parameters.get("format", "").lower() == "flowed":
            plain = _unflow(plain, deletes_space=node.kind.parameters.get("delsp", "").lower() == "yes")
        self.shown.append(_Shown(plain, None))

    def joined(self, raw: bytes, tree: mime.Tree) -> tuple[str, str | None]:
        """The text of all shown parts, and their HTML where any has it."""
        plain = _join(part.text for part in self.shown)
        if not plain and not self.shown and not self.files and tree.root.is_multipart:
            plain = charsets.clean(charsets.decode(raw[tree.root.start : tree.root.end])).strip("\n")
        has_html = any(part.html is not None for part in self.shown)
        return plain, _join_html(self.shown) if has_html else None

    def attachments(self, html: str | None) -> tuple[Attachment, ...]:
        shown_ids = sanitising.content_ids(html) if html else frozenset()
        return tuple(self._attachment(*file, shown_ids) for file in self.files)

    def _attachment(
        self, node: mime.Node, content: bytes, name: str | None, disposition: str, shown_ids: frozenset[str]
    ) -> Attachment:
        if disposition == "uuencode":
            return Attachment(content, name, "application/octet-stream", None, is_inline=False, is_shown=False)
        ids = headers.ids_of(node.headers.first("content-id"))
        is_shown = bool(ids) and ids[0] in shown_ids
        is_image = node.type.startswith("image/")
        is_inline = is_shown or (disposition == "inline" and not is_image)
        return Attachment(content, name, node.type, ids[0] if ids else None, is_inline=is_inline, is_shown=is_shown)


def _different(forms: list[list[_Shown]]) -> list[list[_Shown]]:
    seen: set[str] = set()
    out = []
    for form in forms:
        content = " ".join(" ".join(part.text.split()) for part in form)
        if content not in seen:
            out.append(form)
        seen.add(content)
    return out


def _join(texts: Iterable[str]) -> str:
    filled = [one.strip("\n") for one in texts if one.strip()]
    return "\n\n".join(filled)


def _join_html(parts: Sequence[_Shown]) -> str:
    if len(parts) == 1 and parts[0].html is not None:
        return parts[0].html
    return "".join(part.html if part.html is not None else f"<pre>{markup.escape(part.text)}</pre>" for part in parts)


def _meta_charset(content: bytes) -> str:
    """The charset an HTML document names for itself."""
    found = re.search(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", content[:4096], re.I)
    return found.group(1).decode("ascii") if found else ""


def _unflow(text: str, *, deletes_space: bool) -> str:
    """Paragraphs of a format=flowed text (RFC 3676) as single lines."""
    out: list[str] = []
    open_depth = -1
    for line in text.split("\n"):
        bare = line.lstrip(">")
        depth = len(line) - len(bare)
        content = bare[1:] if bare.startswith(" ") else bare
        is_signature = content == "-- "
        if open_depth == depth and not is_signature and out:
            out[-1] += content
        else:
            out.append((">" * depth + " " if depth else "") + content)
        is_open = content.endswith(" ") and not is_signature
        if is_open and deletes_space:
            out[-1] = out[-1][:-1]
        open_depth = depth if is_open else -1
    return "\n".join(out)
