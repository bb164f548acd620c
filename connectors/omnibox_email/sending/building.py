"""Building mails: a reply as bytes, the same bytes each time, and nothing of a customer's that could add a header."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from omnibox_email.heads import addresses, headers
from omnibox_email.sending import fields

MOST_SUBJECT = 900
MOST_NAME = 200
MOST_FILE_NAME = 150
MOST_REFERENCES_BYTES = 4096
KEPT_REFERENCES = 20
_ID = re.compile(r"[!-;=?-~]{1,900}")
_ASCII = bytes(range(0x80))
_MIME_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}")
# Of replies only: «RV» and «WG» are forwards, and «Ref» is a word of the subject.
_REPLY_PREFIX = re.compile(
    r"\s*(?:re(?:\^?\d{1,2})?|res|resp|aw|antw|antwort|sv|vs|vá|rif|r|réf|odp|atb|ats|ynt|bls|balas|回复|答复|回覆|答覆|返信|回信"
    r"|답장|회신|ответ|отв|відп|απ|σχετ|תגובה|השב|رد|ตอบ)\s*(?:\[\d{1,3}\]|\(\d{1,3}\))?\s*[:：]",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A file to send."""

    name: str = field(repr=False)
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to build. Ids come without angle brackets."""

    message_id: str
    written_at: datetime
    sender: str
    sender_name: str = field(repr=False)
    to: tuple[str, ...]
    cc: tuple[str, ...] = ()
    reply_to: str = ""
    subject: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    html: str | None = field(default=None, repr=False)
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    files: tuple[Enclosed, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)
    utf8: bool = False


def build(letter: Letter) -> bytes:
    """The mail as bytes: CRLF line ends, ASCII headers, lines of at most 998 bytes; no line break at its end.

    With `letter.utf8` addresses keep letters beyond ASCII. Raises `fields.NotAnAddress`.
    """
    head = [
        fields.field("Date", [f" {format_datetime(letter.written_at)}"]),
        fields.ids("Message-ID", [clean_id(letter.message_id)]),
        _mailboxes("From", [letter.sender], letter, letter.sender_name),
        _mailboxes("To", letter.to, letter),
    ]
    if letter.cc:
        head.append(_mailboxes("Cc", letter.cc, letter))
    if letter.reply_to:
        head.append(_mailboxes("Reply-To", [letter.reply_to], letter, letter.sender_name))
    head.append(fields.plain("Subject", _words(letter.subject, MOST_SUBJECT)))
    if answered := clean_id(letter.in_reply_to):
        head.append(fields.ids("In-Reply-To", [answered]))
    if chain := references(letter.references):
        head.append(fields.ids("References", chain))
    head += [fields.plain(name, _words(value, MOST_SUBJECT)) for name, value in letter.extra.items()]
    return ("".join(head) + "MIME-Version: 1.0\r\n" + _body(letter)).encode("utf-8" if letter.utf8 else "ascii")


def _mailboxes(name: str, listed: Sequence[str], letter: Letter, called: str = "") -> str:
    return fields.mailboxes(name, [(one, _words(called, MOST_NAME)) for one in listed], utf8=letter.utf8)


def _body(letter: Letter) -> str:
    """Text, or text and HTML, or either with files: no container more than needed."""
    shown = [_text_part(letter.text, "plain")]
    if letter.html:
        shown.append(_text_part(letter.html, "html"))
    body = shown[0] if len(shown) == 1 else _container("alternative", shown, letter.message_id)
    if letter.files:
        body = _container("mixed", [body, *(_file_part(one) for one in letter.files)], letter.message_id)
    return body


def _container(subtype: str, parts: Sequence[str], message_id: str) -> str:
    """A multipart whose boundary follows from the id, so that a resend is byte-equal; `=_` is in no encoded body."""
    import hashlib

    name = "=_" + hashlib.sha256(f"{subtype} {message_id}".encode("utf-8", "replace")).hexdigest()[:32]
    head = fields.field("Content-Type", [f" multipart/{subtype};", f' boundary="{name}"'])
    return head + "\r\n" + "".join(f"--{name}\r\n{part}\r\n" for part in parts) + f"--{name}--\r\n"


def _text_part(text: str, subtype: str) -> str:
    raw = fields.clean(text).replace("\r\n", "\n").encode()
    mostly_foreign = len(raw.translate(None, _ASCII)) * 4 > len(raw)
    kind = f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
    if mostly_foreign:
        canonical = raw.replace(b"\n", b"\r\n")
        return f"{kind}Content-Transfer-Encoding: base64\r\n\r\n{_base64(canonical)}"
    return f"{kind}Content-Transfer-Encoding: quoted-printable\r\n\r\n{_quoted_printable(raw)}"


def _quoted_printable(raw: bytes) -> str:
    """Each line by itself, so that only real line ends are line ends; never a bare `From ` or a lone dot."""
    lines = []
    for line in raw.split(b"\n"):
        encoded = binascii.b2a_qp(line, istext=False).decode("ascii").replace("=\n", "=\r\n")
        if encoded.startswith("From "):
            encoded = "=46" + encoded[1:]
        elif encoded.startswith("."):
            encoded = "=2E" + encoded[1:]
        lines.append(encoded)
    return "\r\n".join(lines)


def _base64(raw: bytes) -> str:
    encoded = binascii.b2a_base64(raw, newline=False).decode("ascii")
    return "\r\n".join(encoded[i : i + 76] for i in range(0, len(encoded), 76))


def _file_part(file: Enclosed) -> str:
    kind = file.content_type.lower().split(";")[0].strip()
    if not _MIME_TYPE.fullmatch(kind) or kind.startswith(("message/", "multipart/")):  # may not be encoded (RFC 2046)
        kind = "application/octet-stream"
    head = fields.file_fields(kind, _words(file.name, MOST_FILE_NAME) or "file")
    return f"{head}Content-Transfer-Encoding: base64\r\n\r\n{_base64(file.content)}"


def _words(text: str, most: int) -> str:
    """One line without control characters, cut between characters."""
    return headers.one_line(text)[:most].strip()


def clean_id(message_id: str) -> str:
    """An id fit for a header: printable ASCII without blanks and brackets; empty where it is none or too long."""
    bare = message_id.strip().strip("<>")
    return bare if _ID.fullmatch(bare) else ""


def references(ids: Iterable[str]) -> list[str]:
    """The chain of ids; over 4 KB its first and its 20 newest."""
    chain = [one for one in dict.fromkeys(clean_id(each) for each in ids) if one]
    while len(chain) > 2 and sum(len(one) + 4 for one in chain) > MOST_REFERENCES_BYTES:
        chain = (
            [chain[0], *chain[1:][-KEPT_REFERENCES:]] if len(chain) > KEPT_REFERENCES + 1 else [chain[0], *chain[2:]]
        )
    return chain


def answer_subject(subject: str | None) -> str:
    """The subject with one `Re:` in front, whatever prefixes were there."""
    line, start = headers.one_line(subject or ""), 0
    while found := _REPLY_PREFIX.match(line, start):
        start = found.end()
    return f"Re: {line[start:].strip()}".strip()


def answer_to(raw: bytes, item: Mapping[str, Any], letter_id: str, now: datetime) -> tuple[Letter, list[str]]:
    """The answer to the mail `raw` and whom it goes to. Raises `ValueError` with a code of the offline commands."""
    from omnibox_email import worker

    mail = worker.read(raw)
    to = _reachable(box.address for box in mail.reply_to) or _reachable([mail.sender.address] if mail.sender else [])
    earlier = mail.references or mail.in_reply_to[:1]
    sender = addresses.parse_list(_text(item, "from").encode("utf-8", "replace"))
    own = next((box for box in sender if _reachable([box.address])), None)
    if own is None or not to:
        raise ValueError("unsupported")
    letter = Letter(
        message_id=letter_id,
        written_at=now,
        sender=own.address,
        sender_name=own.name or "",
        to=tuple(to.values()),
        subject=answer_subject(mail.subject),
        text=_text(item, "text"),
        html=_text(item, "html") or None,
        in_reply_to=mail.message_id or "",
        references=(*earlier, *([mail.message_id] if mail.message_id else [])),
        files=_enclosed(item.get("attachments")),
    )
    return letter, list(to)


def _reachable(listed: Iterable[str]) -> dict[str, str]:
    """Those that mail can go to: as the envelope names them, and as they stood."""
    found: dict[str, str] = {}
    for one in listed:
        try:
            found.setdefault(fields.envelope(one), one)
        except fields.NotAnAddress:
            continue
    return found


def _text(item: Mapping[str, Any], name: str) -> str:
    value = item.get(name)
    if not isinstance(value, str | None):
        raise ValueError("unsupported")
    return value or ""


def _enclosed(listed: Any) -> tuple[Enclosed, ...]:
    if not isinstance(listed, list | None) or not all(isinstance(one, Mapping) for one in listed or []):
        raise ValueError("unsupported")
    return tuple(_enclosed_one(one) for one in listed or [])


def _enclosed_one(one: Mapping[str, Any]) -> Enclosed:
    import base64

    try:
        content = base64.b64decode(_text(one, "content_base64") or _text(one, "base64"), validate=True)
    except binascii.Error:
        raise ValueError("invalid") from None
    name = _text(one, "filename") or _text(one, "name") or "file"
    return Enclosed(name, _text(one, "content_type") or "application/octet-stream", content)
