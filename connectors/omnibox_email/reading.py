"""Raw bytes to a `Mail`: everything we know of it, read once, never raising."""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from omnibox_email import authentication, automatic, bounces, quotes
from omnibox_email.abreast import Steps, alone
from omnibox_email.charsets import words
from omnibox_email.content import mime, sanitising, shown
from omnibox_email.heads import head, headers
from omnibox_email.heads.addresses import Mailbox
from omnibox_email.heads.headers import Headers

MOST_RECEIVED = 50
HEAD_OF_BODY = 2048  # bytes; what an unlabelled body tells of the charset of unlabelled headers
# Relays put these on top; the same mail fetched from two mailboxes differs in them alone.
TRACE = words(
    """
    received return-path delivered-to x-original-to envelope-to x-received authentication-results received-spf
    arc-seal arc-message-signature arc-authentication-results x-google-smtp-source x-gm-message-state x-forefront-
    antispam-report x-spam-status x-spam-level x-spam-flag x-spam-score x-spam-checker-version x-uid x-uidl status
    x-status x-keywords delivery-date x-delivered-to x-ms-exchange-organization-scl
    """
)
_LONE_CR = re.compile(rb"\r(?!\n)")


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


@dataclass(slots=True)  # frozen, each would take three times as long to make
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
    checks: tuple[str, ...] = field(repr=False)
    omnibox_id: str
    is_looping: bool
    is_cut: bool
    digest: str


def read(raw: bytes) -> Mail:
    """The mail in `raw`; any bytes give one."""
    return alone(steps(raw))


def steps(raw: bytes) -> Steps[Mail]:
    """As `read`, step by step: each works with other code than the one before."""
    raw = _upright(raw)
    tree = mime.parse(raw)
    block = tree.root.headers
    yield
    hints = head.hints(block, _labels(tree), raw[tree.root.start : tree.root.start + HEAD_OF_BODY])
    yield
    body = shown.Body(raw, hints)
    body.read(tree.root)
    text, html = body.joined()
    yield
    known = _of_headers(block, hints)
    yield
    address = known["sender"].address if known["sender"] else ""
    subject = known["subject"] or ""
    report = tree.root.kind.parameters.get("report-type", "").lower()
    bounce = bounces.read(raw, tree, address, subject, text)
    yield
    reason = automatic.reason(block, address, tree.root.type, report, subject, text)
    yield
    reply_text = yield from quotes.steps(text, html)
    yield
    digest = canonical_digest(raw, tree)
    yield
    return Mail(
        **known,
        text=text,
        html=sanitising.sanitise(html, text) if html is not None else None,
        reply_text=reply_text,
        attachments=_attachments(body.files, html),
        automatic=reason or ("bounce" if bounce else None),
        bounce=bounce,
        is_cut=tree.is_cut or body.is_cut or head.is_cut(block),
        digest=digest,
    )


def _upright(raw: bytes) -> bytes:
    """A mail that an editor saved in two-byte letters, a Mac of old with its line ends, or a script that gave every
    line a second CR, as mail is written."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and b"\0" in raw[:40]:
        raw = raw.decode("utf-16", "replace").encode("utf-8")
    if raw[: raw.find(b"\n")].endswith(b"\r\r") and raw.count(b"\r\r\n") == raw.count(b"\n"):
        raw = raw.replace(b"\r\r\n", b"\r\n")
    return raw if b"\n" in raw else raw.replace(b"\r", b"\n")


def stub(block: Headers, text: str, files: tuple[Attachment, ...], digest: str) -> Mail:
    """A mail of which only the headers are understood, and no more of the text than that it is one."""
    known = _of_headers(block, ())
    address = known["sender"].address if known["sender"] else ""
    return Mail(
        **known,
        text=text,
        html=None,
        reply_text=text,
        attachments=files,
        automatic=automatic.reason(block, address, "", "", "", ""),
        bounce=None,
        is_cut=True,
        digest=digest,
    )


def _of_headers(block: Headers, hints: Sequence[str]) -> dict[str, Any]:
    """The members of a `Mail` that its headers alone decide."""
    sender, doubt = head.sender(block, hints)
    ids = headers.ids_of(block.first("message-id"))
    return {
        "message_id": ids[0] if ids else None,
        "in_reply_to": tuple(headers.ids_of(b" ".join(block.all("in-reply-to")))),
        "references": tuple(headers.ids_of(b" ".join(block.all("references")))),
        "sender": sender,
        "sender_doubt": doubt,
        "to": head.mailboxes(block, "to", hints),
        "cc": head.mailboxes(block, "cc", hints),
        "reply_to": head.mailboxes(block, "reply-to", hints),
        "delivered_to": head.delivered_to(block),
        "subject": head.subject(block, hints),
        "sent_at": head.sent_at(block),
        "checks": authentication.trusted_lines(block),
        "omnibox_id": block.plain("x-omnibox-id")[:200],
        "is_looping": len(block.all("received")) > MOST_RECEIVED,
    }


def canonical_digest(raw: bytes, tree: mime.Tree) -> str:
    """SHA-256 of the mail with LF line ends and without the trace headers that relays add."""
    lines = [
        name.encode("latin-1") + b":" + b" ".join(value.split()) + b"\n"
        for name, value in tree.root.headers.fields
        if name not in TRACE
    ]
    body = raw[tree.root.start :]
    body = body.replace(b"\r\n", b"\n") if _LONE_CR.search(body) else body.replace(b"\r", b"")  # the latter is quicker
    digest = hashlib.sha256(b"".join([*lines, b"\n"]))
    digest.update(body.rstrip(b"\n"))
    return digest.hexdigest()


def _labels(tree: mime.Tree) -> tuple[str, ...]:
    """The charsets that the mail's texts name."""
    labels = []
    for count, leaf in enumerate(mime.leaves(tree.root)):
        if count >= 10:
            break
        if leaf.type.startswith("text/") and (label := leaf.kind.parameters.get("charset")):
            labels.append(label)
    return tuple(dict.fromkeys(labels))


def _attachments(files: Sequence[shown.Enclosed], html: str | None) -> tuple[Attachment, ...]:
    if not files:
        return ()
    shown_ids = sanitising.content_ids(html) if html else frozenset()
    return tuple(_attachment(file, shown_ids) for file in files)


def _attachment(file: shown.Enclosed, shown_ids: frozenset[str]) -> Attachment:
    """An image that the HTML does not show is an ordinary file, whatever its disposition says."""
    is_shown = file.content_id is not None and file.content_id in shown_ids
    is_inline = is_shown or (file.disposition == "inline" and not file.content_type.startswith("image/"))
    return Attachment(file.content, file.name, file.content_type, file.content_id, is_inline, is_shown)
