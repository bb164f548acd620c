"""Building mails: a reply as bytes, the same bytes each time, and nothing of a customer's that could add a header."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Any

from omnibox_email import addresses, charsets, headers

MOST_SUBJECT = 900
MOST_NAME = 200
MOST_FILE_NAME = 150
MOST_REFERENCES_BYTES = 4096
KEPT_REFERENCES = 20
LONGEST_ID = 900
_ID_HEADERS = frozenset({"message-id", "in-reply-to", "references"})
_REPLY_PREFIX = re.compile(
    r"\s*(?:re|aw|antw|antwort|sv|vs|vá|rv|rif|r|odp|ynt|ref|回复|答复|回覆|答覆|返信|ответ|отв|να|απ)\s*(?:\[\d{1,3}\]|\(\d{1,3}\))?\s*[:：]",
    re.I,
)


class _Policy(EmailPolicy):
    """The standard policy, save that ids are never cut or encoded: it makes encoded words of ids over 78 letters."""

    def fold(self, name: str, value: str) -> str:
        return _fold_ids(name, value) if name.lower() in _ID_HEADERS else super().fold(name, value)

    def fold_binary(self, name: str, value: str) -> bytes:
        if name.lower() in _ID_HEADERS:
            return _fold_ids(name, value).encode("ascii")
        return super().fold_binary(name, value)


def _fold_ids(name: str, value: str) -> str:
    return f"{name}: " + "\r\n ".join(str(value).split()) + "\r\n"


POLICY = _Policy(linesep="\r\n", cte_type="7bit", max_line_length=76)


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


def build(letter: Letter) -> bytes:
    """The mail as bytes: CRLF line ends, ASCII headers, lines of at most 998 bytes; no line break at its end."""
    message = EmailMessage(policy=POLICY)
    message["Date"] = format_datetime(letter.written_at)
    message["Message-ID"] = f"<{clean_id(letter.message_id)}>"
    message["From"] = mailbox(letter.sender, letter.sender_name)
    message["To"] = [mailbox(one) for one in letter.to]
    if letter.cc:
        message["Cc"] = [mailbox(one) for one in letter.cc]
    if letter.reply_to:
        message["Reply-To"] = mailbox(letter.reply_to, letter.sender_name)
    message["Subject"] = _words(letter.subject, MOST_SUBJECT)
    if answered := clean_id(letter.in_reply_to):
        message["In-Reply-To"] = f"<{answered}>"
    if chain := references(letter.references):
        message["References"] = " ".join(f"<{one}>" for one in chain)
    for name, value in letter.extra.items():
        message[name] = _words(value, MOST_SUBJECT)
    _add_body(message, letter)
    raw: bytes = message.as_bytes(policy=POLICY)
    return raw


def _add_body(message: EmailMessage, letter: Letter) -> None:
    """Text, or text and HTML, or either with files: no container more than needed."""
    shown: list[EmailMessage] = [_text_part(letter.text, "plain")]
    if letter.html:
        shown.append(_text_part(letter.html, "html"))
    body = shown[0] if len(shown) == 1 else _container("alternative", shown, letter.message_id)
    if letter.files:
        body = _container("mixed", [body, *(_file_part(one) for one in letter.files)], letter.message_id)
    for name, value in body.items():
        message[name] = value
    message["MIME-Version"] = "1.0"
    message.set_payload(body.get_payload())


def _container(subtype: str, parts: Sequence[EmailMessage], message_id: str) -> EmailMessage:
    """A multipart whose boundary follows from the id, so that a resend is byte-equal; `=_` is in no encoded body."""
    import hashlib

    container = EmailMessage(policy=POLICY)
    name = hashlib.sha256(f"{subtype} {message_id}".encode("utf-8", "replace")).hexdigest()[:32]
    container["Content-Type"] = f'multipart/{subtype}; boundary="=_{name}"'
    container.set_payload(list(parts))
    return container


def _text_part(text: str, subtype: str) -> EmailMessage:
    part = EmailMessage(policy=POLICY)
    raw = re.sub("[\ud800-\udfff]", "\ufffd", text).replace("\r\n", "\n").encode()
    part["Content-Type"] = f'text/{subtype}; charset="utf-8"'
    mostly_foreign = sum(byte >= 0x80 for byte in raw) * 4 > len(raw)
    part["Content-Transfer-Encoding"] = "base64" if mostly_foreign else "quoted-printable"
    part.set_payload(_base64(raw.replace(b"\n", b"\r\n")) if mostly_foreign else _quoted_printable(raw))
    return part


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


def _file_part(file: Enclosed) -> EmailMessage:
    part = EmailMessage(policy=POLICY)
    kind = file.content_type.lower().split(";")[0].strip()
    if not re.fullmatch(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}", kind):
        kind = "application/octet-stream"
    if kind.startswith(("message/", "multipart/")):
        kind = "application/octet-stream"  # these may not be encoded (RFC 2046 5.2.1)
    part["Content-Type"] = kind
    part["Content-Transfer-Encoding"] = "base64"
    name = _words(file.name, MOST_FILE_NAME) or "file"
    part.add_header("Content-Disposition", "attachment", filename=name)
    part.set_payload(_base64(file.content))
    return part


def mailbox(address: str, name: str = "") -> Address:
    """An address as header object: quoted and encoded where needed, no line break can pass."""
    local, _, domain = _words(address, 1000).rpartition("@")
    return Address(display_name=_words(name, MOST_NAME), username=local, domain=ascii_domain(domain))


def ascii_domain(domain: str) -> str:
    """The domain as it goes on the wire (IDNA); one that cannot be converted stays."""
    if domain.isascii():
        return domain
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain


def _words(text: str, most: int) -> str:
    """One line without control characters, cut between characters."""
    return headers.one_line(text)[:most].strip()


def clean_id(message_id: str) -> str:
    """An id fit for a header: printable ASCII without blanks and brackets; empty where it is none or too long."""
    cleaned = "".join(letter for letter in message_id if "!" <= letter <= "~" and letter not in "<>")
    return cleaned if len(cleaned) <= LONGEST_ID and cleaned == message_id.strip().strip("<>") else ""


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
    rest = headers.one_line(subject or "")
    for _ in range(50):
        found = _REPLY_PREFIX.match(rest)
        if not found:
            break
        rest = rest[found.end() :]
    return f"Re: {rest.strip()}".strip()


def envelope_address(address: str) -> str:
    """An address for MAIL and RCPT."""
    local, _, domain = charsets.clean(address).strip().rpartition("@")
    return f"{local}@{ascii_domain(domain)}"


def answer_to(raw: bytes, item: Mapping[str, Any], letter_id: str, now: datetime) -> tuple[Letter, list[str]]:
    """The answer to the mail `raw` and whom it goes to."""
    from omnibox_email import reading

    mail = reading.read(raw)
    wanted = [box.address for box in mail.reply_to if addresses.is_usable(box.address)]
    to = tuple(dict.fromkeys(wanted or ([mail.sender.address] if mail.sender else [])))
    earlier = mail.references or mail.in_reply_to[:1]
    sender = addresses.parse_list(str(item["from"]).encode("utf-8", "replace"))
    own = next((box for box in sender if addresses.is_usable(box.address)), None)
    if own is None or not to:
        raise ValueError("unsupported")
    letter = Letter(
        message_id=letter_id,
        written_at=now,
        sender=own.address,
        sender_name=own.name or "",
        to=to,
        subject=answer_subject(mail.subject),
        text=str(item.get("text") or ""),
        html=str(item["html"]) if item.get("html") else None,
        in_reply_to=mail.message_id or "",
        references=(*earlier, *([mail.message_id] if mail.message_id else [])),
        files=_enclosed(item.get("attachments")),
    )
    return letter, [envelope_address(one) for one in to]


def _enclosed(listed: Any) -> tuple[Enclosed, ...]:
    import base64

    files = []
    for one in listed if isinstance(listed, list) else []:
        content = base64.b64decode(str(one.get("content_base64") or one.get("base64") or ""))
        name = str(one.get("filename") or one.get("name") or "file")
        files.append(Enclosed(name, str(one.get("content_type") or "application/octet-stream"), content))
    return tuple(files)
